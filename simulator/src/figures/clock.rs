//! The time axis of a replay: civil dates where the trace knows them, else time since the first submission.

use jiff::SignedDuration;
use jiff::civil::DateTime;

use super::axis::{Axis, Scale, Tick};
use super::selection::Selection;
use crate::report::fmt;
use crate::stats::same;

/// Steps between ticks in seconds.
const STEPS: [f64; 25] = [
    1.0,
    5.0,
    10.0,
    30.0,
    60.0,
    120.0,
    300.0,
    600.0,
    1800.0,
    3600.0,
    7200.0,
    10_800.0,
    21_600.0,
    43_200.0,
    86_400.0,
    172_800.0,
    259_200.0,
    432_000.0,
    604_800.0,
    1_209_600.0,
    2_592_000.0,
    5_184_000.0,
    15_552_000.0,
    31_536_000.0,
    315_360_000.0,
];

/// What the clock showed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// Civil time at time zero of the trace, where it is known.
    origin: Option<DateTime>,
    /// First submission in seconds of the trace.
    first_s: f64,
}

impl Clock {
    /// The clock of what `selection` shows. Another load than 1 squeezes or stretches the arrivals: the dates are lost.
    pub(super) fn of(trace: &traces::Trace, selection: &Selection<'_>) -> Self {
        let submits = selection.groups.iter().flatten().filter_map(|replay| replay.jobs.first());
        let first_s = submits.map(|job| job.submit.secs_f64()).reduce(f64::min).unwrap_or(0.0);
        let origin = trace.origin.as_deref().filter(|_| same(selection.load, 1.0));
        Self::new(origin, first_s)
    }

    /// The clock of a trace by itself.
    pub(super) fn of_trace(trace: &traces::Trace) -> Self {
        let first_s = trace.jobs.first().map_or(0.0, |job| job.submit.secs_f64());
        Self::new(trace.origin.as_deref(), first_s)
    }

    fn new(origin: Option<&str>, first_s: f64) -> Self {
        Self { origin: origin.and_then(|text| text.trim().parse().ok()), first_s }
    }

    /// First submission in seconds of the trace.
    pub(super) fn first_s(&self) -> f64 {
        self.first_s
    }

    /// An axis from `low` to `high`, seconds of the trace.
    pub(super) fn axis(&self, low: f64, high: f64) -> Axis {
        let high = if high > low { high } else { low + 1.0 };
        let least = (high - low) / 9.0;
        let step = STEPS.into_iter().find(|step| *step >= least).unwrap_or_else(|| super::axis::round_step(least));
        let (offset, title) = match self.origin {
            Some(origin) => (-seconds_of_day(origin), civil_title(origin, low, high)),
            None => (self.first_s, "time since the first submission".to_owned()),
        };
        let first = ((low - offset) / step - 1e-9).ceil() as i64;
        let last = ((high - offset) / step + 1e-9).floor() as i64;
        let mut ticks = Vec::new();
        for k in first..=last {
            let since = k as f64 * step;
            let text = match self.origin {
                Some(origin) => civil_text(origin, offset + since, step, ticks.is_empty()),
                None => relative_text(since),
            };
            ticks.push(Tick { at: offset + since, text });
        }
        Axis { scale: Scale::Linear, low, high, ticks, title }
    }

    /// An instant in words.
    pub(super) fn words(&self, at_s: f64) -> String {
        match self.origin.and_then(|origin| civil(origin, at_s)) {
            Some(time) => time.strftime("%Y-%m-%d %H:%M").to_string(),
            None => format!("{} after the first submission", fmt::seconds(at_s - self.first_s)),
        }
    }
}

fn seconds_of_day(time: DateTime) -> f64 {
    f64::from(time.hour()) * 3600.0 + f64::from(time.minute()) * 60.0 + f64::from(time.second())
}

fn civil(origin: DateTime, at_s: f64) -> Option<DateTime> {
    origin.checked_add(SignedDuration::from_secs(at_s.round() as i64)).ok()
}

fn civil_title(origin: DateTime, low: f64, high: f64) -> String {
    let year = |at| civil(origin, at).map(DateTime::year);
    match (year(low), year(high)) {
        (Some(from), Some(to)) if from == to => format!("clock of the trace, {from}"),
        (Some(from), Some(to)) => format!("clock of the trace, {from} to {to}"),
        _ => "clock of the trace".to_owned(),
    }
}

fn civil_text(origin: DateTime, at_s: f64, step: f64, first: bool) -> String {
    let Some(time) = civil(origin, at_s) else { return String::new() };
    let midnight = time.hour() == 0 && time.minute() == 0 && time.second() == 0;
    let format = match (step, first || midnight) {
        (86_400.0.., _) => "%-d %b",
        (60.0.., true) => "%-d %b %H:%M",
        (60.0.., false) => "%H:%M",
        (_, true) => "%-d %b %H:%M:%S",
        (_, false) => "%H:%M:%S",
    };
    time.strftime(format).to_string()
}

fn relative_text(since: f64) -> String {
    if since == 0.0 { "0".to_owned() } else { fmt::seconds(since) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(origin: Option<&str>, low: f64, high: f64) -> String {
        let axis = Clock::new(origin, 0.0).axis(low, high);
        axis.ticks.into_iter().map(|tick| tick.text).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn civil_ticks_lie_on_the_clock() {
        let hours = texts(Some("2017-10-03 21:30:00"), 0.0, 6.0 * 3600.0);
        assert_eq!(hours, "3 Oct 22:00|23:00|4 Oct 00:00|01:00|02:00|03:00");
        let days = texts(Some("2017-10-03T21:30:00"), 0.0, 4.0 * 86_400.0);
        assert!(days.contains("4 Oct 00:00|12:00"), "{days}");
        assert_eq!(texts(Some("2017-12-30"), 0.0, 5.0 * 86_400.0).split('|').next(), Some("30 Dec"));
    }

    #[test]
    fn without_origin_time_counts_from_the_first_submission() {
        assert_eq!(texts(None, 0.0, 4.0 * 3600.0), "0|30 min|1 h|1 h 30 min|2 h|2 h 30 min|3 h|3 h 30 min|4 h");
        assert_eq!(texts(Some("last tuesday"), 0.0, 20.0), "0|5 s|10 s|15 s|20 s");
    }
}
