//! Where jobs are, as a draft has it.

use super::{Decision, Draft};
use crate::ids::JobId;
use crate::placement::Slice;
use crate::state::Plan;

impl Draft<'_> {
    /// The GPUs that a job has in this draft: those of its run, unless the draft stops it, or those that it is started on
    /// or moved to.
    pub fn placement(&self, job: JobId) -> &[Slice] {
        match self.plan(job) {
            Plan::Nothing => &self.state.job(job).placement,
            Plan::Start => self.started_on(job),
            Plan::Move(at) => self.landed_on(at),
            Plan::Preempt(_) | Plan::Vacated | Plan::Lifted | Plan::Reject => &[],
        }
    }

    /// What a start of this draft has taken; nothing for a job that it does not start.
    pub(super) fn started_on(&self, id: JobId) -> &[Slice] {
        let of = |decision: &'_ Decision| matches!(decision, Decision::Start { job, .. } if *job == id);
        match self.scratch.decisions.iter().rev().flatten().find(|decision| of(decision)) {
            Some(Decision::Start { placement, .. }) => placement,
            _ => &[],
        }
    }
}
