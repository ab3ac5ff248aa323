//! Jobs and nodes as people see them.

use engine::{Core, JobId, NodeId, NodeState, Outcome, Phase, Reason, Time};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::book::{Book, JobEntry};
use crate::health::DeviceView;

/// A job as `queue` and `info` show it. Times are seconds of the scheduler's clock, which began when the server did for the
/// first time; `origin_us` of the cluster says when that was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobView {
    /// Its number.
    pub job: u32,
    /// Its name.
    pub name: Option<String>,
    /// Path of its tenant.
    pub tenant: String,
    /// Who submitted it.
    pub owner: String,
    /// Its queue; empty: the one without a name.
    pub queue: String,
    /// `held`, `pending`, `launching`, `running`, `stopping`, or how it ended: `finished`, `failed`, `cancelled`, `timed-out`,
    /// `rejected`, `parent-failed`.
    #[schema(schema_with = crate::api::openapi::job_states)]
    pub state: String,
    /// Stable code of the reason why it does not run, while it does not.
    #[schema(pattern = "^[a-z-]+$")]
    pub reason: Option<String>,
    /// The same in words.
    pub reason_text: Option<String>,
    /// Priority.
    pub priority: i32,
    /// An operator put it before all others.
    #[serde(default)]
    pub first: bool,
    /// GPUs of the whole gang.
    pub gpus: f64,
    /// Tasks of the gang.
    pub tasks: u32,
    /// When it was submitted.
    pub submitted_s: f64,
    /// When its present run, or the last one, was launched.
    pub launched_s: Option<f64>,
    /// Since when it makes progress.
    pub running_s: Option<f64>,
    /// When it ended.
    pub ended_s: Option<f64>,
    /// Seconds that it has made progress, over all its runs.
    pub ran_s: f64,
    /// Attempts so far.
    pub attempts: u32,
    /// Times that others took its GPUs.
    pub preemptions: u32,
    /// Nodes of the live run, with the indices of its GPUs.
    pub nodes: Vec<(String, Vec<u32>)>,
    /// The last checkpoint that it named.
    pub checkpoint: Option<String>,
}

/// A node as `nodes` shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NodeView {
    /// Its name.
    pub node: String,
    /// `up`, `draining` or `down`.
    #[schema(pattern = "^(up|draining|down)$")]
    pub state: String,
    /// Why, where somebody said so.
    pub reason: Option<String>,
    /// Who said so; `health` where the server found that a GPU does not work.
    #[serde(default)]
    pub by: Option<String>,
    /// GPU model.
    pub model: String,
    /// GPUs.
    pub gpus: u32,
    /// Wholly free GPUs.
    pub gpus_free: u32,
    /// Jobs that hold something there.
    pub jobs: Vec<u32>,
    /// Its GPUs one by one, where they are real ones of this machine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<DeviceView>,
}

/// Word for the state of a job.
pub fn state_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Held(_) => "held",
        Phase::Ready => "pending",
        Phase::Launching => "launching",
        Phase::Running => "running",
        Phase::Draining(_) => "stopping",
        Phase::Done(outcome) => Outcome::name(outcome),
    }
}

/// Word for the state of a node.
pub fn node_word(state: NodeState) -> &'static str {
    match state {
        NodeState::Up => "up",
        NodeState::Draining => "draining",
        NodeState::Down => "down",
    }
}

fn secs(time: Time) -> Option<f64> {
    time.known().map(Time::secs_f64)
}

/// A reason in words; on hold, with who wanted it and why.
fn reason_text(reason: Reason, entry: &JobEntry) -> String {
    match &entry.held {
        Some(held) if reason == Reason::OnHold && held.reason.is_empty() => format!("{reason}, by {}", held.by),
        Some(held) if reason == Reason::OnHold => format!("{reason}, by {}: {}", held.by, held.reason),
        _ => reason.to_string(),
    }
}

/// A job, if there is one of this number.
pub fn job(core: &Core, book: &Book, id: JobId) -> Option<JobView> {
    let state = core.state();
    let job = state.jobs().get(id.index())?;
    let entry = book.job(id)?;
    let reason = state.reason(id);
    let inventory = state.cluster().inventory();
    let nodes = job
        .placement
        .iter()
        .map(|slice| (inventory.nodes[slice.node.index()].name.clone(), slice.gpu_indices().collect()));
    Some(JobView {
        job: id.0,
        name: entry.file.name.clone(),
        tenant: book.tenant_path(job.spec.tenant).to_owned(),
        owner: entry.owner.clone(),
        queue: state.queue(job.spec.queue).to_owned(),
        state: state_word(job.phase).to_owned(),
        reason: reason.map(|reason| reason.code().to_owned()),
        reason_text: reason.map(|reason| reason_text(reason, entry)),
        priority: job.spec.priority,
        first: job.is_first(),
        gpus: state.class_of(id).gpu_milli as f64 / 1000.0,
        tasks: entry.file.tasks,
        submitted_s: job.submitted.secs_f64(),
        launched_s: secs(job.launched),
        running_s: secs(job.running_since),
        ended_s: secs(job.ended),
        ran_s: job.attained(state.now()).secs_f64(),
        attempts: job.attempt,
        preemptions: job.preemptions,
        nodes: nodes.collect(),
        checkpoint: entry.checkpoint.clone(),
    })
}

/// Jobs that have not ended, in order of submission, from number `from` on, at most `limit`.
pub fn open_jobs(core: &Core, book: &Book, from: JobId, limit: usize) -> Vec<JobView> {
    let jobs = core.state().jobs().iter().enumerate().skip(from.index());
    let open = jobs.filter(|(_, job)| job.outcome().is_none()).take(limit);
    open.filter_map(|(index, _)| job(core, book, JobId::new(index))).collect()
}

/// All nodes.
pub fn nodes(core: &Core, book: &Book) -> Vec<NodeView> {
    let (state, cluster) = (core.state(), core.state().cluster());
    let mut jobs: Vec<Vec<u32>> = vec![Vec::new(); cluster.len()];
    for id in state.live() {
        for slice in &state.job(*id).placement {
            let on_node = &mut jobs[slice.node.index()];
            if on_node.last() != Some(&id.0) {
                on_node.push(id.0);
            }
        }
    }
    let view = |(index, mut jobs): (usize, Vec<u32>)| {
        let (node, spec) = (NodeId::new(index), cluster.spec(NodeId::new(index)));
        jobs.sort_unstable();
        jobs.dedup();
        let model = cluster.inventory().models.get(spec.model.index()).filter(|_| spec.gpus > 0);
        let drained = book.drained(&spec.name).filter(|_| cluster.state(node) != NodeState::Up);
        NodeView {
            node: spec.name.clone(),
            state: node_word(cluster.state(node)).to_owned(),
            reason: drained.map(|drained| drained.reason.clone()),
            by: drained.map(|drained| drained.by.clone()),
            model: model.map_or_else(String::new, |model| model.name.clone()),
            gpus: spec.gpus,
            gpus_free: cluster.free_gpus(node),
            jobs,
            devices: Vec::new(),
        }
    };
    jobs.into_iter().enumerate().map(view).collect()
}
