//! A world without time in which nothing ends: orders are carried out at once.
//!
//! A run that is told to stop has saved all that it did, and starts elsewhere in the same instant: a move costs nothing here.
//! Jobs arrive a microsecond apart, so that a policy that counts what a move would lose finds next to nothing.

use std::collections::BTreeSet;
use std::time::Instant;

use engine::{Command, Core, Event, Exit, Input, JobId, Phase, Rate, Reason, Time};

use crate::run::RunError;

/// Rounds of orders and facts in one instant after which a policy goes in circles.
const ROUNDS_MAX: u32 = 10_000;
/// Times that a policy may ask to be woken after the last arrival, before what waits is turned away.
const WAKES_MAX: u32 = 10_000;

/// The world around one core.
#[derive(Debug)]
pub(super) struct StillWorld {
    pub(super) core: Core,
    now: Time,
    /// Steps in this instant.
    rounds: u32,
    batch: Vec<Input>,
    orders: Vec<Command>,
    /// When the policy wants to be asked.
    wakes: BTreeSet<Time>,
    /// Jobs that have arrived and neither run nor were turned away.
    waiting: Vec<JobId>,
    /// Jobs that were turned away.
    pub(super) failed: u64,
    /// Seconds that each step with an arrival took.
    pub(super) latencies_s: Vec<f64>,
}

impl StillWorld {
    pub(super) fn new(core: Core) -> Self {
        Self {
            core,
            now: Time::ZERO,
            rounds: 0,
            batch: Vec::new(),
            orders: Vec::new(),
            wakes: BTreeSet::new(),
            waiting: Vec::new(),
            failed: 0,
            latencies_s: Vec::new(),
        }
    }

    /// Tells facts of the beginning.
    pub(super) fn declare(&mut self, events: impl IntoIterator<Item = Event>) -> Result<(), RunError> {
        events.into_iter().for_each(|event| self.tell(event));
        self.settle()
    }

    /// A job arrives, a microsecond after the one before. It is placed or turned away before the next comes, unless the policy
    /// says nothing about it: then it gathers jobs, and they wait together.
    pub(super) fn arrive(&mut self, job: JobId, submission: Event) -> Result<(), RunError> {
        let at = Time(self.now.0 + 1);
        self.wake_until(at)?;
        self.go_to(at);
        self.tell(submission);
        self.waiting.push(job);
        let started = Instant::now();
        self.step()?;
        self.latencies_s.push(started.elapsed().as_secs_f64());
        self.settle()?;
        self.turn_away(false)
    }

    /// No job arrives any more: the policy is woken as often as it wants, then what waits is turned away.
    pub(super) fn finish(&mut self) -> Result<(), RunError> {
        for _ in 0..WAKES_MAX {
            let Some(next) = self.wakes.first().copied().filter(|_| !self.waiting.is_empty()) else { break };
            self.wake_until(next)?;
        }
        self.turn_away(true)
    }

    fn go_to(&mut self, at: Time) {
        if at > self.now {
            (self.now, self.rounds) = (at, 0);
        }
    }

    fn tell(&mut self, event: Event) {
        self.batch.push(Input { at: self.now, event });
    }

    /// Wakes the policy when it wanted, up to an instant.
    fn wake_until(&mut self, until: Time) -> Result<(), RunError> {
        while let Some(at) = self.wakes.first().copied().filter(|at| *at <= until) {
            self.wakes.remove(&at);
            self.go_to(at);
            self.tell(Event::Woke);
            self.settle()?;
            self.turn_away(false)?;
        }
        Ok(())
    }

    /// One step of the core; its orders become facts.
    fn step(&mut self) -> Result<(), RunError> {
        self.rounds += 1;
        if self.rounds > ROUNDS_MAX {
            return Err(RunError::Restless { rounds: ROUNDS_MAX, at: self.now });
        }
        let batch = std::mem::take(&mut self.batch);
        self.core.step(&batch, &mut self.orders)?;
        for order in std::mem::take(&mut self.orders) {
            self.perform(&order);
        }
        Ok(())
    }

    /// Steps until nothing follows any more.
    fn settle(&mut self) -> Result<(), RunError> {
        while !self.batch.is_empty() {
            self.step()?;
        }
        Ok(())
    }

    fn perform(&mut self, order: &Command) {
        match order {
            Command::Launch { run, .. } => self.tell(Event::Started { run: *run, rate: Rate::FULL }),
            Command::Drain { run, .. } | Command::Kill { run } => {
                let saved = Some(self.core.state().job(run.job).work_done(self.now));
                self.tell(Event::Ended { run: *run, exit: Exit::Stopped, saved });
                self.waiting.push(run.job);
            }
            Command::Wake { at } => drop(self.wakes.insert(*at)),
            // Nothing takes time here, so no limit runs out.
            Command::Alarm { .. } | Command::Close { .. } => {}
        }
    }

    /// Turns away the jobs that the policy could not place; in the end all that wait.
    fn turn_away(&mut self, all: bool) -> Result<(), RunError> {
        let waiting = std::mem::take(&mut self.waiting);
        for job in waiting {
            let state = self.core.state();
            match state.job(job).phase {
                Phase::Ready if !all && state.reason(job) == Some(Reason::NotTried) => self.waiting.push(job),
                Phase::Ready | Phase::Held(_) => {
                    self.failed += 1;
                    self.tell(Event::Cancelled { job });
                }
                Phase::Done(_) => self.failed += 1,
                Phase::Launching | Phase::Running | Phase::Draining(_) => {}
            }
        }
        self.settle()
    }
}

#[cfg(test)]
mod tests {
    use engine::{Draft, Inventory, Needs, Policy};

    use super::*;

    /// Wants to be asked again at once, for ever.
    #[derive(Debug)]
    struct Restless;

    impl Policy for Restless {
        fn needs(&self) -> Needs {
            Needs { triggers: engine::Triggers::WOKE.and(engine::Triggers::FREED), ..Needs::default() }
        }

        fn decide(&mut self, now: Time, draft: &mut Draft<'_>) {
            draft.wake_at(now);
        }
    }

    #[test]
    fn a_policy_that_does_not_come_to_rest_is_an_error() {
        let mut world = StillWorld::new(Core::new(Inventory::uniform(1, 8, "GPU"), Box::new(Restless)));
        world.declare([Event::WorkloadDeclared { tasks: Vec::new() }]).unwrap();
        // A node that comes back asks the policy for the first time.
        world.tell(Event::NodeDown { node: engine::NodeId(0) });
        world.tell(Event::NodeUp { node: engine::NodeId(0) });
        world.settle().unwrap();
        let error = world.wake_until(Time(engine::MICROS)).unwrap_err();
        assert_eq!(error.to_string(), "the policy does not come to rest: 10000 rounds of orders at 0 s");
    }
}
