//! A job: what the user wants, and where it is in its life.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::ids::{AppId, ClassId, JobId, KindId, NameId, QueueId, RunId, TenantId};
use crate::placement::Placement;
use crate::time::{Rate, Span, Time};

/// What the user wants. It does not change while the job lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSpec {
    /// The gang, interned.
    pub class: ClassId,
    /// Who pays.
    pub tenant: TenantId,
    /// The queue (partition, virtual cluster).
    pub queue: QueueId,
    /// Higher goes first.
    pub priority: i32,
    /// Whether a policy may preempt it.
    pub preemptible: bool,
    /// Submitted on hold: it waits for an operator.
    pub held: bool,
    /// The user's estimate of the run time.
    pub estimate: Option<Span>,
    /// After so much running time in one attempt the job is killed and counts as timed out.
    pub time_limit: Option<Span>,
    /// When the user wants it finished.
    pub deadline: Option<Time>,
    /// When the user wants it started.
    pub start_by: Option<Time>,
    /// What a run after the first is expected to need before it makes progress, where that is known of this job.
    pub restart: Option<Span>,
    /// Name that the user gave; similar names of one user mark the same work.
    pub name: Option<NameId>,
    /// Quality of service that it was submitted with.
    pub qos: Option<NameId>,
    /// Its application class, which says how it feels the differences between GPUs; 0 where there are none.
    pub app: AppId,
    /// Its kind, where its speed by GPU model is known.
    pub kind: Option<KindId>,
    /// What happens when it fails.
    pub retry: RetryRule,
    /// Longest time between the order to stop and the kill.
    pub grace: Span,
    /// Jobs that must finish well before this one is ready.
    pub after: SmallVec<[JobId; 2]>,
}

impl JobSpec {
    /// A plain preemptible job of `class` for `tenant`.
    pub fn plain(class: ClassId, tenant: TenantId) -> Self {
        Self {
            class,
            tenant,
            queue: QueueId(0),
            priority: 0,
            preemptible: true,
            held: false,
            estimate: None,
            time_limit: None,
            deadline: None,
            start_by: None,
            restart: None,
            name: None,
            qos: None,
            app: AppId(0),
            kind: None,
            retry: RetryRule::default(),
            grace: Span::ZERO,
            after: SmallVec::new(),
        }
    }
}

/// Which failures are retried, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryRule {
    /// Most retries after a failure of the job itself.
    pub failures_max: u16,
    /// Exit codes worth a retry; empty: every code but 0.
    pub codes: SmallVec<[i32; 2]>,
    /// Most retries after the loss of a node.
    pub node_losses_max: u16,
    /// Wait before a retry after a failure of the job itself.
    pub backoff: Span,
}

impl Default for RetryRule {
    /// A failure of the job is final; a lost node never is.
    fn default() -> Self {
        Self { failures_max: 0, codes: SmallVec::new(), node_losses_max: u16::MAX, backoff: Span::ZERO }
    }
}

impl RetryRule {
    /// Whether the failure number `failures` (1 for the first) with exit code `code` is retried.
    pub fn allows(&self, code: i32, failures: u32) -> bool {
        failures <= u32::from(self.failures_max) && (self.codes.is_empty() || self.codes.contains(&code))
    }
}

/// Where a job is in its life: `Held -> Ready -> Launching -> Running -> Draining -> Ready | Done`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Waits for something that no policy can give.
    Held(Hold),
    /// Waits for the policy.
    Ready,
    /// Placed. Its launch is ordered, or waits until the GPUs that it claimed have drained.
    Launching,
    /// The world says that it runs.
    Running,
    /// Ordered to stop; still holds its GPUs.
    Draining(Cause),
    /// The end.
    Done(Outcome),
}

/// What a held job waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hold {
    /// The release by an operator or its owner.
    Operator,
    /// Jobs that must finish first.
    Parents,
    /// The end of the wait before a retry.
    Backoff,
}

/// Why a run was ordered to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// The policy wanted its GPUs for another job.
    Preempted,
    /// A node of the gang went down.
    NodeLost,
    /// Somebody cancelled the job.
    Cancelled,
    /// Its time limit passed.
    TimeLimit,
    /// Somebody put the job on hold while it ran.
    Held,
    /// The same, but somebody released it before it had stopped: it goes back to the queue.
    Released,
    /// The policy moves it: it goes on elsewhere.
    Migrated,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It did its work.
    Finished,
    /// It failed, and its retry rule allows no other attempt.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
    /// It hit its time limit.
    TimedOut,
    /// It can never run here.
    Rejected,
    /// A job that it depends on did not finish.
    ParentFailed,
}

impl Outcome {
    /// Stable name for files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed-out",
            Self::Rejected => "rejected",
            Self::ParentFailed => "parent-failed",
        }
    }
}

/// [`Job::first_place`] of a job that nobody put first.
pub const NOT_FIRST: u32 = u32::MAX;

/// A job and its history so far. Written by the engine alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// What the user wants.
    pub spec: JobSpec,
    /// Where it is in its life.
    pub phase: Phase,
    /// Place among the jobs that an operator put first, the smallest of all; [`NOT_FIRST`] for all others.
    pub first_place: u32,
    /// Attempts so far; the live run, if any, is this one.
    pub attempt: u32,
    /// Times that the policy stopped it for others.
    pub preemptions: u32,
    /// Times that the policy stopped it so that it goes on elsewhere.
    pub migrations: u32,
    /// Failures of the job itself.
    pub failures: u32,
    /// Runs lost with a node.
    pub node_losses: u32,
    /// When it was submitted.
    pub submitted: Time,
    /// Since when it is in the phase Ready, or was last.
    pub ready_since: Time,
    /// First launch; `NEVER` before.
    pub first_launch: Time,
    /// When the policy placed the live run.
    pub placed: Time,
    /// Launch of the live run: later than `placed` where claimed GPUs had to drain; `NEVER` before.
    pub launched: Time,
    /// Since when the live run makes progress; `NEVER` before it does.
    pub running_since: Time,
    /// The end; `NEVER` before.
    pub ended: Time,
    /// Speed of the live run.
    pub rate: Rate,
    /// What the next run needs before it makes progress, or the live one needed at its launch, as far as the world has
    /// said so.
    pub owed: Span,
    /// Work that was safe when the live run started.
    pub work_at_start: Span,
    /// Work that no failure can take away: the safe point.
    pub work_saved: Span,
    /// When the safe point of the live run last moved.
    pub saved_at: Time,
    /// Work done, safe or not, when the live run was ordered to stop.
    pub work_at_stop: Span,
    /// Service attained in ended runs, in microseconds of running (2D service is this times the GPUs held).
    pub service: Span,
    /// The same in thousandths of a GPU x microseconds, over placements that may differ.
    pub gpu_milli_micros: u128,
    /// GPU-time of ended runs in which the GPUs were held, launch and drain included (thousandths x microseconds).
    pub held_milli_micros: u128,
    /// GPUs held by the live run.
    pub placement: Placement,
    /// GPUs held for the next run of a job that moves, while its live run drains; empty otherwise.
    pub goal: Placement,
    /// Place in the table of live runs.
    pub(crate) live_index: u32,
    /// Whether the launch is ordered; false while claimed GPUs drain.
    pub(crate) launch_ordered: bool,
    /// Index of the last eviction whose costs are not all known yet; `u32::MAX` for none.
    pub(crate) eviction: u32,
}

impl Job {
    pub(crate) fn new(spec: JobSpec, now: Time) -> Self {
        Self {
            spec,
            phase: Phase::Ready,
            first_place: NOT_FIRST,
            attempt: 0,
            preemptions: 0,
            migrations: 0,
            failures: 0,
            node_losses: 0,
            submitted: now,
            ready_since: now,
            first_launch: Time::NEVER,
            placed: Time::NEVER,
            launched: Time::NEVER,
            running_since: Time::NEVER,
            ended: Time::NEVER,
            rate: Rate::FULL,
            owed: Span::ZERO,
            work_at_start: Span::ZERO,
            work_saved: Span::ZERO,
            saved_at: Time::NEVER,
            work_at_stop: Span::ZERO,
            service: Span::ZERO,
            gpu_milli_micros: 0,
            held_milli_micros: 0,
            placement: Placement::new(),
            goal: Placement::new(),
            live_index: u32::MAX,
            launch_ordered: false,
            eviction: u32::MAX,
        }
    }

    /// Whether it holds GPUs, or a claim on GPUs that drain.
    pub fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Launching | Phase::Running | Phase::Draining(_))
    }

    /// Whether its live run was ordered to launch; a claim on GPUs that drain was not.
    pub fn is_launched(&self) -> bool {
        self.is_live() && self.launch_ordered
    }

    /// Whether an operator put it first.
    pub fn is_first(&self) -> bool {
        self.first_place != NOT_FIRST
    }

    /// Whether a policy counts it among the running: placed and not ordered to stop.
    pub fn is_placed(&self) -> bool {
        matches!(self.phase, Phase::Launching | Phase::Running)
    }

    /// The outcome, once there is one.
    pub fn outcome(&self) -> Option<Outcome> {
        match self.phase {
            Phase::Done(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// Work done by `now`, whether safe or not.
    pub fn work_done(&self, now: Time) -> Span {
        match self.phase {
            Phase::Running | Phase::Draining(_) if self.running_since != Time::NEVER => {
                self.work_at_start + self.rate.work_in(now.since(self.running_since))
            }
            _ => self.work_saved,
        }
    }

    /// Work that would be lost if the run stopped at `now` without saving.
    pub fn work_at_risk(&self, now: Time) -> Span {
        self.work_done(now) - self.work_saved
    }

    /// What is left at `now` of the time that a run needs before it makes progress, as far as the world has said so.
    pub fn restart_left(&self, now: Time) -> Span {
        match (self.running_since.known(), self.launch_ordered) {
            (Some(_), _) => Span::ZERO,
            (None, true) => self.owed - now.since(self.launched),
            (None, false) => self.owed,
        }
    }

    /// Attained service by `now`: time in which the job made progress (Tiresias, section 3.1).
    pub fn attained(&self, now: Time) -> Span {
        if self.is_live() && self.running_since != Time::NEVER {
            self.service + now.since(self.running_since)
        } else {
            self.service
        }
    }

    /// When the live run will have done `total` work at its present speed, if it already makes progress.
    pub fn finish_at(&self, total: Span) -> Option<Time> {
        let since = self.running_since.known()?;
        self.is_live().then(|| since + self.rate.time_for(total - self.work_at_start))
    }

    /// The live run.
    pub fn run(&self, id: JobId) -> RunId {
        RunId { job: id, attempt: self.attempt }
    }
}
