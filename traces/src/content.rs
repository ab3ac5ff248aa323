//! What a file is: a trace, a cluster, a table of throughput or a capacity schedule. For `trace info`, which takes any.

use std::path::Path;

use crate::bytes;
use crate::capacity::{self, CapacitySchedule};
use crate::clusters::{self, ClusterFile};
use crate::error::TraceError;
use crate::journal;
use crate::profiles::{self, ThroughputTable};
use crate::source;
use crate::trace::Trace;

/// What a file holds.
#[derive(Debug)]
pub enum Content {
    /// Jobs.
    Trace(Box<Trace>),
    /// Nodes.
    Cluster(Box<ClusterFile>),
    /// Rates of training.
    Profiles(Box<ThroughputTable>),
    /// Quotas over time.
    Capacity(Box<CapacitySchedule>),
}

/// Reads whatever `text` names: a trace as [`source::load`] takes it, or the path of something else.
pub fn open(text: &str) -> Result<Content, TraceError> {
    let text = text.trim();
    let path = source::path_in(text);
    if Path::new(path).is_dir() && !journal::Files::are_in(path) && profiles_in(path) {
        return Ok(Content::Profiles(Box::new(ThroughputTable::load(&[path])?)));
    }
    if !Path::new(path).is_file() {
        return Ok(Content::Trace(Box::new(source::load(text)?)));
    }
    let bytes = bytes::read_unpacked(path)?;
    match Kind::of(path, &bytes) {
        Kind::Trace => Ok(Content::Trace(Box::new(source::load_read(text, path, bytes)?))),
        Kind::Cluster => Ok(Content::Cluster(Box::new(clusters::load_cluster_file(text)?))),
        Kind::Profiles => Ok(Content::Profiles(Box::new(ThroughputTable::load(&[path])?))),
        Kind::Capacity => Ok(Content::Capacity(Box::new(capacity::load_capacity(path)?))),
    }
}

/// Kinds of files.
enum Kind {
    Trace,
    Cluster,
    Profiles,
    Capacity,
}

impl Kind {
    /// The kind of the file at `path`. What is no text, or of no other kind, is a trace or an error of its readers.
    fn of(path: &str, bytes: &[u8]) -> Self {
        if bytes.starts_with(journal::MAGIC) {
            return Self::Trace;
        }
        let Ok(text) = bytes::text(path, bytes) else { return Self::Trace };
        if profiles::is_profile(text) {
            Self::Profiles
        } else if capacity::is_capacity(path, text) {
            Self::Capacity
        } else if clusters::is_cluster(path, text) {
            Self::Cluster
        } else {
            Self::Trace
        }
    }
}

/// Whether a folder holds tables of throughput and no trace.
fn profiles_in(folder: &str) -> bool {
    !source::is_trace_folder(folder) && ThroughputTable::load(&[folder]).is_ok()
}
