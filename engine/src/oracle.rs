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

    /// Work that is left at `now`, and the restart that is owed where the world has said so: what the job needs yet.
    pub fn remaining(&self, id: JobId, now: Time) -> Option<Span> {
        let job = self.0.job(id);
        self.work(id).map(|work| work - job.work_done(now) + job.restart_left(now))
    }
}
