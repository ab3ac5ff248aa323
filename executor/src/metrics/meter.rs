//! Counts what each step has changed, on the thread that schedules.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{Cause, Command, Core, Event, Exit, Input, JobId, MICROS, MILLI, Outcome, Phase};
use prometheus::{IntCounter, IntGauge};

use super::Metrics;
use crate::book::Book;
use crate::note::{Audit, Note};
use crate::world::Shared;

/// States of jobs that have not ended.
const STATES: [&str; 5] = ["held", "pending", "launching", "running", "stopping"];
/// Top-level tenants with figures of their own.
const TENANTS_MAX: usize = 100;
/// All others.
const OTHERS: &str = "(others)";
/// Label of a job that has ended.
const OVER: u8 = u8::MAX;

/// What was counted of a job.
#[derive(Clone, Copy)]
struct Counted {
    state: u8,
    tenant: u8,
}

/// The counting of one server. It keeps its series by itself, so that no step waits for a lock.
pub struct Meter {
    metrics: Arc<Metrics>,
    jobs: Vec<Counted>,
    /// Gauges of each tenant.
    open: Vec<[IntGauge; STATES.len()]>,
    tenants: BTreeMap<String, u8>,
    changes: BTreeMap<(String, String), IntCounter>,
    counters: Counters,
    decisions: u64,
    facts: u64,
    lost: u128,
}

/// Counters with labels that are known.
struct Counters {
    submissions: [IntCounter; 3],
    exits: [IntCounter; 3],
    outcomes: [IntCounter; 6],
    causes: [IntCounter; 7],
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meter").field("jobs", &self.jobs.len()).finish_non_exhaustive()
    }
}

impl Counters {
    /// All of them are there from the start, with 0.
    fn new(metrics: &Metrics) -> Self {
        let outcomes = [
            Outcome::Finished,
            Outcome::Failed,
            Outcome::Cancelled,
            Outcome::TimedOut,
            Outcome::Rejected,
            Outcome::ParentFailed,
        ];
        let causes = [
            Cause::Preempted,
            Cause::NodeLost,
            Cause::Cancelled,
            Cause::TimeLimit,
            Cause::Held,
            Cause::Released,
            Cause::Migrated,
        ];
        Self {
            submissions: ["accepted", "refused", "repeated"].map(|word| metrics.submissions.with_label_values(&[word])),
            exits: ["completed", "failed", "stopped"].map(|word| metrics.runs_ended.with_label_values(&[word])),
            outcomes: outcomes.map(|outcome| metrics.ended.with_label_values(&[outcome.name()])),
            causes: causes.map(|cause| metrics.preemptions.with_label_values(&[cause_word(cause)])),
        }
    }
}

/// Word for the cause of a stop.
pub(crate) fn cause_word(cause: Cause) -> &'static str {
    match cause {
        Cause::Preempted => "preempted",
        Cause::NodeLost => "node-lost",
        Cause::Cancelled => "cancelled",
        Cause::TimeLimit => "time-limit",
        Cause::Held => "held",
        Cause::Released => "released",
        Cause::Migrated => "migrated",
    }
}

/// Index of the state of a job.
fn state_of(phase: Phase) -> u8 {
    match phase {
        Phase::Held(_) => 0,
        Phase::Ready => 1,
        Phase::Launching => 2,
        Phase::Running => 3,
        Phase::Draining(_) => 4,
        Phase::Done(_) => OVER,
    }
}

impl Meter {
    /// Counts from what is there.
    pub fn new(metrics: Arc<Metrics>, core: &Core, book: &Book) -> Self {
        let (counters, totals) = (Counters::new(&metrics), core.state().totals());
        let mut meter = Self {
            metrics,
            jobs: Vec::new(),
            open: Vec::new(),
            tenants: BTreeMap::new(),
            changes: BTreeMap::new(),
            counters,
            decisions: totals.decisions,
            facts: totals.events,
            lost: totals.lost_milli_micros,
        };
        for (index, job) in core.state().jobs().iter().enumerate() {
            meter.moved(core, book, JobId::new(index), job.phase);
        }
        meter
    }

    /// Counts a step.
    pub fn told(&mut self, core: &Core, shared: &Shared, batch: &[Input], commands: &[Command]) {
        let state = core.state();
        for id in state.changed_in_step() {
            let phase = state.job(*id).phase;
            let before = self.moved(core, &shared.book, *id, phase);
            match phase {
                Phase::Done(outcome) if before != OVER => self.counters.outcomes[outcome as usize].inc(),
                Phase::Draining(cause) if before != state_of(phase) => self.counters.causes[cause as usize].inc(),
                _ => {}
            }
        }
        self.facts(batch, &shared.open.notes);
        for command in commands {
            if let Command::Launch { run, .. } = command {
                self.metrics.launches.inc();
                let job = state.job(run.job);
                if job.first_launch == state.now() && run.attempt == 1 {
                    self.metrics.wait_seconds.observe(job.first_launch.since(job.submitted).secs_f64());
                }
            }
        }
        self.totals(core);
    }

    fn facts(&mut self, batch: &[Input], notes: &[Note]) {
        let mut accepted = 0;
        for input in batch {
            match input.event {
                Event::Submitted { .. } => accepted += 1,
                Event::Ended { exit: Exit::Completed, .. } => self.counters.exits[0].inc(),
                Event::Ended { exit: Exit::Failed(_), .. } => self.counters.exits[1].inc(),
                Event::Ended { exit: Exit::Stopped, .. } => self.counters.exits[2].inc(),
                _ => {}
            }
        }
        let (mut done, mut refused) = (0, 0);
        for note in notes {
            if let Note::Audit(audit) = note {
                let is_submission = audit.verb == "job.submit";
                done += u64::from(is_submission && audit.outcome == "done");
                refused += u64::from(is_submission && audit.outcome != "done");
                self.changed(audit);
            }
        }
        for (counter, by) in self.counters.submissions.iter().zip([accepted, refused, done.saturating_sub(accepted)]) {
            counter.inc_by(by);
        }
    }

    /// Verbs are ours; what the API itself has refused is of any method and path, and counts as one.
    fn changed(&mut self, audit: &Audit) {
        let verb = if audit.verb.contains('.') { audit.verb.as_str() } else { "http" };
        let key = (audit.outcome.clone(), verb.to_owned());
        let metrics = &self.metrics;
        let new = |(outcome, verb): &(String, String)| metrics.changes.with_label_values(&[outcome, verb]);
        self.changes.entry(key).or_insert_with_key(new).inc();
    }

    fn totals(&mut self, core: &Core) {
        let totals = core.state().totals();
        self.metrics.decisions.inc_by(totals.decisions - self.decisions);
        self.metrics.facts.inc_by(totals.events - self.facts);
        let lost = totals.lost_milli_micros - self.lost;
        self.metrics.lost.inc_by(lost as f64 / (f64::from(MILLI) * MICROS as f64));
        (self.decisions, self.facts, self.lost) = (totals.decisions, totals.events, totals.lost_milli_micros);
    }

    /// Moves a job to the gauge of its state; gives the state before.
    fn moved(&mut self, core: &Core, book: &Book, id: JobId, phase: Phase) -> u8 {
        while self.jobs.len() <= id.index() {
            let path = book.tenant_path(core.state().job(JobId::new(self.jobs.len())).spec.tenant);
            let tenant = self.tenant(path.split('/').next().unwrap_or_default());
            self.jobs.push(Counted { state: OVER, tenant });
        }
        let Counted { state: before, tenant } = self.jobs[id.index()];
        let (gauges, state) = (&self.open[usize::from(tenant)], state_of(phase));
        if let Some(gauge) = gauges.get(usize::from(before)) {
            gauge.dec();
        }
        if let Some(gauge) = gauges.get(usize::from(state)) {
            gauge.inc();
        }
        self.jobs[id.index()].state = state;
        before
    }

    fn tenant(&mut self, name: &str) -> u8 {
        let name = if self.tenants.len() < TENANTS_MAX || self.tenants.contains_key(name) { name } else { OTHERS };
        if let Some(tenant) = self.tenants.get(name) {
            return *tenant;
        }
        let tenant = self.open.len() as u8;
        self.open.push(STATES.map(|state| self.metrics.jobs.with_label_values(&[state, name])));
        self.tenants.insert(name.to_owned(), tenant);
        tenant
    }
}
