//! Levels of attained service: Tiresias (NSDI 2019), least attained service, and smallest gang first.
//!
//! ```text
//!   waiting, by (level, place in line)          placed, by level
//!   head of each class ──fits?── start          leaves its level at a known time ──▶ wake
//!                     └─no── evict from later levels, last in line first
//! ```
//!
//! A chosen job that runs keeps its GPUs. Nothing here scans jobs: a step costs the classes that have waiting jobs, what
//! changed since the last step, and the victims that are looked at.

mod gittins;
mod history;
mod placed;
pub(crate) mod promotion;
mod room;
pub(crate) mod service;
mod waiting;

use engine::{ClassId, Draft, JobId, Needs, Phase, Policy, Reason, Span, Time, Triggers};

pub use self::gittins::{Gittins, Quantum};
use self::history::History;
use self::placed::{Placed, Standing};
use self::promotion::Base;
use self::room::Prey;
pub(crate) use self::service::GPU_SECOND;
use self::service::time_for;
pub use self::service::{Levels, Measure, Service};
use self::waiting::{Rank, Waiting};
use crate::evict::Clearing;
use crate::pipeline::Behind;
use crate::place::{Placer, place};

/// The line of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevelLine {
    /// In the order in which jobs first started; those that run are before those that wait, so that a level evicts none of
    /// its own.
    Start,
    /// In the order of submission; an earlier job evicts a later one of its level, unless an index goes before the line.
    Arrival,
}

/// What ranks waiting jobs of one level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Within {
    /// Their line.
    LevelLine,
    /// The Gittins index, then their line. Samples are those given, or what finished jobs teach.
    Gittins(Quantum, Option<Gittins>),
}

/// Who may be evicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preemption {
    /// Nobody.
    Never,
    /// Jobs of later levels.
    LaterLevels,
}

/// The knobs of a policy of levels.
#[derive(Clone, Debug)]
pub struct Feedback {
    /// What divides jobs into levels.
    pub levels: Levels,
    /// What counts as service.
    pub measure: Measure,
    /// The line of a level.
    pub line: LevelLine,
    /// What goes before the line.
    pub within: Within,
    /// Thousandths of its running time after which a waiting job goes back to the first level; 0: it never does.
    pub promote_milli: u64,
    /// Who may be evicted.
    pub preemption: Preemption,
    /// Time between decisions; zero: whenever something happens.
    pub interval: Span,
    /// Which nodes.
    pub placer: Placer,
    /// Whether others may pass a job that does not fit; EASY is not known here.
    pub behind: Behind,
}

/// A policy of levels.
#[derive(Debug)]
pub struct Tiresias {
    rules: Feedback,
    seen: u64,
    waiting: Waiting,
    placed: Placed,
    history: History,
    clearing: Clearing,
    round: Round,
}

/// What a round knows, and what the next may reuse.
#[derive(Debug, Default)]
struct Round {
    number: u64,
    /// Grows when a placed job leaves its level: there may be more victims.
    shifts: u64,
    /// How each class last failed.
    failed: Vec<Failed>,
    /// Whether this round has evicted anybody: what failed in earlier rounds may fit now.
    evicted: bool,
}

#[derive(Clone, Copy, Debug)]
struct Failed {
    round: u64,
    /// The freed epoch and the shifts in which it did.
    at: (u64, u64),
    rank: Rank,
}

impl Policy for Tiresias {
    fn needs(&self) -> Needs {
        // Progress: a job that starts is known to leave its level from then on.
        let triggers = Triggers::FREED.and(Triggers::ARRIVED).and(Triggers::WOKE).and(Triggers::PROGRESS);
        Needs { triggers, ..Needs::default() }
    }

    fn decide(&mut self, now: Time, draft: &mut Draft<'_>) {
        self.sync(draft);
        if self.waiting.first().is_none() {
            return;
        }
        let tick = self.next_tick(now);
        if tick > now {
            draft.refuse_rest(Reason::NextDecision { at: tick });
            draft.wake_at(tick);
            return;
        }
        self.shift(now, draft);
        self.promote(now, draft);
        self.run_round(draft);
        if let Some(at) = self.next_look() {
            draft.wake_at(self.next_tick(at));
        }
    }
}

impl Tiresias {
    /// The policy with these knobs.
    pub fn new(rules: Feedback) -> Self {
        Self {
            rules,
            seen: 0,
            waiting: Waiting::default(),
            placed: Placed::default(),
            history: History::default(),
            clearing: Clearing::default(),
            round: Round::default(),
        }
    }

    /// The first instant for decisions from `at` on.
    fn next_tick(&self, at: Time) -> Time {
        let interval = self.rules.interval.0.max(1);
        Time(at.0.div_ceil(interval).saturating_mul(interval))
    }

    /// Catches up with the engine.
    fn sync(&mut self, draft: &Draft<'_>) {
        let learns = matches!(self.rules.within, Within::Gittins(_, None));
        let ranks_moved = learns && self.history.sync(draft, self.rules.measure);
        let changes = draft.state().changes_since(self.seen);
        if changes.anew {
            (self.waiting, self.placed) = (Waiting::default(), Placed::default());
            self.round.failed.clear();
        }
        for job in changes.jobs {
            self.file(draft, job);
        }
        self.seen = changes.end;
        if ranks_moved {
            let jobs: Vec<JobId> = self.waiting.jobs().collect();
            for job in jobs {
                self.file(draft, job);
            }
            self.round.shifts += 1;
        }
    }

    fn file(&mut self, draft: &Draft<'_>, id: JobId) {
        let job = draft.state().job(id);
        if job.phase == Phase::Ready {
            let base = Base::of(draft, id);
            let rank = self.rank(draft, id, base);
            let due = if rank.level == 0 { None } else { base.due(job, self.rules.promote_milli, Span(1)) };
            self.waiting.insert(job.spec.class, rank, due);
        } else {
            self.waiting.remove(id);
        }
        let evictable = job.is_placed() && job.spec.preemptible && self.rules.preemption != Preemption::Never;
        let standing = evictable.then(|| self.standing(draft, id));
        // Whom an operator put first started before jobs that may evict it: they have failed without it.
        let is_new = evictable && job.is_first();
        self.round.shifts += u64::from(self.placed.set(id, standing) || is_new);
    }

    /// The rank of a waiting job.
    fn rank(&self, draft: &Draft<'_>, id: JobId, base: Base) -> Rank {
        let job = draft.state().job(id);
        let attained = self.rules.measure.in_ended_runs(job).saturating_sub(base.service);
        let level = self.rules.levels.of(draft, id, attained);
        let index = match &self.rules.within {
            Within::LevelLine => 0,
            Within::Gittins(quantum, given) => {
                let gittins = given.as_ref().unwrap_or_else(|| self.history.index());
                match quantum {
                    Quantum::Queue => gittins.rank(attained, self.rules.levels.width(level)),
                    Quantum::Best => gittins.best_rank(attained),
                    Quantum::Fixed(quantum) => gittins.rank(attained, Some(*quantum)),
                }
            }
        };
        let line = if self.rules.line == LevelLine::Start { job.first_launch.0 } else { 0 };
        Rank { first_place: job.first_place, level, index, line, job: id }
    }

    fn standing(&self, draft: &Draft<'_>, id: JobId) -> Standing {
        let (job, measure) = (draft.state().job(id), self.rules.measure);
        let base = Base::of(draft, id).service;
        let attained = measure.attained(job, draft.now()).saturating_sub(base);
        let before = measure.in_ended_runs(job).saturating_sub(base);
        let needed = self.rules.levels.end(attained).and_then(|end| time_for(end - before, measure.pace(job)));
        let leaves = needed.and_then(|span| job.running_since.known().map(|since| since + span));
        // A claim has not been launched: it stands in line by its placement, and still does once it is.
        let line = if self.rules.line == LevelLine::Start { job.first_launch.min(job.placed).0 } else { 0 };
        let milli = engine::placement::gpu_milli(&job.placement);
        Standing { level: self.rules.levels.of(draft, id, attained), line, milli, leaves }
    }

    /// Placed jobs that have left their level go to the next.
    fn shift(&mut self, now: Time, draft: &Draft<'_>) {
        while let Some(job) = self.placed.has_left(now) {
            let standing = self.standing(draft, job);
            self.round.shifts += u64::from(self.placed.set(job, Some(standing)));
        }
    }

    fn promote(&mut self, now: Time, draft: &mut Draft<'_>) {
        while let Some((_, id)) = self.waiting.first_due().filter(|(at, _)| *at <= now) {
            let base = Base::now(draft.state().job(id), now, self.rules.measure);
            draft.set_memo(id, base.memo());
            self.file(draft, id);
        }
    }

    fn run_round(&mut self, draft: &mut Draft<'_>) {
        self.round.number += 1;
        self.round.evicted = false;
        let mut after = None;
        while let Some((rank, class)) = self.waiting.next_head(after) {
            after = Some(rank);
            if self.has_failed(draft, rank, class) {
                continue;
            }
            if place(self.rules.placer, draft, rank.job) {
                self.settle(draft, rank.job);
            } else if let Some(evicted) = self.evict_for(draft, rank) {
                for victim in evicted {
                    self.placed.set(victim, None);
                }
                self.settle(draft, rank.job);
                if !std::mem::replace(&mut self.round.evicted, true) {
                    // What failed in earlier rounds may use what the evicted leave over.
                    after = None;
                }
            } else {
                self.fail(draft, rank, class);
                if self.rules.behind == Behind::Blocked {
                    draft.refuse_rest(Reason::BehindHead { head: rank.job });
                    return;
                }
            }
        }
    }

    fn settle(&mut self, draft: &mut Draft<'_>, job: JobId) {
        if draft.start(job).is_ok() {
            self.waiting.remove(job);
            if self.rules.promote_milli > 0 {
                let base = Base::of(draft, job).at_start(draft.state().job(job), draft.now());
                draft.set_memo(job, base.memo());
            }
        }
    }

    fn evict_for(&mut self, draft: &mut Draft<'_>, rank: Rank) -> Option<Vec<JobId>> {
        if self.rules.preemption == Preemption::Never {
            return None;
        }
        let prey = match (self.rules.line, &self.rules.within) {
            (LevelLine::Arrival, Within::LevelLine) => Prey { lowest: rank.level, later: Some(rank.job) },
            _ => Prey { lowest: rank.level.checked_add(1)?, later: None },
        };
        room::make(&mut self.clearing, self.rules.placer, draft, &self.placed, rank.job, prey)
    }

    /// Whether a class must fail because an earlier job of it did: while nothing became free and nobody left a level,
    /// later jobs have no more room. Gangs of several groups are packed greedily, which can succeed with less: they are
    /// tried in every round.
    fn has_failed(&self, draft: &Draft<'_>, rank: Rank, class: ClassId) -> bool {
        let Some(failed) = self.round.failed.get(class.index()) else { return false };
        let this_round = failed.round == self.round.number;
        let one_group = draft.state().class(class).shape.groups.len() == 1;
        let holds = failed.at == (draft.state().freed_epoch(), self.round.shifts) && rank >= failed.rank;
        holds && (this_round || (one_group && !self.round.evicted && self.rules.behind == Behind::Skip))
    }

    fn fail(&mut self, draft: &mut Draft<'_>, rank: Rank, class: ClassId) {
        let evicts = self.rules.preemption != Preemption::Never;
        let why = |draft: &Draft<'_>| if evicts { Reason::NoVictims } else { draft.shortage(class) };
        if evicts && draft.state().job(rank.job).is_first() {
            // An operator put it first, but its level says whom it may evict: others of its class may evict more.
            draft.refuse(rank.job, why(draft));
            return;
        }
        let never = Failed { round: 0, at: (0, 0), rank };
        self.round.failed.resize(draft.state().classes(), never);
        let at = (draft.state().freed_epoch(), self.round.shifts);
        self.round.failed[class.index()] = Failed { round: self.round.number, at, rank };
        draft.refuse_class(class, why(draft));
    }

    /// When the next placed job leaves a level, or the next waiting one is due for promotion, if anybody waits.
    fn next_look(&self) -> Option<Time> {
        self.waiting.first()?;
        let due = self.waiting.first_due().map(|(at, _)| at);
        self.placed.next_leave().into_iter().chain(due).min()
    }
}
