//! The log of the server: what each step has brought, as events with fields. Commands, environments and tokens are not in it.

use engine::{Cause, Command, Core, Event, Exit, Input, JobId, Phase, RunId};
use tracing::{debug, info, warn};

use crate::metrics::cause_word;
use crate::note::{Audit, Note};
use crate::view;
use crate::world::Shared;

/// Writes down what a step has brought. It is on the disk by now.
pub(crate) fn told(core: &Core, shared: &Shared, batch: &[Input], commands: &[Command]) {
    for note in &shared.open.notes {
        noted(note);
    }
    for input in batch {
        happened(core, shared, &input.event);
    }
    for command in commands {
        ordered(core, command);
    }
}

fn noted(note: &Note) {
    match note {
        Note::Audit(Audit { who, from, verb, subject, outcome, detail, .. }) if outcome != "done" => {
            info!(target: "trainyard", who, from, verb, subject, outcome, detail, "refused");
        }
        Note::Drained { node, by, reason } => info!(target: "trainyard", node, by, reason, "drained"),
        Note::ClockStepped { by_us } => {
            warn!(target: "trainyard", by_us, "the clock of the machine was set; scheduler time goes on evenly");
        }
        _ => {}
    }
}

fn happened(core: &Core, shared: &Shared, event: &Event) {
    let node_name = |node: engine::NodeId| core.state().cluster().spec(node).name.as_str();
    match event {
        Event::Submitted { job, .. } => submitted(core, shared, *job),
        Event::Started { run, .. } => debug!(target: "trainyard", job = run.job.0, attempt = run.attempt, "started"),
        Event::Saved { run, .. } => debug!(target: "trainyard", job = run.job.0, attempt = run.attempt, "saved"),
        Event::Ended { run, exit, .. } => {
            let exit = match exit {
                Exit::Completed => "completed",
                Exit::Failed(_) => "failed",
                Exit::Stopped => "stopped",
            };
            let state = view::state_word(core.state().job(run.job).phase);
            info!(target: "trainyard", job = run.job.0, attempt = run.attempt, exit, state, "ended");
        }
        Event::Cancelled { job } => info!(target: "trainyard", job = job.0, "cancelled"),
        Event::JobHeld { job } => info!(target: "trainyard", job = job.0, "held"),
        Event::JobReleased { job } => info!(target: "trainyard", job = job.0, "released"),
        Event::NodeResumed { node } => info!(target: "trainyard", node = node_name(*node), "resumed"),
        Event::NodeDown { node } => warn!(target: "trainyard", node = node_name(*node), "down"),
        Event::NodeUp { node } => info!(target: "trainyard", node = node_name(*node), "up"),
        _ => {}
    }
}

fn submitted(core: &Core, shared: &Shared, id: JobId) {
    let Some(entry) = shared.book.job(id) else { return };
    let tenant = shared.book.tenant_path(core.state().job(id).spec.tenant);
    let gpus = core.state().class_of(id).gpu_milli as f64 / 1000.0;
    info!(target: "trainyard", job = id.0, tenant, owner = entry.owner.as_str(), gpus, "submitted");
}

fn ordered(core: &Core, command: &Command) {
    match command {
        Command::Launch { run, placement, .. } => {
            let cluster = core.state().cluster();
            let mut nodes: Vec<&str> = placement.iter().map(|slice| cluster.spec(slice.node).name.as_str()).collect();
            nodes.dedup();
            let node = nodes.join(",");
            info!(target: "trainyard", job = run.job.0, attempt = run.attempt, node, "launched");
        }
        Command::Drain { run, .. } => {
            let cause = cause(core, run.job);
            let by = by(core, *run);
            info!(target: "trainyard", job = run.job.0, attempt = run.attempt, cause, by, "stops");
        }
        Command::Kill { run } => {
            let cause = cause(core, run.job);
            info!(target: "trainyard", job = run.job.0, attempt = run.attempt, cause, "is killed");
        }
        _ => {}
    }
}

/// The job that gets the GPUs of a run that was stopped for others.
fn by(core: &Core, run: RunId) -> Option<u32> {
    if !matches!(core.state().job(run.job).phase, Phase::Draining(Cause::Preempted | Cause::Migrated)) {
        return None;
    }
    // It was stopped just now.
    let mut evictions = core.state().evictions().iter().rev();
    evictions.find(|eviction| eviction.job == run.job && eviction.attempt == run.attempt)?.bill.by.map(|by| by.0)
}

fn cause(core: &Core, job: JobId) -> &'static str {
    match core.state().job(job).phase {
        Phase::Draining(cause) => cause_word(cause),
        phase => view::state_word(phase),
    }
}
