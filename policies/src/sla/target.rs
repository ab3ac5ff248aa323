//! What a job was promised, and when it has to be done.

use engine::{Draft, JobId, Span, Time};

use crate::easy::Estimates;

/// How far a promise has come; noted in the memo of the job, once, when it first waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody has asked yet whether it can be met.
    Unjudged,
    /// It will be met as far as the estimates hold.
    Promised,
    /// Best effort: it asks for nothing, or nothing could be promised.
    BestEffort,
}

impl Standing {
    pub(super) fn of(draft: &Draft<'_>, job: JobId) -> Self {
        let spec = &draft.state().job(job).spec;
        match draft.state().memo(job)[0] {
            1 => Self::Promised,
            0 if spec.deadline.is_some() || spec.start_by.is_some() => Self::Unjudged,
            _ => Self::BestEffort,
        }
    }

    pub(super) fn note(self, draft: &mut Draft<'_>, job: JobId) {
        let mark = match self {
            Self::Unjudged => 0,
            Self::Promised => 1,
            Self::BestEffort => 2,
        };
        let [_, rest @ ..] = draft.state().memo(job);
        draft.set_memo(job, [mark, rest[0], rest[1], rest[2]]);
    }
}

/// A waiting job with a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Want {
    pub(super) job: JobId,
    /// From its launch to its end, its restart included; `MAX` when nobody knows.
    pub(super) run: Span,
    /// When it must have ended.
    pub(super) end_by: Time,
    /// When it must have started; `NEVER` also for a job that has started before.
    pub(super) start_by: Time,
    /// From when on it may stop others: as the last course that was found had it, else the origin.
    pub(super) insists: Time,
}

impl Want {
    pub(super) fn of(draft: &Draft<'_>, estimates: Estimates, restart: Span, id: JobId) -> Self {
        let job = draft.state().job(id);
        let again = if job.attempt > 0 { job.spec.restart.unwrap_or(restart) } else { Span::ZERO };
        let started = job.first_launch != Time::NEVER;
        Self {
            job: id,
            run: estimates.remaining(draft, id) + again,
            end_by: job.spec.deadline.unwrap_or(Time::NEVER),
            start_by: job.spec.start_by.filter(|_| !started).unwrap_or(Time::NEVER),
            insists: Time(draft.state().memo(id)[1]),
        }
    }

    /// Notes from when on it stops others, so that the same course can be found again.
    pub(super) fn note(&self, draft: &mut Draft<'_>) {
        let [mark, _, rest @ ..] = draft.state().memo(self.job);
        draft.set_memo(self.job, [mark, self.insists.0, rest[0], rest[1]]);
    }

    /// Whether nothing can be said about its target, because nobody knows how long it runs.
    pub(super) fn is_open_ended(&self) -> bool {
        self.run == Span::MAX && self.end_by != Time::NEVER
    }

    /// The latest launch that meets both targets.
    pub(super) fn latest_start(&self) -> Time {
        let by_end = if self.end_by == Time::NEVER { Time::NEVER } else { Time((Span(self.end_by.0) - self.run).0) };
        self.start_by.min(by_end)
    }

    /// Its deadline, or when it ends if it starts at the last moment: what earliest deadline first compares.
    pub(super) fn due(&self) -> Time {
        let by_start = if self.run == Span::MAX { self.start_by } else { self.start_by + self.run };
        self.end_by.min(by_start)
    }

    /// How much later than `start` it may be launched; `None` when that is too late already.
    pub(super) fn slack(&self, start: Time) -> Option<Span> {
        let too_long = self.end_by != Time::NEVER && start + self.run > self.end_by;
        (start <= self.latest_start() && !too_long).then(|| self.latest_start().since(start))
    }
}
