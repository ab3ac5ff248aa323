//! What a trace contains, in figures: what `trace info` shows.

use std::collections::BTreeMap;

use engine::Inventory;
use serde::Serialize;

use crate::trace::{Recorded, RunTimes, Step, Trace, TraceJob};

mod clock;
mod gangs;
mod parts;
mod quantiles;
#[cfg(test)]
mod tests;

pub(crate) use clock::time_of_day_us;
pub use clock::{ArrivalShape, BURST_GAP_S};
pub(crate) use gangs::class_of;
pub use gangs::{Gang, GangClass};
pub(crate) use parts::zipf_exponent;
pub use parts::{End, Part, Parts};
pub use quantiles::Quantiles;

/// Version of [`Info`] as JSON.
const INFO_SCHEMA: u32 = 1;

const HOUR_US: u64 = 3_600_000_000;

/// Figures of a trace. Shares are 0..1; a figure without meaning is `None` (JSON null).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Info {
    /// Version of this object.
    pub schema: u32,
    /// Where the trace came from.
    pub source: String,
    /// Its format.
    pub format: String,
    /// What the clock showed at time zero, where known.
    pub origin: Option<String>,
    /// Jobs.
    pub jobs: u64,
    /// Tenants that submitted a job.
    pub tenants: u64,
    /// Seconds from the first submission to the last.
    pub span_s: f64,
    /// Sum of GPUs x run time in hours.
    pub gpu_hours: f64,
    /// GPUs of the cluster that was given.
    pub cluster_gpus: Option<u64>,
    /// GPU-time of the jobs over GPU-time of the cluster within the span.
    pub offered_load: Option<f64>,
    /// Jobs larger than the whole cluster that was given.
    pub jobs_above_cluster: Option<u64>,
    /// Gang sizes, the smallest first.
    pub gangs: Vec<Gang>,
    /// Run times in seconds.
    pub run_time_s: Option<Quantiles>,
    /// Times between one submission and the next, in seconds.
    pub inter_arrival_s: Option<Quantiles>,
    /// Jobs by recorded outcome: `unknown`, `finished`, `failed`, `killed`, `timed_out`, `node_failed`, `censored`; as shares.
    pub recorded_share: BTreeMap<&'static str, f64>,
    /// Share of the jobs with an estimate of the run time.
    pub estimate_share: f64,
    /// Submissions by hour of the day; hours since time zero where the source has no clock.
    pub hour_of_day: [u64; 24],
    /// Submissions by day of the week, from Monday; `None` where the source has no clock.
    pub day_of_week: Option<[u64; 7]>,
    /// How evenly jobs arrive.
    pub arrivals: Option<ArrivalShape>,
    /// Where run times come from: `recorded`, `computed`, `unknown`. Unknown ones are 0 and have no quantiles.
    pub run_times: &'static str,
    /// The GPU model on which run times were measured or computed.
    pub measured_on: Option<String>,
    /// Gangs by powers of two, with the run times of each class.
    pub gang_classes: Vec<GangClass>,
    /// Who submits most.
    pub top_tenants: Parts,
    /// Queues (partitions, virtual clusters).
    pub queues: Parts,
    /// What the jobs train.
    pub job_types: Parts,
    /// How jobs ended, by number of jobs and by GPU-time.
    pub recorded: Vec<End>,
    /// Share of the jobs that were cut off at the end of the recording, so that they are shorter than they were.
    pub censored_share: f64,
    /// Share of the jobs whose start is known.
    pub start_share: f64,
    /// Start less submission where the start is known, in seconds.
    pub queue_time_s: Option<Quantiles>,
    /// Estimate over run time, where there is one and the run time is not 0.
    pub estimate_factor: Option<Quantiles>,
    /// Share of the jobs with an estimate whose estimate is below the run time.
    pub underestimated_share: Option<f64>,
    /// What was done to the trace before it came here, and after it was read; the oldest first.
    pub history: Vec<Step>,
    /// Rows read.
    pub rows: u64,
    /// Rows left out, by cause.
    pub dropped: BTreeMap<String, u64>,
    /// Rows kept with a changed value, by cause.
    pub changed: BTreeMap<String, u64>,
    /// Columns that were not used.
    pub ignored_columns: Vec<String>,
}

/// Describes `trace`, and its load on `cluster` where one is given.
pub fn describe(trace: &Trace, cluster: Option<&Inventory>) -> Info {
    let jobs = &trace.jobs;
    let count = jobs.len() as u64;
    let span_us = match (jobs.first(), jobs.last()) {
        (Some(first), Some(last)) => last.submit.since(first.submit).0,
        _ => 0,
    };
    let gpu_hours = hours(jobs.iter().map(gpu_milli_us).sum());
    let cluster_gpus = cluster.map(Inventory::gpus);
    let capacity_hours = |gpus: u64| gpus as f64 * span_us as f64 / HOUR_US as f64;
    let above = |gpus: u64| jobs.iter().filter(|job| u64::from(job.gpu_milli) > gpus * 1000).count() as u64;
    let tenants: std::collections::BTreeSet<u32> = jobs.iter().map(|job| job.tenant).collect();
    let estimates = jobs.iter().filter(|job| job.estimate.is_some()).count() as u64;
    let has_times = trace.run_times != RunTimes::Unknown;
    let censored = jobs.iter().filter(|job| job.recorded == Recorded::Censored).count() as u64;
    let waits: Vec<u64> = jobs.iter().filter_map(|job| Some(job.start?.since(job.submit).0)).collect();
    let below = jobs.iter().filter(|job| job.estimate.is_some_and(|span| span < job.duration)).count() as u64;
    let factor = |job: &TraceJob| Some(job.estimate?.0 as f64 / job.duration.0 as f64).filter(|_| job.duration.0 > 0);
    let factors: Vec<f64> = jobs.iter().filter_map(factor).collect();
    let type_names: Vec<String> = trace.job_types.iter().map(|kind| kind.name.clone()).collect();
    Info {
        schema: INFO_SCHEMA,
        source: trace.source.clone(),
        format: trace.format.clone(),
        origin: trace.origin.clone(),
        jobs: count,
        tenants: tenants.len() as u64,
        span_s: span_us as f64 / 1e6,
        gpu_hours,
        cluster_gpus,
        offered_load: cluster_gpus
            .map(capacity_hours)
            .filter(|hours| has_times && *hours > 0.0)
            .map(|hours| gpu_hours / hours),
        jobs_above_cluster: cluster_gpus.map(above),
        gangs: gangs::sizes(jobs),
        run_time_s: has_times.then(|| Quantiles::of_micros(jobs.iter().map(|job| job.duration.0).collect())).flatten(),
        inter_arrival_s: Quantiles::of_micros(jobs.windows(2).map(|w| w[1].submit.since(w[0].submit).0).collect()),
        recorded_share: parts::ends(jobs).into_iter().map(|end| (end.outcome, end.share)).collect(),
        estimate_share: share(estimates, count),
        hour_of_day: clock::hour_of_day(trace),
        day_of_week: clock::day_of_week(trace),
        arrivals: clock::arrivals(trace),
        run_times: match trace.run_times {
            RunTimes::Recorded => "recorded",
            RunTimes::Computed => "computed",
            RunTimes::Unknown => "unknown",
        },
        measured_on: trace.measured_on.clone(),
        gang_classes: gangs::classes(jobs, trace.run_times),
        top_tenants: parts::by(jobs, &trace.tenants, |job| Some(job.tenant)),
        queues: parts::by(jobs, &trace.queues, |job| job.queue),
        job_types: parts::by(jobs, &type_names, |job| job.job_type),
        recorded: parts::ends(jobs),
        censored_share: share(censored, count),
        start_share: share(waits.len() as u64, count),
        queue_time_s: Quantiles::of_micros(waits),
        underestimated_share: (estimates > 0).then(|| share(below, estimates)),
        estimate_factor: Quantiles::of(factors),
        history: trace.history.clone(),
        rows: trace.ledger.rows,
        dropped: trace.ledger.dropped.clone(),
        changed: trace.ledger.changed.clone(),
        ignored_columns: trace.ledger.ignored_columns.clone(),
    }
}

/// A share; 0 of nothing.
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn gpu_milli_us(job: &TraceJob) -> u128 {
    u128::from(job.gpu_milli) * u128::from(job.duration.0)
}

/// Thousandths of a GPU x microseconds in GPU-hours.
fn hours(gpu_milli_us: u128) -> f64 {
    gpu_milli_us as f64 / 1000.0 / HOUR_US as f64
}
