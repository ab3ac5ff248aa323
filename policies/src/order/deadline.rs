//! Earliest deadline first.

use engine::{Draft, Job, JobId, Time};

use super::Order;

/// The earliest deadline first (Jackson 1955; Horn 1974); jobs without a deadline last, in order of arrival.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deadline;

impl Order for Deadline {
    fn rank(&self, draft: &Draft<'_>, job: JobId) -> u64 {
        by_deadline(draft.state().job(job))
    }
}

/// Deadlines as a rank, in microseconds.
pub(crate) fn by_deadline(job: &Job) -> u64 {
    job.spec.deadline.unwrap_or(Time::NEVER).0
}
