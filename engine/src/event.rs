//! Facts that happened, orders to the world, and how facts of one instant are sorted.

use serde::{Deserialize, Serialize};

use crate::ids::{ClassId, JobId, KindId, NameId, NodeId, QueueId, RunId, TenantId};
use crate::job::{JobSpec, Outcome};
use crate::placement::Placement;
use crate::shape::{Shape, TaskRequest};
use crate::terms::Terms;
use crate::time::{Rate, Span, Time};

/// A fact with its instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// When it happened.
    pub at: Time,
    /// What happened.
    pub event: Event,
}

/// A fact that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A run is over and its GPUs are free.
    Ended {
        /// The run.
        run: RunId,
        /// How it ended.
        exit: Exit,
        /// All work of the job that is safe now; `None` leaves the safe point where it was.
        saved: Option<Span>,
    },
    /// A run makes progress from now on.
    Started {
        /// The run.
        run: RunId,
        /// Its speed.
        rate: Rate,
    },
    /// A running job saved a checkpoint.
    Saved {
        /// The run.
        run: RunId,
        /// All work of the job that is safe now.
        work: Span,
    },
    /// A node broke.
    NodeDown {
        /// The node.
        node: NodeId,
    },
    /// A node works again.
    NodeUp {
        /// The node.
        node: NodeId,
    },
    /// A new shape; classes are declared in order, before their first job.
    ClassDeclared {
        /// Its identifier: the number of classes so far.
        class: ClassId,
        /// The gang.
        shape: Shape,
    },
    /// A new tenant; parents come before children.
    TenantDeclared {
        /// Its identifier: the number of tenants so far.
        tenant: TenantId,
        /// Name of this node of the tenant tree.
        name: String,
        /// The node above; `None` for a top-level tenant.
        parent: Option<TenantId>,
        /// Weight among its siblings, in thousandths.
        weight_milli: u32,
    },
    /// A new job; jobs are numbered in order of submission.
    Submitted {
        /// Its identifier: the number of jobs so far.
        job: JobId,
        /// What the user wants.
        spec: Box<JobSpec>,
        /// The work that the job really needs, where it is known (in a replay). No policy sees it without the oracle.
        truth: Option<Span>,
    },
    /// Somebody cancelled a job.
    Cancelled {
        /// The job.
        job: JobId,
    },
    /// Somebody put a job on hold; a live run is drained.
    JobHeld {
        /// The job.
        job: JobId,
    },
    /// Somebody released a held job.
    JobReleased {
        /// The job.
        job: JobId,
    },
    /// An operator wants a node empty; what runs there goes on to its end.
    NodeDrained {
        /// The node.
        node: NodeId,
    },
    /// An operator gives a drained node back.
    NodeResumed {
        /// The node.
        node: NodeId,
    },
    /// A time that was asked for with [`Command::Alarm`] has come.
    Alarm {
        /// The run that it was about.
        run: RunId,
        /// What it was for.
        kind: Alarm,
    },
    /// A time that the policy asked for has come.
    Woke,
    /// What a tenant is entitled to from now on.
    TermsChanged {
        /// The tenant.
        tenant: TenantId,
        /// All its terms.
        terms: Terms,
    },
    /// A new queue; queues are declared in order from 1, before their first job.
    QueueDeclared {
        /// Its identifier: the number of queues so far.
        queue: QueueId,
        /// Its name.
        name: String,
    },
    /// A new name; names are declared in order, before their first job.
    NameDeclared {
        /// Its identifier: the number of names so far.
        name: NameId,
        /// The text.
        text: String,
    },
    /// What the next run of a job will need before it makes progress, where the world knows it now: loading of a
    /// checkpoint, warm-up. It is owed until a run has served it.
    RestartOwed {
        /// The job.
        job: JobId,
        /// The time.
        owed: Span,
    },
    /// A new kind of job; kinds are declared in order, before their first job.
    KindDeclared {
        /// Its identifier: the number of kinds so far.
        kind: KindId,
        /// Its speed on each GPU model of the cluster, as parts per million of the speed at which the work of jobs is
        /// counted; 0 where it cannot run, or where nobody knows.
        ppm: Vec<u32>,
    },
    /// A round of the world begins: runs go on, or start, in step with the others. Only a world that goes in rounds says
    /// so.
    Round {
        /// Nothing runs and nothing else is known to come: if nobody starts a job now, nothing happens any more.
        idle: bool,
    },
    /// Which tasks are to be expected from now on. It replaces what was declared before.
    WorkloadDeclared {
        /// Each request of a task on one node, with how many of them there are in proportion.
        tasks: Vec<(TaskRequest, u64)>,
    },
    /// An operator put a job first: it goes before all others in the order of the policy, those included that were put
    /// first before it, for as long as it is open.
    PutFirst {
        /// The job.
        job: JobId,
    },
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// The job's work is done.
    Completed,
    /// The program failed with this exit code.
    Failed(i32),
    /// It stopped because it was told to.
    Stopped,
}

/// What an alarm is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Alarm {
    /// The run has had its time limit.
    TimeLimit,
    /// The grace of a draining run is over.
    Grace,
    /// The wait before a retry is over.
    Backoff,
}

impl Event {
    /// Place among the facts of one instant: ends, progress, faults, arrivals, operators, timers, rounds; ties by id.
    /// Both worlds share it, or their journals could not be equal.
    pub fn rank(&self) -> (u8, u64) {
        let run_key = |run: &RunId| u64::from(run.job.0) << 32 | u64::from(run.attempt);
        match self {
            Self::Ended { run, .. } => (0, run_key(run)),
            Self::Started { run, .. } => (1, run_key(run)),
            Self::Saved { run, .. } => (2, run_key(run)),
            Self::RestartOwed { job, .. } => (2, u64::from(job.0)),
            Self::NodeDown { node } => (3, u64::from(node.0)),
            Self::NodeUp { node } => (4, u64::from(node.0)),
            Self::ClassDeclared { class, .. } => (5, u64::from(class.0)),
            Self::TenantDeclared { tenant, .. } => (6, u64::from(tenant.0)),
            Self::QueueDeclared { queue, .. } => (7, u64::from(queue.0)),
            Self::NameDeclared { name, .. } => (8, u64::from(name.0)),
            // After the names.
            Self::KindDeclared { kind, .. } => (8, 1 << 32 | u64::from(kind.0)),
            Self::TermsChanged { tenant, .. } => (9, u64::from(tenant.0)),
            // Before the first job that it may be about.
            Self::WorkloadDeclared { .. } => (9, 1 << 32),
            Self::Submitted { job, .. } => (10, u64::from(job.0)),
            Self::Cancelled { job } => (11, u64::from(job.0)),
            Self::JobHeld { job } => (12, u64::from(job.0)),
            Self::JobReleased { job } => (13, u64::from(job.0)),
            Self::PutFirst { job } => (13, 1 << 32 | u64::from(job.0)),
            Self::NodeDrained { node } => (14, u64::from(node.0)),
            Self::NodeResumed { node } => (15, u64::from(node.0)),
            Self::Alarm { run, kind } => (16 + *kind as u8, run_key(run)),
            Self::Round { .. } => (u8::MAX - 1, 0),
            Self::Woke => (u8::MAX, 0),
        }
    }
}

/// What the engine orders the world to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Start a run; the world answers with `Started`, later with `Ended`.
    Launch {
        /// The run.
        run: RunId,
        /// Its GPUs.
        placement: Placement,
        /// Work that is already safe: where to resume.
        resume_from: Span,
    },
    /// Let a run save and stop within the grace; the world answers with `Ended`.
    Drain {
        /// The run.
        run: RunId,
        /// Longest time until the kill.
        grace: Span,
    },
    /// Stop a run at once; the world answers with `Ended`.
    Kill {
        /// The run.
        run: RunId,
    },
    /// Report `Alarm` at an instant.
    Alarm {
        /// When.
        at: Time,
        /// The run that it is about.
        run: RunId,
        /// What it is for.
        kind: Alarm,
    },
    /// Report `Woke` at an instant.
    Wake {
        /// When.
        at: Time,
    },
    /// A job is over: tell whoever waits.
    Close {
        /// The job.
        job: JobId,
        /// How it ended.
        outcome: Outcome,
    },
}
