//! The truth that a replay knows and a live cluster does not.

use crate::ids::JobId;
use crate::state::State;
use crate::time::{Span, Time};

/// True durations. A policy gets it only if it declares that it needs it, and every report says so.
#[derive(Clone, Copy, Debug)]
pub struct Oracle<'a>(pub(crate) &'a State);

impl Oracle<'_> {
    /// All the work of a job; `None` where the trace does not tell.
    pub fn work(&self, job: JobId) -> Option<Span> {
        Some(self.0.truths[job.index()]).filter(|truth| *truth != Span::MAX)
    }

    /// Work that is left at `now`.
    pub fn remaining(&self, job: JobId, now: Time) -> Option<Span> {
        self.work(job).map(|work| work - self.0.job(job).work_done(now))
    }
}
