//! The same trace several times, one after the other.

use std::collections::HashSet;

use compact_str::{CompactString, format_compact};
use engine::Time;

use super::arrivals::move_to;
use super::days::DAY_US;
use super::{TraceError, Work};

/// Puts `count` copies one after the other. A copy begins whole days after the one before where the trace has a clock,
/// so that hours stay what they are; otherwise one mean time between arrivals after the last submission. The ids of the
/// second copy end in `#2`, and so on. Deadlines and recorded starts move with their jobs.
pub(super) fn repeat(work: &mut Work<'_>, count: u32) -> Result<(), TraceError> {
    let jobs = &work.trace.jobs;
    let (Some(first), Some(last)) = (jobs.first(), jobs.last()) else { return Ok(()) };
    let span_us = last.submit.since(first.submit).0;
    let period_us = if work.trace.origin.is_some() {
        (span_us / DAY_US + 1) * DAY_US
    } else {
        span_us + (span_us / (jobs.len() as u64 - 1).max(1)).max(1)
    };
    let end = u128::from(last.submit.0) + u128::from(period_us) * u128::from(count);
    if end > i64::MAX as u128 || jobs.len() as u128 * u128::from(count) > u128::from(u32::MAX) {
        return Err(work.error("the copies become too many or too late").with_hint("ask for fewer copies"));
    }
    let mut ids: HashSet<CompactString> = jobs.iter().map(|job| job.id.clone()).collect();
    let original = jobs.clone();
    for copy in 2..=count {
        for job in &original {
            let mut job = job.clone();
            let mut id = format_compact!("{}#{copy}", job.id);
            while ids.contains(&id) {
                id = format_compact!("{id}#{copy}");
            }
            ids.insert(id.clone());
            job.id = id;
            let at = Time(job.submit.0 + period_us * u64::from(copy - 1));
            move_to(&mut job, at);
            work.trace.jobs.push(job);
        }
    }
    let copies = work.trace.jobs.len() as u64 - work.step.before;
    if copies > 0 {
        work.step.changed.insert("a copy, with another id".to_owned(), copies);
    }
    Ok(())
}
