//! The published job lists of Gavel and Shockwave, where the machine has them.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::float_cmp)] // clippy.toml excepts test functions only, not what they call

mod common;

use std::collections::BTreeMap;

use common::data;
use traces::{RunTimes, ThroughputTable, Trace, load};

fn gangs(trace: &Trace) -> Vec<(u32, u64)> {
    let mut counts = BTreeMap::new();
    for job in &trace.jobs {
        *counts.entry(job.gpu_milli / 1000).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}

#[test]
fn lists_drawn_from_philly() {
    let Some(folder) = data("gavel/msr_seed0") else { return };
    let trace = load(&format!("gavel:{}", folder.display())).unwrap();
    assert_eq!((trace.format.as_str(), trace.jobs.len(), trace.ledger.rows), ("gavel", 15_264, 15_264));
    assert_eq!((trace.tenants.len(), trace.ledger.dropped.len()), (15, 0));
    assert_eq!(
        gangs(&trace),
        [
            (1, 10_480),
            (2, 463),
            (4, 2_044),
            (7, 2),
            (8, 1_916),
            (12, 6),
            (16, 255),
            (20, 1),
            (24, 5),
            (32, 91),
            (64, 1)
        ]
    );
    assert_eq!((trace.jobs[0].submit.0, trace.jobs[15_263].submit.0), (0, 10_817_570_000_000));
    assert_eq!(trace.run_times, RunTimes::Unknown);
    assert_eq!(trace.ledger.changed["run time unknown: no throughput table"], 15_264);
    assert_eq!(trace.ledger.changed["times counted from the first job of its own file (counted once a file)"], 15);
    assert_eq!(trace.job_types.len(), 26);
    for entry in std::fs::read_dir(&folder).unwrap() {
        let one = load(entry.unwrap().path().to_str().unwrap()).unwrap();
        assert_eq!((one.format.as_str(), one.jobs[0].submit.0), ("gavel", 0), "found by its content, from zero");
        assert!(one.jobs.is_sorted_by_key(|job| job.id[4..].parse::<u64>().unwrap()), "sorted in the file");
    }
}

#[test]
fn run_times_from_a_table() {
    let (Some(folder), Some(rates)) = (data("gavel/msr_seed0"), data("gavel/simulation_throughputs.json.gz")) else {
        return;
    };
    let (folder, rates) = (folder.display(), rates.display());
    let trace = load(&format!("gavel:{folder}[throughputs={rates}]")).unwrap();
    println!("{:#?}", trace.ledger);
    assert_eq!(trace.ledger.rows, trace.jobs.len() as u64 + trace.ledger.dropped.values().sum::<u64>());
    for (gpus, jobs) in [(7, 2), (12, 6), (16, 255), (20, 1), (24, 5), (32, 91), (64, 1)] {
        assert_eq!(trace.ledger.dropped[&format!("no throughput for scale factor {gpus}")], jobs);
    }
    // Three models of seven were measured on one GPU only, so that some jobs of 2, 4 and 8 GPUs have no rate either.
    for (gpus, jobs) in [(2, 127), (4, 549), (8, 511)] {
        assert_eq!(trace.ledger.dropped[&format!("no throughput for scale factor {gpus} of this kind of job")], jobs);
    }
    assert_eq!(trace.jobs.len(), 13_716);
    assert_eq!((trace.run_times, trace.measured_on.as_deref()), (RunTimes::Computed, Some("v100")));
    assert!(trace.jobs.iter().all(|job| job.duration.0 > 0));
    let all = load(&format!("gavel:{folder}[throughputs={rates},missing=extrapolate]")).unwrap();
    println!("{:#?}", all.ledger);
    assert_eq!((all.jobs.len(), all.ledger.dropped.len()), (15_264, 0));
    assert_eq!(all.ledger.changed["throughput for scale factor 16: taken from 8"], 185);
    assert_eq!(all.ledger.changed["throughput for scale factor 16: taken from 1"], 70);
    let k80 = load(&format!("gavel:{folder}[throughputs={rates},on=k80,missing=extrapolate]")).unwrap();
    let zero = &k80.ledger.dropped["throughput 0: the job cannot run on k80"];
    assert!(*zero > 0, "{zero}");
}

#[test]
fn physical_lists() {
    let Some(rates) = data("gavel/physical_cluster_throughputs.json.gz") else { return };
    let table = ThroughputTable::load(&[rates.to_str().unwrap()]).unwrap();
    for (file, jobs) in [("artifact_evaluation", 15), ("debug", 14), ("max_min_fairness", 96), ("small_test", 20)] {
        let Some(path) = data(&format!("gavel/physical/{file}.trace")) else { return };
        let trace = load(path.to_str().unwrap()).unwrap();
        assert_eq!(
            (trace.format.as_str(), trace.jobs.len(), trace.ledger.rows),
            ("gavel", jobs, jobs as u64),
            "{file}"
        );
        assert_eq!(trace.run_times, RunTimes::Unknown);
        assert!(trace.jobs.iter().all(|job| job.deadline.is_none() && job.weight_milli == 1000));
        assert!(trace.job_types.iter().all(|kind| table.job_type(kind).is_some()), "{file}");
        let timed = load(&format!("{}[throughputs={}]", path.display(), rates.display())).unwrap();
        assert_eq!((timed.jobs.len(), timed.ledger.dropped.len()), (jobs, 0), "{file}");
    }
}

#[test]
fn shockwave() {
    let Some(table) = data("shockwave/tacc_throughputs.json.gz") else { return };
    let tacc = ThroughputTable::load(&[table.to_str().unwrap()]).unwrap();
    for (start, jobs, sizes, modes) in [
        ("120_0.2_5_100_40_25", 120, vec![(1, 92), (2, 20), (4, 8)], Some([59, 57, 4])),
        ("220_0.2_5_100_25_4", 220, vec![(1, 160), (2, 49), (4, 9), (8, 2)], None),
    ] {
        let name = format!("{start}_0-0.5-0.5_0.6-0.3-0.09-0.01_multigpu_dynamic.trace.gz");
        let Some(path) = data(&format!("shockwave/{name}")) else { return };
        let trace = load(path.to_str().unwrap()).unwrap();
        assert_eq!((trace.format.as_str(), trace.jobs.len(), trace.ledger.rows), ("shockwave", jobs, jobs as u64));
        assert_eq!((gangs(&trace), trace.measured_on.as_deref()), (sizes, Some("v100")));
        let Some(modes) = modes else { continue };
        let count = |mode: &str| {
            let of = |job: &&traces::TraceJob| {
                trace.job_types[job.job_type.unwrap() as usize].batch_mode.as_deref() == Some(mode)
            };
            trace.jobs.iter().filter(of).count()
        };
        assert_eq!(["accordion", "gns", "static"].map(count), modes);
        assert!(trace.job_types.iter().all(|kind| tacc.job_type(kind).is_some()), "modes do not hide the kind");
    }
}
