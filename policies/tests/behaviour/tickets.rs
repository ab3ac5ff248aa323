//! Gandiva-fair: GPU-time by tickets, gangs that are not starved, and how often a job is stopped.

use engine::Inventory;
use proptest::prelude::*;

use crate::fair_world::{World, jobs, task};

const USERS: [(&str, Option<u32>, u32); 3] = [("a", None, 1000), ("b", None, 2000), ("c", None, 3000)];
const LONG: u64 = 1_000_000;

fn world(gpus: u32, tenants: &[(&str, Option<u32>, u32)]) -> World {
    let shapes = [task(1, 0, 0), task(2, 0, 0), task(4, 0, 0), task(8, 0, 0)];
    World::new(Inventory::uniform(1, gpus, "A100"), "gandiva-fair", tenants, &shapes)
}

/// GPU-seconds that each user held between two times.
fn used(world: &mut World, users: u32, from: u64, to: u64) -> Vec<f64> {
    world.run_to(from);
    let before: Vec<f64> = (0..users).map(|user| world.used(user)).collect();
    world.run_to(to);
    (0..users).map(|user| world.used(user) - before[user as usize]).collect()
}

#[test]
fn gpu_time_is_in_proportion_to_tickets() {
    let mut world = world(8, &USERS);
    for user in 0..3 {
        world.submit(&jobs(10, 0, user, 0, LONG));
    }
    let shares = used(&mut world, 3, 600, 4200);
    for (share, tickets) in shares.iter().zip([1.0, 2.0, 3.0]) {
        assert!((share / (8.0 * 3600.0) - tickets / 6.0).abs() < 0.02, "{shares:?}");
    }
}

#[test]
fn what_one_cannot_use_is_shared_by_the_others() {
    let mut world = world(8, &USERS);
    world.submit(&jobs(1, 0, 2, 0, LONG));
    world.submit(&jobs(10, 0, 0, 0, LONG));
    world.submit(&jobs(10, 0, 1, 0, LONG));
    let shares = used(&mut world, 3, 600, 4200);
    assert!((shares[2] - 3600.0).abs() < 1.0, "c has one job, which always runs: {shares:?}");
    assert!((shares[0] / (7.0 * 3600.0) - 1.0 / 3.0).abs() < 0.02, "{shares:?}");
}

#[test]
fn a_gang_as_large_as_the_cluster_gets_its_turns() {
    let mut world = world(8, &[("a", None, 1000), ("b", None, 1000)]);
    world.submit(&jobs(12, 0, 0, 0, LONG));
    world.submit(&jobs(1, 7, 1, 3, LONG));
    let shares = used(&mut world, 2, 600, 4200);
    assert!((shares[1] / (8.0 * 3600.0) - 0.5).abs() < 0.03, "{shares:?}");
    let turns: Vec<u64> = world.starts.iter().filter(|(_, job)| *job == 12).map(|(at, _)| *at).collect();
    assert!(turns.windows(2).all(|pair| pair[1] - pair[0] <= 4 * 60), "{turns:?}");
}

#[test]
fn the_jobs_of_a_user_take_turns() {
    let mut world = world(2, &USERS[..1]);
    world.submit(&jobs(5, 0, 0, 0, LONG));
    world.run_to(7200);
    let ran = |job: u32| {
        let job = world.core.state().job(engine::JobId(job));
        job.attained(engine::Time(7200 * engine::MICROS)).secs_f64()
    };
    for job in 0..5 {
        assert!((ran(job) - 2.0 * 7200.0 / 5.0).abs() <= 120.0, "{job}: {}", ran(job));
    }
}

#[test]
fn idle_time_is_not_saved_up_and_new_tickets_count_at_once() {
    let mut world = world(4, &[("a", None, 1000), ("b", None, 1000)]);
    world.submit(&jobs(8, 0, 0, 0, LONG));
    world.submit(&jobs(8, 7200, 1, 0, LONG));
    world.weigh(14_400, 1, 3000);
    let shares = used(&mut world, 2, 7260, 10_860);
    assert!((shares[1] / (4.0 * 3600.0) - 0.5).abs() < 0.02, "{shares:?}");
    let shares = used(&mut world, 2, 14_460, 18_060);
    assert!((shares[1] / (4.0 * 3600.0) - 0.75).abs() < 0.02, "{shares:?}");
}

/// Nothing is saved when a run is stopped. Each loss doubles the time for which the job is left alone, so all end.
#[test]
fn jobs_that_lose_their_work_end_all_the_same() {
    let mut world = world(1, &USERS[..2]);
    world.keeps = false;
    for user in 0..2 {
        world.submit(&jobs(3, 0, user, 0, 3600));
    }
    world.run_to(40 * 3600);
    assert_eq!(world.ends.len(), 6);
    let most = world.core.state().jobs().iter().map(|job| job.preemptions).max();
    assert!(most <= Some(7), "log2(3600 / 60) is 5.9: {most:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Each stopped run has had its quantum, and a job is stopped at most once a quantum of its work.
    #[test]
    fn nobody_is_stopped_before_its_quantum(
        work in prop::collection::vec((0u64..3000, 0u32..3, 0u32..4, 1u64..2000), 1..40),
    ) {
        let mut world = world(8, &USERS);
        let mut work = work;
        work.sort_unstable();
        for (at, tenant, class, secs) in &work {
            world.submit(&jobs(1, *at, *tenant, *class, *secs));
        }
        world.run_to(500_000);
        prop_assert_eq!(world.ends.len(), work.len());
        for (ran, job) in &world.cut {
            prop_assert!(*ran >= 60, "j{job} after {ran} s");
        }
        for (job, (_, _, _, secs)) in world.core.state().jobs().iter().zip(&work) {
            prop_assert!(u64::from(job.preemptions) <= secs / 60);
        }
    }
}
