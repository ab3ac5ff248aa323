//! Random days.

use std::sync::Arc;

use engine::journal::Writer;
use engine::{Core, Event, Exit, Inventory, drive};
use proptest::prelude::*;
use simulator::journal::header;
use simulator::run::RunSpec;
use simulator::workload::Workload;
use simulator::world::SimWorld;
use traces::Trace;
use traces::journal::Recording;

use crate::chaos::Case;
use crate::{POLICIES, assert_exact, changed, faithful, journal, read, same_jobs, spec};

/// Random clusters, jobs, policies, operators, failures of jobs and nodes.
#[test]
fn whatever_happened_happens_again() {
    let number = |name: &str, default: u64| std::env::var(name).ok().map_or(default, |text| text.parse().unwrap());
    let (first, cases) = (number("TRAINYARD_SWARM_SEED", 1), number("TRAINYARD_SWARM_CASES", 150));
    let (mut played, mut lived) = (0, 0);
    for seed in first..first + cases {
        let case = Case::new(seed);
        // Somebody else moves runs about: no policy that a journal could name. Training steps are in no journal.
        let steps = case.physics.round.is_some() && case.physics.round_steps;
        if case.moves || steps {
            continue;
        }
        let (bytes, clairvoyant) = recorded(&case);
        let about = format!("seed {seed} ({}, {})", case.policy_text, case.physics.describe());
        let recording = read(&bytes);
        if failed_when_told_to_stop(&recording) {
            continue;
        }
        assert_eq!(recording.trace().unwrap().jobs.len(), case.trace.jobs.len(), "{about}");
        assert_exact(&faithful(&recording).unwrap_or_else(|error| panic!("{about}: {error}")), &about);
        played += 1;
        // What is noticed late is measured late.
        let physics = &case.physics;
        let late = physics.end_notice.0 + physics.end_round.0 > 0 || physics.round.is_some();
        if !late && !clairvoyant && physics.restart_at == simulator::physics::RestartAt::Start {
            let forget = |event: &mut Event| {
                if let Event::Submitted { truth, .. } = event {
                    *truth = None;
                }
            };
            let recording = read(&changed(&bytes, |_| {}, forget));
            assert_exact(&faithful(&recording).unwrap(), &format!("{about} without truth"));
            lived += 1;
        }
    }
    println!("{played} journals played again, {lived} of them without the truth");
    assert!(cases < 50 || (played * 2 > cases && lived * 20 > cases), "{played} {lived}");
}

/// Whether a program failed after it was told to stop: most do so because they were told, and it is taken for that.
fn failed_when_told_to_stop(recording: &Recording) -> bool {
    let facts = recording.entries.iter().flat_map(|entry| &entry.facts);
    let told = |id: &engine::RunId| {
        let mut runs = recording.runs.iter();
        runs.any(|run| (run.job, run.attempt) == (id.job, id.attempt) && run.stopped.is_some())
    };
    facts.into_iter().any(|fact| matches!(&fact.event, Event::Ended { run, exit: Exit::Failed(_), .. } if told(run)))
}

/// The journal of a case, and whether its policy is clairvoyant.
fn recorded(case: &Case) -> (Vec<u8>, bool) {
    let mut workload = Workload::new(&case.trace, &case.inventory, &case.terms);
    case.amend(&mut workload);
    let mut world = SimWorld::new(&workload, &case.physics, &case.inventory, case.seed).unwrap();
    world.schedule(case.kinds());
    world.schedule(case.faults.iter().cloned());
    for (job, flaw) in &case.flaws {
        world.flaw(*job, *flaw);
    }
    let mut core = Core::new(case.inventory.clone(), case.policy());
    let clairvoyant = core.needs().oracle;
    if core.expects_workload() && case.seed.is_multiple_of(2) {
        world.declare_workload();
    }
    let spec = RunSpec { seed: case.seed, ..spec(&case.inventory, &case.policy_text, &case.physics) };
    let mut writer = Writer::new(&header(&spec, &workload));
    drive(&mut core, &mut world, &mut writer, &mut ()).unwrap();
    (writer.take(), clairvoyant)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn small_traces_come_back_and_play_again(
        jobs in prop::collection::vec((0u64..500, 0usize..8, 0u64..400, 0i32..3), 1..20),
        policy in prop::sample::select(POLICIES.to_vec()),
    ) {
        let mut now = 0;
        let jobs = jobs.into_iter().enumerate().map(|(at, (gap, gang, work, priority))| {
            now += gap;
            let milli = [0, 250, 1000, 2000, 3000, 8000, 12_000, 16_000][gang];
            let submit = engine::Time(now * 1_000_001);
            let job = traces::TraceJob::plain(at.to_string(), submit, engine::Span(work * 999_983), milli);
            traces::TraceJob { priority, tenant: (at % 2) as u32, ..job }
        });
        let tenants = ["a/x", "b"].map(str::to_owned).to_vec();
        let trace = Arc::new(Trace { jobs: jobs.collect(), tenants, ..Trace::default() });
        let inventory = Inventory::uniform(2, 8, "GPU");
        let recording = read(&journal(&trace, &inventory, policy, &[]));
        same_jobs(&trace, &recording.trace().unwrap(), &inventory);
        assert_exact(&faithful(&recording).unwrap(), policy);
    }
}
