//! What it costs to stop a run, and who caused it.

use serde::{Deserialize, Serialize};

use crate::event::Exit;
use crate::ids::JobId;
use crate::job::{Cause, Job};
use crate::time::Time;

/// What a policy says when it stops a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// The waiting job that gets the GPUs, or for which a run moves away, where it is one.
    pub by: Option<JobId>,
    /// What the policy expects the stop to cost: thousandths of a GPU x microseconds.
    pub predicted: u128,
}

/// A run that a policy stopped. Costs are in thousandths of a GPU x microseconds, and grow until the job runs again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Eviction {
    /// When.
    pub at: Time,
    /// The victim.
    pub job: JobId,
    /// Its attempt.
    pub attempt: u32,
    /// What the policy stopped it for: [`Cause::Preempted`], or [`Cause::Migrated`].
    pub cause: Cause,
    /// Who caused it and what was expected.
    pub bill: Bill,
    /// Work that has to be done again; a launch that led to nothing counts as such.
    pub lost: u128,
    /// GPU-time from the order to stop until the GPUs were free, without the time in which work was done that is kept.
    pub drained: u128,
    /// GPU-time that the next run held before it made progress, or before it ended without any.
    pub restarted: u128,
}

impl Eviction {
    /// A run of `job` on `milli` thousandths of a GPU ends now: the one that was stopped, or one after it that never
    /// made progress.
    ///
    /// Nothing is counted twice. Work that was done after the order counts neither as lost nor as drained where it is
    /// kept, and only as drained where it is not.
    pub(crate) fn settle(&mut self, job: &Job, milli: u64, exit: Exit, now: Time) {
        let cost = |span: crate::time::Span| u128::from(milli) * u128::from(span.0);
        if self.attempt != job.attempt {
            self.restarted += cost(now.since(job.launched));
        } else if exit != Exit::Completed {
            let held = now.since(self.at);
            let kept = job.rate.time_for(job.work_saved - job.work_at_stop).min(held);
            let progressed = job.running_since <= self.at;
            self.lost += cost(job.work_at_stop - job.work_saved);
            self.lost += if progressed { 0 } else { cost(self.at.since(job.launched)) };
            self.drained += cost(held - kept);
        }
    }

    /// What it has cost so far.
    pub fn cost(&self) -> u128 {
        self.lost + self.drained + self.restarted
    }
}
