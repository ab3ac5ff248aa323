//! Facts change the state here and nowhere else: one function a concern, the life of a job in one `match`.

mod gpus;
mod migrate;
mod operator;
mod run;

pub(crate) use self::gpus::{claim_waits, evict, grant_claims, order_launch, place};
pub(crate) use self::migrate::migrate;
use self::operator::{alarm, cancel, hold, node_down, node_up, put_first, release};
use self::run::{end_run, save, start_run};
use crate::cluster::NodeState;
use crate::event::{Command, Event};
use crate::fault::Fault;
use crate::ids::{ClassId, JobId, KindId, NodeId, RunId, TenantId};
use crate::job::{Hold, Job, JobSpec, Outcome, Phase};
use crate::shape::Shape;
use crate::state::{Class, Plan, Round, State, Triggers};
use crate::terms::Terms;
use crate::time::Span;

/// Applies one fact at `state.now`. Orders that follow from it go to `out`.
pub(crate) fn apply(state: &mut State, event: &Event, out: &mut Vec<Command>) -> Result<(), Fault> {
    state.totals.events += 1;
    match event {
        Event::Ended { run, exit, saved } => {
            if let Some(job) = live_run(state, *run)? {
                end_run(state, job, *exit, *saved, out);
            }
        }
        Event::Started { run, rate } => {
            if let Some(job) = live_run(state, *run)? {
                start_run(state, job, *rate, out);
            }
        }
        Event::Saved { run, work } => {
            if let Some(job) = live_run(state, *run)? {
                save(state, job, *work);
            }
        }
        Event::NodeDown { node } => node_down(state, known_node(state, *node)?, out),
        Event::NodeUp { node } => node_up(state, known_node(state, *node)?),
        Event::ClassDeclared { class, shape } => declare_class(state, *class, shape)?,
        Event::TenantDeclared { tenant, name, parent, weight_milli } => {
            declare_tenant(state, *tenant, name, *parent, *weight_milli)?;
        }
        Event::Submitted { job, spec, truth } => submit(state, *job, spec, *truth, out)?,
        Event::Cancelled { job } => cancel(state, known_job(state, *job)?, out),
        Event::JobHeld { job } => hold(state, known_job(state, *job)?, out),
        Event::JobReleased { job } => release(state, known_job(state, *job)?, out),
        Event::PutFirst { job } => put_first(state, known_job(state, *job)?),
        Event::NodeDrained { node } => {
            let node = known_node(state, *node)?;
            if state.cluster.state(node) == NodeState::Up {
                state.cluster.set_state(node, NodeState::Draining, state.now);
                state.freed_epoch += 1;
            }
        }
        Event::NodeResumed { node } => {
            let node = known_node(state, *node)?;
            if state.cluster.state(node) == NodeState::Draining {
                node_up(state, node);
            }
        }
        Event::Alarm { run, kind } => alarm(state, *run, *kind, out)?,
        Event::TermsChanged { tenant, terms } => change_terms(state, *tenant, *terms)?,
        Event::QueueDeclared { queue, name } => {
            if queue.index() != state.queues.len() {
                return Err(Fault::QueueOutOfOrder(*queue));
            }
            state.queues.push(name.clone());
        }
        Event::NameDeclared { name, text } => {
            if name.index() != state.names.len() {
                return Err(Fault::NameOutOfOrder(*name));
            }
            state.names.push(text.clone());
        }
        Event::KindDeclared { kind, ppm } => declare_kind(state, *kind, ppm)?,
        Event::RestartOwed { job, owed } => owe_restart(state, known_job(state, *job)?, *owed),
        Event::WorkloadDeclared { tasks } => state.workload.clone_from(tasks),
        Event::Round { idle } => begin_round(state, *idle),
        Event::Woke => {
            // A wake-up that an earlier one replaced comes all the same; it says nothing.
            if state.wake.is_some_and(|at| at <= state.now) {
                state.wake = None;
                state.triggers = state.triggers.and(Triggers::WOKE);
            }
        }
    }
    Ok(())
}

fn owe_restart(state: &mut State, job: JobId, owed: Span) {
    state.jobs[job.index()].owed = owed;
    state.changes.push(job);
}

fn begin_round(state: &mut State, idle: bool) {
    let number = state.round.map_or(1, |round| round.number + 1);
    state.round = Some(Round { number, began: state.now, idle });
    state.triggers = state.triggers.and(Triggers::ROUND);
}

fn known_job(state: &State, job: JobId) -> Result<JobId, Fault> {
    if job.index() < state.jobs.len() { Ok(job) } else { Err(Fault::UnknownJob(job)) }
}

fn known_node(state: &State, node: NodeId) -> Result<NodeId, Fault> {
    if node.index() < state.cluster.len() { Ok(node) } else { Err(Fault::UnknownNode(node)) }
}

/// The job of `run` if that run is live; a fact about a dead run is ignored.
fn live_run(state: &State, run: RunId) -> Result<Option<JobId>, Fault> {
    let job = state.job(known_job(state, run.job)?);
    Ok((job.is_live() && job.launch_ordered && job.attempt == run.attempt).then_some(run.job))
}

fn declare_class(state: &mut State, class: ClassId, shape: &Shape) -> Result<(), Fault> {
    if class.index() != state.classes.len() {
        return Err(Fault::ClassOutOfOrder(class));
    }
    let malformed = |group: &crate::shape::TaskGroup| group.tasks_min == 0 || group.tasks_max < group.tasks_min;
    if shape.groups.is_empty() || shape.groups.iter().any(malformed) {
        return Err(Fault::MalformedShape(class));
    }
    let shape = shape.sorted();
    let impossible = state.cluster.inventory().holds(&shape).err().map(Into::into);
    state.classes.push(Class {
        gpu_milli: shape.gpu_milli(),
        gpu_milli_min: shape.gpu_milli_min(),
        least: shape.least(),
        shape,
        impossible,
    });
    state.class_reasons.push(impossible);
    Ok(())
}

fn declare_kind(state: &mut State, kind: KindId, ppm: &[u32]) -> Result<(), Fault> {
    if kind.index() != state.kinds.len() {
        return Err(Fault::KindOutOfOrder(kind));
    }
    state.kinds.push(ppm.to_vec());
    Ok(())
}

fn declare_tenant(
    state: &mut State,
    tenant: TenantId,
    name: &str,
    parent: Option<TenantId>,
    weight_milli: u32,
) -> Result<(), Fault> {
    let in_order = tenant.index() == state.tenants.len() && parent.is_none_or(|parent| parent < tenant);
    if !in_order || weight_milli == 0 {
        return Err(Fault::TenantOutOfOrder(tenant));
    }
    state.tenants.declare(name.to_owned(), parent, weight_milli, state.now);
    Ok(())
}

fn change_terms(state: &mut State, tenant: TenantId, terms: Terms) -> Result<(), Fault> {
    if tenant.index() >= state.tenants.len() || terms.weight_milli == 0 {
        return Err(Fault::TenantOutOfOrder(tenant));
    }
    state.tenants.set_terms(tenant, terms);
    // Who may run has changed, whether or not anything is free: all that policies remember of failures is void.
    state.freed_epoch += 1;
    state.triggers = state.triggers.and(Triggers::FREED);
    Ok(())
}

fn submit(
    state: &mut State,
    id: JobId,
    spec: &JobSpec,
    truth: Option<Span>,
    out: &mut Vec<Command>,
) -> Result<(), Fault> {
    if id.index() != state.jobs.len() {
        return Err(Fault::JobOutOfOrder(id));
    }
    let named = [spec.name, spec.qos].into_iter().flatten().all(|name| name.index() < state.names.len());
    let known = named
        && spec.kind.is_none_or(|kind| kind.index() < state.kinds.len())
        && spec.class.index() < state.classes.len()
        && spec.tenant.index() < state.tenants.len()
        && spec.queue.index() < state.queues.len();
    if !known || spec.after.iter().any(|parent| *parent >= id) {
        return Err(Fault::BadReference(id));
    }
    state.jobs.push(Job::new(spec.clone(), state.now));
    state.truths.push(truth.unwrap_or(Span::MAX));
    state.plans.push(Plan::Nothing);
    state.totals.open += 1;
    state.totals.ready += 1;
    for parent in &spec.after {
        if state.job(*parent).outcome().is_none() {
            state.children.entry(*parent).or_default().push(id);
        }
    }
    if state.class(spec.class).impossible.is_some() {
        close(state, id, Outcome::Rejected, out);
    } else if spec.held {
        set_phase(state, id, Phase::Held(Hold::Operator));
    } else {
        settle_parents(state, id, out);
    }
    Ok(())
}

/// Makes a job that nothing else holds ready, or held, or over, as its parents stand.
fn settle_parents(state: &mut State, id: JobId, out: &mut Vec<Command>) {
    if !may_wait(state, id) {
        close(state, id, Outcome::ParentFailed, out);
    }
}

/// The same, but leaves a job open that a parent has failed: `false`.
fn may_wait(state: &mut State, id: JobId) -> bool {
    let mut waits = false;
    for parent in &state.job(id).spec.after {
        match state.job(*parent).outcome() {
            Some(Outcome::Finished) => {}
            Some(_) => return false,
            None => waits = true,
        }
    }
    let phase = if waits { Phase::Held(Hold::Parents) } else { Phase::Ready };
    set_phase(state, id, phase);
    true
}

/// Enters a phase, and keeps totals, change log and triggers in step.
pub(crate) fn set_phase(state: &mut State, id: JobId, phase: Phase) {
    let now = state.now;
    let job = &mut state.jobs[id.index()];
    let before = std::mem::replace(&mut job.phase, phase);
    if phase == Phase::Ready {
        job.ready_since = now;
        state.triggers = state.triggers.and(Triggers::ARRIVED);
    }
    state.totals.ready -= u64::from(before == Phase::Ready);
    state.totals.ready += u64::from(phase == Phase::Ready);
    state.changes.push(id);
}

pub(crate) fn close(state: &mut State, id: JobId, outcome: Outcome, out: &mut Vec<Command>) {
    finish(state, id, outcome, out);
    // A loop, not a recursion: chains of jobs can be longer than the stack is deep.
    let mut open = children(state, id);
    while let Some(child) = open.pop() {
        if state.job(child).phase == Phase::Held(Hold::Parents) && !may_wait(state, child) {
            finish(state, child, Outcome::ParentFailed, out);
            open.extend(children(state, child));
        }
    }
}

fn finish(state: &mut State, id: JobId, outcome: Outcome, out: &mut Vec<Command>) {
    set_phase(state, id, Phase::Done(outcome));
    state.jobs[id.index()].ended = state.now;
    state.totals.open -= 1;
    out.push(Command::Close { job: id, outcome });
}

/// Jobs that wait for `id`, the last one first. They are forgotten.
fn children(state: &mut State, id: JobId) -> Vec<JobId> {
    let mut children = state.children.remove(&id).unwrap_or_default();
    children.reverse();
    children
}
