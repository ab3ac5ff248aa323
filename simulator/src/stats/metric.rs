//! The metrics that are compared: name, unit, direction, definition.

use crate::result::Summary;

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Less is better.
    Lower,
    /// More is better.
    Higher,
}

/// How a value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// A share of one.
    Share,
    /// A number without unit.
    Ratio,
    /// A number of things.
    Count,
    /// GPUs times seconds.
    GpuSeconds,
    /// Whatever currency the cluster's prices are in.
    Money,
}

/// One figure of a [`Summary`] that policies are compared by.
#[derive(Clone, Copy)]
pub struct Metric {
    /// Key in `summary.json` and `differences.json`.
    pub key: &'static str,
    /// Name in tables.
    pub label: &'static str,
    /// Name inside a sentence.
    pub phrase: &'static str,
    /// How the value is read.
    pub unit: Unit,
    /// Which way is better.
    pub direction: Direction,
    /// Definition, for the end of the report.
    pub definition: &'static str,
    /// The figure; `None` when it has no meaning.
    pub value: fn(&Summary) -> Option<f64>,
}

impl Metric {
    /// The figure, `None` also when it is not finite.
    pub fn of(&self, summary: &Summary) -> Option<f64> {
        (self.value)(summary).filter(|value| value.is_finite())
    }

    /// The metric with this key.
    pub fn by_key(key: &str) -> Option<&'static Self> {
        METRICS.iter().find(|metric| metric.key == key)
    }
}

macro_rules! metrics {
    ($($key:ident, $label:literal, $phrase:literal, $unit:ident, $direction:ident, $value:expr, $definition:literal;)*) => {
        /// All metrics, in the order of the files and the report.
        pub const METRICS: &[Metric] = &[$(Metric {
            key: stringify!($key),
            label: $label,
            phrase: $phrase,
            unit: Unit::$unit,
            direction: Direction::$direction,
            definition: $definition,
            value: $value,
        }),*];
    };
}

metrics! {
    jct_mean_s, "JCT mean", "mean job completion time", Seconds, Lower, |s| s.jct_mean_s,
        "Job completion time (JCT): finish minus submission, mean over finished jobs. A few long jobs dominate it.";
    jct_p50_s, "JCT p50", "median job completion time", Seconds, Lower, |s| s.jct_p50_s,
        "Half of the finished jobs took at most this long from submission (nearest rank, as all quantiles here).";
    jct_p90_s, "JCT p90", "p90 job completion time", Seconds, Lower, |s| s.jct_p90_s,
        "90 % of the finished jobs took at most this long from submission.";
    jct_p99_s, "JCT p99", "p99 job completion time", Seconds, Lower, |s| s.jct_p99_s,
        "99 % of the finished jobs took at most this long from submission.";
    queue_mean_s, "Wait mean", "mean waiting", Seconds, Lower, |s| s.queue_mean_s,
        "Waiting: first start minus submission, mean over jobs that started. Waiting after a preemption is not in it, but is in the JCT.";
    queue_p50_s, "Wait p50", "median waiting", Seconds, Lower, |s| s.queue_p50_s,
        "Half of the jobs that started waited at most this long for their first start.";
    queue_p99_s, "Wait p99", "p99 waiting", Seconds, Lower, |s| s.queue_p99_s,
        "99 % of the jobs that started waited at most this long for their first start.";
    makespan_s, "Makespan", "makespan", Seconds, Lower, |s| s.makespan_s,
        "Last end minus first submission. On a trace with open arrivals it mostly shows when the last job came.";
    bsld_mean, "BSLD mean", "mean bounded slowdown", Ratio, Lower, |s| s.bsld_mean,
        "Bounded slowdown: max(1, JCT / max(run time, 10 s)), mean over finished jobs. 1 is a job that never waited.";
    gpu_allocated_share, "GPUs allocated", "allocated GPU share", Share, Higher, |s| s.gpu_allocated_share,
        "GPU-time held by jobs over GPU-time of the cluster, from the first submission to the last end.";
    goodput_share, "Goodput", "goodput", Share, Higher, |s| s.goodput_share,
        "The same for useful work only: without restarts, work done twice, and slowdown by spread gangs.";
    fragmentation_share, "Fragmentation", "fragmentation", Share, Lower, |s| s.fragmentation_share,
        "F of FGD: idle GPUs that the trace's own jobs could not use, over the cluster's GPUs, mean over time.";
    fragmentation_idle_share, "Of idle GPUs", "fragmentation of idle GPUs", Share, Lower, |s| s.fragmentation_idle_share,
        "The same GPU-time over all idle GPU-time.";
    largest_gang_mean_gpus, "Largest gang", "largest gang that one node could take", Ratio, Higher, |s| s.largest_gang_mean_gpus,
        "GPUs of the largest gang of whole GPUs that one node could take, with CPU enough for a job of the trace as large, mean over time.";
    blocked_by_fragmentation_jobs, "Blocked jobs", "jobs blocked by fragmentation", Count, Lower,
        |s| Some(s.blocked_by_fragmentation_jobs as f64),
        "Jobs that waited for some time although enough GPUs were idle, because no nodes had the room that the gang needs.";
    blocked_by_fragmentation_s, "Blocked for", "waiting blocked by fragmentation", Seconds, Lower,
        |s| Some(s.blocked_by_fragmentation_s),
        "The time for which they did, summed over jobs.";
    jain_index, "Jain", "Jain's index", Ratio, Higher, |s| s.jain_index,
        "Jain's index over tenants of service per entitlement: 1 is even, 1/n is all to one of n tenants.";
    ftf_worst, "Worst FTF", "worst finish-time fairness", Ratio, Lower, |s| s.ftf_worst,
        "Finish-time fairness (Themis): JCT over the time that the job would take on its own equal share of the cluster; the largest over finished jobs.";
    ftf_unfair_share, "Unfair jobs", "share of unfair jobs", Share, Lower, |s| s.ftf_unfair_share,
        "Share of finished jobs whose finish-time fairness is above 1: they would have been better off alone on their share.";
    deadline_missed_share, "Deadlines missed", "share of missed deadlines", Share, Lower, |s| s.deadline_missed_share,
        "Share of the jobs with a deadline that ended after it or never.";
    start_by_missed_share, "Late starts", "share of late starts", Share, Lower, |s| s.start_by_missed_share,
        "Share of the jobs with a latest start that started after it or never.";
    preemptions, "Preemptions", "preemptions", Count, Lower, |s| Some(s.preemptions as f64),
        "Times that the policy stopped a running job for others.";
    migrations, "Migrations", "migrations", Count, Lower, |s| Some(s.migrations as f64),
        "Times that the policy stopped a running job so that it goes on elsewhere at once.";
    restarts, "Restarts", "restarts", Count, Lower, |s| Some(s.restarts as f64),
        "Runs after the first of a job, after preemptions and failures.";
    lost_gpu_s, "Lost GPU time", "lost GPU time", GpuSeconds, Lower, |s| Some(s.lost_gpu_s),
        "GPU-time of work that had to be done again.";
    preempted_gpu_s, "Preemption cost", "cost of preemption", GpuSeconds, Lower, |s| Some(s.preempted_gpu_s),
        "GPU-time that preemptions cost: work done again, GPUs held until they were free, and the next run before it made progress.";
    preempted_gpu_s_predicted, "Predicted", "predicted cost of preemption", GpuSeconds, Lower,
        |s| Some(s.preempted_gpu_s_predicted),
        "The same as the policy expected it when it stopped them.";
    migrated_gpu_s, "Migration cost", "cost of migration", GpuSeconds, Lower, |s| Some(s.migrated_gpu_s),
        "The same for runs that the policy moved elsewhere.";
    migrated_gpu_s_predicted, "Predicted for moves", "predicted cost of migration", GpuSeconds, Lower,
        |s| Some(s.migrated_gpu_s_predicted),
        "The same as the policy expected it when it moved them.";
    failed, "Failed", "failed jobs", Count, Lower, |s| Some(s.failed as f64),
        "Jobs that failed, were cancelled or ran into their time limit.";
    unfinished, "Unfinished", "unfinished jobs", Count, Lower, |s| Some(s.unfinished as f64),
        "Jobs that had not ended when the replay did. They are in no mean of completion times.";
    rejected, "Rejected", "rejected jobs", Count, Lower, |s| Some(s.rejected as f64),
        "Jobs that can never run on this cluster.";
    cost, "Cost", "cost", Money, Lower, |s| s.cost,
        "Allocated GPU-hours times the price of their model.";
}
