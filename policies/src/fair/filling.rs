//! Progressive filling: the group with the least share goes next, until nothing fits (DRF; Ghodsi et al., NSDI 2011,
//! Algorithm 1). With GPUs as the measure it is max-min fairness, with H-DRF's shares it fills a tree.

use engine::{ClassId, Draft, JobId, Needs, Policy, Reason, TenantId, Time, Triggers};

use super::groups::{Groups, Level};
use super::hierarchy::Hierarchy;
use super::reclaim::Reclaim;
use super::share::{Measure, Share};
use crate::place::{Placer, fits, place};
use crate::ready::{Filing, LaneKey, Ready};

/// Who passes a job that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    /// Nobody: the cluster is full (Algorithm 1 as printed).
    Nobody,
    /// Jobs of other tenants; inside a tenant nobody.
    Tenants,
    /// Every job of another class.
    Everybody,
}

/// Whether runs of groups above their share are stopped for groups below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reclaiming {
    /// Never.
    Off,
    /// Where the donor keeps at least what the taker then has.
    On,
}

/// What a filling policy is made of.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// What is counted.
    pub measure: Measure,
    /// Between whom.
    pub level: Level,
    /// Who passes a job that does not fit.
    pub passing: Passing,
    /// Preemption; never with [`Measure::Hierarchical`].
    pub reclaiming: Reclaiming,
    /// Which nodes.
    pub placer: Placer,
}

/// How a class last failed to fit.
#[derive(Clone, Copy, Debug, Default)]
struct Failed {
    epoch: u64,
    round: u64,
}

/// What a search for victims depends on.
type Version = (u64, u64, u64);

/// Progressive filling by `Plan`.
#[derive(Debug)]
pub struct Filling {
    plan: Plan,
    ready: Ready,
    groups: Groups,
    hierarchy: Hierarchy,
    reclaim: Reclaim,
    failed: Vec<Failed>,
    /// When no victims were found for a class and group, while nothing was started since.
    hopeless: std::collections::BTreeMap<(ClassId, TenantId), Version>,
    round: u64,
    /// Whether this decision has started or stopped anything.
    started: bool,
    /// Whether it has stopped anything: what failed before may fit now.
    stopped: bool,
    /// Whether the last start stopped anything: lanes that left the round may come back.
    reopen: bool,
}

struct FiledBy(Level);

impl Filing for FiledBy {
    fn lane(&self, draft: &Draft<'_>, job: JobId) -> LaneKey {
        let spec = &draft.state().job(job).spec;
        LaneKey { class: spec.class, tenant: self.0.group(draft, spec.tenant), ..LaneKey::default() }
    }
}

impl Policy for Filling {
    fn needs(&self) -> Needs {
        Needs { triggers: Triggers::FREED.and(Triggers::ARRIVED), ..Needs::default() }
    }

    fn decide(&mut self, _now: Time, draft: &mut Draft<'_>) {
        self.ready.sync(draft, &FiledBy(self.plan.level));
        if self.plan.reclaiming == Reclaiming::On {
            self.reclaim.sync(draft, self.plan.level);
        }
        (self.started, self.stopped) = (false, false);
        if self.plan.passing == Passing::Tenants {
            draft.refuse_rest(Reason::NotItsTurn);
        }
        self.open(draft);
        while let Some(group) = self.next_group(draft) {
            let Some((lane, job)) = self.head(group) else { break };
            if self.start(draft, group, job) {
                self.advance(draft, group, lane);
            } else if self.plan.passing == Passing::Nobody {
                draft.refuse(job, self.why(draft, job));
                draft.refuse_rest(Reason::BehindHead { head: job });
                break;
            } else {
                self.pass(draft, group, lane, job);
            }
        }
    }
}

impl Filling {
    /// A policy by `plan`.
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            ready: Ready::default(),
            groups: Groups::default(),
            hierarchy: Hierarchy::default(),
            reclaim: Reclaim::default(),
            failed: Vec::new(),
            hopeless: std::collections::BTreeMap::new(),
            round: 0,
            started: false,
            stopped: false,
            reopen: false,
        }
    }

    /// All lanes with waiting jobs enter a new round.
    fn open(&mut self, draft: &Draft<'_>) {
        self.round += 1;
        self.failed.resize(draft.state().classes(), Failed::default());
        self.groups.clear(draft, self.plan.level);
        for lane in self.ready.active() {
            self.groups.enter(draft, self.plan.level, self.ready.lane(*lane).key.tenant, *lane);
        }
    }

    /// The group whose turn it is, from the top down.
    fn next_group(&mut self, draft: &mut Draft<'_>) -> Option<TenantId> {
        if let Measure::Hierarchical(recursion, empty) = self.plan.measure {
            self.close_blocked(draft);
            self.hierarchy.compute(draft, &self.groups, (recursion, empty));
        }
        let mut at = self.least(draft, &self.groups.roots)?;
        while let Some(child) = self.least(draft, &self.groups.children[at.index()]) {
            let own = !self.groups.lanes(at).is_empty() && self.own_share(draft, at) <= self.share(draft, child);
            if own {
                break;
            }
            at = child;
        }
        Some(at)
    }

    /// The one of `among` with the least share that is still in the round; ties go to the lower id.
    fn least(&self, draft: &Draft<'_>, among: &[TenantId]) -> Option<TenantId> {
        let open = among.iter().copied().filter(|group| self.groups.is_open(*group));
        open.min_by_key(|group| (self.share(draft, *group), *group))
    }

    fn share(&self, draft: &Draft<'_>, group: TenantId) -> Share {
        let weight_milli = draft.state().tenants().get(group).terms.weight_milli;
        match self.plan.measure {
            Measure::Hierarchical(..) => self.hierarchy.share(draft, group),
            measure => measure.of(self.groups.held(draft, self.plan.level, group), draft.cluster().up(), weight_milli),
        }
    }

    fn own_share(&self, draft: &Draft<'_>, group: TenantId) -> Share {
        match self.plan.measure {
            Measure::Hierarchical(..) => self.hierarchy.own_share(group),
            measure => measure.of(self.groups.own(draft, group), draft.cluster().up(), 1000),
        }
    }

    /// The first waiting job of a group, by priority and arrival.
    fn head(&self, group: TenantId) -> Option<(u32, JobId)> {
        let heads = self.groups.lanes(group).iter().filter_map(|lane| {
            let job = self.ready.lane(*lane).jobs.first()?;
            Some((*job, *lane))
        });
        heads.min().map(|((_, job), lane)| (lane, job))
    }

    /// Takes out of the round what does not fit: H-DRF must know who is blocked before it compares shares.
    fn close_blocked(&mut self, draft: &mut Draft<'_>) {
        if self.plan.passing == Passing::Nobody {
            return;
        }
        let groups: Vec<TenantId> = self.groups.with_lanes().collect();
        for group in groups {
            let lanes = match self.plan.passing {
                Passing::Tenants => self.head(group).map(|(lane, _)| lane).into_iter().collect(),
                _ => self.groups.lanes(group).to_vec(),
            };
            for lane in lanes {
                let Some((_, job)) = self.ready.lane(lane).jobs.first().copied() else { continue };
                let class = draft.state().job(job).spec.class;
                if !self.has_failed(draft, class) && !fits(self.plan.placer, draft, job) {
                    self.remember(draft, class);
                }
                if self.has_failed(draft, class) {
                    self.pass(draft, group, lane, job);
                }
            }
        }
    }

    /// Whether a class cannot fit because it did not: in this round, or since anything became free. Several task groups
    /// are packed greedily, which can succeed where there is less room: they are tried again in the next round.
    fn has_failed(&self, draft: &Draft<'_>, class: ClassId) -> bool {
        let failed = self.failed[class.index()];
        let for_all = draft.state().class(class).shape.groups.len() == 1;
        failed.round == self.round || (!self.stopped && for_all && failed.epoch == draft.state().freed_epoch())
    }

    fn remember(&mut self, draft: &Draft<'_>, class: ClassId) {
        // What fails after a stop fails in room that the epoch does not know yet.
        let epoch = if self.stopped { 0 } else { draft.state().freed_epoch() };
        self.failed[class.index()] = Failed { epoch, round: self.round };
    }

    fn start(&mut self, draft: &mut Draft<'_>, group: TenantId, job: JobId) -> bool {
        let class = draft.state().job(job).spec.class;
        if !self.has_failed(draft, class) {
            if place(self.plan.placer, draft, job) {
                return self.settle(draft, job);
            }
            self.remember(draft, class);
        }
        self.plan.reclaiming == Reclaiming::On && self.reclaim_for(draft, group, job) && self.settle(draft, job)
    }

    fn reclaim_for(&mut self, draft: &mut Draft<'_>, group: TenantId, job: JobId) -> bool {
        let key = (draft.state().job(job).spec.class, self.plan.level.root(draft, group));
        let state = draft.state();
        let version = (state.freed_epoch(), state.totals().decisions, self.reclaim.version());
        if !self.started && self.hopeless.get(&key) == Some(&version) {
            return false;
        }
        let found = self.reclaim.make_room(&self.plan, &self.groups, draft, group, job);
        if found {
            (self.stopped, self.reopen) = (true, true);
        } else if !self.started {
            self.hopeless.insert(key, version);
        }
        found
    }

    fn settle(&mut self, draft: &mut Draft<'_>, job: JobId) -> bool {
        if draft.start(job).is_err() {
            return false;
        }
        self.ready.remove(job);
        self.started = true;
        true
    }

    /// After a start: a lane without jobs leaves the round. After a stop all lanes are in it again.
    fn advance(&mut self, draft: &Draft<'_>, group: TenantId, lane: u32) {
        if std::mem::take(&mut self.reopen) {
            self.open(draft);
        } else if self.ready.lane(lane).jobs.is_empty() {
            self.groups.retain(draft, self.plan.level, group, |other| *other != lane);
        }
    }

    /// A job does not fit and others go on: its lane, or all of its group, leaves the round.
    fn pass(&mut self, draft: &mut Draft<'_>, group: TenantId, lane: u32, job: JobId) {
        let why = self.why(draft, job);
        if self.plan.passing == Passing::Tenants {
            draft.refuse(job, why);
            self.groups.retain(draft, self.plan.level, group, |_| false);
        } else {
            draft.refuse_class(draft.state().job(job).spec.class, why);
            self.groups.retain(draft, self.plan.level, group, |other| *other != lane);
        }
    }

    fn why(&self, draft: &Draft<'_>, job: JobId) -> Reason {
        match self.plan.reclaiming {
            Reclaiming::On => Reason::NoVictims,
            Reclaiming::Off => draft.shortage(draft.state().job(job).spec.class),
        }
    }
}
