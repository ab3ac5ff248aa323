//! Patterns for nodes, chosen by an integer program: how long a solver takes for the relaxation and for a plan.
//!
//! The program has the form that column generation gives: a column is a way to fill a node of one shape with jobs of up
//! to four classes; rows say how many nodes of a shape and how many jobs of a class there are. Baseline: the relaxation,
//! whose objective no plan exceeds. With `--features highs`, HiGHS beside microlp.

mod support;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use policies::milp::solver::{Limits, Microlp, Program, RowId, Solver, solve};
use support::mix;

/// Random patterns over 50 node shapes and 100 classes of jobs.
fn patterns(columns: u64) -> Program {
    let mut program = Program::new();
    let shapes: Vec<RowId> =
        (0..50).map(|shape| program.row(f64::NEG_INFINITY, 1.0 + (mix(shape) % 40) as f64)).collect();
    let classes: Vec<RowId> =
        (0..100).map(|class| program.row(f64::NEG_INFINITY, 5.0 + (mix(1_000 + class) % 80) as f64)).collect();
    for column in 0..columns {
        let dice = |what: u64| mix(column * 64 + what + 10_000);
        let parts: Vec<(usize, u64)> =
            (0..=dice(0) % 4).map(|part| (dice(2 * part + 1) as usize % 100, 1 + dice(2 * part + 2) % 3)).collect();
        let worth: u64 = parts.iter().map(|&(class, count)| (50 + mix(class as u64) % 950) * count).sum();
        let pattern = program.integer((worth - (dice(60) % 300).min(worth)) as f64 / 1000.0, 0, 40);
        program.term(shapes[dice(61) as usize % 50], pattern, 1.0);
        for (class, count) in parts {
            program.term(classes[class], pattern, count as f64);
        }
    }
    program
}

fn solvers() -> Vec<Box<dyn Solver>> {
    vec![
        Box::new(Microlp),
        #[cfg(feature = "highs")]
        Box::new(policies::milp::solver::Highs),
    ]
}

fn solver(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("solver");
    group.sample_size(10);
    for columns in [100, 500, 2_000] {
        let program = patterns(columns);
        let relaxed = program.relaxed();
        for solver in &mut solvers() {
            let name = |what: &str, solver: &dyn Solver| BenchmarkId::new(format!("{}/{what}", solver.name()), columns);
            let none = Limits { nodes: 1, ..Limits::default() };
            group.bench_function(name("relaxation", solver.as_ref()), |b| {
                b.iter(|| solve(solver.as_mut(), &relaxed, none));
            });
            let plan = Limits { nodes: 0, gap: 0.01, ..Limits::default() };
            group.bench_function(name("plan", solver.as_ref()), |b| b.iter(|| solve(solver.as_mut(), &program, plan)));
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(std::time::Duration::from_millis(300))
        .measurement_time(std::time::Duration::from_secs(2));
    targets = solver
}
criterion_main!(benches);
