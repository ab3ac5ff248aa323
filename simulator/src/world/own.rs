//! Times that were measured run by run, where somebody has lived through it: they go before the settings of the physics.

use std::cmp::Reverse;

use engine::{Event, RunId, Span, Time};
use traces::journal::{OwnTimes, SavePoint};

use super::{SimWorld, Todo};

impl SimWorld<'_> {
    /// Lets runs take what they took.
    #[must_use]
    pub fn with_own_times(mut self, lived: OwnTimes) -> Self {
        self.lived = lived;
        self
    }

    /// From the order to launch until progress.
    pub(super) fn own_launch(&self, run: RunId) -> Option<Span> {
        self.lived.launch(run)
    }

    /// When the end of work that is done at `done` is noticed.
    pub(super) fn noticed(&self, run: RunId, done: Time) -> Time {
        self.lived.notice(run.job).map_or_else(|| self.physics.noticed(done), |late| done + late)
    }

    /// The saves of a job while it goes on.
    pub(super) fn own_saves(&self, run: RunId) -> Option<&[SavePoint]> {
        self.lived.saves(run.job)
    }

    /// Plans the next save of a run after this work, where it is known when its job saves. Whether it is.
    pub(super) fn plan_own_save(&mut self, run: RunId, after: Span) -> bool {
        let Some(saves) = self.own_saves(run) else { return false };
        let next = saves.iter().find(|save| save.work > after).copied();
        let live = self.live_run(run).map(|live| *live);
        if let (Some(next), Some(live)) = (next, live) {
            let known = live.since + live.rate.time_for(next.work - live.from) + next.known_after;
            self.heap.push(Reverse((known, Todo::Save(run))));
        }
        true
    }

    /// A run tells of its next own save.
    pub(super) fn own_save(&mut self, now: Time, run: RunId) -> Option<Event> {
        let live = *self.live_run(run)?;
        let told = live.told.max(live.from);
        let work = self.own_saves(run)?.iter().find(|save| save.work > told)?.work;
        self.live_run(run)?.told = work;
        self.plan_own_save(run, work);
        let (_, done) = self.done(now, run);
        Some(Event::Saved { run, work: work.min(done) })
    }

    /// Work that is safe by the saves of the job itself, of `done`, where it is known when it saves.
    pub(super) fn own_safe(&self, run: RunId, from: Span, done: Span) -> Option<Span> {
        let saves = self.own_saves(run)?;
        let last = saves.iter().rev().map(|save| save.work).find(|work| *work <= done);
        Some(last.unwrap_or(from).max(from))
    }

    /// Tells a run to save and stop that is known to do so in its own time. Whether it is.
    pub(super) fn own_drain(&mut self, now: Time, run: RunId) -> bool {
        let Some(stop) = self.lived.stop(run) else { return false };
        if let Some(live) = self.live_run(run).filter(|live| live.paused == Time::NEVER) {
            (live.paused, live.saves_at_stop) =
                (now + stop.saved_after.unwrap_or_default(), stop.saved_after.is_some());
            // One that does not stop by itself is killed when its grace is over.
            if let Some(took) = stop.took {
                self.heap.push(Reverse((now + took, Todo::Stop(run))));
            }
        }
        true
    }

    /// Whether a run that was told to stop does not begin to make progress any more.
    pub(super) fn starts_no_more(&self, run: RunId) -> bool {
        self.lived.stop(run).is_some_and(|stop| !stop.starts_yet)
    }

    /// Whether it is known of a run how it stops, and so what it saves then.
    pub(super) fn stops_in_its_own_time(&self, run: RunId) -> bool {
        self.lived.stop(run).is_some()
    }

    /// Kills a run that is known to take its own time to die. Whether it is.
    pub(super) fn own_kill(&mut self, now: Time, run: RunId) -> bool {
        let Some(took) = self.lived.kill(run).filter(|took| *took > Span::ZERO) else { return false };
        if let Some(live) = self.live_run(run) {
            // What it would have saved later, it does not save.
            live.saves_at_stop &= live.paused <= now;
            live.paused = live.paused.min(now);
            self.heap.push(Reverse((now + took, Todo::Killed(run))));
        }
        true
    }

    /// Work that is safe when a run ends that was told to stop in its own time; `None` of any other.
    pub(super) fn own_saved_at_stop(&mut self, now: Time, run: RunId) -> Option<Span> {
        let live = self.live_run(run).filter(|live| live.saves_at_stop && now >= live.paused)?;
        let started = live.since != Time::NEVER;
        started.then(|| self.done(now, run).1)
    }
}
