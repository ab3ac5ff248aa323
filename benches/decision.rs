//! The time of one decision under every policy: `Core::step` in the simulated world, with 10,000 to 20,000 jobs waiting for
//! 10,000 GPUs. The aim: 99 of 100 steps take less than 5 ms.
//!
//! Criterion measures the mean; the percentiles are printed beside it. A step is all that happens at one instant; the
//! clock is read around the core alone. `cargo bench --bench decision -- NAME` measures the policies with that in their name.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints what it measures beside criterion")]

mod support;

use std::env;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use simulator::physics::Physics;
use simulator::workload::Workload;
use support::full::{Full, terms, trace};

const NODES: usize = 1250;
/// Jobs that wait at the beginning. Policies that prefer short jobs drain them soon.
const WAITING: usize = 20_000;
/// Jobs that arrive after the first.
const LATER: usize = 30_000;
/// Of these, as many wait at least as long as it is measured.
const QUEUED: u64 = 10_000;
/// Steps until the world no longer shows how it began.
const SETTLING: usize = 2000;
const STEPS: usize = 20_000;
/// The longest look at one policy.
const LONGEST: Duration = Duration::from_secs(20);

const POLICIES: [&str; 41] = [
    "fifo[skip=true]",
    "sjf",
    "srtf",
    "srsf",
    "smallest-gang",
    "hrrn",
    "edf[preempt=true]",
    "qssf",
    "pai-sjf",
    "las",
    "tiresias",
    "tiresias[preset=nsdi19]",
    "tiresias[rank=gittins]",
    "slurm",
    "slurm[preset=schedmd-example]",
    "slurm[behind=easy]",
    "fifo-rounds",
    "las-rounds",
    "srtf-rounds",
    "priority",
    "priority[victims=cost]",
    "max-min",
    "max-min[preempt=true]",
    "drf",
    "drf[preempt=true]",
    "hdrf",
    "gandiva-fair",
    "themis",
    "fair-share",
    "kueue",
    "kueue[reclaim=any,within-queue=lower-priority]",
    "kueue[preset=kueue-drs]",
    "kai",
    "hived",
    "hived[opportunistic=beyond]",
    "easy",
    "easy[place=consolidate]",
    "conservative[depth=100]",
    "conservative[depth=100,order=sjf]",
    "sla",
    "sla[admission=reject]",
];

/// Percentiles of the steps, in milliseconds.
fn look(full: &mut Full<'_>) -> (usize, [f64; 4]) {
    for _ in 0..SETTLING {
        full.step();
    }
    let started = Instant::now();
    let mut took: Vec<f64> = Vec::with_capacity(STEPS);
    while took.len() < STEPS && full.queued() >= QUEUED && started.elapsed() < LONGEST {
        let Some(step) = full.step() else { break };
        took.push(step.as_secs_f64() * 1e3);
    }
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took.get((took.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN);
    (took.len(), [at(0.5), at(0.99), at(0.999), took.last().copied().unwrap_or(f64::NAN)])
}

fn decision(criterion: &mut Criterion) {
    let wanted: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let inventory = support::cluster(NODES);
    let trace = Arc::new(trace(&inventory, WAITING, LATER));
    let workload = Workload::new(&trace, &inventory, &terms(&inventory));
    let physics = Physics::parse(&["restart_s=30", "checkpoint_s=600"]).expect("settings");
    let mut group = criterion.benchmark_group("decision");
    group.warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1)).sample_size(10);
    for policy in POLICIES {
        if !wanted.is_empty() && !wanted.iter().any(|word| policy.contains(word.as_str())) {
            continue;
        }
        let mut full = Full::new(&inventory, &workload, &physics, policy);
        let (steps, [p50, p99, p999, max]) = look(&mut full);
        println!(
            "{policy}: p50 {p50:.3} ms, p99 {p99:.3} ms, p99.9 {p999:.3} ms, longest {max:.3} ms of {steps} steps",
        );
        // A world that has ended makes no more decisions; another begins.
        let mut step = || loop {
            if let Some(took) = full.step() {
                return took;
            }
            full = Full::new(&inventory, &workload, &physics, policy);
        };
        group.bench_function(policy, |bencher| bencher.iter_custom(|steps| (0..steps).map(|_| step()).sum()));
    }
    group.finish();
}

criterion_group!(benches, decision);
criterion_main!(benches);
