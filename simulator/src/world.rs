//! The simulated world: a heap of things to come, the sorted arrivals beside it, and the physics.

mod own;
mod progress;
mod stops;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use engine::placement::gpu_milli;
use engine::{Alarm, Command, Event, Exit, Input, Inventory, JobId, Rate, RunId, Slice, Span, Time, World};

use traces::journal::OwnTimes;

use crate::failures::Failures;
use crate::kinds::Kinds;
use crate::physics::Physics;
use crate::rounds::Rounds;
use crate::run::RunError;
use crate::speed::{Speed, Speeds};
use crate::workload::Workload;

/// Failures in a row without any launch after which the simulation gives up on jobs that wait.
const IDLE_FAILURES_MAX: u32 = 100_000;

/// What the world knows about the last run of a job.
#[derive(Clone, Copy, Debug)]
struct Live {
    /// 0 when no run is live.
    attempt: u32,
    /// Work that was safe at the launch.
    from: Span,
    /// Since when it makes progress; `NEVER` before.
    since: Time,
    /// When it stopped to make progress in order to save; `NEVER` before.
    paused: Time,
    rate: Rate,
    /// When the launch and the restart time are over that it serves first.
    starts: Time,
    /// Thousandths of a GPU that it holds.
    milli: u64,
    /// Work up to which it told of its own saves.
    told: Span,
    /// It was told to stop, and saves until it does not make progress any more.
    saves_at_stop: bool,
}

const NOT_LIVE: Live = Live {
    attempt: 0,
    from: Span::ZERO,
    since: Time::NEVER,
    paused: Time::NEVER,
    rate: Rate::FULL,
    starts: Time::ZERO,
    milli: 0,
    told: Span::ZERO,
    saves_at_stop: false,
};

/// How a run is stopped at once.
#[derive(Clone, Copy, Debug)]
enum Stop {
    Preempted,
    Killed,
}

/// What will happen, unless its run is dead by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Todo {
    Finish(RunId),
    Start(RunId),
    Save(RunId),
    /// It stops to make progress, and saves.
    Pause(RunId),
    Stop(RunId),
    /// It was killed a while ago.
    Killed(RunId),
    Fail(RunId),
    Alarm(RunId, Alarm),
    Wake,
}

/// A cluster that exists only here.
#[derive(Debug)]
pub struct SimWorld<'a> {
    workload: &'a Workload<'a>,
    physics: &'a Physics,
    speeds: Speeds<'a>,
    kinds: Kinds,
    failures: Option<Failures>,
    next_job: usize,
    declared: bool,
    heap: BinaryHeap<Reverse<(Time, Todo)>>,
    /// Facts of the present instant that orders brought about.
    now_facts: Vec<Input>,
    live: Vec<Live>,
    open: usize,
    running: usize,
    idle_failures: u32,
    /// Facts from outside that are known in advance, the last one first.
    scheduled: Vec<(Time, Event)>,
    /// Jobs that fail, with their failures in order.
    flaws: BTreeMap<JobId, Vec<Flaw>>,
    /// Where the world goes in rounds.
    rounds: Option<Rounds>,
    /// Restart time that jobs which were stopped owe.
    owed: BTreeMap<JobId, Span>,
    /// What runs took by themselves, where that is known.
    lived: OwnTimes,
    /// The last instant.
    now: Time,
    /// Nobody has started anything since it was said that nothing else will come.
    idle: bool,
}

/// How a job fails by its own fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Once it has done so much work.
    pub after: Span,
    /// So many times.
    pub times: u32,
    /// With this exit code.
    pub code: i32,
}

impl<'a> SimWorld<'a> {
    /// A world in which the jobs of `workload` arrive.
    pub fn new(
        workload: &'a Workload<'a>,
        physics: &'a Physics,
        inventory: &'a Inventory,
        seed: u64,
    ) -> Result<Self, RunError> {
        let speeds = Speeds::new(workload, physics, inventory)?;
        let mut world = Self {
            workload,
            physics,
            kinds: Kinds::new(workload, &speeds, inventory),
            speeds,
            failures: Failures::new(inventory.nodes.len(), physics, seed),
            next_job: 0,
            declared: false,
            heap: BinaryHeap::new(),
            now_facts: Vec::new(),
            live: Vec::new(),
            open: 0,
            running: 0,
            idle_failures: 0,
            scheduled: Vec::new(),
            flaws: BTreeMap::new(),
            rounds: physics.round.map(Rounds::new),
            owed: BTreeMap::new(),
            lived: OwnTimes::default(),
            now: Time::ZERO,
            idle: false,
        };
        world.schedule(workload.changes());
        Ok(world)
    }

    /// Launches that a table of throughput said nothing about, by cause.
    pub fn unprofiled(&self) -> &BTreeMap<&'static str, u64> {
        &self.speeds.unprofiled
    }

    /// Declares the mix of the trace's tasks before the first job, for a policy that asks for it.
    pub fn declare_workload(&mut self) {
        self.now_facts.push(Input { at: Time::ZERO, event: Event::WorkloadDeclared { tasks: self.workload.mix() } });
    }

    /// Adds facts from outside: what operators and users do, planned outages.
    pub fn schedule(&mut self, facts: impl IntoIterator<Item = (Time, Event)>) {
        self.scheduled.extend(facts);
        self.scheduled.sort_by(|(a, _), (b, _)| b.cmp(a));
    }

    /// Makes a job fail, after what was said before of the same job.
    pub fn flaw(&mut self, job: JobId, flaw: Flaw) {
        self.flaws.entry(job).or_default().push(flaw);
    }

    fn live_run(&mut self, run: RunId) -> Option<&mut Live> {
        self.live.get_mut(run.job.index()).filter(|live| live.attempt == run.attempt)
    }

    fn is_stale(&self, todo: Todo) -> bool {
        let (Todo::Alarm(run, _)
        | Todo::Finish(run)
        | Todo::Start(run)
        | Todo::Save(run)
        | Todo::Pause(run)
        | Todo::Stop(run)
        | Todo::Killed(run)
        | Todo::Fail(run)) = todo
        else {
            return false;
        };
        let dead = |live: &Live| {
            let goes_on = match todo {
                Todo::Finish(_) | Todo::Save(_) | Todo::Fail(_) => true,
                Todo::Start(run) => self.starts_no_more(run),
                _ => false,
            };
            live.attempt != run.attempt || (live.paused != Time::NEVER && goes_on)
        };
        // An alarm may be about the wait after a run.
        !matches!(todo, Todo::Alarm(_, Alarm::Backoff)) && self.live.get(run.job.index()).is_none_or(dead)
    }

    /// Time of the next thing to come. Things about dead runs are dropped on the way.
    fn next_todo(&mut self) -> Option<Time> {
        while let Some(Reverse((at, todo))) = self.heap.peek().copied() {
            if !self.is_stale(todo) {
                return Some(at);
            }
            self.heap.pop();
        }
        None
    }

    /// Plans the ends of runs in the present round.
    fn plan_round(&mut self) {
        let Some(rounds) = &mut self.rounds else { return };
        for (done, run) in rounds.plan(self.now) {
            self.heap.push(Reverse((self.physics.noticed(done), Todo::Finish(run))));
        }
    }

    /// Nothing will happen any more. In a world that goes in rounds, jobs that wait get a last round.
    fn last_call(&mut self, batch: &mut Vec<Input>) -> bool {
        let Some(rounds) = self.rounds.as_mut().filter(|_| self.open > 0 && !self.idle) else { return false };
        self.idle = true;
        rounds.begin(self.now);
        batch.push(Input { at: self.now, event: Event::Round { idle: true } });
        true
    }

    /// When the next thing happens; `None` when nothing will that could matter.
    fn next_instant(&mut self) -> Option<Time> {
        let arrival = self.workload.submit(self.next_job);
        if arrival.is_none() && self.open == 0 {
            return None;
        }
        let todo = self.next_todo();
        let hopeless = arrival.is_none() && self.running == 0 && self.idle_failures > IDLE_FAILURES_MAX;
        let failure = if hopeless { None } else { self.failures.as_ref().and_then(Failures::next_time) };
        let scheduled = self.scheduled.last().map(|(at, _)| *at);
        let round = self.rounds.as_ref().and_then(Rounds::next);
        [arrival, todo, failure, scheduled, round].into_iter().flatten().min()
    }

    fn arrivals_at(&mut self, now: Time, batch: &mut Vec<Input>) {
        while self.workload.submit(self.next_job) == Some(now) {
            batch.push(Input { at: now, event: self.kinds.submission(self.workload, self.next_job) });
            self.next_job += 1;
            self.open += 1;
            self.live.push(NOT_LIVE);
        }
    }

    fn todos_at(&mut self, now: Time, batch: &mut Vec<Input>) {
        while self.next_todo() == Some(now) {
            let Some(Reverse((_, todo))) = self.heap.pop() else { break };
            let event = match todo {
                Todo::Finish(run) => self.end(run, Exit::Completed, self.workload.work(run.job)),
                Todo::Start(run) => self.start(now, run),
                Todo::Save(run) => self.save(now, run),
                Todo::Pause(run) => {
                    self.pause(now, run);
                    continue;
                }
                Todo::Stop(run) => {
                    let saved = self.saved_at_stop(now, run);
                    batch.extend(self.owe(now, run));
                    self.end(run, Exit::Stopped, saved)
                }
                Todo::Killed(run) => {
                    batch.extend(self.owe(now, run));
                    let saved = match self.own_saved_at_stop(now, run) {
                        Some(saved) => saved,
                        None => self.saved_by(now, run, false),
                    };
                    self.end(run, Exit::Stopped, saved)
                }
                Todo::Fail(run) => {
                    batch.extend(self.owe(now, run));
                    self.fail(now, run)
                }
                Todo::Alarm(run, kind) => Event::Alarm { run, kind },
                Todo::Wake => Event::Woke,
            };
            batch.push(Input { at: now, event });
        }
    }

    fn failures_at(&mut self, now: Time, batch: &mut Vec<Input>) {
        while let Some(failures) = self.failures.as_mut().filter(|failures| failures.next_time() == Some(now)) {
            let Some(event) = failures.pop() else { break };
            self.idle_failures += 1;
            batch.push(Input { at: now, event });
        }
    }

    fn scheduled_at(&mut self, now: Time, batch: &mut Vec<Input>) {
        while self.scheduled.last().is_some_and(|(at, _)| *at == now) {
            batch.extend(self.scheduled.pop().map(|(at, event)| Input { at, event }));
        }
    }

    fn launch(&mut self, now: Time, run: RunId, placement: &[Slice], from: Span) {
        let speed = self.speeds.of(run.job, placement);
        let rate = match speed {
            Speed::Runs(rate) => rate,
            Speed::CannotRun => Rate::FULL,
        };
        let milli = gpu_milli(placement);
        let took = self.own_launch(run).unwrap_or_else(|| self.physics.launch + self.restart(run, milli));
        let starts = now + took;
        self.live[run.job.index()] = Live { attempt: run.attempt, from, rate, starts, milli, ..NOT_LIVE };
        self.running += 1;
        (self.idle_failures, self.idle) = (0, false);
        if speed == Speed::CannotRun {
            self.now_facts.push(Input { at: now, event: Event::Started { run, rate } });
            self.heap.push(Reverse((now, Todo::Fail(run))));
            return;
        }
        if let Some(rounds) = &mut self.rounds {
            let pace = self.speeds.pace(run.job, placement, rate);
            rounds.launch(run, pace, from, self.workload.work(run.job));
        }
        if starts > now {
            self.heap.push(Reverse((starts, Todo::Start(run))));
        } else {
            let event = self.start(now, run);
            self.now_facts.push(Input { at: now, event });
        }
    }
}

impl World for SimWorld<'_> {
    type Error = RunError;

    fn next(&mut self, batch: &mut Vec<Input>) -> Result<bool, RunError> {
        if !self.declared {
            self.declared = true;
            let all = self.workload.declarations().chain(self.kinds.declarations());
            batch.extend(all.map(|event| Input { at: Time::ZERO, event }));
            return Ok(true);
        }
        if !self.now_facts.is_empty() {
            batch.append(&mut self.now_facts);
            return Ok(true);
        }
        // What happens inside the world alone is no fact.
        while batch.is_empty() {
            self.plan_round();
            let Some(now) = self.next_instant() else { return Ok(self.last_call(batch)) };
            self.now = now;
            self.todos_at(now, batch);
            self.failures_at(now, batch);
            self.scheduled_at(now, batch);
            self.arrivals_at(now, batch);
            if let Some(rounds) = self.rounds.as_mut().filter(|rounds| rounds.begins_at(now)) {
                rounds.begin(now);
                batch.push(Input { at: now, event: Event::Round { idle: false } });
            }
        }
        Ok(true)
    }

    fn perform(&mut self, now: Time, command: &Command) -> Result<(), RunError> {
        match command {
            Command::Launch { run, placement, resume_from } => {
                self.launch(now, *run, placement, *resume_from);
            }
            Command::Drain { run, .. } => self.drain(now, *run),
            Command::Kill { run } if self.own_kill(now, *run) => {}
            Command::Kill { run } => self.end_now(now, *run, Stop::Killed),
            Command::Alarm { at, run, kind } => self.heap.push(Reverse((*at, Todo::Alarm(*run, *kind)))),
            Command::Wake { at } => self.heap.push(Reverse((*at, Todo::Wake))),
            Command::Close { .. } => self.open -= 1,
        }
        Ok(())
    }
}
