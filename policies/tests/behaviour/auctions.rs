//! Themis: auctions by hand, and what they promise.

use engine::{Inventory, JobId, Phase};
use proptest::prelude::*;

use crate::fair_world::{Work, World, jobs, task};

const ONE: [(&str, Option<u32>, u32); 1] = [("a", None, 1000)];

fn world(policy: &str, nodes: usize, gpus: u32) -> World {
    World::new(Inventory::uniform(nodes, gpus, "A100"), policy, &ONE, &[1, 2, 4, 8].map(|gpus| task(gpus, 0, 0)))
}

/// One GPU. At 0, j0 (1 h) would gain (0 + 1200 + 3600) / 3600 = 4/3 and j1 (40 min) (0 + 1200 + 2400) / 2400 = 3/2: j1 wins
/// and pays 4/3, so that it keeps 3/4 of a lease of 20 min. At 900 s j2, there since 100 s with a minute of work, gains
/// (800 + 1200 + 60) / 860 and wins.
#[test]
fn a_winner_pays_with_its_lease() {
    for exact in ["8", "0"] {
        let mut world = world(&format!("themis[f=0,exact={exact}]"), 1, 1);
        world.submit(&jobs(1, 0, 0, 0, 3600));
        world.submit(&jobs(1, 0, 0, 0, 2400));
        world.submit(&jobs(1, 100, 0, 0, 60));
        world.run_to(1000);
        assert_eq!(world.starts[..2], [(0, 1), (900, 2)], "exact={exact}");
        assert_eq!(world.stops, [(900, 1)]);
        let eviction = world.core.state().evictions()[0];
        assert_eq!(eviction.bill.by, Some(JobId(2)));
    }
}

/// With f = 0.8 one of two bidders sees the offer: the one with the larger rho, whatever the other would gain.
#[test]
fn only_the_worst_off_see_an_offer() {
    let started = |policy: &str| {
        let mut world = world(policy, 1, 1);
        // rho after 1000 s: j1 (2000 + 1000) / 2000, j2 (60 + 100) / 60.
        world.submit(&[
            Work { at: 0, tenant: 0, class: 0, secs: 1000 },
            Work { at: 0, tenant: 0, class: 0, secs: 2000 },
            Work { at: 900, tenant: 0, class: 0, secs: 60 },
        ]);
        world.run_to(1000);
        world.starts.iter().map(|(_, job)| *job).collect::<Vec<_>>()
    };
    assert_eq!(
        started("themis[f=0,lease=60]"),
        [0, 2],
        "gains: (1000 + 3600 + 2000) / 3000 and (100 + 3600 + 60) / 160"
    );
    assert_eq!(started("themis[lease=60]"), [0, 2], "rho of j2 is the larger too");
    let mut world = world("themis[lease=60]", 1, 1);
    world.submit(&[
        Work { at: 0, tenant: 0, class: 0, secs: 1000 },
        Work { at: 0, tenant: 0, class: 0, secs: 500 },
        Work { at: 990, tenant: 0, class: 0, secs: 400 },
    ]);
    world.run_to(1000);
    // j1 goes first, being shorter; at 500 j0. At 990 nothing is free; at 1500 j2 is the last.
    assert_eq!(world.starts, [(0, 0), (1000, 1)], "the earlier of equal rho, then rho 1500 / 500 before 410 / 400");
}

#[test]
fn equal_jobs_are_no_worse_off_than_on_a_private_share() {
    for (count, gpus) in [(4, 2), (8, 4), (9, 3), (12, 4)] {
        let mut world = world("themis", 1, gpus);
        world.submit(&jobs(count, 0, 0, 0, 14_400));
        world.run_to(1_000_000);
        let private = 14_400.0 * count as f64 / f64::from(gpus);
        for end in world.ends.values() {
            assert!(*end as f64 <= private * 1.05, "rho of {} with {count} jobs on {gpus}", *end as f64 / private);
        }
    }
}

#[test]
fn leases_go_on_while_nobody_else_wants_the_gpus() {
    let mut world = world("themis", 1, 8);
    world.submit(&jobs(2, 0, 0, 2, 20_000));
    world.submit(&jobs(1, 100, 0, 3, 10));
    world.run_to(100_000);
    assert_eq!(world.stops.len(), 2, "the gang of 8 takes both, once");
    // Renewed term by term at 1200: the gang that came at 100 is served then.
    assert_eq!(world.starts[2], (1200, 2));
}

#[test]
fn bids_know_what_spreading_costs() {
    let run = |policy: &str| {
        let mut world = world(policy, 2, 4);
        world.submit(&jobs(2, 0, 0, 1, 3000));
        world.submit(&jobs(1, 0, 0, 2, 3000));
        world.run_to(10);
        world.starts.len()
    };
    assert_eq!(run("themis[slowdown=1+0.5+0.25]"), 3);
}

#[test]
fn jobs_that_lose_their_work_end_all_the_same() {
    let mut world = world("themis", 1, 1);
    world.keeps = false;
    world.submit(&jobs(5, 0, 0, 0, 7200));
    world.run_to(100 * 3600);
    assert_eq!(world.ends.len(), 5);
    let most = world.core.state().jobs().iter().map(|job| job.preemptions).max();
    assert!(most <= Some(5), "log2(7200 / 441) is 4.03: {most:?}");
}

fn work() -> impl Strategy<Value = Vec<(u64, u32, u64)>> {
    prop::collection::vec((0u64..20_000, 0u32..4, 1u64..20_000), 1..25).prop_map(|mut work| {
        work.sort_unstable();
        work
    })
}

fn submit(world: &mut World, work: &[(u64, u32, u64)]) {
    for (at, class, secs) in work {
        world.submit(&jobs(1, *at, 0, *class, *secs));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// A run is stopped only when its lease is over: 1/e of 20 minutes at the least, 20 minutes at the most (then again).
    #[test]
    fn leases_are_kept(work in work(), exact in 0u32..9, f in prop::sample::select(vec!["0", "0.5", "0.8", "1"])) {
        let mut world = world(&format!("themis[exact={exact},f={f}]"), 2, 8);
        submit(&mut world, &work);
        world.run_to(10_000_000);
        prop_assert_eq!(world.ends.len(), work.len());
        for (ran, job) in &world.cut {
            prop_assert!(*ran >= 441, "j{job} after {ran} s");
        }
        for (job, (_, _, secs)) in world.core.state().jobs().iter().zip(&work) {
            prop_assert!(u64::from(job.preemptions) <= secs / 441);
        }
    }

    /// No waiting job fits in what is free: the auction and its leftovers waste nothing.
    #[test]
    fn nothing_is_left_that_somebody_can_use(work in work(), exact in 0u32..9) {
        let mut world = world(&format!("themis[exact={exact}]"), 1, 8);
        submit(&mut world, &work);
        for secs in (0..60_000).step_by(321) {
            world.run_to(secs);
            let free = world.core.state().cluster().free_gpu_milli();
            let fits = |job: &engine::Job| {
                job.phase == Phase::Ready && world.core.state().class(job.spec.class).gpu_milli <= free
            };
            prop_assert!(!world.core.state().jobs().iter().any(fits), "at {secs}");
        }
    }

    /// Where all gangs are alike, the greedy choice is the best: both ways make the same schedule.
    #[test]
    fn greedy_is_exact_for_equal_gangs(work in prop::collection::vec((0u64..3000, 1u64..9000), 1..8)) {
        let schedule = |exact: u32| {
            let mut world = world(&format!("themis[f=0,exact={exact}]"), 1, 2);
            let mut work: Vec<_> = work.iter().map(|(at, secs)| (*at, 0, *secs)).collect();
            work.sort_unstable();
            submit(&mut world, &work);
            world.run_to(1_000_000);
            world.starts
        };
        prop_assert_eq!(schedule(8), schedule(0));
    }
}
