//! The loop: the journal of a run is a trace, and that trace, simulated, is the run again.
//!
//! `TRAINYARD_SWARM_SEED` and `TRAINYARD_SWARM_CASES` choose the random cases, as those of the swarm.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails loudly")]

#[allow(dead_code, reason = "the swarm uses the rest")]
mod chaos;
mod live;

use std::sync::Arc;

use chaos::Case;
use engine::journal::{Reader, Writer};
use engine::{Core, Event, Exit, Inventory, drive};
use proptest::prelude::*;
use simulator::fidelity::{Fidelity, fidelity};
use simulator::journal::header;
use simulator::metrics::Segments;
use simulator::physics::Physics;
use simulator::rerun::{Rerun, RerunError};
use simulator::result::Summary;
use simulator::run::{RunSpec, replay, replay_recorded};
use simulator::tenants::TenantTerms;
use simulator::whatif::{Verdict, what_if};
use simulator::workload::Workload;
use simulator::world::SimWorld;
use traces::Trace;
use traces::journal::{Cut, Recording};

const REFUSED: Cut = Cut::Refused { hint: "" };
/// With and without preemption, moves, rounds, sight of true run times; all orders that remember something.
const POLICIES: [&str; 9] = [
    "fifo[place=random]",
    "easy",
    "srtf",
    "priority[place=pack]",
    "fair-share",
    "tiresias",
    "conservative",
    "qssf",
    "kueue",
];
const HAND_WRITTEN: &str = "\
job_id,submit_s,gpus,duration_s,tenant,priority,estimate_s,tasks,models,cpu,memory_gib,queue,time_limit_s,deadline_s,name,preemptible
a,0,8,3600,red/ann,0,4000,,,,,,,,train,true
b,60,16,1800,blue/bob,0,3600,4,,,,,,,train,true
c,120,1,600,red/cat,5,900,,A100,4,16,small,,,,true
d,180,4,7200,blue/bob,0,9000,2,,,,large,5000,,probe,false
e,240,0.5,300,red/ann,9,600,,V100|A100,,,,,2000,,true
f,300,11,2400,blue/dan,5,3000,,,10,7,,,,,true
g,900,0,60,red/ann,0,60,3,,1,,,,,,true
h,1000,64,1200,red/cat,0,1800,,,,,,,,,true
i,1001,1.5,30,red/cat,0,40,3,,,,,,,,true
";

fn spec<'a>(inventory: &'a Inventory, policy: &str, physics: &'a Physics) -> RunSpec<'a> {
    RunSpec { inventory, policy: policy.to_owned(), physics, load: 1.0, seed: 3, segments: Segments::Off }
}

fn journal(trace: &Arc<Trace>, inventory: &Inventory, policy: &str, settings: &[&str]) -> Vec<u8> {
    let physics = Physics::parse(settings).unwrap();
    let workload = Workload::new(trace, inventory, &TenantTerms::default());
    let spec = spec(inventory, policy, &physics);
    let mut writer = Writer::new(&header(&spec, &workload));
    replay_recorded(&spec, &workload, &mut writer).unwrap();
    writer.take()
}

fn philly() -> Arc<Trace> {
    Arc::new(traces::load("synthetic:philly[jobs=200,gpus=32,max_hours=5,seed=3]").unwrap())
}

fn hand_written() -> Arc<Trace> {
    Arc::new(traces::read_bytes("jobs.csv", None, HAND_WRITTEN.as_bytes()).unwrap())
}

fn two_models() -> Inventory {
    let mut inventory = Inventory::uniform(4, 8, "A100");
    inventory.models.push(engine::GpuModel { name: "V100".to_owned(), memory_mib: 0, price_per_hour: None });
    inventory.nodes[3].model = engine::ModelId(1);
    inventory
}

fn read(bytes: &[u8]) -> Recording {
    Recording::read("run.tyj", bytes, REFUSED).unwrap()
}

fn faithful(recording: &Recording) -> Result<Fidelity, RerunError> {
    let rerun = Rerun::new(recording, &[])?;
    let (real, simulated) = (rerun.yesterday()?, rerun.simulated(&recording.header.policy)?);
    Ok(fidelity(&rerun, &real, &simulated))
}

/// Nothing differs, not by a microsecond.
fn assert_exact(found: &Fidelity, about: &str) {
    let spreads = [found.start_error, found.finish_error, found.jct_error, found.jct_error_share, found.queue_error];
    for spread in spreads {
        assert!([spread.mean, spread.worst].iter().flatten().all(|error| *error == 0.0), "{about}: {found:?}");
    }
    assert_eq!((found.divergence.clone(), found.outcome_differs_jobs), (None, 0), "{about}");
    assert_eq!(found.first_start_order_same_jobs, found.started_jobs, "{about}");
}

/// What both must say of a job: everything but its name in the journal and what only the journal knows.
fn same_jobs(original: &Trace, again: &Trace, inventory: &Inventory) {
    assert_eq!(original.jobs.len(), again.jobs.len());
    let (a, b) = (Arc::new(original.clone()), Arc::new(again.clone()));
    let workload = |trace| Workload::new(trace, inventory, &TenantTerms::default());
    let (before, after) = (workload(&a), workload(&b));
    for (index, (a, b)) in original.jobs.iter().zip(&again.jobs).enumerate() {
        let told = |trace: &Trace, job: &traces::TraceJob| {
            let tenant = trace.tenants[job.tenant as usize].clone();
            let queue = job.queue.map(|queue| trace.queues[queue as usize].clone());
            let models = job.models.map(|set| trace.model_sets[set as usize].clone());
            let models = models.map(|mut names| {
                names.sort();
                names
            });
            (job.submit, job.duration, tenant, queue, models, job.priority, job.preemptible, job.estimate)
        };
        assert_eq!(told(original, a), told(again, b), "job {}", a.id);
        assert_eq!((a.gpu_milli, &a.name), (b.gpu_milli, &b.name), "job {}", a.id);
        assert_eq!((a.time_limit, a.deadline, a.start_by), (b.time_limit, b.deadline, b.start_by), "job {}", a.id);
        let gang = |workload: &Workload<'_>| workload.tasks_of(index).collect::<Vec<_>>();
        assert_eq!(gang(&before), gang(&after), "job {}", a.id);
    }
}

#[test]
fn the_journal_of_a_run_is_its_trace_and_its_simulation_is_the_run() {
    let uniform = Inventory::uniform(4, 8, "GPU");
    for policy in POLICIES {
        let trace = philly();
        let recording = read(&journal(&trace, &uniform, policy, &[]));
        same_jobs(&trace, &recording.trace().unwrap(), &uniform);
        let found = faithful(&recording).unwrap();
        assert_exact(&found, policy);
        assert_eq!((found.finished_jobs, found.overheads.launch_overhead_p90_s), (200, Some(0.0)), "{policy}");
        let (trace, inventory) = (hand_written(), two_models());
        let recording = read(&journal(&trace, &inventory, policy, &[]));
        let again = recording.trace().unwrap();
        same_jobs(&trace, &again, &inventory);
        assert_exact(&faithful(&recording).unwrap(), policy);
        let ids: Vec<&str> = again.jobs.iter().map(|job| &*job.id).collect();
        assert_eq!(ids, ["train#0", "train#1", "2", "probe", "4", "5", "6", "7", "8"]);
    }
}

#[test]
fn nodes_that_failed_and_costs_of_the_world_come_again() {
    let inventory = Inventory::uniform(4, 8, "GPU");
    let settings = [
        "failures_per_node_day=2",
        "restart_s=30",
        "launch_s=4",
        "checkpoint_s=600",
        "drain_s=5",
        "preempt_saves=false",
        "spread_penalty=0.2",
    ];
    for policy in POLICIES {
        let recording = read(&journal(&philly(), &inventory, policy, &settings));
        let broken = recording.outside.iter().filter(|(_, event)| matches!(event, Event::NodeDown { .. })).count();
        assert!(broken > 2, "{policy}: {broken}");
        let found = faithful(&recording).unwrap();
        assert_exact(&found, policy);
        assert_eq!(found.overheads.launch_overhead_p50_s, Some(4.0), "{policy}");
        assert!(!found.physics.contains("failures"), "{}", found.physics);
    }
}

fn without_names(summary: &Summary) -> Summary {
    let (trace, physics) = (String::new(), String::new());
    Summary { trace, physics, wall_s: 0.0, decide_p50_us: None, decide_p99_us: None, ..summary.clone() }
}

#[test]
fn what_if_says_what_simulate_says_of_the_original_trace() {
    let (trace, inventory, physics) = (philly(), Inventory::uniform(4, 8, "GPU"), Physics::default());
    let recording = read(&journal(&trace, &inventory, "easy", &[]));
    let rerun = Rerun::new(&recording, &[]).unwrap();
    let asked: Vec<String> = POLICIES.iter().map(|policy| (*policy).to_owned()).collect();
    let answer = what_if(&rerun, &asked, &|_| {}).unwrap();
    let workload = Workload::new(&trace, &inventory, &TenantTerms::default());
    for (policy, day) in POLICIES.iter().zip(&answer.days[2..]) {
        let direct = replay(&spec(&inventory, policy, &physics), &workload).unwrap();
        let (direct, found) = (without_names(&direct.summary), without_names(&day.replay.summary));
        assert_eq!(Summary { policy: found.policy.clone(), ..direct }, found, "{policy}");
    }
    for alternative in &answer.what_if.policies {
        let same = alternative.differences.iter().all(|difference| difference.verdict == Verdict::Same);
        assert_eq!(same, alternative.outlook.policy == "easy", "{}", alternative.outlook.policy);
        assert_eq!(alternative.outlook.tenants.len(), trace.tenants.len());
    }
    let jobs: u64 = answer.what_if.yesterday.tenants.iter().map(|tenant| tenant.figures.jobs).sum();
    assert_eq!((jobs, answer.what_if.yesterday.figures.clone()), (200, answer.what_if.simulated.figures.clone()));
}

/// The journal with another header, and other facts.
fn changed(bytes: &[u8], header: impl Fn(&mut engine::journal::Header), fact: impl Fn(&mut Event)) -> Vec<u8> {
    let (mut head, mut reader) = Reader::new(bytes).unwrap();
    header(&mut head);
    let mut writer = Writer::new(&head);
    while let Some(mut entry) = reader.next_entry().unwrap() {
        entry.facts.iter_mut().for_each(|input| fact(&mut input.event));
        writer.entry(&entry);
    }
    writer.take()
}

/// The journal as a live world would have written it: nobody knew how long jobs run, nobody had set any physics.
fn live(bytes: &[u8]) -> Vec<u8> {
    let forget = |event: &mut Event| {
        if let Event::Submitted { truth, .. } = event {
            *truth = None;
        }
    };
    changed(bytes, |header| header.notes.retain(|(key, _)| key != "physics"), forget)
}

#[test]
fn a_live_journal_tells_work_and_overheads_itself() {
    let (trace, inventory) = (philly(), Inventory::uniform(4, 8, "GPU"));
    let settings = ["launch_s=2.5", "restart_s=8", "drain_s=3"];
    for policy in ["fifo", "easy", "fair-share", "tiresias", "priority"] {
        let recording = read(&live(&journal(&trace, &inventory, policy, &settings)));
        same_jobs(&trace, &recording.trace().unwrap(), &inventory);
        let found = faithful(&recording).unwrap();
        assert_exact(&found, policy);
        let stops = found.overheads.stop_overhead_runs > 0;
        assert_eq!(
            (found.overheads.launch_overhead_p50_s, found.overheads.launch_overhead_p90_s),
            (Some(2.5), Some(2.5))
        );
        let expected = if stops { "launch_s=2.5 restart_s=8 drain_s=3" } else { "launch_s=2.5" };
        assert_eq!(found.physics, format!("{expected} checkpoint_s=never"), "{policy}");
    }
}

/// Launches take 50 to 400 ms and stops up to a second, each another time; jobs run 2 to 90 s. Nothing of that is told.
#[test]
fn in_a_world_that_jitters_the_errors_are_small() {
    let inventory = Inventory::uniform(2, 8, "GPU");
    for (seed, policy) in (1..).zip(["fifo", "easy", "priority", "fair-share"]) {
        let mut chance = chaos::Chance::new(seed);
        let mut now = 0;
        let jobs = (0..80).map(|at: u32| {
            now += chance.within(0, 6_000_000);
            let work = engine::Span(chance.within(2_000_000, 90_000_000));
            let job = traces::TraceJob::plain(
                at.to_string(),
                engine::Time(now),
                work,
                chance.pick(&[1000, 1000, 2000, 4000]),
            );
            traces::TraceJob { priority: chance.pick(&[0, 0, 0, 1]), tenant: at % 2, ..job }
        });
        let tenants = ["a", "b"].map(str::to_owned).to_vec();
        let trace = Arc::new(Trace { jobs: jobs.collect(), tenants, ..Trace::default() });
        let workload = Workload::new(&trace, &inventory, &TenantTerms::default());
        let physics = Physics::default();
        let mut head = header(&spec(&inventory, policy, &physics), &workload);
        head.notes.clear();
        let mut writer = Writer::new(&head);
        let context = policies::Context { estimates: head.estimates, seed: head.seed };
        let mut core = Core::new(inventory.clone(), policies::build(policy, context).unwrap().policy);
        let mut world = live::Live::new(&workload, seed, (50, 400), (100, 1000));
        drive(&mut core, &mut world, &mut writer, &mut ()).unwrap();
        let recording = read(&writer.take());
        let again = recording.trace().unwrap();
        assert!(again.jobs.iter().zip(&trace.jobs).all(|(a, b)| a.duration == b.duration), "{policy}");
        let found = faithful(&recording).unwrap();
        println!(
            "{policy}: {:?}, mean {:?} and {:?}",
            found.jct_error_share, found.jct_mean_s, found.jct_simulated_mean_s
        );
        assert_eq!((found.finished_jobs, found.outcome_differs_jobs), (80, 0), "{policy}");
        assert!(found.overheads.launch_overhead_p50_s.is_some_and(|p50| (0.15..0.3).contains(&p50)), "{policy}");
        let (real, simulated) = (found.jct_mean_s.unwrap(), found.jct_simulated_mean_s.unwrap());
        assert!((simulated / real - 1.0).abs() < 0.05, "{policy}: {found:?}");
        // Where runs are stopped, a millisecond can decide which: one job's gain is another's loss.
        let (mean, worst) = (found.jct_error_share.mean.unwrap(), found.jct_error_share.worst.unwrap());
        assert!(found.overheads.stop_overhead_runs > 0 || (mean < 0.01 && worst < 0.05), "{policy}: {found:?}");
    }
}

#[test]
fn work_that_stopped_runs_lose_is_measured_too() {
    let (trace, inventory) = (philly(), Inventory::uniform(4, 8, "GPU"));
    let settings = ["preempt_saves=false", "checkpoint_s=never"];
    let recording = read(&live(&journal(&trace, &inventory, "tiresias", &settings)));
    let found = faithful(&recording).unwrap();
    assert_eq!(found.physics, "checkpoint_s=never preempt_saves=false");
    assert_exact(&found, "tiresias");
}

#[test]
fn a_job_that_still_runs_is_kept_with_what_it_did_and_one_that_waits_is_counted() {
    let text = "job_id,submit_s,gpus,duration_s\na,0,8,100\nb,10,8,100\nc,20,8,100\nd,150,8,100\n";
    let trace = Arc::new(traces::read_bytes("jobs.csv", None, text.as_bytes()).unwrap());
    let bytes = live(&journal(&trace, &Inventory::uniform(1, 8, "GPU"), "fifo", &[]));
    // Up to the arrival of d.
    let (header, mut reader) = Reader::new(&bytes).unwrap();
    let mut writer = Writer::new(&header);
    while let Some(entry) = reader.next_entry().unwrap().filter(|entry| entry.facts[0].at.secs_f64() <= 150.0) {
        writer.entry(&entry);
    }
    let recording = read(&writer.take());
    let trace = recording.trace().unwrap();
    let told: Vec<_> = trace.jobs.iter().map(|job| (&*job.id, job.duration.secs_f64(), job.recorded)).collect();
    assert_eq!(told, [("0", 100.0, traces::Recorded::Finished), ("1", 50.0, traces::Recorded::Censored)]);
    assert_eq!(trace.ledger.rows, 4);
    assert_eq!(trace.ledger.dropped["still waited at the end of the journal"], 2);
    assert_eq!(trace.ledger.changed.len(), 1);
    let found = faithful(&recording).unwrap();
    assert_exact(&found, "cut");
    assert_eq!((found.jobs, found.started_jobs, found.finished_jobs), (4, 2, 1));
    let rerun = Rerun::new(&recording, &[]).unwrap();
    let summary = rerun.simulated("fifo").unwrap().replay.summary;
    assert_eq!((summary.finished, summary.unfinished, summary.failed), (1, 3, 0));
}

#[test]
fn a_journal_of_another_policy_is_refused_and_an_empty_one_is_not() {
    let inventory = Inventory::uniform(4, 8, "GPU");
    let bytes = journal(&philly(), &inventory, "fifo", &[]);
    let other = read(&changed(&bytes, |header| "srtf".clone_into(&mut header.policy), |_| {}));
    assert!(matches!(faithful(&other), Err(RerunError::Different { record, .. }) if record > 1));
    let (header, _) = Reader::new(&bytes).unwrap();
    let empty = read(&Writer::new(&header).take());
    let found = faithful(&empty).unwrap();
    assert_eq!((found.jobs, found.jct_error.mean, found.divergence), (0, None, None));
    assert!(empty.trace().unwrap_err().to_string().contains("no job was submitted"));
}

#[test]
fn the_first_other_decision_is_named() {
    let inventory = Inventory::uniform(4, 8, "GPU");
    let recording = read(&journal(&philly(), &inventory, "fifo", &[]));
    let rerun = Rerun::new(&recording, &["launch_s=600".to_owned()]).unwrap();
    let (real, simulated) = (rerun.yesterday().unwrap(), rerun.simulated("fifo").unwrap());
    let found = fidelity(&rerun, &real, &simulated);
    assert!(found.jct_error.mean.unwrap() >= 600.0, "{found:?}");
    let parted = found.divergence.unwrap();
    let at = parted.decision as usize - 1;
    assert_eq!(parted.recorded, Some(real.decisions[at].1.clone()));
    assert_ne!(parted.recorded, parted.simulated);
    assert!(found.first_start_order_same_jobs <= found.started_jobs);
}

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
