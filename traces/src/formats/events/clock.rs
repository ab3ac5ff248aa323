//! Times as people's exports have them: Unix times of four units, dates with a zone, dates without.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::decimal::{self, Flaw};
use crate::error::{TraceError, shown};
use crate::table::{Cells, Place};

/// How a column writes its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Seconds, with or without decimals.
    Seconds,
    Millis,
    Micros,
    Nanos,
    /// Date and time with an offset from UTC, or Z.
    Zoned,
    /// Date and time of an unnamed zone.
    Civil,
}

impl Kind {
    fn said(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Millis => "milliseconds",
            Self::Micros => "microseconds",
            Self::Nanos => "nanoseconds",
            Self::Zoned => "dates with a zone",
            Self::Civil => "dates without a zone",
        }
    }

    /// A number by its size: 10^11 seconds are the year 5138, 10^11 milliseconds 1973, and so on.
    fn of_number(size: u64) -> Self {
        match size {
            0..100_000_000_000 => Self::Seconds,
            100_000_000_000..100_000_000_000_000 => Self::Millis,
            100_000_000_000_000..100_000_000_000_000_000 => Self::Micros,
            _ => Self::Nanos,
        }
    }
}

/// A time in microseconds, of Unix time or of the civil clock as if it were UTC, and how it was written.
pub(crate) fn moment(text: &str) -> Result<(Kind, i64), Flaw> {
    let size = match decimal::scaled(text, 0) {
        Ok(size) => size.value,
        Err(Flaw::Garbage) => return date(text).ok_or(Flaw::Garbage),
        Err(flaw) => return Err(flaw),
    };
    let kind = Kind::of_number(size);
    let micros = match kind {
        Kind::Seconds => decimal::scaled(text, 6)?.value,
        Kind::Millis => decimal::scaled(text, 3)?.value,
        Kind::Nanos => size / 1000,
        _ => size,
    };
    Ok((kind, micros.cast_signed()))
}

/// A date and time, with a zone or without.
pub(crate) fn date(text: &str) -> Option<(Kind, i64)> {
    if let Ok(zoned) = text.parse::<Timestamp>() {
        return Some((Kind::Zoned, zoned.as_microsecond()));
    }
    let civil: DateTime = text.parse().ok()?;
    Some((Kind::Civil, TimeZone::UTC.to_timestamp(civil).ok()?.as_microsecond()))
}

/// The civil time of a moment, in UTC where it was an absolute one.
pub(crate) fn civil(micros: i64) -> Option<String> {
    let at = Timestamp::UNIX_EPOCH.checked_add(SignedDuration::from_micros(micros)).ok()?;
    Some(TimeZone::UTC.to_datetime(at).to_string())
}

/// A column of times, all of one kind.
#[derive(Debug)]
pub(crate) struct TimeColumn {
    pub(crate) at: Option<usize>,
    pub(crate) name: String,
    pub(crate) first: Option<(Kind, Place)>,
}

impl TimeColumn {
    pub(crate) fn new(at: Option<usize>, name: &str) -> Self {
        Self { at, name: name.to_owned(), first: None }
    }

    /// The kind of its times, once one was read.
    pub(crate) fn kind(&self) -> Option<Kind> {
        self.first.map(|(kind, _)| kind)
    }

    /// The time in a row.
    pub(crate) fn read(&mut self, cells: &Cells<'_>) -> Result<i64, TraceError> {
        let text = cells.text(self.at).trim();
        let (kind, micros) = moment(text).map_err(|flaw| match flaw {
            Flaw::Garbage => cells
                .error(&self.name, format!("`{}` is no time", shown(text)))
                .with_hint("write a Unix time such as 1700000000, or YYYY-MM-DDTHH:MM:SS with or without a zone"),
            flaw => cells.flaw(&self.name, flaw, text),
        })?;
        match self.first {
            Some((first, place)) if first != kind => {
                let message = format!("`{}` is of {}, but {place} is of {}", shown(text), kind.said(), first.said());
                Err(cells.error(&self.name, message).with_hint("write all times of a column in one way"))
            }
            Some(_) => Ok(micros),
            None => {
                self.first = Some((kind, cells.place));
                Ok(micros)
            }
        }
    }
}

/// The columns must agree on whether their times have a zone.
pub(crate) fn check_clocks<'a>(file: &str, columns: impl Iterator<Item = &'a TimeColumn>) -> Result<(), TraceError> {
    let known: Vec<(&str, Kind)> = columns.filter_map(|column| Some((column.name.as_str(), column.kind()?))).collect();
    let civil = known.iter().find(|(_, kind)| *kind == Kind::Civil);
    let other = known.iter().find(|(_, kind)| *kind != Kind::Civil);
    let (Some((civil, _)), Some((other, kind))) = (civil, other) else { return Ok(()) };
    let message = format!("`{civil}` has dates without a zone, `{other}` has {}", kind.said());
    Err(TraceError::new(file, message).with_hint("write all times by one clock: Unix times, or dates with a zone"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        assert_eq!(moment("1700000000"), Ok((Kind::Seconds, 1_700_000_000_000_000)));
        assert_eq!(moment("1.7e9"), Ok((Kind::Seconds, 1_700_000_000_000_000)));
        assert_eq!(moment("1700000000.25"), Ok((Kind::Seconds, 1_700_000_000_250_000)));
        assert_eq!(moment("1700000000123"), Ok((Kind::Millis, 1_700_000_000_123_000)));
        assert_eq!(moment("1700000000123456"), Ok((Kind::Micros, 1_700_000_000_123_456)));
        assert_eq!(moment("1700000000123456789"), Ok((Kind::Nanos, 1_700_000_000_123_456)));
        assert_eq!(moment("2023-11-14T22:13:20Z"), Ok((Kind::Zoned, 1_700_000_000_000_000)));
        assert_eq!(moment("2023-11-14T23:13:20+01:00"), Ok((Kind::Zoned, 1_700_000_000_000_000)));
        assert_eq!(moment("2023-11-14 22:13:20"), Ok((Kind::Civil, 1_700_000_000_000_000)));
        assert_eq!(moment("yesterday"), Err(Flaw::Garbage));
        assert_eq!(moment("-5"), Err(Flaw::Negative));
        assert_eq!(moment("nan"), Err(Flaw::NotFinite));
        assert_eq!(civil(1_700_000_000_000_000).as_deref(), Some("2023-11-14T22:13:20"));
    }
}
