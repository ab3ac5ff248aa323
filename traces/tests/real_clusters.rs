//! The published clusters and capacity schedules, where the machine has them: counts as stated beside the files.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::float_cmp)] // clippy.toml excepts test functions only, not what they call

mod common;

use common::data;
use engine::{Level, Time};
use traces::capacity::{CapacitySchedule, Unit, describe_capacity, is_capacity, load_capacity};
use traces::{ClusterInfo, describe_cluster, is_cluster, load_cluster_file};

fn info(file: &str, options: &str) -> Option<ClusterInfo> {
    let path = data(file)?;
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(is_cluster(file, &text) && !is_capacity(file, &text), "{file}");
    Some(describe_cluster(&load_cluster_file(&format!("{}{options}", path.display())).unwrap()))
}

fn models(info: &ClusterInfo) -> Vec<(&str, u64, u64)> {
    info.models.iter().map(|model| (model.model.as_str(), model.nodes, model.gpus)).collect()
}

fn sizes(info: &ClusterInfo) -> Vec<(u32, u64)> {
    info.node_sizes.iter().map(|size| (size.gpus, size.nodes)).collect()
}

#[test]
fn openb_nodes() {
    let Some(gpu) = info("openb2023/openb_node_list_gpu_node.csv", "") else { return };
    assert_eq!((gpu.nodes, gpu.gpus, gpu.nodes_without_gpus), (1213, 6212, 0));
    assert_eq!((gpu.cpu_cores, gpu.memory_gib), (Some(107_018.0), Some(503_828_480.0 / 1024.0)));
    assert_eq!(
        models(&gpu),
        [
            ("G2", 549, 4392),
            ("T4", 404, 842),
            ("G3", 39, 312),
            ("P100", 134, 265),
            ("V100M32", 30, 204),
            ("V100M16", 55, 195),
            ("A10", 2, 2)
        ]
    );
    let Some(all) = info("openb2023/openb_node_list_all_node.csv", "") else { return };
    assert_eq!((all.nodes, all.gpus, all.nodes_without_gpus, all.cpu_cores), (1523, 6212, 310, Some(125_514.0)));
    assert_eq!(all.ledger.notes["node without GPUs: for jobs that ask for CPU only"], 310);
}

#[test]
fn spot_nodes() {
    let Some(spot) = info("alibaba_spot2026/node_info_df.csv", "") else { return };
    assert_eq!((spot.kind.as_str(), spot.nodes, spot.gpus), ("spot", 4278, 10_412));
    assert_eq!(
        models(&spot),
        [
            ("A100-SXM4-80GB", 432, 3456),
            ("A10", 2494, 2494),
            ("H800", 219, 1752),
            ("GPU-series-1", 989, 1558),
            ("GPU-series-2", 122, 976),
            ("A800-SXM4-80GB", 22, 176)
        ]
    );
    assert_eq!(sizes(&spot), [(1, 3396), (4, 10), (8, 872)]);
    assert_eq!(spot.memory_gib, None);
}

#[test]
fn philly_machines() {
    let Some(list) = info("philly/cluster_machine_list", "") else { return };
    assert_eq!((list.nodes, list.gpus, sizes(&list)), (552, 2490, vec![(2, 321), (8, 231)]));
    assert_eq!(models(&list), [("GPU-24GB", 231, 1848), ("GPU-12GB", 321, 642)]);
    let Some(revised) = info("philly/revised_machine_list.csv", "") else { return };
    assert_eq!((revised.nodes, revised.gpus, revised.nodes_without_gpus), (552, 3205, 13));
    assert_eq!(sizes(&revised), [(0, 13), (2, 3), (3, 1), (4, 271), (8, 264)]);
    assert_eq!(revised.ledger.notes["node without GPUs: for jobs that ask for CPU only"], 13);
}

#[test]
fn lingjun_network() {
    let Some(named) = info("lingjun2023/topo.csv", "") else { return };
    assert_eq!((named.kind.as_str(), named.nodes, named.gpus, named.pools.len()), ("lingjun", 847, 847 * 8, 1));
    let domains = |info: &ClusterInfo| info.domains.iter().map(|d| (d.level, d.domains, d.nodes)).collect::<Vec<_>>();
    assert_eq!(domains(&named), [(Level::Rack, 48, 847), (Level::Zone, 3, 847)]);
    assert_eq!(named.ledger.notes["GPUs of a node are not in the file: 8 taken"], 847);
    let Some(nested) = info("lingjun2023/topo.csv", "[racks=nested,gpus_per_node=4]") else { return };
    assert_eq!((nested.gpus, domains(&nested)), (847 * 4, vec![(Level::Rack, 119, 847), (Level::Zone, 3, 847)]));
}

#[test]
fn tiresias_specs() {
    for (file, nodes, gpus, racks) in [
        ("n160g8", 160, 8, 5),
        ("n256g8", 256, 8, 8),
        ("n32g4", 32, 4, 1),
        ("n1g4", 1, 4, 1),
        ("cluster_spec", 16, 4, 1),
    ] {
        let Some(info) = info(&format!("tiresias/{file}.csv"), "") else { return };
        assert_eq!((info.kind.as_str(), info.nodes, info.gpus), ("tiresias", nodes, nodes * gpus), "{file}");
        assert_eq!(info.domains.iter().map(|domain| domain.domains).collect::<Vec<_>>(), [racks], "{file}");
    }
}

#[test]
fn gavel_and_shockwave() {
    let Some(plain) = info("gavel/msr_cluster_specs.json", "") else { return };
    assert_eq!(models(&plain), [("v100", 500, 500)]);
    let Some(mixed) = info("gavel/msr_cluster_specs_heterogeneous.json", "[gpus_per_node=4]") else { return };
    assert_eq!(models(&mixed), [("v100", 75, 300), ("p100", 75, 300), ("k80", 75, 300)]);
    for (file, gpus) in [("scale_64gpus", 64), ("scale_128gpus", 128), ("scale_256gpus", 256), ("tacc_32gpus", 32)] {
        let Some(info) = info(&format!("shockwave/configurations/{file}.json"), "[gpus_per_node=4]") else { return };
        assert_eq!(models(&info), [("v100", gpus / 4, gpus)], "{file}");
    }
    let Some(example) = info("shockwave/configurations/shockwave_example_config.json", "[gpus=64]") else { return };
    assert_eq!(example.gpus, 64);
}

#[test]
fn swf_machines() {
    let Some(seth) = info("swf/hpc2n.swf.machines", "") else { return };
    assert_eq!((seth.kind.as_str(), seth.nodes, seth.gpus, seth.memory_gib), ("swf-machines", 120, 240, Some(120.0)));
}

fn schedule(file: &str) -> Option<CapacitySchedule> {
    Some(load_capacity(data(file)?.to_str().unwrap()).unwrap())
}

#[test]
fn helios_quotas() {
    for (file, columns, min, max) in [("Earth_gpu_number", 25, 784, 1232), ("Venus_cluster_gpu_number", 25, 968, 1264)]
    {
        let Some(schedule) = schedule(&format!("helios/{file}.csv")) else { return };
        let info = describe_capacity(&schedule);
        assert_eq!((info.rows, info.series.len(), info.unit), (181, columns, Unit::Gpus), "{file}");
        assert_eq!((info.total_min, info.total_max), (Some(min), Some(max)), "{file}");
        assert_eq!(info.origin.as_deref(), Some("2020-04-01T00:00:00"));
        assert_eq!(info.span_s, 180.0 * 86_400.0, "to 2020-09-28");
        assert!(info.changed.is_empty(), "the total is the sum on every day, and no day is missing");
    }
    let Some(earth) = schedule("helios/Earth_gpu_number.csv") else { return };
    assert_eq!((earth.at("vchbv", Time(0)), earth.at("vc4om", Time(0))), (Some(112), Some(0)));
}

#[test]
fn helios_minutes() {
    let Some(schedule) = schedule("helios/Earth_vcJkd_cluster_sequence.csv.gz") else { return };
    assert_eq!((schedule.ledger.rows, schedule.series.len()), (44_640, 1));
    assert_eq!(
        (schedule.series[0].name.as_str(), schedule.series[0].steps.as_slice()),
        ("vcJkd", [(Time(0), 16)].as_slice())
    );
    assert_eq!(schedule.origin.as_deref(), Some("2020-05-01T00:00:00"));
    for (vc, gpus) in
        [("vc3sl", 64), ("vc8Sj", 48), ("vcMod", 64), ("vcTJs", 48), ("vcdI0", 16), ("vchbv", 64), ("vcpDC", 56)]
    {
        let Some(schedule) = self::schedule(&format!("helios/Earth_{vc}_cluster_sequence.csv.gz")) else { return };
        assert_eq!((schedule.ledger.rows, schedule.at(vc, schedule.last)), (44_640, Some(gpus)), "{vc}");
    }
}

#[test]
fn philly_nodes_by_the_minute() {
    let Some(schedule) = schedule("philly/philly_node_sequence_2017-10.csv.gz") else { return };
    assert_eq!((schedule.unit, schedule.ledger.rows), (Unit::Nodes, 41_161));
    assert_eq!(schedule.origin.as_deref(), Some("2017-10-03T00:00:00"));
    assert_eq!(schedule.series[0].steps, [(Time(0), 420)]);
    assert_eq!(schedule.ledger.changed["minute is missing: the amount before it holds"], 599);
    assert_eq!((schedule.at("active", Time(0)), schedule.at("active", Time(60_000_000))), (Some(312), Some(309)));
}
