//! The real traces, where the machine has them.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::float_cmp)] // clippy.toml excepts test functions only, not what they call

mod common;

use common::data;
use traces::{Recorded, describe, load, load_cluster};

#[test]
fn philly() {
    let Some(path) = data("philly/philly_flat_2017-09_10.csv.gz") else { return };
    let trace = load(path.to_str().unwrap()).unwrap();
    assert_eq!((trace.format.as_str(), trace.jobs.len(), trace.ledger.rows), ("philly", 52_849, 52_849));
    assert_eq!(trace.jobs, load(&format!("philly:{}", path.display())).unwrap().jobs);
    assert_eq!(trace.origin.as_deref(), Some("2017-09-04T10:30:41"));
    assert_eq!(trace.tenants.len(), 12);
    let info = describe(&trace, None);
    assert!((info.gpu_hours - 642_409.314).abs() < 0.01, "{}", info.gpu_hours);
    let sizes: Vec<_> = info.gangs.iter().map(|gang| (gang.gpus, gang.jobs)).collect();
    assert_eq!(
        sizes,
        [(1.0, 50_188), (2.0, 904), (4.0, 945), (8.0, 713), (12.0, 7), (16.0, 65), (24.0, 4), (32.0, 23)]
    );
    assert_eq!(info.run_time_s.unwrap().p50, 1486.0);
    println!("{:?}", trace.ledger);
    assert!(trace.ledger.dropped.is_empty() && trace.ledger.ignored_columns.is_empty());
    assert!(!trace.ledger.changed.contains_key("gpu_time is not duration x num_gpus, not used"));
}

#[test]
fn openb() {
    let Some(path) = data("openb2023/openb_pod_list_default.csv") else { return };
    let trace = load(path.to_str().unwrap()).unwrap();
    assert_eq!((trace.format.as_str(), trace.ledger.rows, trace.jobs.len()), ("openb", 8152, 8152 - 897));
    assert_eq!(trace.ledger.dropped["never scheduled"], 897);
    assert_eq!(trace.jobs.iter().filter(|job| job.recorded == Recorded::Censored).count(), 34);
    let info = describe(&trace, None);
    assert!((info.gpu_hours - 51_471.0).abs() < 1.0, "{}", info.gpu_hours);
    let Some(path) = data("openb2023/openb_pod_list_gpuspec33.csv") else { return };
    let spec = load(path.to_str().unwrap()).unwrap();
    assert!(spec.jobs.iter().any(|job| job.models.is_some()));
}

#[test]
fn clusters() {
    for (file, nodes, gpus, models) in [
        ("openb2023/openb_node_list_gpu_node.csv", 1213, 6212, 7),
        ("openb2023/openb_node_list_all_node.csv", 1523, 6212, 7),
        ("philly/cluster_machine_list", 552, 2490, 2),
        ("philly/revised_machine_list.csv", 552, 3205, 1),
    ] {
        let Some(path) = data(file) else { return };
        let inventory = load_cluster(path.to_str().unwrap()).unwrap();
        assert_eq!((inventory.nodes.len(), inventory.gpus(), inventory.models.len()), (nodes, gpus, models), "{file}");
    }
}
