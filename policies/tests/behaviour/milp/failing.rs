//! A solver that fails, always or now and then: the greedy plan runs, and the failures are counted.

use engine::{Inventory, JobId, TaskRequest};
use policies::milp::Milp;
use policies::milp::solver::{Broken, Failure, Microlp, Script, Solver};
use policies::{Context, build};
use proptest::prelude::*;

use super::world::{World, halves, milp, mix, rules, shared, task, yard};

/// Whatever the solver does, what runs is what the greedy placer would have done, and the failures are counted.
#[test]
fn the_greedy_plan_stands_when_the_solver_fails() {
    let scripts = [
        Script::Fails(Failure::NoIncumbent),
        Script::Fails(Failure::Solver("broken".to_owned())),
        Script::Off(0.000_3),
        Script::Off(-0.4),
        Script::Off(2.999_999_7),
        Script::Off(f64::NAN),
        Script::Claims(Vec::new()),
    ];
    for script in scripts {
        let solver: Box<dyn Solver> = Box::new(Broken::new(Microlp, [script.clone()]));
        let (world, whole) = halves(Box::new(Milp::new(rules(4), solver)));
        assert!(!world.runs(whole) && world.moves() == 0, "{script:?}");
        let (greedy, _) = halves(milp(0));
        assert_eq!(world.launches, greedy.launches);
        let solves = world.core.state().totals().solves;
        assert_eq!((solves.programs, solves.failed), (solves.failed, solves.failed), "{script:?}");
        assert!(solves.failed > 0, "{script:?}");
    }
}

/// Two GPUs and two jobs at once, the first of one GPU: greedy starts it and leaves the larger one waiting.
fn pair(solver: Box<dyn Solver>) -> [bool; 2] {
    let tasks = [TaskRequest::whole_gpus(1), TaskRequest::whole_gpus(2)];
    let mut world = World::new(Inventory::uniform(1, 2, "A"), Box::new(Milp::new(rules(0), solver)), &tasks);
    let jobs = world.submit_all(&[0, 1]);
    let solves = world.core.state().totals().solves;
    let (runs, failed) = ([world.runs(jobs[0]), world.runs(jobs[1])], u64::from(world.runs(jobs[0])));
    assert_eq!((solves.programs, solves.failed), (1, failed), "{runs:?}");
    runs
}

#[test]
fn a_batch_is_placed_greedily_when_the_joint_program_fails() {
    assert_eq!(pair(Box::new(Microlp)), [false, true], "two GPUs in use are better than one");
    for script in [Script::Fails(Failure::NoIncumbent), Script::Off(0.4), Script::Off(f64::NAN), Script::Claims(vec![])]
    {
        assert_eq!(pair(Box::new(Broken::new(Microlp, [script.clone()]))), [true, false], "{script:?}");
    }
}

/// Fails at one program in three, by lot.
fn now_and_then(seed: u64) -> Box<dyn Solver> {
    let line = |at: u64| match mix(seed << 20 | at) % 6 {
        0 => Script::Fails(Failure::NoIncumbent),
        1 => Script::Off(f64::NAN),
        _ => Script::Off(0.0),
    };
    Box::new(Broken::new(Microlp, (0..5000).map(line).collect::<Vec<_>>()))
}

/// Jobs come, some together, and some end, on a cluster that is full most of the time.
fn turmoil(policy: Box<dyn engine::Policy>, seed: u64) -> World {
    let tasks = shared();
    let mut world = World::new(yard(6), policy, &tasks);
    for step in 0..60 {
        let lot = mix(seed << 10 | step);
        world.at = step;
        let running: Vec<JobId> = (0..world.jobs).map(JobId).filter(|job| world.runs(*job)).collect();
        if lot.is_multiple_of(3) && !running.is_empty() {
            world.end(running[(lot / 8) as usize % running.len()]);
        } else {
            let classes: Vec<u32> = (0..=lot / 8 % 4).map(|at| (mix(lot ^ at) % tasks.len() as u64) as u32).collect();
            world.submit_all(&classes);
        }
        assert_eq!(world.idle_in_vain(), [], "seed {seed}, step {step}");
    }
    world
}

/// No job waits while a node has room for it, each failure is counted, and what did not fail is of use.
#[test]
fn a_solver_that_fails_now_and_then_costs_no_more_than_its_plans() {
    let (mut programs, mut failed, mut moves) = (0, 0, 0);
    for seed in 0..20 {
        let world = turmoil(Box::new(Milp::new(rules(4), now_and_then(seed))), seed);
        let solves = world.core.state().totals().solves;
        assert!(solves.failed <= solves.programs, "{solves:?}");
        (programs, failed, moves) = (programs + solves.programs, failed + solves.failed, moves + world.moves());
        let sound = turmoil(milp(4), seed).core.state().totals().solves;
        assert_eq!(sound.failed, 0, "{sound:?}");
    }
    assert!(10 * failed > programs && 2 * failed < programs && moves > 20, "{programs} {failed} {moves}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever comes together, it is `fgd` when all programs fail.
    #[test]
    fn without_a_solver_that_works_it_is_fgd(
        tasks in prop::collection::vec(task(), 2..6),
        steps in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..9), 3..12),
    ) {
        let play = |policy| {
            let mut world = World::new(yard(3), policy, &tasks);
            for step in &steps {
                let classes: Vec<u32> = step.iter().map(|drawn| u32::from(*drawn) % tasks.len() as u32).collect();
                world.submit_all(&classes);
            }
            world
        };
        let fails = Script::Fails(Failure::NoIncumbent);
        let broken = play(Box::new(Milp::new(rules(0), Box::new(Broken::new(Microlp, [fails])))));
        let fgd = play(build("fgd[skip=true]", Context::default()).unwrap().policy);
        prop_assert_eq!(&broken.launches, &fgd.launches);
        let solves = broken.core.state().totals().solves;
        prop_assert_eq!(solves.programs, solves.failed);
    }
}
