//! Who was preempted by another queue does not preempt until something else has happened: a job arrived or ended.
//!
//! Rules of preemption that are sound one by one can make a circle together: by priority a job takes from one of its own queue
//! and grows too large for its share; another queue takes from it; the first victim, which is small, takes that room back by
//! its share; and by priority it is preempted again. Kueue's proof that two jobs never preempt each other looks at two queues
//! only (kueue#14543 is another gap in it).
//!
//! With this rule preemption ends. If it did not, some jobs would preempt without end while nothing arrives or ends. Each of
//! them is preempted without end too, but never by another queue, or it would not preempt again. So each is preempted by its
//! own queue: by a job that goes before it by priority or arrival. The first of them in that order is preempted by none.
//!
//! The note stands in the memo of the job: jobs submitted and jobs open at its preemption, plus one.

use engine::{Draft, JobId, State};

/// `victim` is preempted by a job of another queue.
pub(super) fn bar(draft: &mut Draft<'_>, victim: JobId) {
    let [submitted, open] = stamp(draft.state());
    draft.set_memo(victim, [submitted, open, 0, 0]);
}

/// Whether `job` may not preempt now.
pub(super) fn is_barred(state: &State, job: JobId) -> bool {
    let [submitted, open, ..] = state.memo(job);
    [submitted, open] == stamp(state)
}

fn stamp(state: &State) -> [u64; 2] {
    [state.jobs().len() as u64, state.totals().open + 1]
}
