//! Clusters as TOML.
#![allow(clippy::unwrap_used)] // clippy.toml excepts test functions only, not what they call

mod common;

use common::text;
use engine::{DomainId, Level, UNLIMITED};
use traces::read_cluster_bytes;

const POOL: &str = "[[pool]]\nname = 'a'\nnodes = 2\n";

fn error(toml: &str) -> String {
    text(&read_cluster_bytes("c.toml", toml.as_bytes()).unwrap_err())
}

#[test]
fn golden() {
    let toml = "\
# two pools
[[model]]
name = 'A100'
memory_gib = 80
price_per_hour = 2.5

[[model]]
name = 'T4'

[[pool]]
name = 'train'
nodes = 5
gpus = 8
model = 'A100'
cpu = 127.5
memory_gib = 1024
nvlink_domain_nodes = 2
rack_nodes = 4
zone_nodes = 8

[[pool]]
name = 'small'
nodes = 1
gpus = 4
model = 'T4'
rack_nodes = 1

[[pool]]
name = 'cpu'
nodes = 1
gpus = 0
cpu = 64
";
    let inventory = read_cluster_bytes("c.toml", toml.as_bytes()).unwrap();
    let models: Vec<_> = inventory.models.iter().map(|m| (&*m.name, m.memory_mib, m.price_per_hour)).collect();
    assert_eq!(models, [("A100", 80 * 1024, Some(2.5)), ("T4", 0, None)]);
    assert_eq!(inventory.pools, ["train", "small", "cpu"]);
    assert_eq!(inventory.gpus(), 44);
    let domains: Vec<_> = inventory.domains.iter().map(|(name, level)| (name.as_str(), *level)).collect();
    assert_eq!(
        domains,
        [
            ("train-nvlink-0000", Level::NvlinkDomain),
            ("train-nvlink-0001", Level::NvlinkDomain),
            ("train-nvlink-0002", Level::NvlinkDomain),
            ("train-rack-0000", Level::Rack),
            ("train-rack-0001", Level::Rack),
            ("train-zone-0000", Level::Zone),
            ("small-rack-0000", Level::Rack),
        ]
    );
    let last = &inventory.nodes[4];
    assert_eq!((last.name.as_str(), last.cpu_milli, last.memory_mib), ("train-0004", 127_500, 1024 * 1024));
    assert_eq!(Level::ALL.map(|level| last.domains.at(level)), [2, 4, 5].map(|d| Some(DomainId(d))));
    let small = &inventory.nodes[5];
    assert_eq!((small.gpus, small.model.0, small.cpu_milli, small.memory_mib), (4, 1, UNLIMITED, UNLIMITED));
    assert_eq!(Level::ALL.map(|level| small.domains.at(level)), [None, Some(DomainId(6)), None]);
    assert_eq!((inventory.nodes[6].gpus, inventory.nodes[6].pool.0), (0, 2));
}

#[test]
fn little_is_enough() {
    let inventory = read_cluster_bytes("c", format!("{POOL}gpus = 8\n").as_bytes()).unwrap();
    assert_eq!((inventory.gpus(), &*inventory.models[0].name), (16, "GPU"));
    let inventory = read_cluster_bytes("c", format!("{POOL}gpus = 8\nmodel = 'X'\n").as_bytes()).unwrap();
    assert_eq!(inventory.models[0].name, "X");
}

#[test]
fn clusters_without_gpus() {
    let one = "hint: a cluster needs at least one node with a GPU";
    assert_eq!(
        error("[[pool]]\nname='a'\nnodes=0\ngpus=8\n"),
        format!("c.toml:3: field `nodes`: `0` is not from 1 to 1000000\n{one}")
    );
    assert_eq!(
        error(&format!("{POOL}gpus = 0\n")),
        format!("c.toml:4: field `gpus`: the cluster has no GPUs: every pool has 0 a node\n{one}")
    );
    assert_eq!(
        error("# nothing\n"),
        "c.toml: the cluster has no pools\nhint: add a [[pool]] table with name, nodes and gpus"
    );
}

#[test]
fn typing_errors() {
    assert_eq!(
        error(&format!("{POOL}gpuss = 8\n")),
        "c.toml:4: field `gpuss`: no such key\nhint: did you mean `gpus`?"
    );
    assert_eq!(error("[[pools]]\nname='a'\n"), "c.toml:1: field `pools`: no such key\nhint: did you mean `pool`?");
    assert_eq!(error("x = 1\n"), "c.toml:1: field `x`: no such key\nhint: the keys here are pool, model, variability");
    assert_eq!(error(POOL), "c.toml:1: field `gpus`: the key is missing\nhint: add a line `gpus = ...` to the table");
    assert_eq!(
        error(&format!("{POOL}gpus = 'eight'\n")),
        "c.toml:4: field `gpus`: invalid type: string \"eight\", expected a whole number\nhint: correct the value: numbers \
         stand without quotes, names with quotes"
    );
    assert_eq!(
        error("[[pool]\n"),
        "c.toml:1: unclosed array table, expected `]`\nhint: the file must be TOML with [[pool]] and [[model]] tables"
    );
}

#[test]
fn values_that_make_no_sense() {
    assert_eq!(
        error(&format!("{POOL}gpus = -8\n")),
        "c.toml:4: field `gpus`: `-8` is not from 0 to 65536\nhint: correct the number"
    );
    assert_eq!(
        error(&format!("{POOL}gpus = 8\ncpu = -1\n")),
        "c.toml:5: field `cpu`: `-1` is not above 0 and small enough to count\nhint: leave the key out where the amount is \
         unlimited or unknown"
    );
    assert_eq!(
        error(&format!("{POOL}gpus = 8\nnvlink_domain_nodes = 2\nrack_nodes = 5\n")),
        "c.toml:6: field `rack_nodes`: `5` is not a multiple of nvlink_domain_nodes `2`\nhint: domains nest: a larger one \
         holds whole smaller ones"
    );
    assert_eq!(
        error(&format!("{POOL}gpus = 8\n{POOL}gpus = 8\n")),
        "c.toml:6: field `name`: another pool has this name\nhint: give every pool a name of its own"
    );
    assert_eq!(
        error(&format!("[[model]]\nname='A100'\n{POOL}gpus = 8\nmodel = 'A10O'\n")),
        "c.toml:7: field `model`: no model is called `A10O`\nhint: did you mean `A100`?"
    );
    assert_eq!(
        error("[[model]]\nname='a'\nprice_per_hour=nan\n"),
        "c.toml:3: field `price_per_hour`: `NaN` is no price\nhint: write a number of at least 0"
    );
    let many: Vec<String> =
        (0..65).map(|i| format!("[[pool]]\nname='p{i}'\nnodes=1\ngpus=1\nmodel='m{i}'\n")).collect();
    assert_eq!(
        error(&many.concat()),
        "c.toml: `m64` would be GPU model 65, and 64 is the most\nhint: give like models one name"
    );
}

const TWO: &str = "[[pool]]\nname = 'a'\nnodes = 2\ngpus = 2\n[[variability]]\nclass = 'A'\n";

fn scores(toml: &str) -> Vec<Vec<u32>> {
    let inventory = read_cluster_bytes("c.toml", toml.as_bytes()).unwrap();
    inventory.variability[0].scores_milli.clone()
}

#[test]
fn scores_of_gpus() {
    assert_eq!(scores(&format!("{TWO}scores = [1, 1.25]")), [[1000, 1000], [1250, 1250]], "one a node");
    assert_eq!(scores(&format!("{TWO}scores = [0.9, 1, 1.1, 1.25]")), [[900, 1000], [1100, 1250]], "one a GPU");
    let folder = tempfile::tempdir().unwrap();
    let cluster = folder.path().join("c.toml");
    let two = format!("{TWO}file = 's.csv'\nbins = 1\n[[variability]]\nclass = 'B'\njobs = ['lm']\nfile = 's.csv'\n");
    std::fs::write(&cluster, two).unwrap();
    let list = "class,node,gpu,score\nA,a-0001,,1.2\nA,a-0001,0,0.95\nB,a-0000,1,1.5\n";
    std::fs::write(folder.path().join("s.csv"), list).unwrap();
    let file = traces::load_cluster_file(cluster.to_str().unwrap()).unwrap();
    let [a, b] = file.inventory.variability.as_slice() else { panic!("two classes") };
    assert_eq!((&a.scores_milli, a.bins.len()), (&vec![vec![1000, 1000], vec![950, 1200]], 1));
    assert_eq!(
        (&b.scores_milli, b.jobs.clone()),
        (&vec![vec![1000, 1500], vec![1000; 2]], Some(vec!["lm".to_owned()]))
    );
    assert_eq!(
        file.ledger.lines(),
        ["GPU without a score for class A: as the median (2)", "GPU without a score for class B: as the median (3)"]
    );
    let with = |list: &str| {
        std::fs::write(folder.path().join("s.csv"), list).unwrap();
        let error = traces::load_cluster(cluster.to_str().unwrap()).unwrap_err();
        text(&error).replace(&folder.path().display().to_string(), "F")
    };
    assert_eq!(
        with("node,score\na-001,1\n"),
        "F/s.csv:2: field `node`: the cluster has no node `a-001`\nhint: did you mean `a-0001`?"
    );
    assert_eq!(
        with("node,gpu,score\na-0001,2,1\n"),
        "F/s.csv:2: field `gpu`: the node has 2 GPUs, counted from 0\nhint: correct the number, or leave it blank for all GPUs \
         of the node"
    );
    assert_eq!(
        with("node,score\na-0001,1\na-0001,1\n"),
        "F/s.csv:3: field `node`: it has a score already\nhint: give each GPU, or each node, one score a class"
    );
    assert!(with("node,score\na-0001,0\n").starts_with("F/s.csv:2: field `score`: `0` is"));
    assert!(with("class,node,score\nA,a-0001,1\n").starts_with("F/s.csv: no row is about class `B`"));
}

#[test]
fn scores_that_make_no_sense() {
    assert_eq!(
        error(&format!("{TWO}scores = [1, 1, 1]")),
        "c.toml:7: field `scores`: 3 scores for 2 nodes and 4 GPUs\nhint: give one score a node, or one a GPU, in the order of \
         the pools"
    );
    assert_eq!(
        error(&format!("{TWO}scores = [1, 0]")),
        "c.toml:7: field `scores`: `0` is no score\nhint: a score is from 0.1 to 100: what a step takes there over what it takes \
         on the median GPU"
    );
    assert_eq!(
        error(TWO),
        "c.toml:6: field `variability`: one of scores and file says how slow GPUs are\nhint: give scores, one a node or one a \
         GPU, or the name of a file"
    );
    assert!(error(&format!("{TWO}scores = [1, 1]\nbins = 65")).starts_with("c.toml:8: field `bins`: neither"));
    assert!(error(&format!("{TWO}file = '.'")).contains("field `file`: `.` is no file"));
    let again = format!("{TWO}scores = [1, 1]\n[[variability]]\nclass = 'B'\nscores = [1, 1]");
    assert!(error(&again).starts_with("c.toml:9: field `class`: another class takes all jobs"));
    assert!(error(&format!("{TWO}score = [1]")).ends_with("did you mean `scores`?"));
}
