//! Pollux and Sia: what their generators keep of the Philly table before they draw 160 jobs.
//!
//! Both keep rows with `duration >= 60` and `gpu_time < 1000 * 3600`. Then Pollux moves the clock back by START hours
//! (2 by default), keeps the rows of all days whose hour is now below 8, and takes the time of day as submission: the
//! days are laid upon each other. Sia takes the 8 hours from START hours after the first row that is left, both ends
//! excluded. The published Philly workloads of both artifacts have the submissions of Pollux's way.

use engine::{Span, Time};

use super::super::arrivals::{move_to, shifted_origin};
use super::{Filter, TraceError, Work, is_below_gpu_hours};
use crate::build::sort_jobs;
use crate::info::time_of_day_us;

const HOUR_US: u64 = 3_600_000_000;
const DAY_US: u64 = 24 * HOUR_US;
/// Hours of a workload: the default of `--duration` in both generators.
const HOURS: u64 = 8;

pub(super) static POLLUX: Filter = Filter {
    name: "pollux",
    citation: "Qiao et al., Pollux, OSDI'21; petuum/adaptdl, branch osdi21-artifact, simulator/workload.py, generate()",
    rule: "keeps run time >= 60 s and GPU-time < 1000 GPU-hours; with START also only submissions in the 8 hours of \
           the day from START, of all days, laid upon one day that begins at START",
    argument: "START, an hour from 0 to 23; the generator's default is 2",
    make: pollux,
};

pub(super) static SIA: Filter = Filter {
    name: "sia",
    citation: "Jayaram Subramanya et al., Sia, SOSP'23; siasosp23/artifacts, sia-simulator/utils/generate_workload.py, \
               generate_v2()",
    rule: "keeps run time >= 60 s and GPU-time < 1000 GPU-hours; with START also only submissions in the 8 hours \
           that begin START hours after the first job that is left, both ends excluded",
    argument: "START, a number of hours; the generator's default is 2",
    make: sia,
};

fn rows(work: &mut Work<'_>) {
    work.keep("the run time is below 60 s", |job| job.duration >= Span::secs(60));
    work.keep("the GPU-time is not below 1000 GPU-hours", |job| is_below_gpu_hours(job, 1000));
}

fn pollux(work: &mut Work<'_>, argument: Option<&str>) -> Result<(), TraceError> {
    rows(work);
    let Some(text) = argument else { return Ok(()) };
    let start = text.parse::<u64>().ok().filter(|hour| *hour < 24);
    let start = start.ok_or_else(|| POLLUX.bad(work, text, "an hour from 0 to 23"))?;
    if work.trace.origin.is_none() {
        let error = work.error("the trace has no clock, so it has no hours of the day");
        return Err(error.with_hint("write filter=pollux without an hour"));
    }
    let zero_us = time_of_day_us(work.trace);
    let since_start = |submit: Time| (submit.0 % DAY_US + zero_us + DAY_US - start * HOUR_US) % DAY_US;
    work.keep("submitted outside the 8 hours of the day", |job| since_start(job.submit) < HOURS * HOUR_US);
    work.change("submitted on another day: laid upon the first", |job| {
        let at = Time(since_start(job.submit));
        let moved = at != job.submit;
        move_to(job, at);
        moved
    });
    sort_jobs(&mut work.trace.jobs);
    let back_us = i64::try_from(start * HOUR_US).unwrap_or(0) - i64::try_from(zero_us).unwrap_or(0);
    work.trace.origin = shifted_origin(work.trace, back_us);
    Ok(())
}

fn sia(work: &mut Work<'_>, argument: Option<&str>) -> Result<(), TraceError> {
    rows(work);
    let Some(text) = argument else { return Ok(()) };
    let start = text.parse::<u32>().ok().ok_or_else(|| SIA.bad(work, text, "a whole number of hours"))?;
    let Some(first) = work.trace.jobs.first().map(|job| job.submit) else { return Ok(()) };
    let from = first + Span(u64::from(start) * HOUR_US);
    let to = from + Span(HOURS * HOUR_US);
    work.keep("submitted outside the 8 hours", |job| from < job.submit && job.submit < to);
    for job in &mut work.trace.jobs {
        let at = Time(job.submit.since(from).0);
        move_to(job, at);
    }
    work.trace.origin = shifted_origin(work.trace, i64::try_from(from.0).unwrap_or(i64::MAX));
    Ok(())
}
