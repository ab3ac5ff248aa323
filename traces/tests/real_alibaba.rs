//! The published Alibaba traces, where the machine has them: counts and statistics as stated beside the files.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::float_cmp)] // clippy.toml excepts test functions only, not what they call

mod common;

use std::collections::BTreeMap;

use common::data;
use traces::{Recorded, RunTimes, Trace, describe, load};

fn read(file: &str) -> Option<Trace> {
    let path = data(file)?;
    let trace = load(path.to_str().unwrap()).unwrap();
    let dropped: u64 = trace.ledger.dropped.values().sum();
    assert_eq!(trace.jobs.len() as u64 + dropped, trace.ledger.rows, "{file}");
    Some(trace)
}

/// Pods by shape: none, a part of a GPU, one GPU, more.
fn shapes(trace: &Trace) -> [usize; 4] {
    let count = |from: u32, to: u32| trace.jobs.iter().filter(|job| (from..=to).contains(&job.gpu_milli)).count();
    [count(0, 0), count(1, 999), count(1000, 1000), count(1001, u32::MAX)]
}

#[test]
fn openb_lists() {
    // Rows, never scheduled, GPU-hours where stated.
    for (list, rows, unscheduled, hours) in [
        ("cpu050", 7439, 878, None),
        ("default", 8152, 897, Some(51_471.0)),
        ("gpushare40", 8152, 981, Some(42_418.0)),
        ("gpuspec33", 8152, 897, None),
    ] {
        let Some(trace) = read(&format!("openb2023/openb_pod_list_{list}.csv")) else { return };
        assert_eq!((trace.format.as_str(), trace.ledger.rows), ("openb", rows), "{list}");
        assert_eq!(trace.ledger.dropped["never scheduled"], unscheduled, "{list}");
        assert_eq!(trace.run_times, RunTimes::Recorded);
        let info = describe(&trace, None);
        assert!(hours.is_none_or(|hours: f64| (info.gpu_hours - hours).abs() < 1.0), "{list}: {}", info.gpu_hours);
    }
}

#[test]
fn openb_default_statistics() {
    let Some(trace) = read("openb2023/openb_pod_list_default.csv") else { return };
    let info = describe(&trace, None);
    let run = info.run_time_s.unwrap();
    assert_eq!((run.p50, run.max), (616.0, 12_537_496.0));
    assert!((run.mean - 28_949.0).abs() < 1.0, "{}", run.mean);
    let recorded = |wanted| trace.jobs.iter().filter(|job| job.recorded == wanted).count();
    assert_eq!(
        (recorded(Recorded::Failed), recorded(Recorded::Finished), recorded(Recorded::Censored)),
        (1870, 192, 34)
    );
    let mut waits: Vec<u64> = trace.jobs.iter().map(|job| job.start.unwrap().since(job.submit).0 / 1_000_000).collect();
    waits.sort_unstable();
    assert_eq!(waits[waits.len() / 2], 2);
    assert_eq!((waits.iter().sum::<u64>() as f64 / waits.len() as f64).round(), 61.0);
    let last = trace.jobs.iter().map(|job| job.start.unwrap().0 + job.duration.0).max().unwrap();
    assert_eq!(last / 1_000_000, 12_902_960);
}

#[test]
fn openb_models_only_in_gpuspec() {
    let Some(spec) = read("openb2023/openb_pod_list_gpuspec33.csv") else { return };
    let Some(plain) = read("openb2023/openb_pod_list_default.csv") else { return };
    // 2,388 pods of the file have a constraint; those that were never scheduled are dropped with it.
    let text = std::fs::read_to_string(data("openb2023/openb_pod_list_gpuspec33.csv").unwrap()).unwrap();
    let constrained = |line: &&str| !line.split(',').nth(5).unwrap().is_empty();
    let ran = |line: &&str| !line.ends_with(',');
    assert_eq!(text.lines().skip(1).filter(constrained).count(), 2388);
    let both = text.lines().skip(1).filter(constrained).filter(ran).count();
    assert_eq!(spec.jobs.iter().filter(|job| job.models.is_some()).count(), both);
    assert!(plain.jobs.iter().all(|job| job.models.is_none()));
}

#[test]
fn openb_lists_without_times() {
    let Some(trace) = read("openb2023/openb_pod_list_multigpu20.csv") else { return };
    assert_eq!((trace.ledger.rows, trace.jobs.len(), trace.run_times), (8324, 8324, RunTimes::Unknown));
    assert_eq!(trace.ledger.changed["no times: order of arrival only"], 8324);
    assert_eq!(shapes(&trace), [1088, 3078, 3911, 247]);
    let demand: u64 = trace.jobs.iter().map(|job| u64::from(job.gpu_milli)).sum();
    assert_eq!((demand + 50) / 100, 70_868, "7,086.8 GPUs");
    assert_eq!(&*trace.jobs[0].id, "openb-pod-0000", "the order of the file");
}

#[test]
fn dlrm() {
    let Some(trace) = read("alibaba_dlrm2025/disaggregated_DLRM_trace.even_apps.csv.gz") else { return };
    assert_eq!((trace.format.as_str(), trace.ledger.rows, trace.jobs.len()), ("dlrm", 13_624, 13_624));
    let mut roles: BTreeMap<&str, usize> = BTreeMap::new();
    for job in &trace.jobs {
        let role = trace.queues[job.queue.unwrap() as usize].as_str();
        *roles.entry(role).or_default() += 1;
        assert_eq!(job.gpu_milli, if role == "HN" { 1000 } else { 0 });
        assert!(!job.preemptible && job.tasks == 1);
    }
    assert_eq!(roles.into_iter().collect::<Vec<_>>(), [("CN", 9164), ("HN", 4460)]);
    assert_eq!(trace.tenants.len(), 78, "half of the 156 services");
    assert_eq!(trace.ledger.changed["already there at the start of the recording: submitted at 0"], 2949 + 1577);
    assert_eq!(trace.ledger.changed["still there at the end of the recording: run time is censored"], 2949 + 2370);
    assert!(trace.ledger.dropped.is_empty(), "every created instance was scheduled");
    let end = trace.jobs.iter().map(|job| job.start.unwrap().0 + job.duration.0).max().unwrap();
    assert!((end as f64 / 86_400e6 - 31.0).abs() < 0.05);
}

#[test]
fn spot_largest_jobs() {
    let Some(trace) = read("alibaba_spot2026/derived/heaviest_gpu_jobs_top200.csv") else { return };
    assert_eq!((trace.format.as_str(), trace.jobs.len()), ("spot", 200));
    assert_eq!(trace.ledger.ignored_columns, ["gpu_seconds"]);
    let seconds: u128 = trace.jobs.iter().map(|job| u128::from(job.gpu_milli) * u128::from(job.duration.0)).sum();
    assert_eq!(seconds / 1_000_000_000, 18_690_664_136, "the sum of the column gpu_seconds");
    assert_eq!(trace.jobs.iter().map(|job| job.tasks).max(), Some(176));
    assert!(trace.jobs.iter().all(|job| !job.preemptible && job.priority == 1), "all are HP");
}

#[test]
fn hydra() {
    let Some(trace) = read("pai2020/hydra_20_ddl.csv") else { return };
    assert_eq!((trace.format.as_str(), trace.jobs.len(), trace.measured_on.as_deref()), ("hydra", 5000, Some("A100")));
    let deadlines = trace.jobs.iter().filter(|job| job.deadline.is_some()).count();
    assert_eq!((deadlines * 1000 + 2500) / 5000, 197, "19.7 % have a deadline");
    assert!(trace.jobs.iter().all(|job| job.submit.0 == 0 && job.gpu_milli == 1000));
    assert!(trace.ledger.changed.keys().all(|cause| !cause.contains("swapped")), "not in this list");
    let path = data("pai2020/hydra_20_ddl.csv").unwrap();
    let slower = load(&format!("{}[on=GTX2080Ti]", path.display())).unwrap();
    assert!(slower.jobs.iter().zip(&trace.jobs).all(|(slow, fast)| slow.duration >= fast.duration));
}

#[test]
fn pai_headers_are_the_columns_of_the_tables() {
    let Some(headers) = data("pai2020/headers") else { return };
    // The published header files, as the first row of tables with one job.
    let folder = tempfile::tempdir().unwrap();
    for (table, row) in [
        ("pai_job_table", "j,i,u,Terminated,4550879.0,4551416.0"),
        ("pai_task_table", "j,tensorflow,1.0,Terminated,4550900.0,4551416.0,600.0,29.296875,50.0,MISC"),
        ("pai_instance_table", "j,tensorflow,n,w,i,Terminated,4550901.0,4551400.0,m"),
        ("pai_group_tag_table", "i,u,V100M32,g,nmt"),
    ] {
        let header = std::fs::read_to_string(headers.join(format!("{table}.header"))).unwrap();
        std::fs::write(folder.path().join(format!("{table}.csv")), format!("{}\n{row}\n", header.trim())).unwrap();
    }
    let trace = load(folder.path().to_str().unwrap()).unwrap();
    let job = &trace.jobs[0];
    assert_eq!((trace.format.as_str(), trace.ledger.rows, job.gpu_milli, job.tasks), ("pai", 1, 500, 1));
    assert_eq!((job.cpu_milli, job.memory_mib, job.duration.0), (6000, 30_000, 499_000_000));
}
