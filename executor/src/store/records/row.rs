//! What is written: plain rows, each with all its values, so that a later one replaces an earlier one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A row of one of the tables.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// A job that is new: where it can be found by tenant and label is written once.
    Submitted {
        /// As it is now.
        job: Box<JobRow>,
        /// What its owner submitted, as JSON.
        job_file: String,
    },
    /// A job as it is now. Its tenant and its labels are those that it was submitted with.
    Job(Box<JobRow>),
    /// A run as it is now.
    Run(Box<RunRow>),
    /// A run was ordered to start, and holds its GPUs from then on.
    Held(Box<HeldRow>),
    /// A run has ended, and holds nothing any more.
    Freed(FreedRow),
    /// Who did what. Rows are numbered in the order of the journal and never changed.
    Audit(Box<AuditRow>),
}

/// A job. Times are microseconds since 1970 (UTC), or since whatever the server counts from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRow {
    /// Its number.
    pub number: u32,
    /// What its owner calls it.
    pub name: Option<String>,
    /// Who pays, as a path such as `research/vision`.
    pub tenant: String,
    /// Who submitted it.
    pub owner: String,
    /// The queue.
    pub queue: String,
    /// What it does, in one word.
    pub state: String,
    /// Stable code of why it waits.
    pub reason_code: Option<String>,
    /// The same in words.
    pub reason: Option<String>,
    /// Higher goes first.
    pub priority: i32,
    /// Thousandths of GPUs of all its tasks.
    pub gpus_milli: u64,
    /// Tasks.
    pub tasks: u32,
    /// When it was submitted.
    pub submitted_us: u64,
    /// When its first run started.
    pub first_start_us: Option<u64>,
    /// When it was over; `None` while it is not.
    pub ended_us: Option<u64>,
    /// Runs that were launched.
    pub attempts: u32,
    /// How often it was preempted.
    pub preemptions: u32,
    /// What its last run ended with.
    pub exit_code: Option<i32>,
    /// How it ended, in one word.
    pub outcome: Option<String>,
    /// Marks of its owner.
    pub labels: BTreeMap<String, String>,
}

/// A run of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRow {
    /// The job.
    pub job: u32,
    /// Which of its runs, as the engine counts them.
    pub attempt: u32,
    /// Nodes that it runs on, without repetition.
    pub nodes: Vec<String>,
    /// GPUs that it holds.
    pub gpus: Vec<HeldGpu>,
    /// When it was ordered.
    pub launched_us: u64,
    /// When all its tasks ran.
    pub started_us: Option<u64>,
    /// When none of them ran any more.
    pub ended_us: Option<u64>,
    /// How it ended, in one word.
    pub end: Option<String>,
    /// Exit code of its program.
    pub exit_code: Option<i32>,
    /// The signal that killed it.
    pub signal: Option<i32>,
    /// The last checkpoint that it named.
    pub checkpoint: Option<String>,
}

/// A GPU, or a part of one, that a run holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldGpu {
    /// Name of the node.
    pub node: String,
    /// Its index there.
    pub index: u32,
    /// Its unique name, where it is a real one.
    pub uuid: Option<String>,
    /// Thousandths of it.
    pub milli: u16,
}

/// What a run holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldRow {
    /// The job.
    pub job: u32,
    /// Which of its runs.
    pub attempt: u32,
    /// Since when.
    pub launched_us: u64,
    /// Who pays.
    pub tenant: String,
    /// Who submitted it.
    pub owner: String,
    /// GPU models with thousandths of GPUs; a run without GPUs has one of no name and none of it.
    pub gpus: BTreeMap<String, u64>,
}

/// The end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreedRow {
    /// The job.
    pub job: u32,
    /// Which of its runs.
    pub attempt: u32,
    /// When.
    pub at_us: u64,
    /// What the time was used for.
    pub used: Use,
    /// Work of a preempted run that was not saved, in thousandths of GPUs times microseconds.
    pub lost_milli_us: u64,
    /// Whether its job is over with it.
    pub job_ends: bool,
}

/// What the time of a run was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Use {
    /// The work was done.
    Finished,
    /// The program failed, or hit its time limit.
    Failed,
    /// It was stopped for another reason: preempted, held, cancelled, moved, or lost.
    Stopped,
}

/// Who did what, from where, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditRow {
    /// When.
    pub at_us: u64,
    /// Who; empty where nobody could tell.
    pub who: String,
    /// With which role.
    pub role: String,
    /// From which address.
    pub from_addr: String,
    /// What was tried, such as `submit`.
    pub verb: String,
    /// With what, such as `job 7`.
    pub subject: String,
    /// What came of it, such as `done` or `refused`.
    pub outcome: String,
    /// More about it.
    pub detail: Option<String>,
}
