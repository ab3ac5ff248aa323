//! What a trace contains, in figures: what `trace info` shows.

use std::collections::BTreeMap;

use engine::Inventory;
use jiff::civil::DateTime;
use serde::Serialize;

use crate::trace::{Recorded, Trace, TraceJob};

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
    /// Rows read.
    pub rows: u64,
    /// Rows left out, by cause.
    pub dropped: BTreeMap<String, u64>,
    /// Rows kept with a changed value, by cause.
    pub changed: BTreeMap<String, u64>,
    /// Columns that were not used.
    pub ignored_columns: Vec<String>,
}

/// Jobs of one gang size.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gang {
    /// GPUs of the gang.
    pub gpus: f64,
    /// Jobs.
    pub jobs: u64,
    /// Share of the jobs.
    pub share: f64,
    /// Sum of GPUs x run time in hours.
    pub gpu_hours: f64,
}

/// Mean and quantiles (nearest rank).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quantiles {
    /// Arithmetic mean.
    pub mean: f64,
    /// 10th percentile.
    pub p10: f64,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Largest.
    pub max: f64,
}

impl Quantiles {
    /// Of values in microseconds, as seconds; `None` when there are none.
    fn of_micros(mut values: Vec<u64>) -> Option<Self> {
        values.sort_unstable();
        let count = values.len();
        let sum: u128 = values.iter().map(|&value| u128::from(value)).sum();
        let secs = |micros: u64| micros as f64 / 1e6;
        let rank = |percent: usize| values.get((count * percent).div_ceil(100).max(1) - 1).copied().map(secs);
        Some(Self {
            mean: sum as f64 / count as f64 / 1e6,
            p10: rank(10)?,
            p50: rank(50)?,
            p90: rank(90)?,
            p99: rank(99)?,
            max: rank(100)?,
        })
    }
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
        offered_load: cluster_gpus.map(capacity_hours).filter(|hours| *hours > 0.0).map(|hours| gpu_hours / hours),
        jobs_above_cluster: cluster_gpus.map(above),
        gangs: gangs(jobs),
        run_time_s: Quantiles::of_micros(jobs.iter().map(|job| job.duration.0).collect()),
        inter_arrival_s: Quantiles::of_micros(jobs.windows(2).map(|w| w[1].submit.since(w[0].submit).0).collect()),
        recorded_share: recorded_share(jobs),
        estimate_share: share(estimates, count),
        hour_of_day: hour_of_day(trace),
        rows: trace.ledger.rows,
        dropped: trace.ledger.dropped.clone(),
        changed: trace.ledger.changed.clone(),
        ignored_columns: trace.ledger.ignored_columns.clone(),
    }
}

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

fn gangs(jobs: &[TraceJob]) -> Vec<Gang> {
    let mut by_size: BTreeMap<u32, (u64, u128)> = BTreeMap::new();
    for job in jobs {
        let (count, sum) = by_size.entry(job.gpu_milli).or_default();
        *count += 1;
        *sum += gpu_milli_us(job);
    }
    let gang = |(milli, (count, sum))| Gang {
        gpus: f64::from(milli) / 1000.0,
        jobs: count,
        share: share(count, jobs.len() as u64),
        gpu_hours: hours(sum),
    };
    by_size.into_iter().map(gang).collect()
}

fn recorded_share(jobs: &[TraceJob]) -> BTreeMap<&'static str, f64> {
    let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
    for job in jobs {
        let word = match job.recorded {
            Recorded::Unknown => "unknown",
            Recorded::Finished => "finished",
            Recorded::Failed => "failed",
            Recorded::Killed => "killed",
            Recorded::TimedOut => "timed_out",
            Recorded::NodeFailed => "node_failed",
            Recorded::Censored => "censored",
        };
        *counts.entry(word).or_default() += 1;
    }
    counts.into_iter().map(|(word, count)| (word, share(count, jobs.len() as u64))).collect()
}

fn hour_of_day(trace: &Trace) -> [u64; 24] {
    let start_us = time_of_day_us(trace);
    let mut counts = [0; 24];
    for job in &trace.jobs {
        let hour = (u128::from(job.submit.0) + u128::from(start_us)) / u128::from(HOUR_US) % 24;
        counts[hour as usize] += 1;
    }
    counts
}

/// Microseconds since midnight at time zero; 0 where the trace has no clock.
pub(crate) fn time_of_day_us(trace: &Trace) -> u64 {
    let origin: Option<DateTime> = trace.origin.as_deref().and_then(|text| text.parse().ok());
    let since = origin.and_then(|at| u64::try_from(at.duration_since(at.start_of_day()).as_micros()).ok());
    since.unwrap_or(0)
}

/// The exponent of Zipf's law for counts that fall: the slope of the logarithm of the count over the logarithm of the rank,
/// by least squares. `None` for fewer than three counts.
pub(crate) fn zipf_exponent(falling: &[u64]) -> Option<f64> {
    if falling.len() < 3 {
        return None;
    }
    let point = |(at, count): (usize, &u64)| (((at + 1) as f64).ln(), (*count).max(1) as f64);
    let points: Vec<(f64, f64)> = falling.iter().enumerate().map(point).map(|(x, y)| (x, y.ln())).collect();
    let count = points.len() as f64;
    let (x, y) = (points.iter().map(|p| p.0).sum::<f64>() / count, points.iter().map(|p| p.1).sum::<f64>() / count);
    let slope = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum::<f64>()
        / points.iter().map(|p| (p.0 - x).powi(2)).sum::<f64>();
    Some(-slope)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::read_bytes;

    #[test]
    fn figures_of_a_small_trace() {
        let text = "job_id,submit_s,gpus,duration_s,tenant,outcome\na,0,1,3600,x,finished\nb,3600,8,1800,y,killed\n\
                    c,5400,0.5,7200,x,finished\nd,7200,16,0,x,\n";
        let mut trace = read_bytes("t.csv", None, text.as_bytes()).unwrap();
        trace.origin = Some("2017-10-03T22:30:00".to_owned());
        let info = describe(&trace, Some(&Inventory::uniform(1, 8, "GPU")));
        assert_eq!((info.jobs, info.tenants, info.rows), (4, 2, 4));
        assert!((info.span_s - 7200.0).abs() < 1e-9);
        assert!((info.gpu_hours - 6.0).abs() < 1e-9);
        assert!((info.offered_load.unwrap() - 6.0 / 16.0).abs() < 1e-9);
        assert_eq!((info.cluster_gpus, info.jobs_above_cluster), (Some(8), Some(1)));
        let sizes: Vec<_> = info.gangs.iter().map(|gang| (gang.gpus, gang.jobs)).collect();
        assert_eq!(sizes, [(0.5, 1), (1.0, 1), (8.0, 1), (16.0, 1)]);
        let run = info.run_time_s.unwrap();
        assert_eq!((run.p10, run.p50, run.p90, run.max, run.mean), (0.0, 1800.0, 7200.0, 7200.0, 3150.0));
        let gap = info.inter_arrival_s.unwrap();
        assert_eq!((gap.p50, gap.max, gap.mean), (1800.0, 3600.0, 2400.0));
        assert_eq!(
            info.recorded_share.into_iter().collect::<Vec<_>>(),
            [("finished", 0.5), ("killed", 0.25), ("unknown", 0.25)]
        );
        assert_eq!((info.hour_of_day[22], info.hour_of_day[23], info.hour_of_day[0]), (1, 1, 2));
    }

    #[test]
    fn nothing_is_divided_by_zero() {
        let info = describe(&Trace::default(), Some(&Inventory::uniform(1, 8, "GPU")));
        assert_eq!((info.offered_load, info.run_time_s, info.inter_arrival_s), (None, None, None));
        let one = read_bytes("t.csv", None, b"job_id,submit_s,gpus,duration_s\na,5,1,3600\n").unwrap();
        let info = describe(&one, Some(&Inventory::uniform(1, 8, "GPU")));
        assert_eq!((info.offered_load, info.inter_arrival_s), (None, None));
        assert!(describe(&one, None).cluster_gpus.is_none());
    }
}
