//! From wishes to orders.

use super::{Decision, Draft, Step};
use crate::apply;
use crate::event::Command;
use crate::fault::Fault;
use crate::ids::JobId;
use crate::job::{Cause, Outcome};
use crate::state::{Plan, State};

impl Draft<'_> {
    /// The policy has seen the change log up to here.
    pub(crate) fn forget_changes(&mut self) {
        self.state.changes.forget();
    }

    /// Turns the wishes into orders.
    pub(crate) fn commit(mut self, out: &mut Vec<Command>) -> Result<(), Fault> {
        self.return_unused();
        self.close_plans()?;
        let decisions = &mut self.scratch.decisions;
        // Moves come first: a start that uses what a job leaves may have been decided before the job landed, and must find
        // its old run draining.
        let is_move = |decision: &mut Decision| matches!(decision, Decision::Migrate { .. });
        for decision in decisions.iter_mut().filter_map(|decision| decision.take_if(is_move)) {
            carry_out(self.state, decision, out);
        }
        for decision in decisions.drain(..).flatten() {
            carry_out(self.state, decision, out);
        }
        apply::grant_claims(self.state, out);
        if let Some(at) = self.wake.filter(|at| self.state.wake.is_none_or(|wake| *at < wake)) {
            self.state.wake = Some(at);
            out.push(Command::Wake { at });
        }
        Ok(())
    }

    /// Forgets what was planned for jobs. What may not be left open is a fault.
    fn close_plans(&mut self) -> Result<(), Fault> {
        let mut fault = None;
        for step in self.scratch.log.drain(..) {
            if let Step::Planned(job, _) = step {
                let left = left_open(job, std::mem::take(&mut self.state.plans[job.index()]));
                fault = fault.or(left);
            }
        }
        let Some(fault) = fault else { return Ok(()) };
        self.scratch.decisions.clear();
        Err(fault)
    }

    fn return_unused(&mut self) {
        let scratch = &mut *self.scratch;
        for slice in scratch.open.drain(..).chain(scratch.reserved.drain(..)) {
            self.state.cluster.vacate(&slice);
        }
    }
}

fn left_open(job: JobId, plan: Plan) -> Option<Fault> {
    match plan {
        Plan::Vacated => Some(Fault::OpenWhatIf(job)),
        Plan::Lifted => Some(Fault::NotLanded(job)),
        _ => None,
    }
}

fn carry_out(state: &mut State, decision: Decision, out: &mut Vec<Command>) {
    state.totals.decisions += 1;
    match decision {
        Decision::Start { job: id, placement } => {
            apply::place(state, id, placement);
            if !state.draining.is_empty() && apply::claim_waits(state, id) {
                state.claims.push(id);
            } else {
                apply::order_launch(state, id, out);
            }
        }
        Decision::Preempt { job, bill } => apply::evict(state, job, Cause::Preempted, bill, out),
        Decision::Migrate { job, placement, bill } => apply::migrate(state, job, placement, bill, out),
        Decision::Reject { job, reason } => {
            state.job_reasons.insert(job, reason);
            apply::close(state, job, Outcome::Rejected, out);
        }
    }
}
