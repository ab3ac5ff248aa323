//! Moving runs to other GPUs.
//!
//! A job that moves is stopped as by a preemption, and its next GPUs are held for it from the decision on. When its run has
//! ended it goes on there without asking the policy again.

use super::{Decision, Draft, Step, gang};
use crate::eviction::Bill;
use crate::ids::JobId;
use crate::placement::{Placement, Slice};
use crate::reason::Reason;
use crate::state::Plan;

impl Draft<'_> {
    /// Moves a placed job to exactly these slices, at an expected cost, which the engine holds against what the move really
    /// costs ([`crate::State::evictions`]). GPUs that the job holds now are free for it. Slices that it holds already, all
    /// of them, are no move: the job stays.
    ///
    /// The placement of a job that moves changes while a policy may not be asked in between: a cache of placements must
    /// look at [`crate::Job::placement`] of each job that the change log names.
    pub fn migrate(&mut self, job: JobId, slices: &[Slice], bill: Bill) -> Result<(), Reason> {
        let mark = self.mark();
        self.lift(job)?;
        let taken = slices.iter().try_for_each(|slice| self.take_exactly(*slice));
        taken.and_then(|()| self.land(job, bill)).inspect_err(|_| self.rollback(mark))
    }

    /// Takes a placed job off its GPUs, which are free for this draft at once: the first half of a move, for jobs that swap
    /// places or make room for each other. It must land, stay or be rolled back before the policy returns.
    pub fn lift(&mut self, job: JobId) -> Result<(), Reason> {
        self.may_stop(job)?;
        self.give_back(job);
        self.set_plan(job, Plan::Lifted);
        Ok(())
    }

    /// Moves a lifted job to the open placement: the second half of a move.
    pub fn land(&mut self, job: JobId, bill: Bill) -> Result<(), Reason> {
        if self.plan(job) != Plan::Lifted {
            return Err(Reason::WrongPhase);
        }
        if !gang::is_gang(&self.state.cluster, &self.state.class_of(job).shape, &self.scratch.open) {
            return Err(Reason::WrongGang);
        }
        let placement = std::mem::take(&mut self.scratch.open);
        if is_same(&placement, &self.state.job(job).placement) {
            self.set_plan(job, Plan::Nothing);
            self.scratch.log.push(Step::Stayed(placement));
            return Ok(());
        }
        let (at, slices) = (self.scratch.decisions.len() as u32, placement.len());
        self.decide(Decision::Migrate { job, placement, bill });
        self.set_plan(job, Plan::Move(at));
        self.scratch.log.push(Step::Closed(slices));
        Ok(())
    }

    /// Puts a lifted job back where it was. `false`, and nothing changed, when its GPUs are no longer all free.
    pub fn stay(&mut self, job: JobId) -> bool {
        if self.plan(job) != Plan::Lifted {
            return false;
        }
        let back = self.take_back(job);
        if back {
            self.set_plan(job, Plan::Nothing);
        }
        back
    }

    /// What a move of this draft has taken.
    pub(super) fn landed_on(&self, at: u32) -> &[Slice] {
        match &self.scratch.decisions[at as usize] {
            Some(Decision::Migrate { placement, .. }) => placement,
            _ => &[],
        }
    }
}

/// Whether two placements are the same GPUs, CPU and memory, in whatever order they were taken.
fn is_same(a: &Placement, b: &Placement) -> bool {
    let sorted = |placement: &Placement| {
        let mut slices = placement.clone();
        slices.sort_unstable();
        slices
    };
    a.len() == b.len() && (a == b || sorted(a) == sorted(b))
}
