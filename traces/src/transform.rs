//! Other traces made from one: under more load, a window of it, its days in another order.

use engine::{Span, Time};
use jiff::civil::DateTime;
use rand::rngs::ChaCha12Rng;
use rand::{RngExt, SeedableRng};

use crate::build::sort_jobs;
use crate::error::TraceError;
use crate::info::time_of_day_us;
use crate::trace::{Trace, TraceJob};

/// Changes to a trace, in the order in which they are made.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Changes {}

/// The keys of changes.
pub(crate) fn keys() -> impl Iterator<Item = &'static str> {
    std::iter::empty()
}

impl Changes {
    /// Reads pairs of key and value.
    pub(crate) fn parse(_place: &str, _pairs: &[(String, String)]) -> Result<Self, TraceError> {
        Ok(Self {})
    }

    /// Makes the changes.
    pub(crate) fn apply(&self, trace: Trace) -> Result<Trace, TraceError> {
        Ok(trace)
    }
}

const DAY_US: u64 = 86_400_000_000;

/// The same jobs, arriving `load` times as fast: each submission is (time since the first submission) / `load` after
/// the first, rounded to a microsecond. Run times stay. A deadline stays as far from its submission as it was.
pub fn scale_load(trace: &Trace, load: f64) -> Result<Trace, TraceError> {
    if !(load.is_finite() && load > 0.0) {
        let error = TraceError::new(&trace.source, format!("`{load}` is no load factor")).in_field("load");
        return Err(error.with_hint("give a number above 0, such as 1.2 for 20 % more load"));
    }
    let mut scaled = trace.clone();
    let Some(first) = trace.jobs.first().map(|job| job.submit) else { return Ok(scaled) };
    if (load - 1.0).abs() > f64::EPSILON {
        for job in &mut scaled.jobs {
            let since = (job.submit.since(first).0 as f64 / load).round();
            move_to(job, first + Span(since as u64));
        }
    }
    Ok(scaled)
}

/// The jobs submitted from `from` up to, not including, `to`. Time zero moves to `from`. Jobs that were submitted
/// before are left out, also where they would still run: the window starts with an empty cluster.
pub fn window(trace: &Trace, from: Time, to: Time) -> Result<Trace, TraceError> {
    let mut part = trace.clone();
    part.jobs.retain(|job| (from..to).contains(&job.submit));
    let outside = (trace.jobs.len() - part.jobs.len()) as u64;
    if part.jobs.is_empty() {
        let (first, last) = (trace.jobs.first(), trace.jobs.last());
        let hint = match (first, last) {
            (Some(first), Some(last)) => format!("the submissions are from {} to {}", first.submit, last.submit),
            _ => "the trace has no jobs".to_owned(),
        };
        let error = TraceError::new(&trace.source, format!("no job is submitted from {from} up to {to}"));
        return Err(error.in_field("window").with_hint(hint));
    }
    for job in &mut part.jobs {
        let at = Time(job.submit.since(from).0);
        move_to(job, at);
    }
    if outside > 0 {
        *part.ledger.dropped.entry("submitted outside the window".to_owned()).or_default() += outside;
    }
    part.origin = shifted_origin(trace, i64::try_from(from.0).unwrap_or(i64::MAX));
    Ok(part)
}

/// A bootstrap of whole days: as many days as the trace has are drawn with replacement and put one after the other.
/// A day begins at midnight where the trace has a clock, and at time zero otherwise. Ids get `#` and the position of
/// their day, so they stay unique. Order within a day is kept; the order of days, and with it the week, is not.
#[must_use]
pub fn resample_days(trace: &Trace, seed: u64) -> Trace {
    let start_us = time_of_day_us(trace);
    let at = |job: &TraceJob| job.submit.0.saturating_add(start_us);
    let (Some(first), Some(last)) = (trace.jobs.first().map(at), trace.jobs.last().map(at)) else {
        return trace.clone();
    };
    let (first_day, days) = (first / DAY_US, last / DAY_US - first / DAY_US + 1);
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    let mut sample = Trace { jobs: Vec::with_capacity(trace.jobs.len()), ..trace.clone() };
    for slot in 0..days {
        let day = first_day + rng.random_range(0..days);
        let from = trace.jobs.partition_point(|job| at(job) / DAY_US < day);
        let until = trace.jobs.partition_point(|job| at(job) / DAY_US <= day);
        for job in &trace.jobs[from..until] {
            let mut copy = job.clone();
            copy.id = format!("{}#{slot}", job.id).into();
            move_to(&mut copy, Time(slot * DAY_US + at(job) % DAY_US));
            sample.jobs.push(copy);
        }
    }
    sort_jobs(&mut sample.jobs);
    sample.origin = shifted_origin(trace, i64::try_from(first_day * DAY_US).unwrap_or(0) - start_us.cast_signed());
    sample
}

/// Moves the submission, and the deadline with it.
fn move_to(job: &mut TraceJob, submit: Time) {
    job.deadline = job.deadline.map(|deadline| {
        if deadline >= job.submit {
            submit + deadline.since(job.submit)
        } else {
            Time(submit.0.saturating_sub(job.submit.since(deadline).0))
        }
    });
    job.submit = submit;
}

/// What the clock shows at a new time zero.
fn shifted_origin(trace: &Trace, by_us: i64) -> Option<String> {
    let origin: DateTime = trace.origin.as_deref()?.parse().ok()?;
    origin.checked_add(jiff::SignedDuration::from_micros(by_us)).ok().map(|at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::read_bytes;

    fn trace(submits: &[&str]) -> Trace {
        let rows: Vec<String> = submits.iter().enumerate().map(|(i, at)| format!("j{i},{at},1,10,{at}9\n")).collect();
        read_bytes("t.csv", None, format!("job_id,submit_s,gpus,duration_s,deadline_s\n{}", rows.concat()).as_bytes())
            .unwrap()
    }

    fn submits(trace: &Trace) -> Vec<u64> {
        trace.jobs.iter().map(|job| job.submit.0).collect()
    }

    #[test]
    fn load_divides_the_gaps() {
        let original = trace(&["10", "11", "13.000001"]);
        let scaled = scale_load(&original, 2.0).unwrap();
        assert_eq!(submits(&scaled), [10_000_000, 10_500_000, 11_500_001]);
        assert_eq!(scaled.jobs[1].deadline, Some(Time(10_500_000 + 108_000_000)));
        assert_eq!(scale_load(&original, 1.0).unwrap(), original);
        for load in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = scale_load(&original, load).unwrap_err();
            assert_eq!(error.to_string(), format!("t.csv: field `load`: `{load}` is no load factor"));
        }
    }

    #[test]
    fn a_window_starts_at_zero() {
        let mut original = trace(&["10", "20", "30"]);
        original.origin = Some("2017-10-03T23:59:50".to_owned());
        let part = window(&original, Time(15_000_000), Time(30_000_000)).unwrap();
        assert_eq!(submits(&part), [5_000_000]);
        assert_eq!(&*part.jobs[0].id, "j1");
        assert_eq!(part.origin.as_deref(), Some("2017-10-04T00:00:05"));
        assert_eq!(part.ledger.dropped["submitted outside the window"], 2);
        let error = window(&original, Time(31_000_000), Time(32_000_000)).unwrap_err();
        assert_eq!(error.to_string(), "t.csv: field `window`: no job is submitted from 31s up to 32s");
        assert_eq!(error.hint(), Some("the submissions are from 10s to 30s"));
    }

    #[test]
    fn days_are_drawn_whole() {
        let mut original = trace(&["0", "60", "90000", "90060", "200000"]);
        original.origin = Some("2017-10-03T12:00:00".to_owned());
        let sample = resample_days(&original, 7);
        assert_eq!(sample, resample_days(&original, 7));
        assert_eq!(sample.origin.as_deref(), Some("2017-10-03T00:00:00"));
        let mut ids: Vec<_> = sample.jobs.iter().map(|job| job.id.clone()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), sample.jobs.len());
        assert!(sample.jobs.is_sorted_by_key(|job| job.submit));
        for job in &sample.jobs {
            let (id, slot) = job.id.split_once('#').unwrap();
            let source = original.jobs.iter().find(|job| &*job.id == id).unwrap();
            assert_eq!(job.submit.0 / DAY_US, slot.parse::<u64>().unwrap());
            assert_eq!(job.submit.0 % DAY_US, (source.submit.0 + DAY_US / 2) % DAY_US);
        }
        let others = (0..20).filter(|&seed| resample_days(&original, seed) != sample).count();
        assert!(others > 10);
        assert_eq!(resample_days(&Trace::default(), 1), Trace::default());
    }
}
