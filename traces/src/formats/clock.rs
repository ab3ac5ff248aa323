//! Times of logs that show a calendar: parsed fast, and counted from the first submission in the end.
//!
//! While a file is read, a time is the number of microseconds since the beginning of 1970 on the clock of the file.
//! Time zero moves to the first submission when all rows are there, so that no row has to be kept twice.

use engine::Time;
use jiff::SignedDuration;

use crate::civil::{self, EPOCH};
use crate::error::{TraceError, shown};
use crate::table::{Cells, trimmed};
use crate::trace::TraceJob;

/// How published logs write that there is no time.
const MISSING: [&str; 7] = ["", "None", "null", "NaT", "NaN", "nan", "Unknown"];

/// A time with its distance from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Instant {
    /// Microseconds since 1970 in UTC.
    pub(super) micros: u64,
    /// Seconds that the clock is ahead of UTC.
    pub(super) ahead_s: i64,
}

/// Whether a text says that there is no time.
pub(super) fn is_missing(text: &str) -> bool {
    MISSING.contains(&text.trim())
}

/// Microseconds since 1970 on the clock of the text `YYYY-MM-DD HH:MM:SS`, with or without fractions.
pub(super) fn micros(text: &str) -> Option<u64> {
    civil::micros(trimmed(text))
}

/// The same with an offset such as `+08:00` or `Z` behind it.
fn instant(text: &str) -> Option<Instant> {
    let text = text.trim();
    let (civil, ahead_s) = if let Some(civil) = text.strip_suffix('Z') {
        (civil, 0)
    } else {
        let at = text.rfind(['+', '-']).filter(|at| *at > "YYYY-MM-DD".len())?;
        (&text[..at], offset(&text[at..])?)
    };
    let local = i64::try_from(micros(civil)?).ok()?;
    let micros = u64::try_from(local - ahead_s * 1_000_000).ok()?;
    Some(Instant { micros, ahead_s })
}

/// Seconds of an offset such as `+08:00`, `-0330` or `+08`.
fn offset(text: &str) -> Option<i64> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize| digits.get(from..from + 2).map_or(Some(0), |part| part.parse::<i64>().ok());
    let (hours, minutes) = (part(0)?, part(2)?);
    (hours <= 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// The time in a cell, on the clock of the file.
pub(super) fn civil_cell(cells: &Cells<'_>, at: Option<usize>, field: &str) -> Result<u64, TraceError> {
    let text = cells.text(at);
    micros(text).ok_or_else(|| {
        let message = format!("`{}` is not a date and time", shown(text.trim()));
        cells.error(field, message).with_hint("write YYYY-MM-DD HH:MM:SS, not before 1970")
    })
}

/// The time with an offset in a cell.
pub(super) fn instant_cell(cells: &Cells<'_>, at: Option<usize>, field: &str) -> Result<Instant, TraceError> {
    let text = cells.text(at);
    instant(text).ok_or_else(|| {
        let message = format!("`{}` is not a date and time with an offset from UTC", shown(text.trim()));
        cells.error(field, message).with_hint("write YYYY-MM-DD HH:MM:SS+08:00, not before 1970")
    })
}

/// Moves time zero to the first submission, and tells when that was in microseconds since 1970.
pub(super) fn start_at_first(jobs: &mut [TraceJob]) -> Option<u64> {
    let first = jobs.iter().map(|job| job.submit.0).min()?;
    let moved = |time: Time| Time(time.0.saturating_sub(first));
    for job in jobs {
        job.submit = moved(job.submit);
        // Without a start there may be no details, and writing would make room for them.
        if let Some(start) = job.start {
            job.start = Some(moved(start));
        }
    }
    Some(first)
}

/// The text of a time, as the origin of a trace.
pub(super) fn origin(micros: u64) -> Option<String> {
    let since = SignedDuration::from_micros(i64::try_from(micros).ok()?);
    EPOCH.checked_add(since).ok().map(|at| at.to_string())
}

/// The same with the offset of the clock.
pub(super) fn origin_with_offset(at: Instant) -> Option<String> {
    let local = i64::try_from(at.micros).ok()? + at.ahead_s * 1_000_000;
    let (sign, minutes) = (if at.ahead_s < 0 { '-' } else { '+' }, at.ahead_s.abs() / 60);
    Some(format!("{}{sign}{:02}:{:02}", origin(u64::try_from(local).ok()?)?, minutes / 60, minutes % 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn civil_times() {
        assert_eq!(micros("1970-01-02 00:00:01"), Some(86_401_000_000));
        assert_eq!(micros(" 2020-02-29T23:59:59 "), micros("2020-02-29 23:59:59.000"));
        assert_eq!(micros("2020-04-01 00:00:00.25").map(|at| at % 1_000_000), Some(250_000));
        for text in ["", "2021-02-29 00:00:00", "2020-04-01 24:00:00", "x020-04-01 00:00:00", "1969-12-31 00:00:00"] {
            assert_eq!(micros(text), None, "{text}");
        }
        assert_eq!(micros("2020-04-01 00:02:38").and_then(origin).as_deref(), Some("2020-04-01T00:02:38"));
        assert!(["", " None ", "NaT"].into_iter().all(is_missing) && !is_missing("0"));
    }

    #[test]
    fn offsets_are_applied() {
        let utc = instant("2023-02-28 16:18:22+00:00").unwrap();
        let east = instant("2023-03-01 00:18:22+08:00").unwrap();
        assert_eq!((utc.micros, utc.ahead_s, east.ahead_s), (east.micros, 0, 28_800));
        assert_eq!(instant("2023-02-28T16:18:22Z"), Some(utc));
        assert_eq!(instant("2023-02-28 12:48:22-0330").map(|at| at.micros), Some(utc.micros));
        assert_eq!(origin_with_offset(east).as_deref(), Some("2023-03-01T00:18:22+08:00"));
        let west = instant("2023-02-28 12:48:22-0330").unwrap();
        assert_eq!(origin_with_offset(west).as_deref(), Some("2023-02-28T12:48:22-03:30"));
        for text in
            ["2023-03-01 00:18:22", "2023-03-01", "2023-03-01 00:18:22+8", "2023-03-01 00:18:22+08:61", "+08:00"]
        {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
