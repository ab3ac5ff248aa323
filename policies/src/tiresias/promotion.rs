//! The knob of promotion: jobs that wait too long go back to the first level (Tiresias, section 3.3).
//!
//! A job that has waited at least knob times as long as it has run goes back, and both counts begin anew when it runs again.
//! What they begin from is noted with the engine: service, running time and waiting time at that time, and the safe point.
//!
//! A job is promoted again only if its safe point has moved since: time slices in which all work is lost would otherwise
//! go round for ever. Where stopping saves, as in the publication, that is always so.

use engine::{Draft, Job, JobId, Memo, Span, Time};

use super::service::{Measure, Service};

/// What a job had at its last promotion.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Base {
    /// Service.
    pub(crate) service: Service,
    /// Running time.
    pub(crate) ran: u64,
    /// Waiting time since the first launch.
    pub(crate) waited: u64,
    /// Safe work plus 1; 0 before the first promotion.
    pub(crate) saved: u64,
}

impl Base {
    /// As noted.
    pub(crate) fn of(draft: &Draft<'_>, job: JobId) -> Self {
        let [service, ran, waited, saved] = draft.state().memo(job);
        Self { service, ran, waited, saved }
    }

    /// What a waiting job has at `now`.
    pub(crate) fn now(job: &Job, now: Time, measure: Measure) -> Self {
        let waited = now.since(job.first_launch) - job.service;
        Self { service: measure.in_ended_runs(job), ran: job.service.0, waited: waited.0, saved: job.work_saved.0 + 1 }
    }

    /// The same for a job that starts at `now`: waiting counts from its first run after a promotion.
    #[must_use]
    pub(crate) fn at_start(self, job: &Job, now: Time) -> Self {
        let again = self.saved > 0 && self.ran_since(job) == Span::ZERO;
        let waited = now.since(job.first_launch) - job.service;
        if again { Self { waited: waited.0, ..self } } else { self }
    }

    /// To be noted.
    pub(crate) fn memo(self) -> Memo {
        [self.service, self.ran, self.waited, self.saved]
    }

    /// When a waiting job will have waited `knob_milli` thousandths of the time that it has run, rounded down to whole
    /// `grains`; `None`: never.
    pub(crate) fn due(self, job: &Job, knob_milli: u64, grain: Span) -> Option<Time> {
        let ran = self.ran_since(job).0;
        let moved = job.work_saved.0 + 1 > self.saved;
        if knob_milli == 0 || ran == 0 || !moved {
            return None;
        }
        let wait = (u128::from(ran) * u128::from(knob_milli)).div_ceil(1000);
        let wait = u64::try_from(wait).unwrap_or(u64::MAX);
        let wait = Span(wait - wait % grain.0);
        Some(job.first_launch.known()? + job.service + Span(self.waited) + wait)
    }

    /// Running time in ended runs since the last promotion.
    pub(crate) fn ran_since(self, job: &Job) -> Span {
        Span(job.service.0.saturating_sub(self.ran))
    }
}
