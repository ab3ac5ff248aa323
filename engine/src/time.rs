//! Simulated or real time as integer microseconds, and the integer arithmetic of progress.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Serialize};

/// An instant: microseconds since the origin of the trace or of the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Time(pub u64);

/// A length of time in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span(pub u64);

/// Microseconds in a second.
pub const MICROS: u64 = 1_000_000;

impl Time {
    /// The origin.
    pub const ZERO: Self = Self(0);
    /// Later than every instant that can occur.
    pub const NEVER: Self = Self(u64::MAX);

    /// The span from `earlier` to `self`; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// Seconds since the origin, for people and for result files.
    pub fn secs_f64(self) -> f64 {
        self.0 as f64 / MICROS as f64
    }

    /// `None` for [`Time::NEVER`].
    pub fn known(self) -> Option<Self> {
        (self != Self::NEVER).then_some(self)
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// Longer than every span that can occur.
    pub const MAX: Self = Self(u64::MAX);

    /// Whole seconds.
    pub const fn secs(secs: u64) -> Self {
        Self(secs * MICROS)
    }

    /// Whole hours.
    pub const fn hours(hours: u64) -> Self {
        Self::secs(hours * 3600)
    }

    /// The nearest microsecond to `secs` seconds. `None` when `secs` is negative, not finite, or more than 2^63 µs.
    pub fn from_secs_f64(secs: f64) -> Option<Self> {
        let micros = (secs * MICROS as f64).round();
        (0.0..9.2e18).contains(&micros).then_some(Self(micros as u64))
    }

    /// Seconds, for people and for result files.
    pub fn secs_f64(self) -> f64 {
        self.0 as f64 / MICROS as f64
    }
}

impl Add<Span> for Time {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Span {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Span {
    type Output = Self;
    /// Saturates at zero.
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_secs(self.0, f)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_secs(self.0, f)
    }
}

fn write_secs(micros: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (secs, rest) = (micros / MICROS, micros % MICROS);
    if rest == 0 {
        write!(f, "{secs}s")
    } else {
        let digits = format!("{rest:06}");
        write!(f, "{secs}.{}s", digits.trim_end_matches('0'))
    }
}

/// Speed of progress in parts per million of the reference speed: work = time x rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rate(u32);

impl Rate {
    /// The reference speed: one microsecond of work in one microsecond.
    pub const FULL: Self = Self(1_000_000);

    /// `ppm` parts per million; a rate is never zero, so that every run ends.
    pub const fn ppm(ppm: u32) -> Self {
        Self(if ppm == 0 { 1 } else { ppm })
    }

    /// Parts per million.
    pub const fn as_ppm(self) -> u32 {
        self.0
    }

    /// Work done in `elapsed`, rounded down.
    pub fn work_in(self, elapsed: Span) -> Span {
        if self == Self::FULL {
            return elapsed;
        }
        Span((u128::from(elapsed.0) * u128::from(self.0) / 1_000_000) as u64)
    }

    /// Time that `work` takes, rounded up: after it, [`Rate::work_in`] is at least `work`.
    pub fn time_for(self, work: Span) -> Span {
        if self == Self::FULL {
            return work;
        }
        let micros = (u128::from(work.0) * 1_000_000).div_ceil(u128::from(self.0));
        Span(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_for_is_the_least_time_whose_work_suffices() {
        for ppm in [1, 3, 333_333, 700_000, 999_999, 1_000_000, 1_500_000] {
            let rate = Rate::ppm(ppm);
            for work in [0, 1, 2, 7, 1_000_000, 3_600_000_001] {
                let time = rate.time_for(Span(work));
                assert!(rate.work_in(time).0 >= work, "{ppm} {work}");
                assert!(time.0 == 0 || rate.work_in(Span(time.0 - 1)).0 < work, "{ppm} {work}");
            }
        }
    }

    #[test]
    fn seconds_are_read_and_shown() {
        assert_eq!(Span::from_secs_f64(1.5), Some(Span(1_500_000)));
        assert_eq!(Span::from_secs_f64(-1.0), None);
        assert_eq!(Span::from_secs_f64(f64::NAN), None);
        assert_eq!(Span(1_500_000).to_string(), "1.5s");
        assert_eq!(Time(7_000_000).to_string(), "7s");
    }
}
