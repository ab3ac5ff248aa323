//! Finding nodes on a half-full cluster, through the index of free GPUs and without it.
//!
//! Baseline: `naive_scan`, best fit by a look at every node.

mod support;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use engine::{Cluster, Inventory, NodeId, Placement, Scan, TaskRequest};
use support::mix;

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

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(std::time::Duration::from_millis(300))
        .measurement_time(std::time::Duration::from_secs(1));
    targets = placement
}
criterion_main!(benches);
