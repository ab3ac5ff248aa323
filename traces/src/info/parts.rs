//! Jobs by tenant, queue, kind and end.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{gpu_milli_us, hours, share};
use crate::trace::{Recorded, TraceJob};

/// Largest parts that are named.
const NAMED: usize = 20;

/// The jobs of a trace, divided by a name.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Parts {
    /// Names that occur.
    pub count: u64,
    /// Share of the jobs that have a name.
    pub named_share: f64,
    /// The parts with most jobs, at most 20, the largest first.
    pub top: Vec<Part>,
    /// Exponent of Zipf's law: the part of rank k has a number of jobs proportional to k^-exponent. By least squares over
    /// the logarithms; `None` for fewer than three parts.
    pub zipf_exponent: Option<f64>,
}

/// One part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Jobs.
    pub jobs: u64,
    /// Share of all jobs.
    pub share: f64,
    /// Sum of GPUs x run time in hours.
    pub gpu_hours: f64,
    /// Share of the GPU-time of all jobs.
    pub gpu_time_share: f64,
}

/// Jobs that ended in one way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct End {
    /// `unknown`, `finished`, `failed`, `killed`, `timed_out`, `node_failed` or `censored`.
    pub outcome: &'static str,
    /// Jobs.
    pub jobs: u64,
    /// Share of the jobs.
    pub share: f64,
    /// Sum of GPUs x run time in hours.
    pub gpu_hours: f64,
    /// Share of the GPU-time of all jobs.
    pub gpu_time_share: f64,
}

/// Jobs and GPU-time.
#[derive(Clone, Copy, Default)]
struct Sum {
    jobs: u64,
    work: u128,
}

impl Sum {
    fn add(&mut self, job: &TraceJob) {
        self.jobs += 1;
        self.work += gpu_milli_us(job);
    }

    fn of(jobs: &[TraceJob]) -> Self {
        let mut sum = Self::default();
        for job in jobs {
            sum.add(job);
        }
        sum
    }

    fn share_of_work(self, all: Self) -> f64 {
        if all.work == 0 { 0.0 } else { self.work as f64 / all.work as f64 }
    }
}

/// The parts by an index in `names`.
pub(super) fn by(jobs: &[TraceJob], names: &[String], index: impl Fn(&TraceJob) -> Option<u32>) -> Parts {
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    for job in jobs {
        if let Some(name) = index(job).and_then(|at| names.get(at as usize)) {
            sums.entry(name).or_default().add(job);
        }
    }
    let all = Sum::of(jobs);
    let mut order: Vec<(&str, Sum)> = sums.into_iter().collect();
    order.sort_by_key(|(name, sum)| (std::cmp::Reverse(sum.jobs), *name));
    let counts: Vec<u64> = order.iter().map(|(_, sum)| sum.jobs).collect();
    let part = |(name, sum): &(&str, Sum)| Part {
        name: (*name).to_owned(),
        jobs: sum.jobs,
        share: share(sum.jobs, all.jobs),
        gpu_hours: hours(sum.work),
        gpu_time_share: sum.share_of_work(all),
    };
    Parts {
        count: counts.len() as u64,
        named_share: share(counts.iter().sum(), all.jobs),
        top: order.iter().take(NAMED).map(part).collect(),
        zipf_exponent: zipf_exponent(&counts),
    }
}

/// Ends that occur, in the order of their words.
pub(super) fn ends(jobs: &[TraceJob]) -> Vec<End> {
    let mut sums: BTreeMap<&'static str, Sum> = BTreeMap::new();
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
        sums.entry(word).or_default().add(job);
    }
    let all = Sum::of(jobs);
    let end = |(outcome, sum): (&'static str, Sum)| End {
        outcome,
        jobs: sum.jobs,
        share: share(sum.jobs, all.jobs),
        gpu_hours: hours(sum.work),
        gpu_time_share: sum.share_of_work(all),
    };
    sums.into_iter().map(end).collect()
}

/// The exponent of Zipf's law for counts that fall: the slope of the logarithm of the count over the logarithm of the rank,
/// by least squares. `None` for fewer than three counts.
pub(crate) fn zipf_exponent(falling: &[u64]) -> Option<f64> {
    if falling.len() < 3 {
        return None;
    }
    let point = |(at, count): (usize, &u64)| (((at + 1) as f64).ln(), ((*count).max(1) as f64).ln());
    let points: Vec<(f64, f64)> = falling.iter().enumerate().map(point).collect();
    let count = points.len() as f64;
    let mean_x = points.iter().map(|point| point.0).sum::<f64>() / count;
    let mean_y = points.iter().map(|point| point.1).sum::<f64>() / count;
    let both: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let spread: f64 = points.iter().map(|(x, _)| (x - mean_x) * (x - mean_x)).sum();
    Some(-both / spread)
}
