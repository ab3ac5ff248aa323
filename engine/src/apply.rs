//! Facts change the state here and nowhere else: one function a concern, the life of a job in one `match`.

use crate::cluster::NodeState;
use crate::event::{Alarm, Command, Event, Exit};
use crate::fault::Fault;
use crate::ids::{ClassId, JobId, NodeId, RunId, TenantId};
use crate::inventory::UNLIMITED;
use crate::job::{Cause, Hold, Job, JobSpec, Outcome, Phase};
use crate::placement::{Slice, gpu_milli};
use crate::shape::Shape;
use crate::state::{Class, Plan, State, Triggers};
use crate::time::{Rate, Span, Time};

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
    state.classes.push(Class { gpu_milli: shape.gpu_milli(), gpu_milli_min: shape.gpu_milli_min(), shape, impossible });
    state.class_reasons.push(impossible);
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
    let known = spec.class.index() < state.classes.len() && spec.tenant.index() < state.tenants.len();
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

fn start_run(state: &mut State, id: JobId, rate: Rate, out: &mut Vec<Command>) {
    let now = state.now;
    let job = &mut state.jobs[id.index()];
    if job.running_since != Time::NEVER {
        return;
    }
    job.running_since = now;
    job.saved_at = now;
    job.rate = rate;
    let run = job.run(id);
    if let Some(limit) = job.spec.time_limit {
        out.push(Command::Alarm { at: now + limit, run, kind: Alarm::TimeLimit });
    }
    if job.phase == Phase::Launching {
        set_phase(state, id, Phase::Running);
    }
    state.triggers = state.triggers.and(Triggers::PROGRESS);
}

fn save(state: &mut State, id: JobId, work: Span) {
    let now = state.now;
    let job = &mut state.jobs[id.index()];
    job.work_saved = job.work_saved.max(work);
    job.saved_at = now;
    state.changes.push(id);
    state.triggers = state.triggers.and(Triggers::PROGRESS);
}

/// The end of the live run of `id`: settles its accounts, frees its GPUs, and finds its next phase.
fn end_run(state: &mut State, id: JobId, exit: Exit, saved: Option<Span>, out: &mut Vec<Command>) {
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
        job.gpu_milli_micros += u128::from(milli) * u128::from(ran.0);
    }
    let tenant = job.spec.tenant;
    state.totals.lost_milli_micros += u128::from(milli) * u128::from(attempt_lost.0);
    state.totals.launched -= 1;
    state.totals.held_milli -= milli;
    state.tenants.release(tenant, milli, now);
    if matches!(phase, Phase::Draining(_)) {
        state.draining.retain(|other| *other != id);
    } else {
        vacate(state, id);
    }
    retire(state, id);
    let next = next_phase(&mut state.jobs[id.index()], phase, exit);
    enter(state, id, next, out);
    grant_claims(state, out);
}

/// The life of a job after a run: what it was doing and how the run ended decide what comes next.
fn next_phase(job: &mut Job, phase: Phase, exit: Exit) -> Phase {
    match (phase, exit) {
        (_, Exit::Completed) => Phase::Done(Outcome::Finished),
        (Phase::Draining(Cause::Preempted), _) => {
            job.preemptions += 1;
            Phase::Ready
        }
        (Phase::Draining(Cause::NodeLost), _) => {
            job.node_losses += 1;
            let again = job.node_losses <= u32::from(job.spec.retry.node_losses_max);
            if again { Phase::Ready } else { Phase::Done(Outcome::Failed) }
        }
        (Phase::Draining(Cause::Cancelled), _) => Phase::Done(Outcome::Cancelled),
        (Phase::Draining(Cause::TimeLimit), _) => Phase::Done(Outcome::TimedOut),
        (Phase::Draining(Cause::Held), _) => Phase::Held(Hold::Operator),
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

fn enter(state: &mut State, id: JobId, phase: Phase, out: &mut Vec<Command>) {
    match phase {
        Phase::Done(outcome) => close(state, id, outcome, out),
        Phase::Held(Hold::Backoff) => {
            set_phase(state, id, phase);
            let job = state.job(id);
            let at = state.now + job.spec.retry.backoff;
            out.push(Command::Alarm { at, run: job.run(id), kind: Alarm::Backoff });
        }
        _ => set_phase(state, id, phase),
    }
}

/// Gives the GPUs of a live job back to planning.
pub(crate) fn vacate(state: &mut State, id: JobId) {
    for slice in &state.jobs[id.index()].placement {
        state.cluster.vacate(slice);
    }
    freed(state);
}

fn freed(state: &mut State) {
    state.freed_epoch += 1;
    state.triggers = state.triggers.and(Triggers::FREED);
}

/// Takes a job whose run is over out of the table of live runs.
fn retire(state: &mut State, id: JobId) {
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

/// Orders the launch of every claim whose GPUs no longer drain.
pub(crate) fn grant_claims(state: &mut State, out: &mut Vec<Command>) {
    if state.claims.is_empty() {
        return;
    }
    let claims = std::mem::take(&mut state.claims);
    for id in claims {
        if claim_waits(state, id) {
            state.claims.push(id);
        } else {
            order_launch(state, id, out);
        }
    }
}

/// Whether a GPU, or CPU or memory that only a draining run can give, is still in use.
pub(crate) fn claim_waits(state: &State, id: JobId) -> bool {
    let wanted = &state.job(id).placement;
    state.draining.iter().any(|other| {
        let held = &state.job(*other).placement;
        held.iter().any(|slice| wanted.iter().any(|want| conflicts(state, slice, want)))
    })
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
            Cause::Preempted | Cause::NodeLost => Phase::Ready,
            Cause::Cancelled => Phase::Done(Outcome::Cancelled),
            Cause::TimeLimit => Phase::Done(Outcome::TimedOut),
            Cause::Held => Phase::Held(Hold::Operator),
        };
        return enter(state, id, next, out);
    }
    let (run, grace) = (job.run(id), job.spec.grace);
    set_phase(state, id, Phase::Draining(cause));
    state.draining.push(id);
    if cause == Cause::NodeLost {
        out.push(Command::Kill { run });
        return;
    }
    out.push(Command::Drain { run, grace });
    if grace > Span::ZERO {
        out.push(Command::Alarm { at: state.now + grace, run, kind: Alarm::Grace });
    }
}

fn node_down(state: &mut State, node: NodeId, out: &mut Vec<Command>) {
    state.cluster.set_state(node, NodeState::Down, state.now);
    // Nothing became free, but what policies remember about the cluster is no longer true.
    state.freed_epoch += 1;
    let on_node = |id: &&JobId| state.job(**id).placement.iter().any(|slice| slice.node == node);
    let mut hit: Vec<JobId> = state.live.iter().filter(on_node).copied().collect();
    hit.sort_unstable();
    for id in hit {
        if let Phase::Draining(_) = state.job(id).phase {
            out.push(Command::Kill { run: state.job(id).run(id) });
        } else {
            drain(state, id, Cause::NodeLost, out);
        }
    }
}

fn node_up(state: &mut State, node: NodeId) {
    state.cluster.set_state(node, NodeState::Up, state.now);
    freed(state);
}

fn cancel(state: &mut State, id: JobId, out: &mut Vec<Command>) {
    match state.job(id).phase {
        Phase::Held(_) | Phase::Ready => close(state, id, Outcome::Cancelled, out),
        Phase::Launching | Phase::Running => {
            drain(state, id, Cause::Cancelled, out);
            grant_claims(state, out);
        }
        Phase::Draining(_) => set_phase(state, id, Phase::Draining(Cause::Cancelled)),
        Phase::Done(_) => {}
    }
}

fn hold(state: &mut State, id: JobId, out: &mut Vec<Command>) {
    match state.job(id).phase {
        Phase::Ready | Phase::Held(_) => set_phase(state, id, Phase::Held(Hold::Operator)),
        Phase::Launching | Phase::Running => {
            drain(state, id, Cause::Held, out);
            grant_claims(state, out);
        }
        Phase::Draining(Cause::Preempted | Cause::NodeLost) => set_phase(state, id, Phase::Draining(Cause::Held)),
        Phase::Draining(_) | Phase::Done(_) => {}
    }
}

fn release(state: &mut State, id: JobId, out: &mut Vec<Command>) {
    match state.job(id).phase {
        Phase::Held(Hold::Operator) => settle_parents(state, id, out),
        Phase::Draining(Cause::Held) => set_phase(state, id, Phase::Draining(Cause::Preempted)),
        _ => {}
    }
}

fn alarm(state: &mut State, run: RunId, kind: Alarm, out: &mut Vec<Command>) -> Result<(), Fault> {
    let id = known_job(state, run.job)?;
    let job = state.job(id);
    if job.attempt != run.attempt {
        return Ok(());
    }
    match (kind, job.phase) {
        (Alarm::TimeLimit, Phase::Running) => {
            drain(state, id, Cause::TimeLimit, out);
            grant_claims(state, out);
        }
        (Alarm::Grace, Phase::Draining(_)) => out.push(Command::Kill { run }),
        (Alarm::Backoff, Phase::Held(Hold::Backoff)) => settle_parents(state, id, out),
        _ => {}
    }
    Ok(())
}
