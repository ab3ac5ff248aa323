//! The `--cluster` argument: `NODESxGPUS[:MODEL]`, or `PATH[key=value,...]` of a file whose content says what it is: TOML,
//! a list of nodes, a network, a virtual cluster a row, or counts (module `kinds` tells them apart).
//!
//! Text in the short form is never taken for a path. What a file does not say and what was taken instead stands in the
//! [`ClusterLedger`].

mod bins;
mod builder;
mod counts;
mod describe;
mod kinds;
mod ledger;
mod lists;
mod network;
mod scores;
mod short;
mod toml_file;

use std::path::Path;

use engine::Inventory;

pub use describe::{ClusterInfo, DomainCount, ModelCount, NodeSize, PoolCount, describe_cluster};
pub use kinds::is_cluster;
pub use ledger::ClusterLedger;
pub use toml_file::toml_error;

use crate::bytes;
use crate::error::TraceError;
use crate::source::Brackets;

/// Name of the GPU model where none is given.
pub const MODEL_DEFAULT: &str = "GPU";

/// A cluster as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterFile {
    /// The text that named it.
    pub source: String,
    /// What kind of file it is, such as `toml` or `lingjun`; `short` for `NODESxGPUS`.
    pub kind: &'static str,
    /// Its nodes.
    pub inventory: Inventory,
    /// What was taken where the file says nothing.
    pub ledger: ClusterLedger,
}

/// Reads the cluster that `text` names.
pub fn load_cluster(text: &str) -> Result<Inventory, TraceError> {
    load_cluster_file(text).map(|file| file.inventory)
}

/// Reads the cluster that `text` names, with what was taken where it says nothing.
pub fn load_cluster_file(text: &str) -> Result<ClusterFile, TraceError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(TraceError::new("--cluster", "no cluster is named").with_hint(short::USAGE));
    }
    if let Some(inventory) = short::parse(text) {
        let (source, ledger) = (text.to_owned(), ClusterLedger::default());
        return inventory.map(|inventory| ClusterFile { source, kind: "short", inventory, ledger });
    }
    let looks_short = text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains(['/', '\\', '.']);
    if looks_short && !Path::new(text).exists() {
        let error = TraceError::new(text, "neither a file nor a cluster of the form NODESxGPUS[:MODEL]");
        return Err(error.with_hint(short::USAGE));
    }
    let brackets = Brackets::behind(text)?;
    read(&brackets, &bytes::read_file(brackets.path)?)
}

/// Reads a cluster from the bytes of a file called `name`, gzipped or not. The content decides what kind it is.
pub fn read_cluster_bytes(name: &str, bytes: &[u8]) -> Result<Inventory, TraceError> {
    read(&Brackets::none(name), bytes).map(|file| file.inventory)
}

/// The same with what was taken where the file says nothing. Options may stand in brackets behind the name.
pub fn read_cluster_file(name: &str, bytes: &[u8]) -> Result<ClusterFile, TraceError> {
    read(&Brackets::behind(name)?, bytes)
}

fn read(brackets: &Brackets<'_>, bytes: &[u8]) -> Result<ClusterFile, TraceError> {
    let name = brackets.path;
    let bytes = bytes::unpacked(name, bytes)?;
    kinds::read(brackets, bytes::text(name, &bytes)?)
}
