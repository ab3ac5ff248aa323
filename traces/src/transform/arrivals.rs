//! When jobs arrive: faster, slower, later, or just fast enough for a load.

use engine::{Span, Time};
use jiff::civil::DateTime;

use super::{Trace, TraceError, Work};
use crate::trace::TraceJob;

/// The same jobs, arriving `load` times as fast: each submission is (time since the first submission) / `load` after
/// the first, rounded to a microsecond. Run times stay. A deadline and a recorded start stay as far from their
/// submission as they were.
pub fn scale_load(trace: &Trace, load: f64) -> Result<Trace, TraceError> {
    if !(load.is_finite() && load > 0.0) {
        let error = TraceError::new(&trace.source, format!("`{load}` is no load factor")).in_field("load");
        return Err(error.with_hint("give a number above 0, such as 1.2 for 20 % more load"));
    }
    let mut scaled = trace.clone();
    if (load - 1.0).abs() > f64::EPSILON && !scaled.jobs.is_empty() {
        let mut work = Work::begin(&mut scaled, format!("rate={load}"), 0);
        compress(&mut work, load);
        work.end();
    }
    Ok(scaled)
}

/// Divides the times since the first submission by `factor`.
pub(super) fn compress(work: &mut Work<'_>, factor: f64) {
    let Some(first) = work.trace.jobs.first().map(|job| job.submit) else { return };
    for job in &mut work.trace.jobs {
        let since = (job.submit.since(first).0 as f64 / factor).round();
        move_to(job, first + Span(since as u64));
    }
}

/// Arrivals at which the jobs offer exactly `load` on `gpus` GPUs: GPU-time of all jobs over GPU-time of the GPUs from
/// the first submission to the last.
pub(super) fn to_load(work: &mut Work<'_>, load: f64, gpus: u32) -> Result<(), TraceError> {
    let jobs = &work.trace.jobs;
    let (Some(first), Some(last)) = (jobs.first(), jobs.last()) else { return Ok(()) };
    let span_us = last.submit.since(first.submit).0;
    let gpu_us: f64 = jobs.iter().map(|job| f64::from(job.gpu_milli) / 1000.0 * job.duration.0 as f64).sum();
    if span_us == 0 || gpu_us <= 0.0 {
        let message = if span_us == 0 { "all jobs arrive at once" } else { "the jobs hold no GPU-time" };
        return Err(work
            .error(format!("{message}: no rate gives a load"))
            .with_hint("take another trace or leave it out"));
    }
    let offered = gpu_us / (f64::from(gpus) * span_us as f64);
    compress(work, load / offered);
    Ok(())
}

/// Multiplies the times since the first submission, and all lengths of time, by `factor`.
pub(super) fn stretch(work: &mut Work<'_>, factor: f64) -> Result<(), TraceError> {
    let jobs = &work.trace.jobs;
    let Some(first) = jobs.first().map(|job| job.submit) else { return Ok(()) };
    let longest = jobs.iter().map(|job| job.duration.0.max(job.submit.0)).max().unwrap_or(0);
    if longest as f64 * factor > i64::MAX as f64 {
        return Err(work.error("the times become too large").with_hint("give a smaller factor"));
    }
    let scaled = |us: u64| (us as f64 * factor).round() as u64;
    let span = |span: Span| Span(scaled(span.0));
    let time = |time: Time| {
        if time >= first {
            first + span(time.since(first))
        } else {
            Time(first.0.saturating_sub(scaled(first.since(time).0)))
        }
    };
    for job in &mut work.trace.jobs {
        job.submit = time(job.submit);
        job.duration = span(job.duration);
        if let Some(details) = job.details.said_mut() {
            details.start = details.start.map(time);
            details.estimate = details.estimate.map(span);
            if let Some(wishes) = details.wishes.said_mut() {
                wishes.deadline = wishes.deadline.map(time);
                wishes.start_by = wishes.start_by.map(time);
                wishes.time_limit = wishes.time_limit.map(span);
                wishes.restart = wishes.restart.map(span);
            }
        }
    }
    Ok(())
}

/// Moves every job by `by_us` microseconds on the clock of the trace.
pub(super) fn shift(work: &mut Work<'_>, by_us: i64) -> Result<(), TraceError> {
    let Some(first) = work.trace.jobs.first().map(|job| job.submit) else { return Ok(()) };
    if first.0.checked_add_signed(by_us).is_none() {
        let error = work.error("the first job would be submitted before time zero");
        return Err(error.with_hint(format!("the first submission is at {first}: shift back by at most that")));
    }
    for job in &mut work.trace.jobs {
        let submit = Time(job.submit.0.saturating_add_signed(by_us));
        move_to(job, submit);
    }
    Ok(())
}

/// Moves the submission, and the deadline and the recorded start with it.
pub(super) fn move_to(job: &mut TraceJob, submit: Time) {
    let from = job.submit;
    let moved = |time: Time| {
        if time >= from { submit + time.since(from) } else { Time(submit.0.saturating_sub(from.since(time).0)) }
    };
    if let Some(details) = job.details.said_mut() {
        details.start = details.start.map(moved);
        if let Some(wishes) = details.wishes.said_mut() {
            wishes.deadline = wishes.deadline.map(moved);
            wishes.start_by = wishes.start_by.map(moved);
        }
    }
    job.submit = submit;
}

/// What the clock shows at a new time zero.
pub(super) fn shifted_origin(trace: &Trace, by_us: i64) -> Option<String> {
    let origin: DateTime = trace.origin.as_deref()?.parse().ok()?;
    origin.checked_add(jiff::SignedDuration::from_micros(by_us)).ok().map(|at| at.to_string())
}
