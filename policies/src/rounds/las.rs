//! Least attained service in rounds (Blox, `EuroSys` 2024; LAS: Nuijens and Wierman 2008).
//!
//! A round walks through all jobs, those that have run least first. A job that runs keeps its GPUs. One that waits and does
//! not fit stops runs from the end of the order, one by one, until it fits; where it never does, the walk is over.

use std::collections::BTreeSet;

use engine::{Draft, JobId, Needs, Phase, Policy, Reason, Span, Time};

use super::place::{RoundPlacer, keep_open};
use super::{Beat, Turn};
use crate::evict::at_risk;
use crate::order::by_priority;
use crate::ready::behind_first;

/// What becomes of runs that were stopped for a job which then does not fit all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// They go on.
    Spared,
    /// They wait for another round, and their GPUs idle (Blox).
    Stay,
}

/// Attained seconds of a job: what it has, or, of a run that makes progress, what it had less when that began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filed {
    Nowhere,
    Still(u64, u64),
    Moving(u64, i64),
}

/// A job in the order of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// Jobs that an operator put first, then higher priorities.
    priority: u64,
    /// Time in which it made progress, microseconds.
    attained: u64,
    job: JobId,
}

/// Least attained service in rounds.
#[derive(Debug)]
pub struct LasRounds {
    beat: Beat,
    placer: RoundPlacer,
    stopped: Stopped,
    seen: u64,
    filed: Vec<Filed>,
    /// Jobs that wait, and runs that do not make progress yet.
    still: BTreeSet<(u64, u64, JobId)>,
    /// Runs that make progress: all attain alike, so that their order stands.
    moving: BTreeSet<(u64, i64, JobId)>,
    order: Vec<Entry>,
}

impl LasRounds {
    /// Nothing seen yet.
    pub fn new(beat: Beat, placer: RoundPlacer, stopped: Stopped) -> Self {
        Self {
            beat,
            placer,
            stopped,
            seen: 0,
            filed: Vec::new(),
            still: BTreeSet::new(),
            moving: BTreeSet::new(),
            order: Vec::new(),
        }
    }

    fn sync(&mut self, draft: &Draft<'_>) {
        let changes = draft.state().changes_since(self.seen);
        if changes.anew {
            *self = Self::new(self.beat, self.placer, self.stopped);
        }
        for job in changes.jobs {
            self.refile(draft, job);
        }
        self.seen = changes.end;
    }

    fn refile(&mut self, draft: &Draft<'_>, id: JobId) {
        let job = draft.state().job(id);
        let priority = behind_first(job, by_priority(job));
        let filed = match (job.phase, job.running_since.known()) {
            (Phase::Running, Some(since)) => Filed::Moving(priority, signed(job.service.0) - signed(since.0)),
            (Phase::Ready | Phase::Launching | Phase::Running, _) => Filed::Still(priority, job.service.0),
            _ => Filed::Nowhere,
        };
        if self.filed.len() <= id.index() {
            self.filed.resize(id.index() + 1, Filed::Nowhere);
        }
        match std::mem::replace(&mut self.filed[id.index()], filed) {
            before if before == filed => return,
            Filed::Nowhere => {}
            Filed::Still(priority, attained) => drop(self.still.remove(&(priority, attained, id))),
            Filed::Moving(priority, attained) => drop(self.moving.remove(&(priority, attained, id))),
        }
        match filed {
            Filed::Nowhere => {}
            Filed::Still(priority, attained) => drop(self.still.insert((priority, attained, id))),
            Filed::Moving(priority, attained) => drop(self.moving.insert((priority, attained, id))),
        }
    }

    /// All jobs that wait or run, in order.
    fn sort(&mut self, now: Time) {
        self.order.clear();
        let still = self.still.iter().map(|(priority, attained, job)| Entry {
            priority: *priority,
            attained: *attained,
            job: *job,
        });
        let moving = self.moving.iter().map(|(priority, attained, job)| Entry {
            priority: *priority,
            attained: u64::try_from(attained + signed(now.0)).unwrap_or(0),
            job: *job,
        });
        let (mut still, mut moving) = (still.peekable(), moving.peekable());
        while let Some(next) = match (still.peek(), moving.peek()) {
            (Some(a), Some(b)) if a < b => still.next(),
            (_, Some(_)) => moving.next(),
            _ => still.next(),
        } {
            self.order.push(next);
        }
    }

    /// The walk of a new round.
    fn walk(&self, draft: &mut Draft<'_>) {
        let mut end = self.order.len();
        for (at, entry) in self.order.iter().enumerate() {
            if draft.is_placed(entry.job) {
                continue;
            }
            let before = (draft.mark(), end);
            while !self.settle(draft, entry.job) {
                if !stop_last(draft, &self.order[at + 1..], &mut end, at + 1, entry.job) {
                    if self.stopped == Stopped::Spared {
                        draft.rollback(before.0);
                    }
                    return refuse(draft, entry.job);
                }
            }
        }
    }

    /// Starts a job that waits, or keeps room for one that this round has stopped, if it fits.
    fn settle(&self, draft: &mut Draft<'_>, job: JobId) -> bool {
        // What nobody took from a run since it was stopped, it keeps. Blox moves it.
        if !draft.is_ready(job) && self.placer != RoundPlacer::ExactSum && draft.reprieve(job) {
            return true;
        }
        let mark = draft.mark();
        if !self.placer.place(draft, job) {
            return false;
        }
        if draft.is_ready(job) {
            return draft.start(job).is_ok();
        }
        // Its run has yet to end: it starts when that has happened, at this very instant as a rule.
        keep_open(draft, mark);
        true
    }

    /// The same round again, after runs have ended that it stopped: what fits starts.
    fn fill(&self, draft: &mut Draft<'_>) {
        for entry in &self.order {
            if !draft.is_placed(entry.job) && !self.settle(draft, entry.job) {
                return refuse(draft, entry.job);
            }
        }
    }
}

fn signed(micros: u64) -> i64 {
    i64::try_from(micros).unwrap_or(i64::MAX)
}

/// Nobody passes `job`.
fn refuse(draft: &mut Draft<'_>, job: JobId) {
    let class = draft.state().job(job).spec.class;
    draft.refuse_class(class, draft.shortage(class));
    draft.refuse_rest(Reason::BehindHead { head: job });
}

/// Stops the last run of `behind` that may be stopped; `end` is where the search goes on, `from` where `behind` begins.
fn stop_last(draft: &mut Draft<'_>, behind: &[Entry], end: &mut usize, from: usize, by: JobId) -> bool {
    while *end > from {
        *end -= 1;
        let victim = behind[*end - from].job;
        if draft.is_placed(victim) && may_stop(draft, victim) {
            let predicted = at_risk(draft, victim, Span::ZERO);
            let work = draft.state().job(victim).work_done(draft.now()).0;
            if draft.preempt_for(victim, engine::Bill { by: Some(by), predicted }).is_ok() {
                draft.set_memo(victim, [work, 0, 0, 0]);
                return true;
            }
        }
    }
    false
}

/// A run may be stopped once it has got further than the job ever was. Where stops lose no work, that is at once; where
/// they do, two jobs could otherwise take turns for ever.
fn may_stop(draft: &Draft<'_>, victim: JobId) -> bool {
    let job = draft.state().job(victim);
    let [furthest, ..] = draft.state().memo(victim);
    job.spec.preemptible && job.work_done(draft.now()).0 > furthest
}

impl Policy for LasRounds {
    fn needs(&self) -> Needs {
        Beat::needs(false)
    }

    fn decide(&mut self, now: Time, draft: &mut Draft<'_>) {
        self.sync(draft);
        match self.beat.turn(draft) {
            Turn::Between => {}
            Turn::Round => {
                self.sort(now);
                self.walk(draft);
                self.beat.wake(draft);
            }
            Turn::Again => {
                self.sort(now);
                self.fill(draft);
            }
        }
    }
}
