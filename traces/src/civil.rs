//! Civil times: what a clock on the wall shows, without a zone.

use engine::Time;
use jiff::civil::DateTime;

/// A time such as `2020-04-01 00:02:38`, with or without fractions and an offset, which is not applied.
pub(crate) fn parse(text: &str) -> Option<DateTime> {
    plain(text.as_bytes()).or_else(|| text.parse().ok())
}

/// The time from `origin` to `at`; `None` when it is negative.
pub(crate) fn since(origin: DateTime, at: DateTime) -> Option<Time> {
    u64::try_from(at.duration_since(origin).as_micros()).ok().map(Time)
}

/// The common form to the second, several times as fast as the general parser; anything else is left to that.
fn plain(text: &[u8]) -> Option<DateTime> {
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to)?;
        let add = |sum: i16, digit: &u8| digit.is_ascii_digit().then(|| sum * 10 + i16::from(*digit - b'0'));
        digits.iter().try_fold(0i16, add)
    };
    let [_, _, _, _, b'-', _, _, b'-', _, _, b' ' | b'T', _, _, b':', _, _, b':', _, _] = text else { return None };
    let (year, month, day) = (number(0, 4)?, number(5, 7)? as i8, number(8, 10)? as i8);
    let (hour, minute, second) = (number(11, 13)? as i8, number(14, 16)? as i8, number(17, 19)? as i8);
    DateTime::new(year, month, day, hour, minute, second, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_times_are_those_of_the_general_parser() {
        for text in ["2017-10-09 07:01:55", "2020-02-29T23:59:59", "0001-01-01 00:00:00", "9999-12-31 23:59:59"] {
            assert_eq!(plain(text.as_bytes()), text.parse().ok(), "{text}");
            assert!(plain(text.as_bytes()).is_some());
        }
        for text in ["2019-02-29 00:00:00", "2017-10-09 24:00:00", "2017-13-01 00:00:00", "2017-10-9 07:01:55", "x"] {
            assert_eq!(plain(text.as_bytes()), None, "{text}");
        }
    }
}
