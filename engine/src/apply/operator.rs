//! What operators, users and timers do: nodes go and come, jobs are cancelled, held and released.

use super::gpus::{drain, freed};
use super::migrate::forgo;
use super::{close, known_job, set_phase, settle_parents};
use crate::cluster::NodeState;
use crate::event::{Alarm, Command};
use crate::fault::Fault;
use crate::ids::{JobId, NodeId, RunId};
use crate::job::{Cause, Hold, NOT_FIRST, Outcome, Phase};
use crate::placement::Slice;
use crate::state::{State, Triggers};

pub(super) fn node_down(state: &mut State, node: NodeId, out: &mut Vec<Command>) {
    state.cluster.set_state(node, NodeState::Down, state.now);
    // Nothing became free, but what policies remember about the cluster is no longer true.
    state.freed_epoch += 1;
    let touches = |slices: &[Slice]| slices.iter().any(|slice| slice.node == node);
    let on_node = |id: &&JobId| touches(&state.job(**id).placement) || touches(&state.job(**id).goal);
    let mut hit: Vec<JobId> = state.live.iter().filter(on_node).copied().collect();
    hit.sort_unstable();
    for id in hit {
        if touches(&state.job(id).goal) {
            forgo(state, id);
        }
        if !touches(&state.job(id).placement) {
            continue;
        }
        if let Phase::Draining(_) = state.job(id).phase {
            out.push(Command::Kill { run: state.job(id).run(id) });
        } else {
            drain(state, id, Cause::NodeLost, out);
        }
    }
}

pub(super) fn node_up(state: &mut State, node: NodeId) {
    state.cluster.set_state(node, NodeState::Up, state.now);
    freed(state);
}

pub(super) fn cancel(state: &mut State, id: JobId, out: &mut Vec<Command>) {
    match state.job(id).phase {
        Phase::Held(_) | Phase::Ready => close(state, id, Outcome::Cancelled, out),
        Phase::Launching | Phase::Running => drain(state, id, Cause::Cancelled, out),
        Phase::Draining(_) => {
            forgo(state, id);
            set_phase(state, id, Phase::Draining(Cause::Cancelled));
        }
        Phase::Done(_) => {}
    }
}

pub(super) fn hold(state: &mut State, id: JobId, out: &mut Vec<Command>) {
    match state.job(id).phase {
        Phase::Ready | Phase::Held(_) => set_phase(state, id, Phase::Held(Hold::Operator)),
        Phase::Launching | Phase::Running => drain(state, id, Cause::Held, out),
        Phase::Draining(Cause::Preempted | Cause::NodeLost | Cause::Released | Cause::Migrated) => {
            forgo(state, id);
            set_phase(state, id, Phase::Draining(Cause::Held));
        }
        Phase::Draining(_) | Phase::Done(_) => {}
    }
}

pub(super) fn release(state: &mut State, id: JobId, out: &mut Vec<Command>) {
    match state.job(id).phase {
        Phase::Held(Hold::Operator) => settle_parents(state, id, out),
        Phase::Draining(Cause::Held) => set_phase(state, id, Phase::Draining(Cause::Released)),
        _ => {}
    }
}

/// The later a job was put first, the smaller its place. It changes who goes first, not what anybody is entitled to.
pub(super) fn put_first(state: &mut State, id: JobId) {
    // Operators do this rarely: a look at all jobs is cheap enough.
    let first = state.jobs.iter().map(|job| job.first_place).min().unwrap_or(NOT_FIRST);
    if state.job(id).outcome().is_some() || first == 0 {
        return;
    }
    state.jobs[id.index()].first_place = first - 1;
    state.changes.push(id);
    state.triggers = state.triggers.and(Triggers::ARRIVED);
}

pub(super) fn alarm(state: &mut State, run: RunId, kind: Alarm, out: &mut Vec<Command>) -> Result<(), Fault> {
    let id = known_job(state, run.job)?;
    let job = state.job(id);
    if job.attempt != run.attempt {
        return Ok(());
    }
    match (kind, job.phase) {
        (Alarm::TimeLimit, Phase::Running) => drain(state, id, Cause::TimeLimit, out),
        (Alarm::Grace, Phase::Draining(_)) => out.push(Command::Kill { run }),
        (Alarm::Backoff, Phase::Held(Hold::Backoff)) => settle_parents(state, id, out),
        _ => {}
    }
    Ok(())
}
