//! When jobs are submitted: hours, days, and how evenly.

use std::collections::BTreeMap;

use engine::Time;
use jiff::civil::DateTime;
use serde::Serialize;

use super::{HOUR_US, share};
use crate::trace::Trace;

/// A job that follows one of the same tenant within so many seconds is part of a burst.
pub const BURST_GAP_S: u64 = 60;

const DAY_US: u64 = 24 * HOUR_US;

/// How evenly jobs arrive, from the first submission to the last.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ArrivalShape {
    /// Mean submissions an hour.
    pub per_hour_mean: f64,
    /// Most submissions in one of the hours that follow the first submission.
    pub per_hour_peak: u64,
    /// When that hour begins, in seconds since time zero.
    pub peak_at_s: f64,
    /// Index of dispersion: variance over mean of the submissions an hour; 1 for a Poisson process.
    pub dispersion: f64,
    /// Share of the jobs that follow a job of the same tenant within [`BURST_GAP_S`] seconds, or are followed so.
    pub burst_share: f64,
}

/// Submissions by hour of the day, or since time zero where the trace has no clock.
pub(super) fn hour_of_day(trace: &Trace) -> [u64; 24] {
    let start_us = time_of_day_us(trace);
    let mut counts = [0; 24];
    for job in &trace.jobs {
        let hour = (u128::from(job.submit.0) + u128::from(start_us)) / u128::from(HOUR_US) % 24;
        counts[hour as usize] += 1;
    }
    counts
}

/// Submissions by day of the week, from Monday.
pub(super) fn day_of_week(trace: &Trace) -> Option<[u64; 7]> {
    let weekday = origin(trace)?.weekday().to_monday_zero_offset() as u128;
    let start_us = time_of_day_us(trace);
    let mut counts = [0; 7];
    for job in &trace.jobs {
        let day = (u128::from(job.submit.0) + u128::from(start_us)) / u128::from(DAY_US) + weekday;
        counts[(day % 7) as usize] += 1;
    }
    Some(counts)
}

/// `None` where there is no time between the first submission and the last.
pub(super) fn arrivals(trace: &Trace) -> Option<ArrivalShape> {
    let (first, last) = (trace.jobs.first()?.submit, trace.jobs.last()?.submit);
    if first == last {
        return None;
    }
    let hour = |at: Time| at.since(first).0 / HOUR_US;
    let hours = hour(last) as f64 + 1.0;
    // Only hours with submissions are kept: a trace may span centuries.
    let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
    for job in &trace.jobs {
        *counts.entry(hour(job.submit)).or_default() += 1;
    }
    let mean = trace.jobs.len() as f64 / hours;
    let squares: f64 = counts.values().map(|count| (*count as f64).powi(2)).sum();
    let (peak, most) = counts.iter().max_by_key(|(hour, count)| (**count, std::cmp::Reverse(**hour)))?;
    Some(ArrivalShape {
        per_hour_mean: mean,
        per_hour_peak: *most,
        peak_at_s: first.secs_f64() + *peak as f64 * 3600.0,
        dispersion: (squares / hours - mean * mean) / mean,
        burst_share: share(in_bursts(trace), trace.jobs.len() as u64),
    })
}

/// Jobs of bursts.
fn in_bursts(trace: &Trace) -> u64 {
    let mut open: BTreeMap<u32, (Time, u64)> = BTreeMap::new();
    let mut sum = 0;
    for job in &trace.jobs {
        let (last, size) = open.entry(job.tenant).or_insert((job.submit, 0));
        if *size > 0 && job.submit.since(*last).0 > BURST_GAP_S * 1_000_000 {
            sum += if *size > 1 { *size } else { 0 };
            *size = 0;
        }
        (*last, *size) = (job.submit, *size + 1);
    }
    sum + open.values().map(|(_, size)| *size).filter(|size| *size > 1).sum::<u64>()
}

fn origin(trace: &Trace) -> Option<DateTime> {
    trace.origin.as_deref().and_then(|text| text.parse().ok())
}

/// Microseconds since midnight at time zero; 0 where the trace has no clock.
pub(crate) fn time_of_day_us(trace: &Trace) -> u64 {
    let since = origin(trace).and_then(|at| u64::try_from(at.duration_since(at.start_of_day()).as_micros()).ok());
    since.unwrap_or(0)
}
