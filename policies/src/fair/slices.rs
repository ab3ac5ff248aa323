//! How long a run is left alone, so that taking turns never stops progress.
//!
//! Time-slicing takes it for granted that a stopped run loses nothing. Where it does (no checkpoint), two jobs could take
//! turns for ever. So a job that lost work when it was stopped is left alone twice as long the next time: it is stopped
//! at most log2 of (work / slice) times more, and where nothing is lost nothing changes.

use engine::{Draft, JobId, Memo, Phase, Span};

/// Place in the memo: work done when it was last stopped, plus 1; 0 when that is settled.
const STOPPED: usize = 1;
/// Place in the memo: how often it lost work.
const LOSSES: usize = 2;

/// A run of `job` was stopped for good in this decision.
pub(crate) fn note_stop(draft: &mut Draft<'_>, job: JobId) {
    let done = draft.state().job(job).work_done(draft.now());
    change(draft, job, |memo| memo[STOPPED] = done.0 + 1);
}

/// A job is ready: if it was stopped and has lost work, remember.
pub(crate) fn note_return(draft: &mut Draft<'_>, job: JobId) {
    let entry = draft.state().job(job);
    let (done, saved) = (draft.state().memo(job)[STOPPED], entry.work_saved.0);
    if entry.phase == Phase::Ready && done > 0 {
        change(draft, job, |memo| {
            memo[LOSSES] += u64::from(saved + 1 < done);
            memo[STOPPED] = 0;
        });
    }
}

/// How often stopping `job` has lost work.
pub(crate) fn losses(draft: &Draft<'_>, job: JobId) -> u64 {
    draft.state().memo(job)[LOSSES]
}

/// `slice`, doubled for each stop that lost work.
pub(crate) fn left_alone(draft: &Draft<'_>, job: JobId, slice: Span) -> Span {
    let losses = losses(draft, job).min(40) as u32;
    Span(slice.0.saturating_mul(1 << losses))
}

/// Whether the live run of `job` may be stopped: it has made progress for its slice.
pub(crate) fn is_over(draft: &Draft<'_>, job: JobId, slice: Span) -> bool {
    let entry = draft.state().job(job);
    let since = entry.running_since.known();
    entry.spec.preemptible && since.is_some_and(|since| draft.now().since(since) >= left_alone(draft, job, slice))
}

/// Changes the memo of a job.
pub(crate) fn change(draft: &mut Draft<'_>, job: JobId, change: impl FnOnce(&mut Memo)) {
    let mut memo = draft.state().memo(job);
    change(&mut memo);
    draft.set_memo(job, memo);
}
