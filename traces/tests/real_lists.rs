//! Real job lists of research artifacts and the flat table of Philly, where the machine has them.
#![allow(clippy::unwrap_used)] // clippy.toml excepts test functions only, not what they call

mod common;

use std::collections::BTreeMap;

use common::data;
use traces::{Info, RunTimes, Trace, describe, load};

/// Reads the file, finding its format by its content, and checks what every reader promises.
fn read(file: &str, format: &str) -> Option<(Trace, Info)> {
    let path = data(file)?;
    let trace = load(path.to_str().unwrap()).unwrap();
    assert_eq!(trace.format, format, "{file}");
    let dropped: u64 = trace.ledger.dropped.values().sum();
    assert_eq!(trace.jobs.len() as u64 + dropped, trace.ledger.rows, "{file}");
    assert!(trace.jobs.is_sorted_by_key(|job| job.submit), "{file}");
    let info = describe(&trace, None);
    Some((trace, info))
}

fn sizes(info: &Info) -> Vec<(f64, u64)> {
    info.gangs.iter().map(|gang| (gang.gpus, gang.jobs)).collect()
}

/// Seconds of the first and last submission.
fn submits(trace: &Trace) -> (f64, f64) {
    let second = |job: Option<&traces::TraceJob>| job.unwrap().submit.0 as f64 / 1e6;
    (second(trace.jobs.first()), second(trace.jobs.last()))
}

/// Seconds of the shortest and longest run time.
fn durations(trace: &Trace) -> (f64, f64) {
    let seconds = || trace.jobs.iter().map(|job| job.duration.0 as f64 / 1e6);
    (seconds().fold(f64::INFINITY, f64::min), seconds().fold(0.0, f64::max))
}

#[test]
fn tiresias() {
    let Some((trace, info)) = read("tiresias/60_job.csv", "tiresias") else { return };
    assert_eq!((info.jobs, info.rows), (60, 60));
    assert_eq!(sizes(&info), [(1.0, 30), (2.0, 10), (4.0, 10), (8.0, 10)]);
    assert_eq!((submits(&trace), durations(&trace)), ((0.0, 1779.0), (121.0, 1800.0)));
    assert!((info.gpu_hours * 3600.0 - 26_624.0).abs() < 0.01, "{}", info.gpu_hours);
    assert_eq!(trace.ledger.ignored_columns, ["interval"]);
    assert!(trace.ledger.changed.is_empty());
    assert!(trace.jobs.iter().all(|job| job.steps.is_some() && job.job_type.is_some()));
}

#[test]
fn muri() {
    let Some((trace, info)) = read("tiresias/muri_trace1.csv", "muri") else { return };
    assert_eq!((info.jobs, info.rows), (1494, 1494));
    assert_eq!(submits(&trace), (0.0, 10_817_570.0));
    assert_eq!(sizes(&info).last(), Some(&(32.0, 25)));
    assert!((info.gpu_hours - 383_327.0).abs() < 1.0, "{}", info.gpu_hours);
    assert!(trace.ledger.changed.is_empty(), "durations follow from iterations: {:?}", trace.ledger);
    assert_eq!(trace.ledger.ignored_columns, ["interval", "resource_time_0", "resource_time_1", "resource_time_2"]);
    let Some((_, info)) = read("tiresias/muri_trace3.csv", "muri") else { return };
    assert_eq!(info.jobs, 992);
    let third = (sizes(&info), info.span_s);
    let Some((trace, info)) = read("tiresias/muri_job_type_1.csv", "muri") else { return };
    assert_eq!((sizes(&info), info.span_s), third, "the third trace with fewer kinds of models");
    let names: std::collections::BTreeSet<_> = trace.job_types.iter().map(|kind| kind.name.as_str()).collect();
    assert!(names.len() < 8, "{names:?}");
}

#[test]
fn chronus() {
    let Some((trace, info)) = read("tiresias/chronus_trace_job_Philly_SLO.csv.gz", "chronus") else { return };
    assert_eq!((info.jobs, info.rows, info.tenants), (30_940, 30_940, 11));
    assert_eq!((submits(&trace), durations(&trace)), ((60.0, 20_151.0 * 60.0), (1200.0, 4317.0 * 60.0)));
    let without_gpus = trace.ledger.changed["num_gpu is 0: kept as a job without GPUs"];
    assert!((184..=205).contains(&without_gpus), "{without_gpus}");
    assert_eq!(info.gangs[0].jobs, without_gpus);
    assert_eq!(trace.ledger.changed.len(), 1, "all jobs are strict: {:?}", trace.ledger.changed);
    assert!(trace.jobs.iter().all(|job| job.deadline.is_some_and(|at| at >= job.submit + job.duration)));
}

#[test]
fn pollux_and_sia() {
    let cases: [(&str, usize, f64, f64); 5] = [
        ("osdi21_workloads", 160, 48.0, 8.0),
        ("osdi21_workloads-realistic", 160, 32.0, 8.0),
        ("sia_philly", 160, 16.0, 8.0),
        ("sia_saturn", 160, 16.0, 8.0),
        ("sia_newtrace", 960, 16.0, 48.0),
    ];
    for (folder, jobs, largest, hours) in cases {
        for number in 1..=4 {
            let file = format!("pollux_sia/{folder}/workload-{number}.csv");
            let Some((trace, info)) = read(&file, "pollux") else { return };
            assert_eq!((trace.jobs.len(), trace.run_times), (jobs, RunTimes::Unknown), "{file}");
            assert!(info.gangs.iter().all(|gang| (1.0..=largest).contains(&gang.gpus)), "{file}");
            assert!(info.span_s < hours * 3600.0, "{file}");
            let known = ["bert", "cifar10", "deepspeech2", "imagenet", "ncf", "yolov3"];
            assert!(trace.job_types.iter().all(|kind| known.contains(&kind.name.as_str())), "{file}");
            assert!(trace.ledger.changed.is_empty() && trace.ledger.ignored_columns.is_empty(), "{file}");
        }
    }
    let Some((_, info)) = read("pollux_sia/osdi21_workloads/workload-2.csv", "pollux") else { return };
    assert_eq!(info.gangs.last().map(|gang| gang.gpus), Some(48.0));
}

#[test]
fn philly_flat_table() {
    let Some((trace, info)) = read("philly/philly_flat_2017-09_10.csv.gz", "philly") else { return };
    assert_eq!((info.jobs, info.rows, info.tenants), (52_849, 52_849, 12));
    assert_eq!(trace.origin.as_deref(), Some("2017-09-04T10:30:41"));
    assert!((info.gpu_hours - 642_409.0).abs() < 1.0, "{}", info.gpu_hours);
    let multi: f64 = info.gangs.iter().filter(|gang| gang.gpus > 1.0).map(|gang| gang.share).sum();
    assert!((multi * 100.0 - 5.04).abs() < 0.005, "{multi}");
    assert_eq!(info.gangs.last().map(|gang| gang.gpus), Some(32.0));
    assert!(durations(&trace).0 >= 1.0);
    // Of the 65 fully duplicated rows of the whole table, those before November.
    assert_eq!(trace.ledger.changed["fully duplicated row, kept"], 37);
    assert!(trace.ledger.dropped.is_empty());
    let mut by_hour: BTreeMap<(u64, &str), u64> = BTreeMap::new();
    let midnight_us = (10 * 3600 + 30 * 60 + 41) * 1_000_000;
    for job in &trace.jobs {
        let hour = (job.submit.0 + midnight_us) / 3_600_000_000;
        *by_hour.entry((hour, &trace.tenants[job.tenant as usize])).or_default() += 1;
    }
    let hour = |days: u64, hours: u64| days * 24 + hours;
    assert_eq!(by_hour[&(hour(48, 7), "b436b2")], 767, "2017-10-22 07:00");
    assert_eq!(by_hour[&(hour(32, 20), "6214e9")], 623, "2017-10-06 20:00");
}

#[test]
fn philly_raw_example() {
    let Some((trace, info)) = read("philly/cluster_job_log.example.json", "philly-log") else { return };
    assert_eq!((info.jobs, info.rows), (1, 1));
    assert_eq!(trace.origin.as_deref(), Some("2017-10-07T01:11:39"));
    let job = &trace.jobs[0];
    assert_eq!(&*job.id, "application_1506638472019_14199");
    assert_eq!((job.gpu_milli, trace.tenants[0].as_str()), (8000, "ee9e8c/ce2f4c"));
    // 01:12:09 to 01:13:23, and 2017-10-07 01:13:30 to 2017-10-09 06:53:12.
    assert_eq!(job.duration.0, (74 + 2 * 86_400 + 5 * 3600 + 39 * 60 + 42) * 1_000_000);
    assert_eq!(job.start.map(|at| at.0), Some(30_000_000));
}
