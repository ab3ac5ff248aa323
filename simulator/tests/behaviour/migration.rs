//! Runs that move: what it costs, that no work is lost in between, and that a journal of it verifies.

use std::sync::Arc;

use engine::journal::{Reader, Writer};
use engine::{Bill, Inventory, JobId, MICROS, NodeId, Outcome, Policy, Record, Shape, Slice, Span, TaskRequest, Time};
use policies::registry::{Entry, Registry};
use proptest::prelude::*;
use simulator::journal::header;
use simulator::metrics::Segments;
use simulator::physics::Physics;
use simulator::result::{Replay, StopCause};
use simulator::run::{RunError, RunSpec, replay_with};
use simulator::tenants::TenantTerms;
use simulator::workload::Workload;
use traces::Trace;

use crate::bench::{Plan, job, spec, trace, trace_of};
use crate::movers::{Move, Movers};
use crate::restless::Restless;

fn inner(text: &str) -> Box<dyn Policy> {
    policies::build(text, policies::Context { estimates: false, seed: 1 }).unwrap().policy
}

/// Moves a job to these GPUs of a node, a task each, at an instant.
fn mover(at: u64, job: u32, node: u32, tasks: &[u64]) -> Box<dyn Policy> {
    let place =
        |mask: &u64| Slice { node: NodeId(node), bank: 0, milli: 1000, mask: *mask, cpu_milli: 0, memory_mib: 0 };
    let jobs = vec![(JobId(job), tasks.iter().map(place).collect())];
    let bill = Bill { by: Some(JobId(1)), predicted: 8000 * 40 * u128::from(MICROS) };
    Box::new(Movers { inner: inner("fifo[place=first-fit]"), moves: vec![Move { at: Time(at * MICROS), jobs }], bill })
}

const PLAIN: Entry = Entry {
    name: "",
    summary: "",
    objective: "",
    knows: "",
    source: "a test",
    knobs: &[],
    presets: &[],
    build: |_| Ok(mover(100, 0, 1, &[0xff])),
};
static MOVER: Entry = Entry { name: "mover", ..PLAIN };
static GATHERER: Entry = Entry { name: "gatherer", build: |_| Ok(mover(50, 1, 0, &[0xf, 0xf0])), ..PLAIN };
static FIFO: Entry =
    Entry { name: "restless-fifo", build: |_| Ok(Box::new(Restless::new(inner("fifo[skip=true]"), 3))), ..PLAIN };
static SRTF: Entry = Entry { name: "restless-srtf", build: |_| Ok(Box::new(Restless::new(inner("srtf"), 5))), ..PLAIN };
static PRIORITY: Entry = Entry {
    name: "restless-priority",
    build: |_| Ok(Box::new(Restless::new(inner("priority[place=worst-fit]"), 7))),
    ..PLAIN
};

fn registry() -> Registry {
    [&MOVER, &GATHERER, &FIFO, &SRTF, &PRIORITY]
        .into_iter()
        .fold(Registry::default(), |all, entry| all.with(entry).unwrap())
}

fn replayed<R: Record>(trace: &Arc<Trace>, policy: &str, settings: &[&str], record: &mut R) -> Replay
where
    RunError: From<R::Error>,
{
    let (inventory, physics) = (Inventory::uniform(2, 8, "GPU"), Physics::parse(settings).unwrap());
    let workload = Workload::new(trace, &inventory, &TenantTerms::default());
    let spec = RunSpec { segments: Segments::Recorded, ..spec(&inventory, policy, &physics) };
    replay_with(&registry(), &spec, &workload, record).unwrap()
}

#[test]
fn a_move_is_billed_apart_from_preemptions() {
    let plan = |submit, gpus, work| Plan { submit: submit * MICROS, gpus, work: work * MICROS };
    let trace = trace(&[plan(0, 8, 1000), plan(50, 16, 50)]);
    let settings = ["restart_s=30", "drain_s=10", "checkpoint_s=60", "preempt_saves=false"];
    let replay = replayed(&trace, "mover", &settings, &mut engine::NoRecord);
    let [row] = replay.evictions.as_slice() else { panic!("{:?}", replay.evictions) };
    assert_eq!((row.cause, row.job, row.attempt, row.by), (StopCause::Migration, 0, 1, Some(1)));
    let parts = [row.predicted, row.lost, row.drained, row.restarted].map(|gpu_s| (gpu_s / 8.0).round() as u64);
    assert_eq!(parts, [40, 40, 10, 30], "it is at 100 s when it is told, 110 s when it stops, and 60 s are safe");
    let s = &replay.summary;
    assert_eq!((s.migrations, s.preemptions, s.restarts), (1, 0, 1));
    assert_eq!((s.preempted_gpu_s, s.preempted_gpu_s_predicted), (0.0, 0.0));
    assert_eq!((s.migrated_gpu_s, s.migrated_gpu_s_predicted), (640.0, 320.0));
    assert_eq!((s.lost_gpu_s, replay.jobs[0].migrations, replay.jobs[0].preemptions), (400.0, 1, 0));
    assert_eq!(replay.jobs[0].finish, Time((110 + 30 + 940) * MICROS));
    let held: Vec<_> = replay.segments.iter().filter(|segment| segment.job == 0).collect();
    let ends = |at: usize| (held[at].node.0, held[at].start.0 / MICROS, held[at].end.0 / MICROS);
    assert_eq!([ends(0), ends(1)], [(0, 0, 110), (1, 110, 1080)]);
}

/// A gang of two tasks that runs at half speed over two nodes, until it is moved to one, which it was on in part.
#[test]
fn the_speed_is_that_of_the_new_place() {
    let plan = |gpus, work| Plan { submit: 0, gpus, work: work * MICROS };
    let trace = trace(&[plan(4, 30), plan(8, 100)]);
    let (inventory, physics) = (Inventory::uniform(2, 8, "GPU"), Physics::parse(&["spread_penalty=0.5"]).unwrap());
    let mut workload = Workload::new(&trace, &inventory, &TenantTerms::default());
    workload.reshape(1, &Shape::uniform(2, TaskRequest::whole_gpus(4)));
    let replay = replay_with(&registry(), &spec(&inventory, "gatherer", &physics), &workload, &mut engine::NoRecord);
    let rows = replay.unwrap().jobs;
    assert_eq!(rows[1].finish, Time((50 + 75) * MICROS), "50 s at half speed, then 75 s");
    assert_eq!((rows[1].migrations, rows[1].service), (1, Span::secs(125)));
}

/// Jobs of whole GPUs: gap in seconds, GPUs, work in microseconds, priority.
fn jobs() -> impl Strategy<Value = Vec<(u64, u32, u64, i32)>> {
    prop::collection::vec((0..200u64, 1..17u32, 1..300_000_000u64, 0..3i32), 1..25)
}

fn trace_from(jobs: &[(u64, u32, u64, i32)]) -> Arc<Trace> {
    let mut submit = 0;
    let of = |(at, (gap, gpus, work, priority)): (usize, &(u64, u32, u64, i32))| {
        submit += gap * MICROS;
        traces::TraceJob { priority: *priority, ..job(&at.to_string(), Time(submit), gpus * 1000, Span(*work)) }
    };
    trace_of(jobs.iter().enumerate().map(of).collect())
}

const RESTLESS: [&str; 3] = ["restless-fifo", "restless-srtf", "restless-priority"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Where stops cost nothing, a job that is moved does exactly its work, to the microsecond.
    #[test]
    fn service_is_work(jobs in jobs(), policy in prop::sample::select(RESTLESS.to_vec())) {
        let trace = trace_from(&jobs);
        for row in replayed(&trace, policy, &["drain_s=0"], &mut engine::NoRecord).jobs {
            prop_assert_eq!(row.service, trace.jobs[row.trace_index as usize].duration);
            prop_assert_eq!(row.outcome, Some(Outcome::Finished));
            prop_assert_eq!(row.attempts, 1 + row.preemptions + row.migrations);
        }
    }

    /// Every second that a GPU is held is work that is kept, or is on the bill of a preemption or a migration.
    #[test]
    fn what_is_held_is_useful_or_on_a_bill(
        jobs in jobs(),
        policy in prop::sample::select(RESTLESS.to_vec()),
        settings in prop::sample::subsequence(
            vec!["restart_s=30", "drain_s=10", "save_s=15", "checkpoint_s=60", "preempt_saves=false"], 0..=5,
        ),
    ) {
        let replay = replayed(&trace_from(&jobs), policy, &settings, &mut engine::NoRecord);
        let s = &replay.summary;
        let capacity = s.makespan_s.unwrap() * 16.0;
        let wasted = (s.gpu_allocated_share.unwrap() - s.goodput_share.unwrap()) * capacity;
        let billed = s.preempted_gpu_s + s.migrated_gpu_s;
        prop_assert!((wasted - billed).abs() < 1e-5, "{wasted} {billed}");
        prop_assert_eq!(s.restarts, s.preemptions + s.migrations);
    }
}

/// The journal of a policy that moves runs while nodes break, and how many moves there were.
fn journal(policy: &str) -> (Vec<u8>, u64) {
    let trace = Arc::new(traces::load("synthetic:philly[jobs=200,gpus=16,seed=3]").unwrap());
    let settings = ["restart_s=30", "drain_s=5", "checkpoint_s=600", "failures_per_node_day=0.5"];
    let (inventory, physics) = (Inventory::uniform(2, 8, "GPU"), Physics::parse(&settings).unwrap());
    let workload = Workload::new(&trace, &inventory, &TenantTerms::default());
    let spec = spec(&inventory, policy, &physics);
    let mut writer = Writer::new(&header(&spec, &workload));
    let replay = replay_with(&registry(), &spec, &workload, &mut writer).unwrap();
    (writer.take(), replay.summary.migrations)
}

#[test]
fn a_journal_with_moves_is_the_same_twice_and_verifies() {
    for policy in RESTLESS {
        let (bytes, moves) = journal(policy);
        assert!(moves > 50, "{policy}: {moves} moves");
        assert!(bytes == journal(policy).0, "{policy}");
        let (header, mut reader) = Reader::new(&bytes).unwrap();
        let context = policies::Context { estimates: header.estimates, seed: header.seed };
        let built = registry().build(policy, context).unwrap();
        let mut core = engine::Core::new(header.inventory, built.policy);
        let verdict = engine::replay::verify(&mut core, &mut reader).unwrap();
        assert!(matches!(verdict, engine::replay::Verdict::Identical { .. }), "{policy}: {verdict:?}");
    }
}
