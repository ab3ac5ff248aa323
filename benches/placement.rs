//! Finding nodes on a half-full cluster, through the index of free GPUs and without it.
//!
//! Baseline: `naive_scan`, best fit by a look at every node.
//!
//! Beside it F of a node, by the tables of a workload of 35 typical tasks and by its definition; and the step of the core in
//! which a job arrives under FGD, on openb's 1,213 nodes and on 12,500, with the percentiles printed.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints what it measures beside criterion")]

mod support;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use engine::{Cluster, Inventory, ModelId, NodeId, Placement, Scan, TaskRequest};
use policies::fragmentation::{COVER_PPM, NodeRoom, Workload};
use simulator::tenants::TenantTerms;
use support::{churn, mix};

/// Steps of which the percentiles are printed.
const STEPS: usize = 20_000;

/// A cluster on which a hash decides how much of each node is held.
fn half_full(nodes: usize) -> Cluster {
    let mut cluster = Cluster::new(Inventory::uniform(nodes, 8, "GPU"));
    for node in 0..nodes {
        let held = (mix(node as u64) % 9) as u32;
        let mut slices = Placement::new();
        let _taken = cluster.take(NodeId::new(node), &TaskRequest::whole_gpus(held), &mut slices);
    }
    cluster
}

fn naive_best_fit(cluster: &Cluster, request: &TaskRequest) -> Option<NodeId> {
    let fitting = (0..cluster.len()).map(NodeId::new).filter(|node| cluster.fits(*node, request));
    fitting.min_by_key(|node| (cluster.free_gpus(*node), *node))
}

fn placement(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("placement");
    for nodes in [125, 1250, 12_500] {
        let cluster = half_full(nodes);
        for gpus in [1, 4, 8] {
            let request = TaskRequest::whole_gpus(gpus);
            let name = |what: &str| BenchmarkId::new(format!("{what}/{gpus}"), nodes * 8);
            group.bench_function(name("naive_scan"), |b| b.iter(|| naive_best_fit(&cluster, black_box(&request))));
            group.bench_function(name("best_fit"), |b| {
                b.iter(|| cluster.by_free(black_box(request), Scan::FewestFree, None).next());
            });
            group.bench_function(name("worst_fit"), |b| {
                b.iter(|| cluster.by_free(black_box(request), Scan::MostFree, None).next());
            });
            group.bench_function(name("first_fit"), |b| b.iter(|| cluster.next_fit(black_box(&request), 0, None)));
        }
    }
    group.finish();
}

fn fragmentation(criterion: &mut Criterion) {
    let (inventory, trace) = (churn::inventory(1), churn::jobs(4000));
    let mix_of = simulator::workload::Workload::new(&trace, &inventory, &TenantTerms::default()).mix();
    let workload = Workload::of(&mix_of, COVER_PPM);
    let room = |at: u64| NodeRoom {
        model: ModelId(0),
        cpu_milli: (mix(at) % 96_000) as u32,
        memory_mib: 768_000,
        gpus: (0..8).map(|gpu| [0, 190, 500, 1000][(mix(at * 8 + gpu) % 4) as usize]).collect(),
    };
    let rooms: Vec<NodeRoom> = (0..64).map(room).collect();
    println!("fragmentation: {} typical tasks, mean of 64 nodes of 8 GPUs", workload.typical().len());
    let mut group = criterion.benchmark_group("fragmentation of 64 nodes");
    let mut bench = |name: &str, of: fn(&Workload, &NodeRoom) -> u64| {
        group.bench_function(name, |b| b.iter(|| rooms.iter().map(|room| of(&workload, black_box(room))).sum::<u64>()));
    };
    bench("tables", Workload::fragmentation);
    bench("definition", Workload::fragmentation_by_definition);
    group.finish();
}

fn fgd(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fgd");
    for nodes in [1213, 12_500] {
        let mut churn = churn::Churn::new(nodes, "fgd");
        let mut took: Vec<f64> = (0..STEPS).map(|_| churn.step().as_secs_f64() * 1e6).collect();
        took.sort_by(f64::total_cmp);
        println!("fgd on {nodes} nodes: p50 {:.1} us, p99 {:.1} us", took[STEPS / 2], took[STEPS * 99 / 100]);
        group.bench_function(BenchmarkId::from_parameter(nodes), |b| {
            b.iter_custom(|steps| (0..steps).map(|_| churn.step()).sum());
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(std::time::Duration::from_millis(300))
        .measurement_time(std::time::Duration::from_secs(1));
    targets = placement, fragmentation, fgd
}
criterion_main!(benches);
