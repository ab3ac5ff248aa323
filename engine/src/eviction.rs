//! What it costs to stop a run, and who caused it.

use crate::ids::JobId;
use crate::time::Time;

/// What a policy says when it stops a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    /// The waiting job that gets the GPUs, where it is one.
    pub by: Option<JobId>,
    /// What the policy expects the stop to cost: thousandths of a GPU x microseconds.
    pub predicted: u128,
}

/// A run that a policy stopped. Costs are in thousandths of a GPU x microseconds, and grow until the job runs again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Eviction {
    /// When.
    pub at: Time,
    /// The victim.
    pub job: JobId,
    /// Its attempt.
    pub attempt: u32,
    /// Who caused it and what was expected.
    pub bill: Bill,
    /// Work that has to be done again.
    pub lost: u128,
    /// GPU-time from the order to stop until the GPUs were free.
    pub drained: u128,
    /// GPU-time that the next run needed before it made progress.
    pub restarted: u128,
}

impl Eviction {
    /// What it has cost so far.
    pub fn cost(&self) -> u128 {
        self.lost + self.drained + self.restarted
    }
}
