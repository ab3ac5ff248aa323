//! A bootstrap of whole days.

use engine::Time;
use rand::rngs::ChaCha12Rng;
use rand::{RngExt, SeedableRng};

use super::arrivals::{move_to, shifted_origin};
use super::{Trace, Work};
use crate::build::sort_jobs;
use crate::info::time_of_day_us;
use crate::trace::TraceJob;

pub(super) const DAY_US: u64 = 86_400_000_000;

/// A bootstrap of whole days: as many days as the trace has are drawn with replacement and put one after the other.
/// A day begins at midnight where the trace has a clock, and at time zero otherwise. Ids get `#` and the position of
/// their day, so they stay unique. Order within a day is kept; the order of days, and with it the week, is not.
#[must_use]
pub fn resample_days(trace: &Trace, seed: u64) -> Trace {
    let start_us = time_of_day_us(trace);
    let at = |job: &TraceJob| job.submit.0.saturating_add(start_us);
    let (Some(first), Some(last)) = (trace.jobs.first().map(at), trace.jobs.last().map(at)) else {
        return trace.clone();
    };
    let (first_day, days) = (first / DAY_US, last / DAY_US - first / DAY_US + 1);
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    let mut sample = Trace { jobs: Vec::with_capacity(trace.jobs.len()), ..trace.clone() };
    for slot in 0..days {
        let day = first_day + rng.random_range(0..days);
        let from = trace.jobs.partition_point(|job| at(job) / DAY_US < day);
        let until = trace.jobs.partition_point(|job| at(job) / DAY_US <= day);
        for job in &trace.jobs[from..until] {
            let mut copy = job.clone();
            copy.id = format!("{}#{slot}", job.id).into();
            move_to(&mut copy, Time(slot * DAY_US + at(job) % DAY_US));
            sample.jobs.push(copy);
        }
    }
    sort_jobs(&mut sample.jobs);
    sample.origin = shifted_origin(trace, i64::try_from(first_day * DAY_US).unwrap_or(0) - start_us.cast_signed());
    let mut work = Work::begin(&mut sample, format!("resample=days,seed={seed}"), seed);
    work.step.before = trace.jobs.len() as u64;
    work.end();
    sample
}
