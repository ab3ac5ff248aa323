//! What a run does while it makes progress: it saves, fails, and is done.

use std::cmp::Reverse;

use engine::{Event, Rate, RunId, Span, Time};

use super::{SimWorld, Todo};
use crate::physics::Checkpoints;

impl SimWorld<'_> {
    /// The run makes progress from now on.
    pub(super) fn start(&mut self, now: Time, run: RunId) -> Event {
        let work = self.workload.work(run.job);
        let mut rate = Rate::FULL;
        if let Some(live) = self.live_run(run) {
            live.since = now;
            rate = live.rate;
            let left = work - live.from;
            if let Some(rounds) = &mut self.rounds {
                rounds.start(run.job, now);
            } else if work < Span::MAX {
                let noticed = self.noticed(run, now + rate.time_for(left));
                self.heap.push(Reverse((noticed, Todo::Finish(run))));
            }
            self.owed.remove(&run.job);
            self.plan_save(now, run);
            self.plan_failure(now, run);
        }
        Event::Started { run, rate }
    }

    pub(super) fn plan_save(&mut self, now: Time, run: RunId) {
        let from = self.live_run(run).map_or(Span::ZERO, |live| live.from);
        if self.plan_own_save(run, from) {
            return;
        }
        let Checkpoints::Every(interval) = self.physics.checkpoints else { return };
        if let Some(next) = self.live_run(run).map(|live| now + live.rate.time_for(interval)) {
            self.heap.push(Reverse((next, Todo::Save(run))));
        }
    }

    fn plan_failure(&mut self, now: Time, run: RunId) {
        let next = self.flaws.get(&run.job).and_then(|flaws| flaws.iter().find(|flaw| flaw.times > 0));
        let Some(flaw) = next.copied() else { return };
        let Some(live) = self.live_run(run).map(|live| *live) else { return };
        self.heap.push(Reverse((now + live.rate.time_for(flaw.after - live.from), Todo::Fail(run))));
    }

    pub(super) fn save(&mut self, now: Time, run: RunId) -> Event {
        if let Some(event) = self.own_save(now, run) {
            return event;
        }
        let work = self.saved_by(now, run, false);
        self.plan_save(now, run);
        Event::Saved { run, work }
    }
}
