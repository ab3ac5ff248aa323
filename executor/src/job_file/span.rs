//! Lengths of time as people write them: `90s`, `2h30m`, `1d`, or a number of seconds.

use std::fmt;
use std::str::FromStr;

use engine::Span;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const DAY_SECS: u64 = 24 * 3600;
/// What the schema says of texts: as people write them. Some others are read too.
const PATTERN: &str = r"^[0-9]{1,6}(\.[0-9]{1,6})?((ms|s|m|h|d)( ?[0-9]{1,6}(\.[0-9]{1,6})?(ms|s|m|h|d))*)?$";
/// What the schema says of numbers: 30 years.
const SECS_MAX: u64 = 30 * 365 * DAY_SECS;

/// A length of time as it is written in a job file. It is written back in its shortest form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spoken(pub Span);

/// Not a length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a length of time; write 90s, 15m, 2h30m, 1d, or a number of seconds")]
pub struct SpokenError(String);

impl FromStr for Spoken {
    type Err = SpokenError;

    /// A number of seconds, or numbers each with its unit: d, h, m, s, ms.
    fn from_str(text: &str) -> Result<Self, SpokenError> {
        let wrong = || SpokenError(text.to_owned());
        let text = text.trim();
        if let Ok(secs) = text.parse::<f64>() {
            return Span::from_secs_f64(secs).map(Self).ok_or_else(wrong);
        }
        let mut rest = text;
        let mut secs = 0.0;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
            let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
            let after = &rest[digits..];
            let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
            secs += number * unit_secs(&after[..letters]).ok_or_else(wrong)?;
            rest = after[letters..].trim_start();
        }
        if text.is_empty() {
            return Err(wrong());
        }
        Span::from_secs_f64(secs).map(Self).ok_or_else(wrong)
    }
}

fn unit_secs(unit: &str) -> Option<f64> {
    Some(match unit {
        "d" | "day" | "days" => DAY_SECS as f64,
        "h" | "hour" | "hours" => 3600.0,
        "m" | "min" | "minute" | "minutes" => 60.0,
        "s" | "sec" | "second" | "seconds" => 1.0,
        "ms" => 0.001,
        _ => return None,
    })
}

impl fmt::Display for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.0;
        let (mut secs, rest) = (micros / 1_000_000, micros % 1_000_000);
        if rest != 0 || secs == 0 {
            return write!(f, "{}s", micros as f64 / 1e6);
        }
        for (unit, length) in [("d", DAY_SECS), ("h", 3600), ("m", 60), ("s", 1)] {
            if secs / length > 0 {
                write!(f, "{}{unit}", secs / length)?;
                secs %= length;
            }
        }
        Ok(())
    }
}

impl Serialize for Spoken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Spoken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl Visitor<'_> for Words {
            type Value = Spoken;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a length of time such as 90s, 2h30m, or a number of seconds")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Spoken, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: Error>(self, secs: u64) -> Result<Spoken, E> {
                self.visit_f64(secs as f64)
            }

            fn visit_i64<E: Error>(self, secs: i64) -> Result<Spoken, E> {
                self.visit_f64(secs as f64)
            }

            fn visit_f64<E: Error>(self, secs: f64) -> Result<Spoken, E> {
                Span::from_secs_f64(secs).map(Spoken).ok_or_else(|| E::custom(SpokenError(secs.to_string())))
            }
        }
        deserializer.deserialize_any(Words)
    }
}

impl JsonSchema for Spoken {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Spoken".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A length of time: 90s, 15m, 2h30m, 1d, or a number of seconds.",
            "anyOf": [
                {"type": "string", "pattern": PATTERN},
                {"type": "number", "minimum": 0, "maximum": SECS_MAX}
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn people_write_times_in_many_ways() {
        let secs = |text: &str| text.parse::<Spoken>().map(|spoken| spoken.0.secs_f64());
        for (text, expected) in
            [("90", 90.0), ("90s", 90.0), ("2h30m", 9000.0), ("1d 2h", 93_600.0), ("1.5h", 5400.0), ("250ms", 0.25)]
        {
            assert_eq!(secs(text), Ok(expected), "{text}");
        }
        for wrong in ["", "h", "5 parsecs", "-3s", "1e400", "3m-2s", "nan"] {
            assert!(secs(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(micros in 0u64..1 << 50) {
            let spoken = Spoken(Span(micros));
            prop_assert_eq!(spoken.to_string().parse::<Spoken>(), Ok(spoken));
        }
    }
}
