//! A case: what a peer was given, what it gave back, and how ours is run on the same.

use engine::Inventory;
use traces::{Trace, TraceError};

use super::mappings::Ours;

/// One case, found in the folder of cases or printed by a publication.
pub(crate) struct Case {
    /// `family/name`.
    pub(crate) id: String,
    /// Whose numbers they are, in words.
    pub(crate) peer: &'static str,
    /// How ours is run on it, or why it cannot be.
    pub(crate) recipe: Result<Recipe, String>,
}

/// How to run a case.
pub(crate) struct Recipe {
    /// Our policy and physics.
    pub(crate) ours: Ours,
    /// Reads jobs, cluster and results of the peer.
    pub(crate) load: Loader,
}

/// Reads the inputs of a case.
pub(crate) type Loader = Box<dyn Fn() -> Result<Loaded, TraceError> + Send + Sync>;

/// What the files of a case hold.
pub(crate) enum Loaded {
    /// All that is needed.
    Ready(Box<Task>),
    /// The peer's results cannot be compared, for this reason.
    Unusable(String),
}

impl Loaded {
    /// All that is needed.
    pub(crate) fn ready(task: Task) -> Self {
        Self::Ready(Box::new(task))
    }
}

/// What is replayed, and what must come out.
pub(crate) struct Task {
    /// The jobs.
    pub(crate) trace: Trace,
    /// The cluster.
    pub(crate) inventory: Inventory,
    /// The cluster in words.
    pub(crate) cluster: String,
    /// Values that stand for `{samples}` in the policy.
    pub(crate) samples: Option<String>,
    /// What the peer found.
    pub(crate) results: Results,
}

/// What the peer found.
pub(crate) enum Results {
    /// The end of each job, by its id in the trace; jobs that are not here are not compared.
    Ends(Vec<(String, f64)>),
    /// Printed figures.
    Printed(Vec<Printed>),
    /// What was allocated and fragmented when the cluster was filled.
    Filled(Filling),
}

/// A cluster that was filled once a seed.
pub(crate) struct Filling {
    /// The trace as it was named.
    pub(crate) label: String,
    /// Seeds of ours; those of the peer are other random numbers.
    pub(crate) seeds: u64,
    /// What the peer found.
    pub(crate) shares: Vec<Share>,
}

/// A share of all GPUs at some demand.
pub(crate) struct Share {
    /// Of what.
    pub(crate) of: Shared,
    /// Demand that has arrived, in per cent of the cluster.
    pub(crate) percent: usize,
    /// One value a seed of the peer, 0..1.
    pub(crate) values: Vec<f64>,
}

/// What a share is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shared {
    /// Allocated GPU.
    Allocated,
    /// Idle GPU that is of no use: F.
    Fragmented,
}

/// A printed figure.
#[derive(Clone, Copy)]
pub(crate) struct Printed {
    /// Which.
    pub(crate) what: Figure,
    /// Its value in seconds.
    pub(crate) value_s: f64,
}

/// A figure that is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    /// Mean of end - submission.
    JctMean,
    /// Mean of end - submission - run time.
    WaitMean,
    /// Last end - first submission.
    Makespan,
}
