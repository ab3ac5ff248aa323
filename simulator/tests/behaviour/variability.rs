//! GPUs that differ: a gang goes at the speed of its slowest, and a policy that knows it gains by it.

use std::sync::Arc;

use engine::{Inventory, Span, Time, Variability};
use traces::{Details, JobType, Trace};

use crate::bench::{job, rows, trace_of};

fn cluster(nodes: &[&[u32]]) -> Inventory {
    let mut inventory = Inventory::uniform(nodes.len(), 0, "V100");
    for (node, scores) in inventory.nodes.iter_mut().zip(nodes) {
        node.gpus = scores.len() as u32;
    }
    let scores = nodes.iter().map(|scores| scores.to_vec()).collect();
    inventory.variability = vec![Variability::exact("A", None, scores)];
    inventory
}

/// Jobs as submission, GPUs and work in seconds.
fn jobs(jobs: &[(u64, u32, u64)]) -> Arc<Trace> {
    let of = |(at, (submit, gpus, work)): (usize, &(u64, u32, u64))| {
        job(&at.to_string(), Time::ZERO + Span::secs(*submit), gpus * 1000, Span::secs(*work))
    };
    trace_of(jobs.iter().enumerate().map(of).collect())
}

/// Milliseconds that the only job of so many GPUs runs, of 100 seconds on median GPUs.
fn run_ms(nodes: &[&[u32]], gpus: u32, settings: &[&str]) -> u64 {
    let row = &rows(&jobs(&[(0, gpus, 100)]), &cluster(nodes), "fifo", settings)[0];
    row.finish.since(row.start).0 / 1000
}

#[test]
fn a_run_takes_the_score_of_its_slowest_gpu_times_as_long() {
    assert_eq!(run_ms(&[&[1000]], 1, &[]), 100_000);
    assert_eq!(run_ms(&[&[1250]], 1, &[]), 125_000);
    assert_eq!(run_ms(&[&[2000]], 1, &[]), 200_000);
    assert_eq!(run_ms(&[&[800]], 1, &[]), 80_000, "better than the median");
    assert_eq!(run_ms(&[&[800, 1000, 1250, 900]], 4, &[]), 125_000);
    assert_eq!(run_ms(&[&[800, 1250], &[1000, 900]], 4, &[]), 125_000);
    assert!(run_ms(&[&[1300]], 1, &[]).abs_diff(130_000) <= 1, "rates are in parts per million");
}

#[test]
fn the_penalty_of_several_nodes_comes_on_top() {
    assert_eq!(run_ms(&[&[800, 1250], &[1000, 900]], 4, &["spread_penalty=0.2"]), 156_250);
    assert_eq!(run_ms(&[&[1250; 4]], 4, &["spread_penalty=0.2"]), 125_000);
}

#[test]
fn rounds_know_it_too() {
    assert_eq!(run_ms(&[&[1250]], 1, &["round_s=1000"]), 125_000);
    let mut trace = (*jobs(&[(0, 1, 100)])).clone();
    trace.jobs[0].details = Details { steps: Some(50), ..Details::NONE }.into();
    let row = &rows(&Arc::new(trace), &cluster(&[&[1250]]), "fifo", &["round_s=1000", "round_steps=true"])[0];
    assert_eq!(row.finish, Time::ZERO + Span::secs(125));
}

#[test]
fn each_job_feels_the_scores_of_its_class() {
    let mut inventory = cluster(&[&[1000]]);
    let sensitive = Some(vec!["resnet".to_owned()]);
    inventory.variability.push(Variability::exact("B", sensitive, vec![vec![2000]]));
    let mut trace = (*jobs(&[(0, 1, 100), (1000, 1, 100), (2000, 1, 100)])).clone();
    trace.job_types = vec![JobType { name: "resnet".to_owned(), batch_size: Some(64), batch_mode: None }];
    trace.jobs[1].details = Details { job_type: Some(0), ..Details::NONE }.into();
    trace.jobs[2].name = Some("resnet-7".into());
    let rows = rows(&Arc::new(trace), &inventory, "fifo", &[]);
    let seconds: Vec<f64> = rows.iter().map(|row| row.finish.since(row.start).secs_f64()).collect();
    assert_eq!(seconds, [100.0, 200.0, 200.0]);
}

/// Mean seconds from submission to finish.
fn mean_jct(inventory: &Inventory, policy: &str) -> f64 {
    let jobs =
        jobs(&[(0, 4, 100), (10, 4, 100), (300, 4, 100), (310, 2, 100), (320, 1, 60), (700, 8, 100), (900, 1, 10)]);
    let rows = rows(&jobs, inventory, policy, &["spread_penalty=0.3"]);
    rows.iter().map(|row| row.finish.since(row.submit).secs_f64()).sum::<f64>() / rows.len() as f64
}

/// The slow node has the lowest id, so that best fit starts there whenever the cluster is empty.
#[test]
fn who_knows_the_scores_is_not_slower_than_best_fit() {
    let varied = cluster(&[&[1500; 4], &[1000, 1000, 1000, 1100], &[900; 4]]);
    let [best_fit, pal, pm_first] =
        ["best-fit", "pal", "pm-first"].map(|place| mean_jct(&varied, &format!("fifo[place={place}]")));
    assert!(pal < 0.9 * best_fit, "{pal} with scores, {best_fit} without");
    assert!(pm_first <= best_fit, "{pm_first} with scores, {best_fit} without");
    let equal = cluster(&[&[1000; 4], &[1000; 4], &[1000; 4]]);
    let gain = mean_jct(&equal, "fifo") - mean_jct(&equal, "fifo[place=pal]");
    assert!(gain.abs() < 1e-9, "nothing to gain, and {gain} gained");
}
