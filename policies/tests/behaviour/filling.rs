//! Max-min, DRF and H-DRF: worked examples of the papers, and what they promise.

use engine::{Amounts, Inventory};
use proptest::prelude::*;

use crate::fair_world::{Work, World, cluster, jobs, task};

const FLAT: [(&str, Option<u32>, u32); 4] =
    [("a", None, 1000), ("b", None, 1000), ("c", None, 1000), ("d", None, 1000)];
/// Longer than any test looks.
const LONG: u64 = 100_000;

/// Ghodsi et al., section 4.1: 9 CPUs and 18 GB; A's tasks need <1 CPU, 4 GB>, B's <3 CPUs, 1 GB>. A gets 3, B gets 2, and
/// both have a dominant share of 2/3.
#[test]
fn the_example_of_the_drf_paper() {
    for policy in ["drf", "drf[preset=nsdi11]", "drf[skip=true]", "hdrf"] {
        let mut world = World::new(cluster(1, 0, 9, 18), policy, &FLAT, &[task(0, 1, 4), task(0, 3, 1)]);
        world.submit(&jobs(10, 0, 0, 0, LONG));
        world.submit(&jobs(10, 0, 1, 1, LONG));
        world.run_to(0);
        let (a, b) = (world.placed(0), world.placed(1));
        assert_eq!((a.cpu_milli, a.memory_mib), (3000, 12 * 1024), "{policy}: three tasks of A");
        assert_eq!((b.cpu_milli, b.memory_mib), (6000, 2 * 1024), "{policy}: two tasks of B");
        // 12 of 18 GB and 6 of 9 CPUs.
        assert_eq!(a.memory_mib * 9000, b.cpu_milli * 18 * 1024);
    }
}

/// The dominant share of a tenant with weight 1.
fn dominant(held: Amounts, up: Amounts) -> f64 {
    held.values().iter().zip(up.values()).map(|(held, up)| *held as f64 / up as f64).fold(0.0, f64::max)
}

/// The dominant share of one task.
fn share_of_one((gpus, cpus, gib): (u32, u32, u32), up: Amounts) -> f64 {
    let one = [u64::from(gpus) * 1000, u64::from(cpus) * 1000, u64::from(gib) * 1024];
    dominant(Amounts { gpu_milli: one[0], cpu_milli: one[1], memory_mib: one[2] }, up)
}

/// Small tasks on one large node: a task is at most 1/40 of any resource.
fn demands() -> impl Strategy<Value = Vec<(u32, u32, u32)>> {
    prop::collection::vec((0u32..=3, 1u32..=6, 1u32..=6), 2..=4)
}

/// What each tenant has with everybody waiting, and the capacity.
fn fill(policy: &str, demands: &[(u32, u32, u32)]) -> (Vec<Amounts>, Amounts) {
    let shapes: Vec<_> = demands.iter().map(|(gpus, cpus, gib)| task(*gpus, *cpus, *gib)).collect();
    let mut world = World::new(cluster(1, 120, 240, 240), policy, &FLAT, &shapes);
    for tenant in 0..demands.len() as u32 {
        world.submit(&jobs(250, 0, tenant, tenant, LONG));
    }
    world.run_to(0);
    let up = world.core.state().cluster().up();
    ((0..demands.len() as u32).map(|tenant| world.placed(tenant)).collect(), up)
}

/// How many tasks of `demand` fit in `held`.
fn tasks(held: Amounts, (gpus, cpus, gib): (u32, u32, u32)) -> f64 {
    let of = |held: u64, each: u64| if each == 0 { f64::INFINITY } else { held as f64 / each as f64 };
    let each = [u64::from(gpus) * 1000, u64::from(cpus) * 1000, u64::from(gib) * 1024];
    held.values().into_iter().zip(each).map(|(held, each)| of(held, each)).fold(f64::INFINITY, f64::min)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Nobody does worse than on a private 1/n of the cluster (Ghodsi et al., section 3.1), up to 1/n of one task of each.
    ///
    /// When a task of `at` no longer fits, some resource has less free than it needs, and nobody is more than one task of
    /// its own ahead of `at`: n shares like that of `at` and one task of each are all of that resource.
    #[test]
    fn sharing_is_an_incentive(demands in demands()) {
        let (held, up) = fill("drf", &demands);
        let one_of_each: f64 = demands.iter().map(|demand| share_of_one(*demand, up)).sum();
        for held in &held {
            prop_assert!(dominant(*held, up) * demands.len() as f64 + one_of_each > 1.0, "{held:?}");
        }
    }

    /// Nobody would rather have what another has, up to what whole tasks cost: one task of its own and one of the other.
    ///
    /// Until a task of `at` no longer fits, `other` is at most one task of its own ahead in dominant share. From then on
    /// some resource has less free than one task of `at` needs, so `other` gains less than one such task there.
    #[test]
    fn nobody_envies(demands in demands()) {
        let (held, up) = fill("drf", &demands);
        for (at, demand) in demands.iter().enumerate() {
            for (other, theirs) in held.iter().zip(&demands) {
                let slack = 1.0 + share_of_one(*theirs, up) / share_of_one(*demand, up);
                prop_assert!(tasks(*other, *demand) < tasks(held[at], *demand) + slack, "{at}: {held:?}");
            }
        }
    }

    /// Who asks for more than it can use gains no useful tasks (strategy-proofness), up to the share of one task of each.
    #[test]
    fn lies_do_not_pay(demands in demands(), more in (0u32..=2, 0u32..=3, 0u32..=3)) {
        let (honest, up) = fill("drf", &demands);
        let mut lie = demands.clone();
        lie[0] = (demands[0].0 + more.0, demands[0].1 + more.1, demands[0].2 + more.2);
        let (lied, _) = fill("drf", &lie);
        let one_of_each: f64 = lie.iter().map(|demand| share_of_one(*demand, up)).sum();
        let gained = tasks(lied[0], demands[0]).floor() - tasks(honest[0], demands[0]);
        prop_assert!(gained * share_of_one(demands[0], up) <= one_of_each, "{honest:?} {lied:?}");
    }

    /// No task of anybody fits in what is left (Pareto efficiency).
    #[test]
    fn nothing_is_left_that_somebody_can_use(demands in demands()) {
        let (held, up) = fill("drf", &demands);
        let mut left = up;
        for held in &held {
            left -= *held;
        }
        for demand in &demands {
            prop_assert!(tasks(left, *demand) < 1.0, "{left:?}");
        }
    }

    /// Shares for weights differ by at most one task.
    #[test]
    fn equal_tasks_give_equal_shares_for_weights(weights in prop::collection::vec(1u32..=5, 2..=4)) {
        for policy in ["max-min", "max-min[level=tenant]", "drf", "hdrf[skip=true]"] {
            let tenants: Vec<_> = weights.iter().map(|weight| ("t", None, weight * 1000)).collect();
            let mut world = World::new(Inventory::uniform(20, 6, "A100"), policy, &tenants, &[task(1, 0, 0)]);
            for tenant in 0..weights.len() as u32 {
                world.submit(&jobs(120, 0, tenant, 0, LONG));
            }
            world.run_to(0);
            // Before its last GPU, nobody had more for its weight than anybody has now.
            for (more, more_weight) in weights.iter().enumerate() {
                for (less, less_weight) in weights.iter().enumerate() {
                    let (more, less) = (world.gpus(more as u32), world.gpus(less as u32));
                    let fair = (more - 1) * u64::from(*less_weight) <= less * u64::from(*more_weight);
                    prop_assert!(fair, "{policy} {weights:?}: {more} and {less}");
                }
            }
            prop_assert_eq!(world.core.state().cluster().free_gpu_milli(), 0);
        }
    }

    /// With preemption, whoever came first: shares for weights, each run stopped at most a few times, and then silence.
    #[test]
    fn preemption_reaches_the_fair_shares_and_rests(
        weights in prop::collection::vec(1u32..=4, 2..=3),
        classes in prop::collection::vec(0u32..3, 1..=3),
        policy in prop::sample::select(vec!["max-min[preempt=true]", "drf[preempt=true]", "drf[preempt=true,skip=true]"]),
    ) {
        let tenants: Vec<_> = weights.iter().map(|weight| ("t", None, weight * 1000)).collect();
        let shapes = [task(1, 0, 0), task(2, 0, 0), task(4, 0, 0)];
        let mut world = World::new(Inventory::uniform(6, 8, "A100"), policy, &tenants, &shapes);
        for tenant in 0..weights.len() as u32 {
            let class = classes[tenant as usize % classes.len()];
            world.submit(&jobs(60, u64::from(tenant) * 10, tenant, class, LONG));
        }
        world.run_to(1000);
        let (stops, sum) = (world.stops.len(), weights.iter().sum::<u32>());
        for (tenant, weight) in weights.iter().enumerate() {
            let fair = 48.0 * f64::from(*weight) / f64::from(sum);
            // What the exchange rule cannot move: less than a gang of each of the others.
            prop_assert!(world.gpus(tenant as u32) as f64 + 8.0 > fair, "{tenant}: {} of {fair}", world.gpus(tenant as u32));
        }
        prop_assert!(world.core.state().jobs().iter().all(|job| job.preemptions <= 3));
        world.run_to(2000);
        prop_assert_eq!(world.stops.len(), stops, "nothing has changed since");
    }
}

#[test]
fn a_tree_is_filled_from_the_top() {
    let tenants =
        [("a", None, 1000), ("x", Some(0), 1000), ("y", Some(0), 3000), ("b", None, 1000), ("z", Some(3), 1000)];
    for policy in ["max-min", "hdrf"] {
        let mut world = World::new(Inventory::uniform(4, 8, "A100"), policy, &tenants, &[task(1, 0, 0)]);
        for tenant in [1, 2, 4] {
            world.submit(&jobs(40, 0, tenant, 0, LONG));
        }
        world.run_to(0);
        assert_eq!([1, 2, 4].map(|tenant| world.gpus(tenant)), [4, 12, 16], "{policy}");
    }
}

#[test]
fn new_weights_count_at_once() {
    let mut world = World::new(Inventory::uniform(1, 8, "A100"), "max-min[preempt=true]", &FLAT[..2], &[task(1, 0, 0)]);
    world.submit(&jobs(8, 0, 0, 0, LONG));
    world.submit(&jobs(8, 0, 1, 0, LONG));
    world.weigh(100, 1, 3000);
    world.run_to(50);
    assert_eq!((world.gpus(0), world.gpus(1)), (4, 4));
    world.run_to(100);
    assert_eq!((world.gpus(0), world.gpus(1)), (2, 6));
    assert_eq!(world.stops.len(), 2);
    let evictions = world.core.state().evictions();
    assert!(evictions.iter().all(|eviction| eviction.bill.by.is_some() && eviction.bill.predicted == 100_000_000_000));
}

/// A gang of 4 waits; the donor has one gang of 8 and would have nothing after it. It stays.
#[test]
fn nobody_gives_more_than_would_leave_it_with_less_than_the_taker() {
    let shapes = [task(8, 0, 0), task(4, 0, 0)];
    let run = |own: u32| {
        let mut world = World::new(Inventory::uniform(1, 8, "A100"), "drf[preempt=true]", &FLAT[..2], &shapes);
        world.submit(&jobs(2, 0, 0, own, LONG));
        world.submit(&jobs(1, 5, 1, 1, LONG));
        world.run_to(10);
        (world.gpus(0), world.gpus(1))
    };
    assert_eq!(run(0), (8, 0));
    assert_eq!(run(1), (4, 4));
}

/// The starvation of Bhattacharya et al. (2013), section 3: n1 wants CPU; n2 has a leaf that wants CPU and one that nobody competes with for
/// GPUs. Tasks end and start again; who gets the CPUs in the long run?
fn cpu_tasks(policy: &str) -> (u64, u64, u64) {
    let tenants = [("n1", None, 1000), ("n2", None, 1000), ("n2.1", Some(1), 1000), ("n2.2", Some(1), 1000)];
    let mut world = World::new(cluster(1, 100, 100, 0), policy, &tenants, &[task(0, 1, 0), task(1, 0, 0)]);
    let mut all: Vec<Work> = Vec::new();
    for (tenant, class) in [(0, 0), (2, 0), (3, 1)] {
        // Spread ends: tasks of 50 to 149 seconds.
        all.extend((0..1500).map(|at| Work { at: 0, tenant, class, secs: 50 + at * 37 % 100 }));
    }
    world.submit(&all);
    world.run_to(700);
    (world.placed(0).cpu_milli / 1000, world.placed(2).cpu_milli / 1000, world.gpus(3))
}

#[test]
fn a_leaf_starves_where_shares_are_added_up_naively_and_not_with_hdrf() {
    for policy in ["hdrf", "hdrf[preset=volcano]"] {
        let (n1, leaf, gpus) = cpu_tasks(policy);
        assert_eq!((n1 + leaf, gpus), (100, 100), "{policy}");
        assert!(n1.abs_diff(leaf) <= 2, "{policy}: {n1} and {leaf}");
    }
    let (n1, leaf, gpus) = cpu_tasks("hdrf[naive=true]");
    assert!(leaf <= 2 && n1 + leaf == 100 && gpus == 100, "n2 looks as if it had everything: {n1} and {leaf}");
}

/// Nobody passes with `skip=false`, other tenants do by default, and every class with `skip=true`.
#[test]
fn who_may_pass_is_a_knob() {
    let started = |policy: &str| {
        let mut world =
            World::new(Inventory::uniform(1, 8, "A100"), policy, &FLAT[..2], &[task(6, 0, 0), task(1, 0, 0)]);
        world.submit(&jobs(1, 0, 1, 0, LONG));
        world.submit(&jobs(1, 1, 0, 0, LONG));
        world.submit(&jobs(1, 2, 0, 1, LONG));
        world.submit(&jobs(1, 3, 1, 1, LONG));
        world.run_to(10);
        world.starts.iter().map(|(_, job)| *job).collect::<Vec<_>>()
    };
    assert_eq!(started("drf[skip=false]"), [0]);
    assert_eq!(started("drf"), [0, 3], "job 2 waits behind job 1 of its tenant");
    assert_eq!(started("drf[skip=true]"), [0, 2, 3]);
}

#[test]
fn shares_of_what_is_up_count() {
    let (held, up) = fill("drf", &[(1, 1, 1), (1, 3, 1)]);
    assert!((dominant(held[0], up) - dominant(held[1], up)).abs() < 0.03, "{held:?}");
}
