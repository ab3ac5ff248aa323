//! Values that have a form of their own, the same in options and in experiment files.

use std::str::FromStr;

use serde::Deserialize;

/// How a recorded trace is made into samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Resample {
    /// Whole days, drawn with replacement.
    Days,
}

/// An arrival rate as a multiple of the trace's own.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub(crate) struct Load(pub(crate) f64);

/// A part of the time axis, in hours since the first submission.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Window {
    from_h: f64,
    to_h: f64,
}

impl Window {
    /// The window in seconds.
    pub(crate) fn secs(self) -> (f64, f64) {
        (self.from_h * 3600.0, self.to_h * 3600.0)
    }
}

impl FromStr for Window {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let hours = |text: &str| text.trim().parse().ok().filter(|hours: &f64| hours.is_finite() && *hours >= 0.0);
        let ends = text.split_once("..").and_then(|(from, to)| Some((hours(from)?, hours(to)?)));
        match ends {
            Some((from_h, to_h)) if from_h < to_h => Ok(Self { from_h, to_h }),
            Some(_) => Err("a window ends after it begins, such as 10..16".to_owned()),
            None => Err("a window is FROM..TO in hours since the first submission, such as 10..16".to_owned()),
        }
    }
}

impl TryFrom<String> for Window {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl TryFrom<f64> for Load {
    type Error = String;

    fn try_from(load: f64) -> Result<Self, String> {
        let message = "a load is a number from 0.001 to 1000, such as 1.2 for 20 % more jobs an hour";
        if (0.001..=1000.0).contains(&load) { Ok(Self(load)) } else { Err(message.to_owned()) }
    }
}

impl FromStr for Load {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.trim().parse().unwrap_or(f64::NAN).try_into()
    }
}

impl FromStr for Resample {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "days" => Ok(Self::Days),
            _ => Err("only whole days can be resampled: say `days`".to_owned()),
        }
    }
}

impl TryFrom<String> for Resample {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_and_loads() {
        let window = |text: &str| text.parse::<Window>();
        assert_eq!(window("10..16").unwrap().secs(), (36_000.0, 57_600.0));
        assert_eq!(window("0.5 .. 1").unwrap().secs(), (1800.0, 3600.0));
        for bad in ["", "10", "10..", "16..10", "1..1", "-1..2", "nan..2", "1..inf"] {
            assert!(window(bad).is_err(), "{bad}");
        }
        assert_eq!("1.2".parse(), Ok(Load(1.2)));
        for bad in ["0", "-1", "nan", "inf", "x", ""] {
            assert!(bad.parse::<Load>().is_err(), "{bad}");
        }
    }
}
