//! Deadlines and latest starts that were missed, and runs that were stopped, with why and at what cost.

use engine::{Core, Job, JobId, MICROS, Outcome, Time};

use crate::result::{EvictionRow, Miss, StopCause};
use crate::workload::Workload;

/// Thousandths of a GPU x microseconds as GPU-seconds.
pub(crate) fn gpu_s(milli_micros: u128) -> f64 {
    milli_micros as f64 / 1000.0 / MICROS as f64
}

/// What a run was stopped for.
pub(crate) fn cause(eviction: &engine::Eviction) -> StopCause {
    if eviction.cause == engine::Cause::Migrated { StopCause::Migration } else { StopCause::Preemption }
}

/// The evictions of a replay.
pub(crate) fn evictions(core: &Core) -> Vec<EvictionRow> {
    let row = |eviction: &engine::Eviction| EvictionRow {
        at: eviction.at,
        job: eviction.job.0,
        attempt: eviction.attempt,
        cause: cause(eviction),
        by: eviction.bill.by.map(|by| by.0),
        predicted: gpu_s(eviction.bill.predicted),
        lost: gpu_s(eviction.lost),
        drained: gpu_s(eviction.drained),
        restarted: gpu_s(eviction.restarted),
    };
    core.state().evictions().iter().map(row).collect()
}

/// Whether a job missed its latest start.
pub(crate) fn missed_start(job: &Job) -> bool {
    job.spec.start_by.is_some_and(|start_by| job.first_launch > start_by)
}

/// Whether a job missed its deadline.
pub(crate) fn missed_deadline(job: &Job) -> bool {
    job.spec.deadline.is_some_and(|deadline| job.outcome() != Some(Outcome::Finished) || job.ended > deadline)
}

/// Why a job missed a target, if it did.
pub(crate) fn miss(workload: &Workload<'_>, id: JobId, job: &Job) -> Option<Miss> {
    let (start, end) = (missed_start(job), missed_deadline(job));
    if !start && !end {
        return None;
    }
    let last_end = job.spec.deadline.unwrap_or(Time::NEVER);
    let too_late = start || job.first_launch + workload.work(id) > last_end;
    Some(match job.outcome() {
        Some(Outcome::Rejected) => Miss::Rejected,
        outcome if end && outcome != Some(Outcome::Finished) => Miss::NeverFinished,
        _ if too_late => Miss::StartedLate,
        _ if job.preemptions > 0 => Miss::Preempted,
        _ => Miss::RanLong,
    })
}
