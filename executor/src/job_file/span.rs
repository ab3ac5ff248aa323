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

/// As long as it must not be, in microseconds: a million days, so that it can be written with six digits.
const MICROS_MAX: u128 = 1_000_000 * DAY_SECS as u128 * 1_000_000;
/// Most digits of a number before a unit.
const DIGITS_MAX: usize = 20;

/// A number of seconds as a length of time.
fn span(secs: f64) -> Option<Span> {
    Span::from_secs_f64(secs).filter(|span| u128::from(span.0) < MICROS_MAX)
}

/// Not a length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a length of time below a million days; write 90s, 15m, 2h30m, 1d, or a number of seconds")]
pub struct SpokenError(String);

impl FromStr for Spoken {
    type Err = SpokenError;

    /// A number of seconds, or numbers each with its unit: d, h, m, s, ms.
    fn from_str(text: &str) -> Result<Self, SpokenError> {
        let wrong = || SpokenError(text.to_owned());
        let text = text.trim();
        if let Ok(secs) = text.parse::<f64>() {
            return span(secs).map(Self).ok_or_else(wrong);
        }
        let (mut rest, mut total) = (text, 0u128);
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
            let after = &rest[digits..];
            let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
            let unit = unit_micros(&after[..letters]).ok_or_else(wrong)?;
            total += micros(&rest[..digits], unit).ok_or_else(wrong)?;
            rest = after[letters..].trim_start();
        }
        if text.is_empty() || total >= MICROS_MAX {
            return Err(wrong());
        }
        Ok(Self(Span(total as u64)))
    }
}

/// So many of a unit, to the nearest microsecond. Whole numbers all the way: what is written is read back exactly.
fn micros(number: &str, unit: u128) -> Option<u128> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if number.len() > DIGITS_MAX || (whole.is_empty() && part.is_empty()) {
        return None;
    }
    let read = |digits: &str| if digits.is_empty() { Some(0) } else { digits.parse::<u128>().ok() };
    let scale = 10u128.pow(part.len() as u32);
    Some(read(whole)? * unit + (read(part)? * unit + scale / 2) / scale)
}

fn unit_micros(unit: &str) -> Option<u128> {
    Some(match unit {
        "d" | "day" | "days" => u128::from(DAY_SECS) * 1_000_000,
        "h" | "hour" | "hours" => 3_600_000_000,
        "m" | "min" | "minute" | "minutes" => 60_000_000,
        "s" | "sec" | "second" | "seconds" => 1_000_000,
        "ms" => 1000,
        _ => return None,
    })
}

impl fmt::Display for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut secs, micros) = (self.0.0 / 1_000_000, self.0.0 % 1_000_000);
        let nothing = self.0.0 == 0;
        for (unit, length) in [("d", DAY_SECS), ("h", 3600), ("m", 60)] {
            if secs / length > 0 {
                write!(f, "{}{unit}", secs / length)?;
                secs %= length;
            }
        }
        match micros {
            0 if secs == 0 && !nothing => Ok(()),
            0 => write!(f, "{secs}s"),
            micros => write!(f, "{secs}.{}s", format!("{micros:06}").trim_end_matches('0')),
        }
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
                span(secs).map(Spoken).ok_or_else(|| E::custom(SpokenError(secs.to_string())))
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
        for wrong in [
            "1000000d",
            "999999d 1d",
            "86400000000",
            "1.2.3s",
            ".s",
            "123456789012345678901s",
            "",
            "h",
            "5 parsecs",
            "-3s",
            "1e400",
            "3m-2s",
            "nan",
        ] {
            assert!(secs(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(micros in 0u64..MICROS_MAX as u64) {
            let spoken = Spoken(Span(micros));
            let text = spoken.to_string();
            prop_assert_eq!(text.parse::<Spoken>(), Ok(spoken));
            // As the schema says: numbers of at most six digits, each with its unit.
            let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
            prop_assert!(numbers.into_iter().all(|digits| digits.len() <= 6), "{}", text);
        }
    }
}
