//! Gandiva-fair: users trade GPU models, and nobody loses.

use engine::{GpuModel, Inventory, ModelId, Shape, TaskRequest};
use proptest::prelude::*;

use crate::fair_world::{World, jobs, task};

const LONG: u64 = 10_000_000;

/// Nodes of 8 slow GPUs, then nodes of 8 fast ones.
fn two_models(slow: usize, fast: usize) -> Inventory {
    let mut inventory = Inventory::uniform(slow + fast, 8, "K80");
    inventory.models.push(GpuModel { name: "V100".to_owned(), ..inventory.models[0].clone() });
    for node in &mut inventory.nodes[slow..] {
        node.model = ModelId(1);
    }
    inventory
}

/// A world in which each tenant has weight and speeds on the two models, and one-GPU jobs for all of it.
fn world(policy: &str, nodes: usize, tenants: &[(u32, [u32; 2])]) -> World {
    let names = ["a", "b", "c", "d"];
    let named: Vec<_> = tenants.iter().zip(names).map(|((weight, _), name)| (name, None, *weight)).collect();
    let mut world = World::new(two_models(nodes, nodes), policy, &named, &[task(1, 0, 0), task(4, 0, 0)]);
    world.speeds(&tenants.iter().map(|(_, speeds)| speeds.to_vec()).collect::<Vec<_>>());
    for tenant in 0..tenants.len() as u32 {
        world.submit(&jobs(20 * nodes, 0, tenant, 0, LONG));
    }
    world
}

/// Work that each tenant does in a second, between two times.
fn throughput(world: &mut World, tenants: u32, from: u64, to: u64) -> Vec<f64> {
    world.run_to(from);
    let before: Vec<f64> = (0..tenants).map(|tenant| world.done(tenant)).collect();
    world.run_to(to);
    let span = (to - from) as f64;
    (0..tenants).map(|tenant| (world.done(tenant) - before[tenant as usize]) / span).collect()
}

/// 16 slow and 16 fast GPUs. A is 1.25 times as fast on the fast ones, B 6 times. Halved, A does 8 + 10 = 18 and
/// B 8 + 48 = 56. At 1.25 slow ones for a fast one B buys 6.4: A still does 16 + 2 = 18, B 14.4 x 6 = 86.4.
#[test]
fn who_gains_most_ends_with_the_fast_gpus_and_nobody_loses() {
    let mut world = world("gandiva-fair", 2, &[(1000, [1_000_000, 1_250_000]), (1000, [1_000_000, 6_000_000])]);
    let done = throughput(&mut world, 2, 1200, 8400);
    assert!((done[0] - 18.0).abs() < 0.4, "{done:?}");
    assert!((done[1] - 86.4).abs() < 1.0, "{done:?}");
}

#[test]
fn without_trade_gpu_time_is_shared_whatever_the_model() {
    let tenants = [(1000, [1_000_000, 1_250_000]), (3000, [1_000_000, 6_000_000])];
    let mut world = world("gandiva-fair[trade=false]", 2, &tenants);
    world.run_to(1200);
    let before = [world.used(0), world.used(1)];
    world.run_to(8400);
    for (tenant, part) in [(0, 0.25), (1, 0.75)] {
        let used = world.used(tenant) - before[tenant as usize];
        assert!((used / (32.0 * 7200.0) - part).abs() < 0.02, "{tenant}: {used}");
    }
}

/// Tickets changed, and who has no jobs any more: the next round trades anew.
#[test]
fn new_tickets_make_new_trades() {
    let mut world = world("gandiva-fair", 2, &[(1000, [1_000_000, 1_250_000]), (1000, [1_000_000, 6_000_000])]);
    world.weigh(7200, 0, 3000);
    let done = throughput(&mut world, 2, 8400, 15_600);
    // A: 12 + 12 x 1.25 = 27. B has 4 + 4: it buys 3.2 for its 4 slow ones, 7.2 x 6 = 43.2.
    assert!((done[0] - 27.0).abs() < 0.6, "{done:?}");
    assert!((done[1] - 43.2).abs() < 1.0, "{done:?}");
}

/// All that trade goes by is with the engine: a policy that knows nothing decides the same.
#[test]
fn a_fresh_policy_decides_the_same() {
    let play = |refreshed_by| {
        let tenants = [(1000, [1_000_000, 1_250_000]), (2000, [1_000_000, 6_000_000]), (1000, [900_000, 3_000_000])];
        let mut world = world("gandiva-fair", 1, &tenants);
        world.refreshed_by = refreshed_by;
        world.submit(&jobs(6, 500, 1, 1, 900));
        world.submit(&jobs(9, 700, 0, 1, 400));
        world.run_to(9000);
        (world.starts, world.stops)
    };
    let kept = play(None);
    assert!(kept.0.len() > 500);
    assert_eq!(kept, play(Some("gandiva-fair")));
}

/// A gang that no model can hold alone is placed over both, and gets its turns.
#[test]
fn a_gang_over_two_models_ends() {
    let wide = Shape::gang(16, 8, TaskRequest::whole_gpus(0));
    let tenants = [("a", None, 1000), ("b", None, 1000)];
    let mut world = World::new(two_models(1, 1), "gandiva-fair", &tenants, &[task(1, 0, 0), wide]);
    world.speeds(&[vec![1_000_000, 2_000_000], vec![1_000_000, 4_000_000]]);
    world.submit(&jobs(30, 0, 0, 0, 7200));
    world.submit(&jobs(2, 60, 1, 1, 1800));
    world.run_to(100_000);
    assert_eq!(world.ends.len(), 32);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Everybody does at least what its part of each model would do for it.
    #[test]
    fn nobody_does_less_than_without_trade(
        tenants in prop::collection::vec((1u32..4, prop::array::uniform2(500_000u32..6_000_000)), 2..4),
    ) {
        let tenants: Vec<_> = tenants.into_iter().map(|(weight, speeds)| (weight * 1000, speeds)).collect();
        let mut world = world("gandiva-fair", 2, &tenants);
        let done = throughput(&mut world, tenants.len() as u32, 1800, 12_600);
        let weights: u32 = tenants.iter().map(|(weight, _)| weight).sum();
        for ((weight, speeds), done) in tenants.iter().zip(&done) {
            let alone = f64::from(*weight) / f64::from(weights) * 16.0 * speeds.map(|ppm| f64::from(ppm) / 1e6).iter().sum::<f64>();
            prop_assert!(*done >= alone * 0.98, "{done} < {alone} of {tenants:?}");
        }
    }
}
