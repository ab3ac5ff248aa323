//! Gandiva-fair: GPU-time in proportion to tickets, by stride scheduling of whole gangs in rounds (Chaudhary et al.,
//! 2020, section 3).
//!
//! Every quantum, users take turns by their pass, and the jobs of a user by the run time that they have had; whose turn
//! comes before the GPUs are spent runs for a quantum, the others are stopped. A gang that does not fit keeps its place,
//! so it is first in one of the next rounds, when the whole cluster is given out anew. Between rounds only free GPUs are
//! given out.

mod expect;
mod select;

use engine::placement::gpu_milli;
use engine::{Amounts, Draft, JobId, Needs, Policy, Reason, Span, TenantId, Time, Triggers};

use super::groups::{Groups, Level};
use super::market::Market;
use super::pools::Pools;
use super::trade::{self, Trader};
use super::user::{Ripe, Run, User};
use super::yielding::Yielding;
use super::{slices, tickets};
use crate::evict::Clearing;
use crate::place::{Placer, place_on};
use crate::ready::{Filing, LaneKey, Ready, behind_first};

/// Whether users trade GPU models, where there are several and speeds are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trading {
    /// They do: each model has tickets of its own.
    On,
    /// Tickets are for GPUs, whatever their model.
    Off,
}

/// Ticket-based fair time-slicing.
#[derive(Debug)]
pub struct Stride {
    level: Level,
    trading: Trading,
    quantum: Span,
    placer: Placer,
    seen: u64,
    ready: Ready,
    groups: Groups,
    clearing: Clearing,
    yielding: Yielding,
    pools: Pools,
    market: Market,
    users: Vec<User>,
    /// Index in `users` by group and pool; `u32::MAX` for those without jobs.
    places: Vec<u32>,
    /// Classes that did not fit in this selection, by class and pool.
    failed: Vec<u64>,
    selection: u64,
    stopped: Vec<JobId>,
}

/// More models are not traded: pools are bits of a word.
const MODELS_MAX: usize = 60;

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
        let models = draft.cluster().inventory().models.len();
        let trades = self.trading == Trading::On && (2..=MODELS_MAX).contains(&models) && draft.state().knows_speeds();
        if self.pools.sync(draft, if trades { models } else { 0 }) {
            self.seen = u64::MAX;
        }
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
    pub fn new(level: Level, trading: Trading, quantum: Span, placer: Placer) -> Self {
        Self {
            level,
            trading,
            quantum,
            placer,
            seen: 0,
            ready: Ready::default(),
            groups: Groups::default(),
            clearing: Clearing::default(),
            yielding: Yielding::default(),
            pools: Pools::default(),
            market: Market::default(),
            users: Vec::new(),
            places: Vec::new(),
            failed: Vec::new(),
            selection: 0,
            stopped: Vec::new(),
        }
    }

    /// New jobs join where the jobs of their user are; stopped ones are back.
    fn greet(&mut self, draft: &mut Draft<'_>) {
        let changes = draft.state().changes_since(self.seen);
        self.seen = changes.end;
        if changes.anew {
            self.market.clear();
        }
        let jobs: Vec<JobId> = changes.jobs.collect();
        for job in jobs {
            slices::note_return(draft, job);
            if self.pools.by_model() {
                self.market.note(draft, self.level, &self.pools, job);
            }
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
        if self.pools.by_model() {
            self.trade(draft);
        }
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
        self.select(draft, select::Round::Anew);
        self.yielding.settle(draft);
        self.note_passes(draft);
        for job in std::mem::take(&mut self.stopped) {
            slices::note_stop(draft, job);
        }
    }

    /// A run enters the selection of its user.
    fn meet_run(&mut self, draft: &Draft<'_>, id: JobId) {
        let job = draft.state().job(id);
        let group = self.level.group(draft, job.spec.tenant);
        let pool = self.pools.of(draft, &job.placement);
        let gpu_milli = gpu_milli(&job.placement);
        let ripe = if slices::is_over(draft, id, self.quantum) {
            Ripe::Now
        } else if job.spec.preemptible && slices::losses(draft, id) == 0 {
            Ripe::Soon
        } else {
            Ripe::No
        };
        let at = self.place_of(draft, group, pool);
        let charge = self.users[at].charge(gpu_milli, self.quantum);
        let place = behind_first(job, key(draft, id));
        self.users[at].runs.push(Run { key: place, job: id, charge, gpu_milli, ripe });
    }

    /// What each user is entitled to of each model, after they have traded.
    fn trade(&mut self, draft: &mut Draft<'_>) {
        let capacity: Vec<u64> = self.pools.up(draft).iter().map(|milli| milli * 1000).collect();
        let trader = |user: &TenantId| {
            let weight = draft.state().tenants().get(*user).terms.weight_milli;
            self.market.trader(user.index(), weight)
        };
        let mut traders: Vec<Trader> = self.groups.roots.iter().map(trader).collect();
        trade::entitle(&mut traders, &capacity);
        trade::trade(&mut traders, capacity.len());
        for (user, trader) in self.groups.roots.iter().zip(&traders) {
            for (model, share) in trader.share.iter().enumerate() {
                tickets::set_share(draft, *user, model, *share);
            }
            tickets::set_share(draft, *user, self.pools.wide(), trader.share.iter().sum());
        }
    }

    /// Passes of pools go up by what users were given, at once: usage by model is nothing that the engine counts.
    fn note_passes(&mut self, draft: &mut Draft<'_>) {
        for user in self.users.iter().filter(|user| self.pools.by_model() && user.tickets > 0) {
            let unmet = user.runs.iter().skip(user.kept).filter(|run| draft.is_placed(run.job));
            let pass = unmet.fold(user.pass, |pass, run| pass.saturating_add(run.charge));
            tickets::set_pass(draft, user.group, user.pool, pass);
        }
    }

    /// Only what is free is given out. What users hold counts as if they kept it for a quantum.
    fn fill(&mut self, draft: &mut Draft<'_>) {
        self.meet(draft);
        let held = tickets::held(draft).filter(|job| draft.is_ready(*job));
        if let Some(job) = held {
            let class = draft.state().job(job).spec.class;
            let able = (0..self.pools.len()).filter(|pool| self.pools.allows(class, *pool));
            for pool in able.collect::<Vec<usize>>() {
                if place_on(self.placer, draft, job, self.pools.models(pool)) && draft.start(job).is_ok() {
                    self.ready.remove(job);
                    tickets::set_held(draft, None);
                    let at = self.place_of(draft, self.level.group(draft, draft.state().tenant_of(job)), pool);
                    self.charge(draft, at, job, tickets::next_round(draft).since(draft.now()));
                    return self.note_passes(draft);
                }
            }
        }
        if !self.pools.by_model() {
            for user in &mut self.users {
                let held = self.groups.held(draft, self.level, user.group).gpu_milli;
                user.pass = user.pass.saturating_add(user.charge(held, self.quantum));
            }
        }
        self.select(draft, select::Round::Between { held });
        self.note_passes(draft);
    }

    /// A user is given a job for some time.
    fn charge(&mut self, draft: &Draft<'_>, at: usize, job: JobId, span: Span) {
        let user = &mut self.users[at];
        user.pass = user.pass.saturating_add(user.charge(draft.state().class_of(job).gpu_milli, span));
    }

    /// All users enter a new selection.
    fn meet(&mut self, draft: &Draft<'_>) {
        self.selection += 1;
        self.failed.resize(draft.state().classes() * self.pools.len(), 0);
        self.users.clear();
        self.places.clear();
        self.places.resize(self.groups.len() * self.pools.len(), u32::MAX);
        for at in 0..self.groups.roots.len() {
            let group = self.groups.roots[at];
            if self.groups.is_open(group) || self.groups.held(draft, self.level, group) != Amounts::ZERO {
                for pool in 0..self.pools.len() {
                    self.place_of(draft, group, pool);
                }
            }
        }
    }

    /// Where a user stands in the selection; who holds nothing that is counted enters when its runs do.
    fn place_of(&mut self, draft: &Draft<'_>, group: TenantId, pool: usize) -> usize {
        let place = group.index() * self.pools.len() + pool;
        if self.places[place] == u32::MAX {
            self.places[place] = self.users.len() as u32;
            let (pass, tickets) = if self.pools.by_model() {
                tickets::account(draft, group, pool)
            } else {
                (tickets::pass(draft, group), u64::from(draft.state().tenants().get(group).terms.weight_milli))
            };
            self.users.push(User { group, pool, tickets, pass, ..User::default() });
        }
        self.places[place] as usize
    }
}
