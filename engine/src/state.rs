//! Everything the engine knows. Read by policies and worlds, written by `apply` and by a committed draft alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::cluster::Cluster;
use crate::eviction::Eviction;
use crate::ids::{ClassId, JobId, ModelId, NameId, NodeId, QueueId, TenantId};
use crate::inventory::Inventory;
use crate::job::{Hold, Job, Phase};
use crate::reason::Reason;
use crate::shape::{Shape, TaskRequest};
use crate::tenants::Tenants;
use crate::terms::Amounts;
use crate::time::{Span, Time};
use crate::totals::Totals;

/// An interned shape with what is worth knowing about it once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Class {
    /// The gang, its groups sorted.
    pub shape: Shape,
    /// Demand of the full gang in thousandths of a GPU.
    pub gpu_milli: u64,
    /// Demand of the smallest gang that may start.
    pub gpu_milli_min: u64,
    /// All that the smallest gang needs.
    pub least: Amounts,
    /// Why no job of this class can ever run here.
    pub impossible: Option<Reason>,
}

/// What happened since the policy was last asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Triggers(u8);

impl Triggers {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Resources became free, or a node came up.
    pub const FREED: Self = Self(1);
    /// A job became ready.
    pub const ARRIVED: Self = Self(2);
    /// A time came that the policy asked for.
    pub const WOKE: Self = Self(4);
    /// A run started, saved, or a job changed in another way.
    pub const PROGRESS: Self = Self(8);
    /// A round of the world began.
    pub const ROUND: Self = Self(16);

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the two have anything in common.
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether all of `other` is in `self`.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// A round of a world that goes in rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// Its number, from 1.
    pub number: u64,
    /// When it began.
    pub began: Time,
    /// At its begin nothing ran and nothing else was known to come.
    pub idle: bool,
}

/// Jobs whose phase, run or safe point changed, in order; a job can occur more than once.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ChangeLog {
    base: u64,
    jobs: Vec<JobId>,
    /// Those of the last step, for who looks on.
    step: Vec<JobId>,
}

impl ChangeLog {
    fn end(&self) -> u64 {
        self.base + self.jobs.len() as u64
    }

    pub(crate) fn push(&mut self, job: JobId) {
        self.jobs.push(job);
        self.step.push(job);
    }

    pub(crate) fn begin_step(&mut self) {
        self.step.clear();
    }

    pub(crate) fn forget(&mut self) {
        self.base = self.end();
        self.jobs.clear();
    }
}

/// What a policy has to catch up with.
#[derive(Clone, Debug)]
pub struct Changes<'a> {
    /// It has missed something: it must forget what it knows and look at all jobs.
    pub anew: bool,
    /// The jobs to look at: those that changed, some more than once; all where it begins anew.
    pub jobs: ChangedJobs<'a>,
    /// What it has seen then.
    pub end: u64,
}

/// Jobs of [`Changes`].
#[derive(Clone, Debug)]
pub struct ChangedJobs<'a> {
    log: std::slice::Iter<'a, JobId>,
    all: std::ops::Range<usize>,
}

impl Iterator for ChangedJobs<'_> {
    type Item = JobId;

    fn next(&mut self) -> Option<JobId> {
        self.log.next().copied().or_else(|| self.all.next().map(JobId::new))
    }
}

/// What a policy notes about one job, in a meaning of its own; all 0 at first.
pub type Memo = [u64; 4];

/// The state of the scheduler.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    pub(crate) now: Time,
    /// Not part of a snapshot: it follows from the inventory, the states of nodes and what jobs hold.
    #[serde(skip)]
    pub(crate) cluster: Cluster,
    pub(crate) classes: Vec<Class>,
    pub(crate) tenants: Tenants,
    pub(crate) jobs: Vec<Job>,
    /// True durations, [`Span::MAX`] where unknown; parallel to `jobs`.
    pub(crate) truths: Vec<Span>,
    /// Jobs that are placed or draining, in no particular order.
    pub(crate) live: Vec<JobId>,
    /// Placed jobs whose GPUs still drain, in order of their start decision.
    pub(crate) claims: Vec<JobId>,
    /// Draining jobs: their GPUs may be planned with, but are still in use.
    pub(crate) draining: BTreeSet<JobId>,
    /// The same by node; empty before the first.
    pub(crate) draining_on: Vec<SmallVec<[JobId; 2]>>,
    /// Where runs have drained since claims were last looked at.
    pub(crate) drained_on: Vec<NodeId>,
    /// Jobs that wait for a job.
    pub(crate) children: BTreeMap<JobId, Vec<JobId>>,
    pub(crate) changes: ChangeLog,
    pub(crate) triggers: Triggers,
    pub(crate) totals: Totals,
    /// Grows whenever resources become free.
    pub(crate) freed_epoch: u64,
    /// The wake-up that is ordered.
    pub(crate) wake: Option<Time>,
    /// The round that the world is in, where it goes in rounds.
    pub(crate) round: Option<Round>,
    /// Why the classes could not be placed when they were last tried.
    pub(crate) class_reasons: Vec<Option<Reason>>,
    /// Why single jobs were refused in the last decision, where it is not their class.
    pub(crate) job_reasons: BTreeMap<JobId, Reason>,
    /// Why every ready job without a reason of its own was not tried.
    pub(crate) queue_reason: Option<Reason>,
    /// The same for the jobs of one queue, and of one tenant and all below it.
    pub(crate) reasons_by_queue: BTreeMap<QueueId, Reason>,
    pub(crate) reasons_by_tenant: BTreeMap<TenantId, Reason>,
    /// Names of the queues; the first, without a name, is that of jobs which name none.
    pub(crate) queues: Vec<String>,
    pub(crate) names: Vec<String>,
    /// Speeds by GPU model of the kinds of jobs.
    pub(crate) kinds: Vec<Vec<u32>>,
    /// What the policy notes about jobs; shorter than the table of jobs where the rest is all 0.
    pub(crate) memos: Vec<Memo>,
    /// What the policy notes beside that.
    pub(crate) board: Vec<u64>,
    pub(crate) evictions: Vec<Eviction>,
    /// Tasks that are to be expected, with counts.
    pub(crate) workload: Vec<(TaskRequest, u64)>,
    /// What an open draft plans for a job; all [`Plan::Nothing`] between decisions.
    #[serde(skip)]
    pub(crate) plans: Vec<Plan>,
}

/// What an open draft plans for one job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Plan {
    #[default]
    Nothing,
    Start,
    /// Its run stops: place among the decisions.
    Preempt(u32),
    Reject,
    /// A what-if that must be rolled back.
    Vacated,
    /// Its GPUs are free; it must get some, its own or others, before the draft is committed.
    Lifted,
    /// Its run stops, and it goes on elsewhere: place among the decisions.
    Move(u32),
}

impl State {
    pub(crate) fn new(inventory: Inventory, half_life: Option<Span>) -> Self {
        Self {
            now: Time::ZERO,
            cluster: Cluster::new(inventory),
            classes: Vec::new(),
            tenants: Tenants::new(half_life),
            jobs: Vec::new(),
            truths: Vec::new(),
            live: Vec::new(),
            claims: Vec::new(),
            draining: BTreeSet::new(),
            draining_on: Vec::new(),
            drained_on: Vec::new(),
            children: BTreeMap::new(),
            changes: ChangeLog::default(),
            triggers: Triggers::NONE,
            totals: Totals::default(),
            freed_epoch: 1,
            wake: None,
            round: None,
            class_reasons: Vec::new(),
            job_reasons: BTreeMap::new(),
            queue_reason: None,
            reasons_by_queue: BTreeMap::new(),
            reasons_by_tenant: BTreeMap::new(),
            queues: vec![String::new()],
            names: Vec::new(),
            kinds: Vec::new(),
            memos: Vec::new(),
            board: Vec::new(),
            evictions: Vec::new(),
            workload: Vec::new(),
            plans: Vec::new(),
        }
    }

    /// The instant of the last fact.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Nodes and what is free on them.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// One class.
    pub fn class(&self, class: ClassId) -> &Class {
        &self.classes[class.index()]
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes.len()
    }

    /// The tenants.
    pub fn tenants(&self) -> &Tenants {
        &self.tenants
    }

    /// One job.
    pub fn job(&self, job: JobId) -> &Job {
        &self.jobs[job.index()]
    }

    /// All jobs, in order of submission.
    pub fn jobs(&self) -> &[Job] {
        &self.jobs
    }

    /// The class of a job.
    pub fn class_of(&self, job: JobId) -> &Class {
        self.class(self.job(job).spec.class)
    }

    /// Jobs that are placed or draining, in no particular order.
    pub fn live(&self) -> &[JobId] {
        &self.live
    }

    /// The name of a queue; empty for the queue of jobs that name none.
    pub fn queue(&self, queue: QueueId) -> &str {
        &self.queues[queue.index()]
    }

    /// A name.
    pub fn name(&self, name: NameId) -> &str {
        &self.names[name.index()]
    }

    /// Whether the speed of any kind of job is known.
    pub fn knows_speeds(&self) -> bool {
        !self.kinds.is_empty()
    }

    /// The speed of `job` on `model` alone, in parts per million of that at which its work is counted. 0: it cannot run
    /// there, or that is not known; `None`: nothing is known of the job.
    pub fn speed_ppm(&self, job: JobId, model: ModelId) -> Option<u32> {
        let kind = self.job(job).spec.kind?;
        Some(self.kinds[kind.index()].get(model.index()).copied().unwrap_or(0))
    }

    /// What the policy noted about a job with [`crate::Draft::set_memo`].
    ///
    /// The engine keeps it, so that a policy needs no memory of its own: a fresh one decides the same.
    pub fn memo(&self, job: JobId) -> Memo {
        self.memos.get(job.index()).copied().unwrap_or_default()
    }

    /// What the policy noted beside that with [`crate::Draft::board`].
    pub fn board(&self) -> &[u64] {
        &self.board
    }

    /// Every run that a policy stopped, in order, with what that cost.
    pub fn evictions(&self) -> &[Eviction] {
        &self.evictions
    }

    /// Tasks that are to be expected, with counts, as [`crate::Event::WorkloadDeclared`] said last; empty where nothing did.
    pub fn workload(&self) -> &[(TaskRequest, u64)] {
        &self.workload
    }

    /// Totals.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Grows whenever resources become free: while it stands still, what did not fit cannot fit.
    pub fn freed_epoch(&self) -> u64 {
        self.freed_epoch
    }

    /// The round that the world is in; `None` before the first job, and in a world that has no rounds.
    pub fn round(&self) -> Option<Round> {
        self.round
    }

    /// The tenant of a job.
    pub fn tenant_of(&self, job: JobId) -> TenantId {
        self.job(job).spec.tenant
    }

    /// What changed since the log stood at `seen`.
    pub fn changes_since(&self, seen: u64) -> Changes<'_> {
        let anew = seen != self.changes.base;
        let (log, all) = if anew { (&[][..], 0..self.jobs.len()) } else { (&self.changes.jobs[..], 0..0) };
        Changes { anew, jobs: ChangedJobs { log: log.iter(), all }, end: self.changes.end() }
    }

    /// Jobs whose phase, run or safe point changed in the last step, in order; a job can occur more than once.
    pub fn changed_in_step(&self) -> &[JobId] {
        &self.changes.step
    }

    /// Why a job does not run now; `None` for a job that is placed or over.
    pub fn reason(&self, id: JobId) -> Option<Reason> {
        let job = self.job(id);
        match job.phase {
            Phase::Held(Hold::Operator) => Some(Reason::OnHold),
            Phase::Held(Hold::Parents) => Some(Reason::WaitsForParents),
            Phase::Held(Hold::Backoff) => Some(Reason::InBackoff),
            Phase::Ready => Some(self.ready_reason(id, job.spec.class)),
            _ => None,
        }
    }

    fn ready_reason(&self, id: JobId, class: ClassId) -> Reason {
        let own = self.job_reasons.get(&id).copied();
        let shared = self.queue_reason.or_else(|| self.reason_of_part(id));
        let shared = shared.filter(|reason| !matches!(reason, Reason::BehindHead { head } if *head == id));
        own.or(shared).or(self.class_reasons[class.index()]).unwrap_or(Reason::NotTried)
    }

    /// Why all jobs of its queue, or of its tenant, wait.
    fn reason_of_part(&self, id: JobId) -> Option<Reason> {
        let spec = &self.job(id).spec;
        let by_tenant = || self.tenants.ancestry(spec.tenant).find_map(|above| self.reasons_by_tenant.get(&above));
        self.reasons_by_queue.get(&spec.queue).or_else(by_tenant).copied()
    }
}
