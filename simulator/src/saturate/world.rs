//! A world without time in which nothing ends: orders are carried out at once.

use std::collections::BTreeSet;
use std::time::Instant;

use engine::{Command, Core, Event, Exit, Fault, Input, JobId, Phase, Rate, Reason, Time};

/// Rounds of orders and facts in one instant after which a policy is said to go in circles.
const ROUNDS_MAX: usize = 10_000;

/// The world around one core.
#[derive(Debug)]
pub(super) struct StillWorld {
    pub(super) core: Core,
    now: Time,
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
            batch: Vec::new(),
            orders: Vec::new(),
            wakes: BTreeSet::new(),
            waiting: Vec::new(),
            failed: 0,
            latencies_s: Vec::new(),
        }
    }

    /// Tells facts of the beginning.
    pub(super) fn declare(&mut self, events: impl IntoIterator<Item = Event>) -> Result<(), Fault> {
        events.into_iter().for_each(|event| self.tell(event));
        self.settle()
    }

    /// A job arrives, a microsecond after the one before: what a move would lose is next to nothing. It is placed or turned away before the next comes, unless the policy
    /// says nothing about it: then it gathers jobs, and they wait together.
    pub(super) fn arrive(&mut self, job: JobId, submission: Event) -> Result<(), Fault> {
        self.wake_until(Time(self.now.0 + 1))?;
        self.now = Time(self.now.0 + 1);
        self.tell(submission);
        self.waiting.push(job);
        let started = Instant::now();
        self.step()?;
        self.latencies_s.push(started.elapsed().as_secs_f64());
        self.settle()?;
        self.turn_away(false)
    }

    /// No job arrives any more: the policy is woken as often as it wants, then what waits is turned away.
    pub(super) fn finish(&mut self) -> Result<(), Fault> {
        for _ in 0..ROUNDS_MAX {
            let Some(next) = self.wakes.first().copied().filter(|_| !self.waiting.is_empty()) else { break };
            self.wake_until(next)?;
        }
        self.turn_away(true)
    }

    fn tell(&mut self, event: Event) {
        self.batch.push(Input { at: self.now, event });
    }

    /// Wakes the policy when it wanted, up to an instant.
    fn wake_until(&mut self, until: Time) -> Result<(), Fault> {
        while let Some(at) = self.wakes.first().copied().filter(|at| *at <= until) {
            self.wakes.remove(&at);
            self.now = self.now.max(at);
            self.tell(Event::Woke);
            self.settle()?;
            self.turn_away(false)?;
        }
        Ok(())
    }

    /// One step of the core; its orders become facts.
    fn step(&mut self) -> Result<(), Fault> {
        let batch = std::mem::take(&mut self.batch);
        self.core.step(&batch, &mut self.orders)?;
        for order in std::mem::take(&mut self.orders) {
            self.perform(&order);
        }
        Ok(())
    }

    /// Steps until nothing follows any more.
    fn settle(&mut self) -> Result<(), Fault> {
        for _ in 0..ROUNDS_MAX {
            if self.batch.is_empty() {
                return Ok(());
            }
            self.step()?;
        }
        self.batch.clear();
        Ok(())
    }

    fn perform(&mut self, order: &Command) {
        match order {
            Command::Launch { run, .. } => self.tell(Event::Started { run: *run, rate: Rate::FULL }),
            Command::Drain { run, .. } | Command::Kill { run } => {
                self.tell(Event::Ended { run: *run, exit: Exit::Stopped, saved: None });
                self.waiting.push(run.job);
            }
            Command::Wake { at } => drop(self.wakes.insert(*at)),
            // Nothing takes time here, so no limit runs out.
            Command::Alarm { .. } | Command::Close { .. } => {}
        }
    }

    /// Turns away the jobs that the policy could not place; in the end all that wait.
    fn turn_away(&mut self, all: bool) -> Result<(), Fault> {
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
