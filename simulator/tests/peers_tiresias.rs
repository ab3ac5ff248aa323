//! Finish times of the simulators of Tiresias and Muri, job by job: levels and lists of attained service, and everything
//! placed anew at each event.
//!
//! Needs the reference results; without `TRAINYARD_DATA` the tests say so and pass. Two kinds of results are left out: the
//! combination of that simulator's `yarn` placement with a preemptive policy loses jobs without a word, so its files hold
//! six jobs of sixty.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails loudly")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::{Inventory, Outcome, Span, Time};
use simulator::metrics::Segments;
use simulator::physics::Physics;
use simulator::run::{RunSpec, replay};
use simulator::tenants::Weights;
use simulator::workload::Workload;
use traces::{Details, Ledger, Trace, TraceJob};

fn cases() -> Option<PathBuf> {
    let data = std::env::var_os("TRAINYARD_DATA").map(|data| Path::new(&data).join("cases"));
    if data.is_none() {
        println!("skipped: TRAINYARD_DATA is not set");
    }
    data
}

/// A CSV file as rows of cells by the name of their column.
fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let row = |line: &str| header.iter().zip(line.split(',')).map(|(a, b)| ((*a).to_owned(), b.to_owned())).collect();
    lines.map(row).collect()
}

fn seconds(cell: &str) -> Span {
    Span::from_secs_f64(cell.parse().unwrap()).unwrap()
}

fn trace(path: &Path) -> Arc<Trace> {
    let job = |row: &BTreeMap<String, String>| {
        let submit = Time(seconds(&row["submit_s"]).0);
        let gpus: u32 = row["gpus"].parse().unwrap();
        let restart = row.get("overhead_s").map(|cell| seconds(cell));
        TraceJob {
            details: Details { restart, ..Details::NONE }.into(),
            ..TraceJob::plain(&row["job_id"], submit, seconds(&row["duration_s"]), gpus * 1000)
        }
    };
    let mut jobs: Vec<TraceJob> = rows(path).iter().map(job).collect();
    jobs.sort_by_key(|job| job.submit);
    Arc::new(Trace { jobs, tenants: vec!["all".to_owned()], ledger: Ledger::default(), ..Trace::default() })
}

/// Replays, and compares each finish time with that of `file`, to `tolerance_s`. Returns how many differ, and of how many.
fn differ(
    trace: &Arc<Trace>,
    inventory: &Inventory,
    policy: &str,
    set: &[&str],
    file: &Path,
    tolerance_s: f64,
) -> (usize, usize) {
    let physics = Physics::parse(set).unwrap();
    let policy_text = policy.to_owned();
    let spec =
        RunSpec { inventory, policy: policy_text, physics: &physics, load: 1.0, seed: 1, segments: Segments::Off };
    let workload = Workload::new(trace, inventory, &Weights::default());
    let replay = replay(&spec, &workload).unwrap();
    assert!(replay.jobs.iter().all(|row| row.outcome == Some(Outcome::Finished)), "{policy}");
    let id = |row: &simulator::result::JobRow| trace.jobs[row.trace_index as usize].id.to_string();
    let found: BTreeMap<String, f64> = replay.jobs.iter().map(|row| (id(row), row.finish.secs_f64())).collect();
    let expected = rows(file);
    assert_eq!(found.len(), expected.len(), "{policy}: number of jobs");
    let finish = |row: &BTreeMap<String, String>| row["finish_s"].parse::<f64>().unwrap();
    let off = |row: &&BTreeMap<String, String>| (found[&row["job_id"]] - finish(row)).abs() > tolerance_s;
    let differing: Vec<_> = expected.iter().filter(off).collect();
    let worst = expected.iter().map(|row| (found[&row["job_id"]] - finish(row)).abs()).fold(0.0, f64::max);
    println!(
        "{policy}: {} of {} differ, at most {worst:.6} s, mean JCT {:.3}, {} decisions",
        differing.len(),
        expected.len(),
        replay.summary.jct_mean_s.unwrap(),
        replay.summary.decisions,
    );
    for row in differing.iter().take(5) {
        println!("  {} {}: {} instead of {}", policy, row["job_id"], found[&row["job_id"]], row["finish_s"]);
    }
    (differing.len(), expected.len())
}

#[test]
fn tiresias_on_sixty_jobs() {
    let Some(cases) = cases() else { return };
    let trace = trace(&cases.join("tiresias/trace_60job.csv"));
    let one = Inventory::uniform(1, 8, "GPU");
    let pool = Inventory::uniform(1, 16, "GPU");
    let artifact = "replace=all,wake=artifact";
    for (inventory, policy, file) in [
        (&one, "smallest-gang[preset=artifact]".to_owned(), "n1g8-count-sjf"),
        (&one, format!("tiresias[preset=nsdi19,{artifact}]"), "n1g8-count-dlas-gpu"),
        (&one, format!("tiresias[preset=nsdi19,{artifact},promote=1]"), "n1g8-count-dlas-gpu-1"),
        (&one, format!("tiresias[preset=nsdi19,{artifact},service=time]"), "n1g8-count-dlas"),
        (&one, "srtf[replace=all]".to_owned(), "n1g8-count-shortest"),
        (&one, "srsf[replace=all]".to_owned(), "n1g8-count-shortest-gpu"),
        (&one, "fifo[place=first-fit]".to_owned(), "n1g8-yarn-fifo"),
        (&one, "fifo[place=first-fit,skip=true]".to_owned(), "n1g8-yarn-fjf"),
        (&pool, "fifo".to_owned(), "n2g8-count-fifo"),
    ] {
        let file = cases.join(format!("tiresias/jobs/{file}.csv"));
        assert_eq!(differ(&trace, inventory, &policy, &[], &file, 1e-6).0, 0, "{policy}");
    }
}

/// The distribution is a file of that simulator, which is not among the results: put it beside the trace.
#[test]
fn two_dimensional_gittins_on_sixty_jobs() {
    let Some(cases) = cases() else { return };
    let Ok(samples) = std::fs::read_to_string(cases.join("tiresias/yarn-gput1000.csv")) else {
        println!("skipped: cases/tiresias/yarn-gput1000.csv (simulator/ of SymbioticLab/Tiresias) is not there");
        return;
    };
    let trace = trace(&cases.join("tiresias/trace_60job.csv"));
    let samples: Vec<&str> = samples.lines().skip(1).map(str::trim).collect();
    let knobs = "replace=all,wake=artifact,rank=artifact,quantum=3250";
    let policy = format!("tiresias[preset=nsdi19,{knobs},samples={}]", samples.join("+"));
    let file = cases.join("tiresias/jobs/n1g8-count-dlas-gpu-gittins.csv");
    assert_eq!(differ(&trace, &Inventory::uniform(1, 8, "GPU"), &policy, &[], &file, 1e-6).0, 0);
}

#[test]
fn tiresias_on_a_philly_cluster() {
    let Some(cases) = cases() else { return };
    let trace = trace(&cases.join("philly/philly_0e4a51_oct_nov.csv"));
    let pool = Inventory::uniform(1, 56, "GPU");
    for (policy, file) in [
        ("tiresias[preset=nsdi19,replace=all,wake=artifact]", "p0e-count-dlas-gpu"),
        ("srtf[replace=all]", "p0e-count-shortest"),
    ] {
        let file = cases.join(format!("tiresias/jobs/{file}.csv"));
        assert_eq!(differ(&trace, &pool, policy, &[], &file, 1e-6).0, 0, "{policy}");
    }
}

/// Its seconds are floating-point numbers, ours whole microseconds.
#[test]
fn muri_with_a_cost_at_each_event() {
    let Some(cases) = cases() else { return };
    let trace = trace(&cases.join("muri/trace3_plain.csv"));
    let (nodes, pool) = (Inventory::uniform(8, 8, "GPU"), Inventory::uniform(1, 64, "GPU"));
    for (inventory, policy, file) in [
        (&nodes, "srtf[replace=all,place=first-fit]", "trace3-shortest"),
        (&nodes, "srsf[replace=all,place=first-fit]", "trace3-shortest-gpu"),
        (&pool, "tiresias[preset=nsdi19,replace=all,wake=ceiling]", "trace3-dlas-gpu"),
    ] {
        let file = cases.join(format!("muri/jobs/{file}.csv"));
        let (off, jobs) = differ(&trace, inventory, policy, &["restart_at=stop"], &file, 0.001);
        assert_eq!(off, 0, "{policy}: of {jobs}");
    }
}

/// `restart_at=stop` by hand: job 0 has done 30 s when job 1 comes, and pays 10 s of them; it has 80 s left, goes on, and
/// pays nothing at its end.
#[test]
fn a_restart_is_paid_when_a_run_is_stopped() {
    let job = |id, at: u64, secs| TraceJob::plain(id, Time(at * 1_000_000), Span::secs(secs), 1000);
    let jobs = vec![job("0", 0, 100), job("1", 30, 200)];
    let trace =
        Arc::new(Trace { jobs, tenants: vec!["all".to_owned()], ledger: Ledger::default(), ..Trace::default() });
    let inventory = Inventory::uniform(1, 1, "GPU");
    let physics = Physics::parse(&["restart_s=10", "restart_at=stop"]).unwrap();
    let policy = "srtf[replace=all]".to_owned();
    let spec =
        RunSpec { inventory: &inventory, policy, physics: &physics, load: 1.0, seed: 1, segments: Segments::Off };
    let workload = Workload::new(&trace, &inventory, &Weights::default());
    let replay = replay(&spec, &workload).unwrap();
    let ends: Vec<f64> = replay.jobs.iter().map(|row| row.finish.secs_f64()).collect();
    assert_eq!(ends, [110.0, 310.0]);
}
