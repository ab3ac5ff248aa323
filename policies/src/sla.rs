//! Deadlines and latest starts: promised when they can be met, earliest deadline first, and kept by stopping others.
//!
//! A job with a deadline or a start-by target is judged once, when it first waits: the future is played out with all
//! promised jobs and this one (`future.rs`). If all of them meet their targets, it is promised. From then on nothing that
//! the policy does may break the promise:
//!
//! - promised jobs start in the order of their deadlines, as soon as they fit on what is free;
//! - all others share what is left, in order of priority and arrival;
//! - when a promised job would be late if it waited for others to end by themselves, they are stopped, not before the
//!   last moment at which that is early enough.
//!
//! Promised jobs are never stopped. Two jobs can never evict each other: only a promised job evicts, only others go.

mod course;
mod future;
mod present;
mod target;

use std::collections::{BTreeMap, BTreeSet};

use engine::{Bill, Draft, JobId, Needs, Phase, Placement, Policy, Reason, Span, Time, Triggers};

use self::course::Stage;
use self::future::Start;
use self::present::{Hold, Present};
use self::target::{Standing, Want};
use crate::easy::Estimates;
use crate::evict::Guards;
use crate::place::{Placer, place};
use crate::ready::{Filing, LaneKey, Ready};
use crate::running::Sorting;

/// What becomes of a job whose target cannot be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is turned away, with the earliest time that could be kept.
    Reject,
    /// It runs without a promise.
    Demote,
    /// Nobody asks: every target counts as promised.
    Off,
}

/// The settings of the policy.
#[derive(Clone, Copy, Debug)]
pub struct Targets {
    /// Where run times come from.
    pub estimates: Estimates,
    /// Where jobs without a promise go.
    pub placer: Placer,
    /// What becomes of a job whose target cannot be met.
    pub admission: Admission,
    /// Promised jobs that may wait at one time; more are not promised anything.
    pub depth: usize,
    /// What protects those that may be stopped, and what that costs. Budget and rate do not apply to promises.
    pub guards: Guards,
}

/// The policy.
#[derive(Debug)]
pub struct Sla {
    targets: Targets,
    seen: u64,
    /// Promised jobs that wait, by due time.
    promised: BTreeSet<(Time, JobId)>,
    due: BTreeMap<JobId, Time>,
    /// Jobs with a target that nobody has judged yet.
    unjudged: BTreeSet<JobId>,
    /// Jobs without a promise.
    ready: Ready,
}

/// Files jobs without a promise in lanes of their class; those that cannot be stopped also by run time, as the short may
/// start where the long break a promise. Promised jobs stand apart.
struct BestEffort(Estimates);

/// The lanes of promised jobs, and of those that can be stopped; the others have the power of two of their run time.
const PROMISED: u8 = u8::MAX;
const YIELDING: u8 = u8::MAX - 1;

impl Filing for BestEffort {
    fn lane(&self, draft: &Draft<'_>, job: JobId) -> LaneKey {
        let spec = &draft.state().job(job).spec;
        let bucket = match Standing::of(draft, job) {
            Standing::BestEffort if spec.preemptible => YIELDING,
            Standing::BestEffort => Estimates::bucket(self.0.remaining(draft, job)),
            _ => PROMISED,
        };
        LaneKey { class: spec.class, bucket, ..LaneKey::default() }
    }
}

impl Policy for Sla {
    fn needs(&self) -> Needs {
        Needs {
            oracle: self.targets.estimates == Estimates::True,
            triggers: Triggers::FREED.and(Triggers::ARRIVED).and(Triggers::WOKE),
            usage_half_life: None,
        }
    }

    fn decide(&mut self, _now: Time, draft: &mut Draft<'_>) {
        self.sync(draft);
        let present = (!self.promised.is_empty() || !self.unjudged.is_empty()).then(|| self.present(draft, Vec::new()));
        if let Some(present) = &present {
            self.judge(draft, present);
        }
        self.ready.sync(draft, &BestEffort(self.targets.estimates));
        let kept = present.filter(|_| !self.promised.is_empty()).and_then(|present| self.keep_promises(draft, present));
        self.fill(draft, kept);
    }
}

impl Sla {
    /// A policy with these settings.
    pub fn new(targets: Targets) -> Self {
        Self {
            targets,
            seen: 0,
            promised: BTreeSet::new(),
            due: BTreeMap::new(),
            unjudged: BTreeSet::new(),
            ready: Ready::default(),
        }
    }

    fn sync(&mut self, draft: &Draft<'_>) {
        let changes = draft.state().changes_since(self.seen);
        if changes.anew {
            *self = Self::new(self.targets);
        }
        for job in changes.jobs {
            self.file(draft, job);
        }
        self.seen = changes.end;
    }

    fn file(&mut self, draft: &Draft<'_>, job: JobId) {
        self.forget(job);
        let waits = draft.state().job(job).phase == Phase::Ready;
        match Standing::of(draft, job) {
            Standing::Promised if waits => self.expect(draft, job),
            Standing::Unjudged if waits => drop(self.unjudged.insert(job)),
            _ => {}
        }
    }

    fn forget(&mut self, job: JobId) {
        self.unjudged.remove(&job);
        if let Some(due) = self.due.remove(&job) {
            self.promised.remove(&(due, job));
        }
    }

    fn expect(&mut self, draft: &Draft<'_>, job: JobId) {
        let due = self.want(draft, job).due();
        self.promised.insert((due, job));
        self.due.insert(job, due);
    }

    fn want(&self, draft: &Draft<'_>, job: JobId) -> Want {
        Want::of(draft, self.targets.estimates, self.targets.guards.price.restart, job)
    }

    /// Who holds what, until when, and who of them may be stopped; with what the draft has started.
    fn present(&self, draft: &Draft<'_>, started: Vec<Hold>) -> Present {
        let mut holds = started;
        for job in draft.state().live() {
            if draft.is_placed(*job) {
                holds.push(self.hold(draft, *job, draft.state().job(*job).placement.clone()));
            }
        }
        holds.sort_unstable_by_key(|hold| hold.job);
        Present::new(draft, holds)
    }

    fn hold(&self, draft: &Draft<'_>, id: JobId, slices: Placement) -> Hold {
        let Targets { estimates, guards, .. } = &self.targets;
        let job = draft.state().job(id);
        let end = if job.is_placed() {
            let known = estimates.standing(draft, id).map(|(_, end)| end.unsigned_abs()).filter(|end| *end < FOREVER);
            let starting = job.running_since == Time::NEVER;
            let again = if job.attempt > 1 { job.spec.restart.unwrap_or(guards.price.restart) } else { Span::ZERO };
            let late = if starting { again + guards.price.drain } else { Span::ZERO };
            known.map_or(Time::NEVER, |end| Time(end) + late)
        } else {
            let run = self.want(draft, id).run;
            if run == Span::MAX { Time::NEVER } else { draft.now() + guards.price.drain + run }
        };
        let firm = !job.spec.preemptible || Standing::of(draft, id) == Standing::Promised;
        let yields = match guards.exempt(draft, id) {
            _ if firm => Time::NEVER,
            _ if !job.is_placed() => draft.now() + guards.min_runtime,
            until => until.unwrap_or(draft.now()),
        };
        Hold { job: id, slices, end, yields, bill: if job.is_placed() { guards.price.bill(draft, id) } else { 0 } }
    }

    /// The promised jobs that wait, earliest due first; those that are late already come last.
    fn wants(&self, draft: &Draft<'_>) -> Vec<Want> {
        let first = self.promised.iter().take(self.targets.depth);
        let mut wants: Vec<Want> = first.map(|(_, job)| self.want(draft, *job)).collect();
        wants.sort_by_key(|want| place_of(draft, want));
        wants
    }

    /// Promises what can be met to jobs that are new.
    fn judge(&mut self, draft: &mut Draft<'_>, present: &Present) {
        while let Some(job) = self.unjudged.pop_first() {
            let want = self.want(draft, job);
            let answer = if self.targets.admission == Admission::Off { Ok(()) } else { self.ask(draft, present, want) };
            match (answer, self.targets.admission) {
                (Ok(()), _) => {
                    Standing::Promised.note(draft, job);
                    self.expect(draft, job);
                }
                (Err(Some(earliest)), Admission::Reject) => {
                    // It is ready and has no plan: the draft cannot refuse.
                    let _rejected = draft.reject(job, Reason::CannotMeet { earliest });
                }
                (Err(_), _) => Standing::BestEffort.note(draft, job),
            }
        }
    }

    /// Whether a job can be promised its target. If not: the earliest end (or start) that could be kept, where one is
    /// known.
    fn ask(&self, draft: &Draft<'_>, present: &Present, want: Want) -> Result<(), Option<Time>> {
        if want.is_open_ended() || self.promised.len() >= self.targets.depth {
            return Err(None);
        }
        let before = self.wants(draft);
        let stage = self.stage(draft, present);
        let met = if before.is_empty() { BTreeSet::new() } else { stage.course(&before).met };
        let mut wants = before.clone();
        wants.push(want);
        wants.sort_by_key(|want| place_of(draft, want));
        let with = stage.course(&wants).met;
        if with.contains(&want.job) && met.is_subset(&with) {
            return Ok(());
        }
        // Behind all others it harms nobody.
        let mut last = before;
        last.push(Want { insists: draft.now(), ..want });
        let starts = stage.play(&last);
        let start = starts.iter().find(|start| start.want.job == want.job).map_or(Time::NEVER, |start| start.at);
        let launch = start + stage.drain;
        Err(Some(if want.end_by == Time::NEVER { launch } else { launch + want.run }))
    }

    fn stage<'a>(&self, draft: &'a Draft<'a>, present: &'a Present) -> Stage<'a> {
        Stage { draft, present, drain: self.targets.guards.price.drain }
    }

    /// Starts promised jobs, and stops others where that is the last moment. Returns what it has come to, where promised
    /// jobs still wait.
    fn keep_promises(&mut self, draft: &mut Draft<'_>, present: Present) -> Option<Kept> {
        let course = self.stage(draft, &present).course(&self.wants(draft));
        let mut wake = present.exempt_until();
        let mut started = Vec::new();
        for start in course.starts {
            let want = start.want;
            if start.at > draft.now() {
                want.note(draft);
                let known = start.at.known().map(|start| Reason::Reserved { start });
                draft.refuse(want.job, known.unwrap_or_else(|| shortage(draft, want.job)));
                wake = wake.min(look_again(&start, draft.now()));
            } else if self.carry_out(draft, &start) {
                started.push(self.hold(draft, want.job, start.slices));
            }
        }
        if self.promised.is_empty() {
            return None;
        }
        if wake != Time::NEVER {
            draft.wake_at(wake);
        }
        if started.is_empty() {
            return Some(Kept { present, met: course.met });
        }
        let present = self.present(draft, started);
        let met = self.stage(draft, &present).course(&self.wants(draft)).met;
        Some(Kept { present, met })
    }

    fn carry_out(&mut self, draft: &mut Draft<'_>, start: &Start) -> bool {
        let job = start.want.job;
        for victim in &start.victims {
            let predicted = self.targets.guards.price.bill(draft, *victim);
            // Whoever yields is placed and preemptible.
            let _stopped = draft.preempt_for(*victim, Bill { by: Some(job), predicted });
        }
        if draft.start_at(job, &start.slices).is_err() {
            draft.refuse(job, shortage(draft, job));
            return false;
        }
        self.forget(job);
        self.ready.remove(job);
        true
    }

    /// Jobs without a promise, in order of priority and arrival; who does not fit is passed.
    fn fill(&mut self, draft: &mut Draft<'_>, mut kept: Option<Kept>) {
        let lanes = self.ready.active().iter().filter(|lane| self.ready.lane(**lane).key.bucket != PROMISED);
        let mut heads: BTreeSet<((u64, JobId), u32)> =
            lanes.filter_map(|lane| Some((*self.ready.lane(*lane).jobs.first()?, *lane))).collect();
        while let Some((first, lane)) = heads.pop_first() {
            let job = first.1;
            let class = draft.state().job(job).spec.class;
            let mark = draft.mark();
            if !place(self.targets.placer, draft, job) {
                let reason = draft.shortage(class);
                draft.refuse_class(class, reason);
                continue;
            }
            if let Err(reason) = self.start(draft, job, kept.as_mut()) {
                draft.rollback(mark);
                draft.refuse(job, reason);
                continue;
            }
            self.ready.remove(job);
            heads.extend(self.ready.lane(lane).jobs.first().map(|next| (*next, lane)));
        }
    }

    /// Starts the open placement, unless that breaks a promise. The course on which it does not is noted.
    fn start(&self, draft: &mut Draft<'_>, job: JobId, kept: Option<&mut Kept>) -> Result<(), Reason> {
        let Some(kept) = kept else { return draft.start(job) };
        let hold = self.hold(draft, job, draft.open().into());
        draft.start(job)?;
        kept.present.push(hold);
        let wants = self.wants(draft);
        let course = self.stage(draft, &kept.present).course(&wants);
        // What the course starts now would have to stop somebody now: that was decided before.
        let waits = course.starts.iter().all(|start| start.at > draft.now());
        if !waits || !kept.met.is_subset(&course.met) {
            kept.present.pop();
            let head = wants.first().map_or(job, |want| want.job);
            let start = wants.first().map_or(Time::NEVER, Want::latest_start);
            return Err(Reason::WouldDelayHead { head, start });
        }
        for start in &course.starts {
            start.want.note(draft);
            let again = look_again(start, draft.now());
            if again != Time::NEVER {
                draft.wake_at(again);
            }
        }
        kept.met = course.met;
        Ok(())
    }
}

/// Promised jobs wait, and this is how things stand.
struct Kept {
    present: Present,
    /// The jobs whose promises can be kept.
    met: BTreeSet<JobId>,
}

/// Ends from here on are unknown.
const FOREVER: u64 = i64::MAX as u64;

fn shortage(draft: &Draft<'_>, job: JobId) -> Reason {
    draft.shortage(draft.state().job(job).spec.class)
}

/// The order of promised jobs: earliest due first; those that are late already come last.
fn place_of(draft: &Draft<'_>, want: &Want) -> (bool, Time, JobId) {
    (want.latest_start() < draft.now(), want.due(), want.job)
}

/// When a start has to be thought about again: when the job may stop others, or when a start that was expected has not
/// come and the slack is gone.
fn look_again(start: &Start, now: Time) -> Time {
    let gone = start.slack.filter(|_| start.want.latest_start() != Time::NEVER);
    let gone = gone.map_or(Time::NEVER, |_| start.want.latest_start() + Span(1));
    let insists = if start.want.insists > now { start.want.insists } else { Time::NEVER };
    if gone > now { gone.min(insists) } else { insists }
}
