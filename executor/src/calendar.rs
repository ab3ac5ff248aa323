//! Days of the calendar (UTC), counted from 1970-01-01.

/// Microseconds of a day.
pub const DAY_US: u64 = 86_400_000_000;
/// Days up to the end of the year 9999.
const DAYS_MAX: u32 = 2_932_896;

/// The day of an instant in microseconds since 1970.
pub fn day_of(at_us: u64) -> u32 {
    u32::try_from(at_us / DAY_US).unwrap_or(u32::MAX).min(DAYS_MAX)
}

/// A day as `2026-01-31`.
pub fn day_text(day: u32) -> String {
    let (year, month, day) = civil(day);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The day of a text such as `2026-01-31`, from 1970 to 9999.
pub fn read_day(text: &str) -> Option<u32> {
    let digits = |part: &str, length: usize| {
        let plain = part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| part.parse::<u32>().ok()).flatten()
    };
    let mut parts = text.split('-');
    let (year, month, day) = (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    if parts.next().is_some() || year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let days = count(year, month, day);
    // What is no day of its month, such as February 30, would come back as another.
    (civil(days) == (year, month, day)).then_some(days)
}

/// Days from 1970-01-01, by the algorithm `days_from_civil` of H. Hinnant (chrono-Compatible Low-Level Date Algorithms).
fn count(year: u32, month: u32, day: u32) -> u32 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day: `civil_from_days` of the same source.
fn civil(days: u32) -> (u32, u32, u32) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u32::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

/// The parts of `from..to`, in microseconds since 1970, that lie on each day.
pub fn by_day(from_us: u64, to_us: u64) -> impl Iterator<Item = (u32, u64)> {
    let mut at = from_us;
    std::iter::from_fn(move || {
        let end = (at / DAY_US + 1).saturating_mul(DAY_US).min(to_us);
        let part = (at < to_us).then(|| (day_of(at), end - at));
        at = end;
        part
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_days() {
        for (day, text) in
            [(0, "1970-01-01"), (58, "1970-02-28"), (59, "1970-03-01"), (11_016, "2000-02-29"), (20_514, "2026-03-02")]
        {
            assert_eq!((day_text(day).as_str(), read_day(text)), (text, Some(day)));
        }
        for wrong in [
            "",
            "2026",
            "2026-02-30",
            "2025-02-29",
            "2026-13-01",
            "2026-1-1",
            "1969-12-31",
            "2026-01-01-1",
            "+026-01-01",
        ] {
            assert_eq!(read_day(wrong), None, "{wrong}");
        }
        assert_eq!(day_text(DAYS_MAX), "9999-12-31");
    }

    proptest! {
        #[test]
        fn days_are_written_and_read_back_in_order(day in 0..DAYS_MAX) {
            prop_assert_eq!(read_day(&day_text(day)), Some(day));
            prop_assert!(day_text(day) < day_text(day + 1));
        }

        #[test]
        fn parts_of_days_add_up(from in 0..1_u64 << 52, length in 0..40 * DAY_US) {
            let parts: Vec<(u32, u64)> = by_day(from, from + length).collect();
            prop_assert_eq!(parts.iter().map(|(_, us)| us).sum::<u64>(), length);
            prop_assert!(parts.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0));
            prop_assert!(parts.iter().all(|(_, us)| (1..=DAY_US).contains(us)));
        }
    }
}
