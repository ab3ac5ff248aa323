//! Why a job does not run, and what happened to it.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use engine::{Cause, Cluster, Core, GpuRequest, JobId, MICROS, MILLI, NodeId, NodeState, Phase, TaskRequest};

use super::answers::{EvictionView, Explanation, Shortage};
use super::error::{ApiError, Problem, json};
use super::extract::Path;
use super::identity::Identity;
use super::{App, SCHEMA};
use crate::book::Book;
use crate::view;

/// Most nodes that are named.
const CLOSED_MAX: usize = 4;

/// Why a job does not run.
#[utoipa::path(
    get, path = "/v1/jobs/{job}/explain", tag = "jobs", operation_id = "explain",
    params(("job" = String, Path, description = "Its number, or a name for the last one of that name", min_length = 1)),
    responses(
        (status = 200, description = "Why it does not run, and what happened to it", body = Explanation),
        (status = 400, description = "`bad-path`", body = Problem),
        (status = 404, description = "`unknown-job`", body = Problem),
    ),
)]
pub(super) async fn explain(
    State(app): State<App>,
    identity: Identity,
    Path(text): Path<String>,
) -> Result<Response, ApiError> {
    let wanted = text.clone();
    let look = move |core: &Core, book: &Book| explanation(core, book, &identity, identity.find(book, &wanted)?);
    let explanation = app.handle.look(look).await?.ok_or_else(|| ApiError::unknown_job(&text))?;
    Ok(json(StatusCode::OK, &explanation))
}

fn explanation(core: &Core, book: &Book, identity: &Identity, id: JobId) -> Option<Explanation> {
    let state = core.state();
    let job = state.jobs().get(id.index())?;
    let waits = job.spec.after.iter().filter(|parent| state.job(**parent).outcome().is_none());
    let pending = |jobs: &[engine::Job]| jobs.iter().filter(|job| job.phase == Phase::Ready).count() as u32;
    let is_pending = job.phase == Phase::Ready;
    let mut explanation = Explanation {
        schema: SCHEMA,
        job: identity.view(core, book, id)?,
        waits_for: waits.map(|parent| parent.0).collect(),
        position: is_pending.then(|| pending(&state.jobs()[..=id.index()])),
        pending: pending(state.jobs()),
        shortage: is_pending.then(|| shortage(core, id)),
        evictions: evictions(core, id),
        lines: Vec::new(),
    };
    // Who took its GPUs is not named to other tenants.
    for eviction in &mut explanation.evictions {
        eviction.by = eviction.by.filter(|by| identity.sees(book, JobId(*by)));
    }
    explanation.waits_for.retain(|parent| identity.sees(book, JobId(*parent)));
    explanation.lines = lines(&explanation);
    if is_pending {
        explanation.lines.extend(closed_nodes(core, book));
    }
    Some(explanation)
}

/// Nodes that take no work now, and why.
fn closed_nodes(core: &Core, book: &Book) -> Vec<String> {
    let closed: Vec<_> = view::nodes(core, book).into_iter().filter(|node| node.state != "up").collect();
    let line = |node: &view::NodeView| {
        let why = node.reason.as_ref().zip(node.by.as_ref()).map(|(reason, by)| format!(", by {by}: {reason}"));
        format!("node {} takes no work: it is {}{}", node.node, node.state, why.unwrap_or_default())
    };
    let mut lines: Vec<String> = closed.iter().take(CLOSED_MAX).map(line).collect();
    if closed.len() > CLOSED_MAX {
        lines.push(format!("{} more nodes take no work", closed.len() - CLOSED_MAX));
    }
    lines
}

fn evictions(core: &Core, id: JobId) -> Vec<EvictionView> {
    let gpu_s = |cost: u128| cost as f64 / (f64::from(MILLI) * MICROS as f64);
    let of_job = core.state().evictions().iter().filter(|eviction| eviction.job == id);
    let view = |eviction: &engine::Eviction| EvictionView {
        at_s: eviction.at.secs_f64(),
        attempt: eviction.attempt,
        cause: if eviction.cause == Cause::Migrated { "migrated" } else { "preempted" }.to_owned(),
        by: eviction.bill.by.map(|by| by.0),
        lost_gpu_s: gpu_s(eviction.lost),
        drained_gpu_s: gpu_s(eviction.drained),
        restarted_gpu_s: gpu_s(eviction.restarted),
    };
    of_job.map(view).collect()
}

/// What the first group of the gang needs, and what is idle. Job files have one group.
fn shortage(core: &Core, id: JobId) -> Shortage {
    let (cluster, class) = (core.state().cluster(), core.state().class_of(id));
    let group = &class.shape.groups[0];
    let request = &group.request;
    let allowed = |node: &NodeId| {
        let spec = cluster.spec(*node);
        let model = request.gpus.milli() == 0 || (spec.gpus > 0 && request.models.contains(spec.model));
        cluster.state(*node) == NodeState::Up && model
    };
    let (mut idle, mut free_milli) = (BTreeMap::new(), 0_u64);
    let (mut by_gpus, mut by_all) = (0_u32, 0_u32);
    for node in (0..cluster.len()).map(NodeId::new).filter(allowed) {
        let gpus = cluster.free_gpus(node);
        free_milli += (0..cluster.spec(node).gpus).map(|gpu| u64::from(cluster.free_milli_of(node, gpu))).sum::<u64>();
        if gpus > 0 {
            *idle.entry(gpus).or_insert(0) += 1;
        }
        let fit = tasks_by_gpus(cluster, node, request);
        by_gpus = by_gpus.saturating_add(fit);
        by_all = by_all.saturating_add(fit.min(tasks_by_others(cluster, node, request)));
    }
    Shortage {
        gpus_needed: class.gpu_milli_min as f64 / f64::from(MILLI),
        gpus_free: free_milli as f64 / f64::from(MILLI),
        tasks_needed: group.tasks_min,
        gpus_per_task: request.gpus.milli() as f64 / f64::from(MILLI),
        tasks_fit_by_gpus: by_gpus.min(group.tasks_min),
        tasks_fit: by_all.min(group.tasks_min),
        idle: idle.into_iter().rev().collect(),
    }
}

fn tasks_by_gpus(cluster: &Cluster, node: NodeId, request: &TaskRequest) -> u32 {
    match request.gpus {
        GpuRequest::Whole(0) => u32::MAX,
        GpuRequest::Whole(gpus) => cluster.free_gpus(node) / gpus,
        GpuRequest::Milli(milli) => {
            let fit = |gpu: u32| u32::from(cluster.free_milli_of(node, gpu) / milli);
            (0..cluster.spec(node).gpus).map(fit).sum()
        }
    }
}

fn tasks_by_others(cluster: &Cluster, node: NodeId, request: &TaskRequest) -> u32 {
    let fit = |free: u32, need: u32| free.checked_div(need).unwrap_or(u32::MAX);
    let cpu = fit(cluster.free_cpu_milli(node), request.cpu_milli);
    cpu.min(fit(cluster.free_memory_mib(node), request.memory_mib))
}

fn lines(explanation: &Explanation) -> Vec<String> {
    let job = &explanation.job;
    let mut lines = vec![format!("job {} is {}", job.job, job.state)];
    if let (Some(code), Some(text)) = (&job.reason, &job.reason_text) {
        lines.push(format!("{text} ({code})"));
    }
    if job.first && explanation.position.is_some() {
        lines.push("an operator put it first: it goes before all others in the order of the policy".to_owned());
    }
    if !explanation.waits_for.is_empty() {
        let parents: Vec<String> = explanation.waits_for.iter().map(u32::to_string).collect();
        lines.push(format!("waits until these jobs have finished: {}", parents.join(", ")));
    }
    if let Some(position) = explanation.position {
        lines.push(format!("number {position} of {} pending jobs in order of submission", explanation.pending));
    }
    lines.extend(explanation.shortage.as_ref().map(shortage_line));
    lines.extend(explanation.evictions.iter().map(eviction_line));
    lines
}

fn count(number: u32, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

fn shortage_line(shortage: &Shortage) -> String {
    let Shortage { gpus_needed, gpus_free, tasks_needed, gpus_per_task, tasks_fit, tasks_fit_by_gpus, idle } = shortage;
    let needs = if *tasks_needed == 1 {
        format!("the job needs {gpus_per_task} on one node")
    } else {
        format!("the gang needs {tasks_needed} x {gpus_per_task}, each on one node")
    };
    if tasks_fit == tasks_needed {
        return format!("there is room for it now ({gpus_free} GPUs are free): others go first");
    }
    if tasks_fit_by_gpus == tasks_needed {
        return format!(
            "enough GPUs are free, but not CPU and memory beside them: room for {tasks_fit} of {tasks_needed} tasks"
        );
    }
    if gpus_free < gpus_needed {
        return format!("short of GPUs: it needs {gpus_needed}, {gpus_free} are free");
    }
    let (gpus, nodes) = idle.iter().fold((0, 0), |(gpus, nodes), (each, of)| (gpus + each * of, nodes + of));
    let most = idle.first().map_or(0, |(gpus, _)| *gpus);
    let idle = format!("{} idle on {}, at most {most} on one", count(gpus, "GPU"), count(nodes, "node"));
    format!("fragmentation: {idle}; {needs}: room for {tasks_fit} of {tasks_needed} tasks")
}

fn eviction_line(eviction: &EvictionView) -> String {
    let by = eviction.by.map_or_else(String::new, |by| format!(" for job {by}"));
    let EvictionView { at_s, attempt, cause, lost_gpu_s, drained_gpu_s, restarted_gpu_s, .. } = eviction;
    format!(
        "attempt {attempt} was {cause}{by} at {at_s:.0} s: {lost_gpu_s:.0} GPU-s of work lost, {drained_gpu_s:.0} to stop, \
         {restarted_gpu_s:.0} to start again"
    )
}
