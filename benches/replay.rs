//! A million jobs through the whole engine, metrics included, against the bare loop on the same jobs.
//!
//! Baseline: `bare_loop` (benches/support): a finish heap and a bucketed free list. The ratio of the two medians is the
//! price of everything else; it must stay below 15.

mod support;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use simulator::metrics::Segments;
use simulator::physics::Physics;
use simulator::run::{RunSpec, replay};
use simulator::tenants::TenantTerms;
use simulator::workload::Workload;

const NODES: usize = 1000;
const JOBS: usize = 1_000_000;

fn million_jobs(criterion: &mut Criterion) {
    let trace = std::sync::Arc::new(support::trace(JOBS, NODES as u32 * 8, 0.95));
    let inventory = support::cluster(NODES);
    let workload = Workload::new(&trace, &inventory, &TenantTerms::default());
    let physics = Physics::default();
    let spec = RunSpec {
        inventory: &inventory,
        policy: "fifo[skip=true]".to_owned(),
        physics: &physics,
        load: 1.0,
        seed: 1,
        segments: Segments::Off,
    };
    let mut group = criterion.benchmark_group("million_jobs_1000x8");
    group.sample_size(10);
    group.bench_function("bare_loop", |bencher| bencher.iter(|| black_box(support::bare_loop(&trace, NODES))));
    group.bench_function("engine_fifo_skip", |bencher| {
        bencher.iter(|| black_box(replay(&spec, &workload).map(|replay| replay.summary.queue_mean_s)));
    });
    group.finish();
}

criterion_group!(benches, million_jobs);
criterion_main!(benches);
