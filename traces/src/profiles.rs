//! Measured rates of training: (kind of job, GPU model, GPUs, nodes, co-runners) -> training steps a second.
//!
//! Three families of published tables are read into one [`ThroughputTable`], each by a module of its own: Gavel's JSON
//! (`gavel`, Shockwave's tables have the same form), the placement and scalability profiles of Pollux and Sia
//! (`pollux`), and `ElasticFlow`'s scaling curves (`elasticflow`). A rate is that of the whole gang: steps a second,
//! whatever a step holds.
//!
//! [`ThroughputTable::rate`] knows what was measured and nothing else. [`ThroughputTable::estimate`] goes on to
//! [`ESTIMATE_RULE`] and says how it found its answer. A rate of 0 means that the job cannot run so; it is kept and
//! never divided by.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::bytes;
use crate::error::TraceError;
use crate::trace::{JobType, Ledger};

mod columns;
mod describe;
mod elasticflow;
mod entries;
mod estimate;
mod files;
pub(crate) mod gavel;
mod pollux;
mod query;

use entries::{Key, NodeClass};

pub use describe::{ModelInfo, ProfileInfo};
pub use estimate::{ESTIMATE_RULE, Estimate, Found};
pub use query::{JobTypeId, ModelId, Neighbour, Placement, Rate, Setting};

/// A family of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProfileKind {
    /// Gavel (OSDI 2020) and Shockwave (NSDI 2023): JSON by GPU model, alone and in pairs.
    Gavel,
    /// Pollux (OSDI 2021) and Sia (SOSP 2023): step times by placement and batch size.
    Pollux,
    /// `ElasticFlow` (ASPLOS 2023): rates by batch size and number of GPUs.
    ElasticFlow,
}

impl ProfileKind {
    /// All of them.
    const ALL: [Self; 3] = [Self::Gavel, Self::Pollux, Self::ElasticFlow];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gavel => "gavel",
            Self::Pollux => "pollux",
            Self::ElasticFlow => "elasticflow",
        }
    }

    /// What a batch size counts in its tables.
    pub fn batch_size_counts(self) -> &'static str {
        match self {
            Self::Gavel | Self::Pollux => "samples a step on each GPU",
            Self::ElasticFlow => "samples a step on all GPUs",
        }
    }

    /// The family of a text.
    fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| match kind {
            Self::Gavel => gavel::fits(text),
            Self::Pollux => pollux::fits(text),
            Self::ElasticFlow => elasticflow::fits(text),
        })
    }
}

/// Rates of training, out of one file or many.
#[derive(Clone, Debug, Default)]
pub struct ThroughputTable {
    kinds: BTreeSet<ProfileKind>,
    files: Vec<String>,
    skipped_files: Vec<String>,
    job_types: Vec<JobType>,
    job_type_ids: HashMap<JobType, u32>,
    models: Vec<String>,
    /// By the name in lower case, and other names that were given.
    model_ids: HashMap<String, u32>,
    /// GPUs on each node, in the order that [`query::ring`] makes equal.
    shapes: Vec<Box<[u32]>>,
    shape_ids: HashMap<Box<[u32]>, u32>,
    /// Sets of co-runners; the first of them, for none, is 0.
    neighbour_ids: HashMap<Box<[Neighbour]>, u32>,
    /// In the order in which they were read.
    entries: Vec<(Key, f64)>,
    index: HashMap<Key, u32>,
    /// Rates above 0 by number of GPUs, of jobs that run alone.
    curves: BTreeMap<(u32, u32, NodeClass), Vec<(u32, f64)>>,
    ledger: Ledger,
}

impl ThroughputTable {
    /// Reads files and folders into one table. In a folder, and the folders in it, files that are no profiles are
    /// left out and named by [`ThroughputTable::describe`].
    pub fn load<P: AsRef<str>>(paths: &[P]) -> Result<Self, TraceError> {
        let mut table = Self::default();
        for path in paths {
            table.read_path(path.as_ref())?;
        }
        let Some(first) = paths.first() else {
            return Err(TraceError::new("profiles", "no file is named").with_hint("name a table of throughput"));
        };
        if table.files.is_empty() {
            let error = TraceError::new(first.as_ref(), "there is no table of throughput in this folder");
            return Err(error.with_hint(HINT));
        }
        table.finish();
        Ok(table)
    }

    /// Reads the bytes of a file called `name`, gzipped or not. Where a table does not say itself what it is about,
    /// its name and folder do: see `pollux` and `elasticflow`.
    pub fn read_bytes(name: &str, bytes: &[u8]) -> Result<Self, TraceError> {
        let mut table = Self::default();
        let bytes = bytes::unpacked(name, bytes)?;
        table.read_text(name, bytes::text(name, &bytes)?)?;
        table.finish();
        Ok(table)
    }

    /// What happened to the rows on the way in. A row is one rate in the source, or one pair of rates.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    fn read_text(&mut self, name: &str, text: &str) -> Result<(), TraceError> {
        let Some(kind) = ProfileKind::of(text) else {
            return Err(TraceError::new(name, "this is no table of throughput").with_hint(HINT));
        };
        match kind {
            ProfileKind::Gavel => gavel::read(self, name, text)?,
            ProfileKind::Pollux => pollux::read(self, name, text)?,
            ProfileKind::ElasticFlow => elasticflow::read(self, name, text)?,
        }
        self.kinds.insert(kind);
        self.files.push(name.to_owned());
        Ok(())
    }
}

/// What can be read.
const HINT: &str = "the tables that are read are Gavel's JSON, `<app>_placements-<cluster>.csv` and \
                    `<app>_scalability-<cluster>.csv` of Pollux and Sia, and ElasticFlow's `throughputs_<MODEL>/<app>.csv`";

/// Whether the unpacked text of a file is a table of throughput: the content decides, the name does not matter.
pub fn is_profile(text: &str) -> bool {
    ProfileKind::of(text).is_some()
}

#[cfg(test)]
mod tests;
