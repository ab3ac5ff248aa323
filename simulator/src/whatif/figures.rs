//! The figures of some jobs of a day. Definitions: `docs/metrics.md`.

use engine::{Outcome, Time};
use serde::Serialize;

use crate::fidelity::{is_finished, jct};
use crate::result::JobRow;
use crate::stats::{mean, nearest_rank};

/// What became of some jobs. Times in seconds; the keys are those of a summary.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Jobs submitted.
    pub jobs: u64,
    /// Jobs that did their work.
    pub finished: u64,
    /// Jobs that failed, were cancelled or timed out.
    pub failed: u64,
    /// Jobs that had not ended when the day did.
    pub unfinished: u64,
    /// Jobs that can never run on the cluster.
    pub rejected: u64,
    /// First start minus submission, over jobs that started: mean.
    pub queue_mean_s: Option<f64>,
    /// Median.
    pub queue_p50_s: Option<f64>,
    /// 90th percentile.
    pub queue_p90_s: Option<f64>,
    /// 99th percentile.
    pub queue_p99_s: Option<f64>,
    /// Finish minus submission, over finished jobs: mean.
    pub jct_mean_s: Option<f64>,
    /// Median.
    pub jct_p50_s: Option<f64>,
    /// 90th percentile.
    pub jct_p90_s: Option<f64>,
    /// 99th percentile.
    pub jct_p99_s: Option<f64>,
    /// GPU-seconds in which they made progress.
    pub gpu_s: f64,
    /// GPU-time held over GPU-time of the cluster, from the first submission to the last end; of all jobs only.
    pub gpu_allocated_share: Option<f64>,
    /// Times that the policy stopped them for others.
    pub preemptions: u64,
    /// Times that the policy moved them.
    pub migrations: u64,
}

impl Figures {
    /// Of these jobs.
    pub(super) fn of<'r>(rows: impl Iterator<Item = &'r JobRow>, gpu_allocated_share: Option<f64>) -> Self {
        let rows: Vec<&JobRow> = rows.collect();
        let count = |which: fn(Option<Outcome>) -> bool| rows.iter().filter(|row| which(row.outcome)).count() as u64;
        let started = rows.iter().filter(|row| row.start != Time::NEVER);
        let queue = sorted(started.map(|row| row.start.since(row.submit).secs_f64()));
        let jct = sorted(rows.iter().filter(|row| is_finished(row)).map(|row| jct(row)));
        let (finished, rejected) = (count(|o| o == Some(Outcome::Finished)), count(|o| o == Some(Outcome::Rejected)));
        let unfinished = count(|outcome| outcome.is_none());
        Self {
            jobs: rows.len() as u64,
            finished,
            failed: rows.len() as u64 - finished - rejected - unfinished,
            unfinished,
            rejected,
            queue_mean_s: mean(&queue),
            queue_p50_s: nearest_rank(&queue, 0.5),
            queue_p90_s: nearest_rank(&queue, 0.9),
            queue_p99_s: nearest_rank(&queue, 0.99),
            jct_mean_s: mean(&jct),
            jct_p50_s: nearest_rank(&jct, 0.5),
            jct_p90_s: nearest_rank(&jct, 0.9),
            jct_p99_s: nearest_rank(&jct, 0.99),
            gpu_s: rows.iter().map(|row| row.gpu_s).sum(),
            gpu_allocated_share,
            preemptions: rows.iter().map(|row| u64::from(row.preemptions)).sum(),
            migrations: rows.iter().map(|row| u64::from(row.migrations)).sum(),
        }
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}
