//! How many requests a caller may make.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::bucket::Buckets;

/// A limit for each caller.
#[derive(Debug)]
pub struct Rates(Mutex<Buckets>);

impl Rates {
    /// At most `burst` requests at once and `per_s` a second for long.
    pub fn new(per_s: f64, burst: u32) -> Self {
        Self(Mutex::new(Buckets::new(per_s, f64::from(burst))))
    }

    /// Counts a request of a caller. `Err` says after how long the next may come.
    pub fn take(&self, caller: &str, now: Instant) -> Result<(), Duration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take(caller, now)
    }
}
