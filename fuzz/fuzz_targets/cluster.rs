//! The readers of clusters: whatever the bytes are, each answers with a sound inventory or with an error, and never
//! panics.
//!
//! Every input goes to the readers of files, as TOML by its name and by its content, and to the short form as text.

#![no_main]

use engine::{Inventory, Shape, TaskRequest};
use libfuzzer_sys::fuzz_target;
use traces::TraceError;

/// A short form is one line; longer text is a path, and no path is opened here.
const SHORT_MAX: usize = 40;

/// Names of files with the options of all kinds.
const NAMES: [&str; 8] = [
    "input",
    "input.toml",
    "input[gpus_per_node=4]",
    "input[racks=nested,gpus_per_node=2]",
    "scale_128gpus.json",
    "input[gpus=7,gpus_per_node=4]",
    "input[name=a]",
    "input[name=a,spec=2:0:1,gpus_per_node=2:2:2]",
];

fuzz_target!(|bytes: &[u8]| {
    for name in NAMES {
        check(traces::read_cluster_file(name, bytes).map(|file| file.inventory));
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && text.len() <= SHORT_MAX
        && text.starts_with(|c: char| c.is_ascii_digit())
        && !text.contains(['/', '\\', '.'])
    {
        check(traces::load_cluster(text));
    }
});

/// What every reader promises.
fn check(result: Result<Inventory, TraceError>) {
    let inventory = match result {
        Ok(inventory) => inventory,
        Err(error) => {
            assert!(!error.message().is_empty() && error.to_string().chars().count() < 2000, "{error}");
            return;
        }
    };
    assert!(inventory.gpus() > 0, "a cluster without GPUs is an error");
    assert!(inventory.models.len() <= 64, "more models than the engine can tell apart");
    for node in &inventory.nodes {
        assert!(node.pool.index() < inventory.pools.len(), "{} has no pool", node.name);
        assert!(node.gpus == 0 || node.model.index() < inventory.models.len(), "{} has no model", node.name);
    }
    let one = Shape::uniform(1, TaskRequest::whole_gpus(1));
    assert!(inventory.holds(&one).is_ok(), "a cluster with a GPU holds a job of one GPU");
}
