//! The joint program: 200 jobs at once on 500 nodes, by the number of distinct rooms and by load, and an infeasible gang.
//!
//! Aims: within a second to a gap of 1 %, a cost that grows no faster than the number of shapes, an infeasible gang told in
//! under 10 ms on 1,213 nodes. A table with gaps is printed first. Baseline: the greedy plan is inside of each, and its gap
//! to the bound is in the table.

mod support;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use engine::TaskRequest;
use engine::topology::Level;
use policies::milp::joint::{plan, refusal};
use policies::milp::solver::Microlp;
use policies::milp::yard::Ask;
use support::batch::{Batch, batch};

/// Jobs, nodes, distinct rooms, GPUs in use of 100: with room for all jobs, and without.
const CASES: [(u64, u64, u64, u64); 7] = [
    (200, 500, 50, 50),
    (200, 500, 100, 50),
    (200, 500, 200, 50),
    (200, 500, 400, 50),
    (200, 500, 100, 98),
    (200, 500, 200, 98),
    (200, 500, 400, 98),
];

fn solve(case: &Batch) -> policies::milp::yard::Plan {
    plan(&case.yard, &case.asks, &case.work, &case.rules, &mut Microlp)
}

fn table() {
    println!("jobs nodes rooms busy | shapes columns placed | gap greedy_gap stopped");
    for (jobs, nodes, rooms, busy) in CASES {
        let plan = solve(&batch(jobs, nodes, rooms, busy));
        let quality = &plan.quality;
        let greedy = (quality.bound - quality.greedy_objective) as f64 / quality.objective.max(1) as f64;
        let placed = plan.placed.iter().flatten().count();
        println!(
            "{jobs} {nodes} {rooms} {busy} | {} {} {placed} | {:.4} {greedy:.4} {:?}",
            quality.shapes, quality.columns, quality.gap, quality.stopped
        );
    }
}

fn milp(criterion: &mut Criterion) {
    table();
    let mut group = criterion.benchmark_group("milp");
    group.sample_size(10);
    for (jobs, nodes, rooms, busy) in CASES {
        let case = batch(jobs, nodes, rooms, busy);
        let load = if busy > 90 { "full" } else { "half" };
        group.bench_function(BenchmarkId::new(format!("{jobs} jobs on {nodes} nodes, {load}"), rooms), |b| {
            b.iter(|| solve(&case));
        });
    }
    let case = batch(0, 1_213, 400, 50);
    let groups = vec![(TaskRequest::whole_gpus(8), 17)];
    let gang = Ask { value: 136_000, groups, required: Some(Level::Rack), preferred: None };
    group.bench_function("infeasible gang, 1213 nodes", |b| {
        b.iter(|| refusal(&case.yard, &gang, &case.rules).expect("a rack has 16 nodes"));
    });
    group.finish();
}

criterion_group!(benches, milp);
criterion_main!(benches);
