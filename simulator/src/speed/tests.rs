//! Speeds from tables, by hand.

use std::sync::Arc;

use engine::{GpuModel, ModelId, NodeSpec, Time};
use traces::{Details, JobType, TraceJob};

use super::*;
use crate::metrics::Segments;
use crate::run::{RunError, RunSpec, replay};
use crate::tenants::TenantTerms;

/// Steps a second: a k80 is four times as slow as a v100, four GPUs of it on several nodes eight times.
const TABLE: &str = r#"{
    "v100": {"('LM (batch size 5)', 1)": {"null": 4.0}, "('LM (batch size 5)', 4)": {"null": 8.0}},
    "k80": {"('LM (batch size 5)', 1)": {"null": 1.0}, "('LM (batch size 5)', 4)": {"null": 2.0},
            "('ResNet-50 (batch size 128)', 1)": {"null": 0.0}},
    "k80_unconsolidated": {"('LM (batch size 5)', 4)": {"null": 1.0}}
}"#;

fn trace(jobs: &[(u32, Option<u32>)]) -> Arc<Trace> {
    let kind = |name: &str, size| JobType { name: name.to_owned(), batch_size: Some(size), batch_mode: None };
    let job = |(at, (gpus, job_type)): (usize, &(u32, Option<u32>))| TraceJob {
        details: Details { job_type: *job_type, ..Details::NONE }.into(),
        ..TraceJob::plain(format!("j{at}"), Time::ZERO + Span::secs(at as u64 * 10_000), Span::secs(100), gpus * 1000)
    };
    Arc::new(Trace {
        jobs: jobs.iter().enumerate().map(job).collect(),
        tenants: vec!["all".to_owned()],
        job_types: vec![kind("LM", 5), kind("ResNet-50", 128), kind("A3C", 4)],
        measured_on: Some("v100".to_owned()),
        ..Trace::default()
    })
}

/// Nodes of so many GPUs of one model.
fn cluster(nodes: &[(u32, &str)]) -> Inventory {
    let mut inventory = Inventory::default();
    for (gpus, name) in nodes {
        let known = inventory.models.iter().position(|model| model.name == *name);
        let model = known.unwrap_or_else(|| {
            inventory.models.push(GpuModel { name: (*name).to_owned(), memory_mib: 0, price_per_hour: None });
            inventory.models.len() - 1
        });
        let template = Inventory::uniform(1, *gpus, name).nodes[0].clone();
        inventory.nodes.push(NodeSpec { model: ModelId::new(model), ..template });
    }
    inventory
}

fn run(trace: &Arc<Trace>, inventory: &Inventory, settings: &[&str]) -> Result<crate::result::Replay, RunError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.json");
    std::fs::write(&path, TABLE).unwrap();
    let throughput = format!("throughput={}", path.display());
    let settings: Vec<&str> = settings.iter().copied().chain([throughput.as_str()]).collect();
    let physics = Physics::parse(&settings).unwrap();
    let workload = Workload::new(trace, inventory, &TenantTerms::default());
    let spec = RunSpec {
        inventory,
        policy: "fifo".to_owned(),
        physics: &physics,
        load: 1.0,
        seed: 1,
        segments: Segments::Off,
    };
    replay(&spec, &workload)
}

fn run_times(replay: &crate::result::Replay) -> Vec<f64> {
    replay.jobs.iter().map(|row| row.finish.since(row.start).secs_f64()).collect()
}

#[test]
fn runs_go_as_fast_as_the_table_says() {
    let trace = trace(&[(1, Some(0)), (4, Some(0))]);
    let on = |nodes: &[(u32, &str)], settings: &[&str]| run_times(&run(&trace, &cluster(nodes), settings).unwrap());
    assert_eq!(on(&[(4, "v100")], &[]), [100.0, 100.0]);
    assert_eq!(on(&[(4, "K80")], &[]), [400.0, 400.0]);
    assert_eq!(on(&[(2, "k80"), (2, "k80")], &[]), [400.0, 800.0]);
    assert_eq!(on(&[(4, "v100")], &["measured_on=k80"]), [25.0, 25.0]);
    // There is no rate of a gang on several v100 nodes.
    assert_eq!(on(&[(2, "v100"), (2, "k80")], &["spread_penalty=0.5"]), [100.0, 200.0]);
}

#[test]
fn gpus_that_are_slower_than_the_median_take_longer_than_the_table_says() {
    let trace = trace(&[(1, Some(0)), (4, Some(0))]);
    let mut inventory = cluster(&[(4, "k80")]);
    let scores = vec![vec![1250, 1000, 1000, 1000]];
    inventory.variability = vec![engine::Variability::exact("A", None, scores)];
    assert_eq!(run_times(&run(&trace, &inventory, &[]).unwrap()), [500.0, 500.0]);
    let mut steps = (*trace).clone();
    steps.jobs[1].details = Details { steps: Some(800), ..(*steps.jobs[1].details).clone() }.into();
    let rounds = ["round_s=100000", "round_steps=true"];
    assert_eq!(run_times(&run(&Arc::new(steps), &inventory, &rounds).unwrap()), [500.0, 500.0]);
}

#[test]
fn what_the_table_does_not_know_is_counted_and_runs_by_the_penalty() {
    let trace = trace(&[(1, None), (1, Some(2)), (2, Some(0)), (4, Some(0))]);
    let replay = run(&trace, &cluster(&[(2, "v100"), (2, "v100")]), &["spread_penalty=0.5"]).unwrap();
    assert_eq!(run_times(&replay), [100.0, 100.0, 100.0, 200.0]);
    let causes: Vec<_> = replay.unprofiled.into_iter().collect();
    assert_eq!(
        causes,
        [
            ("no rate for these GPUs and nodes", 1),
            ("no rate where the run time was measured", 1),
            ("the job has no job_type", 1),
            ("the job_type is not in the table", 1),
        ]
    );
}

#[test]
fn a_job_that_cannot_run_there_fails_at_once() {
    let trace = trace(&[(1, Some(1)), (1, Some(0))]);
    let replay = run(&trace, &cluster(&[(1, "k80")]), &["measured_on=k80"]).unwrap();
    assert_eq!(replay.unprofiled.len(), 1, "no rate where the run time was measured");
    assert_eq!((replay.summary.finished, replay.summary.failed), (2, 0));
    let mut trace = (*trace).clone();
    trace.job_types[1] = JobType { name: "LM".to_owned(), batch_size: Some(5), batch_mode: None };
    let table = TABLE.replace(
        "\"k80\": {\"('LM (batch size 5)', 1)\": {\"null\": 1.0}",
        "\"k80\": {\"('LM (batch size 5)', 1)\": {\"null\": 0}",
    );
    let table = ThroughputTable::read_bytes("t.json", table.as_bytes()).unwrap();
    let mut physics = Physics::default();
    physics.throughput = Some(crate::physics::Throughput::of("t.json", table));
    let (trace, inventory) = (Arc::new(trace), cluster(&[(1, "k80")]));
    let workload = Workload::new(&trace, &inventory, &TenantTerms::default());
    let (policy, segments) = ("fifo".to_owned(), Segments::Off);
    let spec = RunSpec { inventory: &inventory, policy, physics: &physics, load: 1.0, seed: 1, segments };
    let replay = crate::run::replay(&spec, &workload).unwrap();
    assert_eq!((replay.summary.finished, replay.summary.failed), (0, 2));
}

#[test]
fn the_engine_is_told_the_speeds_of_kinds_of_jobs() {
    let trace = trace(&[(1, Some(0)), (4, Some(0)), (1, Some(2)), (1, None)]);
    let inventory = cluster(&[(4, "v100"), (2, "k80"), (2, "k80")]);
    let workload = Workload::new(&trace, &inventory, &TenantTerms::default());
    let mut physics = Physics::default();
    let table = ThroughputTable::read_bytes("t.json", TABLE.as_bytes()).unwrap();
    physics.throughput = Some(crate::physics::Throughput::of("t.json", table));
    let kinds = |inventory: &Inventory| {
        let speeds = Speeds::new(&workload, &physics, inventory).unwrap();
        let kinds = crate::kinds::Kinds::new(&workload, &speeds, inventory);
        let of = |event| match event {
            engine::Event::Submitted { spec, .. } => spec.kind.map(|kind| kind.0),
            _ => None,
        };
        let of_jobs: Vec<_> = (0..4).map(|job| of(kinds.submission(&workload, job))).collect();
        let ppm = kinds.declarations().map(|event| match event {
            engine::Event::KindDeclared { ppm, .. } => ppm,
            other => panic!("{other:?}"),
        });
        (ppm.collect::<Vec<_>>(), of_jobs)
    };
    // A gang of four takes two k80 nodes, on which it is eight times as slow as on one v100.
    let told = (vec![vec![1_000_000, 250_000], vec![1_000_000, 125_000]], vec![Some(0), Some(1), None, None]);
    assert_eq!(kinds(&inventory), told);
    assert_eq!(kinds(&cluster(&[(4, "v100")])), (vec![], vec![None; 4]), "one model: nothing to choose");
}

#[test]
fn the_model_of_the_measurement_must_be_known() {
    let mut unsaid = (*trace(&[(1, Some(0))])).clone();
    unsaid.source = "t.csv".to_owned();
    unsaid.measured_on = None;
    let error =
        |trace: &Trace, settings: &[&str]| match run(&Arc::new(trace.clone()), &cluster(&[(1, "k80")]), settings) {
            Err(RunError::Throughput(error)) => format!("{error} | {}", error.hint().unwrap_or_default()),
            other => panic!("{other:?}"),
        };
    assert_eq!(
        error(&unsaid, &[]),
        "t.csv: the trace does not say on which GPUs its run times were measured | say --set measured_on=MODEL; the \
         table knows v100, k80"
    );
    assert_eq!(
        error(&unsaid, &["measured_on=h100"]),
        "t.csv: the run times were measured on `h100`, which is not in the table of throughput | the table knows v100, \
         k80"
    );
}
