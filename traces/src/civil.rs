//! Civil times: what a clock on the wall shows, without a zone.

use engine::{MICROS, Time};
use jiff::civil::DateTime;

/// Where [`micros`] are counted from.
pub(crate) const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// A time such as `2020-04-01 00:02:38`, with or without fractions and an offset, which is not applied.
pub(crate) fn parse(text: &str) -> Option<DateTime> {
    text.parse().ok()
}

/// Microseconds from the beginning of 1970 to the time in such a text; `None` when they are negative.
pub(crate) fn micros(text: &str) -> Option<u64> {
    plain_micros(text.as_bytes()).or_else(|| since(EPOCH, parse(text)?).map(|since| since.0))
}

/// The time from `origin` to `at`; `None` when it is negative.
pub(crate) fn since(origin: DateTime, at: DateTime) -> Option<Time> {
    u64::try_from(at.duration_since(origin).as_micros()).ok().map(Time)
}

/// The same of the common form to the second from 1970 on, more than ten times as fast as the general parser; anything
/// else is left to that.
fn plain_micros(text: &[u8]) -> Option<u64> {
    let text: &[u8; 19] = text.try_into().ok()?;
    let between = text[10];
    if !matches!(between, b' ' | b'T') {
        return None;
    }
    let date = pairs(*text.first_chunk()?, *b"0000-00-")?;
    let middle = pairs(*text[8..].first_chunk()?, [b'0', b'0', between, b'0', b'0', b':', b'0', b'0'])?;
    let time = pairs(*text.last_chunk()?, *b"00:00:00")?;
    let (year, month, day) = (u64::from(date[0]) * 100 + u64::from(date[2]), u64::from(date[5]), u64::from(middle[0]));
    let (hour, minute, second) = (u64::from(time[0]), u64::from(time[3]), u64::from(time[6]));
    let fits = year >= 1970 && (1..=12).contains(&month) && (1..=days_in(month, year)).contains(&day);
    if !fits || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some((((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * MICROS)
}

/// The numbers of two digits that begin at each byte of `text`, which must have a digit wherever `form` has a zero, and
/// be like `form` elsewhere. All eight bytes at once, in one word.
fn pairs(text: [u8; 8], form: [u8; 8]) -> Option<[u8; 8]> {
    // What is left of a digit is 0 to 9, and of the rest nothing. With the slack of its byte added, anything more shows
    // in the highest bit.
    let slack = u64::from_le_bytes(form.map(|byte| if byte == b'0' { 0x7f - 9 } else { 0x7f }));
    let digits = u64::from_le_bytes(text) ^ u64::from_le_bytes(form);
    if (digits.wrapping_add(slack) | digits) & u64::from_le_bytes([0x80; 8]) != 0 {
        return None;
    }
    Some((digits * 10 + (digits >> 8)).to_le_bytes())
}

fn days_in(month: u64, year: u64) -> u64 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of the Gregorian calendar. Years begin in March here, so that the leap day is the last of its year.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    // The months from March on have 31, 30, 31, 30, 31 days, twice over: 153 in five months.
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    // From the first of March of year 0 to the beginning of 1970 there are 719,468 days.
    365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use proptest::prelude::*;

    use super::*;

    /// What the general parser says.
    fn general(text: &str) -> Option<u64> {
        since(EPOCH, parse(text)?).map(|since| since.0)
    }

    #[test]
    fn every_day_is_that_of_the_general_calendar() {
        let mut at = EPOCH.date();
        let (mut days, mut text) = (0, String::new());
        loop {
            text.clear();
            let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{at} 00:00:00"));
            assert_eq!(plain_micros(text.as_bytes()), Some(days * 86_400 * MICROS), "{text}");
            days += 1;
            match at.checked_add(1.day()) {
                Ok(next) => at = next,
                Err(_) => break,
            }
        }
        assert_eq!((at.to_string().as_str(), days), ("9999-12-31", 2_932_897));
    }

    #[test]
    fn the_ends_of_the_range() {
        assert_eq!(plain_micros(b"1970-01-01 00:00:00"), Some(0));
        assert_eq!(plain_micros(b"9999-12-31T23:59:59"), general("9999-12-31T23:59:59"));
        for text in ["1969-12-31 23:59:59", "0000-03-01 00:00:00", "-001-01-01 00:00:00"] {
            assert_eq!((plain_micros(text.as_bytes()), micros(text)), (None, None), "{text}");
        }
        assert_eq!(micros("2016-12-31 23:59:60"), general("2016-12-31 23:59:59"), "a leap second");
        assert_eq!(micros("2020-02-29 23:59:59.25").map(|at| at % MICROS), Some(250_000));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        /// Dates and times that may not exist, and texts that are nearly of the form.
        #[test]
        fn agrees_with_the_general_parser(
            (year, month, day) in (1960u32..10_001, 0u32..14, 0u32..33),
            (hour, minute, second) in (0u32..26, 0u32..62, 0u32..62),
            (between, at, other) in ("[ TtZ_]", 0usize..30, "[0-9:. +x-]"),
        ) {
            let text = format!("{year:04}-{month:02}-{day:02}{between}{hour:02}:{minute:02}:{second:02}");
            prop_assert_eq!(micros(&text), general(&text));
            if let Some(micros) = plain_micros(text.as_bytes()) {
                prop_assert_eq!(Some(micros), general(&text));
            }
            let mut near = text;
            if at < near.len() {
                near.replace_range(at..=at, &other);
            }
            prop_assert_eq!(micros(&near), general(&near));
        }
    }
}
