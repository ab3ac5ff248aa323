//! The policy `milp`: what it moves, what it leaves alone, and that the greedy plan stands when the solver fails.

mod failing;
mod repeated;
mod world;

use engine::{ClassId, Inventory, JobId, JobSpec, TaskRequest, TenantId};
use policies::{Context, build};
use proptest::prelude::*;

use self::world::{World, halves, milp, part, task, yard};

#[test]
fn a_move_makes_room_for_a_waiting_job() {
    let (world, whole) = halves(milp(1));
    assert!(world.runs(whole));
    assert_eq!(world.moves(), 1);
    let solves = world.core.state().totals().solves;
    assert!(solves.programs > 0 && solves.failed == 0, "{solves:?}");
}

#[test]
fn without_moves_it_waits() {
    let (world, whole) = halves(milp(0));
    assert!(!world.runs(whole) && world.moves() == 0);
}

#[test]
fn a_job_that_may_not_be_stopped_is_not_moved() {
    let tasks = [part(600), part(400), part(500), TaskRequest::whole_gpus(1)];
    let mut world = World::new(Inventory::uniform(2, 1, "A"), milp(4), &tasks);
    let fixed = |class| JobSpec { preemptible: false, ..JobSpec::plain(ClassId(class), TenantId(0)) };
    let filler = world.submit(0);
    world.submit_as(fixed(1));
    world.submit_as(fixed(2));
    world.end(filler);
    let whole = world.submit(3);
    assert!(!world.runs(whole) && world.moves() == 0);
}

/// The 0.4 have run for hours without saving. The gain, over one hour, is the GPU that the waiting job gets and less F,
/// together at most 2.1 GPUs: after six hours, with 2.4 GPU-hours at risk, the move is not worth it.
#[test]
fn the_price_of_lost_work_decides() {
    for (hours, moves) in [(1, true), (2, true), (6, false)] {
        let tasks = [part(600), part(400), part(500), TaskRequest::whole_gpus(1)];
        let mut world = World::new(Inventory::uniform(2, 1, "A"), milp(1), &tasks);
        let filler = world.submit(0);
        world.submit(1);
        world.submit(2);
        world.end(filler);
        world.at = hours * 3600;
        let whole = world.submit(3);
        assert_eq!(world.runs(whole), moves, "after {hours} hours");
        assert_eq!(world.moves(), u32::from(moves));
        let evictions = world.core.state().evictions();
        let expected = u128::from(hours) * 3600 * 1_000_000 * 400;
        assert!(
            evictions.iter().all(|eviction| eviction.bill.predicted == expected && eviction.bill.by == Some(whole))
        );
    }
}

/// Two tasks leave together: 0.3 and 0.3 on a node, room for one each on two others.
#[test]
fn two_runs_make_room_together() {
    let tasks = [part(700), part(300), TaskRequest::whole_gpus(1), part(650)];
    let mut world = World::new(Inventory::uniform(3, 1, "A"), milp(2), &tasks);
    let (a, b) = (world.submit(2), world.submit(2));
    let pair = (world.submit(1), world.submit(1));
    world.end(a);
    world.end(b);
    let fillers = (world.submit(3), world.submit(3));
    assert!(world.runs(fillers.0) && world.runs(fillers.1) && world.runs(pair.0));
    let whole = world.submit(2);
    assert!(world.runs(whole), "{:?}", world.launches);
    // To the two nodes of the fillers, when they came or now.
    assert!(world.moves() >= 2);
}

/// Two tasks of 0.4 on two GPUs of one node: one of them goes to the other.
#[test]
fn runs_move_within_a_node() {
    let tasks = [part(600), part(400), TaskRequest::whole_gpus(1), part(550)];
    let mut world = World::new(Inventory::uniform(1, 2, "A"), milp(1), &tasks);
    let fillers = (world.submit(0), world.submit(0));
    let pair = (world.submit(1), world.submit(1));
    world.end(fillers.0);
    world.end(fillers.1);
    assert!(world.runs(pair.0) && world.runs(pair.1));
    let small = world.submit(3);
    world.end(small);
    let whole = world.submit(2);
    assert!(world.runs(whole) && world.moves() > 0, "{:?}", world.launches);
}

/// Plays steps: (class, end): a job comes, or the so-manyth of those that run ends.
fn play(
    policy: impl Fn() -> Box<dyn engine::Policy>,
    fresh: bool,
    tasks: &[TaskRequest],
    steps: &[(u8, bool)],
) -> World {
    let mut world = World::new(yard(4), policy(), tasks);
    for (at, (drawn, ends)) in steps.iter().enumerate() {
        world.at = at as u64;
        let running: Vec<JobId> = (0..world.jobs).map(JobId).filter(|job| world.runs(*job)).collect();
        if *ends && !running.is_empty() {
            world.end(running[usize::from(*drawn) % running.len()]);
        } else {
            world.submit(u32::from(*drawn) % tasks.len() as u32);
        }
        if fresh {
            world.core.refresh_policy(policy());
        }
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// What the policy remembers is a cache, two runs are equal, and nothing breaks an invariant of the engine.
    #[test]
    fn a_fresh_policy_decides_the_same(
        tasks in prop::collection::vec(task(), 2..6),
        steps in prop::collection::vec((any::<u8>(), prop::bool::weighted(0.3)), 10..60),
        moves in 0_u32..5,
    ) {
        let policy = || milp(moves) as Box<dyn engine::Policy>;
        let kept = play(policy, false, &tasks, &steps);
        let fresh = play(policy, true, &tasks, &steps);
        prop_assert_eq!(&kept.launches, &fresh.launches);
        prop_assert_eq!(kept.core.state().totals().solves, fresh.core.state().totals().solves);
        prop_assert!(moves > 0 || kept.moves() == 0);
    }

    /// One at a time and without moves it is `fgd`.
    #[test]
    fn one_at_a_time_without_moves_it_is_fgd(
        tasks in prop::collection::vec(task(), 2..6),
        steps in prop::collection::vec((any::<u8>(), Just(false)), 10..60),
    ) {
        let named = |text: &'static str| move || build(text, Context::default()).unwrap().policy;
        let milp = play(named("milp"), false, &tasks, &steps);
        let fgd = play(named("fgd[skip=true]"), false, &tasks, &steps);
        prop_assert_eq!(&milp.launches, &fgd.launches);
    }
}
