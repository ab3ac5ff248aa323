//! A world that goes in rounds: runs go on in step with each other.
//!
//! A round lasts at most so long. In it, every run does as many of its training steps as fit, and the next round begins
//! when the last run is through with its own (Gavel's simulator, OSDI 2020). A job whose steps are not known does
//! microseconds of work instead. Where no run is live, a round begins with the next thing that happens.
//!
//! Instants are exact seconds here, so that the rounding to microseconds does not add up from round to round.

use std::collections::BTreeMap;

use engine::{JobId, MICROS, Rate, RunId, Span, Time};

/// A quotient this close below a whole number is that number: it was computed from a run time in microseconds.
const NEARLY: f64 = 1e-5;

/// How a run gets on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Training steps of the whole job, or microseconds of its work.
    pub(crate) total: u64,
    /// Of those, in a second.
    pub(crate) per_s: f64,
    /// Whether `per_s` comes from a run time that was rounded to microseconds.
    pub(crate) rounded: bool,
}

impl Pace {
    /// Without steps: microseconds of work at this speed.
    pub(crate) fn of_work(work: Span, rate: Rate) -> Self {
        Self { total: work.0, per_s: f64::from(rate.as_ppm()), rounded: false }
    }

    /// So many steps in the run time `work` at full speed, run at this speed.
    pub(crate) fn of_steps(steps: u64, work: Span, rate: Rate) -> Self {
        let per_s = steps as f64 / work.secs_f64() * (f64::from(rate.as_ppm()) / 1e6);
        Self { total: steps, per_s, rounded: true }
    }

    /// Whole steps that fit in a time.
    fn steps_in(&self, secs: f64) -> u64 {
        let steps = self.per_s * secs.max(0.0);
        if self.rounded && steps.ceil() - steps < NEARLY { steps.ceil() as u64 } else { steps as u64 }
    }
}

/// A live run.
#[derive(Clone, Copy, Debug)]
struct Live {
    run: RunId,
    pace: Pace,
    /// Steps done before the present segment.
    done: u64,
    /// Since when it makes progress in this round; `None` before.
    since: Option<f64>,
    /// Steps that it does in this round, once that is planned.
    steps: Option<u64>,
}

impl Live {
    fn end(&self) -> Option<f64> {
        Some(self.since? + self.steps? as f64 / self.pace.per_s)
    }

    /// All steps are done or planned: it ends by itself.
    fn finishes(&self) -> bool {
        self.done + self.steps.unwrap_or(0) >= self.pace.total
    }
}

/// The clock of rounds, and the live runs.
#[derive(Debug)]
pub(crate) struct Rounds {
    /// Longest round in seconds.
    length: f64,
    began: f64,
    /// When the next round begins; `None` while no run is live: with the next thing that happens.
    next: Option<f64>,
    /// Runs came or went, or a round began: ends and the next round are to be planned.
    stale: bool,
    runs: BTreeMap<JobId, Live>,
}

fn instant(secs: f64) -> Time {
    Time((secs * MICROS as f64).round() as u64)
}

impl Rounds {
    /// No round has begun.
    pub(crate) fn new(length: Span) -> Self {
        Self { length: length.secs_f64(), began: 0.0, next: None, stale: false, runs: BTreeMap::new() }
    }

    /// When the next round begins, if a run is live.
    pub(crate) fn next(&self) -> Option<Time> {
        self.next.map(instant)
    }

    /// Whether a round begins now, at an instant at which something happens.
    pub(crate) fn begins_at(&self, now: Time) -> bool {
        self.next().is_none_or(|next| next <= now)
    }

    /// A round begins.
    pub(crate) fn begin(&mut self, now: Time) {
        self.began = self.next.filter(|next| instant(*next) == now).unwrap_or(now.secs_f64());
        for live in self.runs.values_mut().filter(|live| live.since.is_some() && !live.finishes()) {
            live.done += live.steps.take().unwrap_or(0);
            live.since = Some(self.began);
        }
        self.stale = true;
    }

    /// A run was launched that resumes after so much of the job's work.
    pub(crate) fn launch(&mut self, run: RunId, pace: Pace, from: Span, work: Span) {
        let share = u128::from(from.0) * u128::from(pace.total) + u128::from(work.0 / 2);
        let done = share.checked_div(u128::from(work.0)).map_or(0, |done| done as u64).min(pace.total);
        self.runs.insert(run.job, Live { run, pace, done, since: None, steps: None });
        self.stale = true;
    }

    /// A run makes progress from now on.
    pub(crate) fn start(&mut self, job: JobId, now: Time) {
        let at = if instant(self.began) == now { self.began } else { now.secs_f64() };
        if let Some(live) = self.runs.get_mut(&job) {
            live.since = Some(at);
            self.stale = true;
        }
    }

    /// A run is over.
    pub(crate) fn end(&mut self, job: JobId) {
        self.stale |= self.runs.remove(&job).is_some();
    }

    /// Work that a live run has done by `now`, of all the work of its job.
    pub(crate) fn done(&self, job: JobId, now: Time, work: Span) -> Option<Span> {
        let live = self.runs.get(&job)?;
        let elapsed = live.since.map_or(0.0, |since| now.secs_f64() - since);
        let steps = live.done + live.pace.steps_in(elapsed).min(live.steps.unwrap_or(0));
        let done = u128::from(work.0) * u128::from(steps.min(live.pace.total));
        Some(Span(done.checked_div(u128::from(live.pace.total)).map_or(work.0, |done| done as u64)))
    }

    /// Plans the steps of the runs that have none yet, and when the next round begins. Returns the runs that will have
    /// done all their work in this round, with the instant.
    pub(crate) fn plan(&mut self, now: Time) -> Vec<(Time, RunId)> {
        let mut finishing = Vec::new();
        if !std::mem::take(&mut self.stale) {
            return finishing;
        }
        let close = self.began + self.length;
        let mut next: Option<f64> = None;
        for live in self.runs.values_mut() {
            // All is done, and nobody has noticed yet.
            if live.finishes() && live.steps.is_some() && live.end().is_some_and(|end| instant(end) <= now) {
                continue;
            }
            if let (Some(since), None) = (live.since, live.steps) {
                let left = live.pace.total - live.done;
                // A step that takes longer than a round is done all the same: every round gets something done.
                let least = u64::from(since <= self.began);
                live.steps = Some(live.pace.steps_in(close - since).max(least).min(left));
                if live.finishes() {
                    finishing.extend(live.end().map(|end| (instant(end), live.run)));
                }
            }
            let in_step = live.since.is_some_and(|since| since <= self.began);
            // What starts in the middle of a round goes on to its end.
            let end = live.end().filter(|_| in_step || live.finishes()).unwrap_or(close);
            next = Some(next.map_or(end, |next| next.max(end)));
        }
        self.next = next.map(|next| next.max(now.secs_f64()));
        finishing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(job: u32) -> RunId {
        RunId { job: JobId(job), attempt: 1 }
    }

    const HOUR: Span = Span::hours(1);

    /// 1000 steps in an hour are 100 steps in a round of 360 s; 1003 are 100.3.
    #[test]
    fn a_round_ends_when_the_last_run_is_through_with_its_whole_steps() {
        let mut rounds = Rounds::new(Span::secs(360));
        assert!(rounds.begins_at(Time::ZERO));
        rounds.begin(Time::ZERO);
        for (job, steps) in [(0, 1003), (1, 1007)] {
            rounds.launch(run(job), Pace::of_steps(steps, HOUR, Rate::FULL), Span::ZERO, HOUR);
            rounds.start(JobId(job), Time::ZERO);
        }
        assert_eq!(rounds.plan(Time::ZERO), []);
        assert_eq!(rounds.next(), Some(instant(100.0 / 1003.0 * 3600.0)));
        assert!(!rounds.begins_at(Time(1)));
        rounds.begin(rounds.next().unwrap());
        let _none = rounds.plan(Time(1));
        assert_eq!(rounds.next(), Some(instant(2.0 * (100.0 / 1003.0 * 3600.0))));
        let done = rounds.done(JobId(1), Time(3_590_000_000), HOUR).unwrap();
        assert_eq!(done, Span(HOUR.0 * 200 / 1007), "what is through waits for the next round");
    }

    #[test]
    fn a_run_ends_where_its_steps_end() {
        let mut rounds = Rounds::new(Span::secs(360));
        rounds.begin(Time::ZERO);
        rounds.launch(run(0), Pace::of_steps(1000, HOUR, Rate::FULL), Span::secs(3582), HOUR);
        rounds.start(JobId(0), Time::ZERO);
        assert_eq!(rounds.plan(Time::ZERO), [(Time(18_000_000), run(0))]);
        rounds.end(JobId(0));
        let _none = rounds.plan(Time(18_000_000));
        assert_eq!(rounds.next(), None, "the next round begins with what happens next");
    }

    /// An end that nobody has noticed yet begins no rounds, not even where it lies less than a microsecond ahead.
    #[test]
    fn what_is_through_with_its_work_begins_no_rounds() {
        let mut rounds = Rounds::new(Span::secs(360));
        rounds.begin(Time::ZERO);
        let work = Span(1_000_000);
        let pace = Pace { total: 3, per_s: 3.0 / 1.000_000_4, rounded: false };
        rounds.launch(run(0), pace, Span::ZERO, work);
        rounds.start(JobId(0), Time::ZERO);
        let end = Time(1_000_000);
        assert_eq!(rounds.plan(Time::ZERO), [(end, run(0))]);
        assert!(rounds.begins_at(end));
        rounds.begin(end);
        assert_eq!(rounds.plan(end), []);
        assert_eq!(rounds.next(), None);
    }

    #[test]
    fn every_round_gets_a_step_done() {
        let mut rounds = Rounds::new(Span::secs(360));
        rounds.begin(Time::ZERO);
        rounds.launch(run(0), Pace::of_steps(2, HOUR, Rate::FULL), Span::ZERO, HOUR);
        rounds.start(JobId(0), Time::ZERO);
        let _none = rounds.plan(Time::ZERO);
        assert_eq!(rounds.next(), Some(Time(1_800_000_000)));
    }

    #[test]
    fn without_steps_work_is_done_to_the_microsecond() {
        let mut rounds = Rounds::new(Span::secs(360));
        rounds.begin(Time::ZERO);
        let work = Span(400_000_001);
        rounds.launch(run(0), Pace::of_work(work, Rate::FULL), Span::ZERO, work);
        rounds.start(JobId(0), Time::ZERO);
        assert_eq!(rounds.plan(Time::ZERO), []);
        rounds.begin(Time(360_000_000));
        assert_eq!(rounds.plan(Time(360_000_000)), [(Time(400_000_001), run(0))]);
    }
}
