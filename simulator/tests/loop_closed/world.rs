//! A world like a live one: launches and stops take their time, each another, and nobody knows how long jobs run.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use engine::{Command, Event, Exit, Fault, Input, Rate, RunId, Span, Time, World};
use simulator::workload::Workload;

use crate::chaos::Chance;

/// The world.
pub(crate) struct Live<'a> {
    workload: &'a Workload<'a>,
    chance: Chance,
    next_job: usize,
    declared: bool,
    /// What comes, with a number that tells things of one instant apart.
    heap: BinaryHeap<Reverse<(Time, u64)>>,
    facts: BTreeMap<u64, Event>,
    count: u64,
    /// Live runs: since when they make progress, and the work they began with.
    running: BTreeMap<RunId, (Time, Span)>,
    /// Milliseconds that launches and stops take, from and to.
    launch_ms: (u64, u64),
    stop_ms: (u64, u64),
    /// The world pauses before this time: its server is stopped.
    pub(crate) until: Option<Time>,
}

impl<'a> Live<'a> {
    pub(crate) fn new(workload: &'a Workload<'a>, seed: u64, launch_ms: (u64, u64), stop_ms: (u64, u64)) -> Self {
        Self {
            workload,
            chance: Chance::new(seed),
            next_job: 0,
            declared: false,
            heap: BinaryHeap::new(),
            facts: BTreeMap::new(),
            count: 0,
            running: BTreeMap::new(),
            launch_ms,
            stop_ms,
            until: None,
        }
    }

    fn later(&mut self, at: Time, event: Event) {
        self.count += 1;
        self.heap.push(Reverse((at, self.count)));
        self.facts.insert(self.count, event);
    }

    fn takes(&mut self, (from, to): (u64, u64)) -> Span {
        Span(self.chance.within(from * 1000, to * 1000))
    }

    fn launch(&mut self, now: Time, run: RunId, from: Span) {
        let started = now + self.takes(self.launch_ms);
        self.running.insert(run, (started, from));
        self.later(started, Event::Started { run, rate: Rate::FULL });
        let work = self.workload.work(run.job);
        self.later(started + (work - from), Event::Ended { run, exit: Exit::Completed, saved: None });
    }

    fn stop(&mut self, now: Time, run: RunId) {
        let Some((since, from)) = self.running.remove(&run) else { return };
        let end = now + self.takes(self.stop_ms);
        let saved = Some(from + now.since(since));
        self.later(end, Event::Ended { run, exit: Exit::Stopped, saved });
    }

    /// Whether something planned for a run has been overtaken by its stop.
    fn is_stale(&self, event: &Event) -> bool {
        match event {
            Event::Ended { run, exit: Exit::Completed, .. } | Event::Started { run, .. } => {
                !self.running.contains_key(run)
            }
            _ => false,
        }
    }
}

impl World for Live<'_> {
    type Error = Fault;

    fn next(&mut self, batch: &mut Vec<Input>) -> Result<bool, Fault> {
        if !self.declared {
            self.declared = true;
            batch.extend(self.workload.declarations().map(|event| Input { at: Time::ZERO, event }));
            return Ok(true);
        }
        let submit = self.workload.submit(self.next_job);
        let planned = self.heap.peek().map(|Reverse((at, _))| *at);
        let Some(now) = [submit, planned].into_iter().flatten().min() else { return Ok(false) };
        if self.until.is_some_and(|until| now >= until) {
            return Ok(false);
        }
        while self.heap.peek().is_some_and(|Reverse((at, _))| *at == now) {
            let Some(Reverse((_, number))) = self.heap.pop() else { break };
            let event = self.facts.remove(&number).unwrap();
            if !self.is_stale(&event) {
                if let Event::Ended { run, .. } = &event {
                    self.running.remove(run);
                }
                batch.push(Input { at: now, event });
            }
        }
        while self.workload.submit(self.next_job) == Some(now) {
            let mut event = self.workload.submission(self.next_job);
            if let Event::Submitted { truth, .. } = &mut event {
                *truth = None;
            }
            batch.push(Input { at: now, event });
            self.next_job += 1;
        }
        if batch.is_empty() { self.next(batch) } else { Ok(true) }
    }

    fn perform(&mut self, now: Time, command: &Command) -> Result<(), Fault> {
        match command {
            Command::Launch { run, resume_from, .. } => self.launch(now, *run, *resume_from),
            Command::Drain { run, .. } | Command::Kill { run } => self.stop(now, *run),
            Command::Alarm { at, run, kind } => self.later(*at, Event::Alarm { run: *run, kind: *kind }),
            Command::Wake { at } => self.later(*at, Event::Woke),
            Command::Close { .. } => {}
        }
        Ok(())
    }
}
