//! Finish times of simulators that go in rounds or in ticks, job by job: Helios' SRTF, Blox' LAS, Gavel's FIFO.
//!
//! Needs the reference results; without `TRAINYARD_DATA` the tests say so and pass.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails loudly")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::{Inventory, Outcome, Span, Time};
use simulator::metrics::Segments;
use simulator::physics::Physics;
use simulator::result::Replay;
use simulator::run::{RunSpec, replay};
use simulator::tenants::TenantTerms;
use simulator::workload::Workload;
use traces::{Details, Trace, TraceJob};

fn cases() -> Option<PathBuf> {
    let data = std::env::var_os("TRAINYARD_DATA").map(|data| Path::new(&data).join("cases"));
    if data.is_none() {
        println!("skipped: TRAINYARD_DATA is not set");
    }
    data
}

/// The named columns of a CSV file, row by row.
fn columns<const N: usize>(path: &Path, names: [&str; N]) -> Vec<[String; N]> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let at = names.map(|name| header.iter().position(|column| *column == name).unwrap());
    lines.map(|line| line.split(',').collect::<Vec<_>>()).map(|row| at.map(|at| row[at].to_owned())).collect()
}

fn number(text: &str) -> f64 {
    text.parse().unwrap()
}

/// Jobs of a CSV file with (id, submission, GPUs, run time).
fn trace(path: &Path, edit: impl Fn(&mut TraceJob)) -> Arc<Trace> {
    let job = |[id, submit, gpus, duration]: [String; 4]| {
        let submit = Time(Span::from_secs_f64(number(&submit)).unwrap().0);
        let duration = Span::from_secs_f64(number(&duration)).unwrap();
        let mut job = TraceJob::plain(id, submit, duration, number(&gpus) as u32 * 1000);
        edit(&mut job);
        job
    };
    let rows = columns(path, ["job_id", "submit_s", "gpus", "duration_s"]);
    let jobs = rows.into_iter().map(job).collect();
    Arc::new(Trace { jobs, tenants: vec!["all".to_owned()], ..Trace::default() })
}

fn run(trace: &Arc<Trace>, inventory: &Inventory, policy: &str, settings: &[&str], seed: u64) -> Replay {
    let physics = Physics::parse(settings).unwrap();
    let policy = policy.to_owned();
    let spec = RunSpec { inventory, policy, physics: &physics, load: 1.0, seed, segments: Segments::Off };
    let replay = replay(&spec, &Workload::new(trace, inventory, &TenantTerms::default())).unwrap();
    assert!(replay.jobs.iter().all(|row| row.outcome == Some(Outcome::Finished)));
    replay
}

/// Finish times in seconds by job id.
fn finishes(trace: &Trace, replay: &Replay) -> BTreeMap<String, f64> {
    let of =
        |row: &simulator::result::JobRow| (trace.jobs[row.trace_index as usize].id.to_string(), row.finish.secs_f64());
    replay.jobs.iter().map(of).collect()
}

fn assert_same(case: &str, found: &BTreeMap<String, f64>, expected: &[(String, f64)], tolerance_s: f64) {
    let off = |(id, finish): &&(String, f64)| (found[id] - finish).abs() > tolerance_s;
    let differ: Vec<_> = expected.iter().filter(off).collect();
    let first = differ.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    let first = first.map(|(id, finish)| format!("{id}: {} instead of {finish}", found[id]));
    assert!(differ.is_empty(), "{case}: {} of {} finish times differ, first {first:?}", differ.len(), expected.len());
    println!("{case}: {} finish times are the same", expected.len());
}

fn mean_jct_s(trace: &Trace, found: &BTreeMap<String, f64>) -> f64 {
    trace.jobs.iter().map(|job| found[job.id.as_str()] - job.submit.secs_f64()).sum::<f64>() / trace.jobs.len() as f64
}

/// One virtual cluster of Philly on 7 nodes of 8 GPUs. Row by row the jobs of the log are those of the trace.
#[test]
fn helios_srtf_on_a_philly_cluster() {
    let Some(cases) = cases() else { return };
    let trace = trace(&cases.join("philly/philly_0e4a51_oct_nov.csv"), |_| {});
    let nodes = Inventory::uniform(7, 8, "GPU");
    let replay = run(&trace, &nodes, "srtf-rounds[preset=helios]", &["physics=helios"], 1);
    let found = finishes(&trace, &replay);
    let log = columns(&cases.join("helios_lucid/helios_srtf_consolidate_0e4a51_log.csv"), ["finish_s"]);
    let expected: Vec<_> = log.iter().enumerate().map(|(row, [finish])| (row.to_string(), number(finish))).collect();
    assert_same("helios srtf", &found, &expected, 0.0);
    let mean = mean_jct_s(&trace, &found);
    assert!((mean - 188_802.136).abs() < 0.001, "mean {mean}");
    assert_eq!(replay.summary.preemptions, 982);
}

/// 101 tracked jobs of 949 on 32 nodes of 4 GPUs. Blox splits gangs into single GPUs wherever they are free.
#[test]
fn blox_las() {
    let Some(cases) = cases() else { return };
    let trace = trace(&cases.join("blox/trace.csv"), |job| {
        job.details = Details { tasks: job.gpu_milli / 1000, ..Details::NONE }.into();
    });
    let nodes = Inventory::uniform(32, 4, "GPU");
    let found = finishes(&trace, &run(&trace, &nodes, "las-rounds[preset=blox]", &["physics=blox"], 1));
    let rows = columns(&cases.join("blox/las_tracked_20_120.csv"), ["job_id", "finish_s"]);
    let expected: Vec<_> = rows.into_iter().map(|[id, finish]| (id, number(&finish))).collect();
    assert_same("blox las", &found, &expected, 0.0);
}

fn gavel(cases: &Path) -> Arc<Trace> {
    let folder = cases.join("gavel");
    let (list, rates) = (folder.join("gen300single_lam700_s1.trace"), folder.join("simulation_throughputs.json"));
    let name = format!("gavel:{}[throughputs={}]", list.display(), rates.display());
    let mut trace = traces::load(&name).unwrap();
    for (row, job) in trace.jobs.iter_mut().enumerate() {
        job.id = row.to_string().into();
    }
    Arc::new(trace)
}

/// 300 jobs of one GPU on 16 V100, to half a microsecond: Gavel keeps time in floats, and so does the clock of rounds.
#[test]
fn gavel_fifo() {
    let Some(cases) = cases() else { return };
    let trace = gavel(&cases);
    let table = format!("throughput={}", cases.join("gavel/simulation_throughputs.json").display());
    let nodes = Inventory::uniform(16, 1, "v100");
    let rows = columns(&cases.join("gavel/gen300single_16v100_fifo.csv"), ["job_id", "finish_s"]);
    let expected: Vec<_> = rows.into_iter().map(|[id, finish]| (id, number(&finish))).collect();
    // With the rates of the table, and with those that follow from steps and run times in microseconds.
    for (settings, tolerance_s) in [(vec!["physics=gavel", &table], 0.000_000_6), (vec!["physics=gavel"], 0.001)] {
        let found = finishes(&trace, &run(&trace, &nodes, "fifo-rounds[preset=gavel]", &settings, 1));
        assert_same("gavel fifo", &found, &expected, tolerance_s);
        let mean = mean_jct_s(&trace, &found);
        assert!((mean - 12_910.307).abs() < 0.001, "mean {mean}");
    }
}
