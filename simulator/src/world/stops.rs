//! How runs end: what is saved, and what a restart will cost.

use std::cmp::Reverse;

use engine::{Event, Exit, Input, RunId, Span, Time};

use super::{NOT_LIVE, SimWorld, Stop, Todo};
use crate::physics::RestartAt;

impl SimWorld<'_> {
    pub(super) fn fail(&mut self, now: Time, run: RunId) -> Event {
        let saved = self.saved_by(now, run, false);
        let next = self.flaws.get_mut(&run.job).and_then(|flaws| flaws.iter_mut().find(|flaw| flaw.times > 0));
        let code = next.map_or(1, |flaw| {
            flaw.times -= 1;
            flaw.code
        });
        self.end(run, Exit::Failed(code), saved)
    }

    /// Work done by a live run at `now`.
    pub(super) fn done(&mut self, now: Time, run: RunId) -> (Span, Span) {
        let work = self.workload.work(run.job);
        let paused = self.live_run(run).map_or(Time::NEVER, |live| live.paused);
        let in_rounds = self.rounds.as_ref().and_then(|rounds| rounds.done(run.job, now.min(paused), work));
        match self.live_run(run) {
            Some(live) if in_rounds.is_some() => (live.from, in_rounds.unwrap_or_default().max(live.from)),
            Some(live) if live.since != Time::NEVER => {
                (live.from, (live.from + live.rate.work_in(now.min(live.paused).since(live.since))).min(work))
            }
            Some(live) => (live.from, live.from),
            None => (Span::ZERO, Span::ZERO),
        }
    }

    pub(super) fn saved_by(&mut self, now: Time, run: RunId, saves_all: bool) -> Span {
        let (from, done) = self.done(now, run);
        if saves_all {
            return done;
        }
        self.own_safe(run, from, done).unwrap_or_else(|| self.physics.safe(from, done))
    }

    pub(super) fn end(&mut self, run: RunId, exit: Exit, saved: Span) -> Event {
        if let Some(live) = self.live_run(run) {
            *live = NOT_LIVE;
            self.running -= 1;
            if let Some(rounds) = &mut self.rounds {
                rounds.end(run.job);
            }
        }
        Event::Ended { run, exit, saved: Some(saved) }
    }

    /// Work that is safe when a run is preempted at `now`.
    pub(super) fn saved_at_stop(&mut self, now: Time, run: RunId) -> Span {
        if let Some(saved) = self.own_saved_at_stop(now, run) {
            return saved;
        }
        let saved = self.saved_by(now, run, self.physics.preempt_saves && !self.stops_in_its_own_time(run));
        if self.physics.restart_at == RestartAt::Start {
            return saved;
        }
        let Some(live) = self.live_run(run).map(|live| *live) else { return saved };
        let price = live.rate.work_in(self.price(run, live.milli));
        live.from + ((saved - live.from) - price)
    }

    /// What a restart of the job takes, as the trace says or else the physics.
    fn price(&self, run: RunId, milli: u64) -> Span {
        let of_trace = self.workload.trace().jobs[run.job.index()].restart;
        of_trace.unwrap_or_else(|| self.physics.restart.of_gang(milli))
    }

    /// Ends a run at the present instant.
    pub(super) fn end_now(&mut self, now: Time, run: RunId, stop: Stop) {
        if self.live_run(run).is_some() {
            let saved = match stop {
                Stop::Preempted => self.saved_at_stop(now, run),
                Stop::Killed => self.saved_by(now, run, false),
            };
            let owed = self.owe(now, run);
            self.now_facts.extend(owed);
            let event = self.end(run, Exit::Stopped, saved);
            self.now_facts.push(Input { at: now, event });
        }
    }

    /// A run stops to make progress; once it has saved, it ends.
    pub(super) fn pause(&mut self, now: Time, run: RunId) {
        if let Some(live) = self.live_run(run) {
            live.paused = now;
            // A run that never started has nothing to save.
            let saving = if live.since == Time::NEVER { Span::ZERO } else { self.physics.saving() };
            self.heap.push(Reverse((now + saving, Todo::Stop(run))));
        }
    }

    /// A run is told to stop.
    pub(super) fn drain(&mut self, now: Time, run: RunId) {
        if self.own_drain(now, run) {
            return;
        }
        let drain = self.physics.drain;
        match (drain, self.physics.saving()) {
            (Span::ZERO, Span::ZERO) => self.end_now(now, run, Stop::Preempted),
            (Span::ZERO, _) => self.pause(now, run),
            (_, Span::ZERO) => self.heap.push(Reverse((now + drain, Todo::Stop(run)))),
            _ => self.heap.push(Reverse((now + drain, Todo::Pause(run)))),
        }
    }

    /// The job of a run that stops owes a restart, and what the run has not served of its own.
    pub(super) fn owe(&mut self, now: Time, run: RunId) -> Option<Input> {
        if !self.physics.restart_owed {
            return None;
        }
        let live = *self.live_run(run)?;
        // What is left of the launch is nobody's debt: the next run has a launch of its own.
        let unserved = if live.since == Time::NEVER { live.starts.since(now) } else { Span::ZERO };
        let unserved = unserved.min(self.restart(run, live.milli));
        let owed = unserved + self.price(run, live.milli);
        self.owed.insert(run.job, owed);
        Some(Input { at: now, event: Event::RestartOwed { job: run.job, owed } })
    }

    /// Restart time that a run serves before it makes progress.
    pub(super) fn restart(&self, run: RunId, milli: u64) -> Span {
        if self.physics.restart_owed {
            return self.owed.get(&run.job).copied().unwrap_or_default();
        }
        let pays = run.attempt > 1 && self.physics.restart_at == RestartAt::Start;
        if pays { self.price(run, milli) } else { Span::ZERO }
    }
}
