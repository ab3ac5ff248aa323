//! Time of the scheduler: microseconds since the first start of the server, which never go back.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use engine::Time;

/// A wall clock is taken for set when it differs by more than this from even time.
const STEP: Duration = Duration::from_secs(1);

/// Scheduler time from the wall clock, clamped to even time: when somebody sets the clock of the machine, scheduler time goes
/// on evenly and the difference is told once.
#[derive(Debug)]
pub struct Clock {
    /// Wall-clock time of scheduler time 0, in microseconds since 1970.
    origin_us: u64,
    /// Scheduler time at `since`.
    base: Time,
    since: Instant,
    /// Wall clock at `since`, in microseconds since 1970.
    wall_us: u64,
}

fn wall_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

impl Clock {
    /// A clock that begins now at 0.
    pub fn begin() -> Self {
        Self::resume(wall_us(), Time::ZERO)
    }

    /// A clock that goes on from a journal: time 0 was at `origin_us`, and the last fact at `last`. Where the wall clock says
    /// less than that, time goes on from the last fact.
    pub fn resume(origin_us: u64, last: Time) -> Self {
        let wall_us = wall_us();
        let base = Time(wall_us.saturating_sub(origin_us)).max(last);
        Self { origin_us, base, since: Instant::now(), wall_us }
    }

    /// Wall-clock time of scheduler time 0, in microseconds since 1970.
    pub fn origin_us(&self) -> u64 {
        self.origin_us
    }

    /// Now.
    pub fn now(&self) -> Time {
        Time(self.base.0 + self.since.elapsed().as_micros() as u64)
    }

    /// By how much somebody has set the clock of the machine since the last call, in microseconds.
    pub fn stepped_us(&mut self) -> Option<i64> {
        self.noticed(wall_us())
    }

    fn noticed(&mut self, wall_us: u64) -> Option<i64> {
        let even = self.wall_us.saturating_add(self.since.elapsed().as_micros() as u64);
        let by = wall_us.cast_signed() - even.cast_signed();
        if by.unsigned_abs() < STEP.as_micros() as u64 {
            return None;
        }
        self.base = self.now();
        (self.since, self.wall_us) = (Instant::now(), wall_us);
        Some(by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_does_not_move_scheduler_time() {
        let mut clock = Clock::begin();
        let before = clock.now();
        let hour = 3_600_000_000;
        assert!(clock.noticed(wall_us() + hour).is_some_and(|by| by > 3_500_000_000));
        assert!(clock.noticed(wall_us()).is_some_and(|by| by < -3_500_000_000));
        let after = clock.now();
        assert!(after >= before && after.since(before).0 < 60_000_000);
        assert_eq!(clock.noticed(wall_us()), None);
    }

    #[test]
    fn time_goes_on_from_the_last_fact_when_the_clock_says_less() {
        let last = Time(77_000_000);
        let clock = Clock::resume(wall_us() + 3_600_000_000, last);
        assert!(clock.now() >= last);
    }
}
