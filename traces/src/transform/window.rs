//! A part of the time.

use engine::Time;

use super::arrivals::{move_to, shifted_origin};
use super::moment::Moment;
use super::{Trace, TraceError, Work};

/// The jobs submitted from `from` up to, not including, `to`. Time zero moves to `from`. Jobs that were submitted
/// before are left out, also where they would still run: the window starts with an empty cluster.
pub fn window(trace: &Trace, from: Time, to: Time) -> Result<Trace, TraceError> {
    let mut part = trace.clone();
    let mut work = Work::begin(&mut part, format!("window={from}..{to}"), 0);
    cut(&mut work, from, to)?;
    work.end();
    Ok(part)
}

/// [`window`] between two points that may be open or civil times.
pub(super) fn between(work: &mut Work<'_>, from: &Moment, to: &Moment) -> Result<(), TraceError> {
    let first = work.trace.jobs.first().map_or(Time::ZERO, |job| job.submit);
    let from = from.resolve(work, first)?;
    let to = to.resolve(work, Time(u64::MAX))?;
    cut(work, from, to)
}

fn cut(work: &mut Work<'_>, from: Time, to: Time) -> Result<(), TraceError> {
    let ends = work.trace.jobs.first().zip(work.trace.jobs.last()).map(|(a, b)| (a.submit, b.submit));
    work.keep("submitted outside the window", |job| (from..to).contains(&job.submit));
    if work.trace.jobs.is_empty() {
        let hint = match ends {
            Some((first, last)) => format!("the submissions are from {first} to {last}"),
            None => "the trace has no jobs".to_owned(),
        };
        let message = match to {
            Time(u64::MAX) => format!("no job is submitted from {from} on"),
            _ => format!("no job is submitted from {from} up to {to}"),
        };
        return Err(work.error(message).with_hint(hint));
    }
    for job in &mut work.trace.jobs {
        let at = Time(job.submit.since(from).0);
        move_to(job, at);
    }
    work.trace.origin = shifted_origin(work.trace, i64::try_from(from.0).unwrap_or(i64::MAX));
    Ok(())
}
