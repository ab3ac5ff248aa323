//! GPUs change hands: claims on draining GPUs, launches, drains.

use smallvec::SmallVec;

use super::run::enter;
use super::set_phase;
use crate::event::{Alarm, Command};
use crate::eviction::{Bill, Eviction};
use crate::ids::JobId;
use crate::inventory::UNLIMITED;
use crate::job::{Cause, Hold, Outcome, Phase};
use crate::placement::{Placement, Slice, gpu_milli};
use crate::state::{State, Triggers};
use crate::terms::Amounts;
use crate::time::{Span, Time};

/// On so few nodes a claim is looked for before it is asked what it waits for.
const FEW_NODES: usize = 8;

/// Gives the GPUs of a live job back to planning.
pub(crate) fn vacate(state: &mut State, id: JobId) {
    let job = &state.jobs[id.index()];
    for slice in &job.placement {
        state.cluster.vacate(slice);
    }
    state.tenants.take_placed(job.spec.tenant, Amounts::held(&job.placement));
    freed(state);
}

pub(super) fn freed(state: &mut State) {
    state.freed_epoch += 1;
    state.triggers = state.triggers.and(Triggers::FREED);
}

/// Takes a job whose run is over out of the table of live runs.
pub(super) fn retire(state: &mut State, id: JobId) {
    let job = &mut state.jobs[id.index()];
    job.placement.clear();
    job.running_since = Time::NEVER;
    job.saved_at = Time::NEVER;
    job.launch_ordered = false;
    let index = std::mem::replace(&mut job.live_index, u32::MAX) as usize;
    state.live.swap_remove(index);
    if let Some(moved) = state.live.get(index) {
        state.jobs[moved.index()].live_index = index as u32;
    }
}

/// Orders the launch of every claim whose GPUs no longer drain: once a batch and once a decision, not once an end, as many
/// runs can end at one instant. Only where a run has drained since the last time can that be.
pub(crate) fn grant_claims(state: &mut State, out: &mut Vec<Command>) {
    let drained = std::mem::take(&mut state.drained_on);
    if state.claims.is_empty() || drained.is_empty() {
        return;
    }
    let touched = |state: &State, id: JobId| {
        let mut slices = state.job(id).placement.iter();
        drained.len() > FEW_NODES || slices.any(|slice| drained.contains(&slice.node))
    };
    let claims = std::mem::take(&mut state.claims);
    for id in claims {
        if !touched(state, id) || claim_waits(state, id) {
            state.claims.push(id);
        } else {
            order_launch(state, id, out);
            // The run begins from another safe point than when it was placed.
            state.changes.push(id);
        }
    }
}

/// Whether a GPU, or CPU or memory that only a draining run can give, is still in use.
pub(crate) fn claim_waits(state: &State, id: JobId) -> bool {
    let in_use = |want: &Slice| {
        let beside = state.draining_on.get(want.node.index()).into_iter().flatten();
        let mut held = beside.flat_map(|other| &state.job(*other).placement);
        held.any(|slice| conflicts(state, slice, want))
    };
    !state.draining.is_empty() && state.job(id).placement.iter().any(in_use)
}

/// A run drains from now on: its GPUs are noted by node.
fn draining(state: &mut State, id: JobId) {
    state.draining.insert(id);
    state.draining_on.resize(state.cluster.len(), SmallVec::new());
    for slice in &state.jobs[id.index()].placement {
        let runs = &mut state.draining_on[slice.node.index()];
        if runs.last() != Some(&id) {
            runs.push(id);
        }
    }
}

/// A draining run is over. Its placement is still known.
pub(super) fn drained(state: &mut State, id: JobId) {
    state.draining.remove(&id);
    for slice in &state.jobs[id.index()].placement {
        state.draining_on[slice.node.index()].retain(|other| *other != id);
        state.drained_on.push(slice.node);
    }
}

/// Two slices need the same thing: a GPU, or (as these have no identity) CPU or memory of the same limited node.
fn conflicts(state: &State, held: &Slice, want: &Slice) -> bool {
    if held.node != want.node {
        return false;
    }
    let spec = state.cluster.spec(held.node);
    let cpu = spec.cpu_milli != UNLIMITED && held.cpu_milli > 0 && want.cpu_milli > 0;
    let memory = spec.memory_mib != UNLIMITED && held.memory_mib > 0 && want.memory_mib > 0;
    cpu || memory || held.overlaps(want)
}

pub(crate) fn order_launch(state: &mut State, id: JobId, out: &mut Vec<Command>) {
    let now = state.now;
    let job = &mut state.jobs[id.index()];
    job.launch_ordered = true;
    job.launched = now;
    job.first_launch = job.first_launch.min(now);
    job.work_at_start = job.work_saved;
    let milli = gpu_milli(&job.placement);
    let tenant = job.spec.tenant;
    out.push(Command::Launch { run: job.run(id), placement: job.placement.clone(), resume_from: job.work_saved });
    state.totals.launched += 1;
    state.totals.held_milli += milli;
    state.tenants.hold(tenant, milli, now);
}

/// Orders a placed run to stop. Its GPUs may be planned with from now on; a claim that never launched is just dropped.
pub(crate) fn drain(state: &mut State, id: JobId, cause: Cause, out: &mut Vec<Command>) {
    vacate(state, id);
    drain_vacated(state, id, cause, out);
}

/// A job holds these GPUs from now on; its launch is still to be ordered.
pub(crate) fn place(state: &mut State, id: JobId, placement: Placement) {
    let job = &mut state.jobs[id.index()];
    job.attempt += 1;
    job.placed = state.now;
    job.launched = Time::NEVER;
    job.placement = placement;
    job.live_index = state.live.len() as u32;
    state.live.push(id);
    set_phase(state, id, Phase::Launching);
}

/// The policy stops a run whose GPUs its draft has given back.
pub(crate) fn evict(state: &mut State, id: JobId, cause: Cause, bill: Bill, out: &mut Vec<Command>) {
    let job = &mut state.jobs[id.index()];
    // A claim that never launched costs nothing.
    if job.launch_ordered {
        job.eviction = state.evictions.len() as u32;
        let (at, attempt) = (state.now, job.attempt);
        state.evictions.push(Eviction { at, job: id, attempt, cause, bill, lost: 0, drained: 0, restarted: 0 });
    }
    drain_vacated(state, id, cause, out);
}

/// The same for a run whose GPUs a draft has already given back.
pub(crate) fn drain_vacated(state: &mut State, id: JobId, cause: Cause, out: &mut Vec<Command>) {
    state.freed_epoch += 1;
    let job = state.job(id);
    if !job.launch_ordered {
        state.claims.retain(|claim| *claim != id);
        retire(state, id);
        // No world has heard of this attempt: the number is free again.
        state.jobs[id.index()].attempt -= 1;
        let next = match cause {
            Cause::Preempted | Cause::NodeLost | Cause::Released | Cause::Migrated => Phase::Ready,
            Cause::Cancelled => Phase::Done(Outcome::Cancelled),
            Cause::TimeLimit => Phase::Done(Outcome::TimedOut),
            Cause::Held => Phase::Held(Hold::Operator),
        };
        return enter(state, id, next, out);
    }
    let (run, grace) = (job.run(id), job.spec.grace);
    state.jobs[id.index()].work_at_stop = state.job(id).work_done(state.now);
    set_phase(state, id, Phase::Draining(cause));
    draining(state, id);
    if cause == Cause::NodeLost {
        out.push(Command::Kill { run });
        return;
    }
    out.push(Command::Drain { run, grace });
    if grace > Span::ZERO {
        out.push(Command::Alarm { at: state.now + grace, run, kind: Alarm::Grace });
    }
}
