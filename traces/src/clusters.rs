//! The `--cluster` argument: `NODESxGPUS[:MODEL]`, or the path of a TOML file, of an openb node list, or of a Philly
//! machine list.
//!
//! Text in the short form is never taken for a path.

mod builder;
mod lists;
mod short;
mod toml_file;

use std::path::Path;

use engine::Inventory;

pub use toml_file::toml_error;

use crate::bytes;
use crate::error::TraceError;
use crate::table::CsvTable;

/// Name of the GPU model where none is given.
pub const MODEL_DEFAULT: &str = "GPU";

/// Reads the cluster that `text` names.
pub fn load_cluster(text: &str) -> Result<Inventory, TraceError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(TraceError::new("--cluster", "no cluster is named").with_hint(short::USAGE));
    }
    if let Some(inventory) = short::parse(text) {
        return inventory;
    }
    let looks_short = text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains(['/', '\\', '.']);
    if looks_short && !Path::new(text).exists() {
        let error = TraceError::new(text, "neither a file nor a cluster of the form NODESxGPUS[:MODEL]");
        return Err(error.with_hint(short::USAGE));
    }
    read_cluster_bytes(text, &bytes::read_file(text)?)
}

/// Reads a cluster from the bytes of a file called `name`, gzipped or not. The content decides what kind it is.
pub fn read_cluster_bytes(name: &str, bytes: &[u8]) -> Result<Inventory, TraceError> {
    let bytes = bytes::unpacked(name, bytes)?;
    let text = bytes::text(name, &bytes)?;
    if is_toml(name, text) {
        return toml_file::read(name, text);
    }
    let table = CsvTable::open(name, text)?;
    let header = table.header();
    if header.find("machineId").is_some() {
        return lists::read_philly(table);
    }
    if header.find("sn").is_some() || (header.find("cpu_milli").is_some() && header.find("gpu").is_some()) {
        return lists::read_openb(table);
    }
    let error = header.error(format!("no known kind of cluster; found: {}", header.shown_names()));
    let trace = ["job_id", "num_gpus", "num_gpu", "pod_phase"].iter().any(|name| header.find(name).is_some());
    Err(error.with_hint(if trace {
        "this is a trace; name it as TRACE, and give a cluster such as 60x8 here"
    } else {
        "give a TOML file, an openb node list (sn, cpu_milli, memory_mib, gpu, model), or a Philly machine list \
         (machineId, number of GPUs, single GPU mem)"
    }))
}

/// A list has commas in its first line; TOML has a table, a key or a comment there.
fn is_toml(name: &str, text: &str) -> bool {
    let named = Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("");
    named || first.starts_with(['[', '#']) || (first.contains('=') && !first.contains(','))
}
