//! The published tables of throughput, where the machine has them.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::float_cmp)] // clippy.toml excepts test functions only, not what they call

mod common;

use std::path::Path;

use common::data;
use traces::profiles::{Found, Neighbour, Placement, ProfileInfo, Setting};
use traces::{JobType, ThroughputTable, is_profile};

fn table(path: &Path) -> ThroughputTable {
    ThroughputTable::load(&[path.to_str().unwrap()]).unwrap()
}

fn kind(name: &str, batch_size: u32) -> JobType {
    JobType { name: name.to_owned(), batch_size: Some(batch_size), batch_mode: None }
}

fn placed(table: &ThroughputTable, kind: &JobType, model: &str, placement: Placement<'_>) -> Option<f64> {
    let (job_type, model) = (table.job_type(kind)?, table.model(model)?);
    table.rate(&Setting { job_type, model, placement, beside: &[] }).map(traces::profiles::Rate::steps_per_s)
}

fn rate(table: &ThroughputTable, kind: &JobType, model: &str, gpus: u32, nodes: u32) -> Option<f64> {
    placed(table, kind, model, Placement::OnNodes { gpus, nodes })
}

/// To three decimals.
fn rounded(rate: Option<f64>) -> f64 {
    (rate.unwrap() * 1000.0).round() / 1000.0
}

/// What all three tables have in common: they are copies of one, with other numbers.
fn check_gavel(info: &ProfileInfo, cannot_run: u64) {
    assert_eq!((info.kinds.as_slice(), info.job_types), (["gavel"].as_slice(), 26));
    let models: Vec<_> = info.models.iter().map(|m| (m.name.as_str(), m.one_node, m.several_nodes, m.pairs)).collect();
    let pairs = 2 * 1759;
    assert_eq!(models, [("k80", 83, 77, 1759 + 1543), ("p100", 83, 83, pairs), ("v100", 83, 83, pairs)]);
    assert_eq!((info.entries, info.pairs, info.cannot_run), (5 * 83 + 77, 5 * 1759 + 1543, cannot_run));
    assert_eq!(info.gpu_counts, [1, 2, 4, 8]);
    assert_eq!(info.job_names, ["A3C", "CycleGAN", "LM", "Recommendation", "ResNet-18", "ResNet-50", "Transformer"]);
    assert_eq!(info.batch_sizes, [5, 10, 16, 20, 32, 40, 64, 80, 128, 256, 512, 1024, 2048, 4096, 8192]);
    assert_eq!(info.rows, info.entries + info.pairs);
    assert!(info.dropped.is_empty() && info.changed.is_empty() && info.skipped_files.is_empty());
}

/// Kinds of jobs whose rate on one GPU is the same in both worker types of a model.
fn same_unconsolidated(table: &ThroughputTable, model: &str) -> usize {
    let same = |kind: &&JobType| rate(table, kind, model, 1, 1).unwrap() == rate(table, kind, model, 1, 2).unwrap();
    table.job_types().iter().filter(same).count()
}

#[test]
fn gavel() {
    let Some(path) = data("gavel/physical_cluster_throughputs.json.gz") else { return };
    let physical = table(&path);
    let resnet = kind("ResNet-50", 64);
    check_gavel(&physical.describe(), 4);
    assert_eq!(
        ["k80", "p100", "v100"].map(|model| rounded(rate(&physical, &resnet, model, 1, 1))),
        [0.746, 2.619, 4.526]
    );
    assert_eq!(["v100", "p100", "k80"].map(|model| same_unconsolidated(&physical, model)), [7, 5, 0]);
    for gpus in [1, 2, 4, 8] {
        assert_eq!(rate(&physical, &kind("ResNet-50", 128), "k80", gpus, 1), Some(0.0), "cannot run on {gpus}");
    }
    let Some(path) = data("gavel/simulation_throughputs.json.gz") else { return };
    let simulation = table(&path);
    check_gavel(&simulation.describe(), 3);
    assert_eq!(
        ["K80", "P100", "V100"].map(|model| rounded(rate(&simulation, &resnet, model, 1, 1))),
        [0.619, 2.619, 4.395]
    );
    assert_eq!(["v100", "p100", "k80"].map(|model| same_unconsolidated(&simulation, model)), [26, 26, 26]);
    pairs_and_estimates(&simulation);
}

fn pairs_and_estimates(table: &ThroughputTable) {
    let (small, middle) = (kind("ResNet-18", 16), kind("ResNet-18", 32));
    let (a, b) = (table.job_type(&small).unwrap(), table.job_type(&middle).unwrap());
    let model = table.model("k80").unwrap();
    let beside = |this, other| {
        let beside = [Neighbour { job_type: other, gpus: 1 }];
        let placement = Placement::OnNodes { gpus: 1, nodes: 1 };
        table.rate(&Setting { job_type: this, model, placement, beside: &beside }).unwrap().steps_per_s()
    };
    assert_eq!((beside(a, b), beside(b, a)), (2.539_979_567_443_098, 3.120_192_544_882_703_3));
    let setting = |gpus| Setting { job_type: a, model, placement: Placement::OnNodes { gpus, nodes: 1 }, beside: &[] };
    assert_eq!(table.rate(&setting(16)), None);
    let above = table.estimate(&setting(16)).unwrap();
    assert_eq!((Some(above.rate), above.found), (table.rate(&setting(8)), Found::Extrapolated { from: 8 }));
    let between = table.estimate(&setting(7)).unwrap();
    assert_eq!(between.found, Found::Interpolated { below: 4, above: 8 });
}

#[test]
fn shockwave() {
    let Some(path) = data("shockwave/tacc_throughputs.json.gz") else { return };
    let tacc = table(&path);
    check_gavel(&tacc.describe(), 10);
    assert_eq!(rounded(rate(&tacc, &kind("ResNet-50", 64), "v100", 1, 1)), 3.108);
    let Some(path) = data("gavel/physical_cluster_throughputs.json.gz") else { return };
    let gavel = table(&path);
    let differ = |model: &str, nodes: u32| {
        let settings = gavel.job_types().iter().flat_map(|kind| [1, 2, 4, 8].map(|gpus| (kind, gpus)));
        settings.filter(|(kind, g)| rate(&gavel, kind, model, *g, nodes) != rate(&tacc, kind, model, *g, nodes)).count()
    };
    let found = [("v100", 1), ("v100", 2), ("p100", 1), ("p100", 2), ("k80", 1), ("k80", 2)];
    assert_eq!(found.map(|(model, nodes)| differ(model, nodes)), [83, 5, 0, 0, 0, 0]);
}

#[test]
fn elasticflow() {
    let (Some(a100), Some(t4)) = (data("elasticflow/throughputs_A100"), data("elasticflow/throughputs_T4")) else {
        return;
    };
    let both = ThroughputTable::load(&[a100.to_str().unwrap(), t4.to_str().unwrap()]).unwrap();
    let info = both.describe();
    println!("{info:#?}");
    assert_eq!((info.kinds.as_slice(), info.files.len()), (["elasticflow"].as_slice(), 13));
    assert_eq!(both.models(), ["A100", "T4"]);
    assert_eq!(info.gpu_counts, [1, 2, 4, 8, 16, 32, 64]);
    assert_eq!(info.rows, info.entries + info.dropped.values().sum::<u64>());
    assert_eq!(info.dropped["not available: the cell says 0"], 9);
    assert_eq!(rounded(rate(&both, &kind("bert", 64), "A100", 64, 8)), 9.246);
    assert_eq!(rounded(rate(&both, &kind("bert", 384), "t4", 1, 1)), 0.034);
    assert_eq!(rate(&both, &kind("resnet50_cifar10", 64), "A100", 16, 2), None);
    assert_eq!(rate(&both, &kind("deepspeech2", 32), "A100", 64, 8), None);
    let single = table(&a100.join("gpt2.csv"));
    assert_eq!((single.describe().entries, single.models()), (14, ["A100".to_owned()].as_slice()));
}

#[test]
fn pollux() {
    let Some(path) = data("pollux_sia/profiles") else { return };
    let profiles = table(&path);
    let info = profiles.describe();
    println!("{info:#?}");
    let mut models = profiles.models().to_vec();
    models.sort();
    assert_eq!(models, ["aws", "dgx", "rtx"]);
    assert_eq!(info.job_names, ["bert", "cifar10", "deepspeech2", "imagenet", "ncf", "yolov3"]);
    assert_eq!((info.kinds.as_slice(), info.files.len()), (["pollux"].as_slice(), 38));
    assert_eq!(
        info.dropped.into_iter().collect::<Vec<_>>(),
        [("step time of one pipeline stage, not of a whole step".to_owned(), 64)]
    );
    assert_eq!(info.rows, info.entries + 64);
    let bert = kind("bert", 4);
    assert_eq!(placed(&profiles, &bert, "aws", Placement::EachNode(&[1])), Some(1.0 / 0.455_323_547_124_862_67));
    assert_eq!(rate(&profiles, &bert, "aws", 6, 6), Some(1.0 / 1.492_326_900_362_968_4));
    let ring = |shape: &[u32]| placed(&profiles, &bert, "aws", Placement::EachNode(shape));
    assert!(ring(&[1, 2, 4]).is_some());
    assert_eq!((ring(&[1, 2, 4]), ring(&[1, 4, 2])), (ring(&[4, 1, 2]), ring(&[2, 1, 4])));
    assert_ne!(ring(&[1, 2, 4]), ring(&[1, 4, 2]), "the order in the ring counts");
}

#[test]
fn detection() {
    let Some(folder) = data("") else { return };
    for file in
        ["gavel/msr_cluster_specs.json", "philly/revised_machine_list.csv", "pollux_sia/sia_philly/workload-1.csv"]
    {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        assert!(!is_profile(&text), "{file}");
    }
}
