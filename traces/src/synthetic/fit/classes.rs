//! Kinds of jobs by the size of their gang.

use std::collections::BTreeMap;

use super::tenants::Groups;
use super::{knots, outcomes, rounded};
use crate::info::class_of;
use crate::synthetic::model::{Class, RunTime};
use crate::trace::{Recorded, Trace, TraceJob};

/// A smaller class joins its neighbour.
pub(super) const JOBS_MIN: usize = 100;
/// Parts of the run times with weights of groups of their own.
const PARTS: usize = 4;
/// Gang sizes that a class tells apart.
const SIZES_MAX: usize = 40;

/// The classes, the smallest gangs first.
pub(super) fn classes(trace: &Trace, groups: &Groups) -> Vec<Class> {
    let mut by_size: BTreeMap<u32, Vec<&TraceJob>> = BTreeMap::new();
    for job in &trace.jobs {
        by_size.entry(class_of(job.gpu_milli)).or_default().push(job);
    }
    let mut buckets: Vec<Vec<&TraceJob>> = by_size.into_values().collect();
    while buckets.len() > 1 {
        let Some(small) = buckets.iter().rposition(|jobs| jobs.len() < JOBS_MIN) else { break };
        let jobs = buckets.remove(small);
        buckets[small.saturating_sub(1)].extend(jobs);
    }
    buckets.into_iter().map(|jobs| class(jobs, trace.jobs.len(), groups)).collect()
}

fn class(mut jobs: Vec<&TraceJob>, all: usize, groups: &Groups) -> Class {
    jobs.sort_by_key(|job| job.duration);
    let times: Vec<f64> = jobs.iter().map(|job| job.duration.secs_f64().max(1.0)).collect();
    let says_ends = jobs.iter().any(|job| job.recorded != Recorded::Unknown);
    Class {
        share: rounded(jobs.len() as f64 / all as f64),
        gangs: gangs(&jobs),
        run_time: RunTime::Quantiles(knots(&times)),
        outcomes: says_ends.then(|| outcomes(jobs.iter().copied())),
        groups: rows(&jobs, groups),
    }
}

/// The sizes with their counts. Beyond the most frequent ones a size counts for the nearest of them.
fn gangs(jobs: &[&TraceJob]) -> Vec<(f64, f64)> {
    let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
    for job in jobs {
        *counts.entry(undivided(job.gpu_milli)).or_default() += 1;
    }
    let mut frequent: Vec<(u32, u64)> = counts.iter().map(|(size, count)| (*size, *count)).collect();
    frequent.sort_by_key(|(size, count)| (std::cmp::Reverse(*count), *size));
    let kept: Vec<u32> = frequent.iter().take(SIZES_MAX).map(|(size, _)| *size).collect();
    let mut gangs: BTreeMap<u32, u64> = BTreeMap::new();
    for (size, count) in counts {
        let nearest = kept.iter().copied().min_by_key(|kept| (kept.abs_diff(size), *kept)).unwrap_or(size);
        *gangs.entry(nearest).or_default() += count;
    }
    gangs.into_iter().map(|(size, count)| (f64::from(size) / 1000.0, count as f64)).collect()
}

/// A gang that is not divided into tasks has whole GPUs, or a part of one: what tasks share is rounded up.
fn undivided(gpu_milli: u32) -> u32 {
    if gpu_milli <= 1000 {
        gpu_milli
    } else {
        (gpu_milli / 1000 + u32::from(!gpu_milli.is_multiple_of(1000))).min(u32::MAX / 1000) * 1000
    }
}

/// Jobs of each group in each part of the run times; nothing where there is one group or a part would be empty.
fn rows(sorted: &[&TraceJob], groups: &Groups) -> Vec<Vec<f64>> {
    if groups.columns() < 2 || sorted.len() < PARTS {
        return Vec::new();
    }
    let mut rows = vec![vec![0.0; groups.columns()]; PARTS];
    for (rank, job) in sorted.iter().enumerate() {
        rows[rank * PARTS / sorted.len()][groups.column(job.tenant)] += 1.0;
    }
    rows
}
