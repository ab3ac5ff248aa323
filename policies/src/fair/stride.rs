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
use super::user::{Ripe, Run, User};
use super::yielding::Yielding;
use super::{slices, tickets};
use crate::place::{Placer, place};
use crate::ready::{Filing, Lane, LaneKey, Ready};

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
    yielding: Yielding,
    users: Vec<User>,
    /// Index in `users` by group; `u32::MAX` for those without jobs.
    places: Vec<u32>,
    /// Classes that did not fit in this selection.
    failed: Vec<u64>,
    selection: u64,
    stopped: Vec<JobId>,
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
            yielding: Yielding::default(),
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
        for at in 0..draft.state().live().len() {
            let id = draft.state().live()[at];
            if draft.is_placed(id) {
                self.meet_run(draft, id);
            }
        }
        self.users.iter_mut().for_each(|user| user.runs.sort_unstable());
        self.expect(draft);
        self.yielding.clear(draft);
        for user in &self.users {
            for run in user.runs[user.sure..].iter().filter(|run| run.ripe == Ripe::Now) {
                self.yielding.stop(draft, run.job);
            }
        }
        self.select(draft, true);
        self.yielding.settle(draft);
        for job in std::mem::take(&mut self.stopped) {
            slices::note_stop(draft, job);
        }
    }

    /// A run enters the selection of its user.
    fn meet_run(&mut self, draft: &Draft<'_>, id: JobId) {
        let job = draft.state().job(id);
        let group = self.level.group(draft, job.spec.tenant);
        let weight = draft.state().tenants().get(group).terms.weight_milli;
        let gpu_milli = gpu_milli(&job.placement);
        let ripe = if slices::is_over(draft, id, self.quantum) {
            Ripe::Now
        } else if job.spec.preemptible && slices::losses(draft, id) == 0 {
            Ripe::Soon
        } else {
            Ripe::No
        };
        let charge = tickets::charge(gpu_milli, self.quantum, weight);
        let at = self.place_of(draft, group);
        self.users[at].runs.push(Run { key: key(draft, id), job: id, charge, gpu_milli, ripe });
    }

    /// Whose turn comes before the GPUs are spent, as far as counts tell: the runs before `sure` of each user.
    ///
    /// It looks at no more jobs than the cluster can hold.
    fn expect(&mut self, draft: &Draft<'_>) {
        let all = self.users.iter().flat_map(|user| &user.runs);
        let fixed: u64 = all.filter(|run| run.ripe != Ripe::Now).map(|run| run.gpu_milli).sum();
        let mut room = draft.cluster().up_gpu_milli().saturating_sub(fixed);
        let mut waiting: Vec<Vec<_>> = Vec::with_capacity(self.users.len());
        for user in &self.users {
            let lanes = self.groups.lanes(user.group).iter().map(|lane| self.ready.lane(*lane));
            let milli = |lane: &Lane| draft.state().class(lane.key.class).gpu_milli;
            waiting.push(lanes.map(|lane| (milli(lane), lane.jobs.iter().peekable())).collect());
        }
        let turn = |(at, user): (usize, &User)| Reverse((user.pass, user.group, at));
        let mut turns: BinaryHeap<_> = self.users.iter().enumerate().map(turn).collect();
        while let Some(Reverse((pass, group, at))) = turns.pop() {
            let lanes = waiting[at].iter_mut().enumerate();
            let first = lanes.filter_map(|(lane, (_, jobs))| jobs.peek().map(|first| (**first, lane))).min();
            let user = &mut self.users[at];
            let run = user.runs.get(user.sure).filter(|run| first.is_none_or(|((key, _), _)| run.key <= key));
            let (need, charge) = match (run, first) {
                (Some(run), _) if run.ripe == Ripe::Now => (run.gpu_milli, run.charge),
                (Some(run), _) => (0, run.charge),
                (None, Some((_, lane))) => {
                    let weight = draft.state().tenants().get(group).terms.weight_milli;
                    let milli = waiting[at][lane].0;
                    waiting[at][lane].1.next();
                    (milli, tickets::charge(milli, self.quantum, weight))
                }
                (None, None) => continue,
            };
            if need > room {
                break;
            }
            room -= need;
            if run.is_some() {
                user.rest = user.rest.saturating_add(charge);
                user.sure += 1;
            }
            turns.push(Reverse((pass.saturating_add(charge), group, at)));
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
            let waits = self.head(group);
            let run = self.users[at].next_run(waits.map(|(key, _)| key));
            let Some(first) = run.map(|run| run.key).or(waits.map(|(key, _)| key)) else { continue };
            if !std::mem::replace(&mut met[at], true) {
                tickets::advance_jobs(draft, group, first);
            }
            if let Some(run) = run {
                if draft.is_placed(run.job) || draft.reprieve(run.job) {
                    self.users[at].keep(&run);
                } else {
                    self.users[at].skip();
                }
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
            if !anew || !self.displace(draft, job) {
                return false;
            }
            self.forget_gone(draft);
        }
        if anew {
            self.yielding.note_taker(draft, job);
        }
        let started = draft.start(job).is_ok();
        self.ready.remove(job);
        started
    }

    /// Takes room from runs whose turn comes later, the last first, into the open placement.
    fn displace(&mut self, draft: &mut Draft<'_>, job: JobId) -> bool {
        let Self { users, displacement, placer, .. } = self;
        let mut turns: BinaryHeap<(u64, usize, usize)> = BinaryHeap::new();
        for (at, user) in users.iter().enumerate() {
            turns.extend(user.last_turn(user.sure, None).map(|(turn, run)| (turn, at, run)));
        }
        let mut next = |_: &Draft<'_>| {
            while let Some((turn, at, run)) = turns.pop() {
                let user = &users[at];
                turns.extend(user.last_turn(run, Some(turn)).map(|(turn, run)| (turn, at, run)));
                if user.runs[run].ripe == Ripe::Now {
                    return Some(user.runs[run].job);
                }
            }
            None
        };
        displacement.make_room(*placer, draft, job, &mut next)
    }

    /// Whether the gang would fit if runs that have not had their quantum yet were gone too.
    fn could_soon(&mut self, draft: &mut Draft<'_>, job: JobId) -> bool {
        let Self { users, displacement, placer, .. } = self;
        let left = || users.iter().flat_map(|user| &user.runs[user.kept..]);
        if !left().any(|run| run.ripe == Ripe::Soon) {
            return false;
        }
        let mut runs = left().filter(|run| run.ripe != Ripe::No).map(|run| run.job);
        let mark = draft.mark();
        let could = displacement.make_room(*placer, draft, job, &mut |_| runs.next());
        draft.rollback(mark);
        could
    }

    /// Victims are no longer among the runs.
    fn forget_gone(&mut self, draft: &Draft<'_>) {
        for job in std::mem::take(&mut self.displacement.gone) {
            let group = self.level.group(draft, draft.state().tenant_of(job));
            self.users[self.places[group.index()] as usize].lose(job);
            self.stopped.push(job);
        }
    }
}
