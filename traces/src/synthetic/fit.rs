//! A model out of a trace: what `trainyard trace fit` writes.
//!
//! - Arrivals: a burst is two or more jobs of one tenant, each at most [`BURST_GAP_S`](crate::info::BURST_GAP_S) seconds after the one before. Hours and days
//!   are weighted by arrivals (a burst is one), where the trace has a clock and is long enough.
//! - Classes: gangs of one power of two and more, up to the next; a class of fewer than [`classes::JOBS_MIN`] jobs joins its
//!   smaller neighbour.
//! - Run times: quantiles of the class.
//! - Groups: the first part of the tenant path. Those with most jobs keep their weights, overall and for each quarter of
//!   the run times of a class; the others follow Zipf's law.
//!
//! What is not fitted: tasks (a gang of tasks that share a GPU is rounded up to whole GPUs), CPU, memory, GPU models, priorities, deadlines, and how rates change over weeks.

mod bursts;
mod classes;
mod tenants;

use super::file::RUN_TIME_MAX_S;
use super::model::{EstimateLaw, MODEL_SCHEMA, Model, Outcomes, Targets};
use crate::error::TraceError;
use crate::trace::{Recorded, RunTimes, Trace, TraceJob};

/// Fewest jobs that are fitted.
const JOBS_MIN: usize = 20;

/// How a trace is fitted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fit {
    /// Name of the model; `fitted` where it is empty.
    pub name: String,
    /// GPUs of the cluster that the trace is from; where nobody knows, as many as the trace would load to 0.9.
    pub cluster_gpus: Option<u32>,
}

/// A model whose generated traces resemble `trace`.
pub fn fit(trace: &Trace, how: &Fit) -> Result<Model, TraceError> {
    if trace.run_times == RunTimes::Unknown {
        let error = TraceError::new(&trace.source, "the trace has no run times, so no model fits it");
        return Err(error.with_hint("fit a trace whose jobs ran"));
    }
    if trace.jobs.len() < JOBS_MIN {
        let error = TraceError::new(&trace.source, format!("{} jobs are too few to fit a model", trace.jobs.len()));
        return Err(error.with_hint(format!("give a trace of at least {JOBS_MIN} jobs")));
    }
    let groups = tenants::Groups::of(trace);
    let longest_s = trace.jobs.iter().map(|job| job.duration.secs_f64()).fold(1.0, f64::max);
    if longest_s > RUN_TIME_MAX_S {
        let error = TraceError::new(&trace.source, format!("a job of {longest_s} s is too long for a model"));
        return Err(error.with_hint("leave such jobs out: max_run_s=..."));
    }
    Ok(Model {
        schema: MODEL_SCHEMA,
        name: if how.name.is_empty() { "fitted".to_owned() } else { how.name.clone() },
        about: format!("fitted to {} jobs of {}", trace.jobs.len(), trace.source),
        sources: vec![format!("{} (format {})", trace.source, trace.format)],
        cluster_gpus: how.cluster_gpus.unwrap_or_else(|| cluster_gpus(trace)),
        run_time_max_s: longest_s,
        targets: Some(targets(trace)),
        arrivals: bursts::arrivals(trace),
        tenants: groups.tenants(),
        estimates: estimates(&trace.jobs),
        classes: classes::classes(trace, &groups),
    })
}

/// GPUs that the trace would load to 0.9, and no fewer than its largest gang.
fn cluster_gpus(trace: &Trace) -> u32 {
    let largest = trace.jobs.iter().map(|job| job.gpu_milli.div_ceil(1000)).max().unwrap_or(1).max(1);
    let span_s = match (trace.jobs.first(), trace.jobs.last()) {
        (Some(first), Some(last)) => last.submit.since(first.submit).secs_f64(),
        _ => 0.0,
    };
    let needed = if span_s > 0.0 { gpu_s(&trace.jobs) / (span_s * 0.9) } else { 0.0 };
    (needed.ceil().min(1e6) as u32).max(largest.min(u32::MAX / 1000))
}

fn gpu_s(jobs: &[TraceJob]) -> f64 {
    jobs.iter().map(|job| f64::from(job.gpu_milli) / 1000.0 * job.duration.secs_f64()).sum()
}

fn targets(trace: &Trace) -> Targets {
    let (jobs, count) = (&trace.jobs, trace.jobs.len() as f64);
    let mut times: Vec<f64> = jobs.iter().map(|job| job.duration.secs_f64()).collect();
    times.sort_by(f64::total_cmp);
    let gpus: f64 = jobs.iter().map(|job| f64::from(job.gpu_milli) / 1000.0).sum();
    Targets {
        run_time_mean_s: rounded(times.iter().sum::<f64>() / count),
        run_time_median_s: times[(jobs.len() - 1) / 2],
        gpus_mean: rounded(gpus / count),
        gpu_time_mean_s: rounded(gpu_s(jobs) / count),
        outcomes: outcomes(jobs.iter()),
    }
}

/// Shares of the ends.
fn outcomes<'a>(jobs: impl Iterator<Item = &'a TraceJob>) -> Outcomes {
    let (mut counts, mut all) = ([0u64; 7], 0u64);
    for job in jobs {
        counts[match job.recorded {
            Recorded::Finished => 0,
            Recorded::Killed => 1,
            Recorded::Failed => 2,
            Recorded::TimedOut => 3,
            Recorded::NodeFailed => 4,
            Recorded::Censored => 5,
            Recorded::Unknown => 6,
        }] += 1;
        all += 1;
    }
    let [finished, killed, failed, timed_out, node_failed, censored, unknown] =
        counts.map(|count| rounded(count as f64 / all.max(1) as f64));
    Outcomes { finished, killed, failed, timed_out, node_failed, censored, unknown }
}

fn estimates(jobs: &[TraceJob]) -> Option<EstimateLaw> {
    let factor = |job: &TraceJob| {
        let estimate = job.estimate?.secs_f64().max(1.0);
        Some(estimate / job.duration.secs_f64().max(1.0))
    };
    let mut factors: Vec<f64> = jobs.iter().filter_map(factor).collect();
    if factors.is_empty() {
        return None;
    }
    let share = rounded(factors.len() as f64 / jobs.len() as f64);
    factors.sort_by(f64::total_cmp);
    Some(EstimateLaw { share, factors: knots(&factors) })
}

/// Probabilities of the quantiles of a law: closer together in the tails.
const PLACES: [f64; 23] = [
    0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.995,
    0.998, 0.999, 1.0,
];

/// Quantiles of sorted, positive values.
fn knots(sorted: &[f64]) -> Vec<(f64, f64)> {
    let last = sorted.len() - 1;
    let at = |place: f64| {
        let position = place * last as f64;
        let (low, part) = (position.floor() as usize, position.fract());
        let high = (low + 1).min(last);
        rounded((sorted[low].ln() * (1.0 - part) + sorted[high].ln() * part).exp())
    };
    // The ends stay as they are: no run time is longer than the longest.
    let exact = |place: f64| {
        if place == 0.0 {
            sorted[0]
        } else if place < 1.0 {
            at(place)
        } else {
            sorted[last]
        }
    };
    let mut knots: Vec<(f64, f64)> = PLACES.iter().map(|place| (*place, exact(*place))).collect();
    // Rounding must not let the law fall.
    for at in 1..knots.len() {
        knots[at].1 = knots[at].1.max(knots[at - 1].1).min(sorted[last]);
    }
    let count = knots.len();
    for at in (0..count - 1).rev() {
        knots[at].1 = knots[at].1.min(knots[at + 1].1);
    }
    knots
}

/// Five significant digits: more would say nothing.
fn rounded(value: f64) -> f64 {
    format!("{value:.4e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests;
