//! Durations and points in time as they are written in brackets.

use engine::Time;
use jiff::civil::DateTime;

use super::Work;
use crate::civil::since;
use crate::error::{TraceError, shown};

/// A duration in microseconds: `36h`, `1d12h`, `90m`, `3600s`, `0.5h`, or seconds without a unit.
pub(super) fn duration_us(text: &str) -> Option<u64> {
    if let Some(us) = seconds_us(text, 1.0) {
        return Some(us);
    }
    let (mut rest, mut sum) = (text, 0u64);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let unit = tail.chars().next()?;
        let seconds = match unit {
            'd' => 86_400.0,
            'h' => 3600.0,
            'm' => 60.0,
            's' => 1.0,
            _ => return None,
        };
        sum = sum.checked_add(seconds_us(number, seconds)?)?;
        rest = &tail[unit.len_utf8()..];
    }
    (!text.is_empty()).then_some(sum)
}

fn seconds_us(number: &str, unit_s: f64) -> Option<u64> {
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let us = number.parse::<f64>().ok()? * unit_s * 1e6;
    (us <= 9e18).then(|| us.round() as u64)
}

/// One end of a window.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Moment {
    /// The first or the last submission.
    Open,
    /// Since time zero.
    Since(Time),
    /// On the clock of the trace.
    Civil(DateTime),
}

impl Moment {
    /// What a point in time must look like.
    pub(super) const WANTED: &str =
        "FROM..TO, each a time since time zero such as 36h or 2d, or a date such as 2017-10-03";

    /// Reads one end.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::Open);
        }
        match duration_us(text) {
            Some(us) => Some(Self::Since(Time(us))),
            None => text.parse().ok().map(Self::Civil),
        }
    }

    /// The time in `work`'s trace; `open` where the end is open. A date before time zero is time zero.
    pub(super) fn resolve(&self, work: &Work<'_>, open: Time) -> Result<Time, TraceError> {
        match self {
            Self::Open => Ok(open),
            Self::Since(time) => Ok(*time),
            Self::Civil(at) => {
                let Some(text) = work.trace.origin.as_deref() else {
                    let error = work.error("the trace has no clock, so a date says nothing");
                    return Err(error.with_hint("give times since time zero, such as 0d..14d"));
                };
                let origin: DateTime = text.parse().map_err(|_| {
                    let error = work.error(format!("the origin `{}` of the trace is no date and time", shown(text)));
                    error.with_hint("give times since time zero, such as 0d..14d")
                })?;
                Ok(since(origin, *at).unwrap_or(Time::ZERO))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, seconds) in
            [("36h", 129_600), ("2d", 172_800), ("90m", 5400), ("3600s", 3600), ("3600", 3600), ("1d12h", 129_600)]
        {
            assert_eq!(duration_us(text), Some(seconds * 1_000_000), "{text}");
        }
        assert_eq!(duration_us("0.5h"), Some(1_800_000_000));
        assert_eq!(duration_us("1.5"), Some(1_500_000));
        for bad in ["", "h", "1x", "-1h", "1h2", "1..2h", "nan", "1e3", "1é"] {
            assert_eq!(duration_us(bad), None, "{bad}");
        }
    }

    #[test]
    fn moments() {
        assert_eq!(Moment::parse(""), Some(Moment::Open));
        assert_eq!(Moment::parse("1h"), Some(Moment::Since(Time(3_600_000_000))));
        assert!(matches!(Moment::parse("2017-10-03"), Some(Moment::Civil(at)) if at.hour() == 0 && at.day() == 3));
        assert!(matches!(Moment::parse("2017-10-03T12:30"), Some(Moment::Civil(at)) if at.minute() == 30));
        assert_eq!(Moment::parse("soon"), None);
    }
}
