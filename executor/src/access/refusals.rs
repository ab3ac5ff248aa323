//! Which refusals are written down: the first ones of each source, and then a few with a count of those between. Whoever is
//! refused a million times must not fill the journal.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::bucket::Buckets;

/// Refusals that are written down at once.
const BURST: f64 = 100.0;
/// And for long, a second.
const PER_S: f64 = 1.0;
/// Sources that are counted one by one.
const SOURCES_MAX: usize = 1000;

/// Refusals of a source that were not written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The source.
    pub source: String,
    /// How many.
    pub count: u64,
}

/// Refusals, by source.
#[derive(Debug)]
pub struct Refusals(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    buckets: Buckets,
    left_out: BTreeMap<String, u64>,
}

impl Default for Refusals {
    fn default() -> Self {
        let (buckets, left_out) = (Buckets::new(PER_S, BURST), BTreeMap::new());
        Self(Mutex::new(Inner { buckets, left_out }))
    }
}

impl Refusals {
    /// Whether a refusal of `source` is to be written down; else it is counted.
    pub fn is_written(&self, source: &str, now: Instant) -> bool {
        let mut inner = self.lock();
        if inner.buckets.take(source, now).is_ok() {
            return true;
        }
        let known = inner.left_out.len() < SOURCES_MAX || inner.left_out.contains_key(source);
        *inner.left_out.entry(if known { source } else { "others" }.to_owned()).or_default() += 1;
        false
    }

    /// What was left out since the last call.
    pub fn left_out(&self) -> Vec<LeftOut> {
        let left_out = std::mem::take(&mut self.lock().left_out);
        left_out.into_iter().map(|(source, count)| LeftOut { source, count }).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        let written = (0..1000).filter(|_| refusals.is_written("10.0.0.1", now)).count();
        assert_eq!(written, 100);
        assert!(refusals.is_written("10.0.0.2", now));
        assert_eq!(refusals.left_out(), [LeftOut { source: "10.0.0.1".to_owned(), count: 900 }]);
        assert_eq!(refusals.left_out(), []);
    }
}
