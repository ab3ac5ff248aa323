//! A job moves: its run stops, its next GPUs are held meanwhile, and it goes on there without asking the policy.

use super::gpus::{evict, freed, place};
use crate::event::Command;
use crate::eviction::Bill;
use crate::ids::JobId;
use crate::job::Cause;
use crate::placement::Placement;
use crate::state::State;
use crate::terms::Amounts;

/// The policy moves a placed job to `goal`, which its draft has taken, as it has given back what the job had.
pub(crate) fn migrate(state: &mut State, id: JobId, goal: Placement, bill: Bill, out: &mut Vec<Command>) {
    if state.job(id).launch_ordered {
        state.jobs[id.index()].goal = goal;
        return evict(state, id, Cause::Migrated, bill, out);
    }
    // A claim that never launched is for other GPUs now: there is no run to stop, and no world has heard of one.
    state.freed_epoch += 1;
    state.jobs[id.index()].placement = goal;
    state.changes.push(id);
    look_at_claim(state, id);
}

/// The run of a job that moves is over: it claims the GPUs that were held for it.
pub(super) fn arrive(state: &mut State, id: JobId) {
    let goal = std::mem::take(&mut state.jobs[id.index()].goal);
    place(state, id, goal);
    state.claims.push(id);
    // Nothing became free, but there is a run that can be stopped again: what policies remember of failures is void.
    freed(state);
    look_at_claim(state, id);
}

/// Claims on these nodes are looked at before the orders of this instant go out.
fn look_at_claim(state: &mut State, id: JobId) {
    let nodes = state.jobs[id.index()].placement.iter().map(|slice| slice.node);
    state.drained_on.extend(nodes);
}

/// A job does not move after all: what was held for it goes back to planning.
pub(super) fn forgo(state: &mut State, id: JobId) {
    let goal = std::mem::take(&mut state.jobs[id.index()].goal);
    if goal.is_empty() {
        return;
    }
    for slice in &goal {
        state.cluster.vacate(slice);
    }
    state.tenants.take_placed(state.tenant_of(id), Amounts::held(&goal));
    state.changes.push(id);
    freed(state);
}
