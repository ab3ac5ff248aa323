//! Token buckets, one for each source, in bounded memory.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Sources that are told apart. Beyond that they share one bucket.
const SOURCES_MAX: usize = 10_000;
/// The source of all who are not told apart.
const OTHERS: &str = "";

/// Buckets that all fill at the same rate and hold the same.
#[derive(Debug)]
pub(super) struct Buckets {
    per_s: f64,
    burst: f64,
    levels: BTreeMap<String, Level>,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    left: f64,
    at: Instant,
}

impl Buckets {
    /// Buckets of `burst` drops that fill by `per_s` drops a second; both at least a little.
    pub(super) fn new(per_s: f64, burst: f64) -> Self {
        Self { per_s: per_s.max(1e-3), burst: burst.max(1.0), levels: BTreeMap::new() }
    }

    /// Takes a drop of the bucket of `source`, or says how long it takes until there is one.
    pub(super) fn take(&mut self, source: &str, now: Instant) -> Result<(), Duration> {
        let source = self.slot(source, now);
        let full = Level { left: self.burst, at: now };
        let (per_s, burst) = (self.per_s, self.burst);
        let level = self.levels.entry(source.to_owned()).or_insert(full);
        level.left = filled(*level, now, per_s, burst);
        level.at = level.at.max(now);
        if level.left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - level.left) / per_s));
        }
        level.left -= 1.0;
        Ok(())
    }

    /// The bucket for a source. Full ones are forgotten when there are many: a new one is full, too.
    fn slot<'a>(&mut self, source: &'a str, now: Instant) -> &'a str {
        if self.levels.len() < SOURCES_MAX || self.levels.contains_key(source) {
            return source;
        }
        let (per_s, burst) = (self.per_s, self.burst);
        self.levels.retain(|_, level| filled(*level, now, per_s, burst) < burst);
        if self.levels.len() < SOURCES_MAX { source } else { OTHERS }
    }
}

fn filled(level: Level, now: Instant, per_s: f64, burst: f64) -> f64 {
    let since = now.saturating_duration_since(level.at).as_secs_f64();
    (level.left + since * per_s).min(burst)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_the_rate_for_each_source() {
        let mut buckets = Buckets::new(2.0, 3.0);
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        for source in ["a", "b"] {
            let passed = (0..10).filter(|_| buckets.take(source, at(0)).is_ok()).count();
            assert_eq!(passed, 3, "{source}");
        }
        assert_eq!(buckets.take("a", at(250)), Err(Duration::from_millis(250)));
        assert_eq!(buckets.take("a", at(500)), Ok(()));
        assert!(buckets.take("a", at(500)).is_err());
        assert_eq!((0..10).filter(|_| buckets.take("b", at(9000)).is_ok()).count(), 3);
    }

    #[test]
    fn many_sources_take_bounded_memory_and_do_not_get_around_the_rate() {
        let mut buckets = Buckets::new(1.0, 2.0);
        let now = Instant::now();
        let mut passed = 0;
        for source in 0..3 * SOURCES_MAX {
            passed += usize::from(buckets.take(&source.to_string(), now).is_ok());
        }
        assert!(buckets.levels.len() <= SOURCES_MAX + 1);
        assert_eq!(passed, SOURCES_MAX + 2);
        // When they have gone away there is room again.
        let later = now + Duration::from_mins(1);
        assert!(buckets.take("new", later).is_ok() && buckets.levels.len() < 10);
    }
}
