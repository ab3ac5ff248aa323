//! Stopping runs: preemptions, taking them back, and what-ifs.

use super::{Decision, Draft, Step};
use crate::eviction::Bill;
use crate::ids::JobId;
use crate::reason::Reason;
use crate::state::Plan;

impl Draft<'_> {
    /// Stops a placed job; its GPUs are free for this draft at once.
    pub fn preempt(&mut self, job: JobId) -> Result<(), Reason> {
        self.preempt_for(job, Bill::default())
    }

    /// The same, for another job and at an expected cost, which the engine holds against what it really costs
    /// ([`crate::State::evictions`]).
    pub fn preempt_for(&mut self, job: JobId, bill: Bill) -> Result<(), Reason> {
        self.may_stop(job)?;
        self.give_back(job);
        self.set_plan(job, Plan::Preempt(self.scratch.decisions.len() as u32));
        self.decide(Decision::Preempt { job, bill });
        Ok(())
    }

    /// Whether a policy may stop the run of `job`.
    pub(super) fn may_stop(&self, job: JobId) -> Result<(), Reason> {
        if !self.is_placed(job) {
            return Err(Reason::WrongPhase);
        }
        if self.state.job(job).spec.preemptible { Ok(()) } else { Err(Reason::NotPreemptible) }
    }

    /// Says for whom a run is stopped that this draft has stopped for nobody yet. Not undone by a rollback: whoever says so
    /// is sure.
    pub fn preempted_for(&mut self, job: JobId, by: JobId) {
        if let Plan::Preempt(at) = self.plan(job)
            && let Some(Decision::Preempt { bill, .. }) = &mut self.scratch.decisions[at as usize]
        {
            bill.by = bill.by.or(Some(by));
        }
    }

    /// Takes a preemption of this draft back. `false`, and nothing changed, when its GPUs are no longer all free.
    pub fn reprieve(&mut self, job: JobId) -> bool {
        let Plan::Preempt(at) = self.plan(job) else { return false };
        if !self.take_back(job) {
            return false;
        }
        if let Some(decision) = self.scratch.decisions[at as usize].take() {
            self.scratch.log.push(Step::Undecided(at, decision));
        }
        self.set_plan(job, Plan::Nothing);
        true
    }

    /// Takes what the run of `job` has, where it is free. `false`, and nothing changed, where it is not.
    pub(super) fn take_back(&mut self, job: JobId) -> bool {
        let mark = self.mark();
        for slice in self.state.job(job).placement.clone() {
            if !self.state.cluster.slice_is_free(&slice) {
                self.rollback(mark);
                return false;
            }
            self.occupy(slice);
        }
        true
    }

    /// What if `job`, which runs or which this draft starts or moves, had ended? Its GPUs become free. Must be rolled back before
    /// the policy returns.
    pub fn vacate(&mut self, job: JobId) {
        if self.is_placed(job) || matches!(self.plan(job), Plan::Start | Plan::Move(_)) {
            self.give_back(job);
            self.set_plan(job, Plan::Vacated);
        }
    }
}
