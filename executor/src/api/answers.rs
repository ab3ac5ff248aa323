//! What the API answers, for the server and for its clients.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::job_file::JobFile;
use crate::store::records::AuditLine;
use crate::view::{JobView, NodeView};

/// Answer of `/healthz` and `/readyz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `alive` or `ready`.
    #[schema(pattern = "^(alive|ready)$")]
    pub status: String,
}

/// Answer to whatever is about one job and needs no more: its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Submitted {
    /// Version of the answer.
    #[schema(minimum = 1, maximum = 1)]
    pub schema: u32,
    /// The job; none where a submission was only tried.
    pub job: Option<u32>,
    /// What would be done, where it was only asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub would: Option<String>,
}

/// Why a job is put on hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldReason {
    /// The reason, for whoever waits for the job; empty: none is given.
    #[serde(default)]
    pub reason: String,
}

/// A page of jobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Jobs {
    /// Version of the answer.
    #[schema(minimum = 1, maximum = 1)]
    pub schema: u32,
    /// Wall-clock time of second 0, in microseconds since 1970.
    pub origin_us: u64,
    /// Scheduler time of the answer, in seconds.
    pub now_s: f64,
    /// The jobs, in order of submission.
    pub jobs: Vec<JobView>,
    /// What `after` must be for the next page; none: this is the last.
    pub next: Option<u32>,
}

/// One job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobInfo {
    /// Version of the answer.
    #[schema(minimum = 1, maximum = 1)]
    pub schema: u32,
    /// Wall-clock time of second 0, in microseconds since 1970.
    pub origin_us: u64,
    /// Scheduler time of the answer, in seconds.
    pub now_s: f64,
    /// The job as the scheduler sees it.
    pub job: JobView,
    /// How its last run ended, in words.
    pub end: Option<String>,
    /// As its owner wrote it.
    pub file: JobFile,
}

/// All nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Nodes {
    /// Version of the answer.
    #[schema(minimum = 1, maximum = 1)]
    pub schema: u32,
    /// The nodes.
    pub nodes: Vec<NodeView>,
}

/// What was done to a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeDone {
    /// Version of the answer.
    #[schema(minimum = 1, maximum = 1)]
    pub schema: u32,
    /// Its name.
    pub node: String,
    /// What would be done, where it was only asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub would: Option<String>,
}

/// A job says that it saved all its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Saved {
    /// The job.
    pub job: u32,
    /// Its attempt.
    pub attempt: u32,
    /// Where the checkpoint is; empty where it does not say.
    #[serde(default)]
    pub checkpoint: String,
}

/// Why a node is drained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Drain {
    /// The reason, for whoever sees it later: one line.
    #[schema(min_length = 1, max_length = 500, pattern = r"^[^\x00-\x1f\x7f-\x9f]*\S[^\x00-\x1f\x7f-\x9f]*$")]
    pub reason: String,
}

/// A page of the audit log, the newest lines first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditLines {
    /// Version of the answer.
    pub schema: u32,
    /// The lines.
    pub lines: Vec<AuditLine>,
    /// What `after` must be for the next page; none: this is the last.
    pub next: Option<u64>,
}

/// Why a job does not run, and what happened to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// Version of the answer.
    #[schema(minimum = 1, maximum = 1)]
    pub schema: u32,
    /// The job, with code and text of the reason.
    pub job: JobView,
    /// Jobs that it waits for and that have not ended.
    pub waits_for: Vec<u32>,
    /// Its place among pending jobs in order of submission, from 1; none where it is not pending.
    pub position: Option<u32>,
    /// Pending jobs.
    pub pending: u32,
    /// What it needs and what there is, while it is pending.
    pub shortage: Option<Shortage>,
    /// Who took its GPUs, and at what cost.
    pub evictions: Vec<EvictionView>,
    /// All of it in words, the most important first.
    pub lines: Vec<String>,
}

/// What a pending job needs, and what is idle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Shortage {
    /// GPUs of the gang.
    pub gpus_needed: f64,
    /// Free GPUs of allowed models on nodes that are up.
    pub gpus_free: f64,
    /// Tasks of the gang.
    pub tasks_needed: u32,
    /// GPUs of each task, on one node.
    pub gpus_per_task: f64,
    /// Tasks for which there is room now, by GPUs alone.
    pub tasks_fit_by_gpus: u32,
    /// Tasks for which there is room now, with CPU and memory.
    pub tasks_fit: u32,
    /// Nodes with idle GPUs: wholly idle GPUs, and how many nodes have so many, the most first.
    pub idle: Vec<(u32, u32)>,
}

/// A run that was stopped for others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvictionView {
    /// When, in scheduler time.
    pub at_s: f64,
    /// The attempt that was stopped.
    pub attempt: u32,
    /// `preempted` or `migrated`.
    #[schema(pattern = "^(preempted|migrated)$")]
    pub cause: String,
    /// The job that got the GPUs, where it was one.
    pub by: Option<u32>,
    /// Work that has to be done again, in GPU-seconds.
    pub lost_gpu_s: f64,
    /// GPU-seconds between the order to stop and the end.
    pub drained_gpu_s: f64,
    /// GPU-seconds until it made progress again.
    pub restarted_gpu_s: f64,
}

/// What was held on some days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UsageReport {
    /// Version of the answer.
    #[schema(minimum = 1, maximum = 1)]
    pub schema: u32,
    /// The first day (UTC).
    pub since: String,
    /// The last day (UTC), which is counted too.
    pub until: String,
    /// What has a line of its own.
    #[schema(pattern = "^(tenant|owner|model|day)$")]
    pub by: String,
    /// A line a key, ordered by it.
    pub rows: Vec<UsageView>,
    /// All lines together; its key is empty.
    pub total: UsageView,
}

/// What was held by one tenant, by one user, of one GPU model, or on one day. A second of half a GPU is 0.5.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UsageView {
    /// Its name; GPU models of runs without GPUs have none.
    pub key: String,
    /// Held by runs, from the order to launch until the end, or until now.
    #[schema(minimum = 0)]
    pub gpu_s: f64,
    /// Of it: by runs that did their work.
    #[schema(minimum = 0)]
    pub finished_gpu_s: f64,
    /// Of it: by runs that failed, or hit their time limit.
    #[schema(minimum = 0)]
    pub failed_gpu_s: f64,
    /// Of it: by runs that were stopped for another reason.
    #[schema(minimum = 0)]
    pub stopped_gpu_s: f64,
    /// Of it: by runs that go on.
    #[schema(minimum = 0)]
    pub running_gpu_s: f64,
    /// Work of preempted runs that was not saved.
    #[schema(minimum = 0)]
    pub lost_gpu_s: f64,
    /// Runs that ended.
    pub runs: u64,
    /// Jobs that ended with one of them.
    pub jobs: u64,
}
