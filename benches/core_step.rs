//! `Core::step` in its steady state, with 5,000 jobs queued on 1,000, 10,000 and 100,000 GPUs.
//!
//! Baseline: the same policy on 1,000 GPUs; time per step on 100,000 GPUs must stay below 3 times that. Criterion
//! measures the mean; the percentiles are printed beside it. The clock is read around the core alone, not the world.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints what it measures beside criterion")]

mod support;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use std::time::Duration;
use support::closed::Steady;

const QUEUED: u32 = 5000;
const STEPS: usize = 100_000;

fn core_step(criterion: &mut Criterion) {
    for policy in ["fifo[skip=true]", "easy", "srtf", "priority", "fair-share"] {
        let mut group = criterion.benchmark_group(format!("core_step/{policy}"));
        group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2)).sample_size(20);
        let mut baseline = None;
        for nodes in [125, 1250, 12_500] {
            let mut steady = Steady::new(nodes, QUEUED, policy);
            let (p50, p99, mean) = steady.percentiles(STEPS);
            let ratio = mean / *baseline.get_or_insert(mean);
            println!(
                "{policy} on {} GPUs, {} queued: p50 {p50:.2} us, p99 {p99:.2} us, mean {mean:.2} us = {ratio:.2} x 1,000 GPUs",
                nodes * 8,
                steady.queued(),
            );
            group.bench_function(BenchmarkId::from_parameter(nodes * 8), |bencher| {
                bencher.iter_custom(|steps| (0..steps).map(|_| steady.step()).sum());
            });
        }
        group.finish();
    }
}

criterion_group!(benches, core_step);
criterion_main!(benches);
