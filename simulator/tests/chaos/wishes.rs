//! What users of random jobs wish for: targets, restart times, queues.

use engine::Span;
use traces::Trace;

use super::Chance;

/// Deadlines, latest starts and restart times, for some, from chance of its own.
pub(super) fn with_targets(mut trace: Trace, chance: &mut Chance) -> Trace {
    let (deadlines, starts) = (chance.one_in(2), chance.one_in(3));
    for job in &mut trace.jobs {
        let within = |chance: &mut Chance, most: u64| Span::secs(chance.within(0, most));
        let mut details = (*job.details).clone();
        if deadlines && chance.one_in(2) {
            details.deadline = Some(job.submit + job.duration + within(chance, 6000));
        }
        if starts && chance.one_in(3) {
            details.start_by = Some(job.submit + within(chance, 2000));
        }
        details.restart = chance.one_in(6).then(|| within(chance, 60));
        job.details = details.into();
    }
    trace
}

/// Queues, in one of two cases, from chance of its own; some jobs are in none.
pub(super) fn with_queues(mut trace: Trace, chance: &mut Chance) -> Trace {
    if chance.one_in(2) {
        return trace;
    }
    trace.queues = ["a", "b", "c"].map(str::to_owned).to_vec();
    for job in &mut trace.jobs {
        let mut details = (*job.details).clone();
        details.queue = chance.pick(&[None, Some(0), Some(1), Some(2)]);
        job.details = details.into();
    }
    trace
}
