//! Finish times of other simulators, job by job, where their semantics are ours.
//!
//! Needs the reference results; without `TRAINYARD_DATA` the tests say so and pass.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails loudly")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::{Inventory, MICROS, Outcome, Span, Time};
use simulator::metrics::Segments;
use simulator::physics::Physics;
use simulator::run::{RunSpec, replay};
use simulator::tenants::TenantTerms;
use simulator::workload::Workload;
use traces::{Ledger, Trace, TraceJob};

/// Columns of the traces.
const COLUMNS: [&str; 4] = ["job_id", "submit_s", "gpus", "duration_s"];

fn cases() -> Option<PathBuf> {
    let data = std::env::var_os("TRAINYARD_DATA").map(|data| Path::new(&data).join("cases"));
    if data.is_none() {
        println!("skipped: TRAINYARD_DATA is not set");
    }
    data
}

/// Reads (job id, submit, GPUs, duration) from the named columns of a CSV file; times are whole seconds.
fn trace(path: &Path, columns: [&str; 4]) -> Trace {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let at = columns.map(|column| header.iter().position(|name| *name == column).unwrap());
    let job = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |i: usize| fields[at[i]].parse::<f64>().unwrap();
        TraceJob::plain(
            fields[at[0]],
            Time((number(1) * MICROS as f64) as u64),
            Span((number(3) * MICROS as f64) as u64),
            number(2) as u32 * 1000,
        )
    };
    let mut jobs: Vec<TraceJob> = lines.map(job).collect();
    jobs.sort_by_key(|job| job.submit);
    Trace { jobs, tenants: vec!["all".to_owned()], ledger: Ledger::default(), ..Trace::default() }
}

/// Finish times in seconds by job id.
fn finishes(trace: &Arc<Trace>, inventory: &Inventory, policy: &str) -> (BTreeMap<String, f64>, f64) {
    let physics = Physics::default();
    let spec = RunSpec {
        inventory,
        policy: policy.to_owned(),
        physics: &physics,
        load: 1.0,
        seed: 1,
        segments: Segments::Off,
    };
    let workload = Workload::new(trace, inventory, &TenantTerms::default());
    let replay = replay(&spec, &workload).unwrap();
    assert!(replay.jobs.iter().all(|row| row.outcome == Some(Outcome::Finished)));
    let of =
        |row: &simulator::result::JobRow| (trace.jobs[row.trace_index as usize].id.to_string(), row.finish.secs_f64());
    (replay.jobs.iter().map(of).collect(), replay.summary.jct_mean_s.unwrap())
}

fn expected(path: &Path, id: &str, finish: &str) -> BTreeMap<String, f64> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let at = [id, finish].map(|column| header.iter().position(|name| *name == column).unwrap());
    lines
        .map(|line| line.split(',').collect::<Vec<_>>())
        .map(|f| (f[at[0]].to_owned(), f[at[1]].parse().unwrap()))
        .collect()
}

fn assert_same(case: &str, found: &BTreeMap<String, f64>, expected: &BTreeMap<String, f64>) {
    assert_eq!(found.len(), expected.len(), "{case}: number of jobs");
    let differ: Vec<_> = expected.iter().filter(|(id, finish)| (found[*id] - **finish).abs() > 1e-6).collect();
    let first = differ.first().map(|(id, finish)| format!("{id}: {} instead of {finish}", found[*id]));
    assert!(
        differ.is_empty(),
        "{case}: {} of {} finish times differ, first {}",
        differ.len(),
        expected.len(),
        first.unwrap()
    );
}

#[test]
fn tiresias_on_sixty_jobs() {
    let Some(cases) = cases() else { return };
    let trace = Arc::new(trace(&cases.join("tiresias/trace_60job.csv"), COLUMNS));
    for (policy, file) in [
        ("fifo", "count-fifo"),
        ("fifo[skip=true]", "count-fjf"),
        ("srtf", "count-shortest"),
        ("srsf", "count-shortest-gpu"),
    ] {
        let (found, mean) = finishes(&trace, &Inventory::uniform(1, 8, "GPU"), policy);
        println!("{policy} mean JCT {mean:.3}");
        let file = cases.join(format!("tiresias/jobs/n1g8-{file}.csv"));
        assert_same(policy, &found, &expected(&file, "job_id", "finish_s"));
    }
}

/// One virtual cluster of Philly, October and November 2017: 1,269 jobs on 7 nodes of 8 GPUs.
fn philly(cases: &Path) -> Arc<Trace> {
    Arc::new(trace(&cases.join("philly/philly_0e4a51_oct_nov.csv"), COLUMNS))
}

#[test]
fn tiresias_on_a_philly_cluster() {
    let Some(cases) = cases() else { return };
    let trace = philly(&cases);
    let pool = Inventory::uniform(1, 56, "GPU");
    let nodes = Inventory::uniform(7, 8, "GPU");
    for (inventory, policy, file, mean_s) in [
        (&pool, "fifo", "count-fifo", 1_044_234.777),
        (&pool, "srtf", "count-shortest", 184_313.173),
        (&nodes, "fifo[place=first-fit]", "yarn-fifo", 1_093_575.109),
    ] {
        let (found, mean) = finishes(&trace, inventory, policy);
        println!("{policy} mean JCT {mean:.3}");
        let file = cases.join(format!("tiresias/jobs/p0e-{file}.csv"));
        assert_same(policy, &found, &expected(&file, "job_id", "finish_s"));
        assert!((mean - mean_s).abs() < 0.001, "{policy}: mean {mean} instead of {mean_s}");
    }
}

/// Helios' simulator places on the fitting node with the fewest free GPUs, as `best-fit` does. Its jobs have no
/// identifiers: row by row they are those of the trace.
#[test]
fn helios_on_a_philly_cluster() {
    let Some(cases) = cases() else { return };
    let trace = philly(&cases);
    let nodes = Inventory::uniform(7, 8, "GPU");
    let (_, mean) = finishes(&trace, &nodes, "fifo");
    assert!((mean - 1_093_575.109).abs() < 0.001, "fifo: mean {mean}");
    let (found, mean) = finishes(&trace, &nodes, "sjf");
    println!("sjf mean JCT {mean:.3}");
    let log = std::fs::read_to_string(cases.join("helios_lucid/helios_sjf_consolidate_0e4a51_log.csv")).unwrap();
    let finish = |line: &str| line.split(',').nth(4).unwrap().parse::<f64>().unwrap();
    let expected = log.lines().skip(1).enumerate().map(|(row, line)| (row.to_string(), finish(line))).collect();
    assert_same("sjf", &found, &expected);
    assert!((mean - 240_127.941).abs() < 0.001, "sjf: mean {mean}");
}
