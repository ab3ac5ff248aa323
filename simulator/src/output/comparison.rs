//! What a comparison consists of: everything that the files and the report are made from.

use std::path::PathBuf;

use crate::result::{Replay, Summary};
use crate::stats::{Sampling, distinct, same};

/// Replays of one trace under several policies.
#[derive(Debug)]
pub struct Comparison<'a> {
    /// The trace that the report describes: that of the first seed at the first load. Rows of jobs index the trace of
    /// their own replay.
    pub trace: &'a traces::Trace,
    /// The cluster as it was named on the command line.
    pub cluster_label: String,
    /// The cluster.
    pub inventory: &'a engine::Inventory,
    /// Ordered by policy (as given on the command line), load, seed. The first policy is the baseline.
    pub replays: Vec<Replay>,
    /// The command line.
    pub command: String,
    /// Whether seeds are independent samples.
    pub sampling: Sampling,
    /// The window of the Gantt chart in seconds since the first submission; `None`: around the longest queue.
    pub window_s: Option<(f64, f64)>,
}

impl Comparison<'_> {
    /// The summaries, in the order of the replays.
    pub fn summaries(&self) -> Vec<&Summary> {
        self.replays.iter().map(|replay| &replay.summary).collect()
    }

    /// The policies in order; the first is the baseline.
    pub fn policies(&self) -> Vec<&str> {
        distinct(self.replays.iter().map(|replay| replay.summary.policy.as_str()))
    }

    /// The loads in order.
    pub fn loads(&self) -> Vec<f64> {
        distinct(self.replays.iter().map(|replay| replay.summary.load))
    }

    /// The replays of one policy at one load, by seed.
    pub fn group(&self, policy: &str, load: f64) -> Vec<&Replay> {
        let of_group = |replay: &&Replay| replay.summary.policy == policy && same(replay.summary.load, load);
        self.replays.iter().filter(of_group).collect()
    }
}

/// The files that were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// `summary.json`.
    pub summary: PathBuf,
    /// `differences.json`.
    pub differences: PathBuf,
    /// `jobs-<policy>.parquet`, one a policy.
    pub jobs: Vec<PathBuf>,
    /// `evictions-<policy>.parquet`, one a policy.
    pub evictions: Vec<PathBuf>,
    /// `figures/<name>.png`.
    pub figures: Vec<PathBuf>,
    /// `report.html`.
    pub report: PathBuf,
}
