//! Gandiva-fair: GPU-time in proportion to tickets, by stride scheduling of whole gangs in rounds (Chaudhary et al.,
//! 2020, section 3).
//!
//! Every quantum, users take turns by their pass, and the jobs of a user by the run time that they have had; whose turn
//! comes before the GPUs are spent runs for a quantum, the others are stopped. A gang that does not fit keeps its place,
//! so it is first in one of the next rounds, when the whole cluster is given out anew. Between rounds only free GPUs are
//! given out.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use engine::placement::gpu_milli;
use engine::{Amounts, Changes, ClassId, Draft, JobId, Needs, Policy, Reason, Span, TenantId, Time, Triggers};

use super::displace::Displacement;
use super::groups::{Groups, Level};
use super::{slices, tickets};
use crate::place::{Placer, place};
use crate::ready::{Filing, LaneKey, Ready};

/// Ticket-based fair time-slicing.
#[derive(Debug)]
pub struct Stride {
    level: Level,
    quantum: Span,
    placer: Placer,
    seen: u64,
    ready: Ready,
    groups: Groups,
    displacement: Displacement,
    users: Vec<User>,
    /// Index in `users` by group; `u32::MAX` for those without jobs.
    places: Vec<u32>,
    /// Classes that did not fit in this selection.
    failed: Vec<u64>,
    selection: u64,
    stopped: Vec<JobId>,
}

/// A user in a selection.
#[derive(Debug, Default)]
struct User {
    group: TenantId,
    /// Its pass with what it is given in this selection.
    pass: u64,
    /// Its runs, those with the least run time first, with what a quantum of each costs.
    runs: Vec<Run>,
    /// Runs before this one are kept.
    kept: usize,
    /// What a quantum of the others costs.
    rest: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    key: u64,
    job: JobId,
    charge: u64,
}

/// Which runs count as victims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ripe {
    /// Those that have had their quantum.
    Now,
    /// Those that will have had it soon.
    Soon,
}

struct ByUser(Level);

impl Filing for ByUser {
    fn rank(&self, draft: &Draft<'_>, job: JobId) -> u64 {
        key(draft, job)
    }

    fn lane(&self, draft: &Draft<'_>, job: JobId) -> LaneKey {
        let spec = &draft.state().job(job).spec;
        LaneKey { class: spec.class, tenant: self.0.group(draft, spec.tenant), ..LaneKey::default() }
    }
}

/// How far a job has come: its run time, counted from where the jobs of its user were when it came.
fn key(draft: &Draft<'_>, job: JobId) -> u64 {
    let joined = draft.state().memo(job)[0].saturating_sub(1);
    joined.saturating_add(draft.state().job(job).attained(draft.now()).0)
}

impl Policy for Stride {
    fn needs(&self) -> Needs {
        let triggers = Triggers::FREED.and(Triggers::ARRIVED).and(Triggers::WOKE);
        Needs { triggers, ..Needs::default() }
    }

    fn decide(&mut self, now: Time, draft: &mut Draft<'_>) {
        self.groups.clear(draft, self.level);
        self.greet(draft);
        self.ready.sync(draft, &ByUser(self.level));
        for lane in self.ready.active() {
            self.groups.enter(draft, self.level, self.ready.lane(*lane).key.tenant, *lane);
        }
        let (groups, level) = (&self.groups, self.level);
        let held = |user| groups.held(draft, level, user) != Amounts::ZERO || groups.is_open(user);
        let active: Vec<bool> = (0..groups.len()).map(|user| held(TenantId::new(user))).collect();
        tickets::settle(draft, groups, level, |user| active[user.index()]);
        if self.ready.active().is_empty() {
            return;
        }
        draft.refuse_rest(Reason::NotItsTurn);
        if now >= tickets::next_round(draft) {
            tickets::set_held(draft, None);
            self.select_anew(draft);
            tickets::set_next_round(draft, now + self.quantum);
        } else {
            self.fill(draft);
        }
        if !self.ready.active().is_empty() {
            draft.wake_at(tickets::next_round(draft));
        }
    }
}

impl Stride {
    /// A policy that is fair between the tenants of `level` (not the tree) in rounds of `quantum`.
    pub fn new(level: Level, quantum: Span, placer: Placer) -> Self {
        Self {
            level,
            quantum,
            placer,
            seen: 0,
            ready: Ready::default(),
            groups: Groups::default(),
            displacement: Displacement::default(),
            users: Vec::new(),
            places: Vec::new(),
            failed: Vec::new(),
            selection: 0,
            stopped: Vec::new(),
        }
    }

    /// New jobs join where the jobs of their user are; stopped ones are back.
    fn greet(&mut self, draft: &mut Draft<'_>) {
        let (changes, end) = draft.state().changes_since(self.seen);
        let jobs: Vec<JobId> = match changes {
            Changes::Jobs(jobs) => jobs.to_vec(),
            Changes::Everything => (0..draft.state().jobs().len()).map(JobId::new).collect(),
        };
        self.seen = end;
        for job in jobs {
            slices::note_return(draft, job);
            let entry = draft.state().job(job);
            if draft.state().memo(job)[0] == 0 && entry.phase == engine::Phase::Ready {
                let user = self.level.group(draft, entry.spec.tenant);
                let joined = tickets::jobs(draft, user) + 1;
                slices::change(draft, job, |memo| memo[0] = joined);
            }
        }
    }

    /// Everything is given out anew.
    fn select_anew(&mut self, draft: &mut Draft<'_>) {
        self.meet(draft);
        for id in draft.state().live() {
            let job = draft.state().job(*id);
            if !draft.is_placed(*id) {
                continue;
            }
            let group = self.level.group(draft, job.spec.tenant);
            let weight = draft.state().tenants().get(group).terms.weight_milli;
            let charge = tickets::charge(gpu_milli(&job.placement), self.quantum, weight);
            let at = self.place_of(draft, group);
            let user = &mut self.users[at];
            user.runs.push(Run { key: key(draft, *id), job: *id, charge });
            user.rest = user.rest.saturating_add(charge);
        }
        self.users.iter_mut().for_each(|user| user.runs.sort_unstable());
        self.select(draft, true);
        for job in std::mem::take(&mut self.stopped) {
            slices::note_stop(draft, job);
        }
    }

    /// Only what is free is given out. What users hold counts as if they kept it for a quantum.
    fn fill(&mut self, draft: &mut Draft<'_>) {
        if let Some(job) = tickets::held(draft).filter(|job| draft.is_ready(*job)) {
            if place(self.placer, draft, job) && draft.start(job).is_ok() {
                self.ready.remove(job);
                tickets::set_held(draft, None);
            }
            return;
        }
        self.meet(draft);
        for user in &mut self.users {
            let held = self.groups.held(draft, self.level, user.group).gpu_milli;
            let weight = draft.state().tenants().get(user.group).terms.weight_milli;
            user.pass = user.pass.saturating_add(tickets::charge(held, self.quantum, weight));
        }
        self.select(draft, false);
    }

    /// All users enter a new selection.
    fn meet(&mut self, draft: &Draft<'_>) {
        self.selection += 1;
        self.failed.resize(draft.state().classes(), 0);
        self.users.clear();
        self.places.clear();
        self.places.resize(self.groups.len(), u32::MAX);
        for at in 0..self.groups.roots.len() {
            let group = self.groups.roots[at];
            if self.groups.is_open(group) || self.groups.held(draft, self.level, group) != Amounts::ZERO {
                self.place_of(draft, group);
            }
        }
    }

    /// Where a user stands in the selection; who holds nothing that is counted enters when its runs do.
    fn place_of(&mut self, draft: &Draft<'_>, group: TenantId) -> usize {
        if self.places[group.index()] == u32::MAX {
            self.places[group.index()] = self.users.len() as u32;
            self.users.push(User { group, pass: tickets::pass(draft, group), ..User::default() });
        }
        self.places[group.index()] as usize
    }

    /// Users take turns until nobody who waits fits.
    fn select(&mut self, draft: &mut Draft<'_>, anew: bool) {
        let turn = |(at, user): (usize, &User)| Reverse((user.pass, user.group, at));
        let mut turns: BinaryHeap<_> = self.users.iter().enumerate().map(turn).collect();
        let mut met = vec![false; self.users.len()];
        while let Some(Reverse((_, group, at))) = turns.pop() {
            let (waits, runs) = (self.head(group), self.users[at].runs.get(self.users[at].kept).copied());
            let runs_first = runs.filter(|run| waits.is_none_or(|(key, _)| run.key <= key));
            let Some(first) = runs_first.map(|run| run.key).or(waits.map(|(key, _)| key)) else { continue };
            if !std::mem::replace(&mut met[at], true) {
                tickets::advance_jobs(draft, group, first);
            }
            if let Some(run) = runs_first {
                let user = &mut self.users[at];
                user.kept += 1;
                user.rest -= run.charge;
                user.pass = user.pass.saturating_add(run.charge);
            } else if let Some((_, job)) = waits {
                if self.start(draft, job, anew) {
                    let weight = draft.state().tenants().get(group).terms.weight_milli;
                    let charge = tickets::charge(draft.state().class_of(job).gpu_milli, self.quantum, weight);
                    self.users[at].pass = self.users[at].pass.saturating_add(charge);
                    if self.ready.active().is_empty() {
                        return;
                    }
                } else {
                    self.failed[draft.state().job(job).spec.class.index()] = self.selection;
                    draft.refuse(job, draft.shortage(draft.state().job(job).spec.class));
                    if anew && self.could_soon(draft, job) {
                        // Nobody else starts until its gang can be taken together.
                        return tickets::set_held(draft, Some(job));
                    }
                    if !self.anybody_waits() {
                        return;
                    }
                }
            }
            turns.push(Reverse((self.users[at].pass, group, at)));
        }
    }

    fn has_failed(&self, class: ClassId) -> bool {
        self.failed[class.index()] == self.selection
    }

    fn anybody_waits(&self) -> bool {
        self.ready.active().iter().any(|lane| !self.has_failed(self.ready.lane(*lane).key.class))
    }

    /// The waiting job of a user that has come least far and may fit.
    fn head(&self, group: TenantId) -> Option<(u64, JobId)> {
        let lanes = self.groups.lanes(group).iter().map(|lane| self.ready.lane(*lane));
        lanes.filter(|lane| !self.has_failed(lane.key.class)).filter_map(|lane| lane.jobs.first().copied()).min()
    }

    fn start(&mut self, draft: &mut Draft<'_>, job: JobId, anew: bool) -> bool {
        if !place(self.placer, draft, job) {
            if !anew || !self.displace(draft, job, Ripe::Now) {
                return false;
            }
            self.forget_gone(draft);
        }
        let started = draft.start(job).is_ok();
        self.ready.remove(job);
        started
    }

    /// Takes room from runs whose turn comes later, the last first, into the open placement.
    fn displace(&mut self, draft: &mut Draft<'_>, job: JobId, ripe: Ripe) -> bool {
        let Self { users, displacement, quantum, placer, .. } = self;
        let last = |user: &User| user.runs[user.kept..].last().map(|run| user.pass + user.rest - run.charge);
        let mut turns: BinaryHeap<(u64, usize, usize)> = BinaryHeap::new();
        for (at, user) in users.iter().enumerate() {
            turns.extend(last(user).map(|turn| (turn, at, user.runs.len())));
        }
        let mut next = |draft: &Draft<'_>| {
            while let Some((turn, at, until)) = turns.pop() {
                let user = &users[at];
                let run = user.runs[until - 1];
                if until - 1 > user.kept {
                    turns.push((turn.saturating_sub(user.runs[until - 2].charge), at, until - 1));
                }
                let soon = ripe == Ripe::Soon && slices::losses(draft, run.job) == 0;
                let may_go = soon && draft.state().job(run.job).spec.preemptible;
                if may_go || slices::is_over(draft, run.job, *quantum) {
                    return Some(run.job);
                }
            }
            None
        };
        displacement.make_room(*placer, draft, job, &mut next)
    }

    /// Whether the gang would fit if runs that have not had their quantum yet were gone too.
    fn could_soon(&mut self, draft: &mut Draft<'_>, job: JobId) -> bool {
        let mark = draft.mark();
        let could = self.displace(draft, job, Ripe::Soon);
        draft.rollback(mark);
        could
    }

    /// Victims are no longer among the runs.
    fn forget_gone(&mut self, draft: &Draft<'_>) {
        for job in std::mem::take(&mut self.displacement.gone) {
            let group = self.level.group(draft, draft.state().tenant_of(job));
            let user = &mut self.users[self.places[group.index()] as usize];
            if let Some(at) = user.runs.iter().rposition(|run| run.job == job) {
                user.rest -= user.runs.remove(at).charge;
            }
            self.stopped.push(job);
        }
    }
}
