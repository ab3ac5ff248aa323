//! Who was preempted does not preempt until a job has ended.
//!
//! Rules of preemption that are sound one by one can make a circle together: by priority a job takes from one of its own queue
//! and grows too large for its share; another queue takes from it; the first victim, which is small, takes that room back by
//! its share; and by priority it is preempted again. Kueue's proof that two jobs never preempt each other looks at two queues
//! only (kueue#14543 is another gap in it).
//!
//! With this rule preemption ends: between two ends of jobs, each job preempts at most once, since it must have been preempted
//! itself before it can preempt again. It also keeps one arrival from setting off a chain of preemptions.
//!
//! The note stands in the memo of the job: how many jobs had ended at its preemption, plus one.

use engine::{Draft, JobId, State};

/// `victim` is preempted.
pub(super) fn bar(draft: &mut Draft<'_>, victim: JobId) {
    let stamp = stamp(draft.state());
    draft.set_memo(victim, [stamp, 0, 0, 0]);
}

/// Whether `job` may not preempt now.
pub(super) fn is_barred(state: &State, job: JobId) -> bool {
    state.memo(job)[0] == stamp(state)
}

fn stamp(state: &State) -> u64 {
    state.jobs().len() as u64 - state.totals().open + 1
}
