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
    assert_eq!(error("x = 1\n"), "c.toml:1: field `x`: no such key\nhint: the keys here are pool, model");
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
