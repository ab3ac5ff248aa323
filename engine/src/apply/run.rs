//! A run starts, saves and ends; what becomes of its job is one `match`.

use super::gpus::{drained, retire, vacate};
use super::migrate::{arrive, forgo};
use super::{close, set_phase};
use crate::event::{Alarm, Command, Exit};
use crate::ids::JobId;
use crate::job::{Cause, Hold, Job, Outcome, Phase};
use crate::placement::gpu_milli;
use crate::state::{State, Triggers};
use crate::time::{Rate, Span, Time};

pub(super) fn start_run(state: &mut State, id: JobId, rate: Rate, out: &mut Vec<Command>) {
    let now = state.now;
    let job = &mut state.jobs[id.index()];
    if job.running_since != Time::NEVER {
        return;
    }
    job.running_since = now;
    job.saved_at = now;
    job.rate = rate;
    // A run that is on its way out starts to no avail: that is for the end of the run to settle.
    if let Some(eviction) = state.evictions.get_mut(job.eviction as usize)
        && eviction.attempt != job.attempt
    {
        eviction.restarted += u128::from(gpu_milli(&job.placement)) * u128::from(now.since(job.launched).0);
        job.eviction = u32::MAX;
    }
    let run = job.run(id);
    if let Some(limit) = job.spec.time_limit {
        out.push(Command::Alarm { at: now + limit, run, kind: Alarm::TimeLimit });
    }
    if job.phase == Phase::Launching {
        set_phase(state, id, Phase::Running);
    }
    state.triggers = state.triggers.and(Triggers::PROGRESS);
}

pub(super) fn save(state: &mut State, id: JobId, work: Span) {
    let now = state.now;
    let job = &mut state.jobs[id.index()];
    job.work_saved = job.work_saved.max(work);
    job.saved_at = now;
    state.changes.push(id);
    state.triggers = state.triggers.and(Triggers::PROGRESS);
}

/// The end of the live run of `id`: settles its accounts, frees its GPUs, and finds its next phase.
pub(super) fn end_run(state: &mut State, id: JobId, exit: Exit, saved: Option<Span>, out: &mut Vec<Command>) {
    let now = state.now;
    let job = &mut state.jobs[id.index()];
    if let Some(work) = saved {
        job.work_saved = job.work_saved.max(work);
    }
    let phase = job.phase;
    let attempt_lost = if exit == Exit::Completed { Span::ZERO } else { job.work_at_risk(now) };
    let milli = gpu_milli(&job.placement);
    job.held_milli_micros += u128::from(milli) * u128::from(now.since(job.launched).0);
    if job.running_since != Time::NEVER {
        let ran = now.since(job.running_since);
        job.service += ran;
        job.owed = Span::ZERO;
        job.gpu_milli_micros += u128::from(milli) * u128::from(ran.0);
    }
    let tenant = job.spec.tenant;
    if let Some(eviction) = state.evictions.get_mut(job.eviction as usize) {
        eviction.settle(job, milli, exit, now);
        if eviction.attempt != job.attempt || exit == Exit::Completed {
            job.eviction = u32::MAX;
        }
    }
    // A run that saved after the order to stop has lost nothing: what it held its GPUs for since is the saving.
    let saved_on_order = matches!(phase, Phase::Draining(_)) && job.work_saved >= job.work_at_stop;
    let totals = &mut state.totals;
    let account = if saved_on_order { &mut totals.saving_milli_micros } else { &mut totals.lost_milli_micros };
    *account += u128::from(milli) * u128::from(attempt_lost.0);
    state.totals.launched -= 1;
    state.totals.held_milli -= milli;
    state.tenants.release(tenant, milli, now);
    if matches!(phase, Phase::Draining(_)) {
        drained(state, id);
    } else {
        vacate(state, id);
    }
    retire(state, id);
    let next = next_phase(&mut state.jobs[id.index()], phase, exit);
    if next != Phase::Launching {
        forgo(state, id);
    }
    enter(state, id, next, out);
}

/// The life of a job after a run: what it was doing and how the run ended decide what comes next.
fn next_phase(job: &mut Job, phase: Phase, exit: Exit) -> Phase {
    match (phase, exit) {
        (_, Exit::Completed) => Phase::Done(Outcome::Finished),
        (Phase::Draining(Cause::Preempted), _) => {
            job.preemptions += 1;
            Phase::Ready
        }
        (Phase::Draining(Cause::Migrated), exit) => {
            job.migrations += 1;
            // A program that fails on its way out is nobody's to launch again unasked; that spends no retry, as after a
            // preemption.
            if exit == Exit::Stopped && !job.goal.is_empty() { Phase::Launching } else { Phase::Ready }
        }
        (Phase::Draining(Cause::NodeLost), _) => {
            job.node_losses += 1;
            let again = job.node_losses <= u32::from(job.spec.retry.node_losses_max);
            if again { Phase::Ready } else { Phase::Done(Outcome::Failed) }
        }
        (Phase::Draining(Cause::Cancelled), _) => Phase::Done(Outcome::Cancelled),
        (Phase::Draining(Cause::TimeLimit), _) => Phase::Done(Outcome::TimedOut),
        (Phase::Draining(Cause::Held), _) => Phase::Held(Hold::Operator),
        (Phase::Draining(Cause::Released), _) => Phase::Ready,
        (_, exit) => {
            job.failures += 1;
            let code = if let Exit::Failed(code) = exit { code } else { -1 };
            match job.spec.retry.allows(code, job.failures) {
                true if job.spec.retry.backoff > Span::ZERO => Phase::Held(Hold::Backoff),
                true => Phase::Ready,
                false => Phase::Done(Outcome::Failed),
            }
        }
    }
}

pub(super) fn enter(state: &mut State, id: JobId, phase: Phase, out: &mut Vec<Command>) {
    match phase {
        Phase::Done(outcome) => close(state, id, outcome, out),
        Phase::Launching => arrive(state, id),
        Phase::Held(Hold::Backoff) => {
            set_phase(state, id, phase);
            let job = state.job(id);
            let at = state.now + job.spec.retry.backoff;
            out.push(Command::Alarm { at, run: job.run(id), kind: Alarm::Backoff });
        }
        _ => set_phase(state, id, phase),
    }
}
