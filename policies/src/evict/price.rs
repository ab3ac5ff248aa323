//! What it is expected to cost to stop a run.

use engine::placement::gpu_milli;
use engine::{Draft, Job, JobId, Span, Time};

/// Which victim goes first among those that may be taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The one that goes last in the policy's own order.
    #[default]
    Order,
    /// The one that is cheapest to stop.
    Cost,
}

/// What becomes of the work of a run that is told to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnStop {
    /// What is not safe is lost.
    #[default]
    Loses,
    /// The run saves before it stops.
    Saves,
}

/// GPUs x (work at risk + restart) of a run, in thousandths of a GPU x microseconds: for policies without a [`Price`].
pub(crate) fn at_risk(draft: &Draft<'_>, id: JobId, restart: Span) -> u128 {
    let job = draft.state().job(id);
    u128::from(gpu_milli(&job.placement)) * u128::from((job.work_at_risk(draft.now()) + restart).0)
}

/// What a policy assumes about the cost of stopping a run: GPUs x (time since the last safe point + drain + restart).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// Time that the next run needs before it makes progress, for jobs that do not say it themselves.
    pub restart: Span,
    /// Time from the order to stop until the GPUs are free.
    pub drain: Span,
    /// Whether the time since the last safe point is at risk.
    pub on_stop: OnStop,
    /// The most that the time since the last safe point may protect a run; `None`: reported safe points are trusted.
    pub risk_max: Option<Span>,
}

/// Where savers stand behind all others: later than every start (2^60 microseconds are 36,000 years).
const SAVERS: i64 = 1 << 60;

impl Price {
    /// The bill: thousandths of a GPU x microseconds. A claim that was never launched costs nothing.
    pub fn bill(self, draft: &Draft<'_>, id: JobId) -> u128 {
        let job = draft.state().job(id);
        if job.launched == Time::NEVER {
            return 0;
        }
        let restart = job.spec.restart.unwrap_or(self.restart);
        let at_risk = match self.on_stop {
            OnStop::Loses => draft.now().since(safe_point(job)),
            OnStop::Saves => Span::ZERO,
        };
        let span = at_risk + restart + self.drain;
        u128::from(gpu_milli(&job.placement)) * u128::from(span.0)
    }

    /// What protects a run where the cheapest goes first: GPU x microseconds.
    ///
    /// With [`Price::risk_max`] of T, a run that ever saved counts T, any other its age up to T; what the job says
    /// about its restart counts for nothing. So no report that a job holds back can make it dearer: the charge of a
    /// run only grows when it reports a safe point.
    pub(crate) fn protection(self, draft: &Draft<'_>, id: JobId) -> u64 {
        let job = draft.state().job(id);
        let (at_risk, restart) = match self.risk_max {
            _ if self.on_stop == OnStop::Saves => (Span::ZERO, self.restart_of(job)),
            None => (draft.now().since(safe_point(job)), self.restart_of(job)),
            Some(most) if has_saved(job) => (most, self.restart),
            Some(most) => (draft.now().since(started(job)).min(most), self.restart),
        };
        crate::order::service((at_risk + restart + self.drain).0, gpu_milli(&job.placement))
    }

    /// What a run of this job is expected to need before it makes progress; with a cap on risk the word of the job counts
    /// for nothing.
    fn restart_of(self, job: &Job) -> Span {
        job.spec.restart.filter(|_| self.risk_max.is_none()).unwrap_or(self.restart)
    }

    /// A constant place among runs of equal GPUs that sorts them by [`Price::protection`] at every instant.
    pub(crate) fn place(self, job: &Job) -> i64 {
        let micros = |value: u64| i64::try_from(value).unwrap_or(i64::MAX).min(SAVERS);
        match self.risk_max {
            _ if self.on_stop == OnStop::Saves => micros(self.restart_of(job).0),
            None => micros(self.restart_of(job).0) - micros(safe_point(job).0),
            Some(_) => (if has_saved(job) { SAVERS } else { 0 }) - micros(started(job).0),
        }
    }
}

/// Since when work of the live run is at risk: its last safe point, else its start, else the time it was placed.
fn safe_point(job: &Job) -> Time {
    job.saved_at.known().unwrap_or(job.placed)
}

/// The start of the live run, or the time it was placed while it has not started.
fn started(job: &Job) -> Time {
    job.running_since.known().unwrap_or(job.placed)
}

/// Whether the live run has reported a safe point since it started.
fn has_saved(job: &Job) -> bool {
    job.saved_at.known().is_some_and(|saved| saved > started(job))
}
