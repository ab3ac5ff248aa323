//! What one replay leaves behind. The report, the files and the statistics are made from this and from nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{NodeId, Outcome, Span, Time};
use serde::Serialize;
use traces::Trace;

/// Version of the JSON and parquet files.
pub const SCHEMA: u32 = 1;

/// One replay: one policy, one load, one seed.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The figures of the contract.
    pub summary: Summary,
    /// The workload: [`JobRow::trace_index`] indexes its jobs. Seeds and loads may each have their own.
    pub trace: Arc<Trace>,
    /// One row a job, in order of submission.
    pub jobs: Vec<JobRow>,
    /// The cluster over time.
    pub series: Series,
    /// Who held which GPUs when. Empty unless it was asked for.
    pub segments: Vec<Segment>,
    /// Runs that the policy stopped, in order, with what that cost.
    pub evictions: Vec<EvictionRow>,
    /// Launches that the table of throughput said nothing about, by cause: they ran by the spread penalty.
    pub unprofiled: BTreeMap<&'static str, u64>,
}

/// The figures of one replay. Times in seconds, shares 0..1; a figure without meaning is `None` (JSON null).
/// Keys and their meaning are fixed; see `docs/` for the definitions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Version of this object.
    pub schema: u32,
    /// Version of the program.
    pub trainyard_version: String,
    /// The policy as `name` or `name[key=value,...]`.
    pub policy: String,
    /// Whether the policy saw true durations.
    pub clairvoyant: bool,
    /// Seed of everything that is random.
    pub seed: u64,
    /// Arrival rate as a multiple of the trace's own.
    pub load: f64,
    /// The trace as it was named on the command line.
    pub trace: String,
    /// The trace whose jobs were declared as those to expect; `None` where they are the trace's own.
    pub expected: Option<String>,
    /// The physics, as `key=value` pairs; `default` when nothing was set.
    pub physics: String,
    /// GPUs of the cluster.
    pub cluster_gpus: u64,
    /// Jobs submitted.
    pub jobs: u64,
    /// Jobs that did their work.
    pub finished: u64,
    /// Jobs that failed, were cancelled or timed out.
    pub failed: u64,
    /// Jobs that had not ended when the replay did.
    pub unfinished: u64,
    /// Jobs that can never run on the cluster.
    pub rejected: u64,
    /// Mean of finish - submit over finished jobs.
    pub jct_mean_s: Option<f64>,
    /// Median (nearest rank).
    pub jct_p50_s: Option<f64>,
    /// 90th percentile.
    pub jct_p90_s: Option<f64>,
    /// 99th percentile.
    pub jct_p99_s: Option<f64>,
    /// Mean of first start - submit over jobs that started.
    pub queue_mean_s: Option<f64>,
    /// Median.
    pub queue_p50_s: Option<f64>,
    /// 99th percentile.
    pub queue_p99_s: Option<f64>,
    /// Last end - first submit.
    pub makespan_s: Option<f64>,
    /// Mean bounded slowdown, tau = 10 s.
    pub bsld_mean: Option<f64>,
    /// Integral of allocated GPUs over integral of GPUs, from the first submit to the last end.
    pub gpu_allocated_share: Option<f64>,
    /// The same for useful work only: no restarts, no lost work, no slowdown.
    pub goodput_share: Option<f64>,
    /// Times that a policy stopped a run for others.
    pub preemptions: u64,
    /// Times that a policy stopped a run so that its job goes on elsewhere at once.
    pub migrations: u64,
    /// Runs after the first of a job.
    pub restarts: u64,
    /// GPU-seconds of work that had to be done again.
    pub lost_gpu_s: f64,
    /// GPU-seconds that preemptions cost: the next three together.
    pub preempted_gpu_s: f64,
    /// What the policy expected it to cost.
    pub preempted_gpu_s_predicted: f64,
    /// Of it: work done again, and launches that led to nothing.
    pub preempted_lost_gpu_s: f64,
    /// Of it: from the order to stop until the GPUs were free, without work that was kept.
    pub preempted_drained_gpu_s: f64,
    /// Of it: the next run, before it made progress.
    pub preempted_restarted_gpu_s: f64,
    /// GPU-seconds that migrations cost, of the same three kinds.
    pub migrated_gpu_s: f64,
    /// What the policy expected them to cost.
    pub migrated_gpu_s_predicted: f64,
    /// Fragmentation (FGD's F, for the jobs that are to be expected) over the GPUs of the cluster, mean over time.
    pub fragmentation_share: Option<f64>,
    /// The same over the idle GPUs.
    pub fragmentation_idle_share: Option<f64>,
    /// Whole GPUs of the largest gang that one node could take, mean over time.
    pub largest_gang_mean_gpus: Option<f64>,
    /// Jobs that waited for some time although enough GPUs were idle, because no nodes had the room that they need.
    pub blocked_by_fragmentation_jobs: u64,
    /// How long they did: jobs x seconds.
    pub blocked_by_fragmentation_s: f64,
    /// Jain's index over tenants of service per entitlement.
    pub jain_index: Option<f64>,
    /// Largest finish-time fairness rho (Themis).
    pub ftf_worst: Option<f64>,
    /// Share of finished jobs with rho > 1.
    pub ftf_unfair_share: Option<f64>,
    /// Share of jobs with a deadline that missed it.
    pub deadline_missed_share: Option<f64>,
    /// Share of jobs with a latest start that started later or never.
    pub start_by_missed_share: Option<f64>,
    /// Allocated GPU-hours times their price.
    pub cost: Option<f64>,
    /// Programs that the policy gave to a solver.
    pub solves: u64,
    /// Of them: a limit cut them off before the proof.
    pub solves_cut_off: u64,
    /// Of them: the solver failed or its answer did not hold, and the greedy plan ran.
    pub solves_failed: u64,
    /// Largest known (bound - answer) / answer.
    pub solver_gap_max: Option<f64>,
    /// Jobs started, preempted, moved or rejected by the policy.
    pub decisions: u64,
    /// Facts that the core took in.
    pub events: u64,
    /// Replay and metrics, without loading.
    pub wall_s: f64,
    /// Median time of one step of the core, sampled, in microseconds.
    pub decide_p50_us: Option<f64>,
    /// 99th percentile.
    pub decide_p99_us: Option<f64>,
}

/// One job of one replay.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRow {
    /// Index of the job in [`Replay::trace`]: its id and tenant are there.
    pub trace_index: u32,
    /// Demand of the gang in thousandths of a GPU.
    pub gpu_milli: u64,
    /// Submission.
    pub submit: Time,
    /// First start; `NEVER` if it never started.
    pub start: Time,
    /// End, whatever the outcome; `NEVER` if it never ended.
    pub finish: Time,
    /// Time in which it made progress, over all runs.
    pub service: Span,
    /// Runs.
    pub attempts: u32,
    /// Times that the policy stopped it.
    pub preemptions: u32,
    /// Times that it was moved.
    pub migrations: u32,
    /// How it ended; `None` if it never did.
    pub outcome: Option<Outcome>,
    /// Finish-time fairness rho (Themis); `None` unless it finished.
    pub rho: Option<f64>,
    /// GPU-seconds in which it made progress, over all runs: what its tenant got.
    pub gpu_s: f64,
    /// Entitlement of its tenant, by weight.
    pub entitlement: f64,
    /// When it should have finished.
    pub deadline: Option<Time>,
    /// When it should have started.
    pub start_by: Option<Time>,
    /// Why it missed one of the two, if it did.
    pub missed: Option<Miss>,
}

/// Why a job missed its deadline or its latest start: the first of these that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Miss {
    /// It was turned away.
    Rejected,
    /// It failed, was cancelled or timed out, or had not ended when the replay did.
    NeverFinished,
    /// It started after its latest start, or so late that its run time no longer fitted before the deadline.
    StartedLate,
    /// It started in time and was stopped for another job.
    Preempted,
    /// It started in time and took longer than its run time in the trace: slow GPUs, failures, restarts.
    RanLong,
}

impl Miss {
    /// All causes.
    pub const ALL: [Self; 5] = [Self::Rejected, Self::NeverFinished, Self::StartedLate, Self::Preempted, Self::RanLong];

    /// Stable name for files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::NeverFinished => "never-finished",
            Self::StartedLate => "started-late",
            Self::Preempted => "preempted",
            Self::RanLong => "ran-long",
        }
    }
}

/// What a policy stops a run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopCause {
    /// Others get its GPUs.
    Preemption,
    /// Its job goes on elsewhere.
    Migration,
}

impl StopCause {
    /// Stable name for files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Preemption => "preemption",
            Self::Migration => "migration",
        }
    }
}

/// One run that the policy stopped. Costs in GPU-seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EvictionRow {
    /// When.
    pub at: Time,
    /// The victim: index in [`Replay::jobs`].
    pub job: u32,
    /// Number of the run that was stopped, from 1.
    pub attempt: u32,
    /// What it was stopped for.
    pub cause: StopCause,
    /// The job that got the GPUs, or for which the run moved away, where it is one: index in [`Replay::jobs`].
    pub by: Option<u32>,
    /// What the policy expected it to cost.
    pub predicted: f64,
    /// Work done again.
    pub lost: f64,
    /// From the order until the GPUs were free.
    pub drained: f64,
    /// The next run, before it made progress.
    pub restarted: f64,
}

impl EvictionRow {
    /// What it cost.
    pub fn cost(&self) -> f64 {
        self.lost + self.drained + self.restarted
    }
}

/// The cluster over time, as means over equal steps from the first submission on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Time of the first step.
    pub from: Time,
    /// Length of a step.
    pub step: Span,
    /// Mean number of jobs that were submitted and not yet placed or ended.
    pub queued_jobs: Vec<f64>,
    /// Mean number of GPUs held.
    pub allocated_gpus: Vec<f64>,
    /// Mean F: idle GPUs that the trace's own jobs cannot use.
    pub fragmented_gpus: Vec<f64>,
    /// Mean of the whole GPUs of the largest gang that one node could take.
    pub largest_gang_gpus: Vec<f64>,
}

/// A part of one node, held by one run from `start` to `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Index of the job in [`Replay::jobs`].
    pub job: u32,
    /// Number of the run, from 1.
    pub attempt: u32,
    /// The node.
    pub node: NodeId,
    /// Lowest GPU of `mask`: its bit 0.
    pub first_gpu: u32,
    /// GPUs held, one bit each.
    pub mask: u64,
    /// Launch.
    pub start: Time,
    /// End of the run; the end of the replay if it never ended.
    pub end: Time,
}
