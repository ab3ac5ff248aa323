//! KAI's actions: allocate, then preempt within a queue. Reclaim stands in a file of its own.

use std::cmp::Reverse;
use std::sync::Arc;

use engine::{ClassId, Draft, JobId, Reason, Span, Time};

use super::order::{Order, standing};
use super::queues::Short;
use super::reclaim::{Hunt, Victim};
use super::{Ask, Kai};
use crate::quota::placed::{Place, Placed};
use crate::quota::topology::Topology;
use crate::quota::wide::{RESOURCES, shown, wide};
use crate::quota::{gang, retaliation};

/// What is done in a decision, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Allocate,
    Reclaim,
    Preempt,
}

/// Who may be preempted, and for how long a run is spared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spare {
    pub(super) priority_below: Option<i32>,
    pub(super) min: Span,
}

impl Kai {
    /// Gives out what is free, in the order of the queues.
    pub(super) fn allocate(&mut self, draft: &mut Draft<'_>) {
        self.open(draft, Action::Allocate);
        while let Some((leaf, ask)) = self.order.as_ref().and_then(Order::winner) {
            if !self.try_start(draft, &ask) {
                self.drop_lane(&ask);
            }
            self.next(draft, leaf);
        }
    }

    /// Takes from runs of lower priority in the same queue.
    pub(super) fn preempt(&mut self, draft: &mut Draft<'_>) {
        self.open(draft, Action::Preempt);
        while let Some((leaf, ask)) = self.order.as_ref().and_then(Order::winner) {
            let spare = Spare { priority_below: Some(ask.priority), min: self.rules.preempt_min };
            let mut hunt = Hunt::new(draft);
            let mut found = false;
            // Out of the way, so that they can be read while the queues change.
            let (placed, topology) = (std::mem::take(&mut self.placed), Arc::clone(&self.topology));
            let mut runs = runs(&topology, &placed, leaf);
            while let Some(victim) = self.next_victim(draft, leaf, &ask, spare, &mut runs) {
                found = self.take(draft, &ask, &mut hunt, victim);
                if found {
                    break;
                }
            }
            drop(runs);
            self.placed = placed;
            if !self.finish(draft, &ask, hunt, found) {
                self.drop_lane(&ask);
            }
            self.next(draft, leaf);
        }
    }

    /// Whether a job may reclaim or preempt at all now: those that were preempted themselves wait ([`retaliation`]).
    /// Where usage over time counts, queues are meant to take turns.
    pub(super) fn may_preempt(&self, draft: &Draft<'_>, ask: &Ask) -> bool {
        self.rules.window.is_some() || !retaliation::is_barred(draft.state(), ask.job)
    }

    /// All leaves put up the first of their jobs that may have their turn in this action, as things stand when it begins.
    /// Lanes of which none can are left out, for whichever reason it is seen: most decisions on a full cluster end here.
    pub(super) fn open(&mut self, draft: &mut Draft<'_>, action: Action) {
        self.lanes.iter_mut().for_each(Vec::clear);
        self.lanes.resize_with(self.topology.len(), Vec::new);
        let mut leaves = Vec::new();
        for at in 0..self.ready.active().len() {
            let lane = self.ready.active()[at];
            let Some(ask) = self.ask(draft, lane) else { continue };
            if !self.has_turn(draft, &ask, action) {
                continue;
            }
            if self.lanes[ask.leaf as usize].is_empty() {
                leaves.push(ask.leaf);
            }
            self.lanes[ask.leaf as usize].push(lane);
        }
        let entries: Vec<(u32, Ask)> =
            leaves.into_iter().filter_map(|leaf| self.head(draft, leaf).map(|ask| (leaf, ask))).collect();
        let (topology, queues) = (&self.topology, &self.queues);
        let parent = |node: u32| above(topology, node);
        self.order = (!entries.is_empty())
            .then(|| Order::new(topology, parent, entries, |node, ask| standing(queues, topology, node, ask.need)));
    }

    /// Whether the first job of a lane can have its turn; notes why not.
    fn has_turn(&mut self, draft: &mut Draft<'_>, ask: &Ask, action: Action) -> bool {
        match action {
            Action::Allocate => {
                let mut hindrance = self.hindrance(draft, ask);
                if hindrance.is_none() && !gang::fits(self.placer, draft, ask.job) {
                    hindrance = Some(self.fail_class(draft, ask));
                }
                self.reasons.extend(hindrance.map(|reason| (ask.job, reason)));
                hindrance.is_none()
            }
            Action::Reclaim => {
                self.may_preempt(draft, ask) && self.queues.is_fair(ask.leaf, ask.need) && self.has_debtors(ask)
            }
            Action::Preempt => {
                let first = runs(&self.topology, &self.placed, ask.leaf).next();
                first.is_some_and(|(lowest, ..)| lowest < ask.priority) && self.may_preempt(draft, ask)
            }
        }
    }

    /// The leaf puts up its next job, and queues stand as they do now.
    pub(super) fn next(&mut self, draft: &Draft<'_>, leaf: u32) {
        let next = self.head(draft, leaf);
        let (topology, queues) = (&self.topology, &self.queues);
        if let Some(order) = &mut self.order {
            order.replace(leaf, next, |node, ask| standing(queues, topology, node, ask.need));
        }
    }

    fn head(&self, draft: &Draft<'_>, leaf: u32) -> Option<Ask> {
        let head = |lane: &u32| self.ready.lane(*lane).jobs.first().map(|rank| (*rank, *lane));
        let (_, lane) = self.lanes[leaf as usize].iter().filter_map(head).min()?;
        self.ask(draft, lane)
    }

    /// The first job of a lane.
    fn ask(&self, draft: &Draft<'_>, lane: u32) -> Option<Ask> {
        let entry = self.ready.lane(lane);
        let (_, job) = *entry.jobs.first()?;
        let leaf = self.topology.homes[entry.key.tenant.index()];
        let spec = &draft.state().job(job).spec;
        let need = wide(draft.state().class(entry.key.class).least);
        Some(Ask { job, leaf, lane, priority: spec.priority, need, preemptible: spec.preemptible })
    }

    /// Nobody of this lane is tried again in this sweep.
    pub(super) fn drop_lane(&mut self, ask: &Ask) {
        self.lanes[ask.leaf as usize].retain(|lane| *lane != ask.lane);
    }

    fn try_start(&mut self, draft: &mut Draft<'_>, ask: &Ask) -> bool {
        let mut hindrance = self.hindrance(draft, ask);
        if hindrance.is_none() {
            if self.start(draft, ask) {
                return true;
            }
            hindrance = Some(self.fail_class(draft, ask));
        }
        self.reasons.extend(hindrance.map(|reason| (ask.job, reason)));
        false
    }

    /// The class of a job does not fit on the nodes.
    fn fail_class(&mut self, draft: &mut Draft<'_>, ask: &Ask) -> Reason {
        let class = draft.state().job(ask.job).spec.class;
        self.unplaced[class.index()] = draft.state().freed_epoch();
        let reason = draft.shortage(class);
        draft.refuse_class(class, reason);
        reason
    }

    /// Why a job cannot start, as far as that is known.
    fn hindrance(&self, draft: &Draft<'_>, ask: &Ask) -> Option<Reason> {
        let Some(short) = self.queues.short(&self.topology, ask) else {
            let class = draft.state().job(ask.job).spec.class;
            return self.class_failed(draft, class).then(|| draft.shortage(class));
        };
        let (at, used, most) = self.queues.figures(short);
        let (resource, used, most) = (RESOURCES[at], shown(used), shown(most));
        Some(match short {
            Short::Limit(..) => Reason::OverLimit { resource, used, limit: most },
            Short::Quota(..) => Reason::OverQuota { resource, used, quota: most },
        })
    }

    /// Whether a job of this class did not fit on the nodes since anything became free. Several groups are packed greedily,
    /// which can succeed with less room: they are always tried.
    fn class_failed(&self, draft: &Draft<'_>, class: ClassId) -> bool {
        let for_all = draft.state().class(class).shape.groups.len() == 1;
        for_all && !self.preempted && self.unplaced[class.index()] == draft.state().freed_epoch()
    }

    /// The next run of a leaf that may be stopped for `ask`.
    pub(super) fn next_victim(
        &mut self,
        draft: &Draft<'_>,
        leaf: u32,
        ask: &Ask,
        spare: Spare,
        runs: &mut impl Iterator<Item = Place>,
    ) -> Option<Victim> {
        for (priority, Reverse(since), Reverse(job)) in runs {
            if spare.priority_below.is_some_and(|below| priority >= below) {
                return None;
            }
            let Some(victim) = victim(draft, leaf, job, ask, self.rules.evictions_max) else { continue };
            if !spared(draft, since, spare.min, &mut self.spared_until) {
                return Some(victim);
            }
        }
        None
    }
}

/// All runs of a leaf that may be preempted, those that go first at the head. A leaf has the jobs of one tenant.
pub(super) fn runs<'a>(topology: &'a Topology, placed: &'a Placed, leaf: u32) -> impl Iterator<Item = Place> + 'a {
    topology.residents[leaf as usize].iter().flat_map(|tenant| placed.of(*tenant))
}

/// The node above.
pub(super) fn above(topology: &Topology, node: u32) -> Option<u32> {
    topology.path(node).nth(1)
}

fn victim(draft: &Draft<'_>, leaf: u32, job: JobId, ask: &Ask, evictions_max: u32) -> Option<Victim> {
    let entry = draft.state().job(job);
    if !draft.is_placed(job) || entry.preemptions >= evictions_max {
        return None;
    }
    let held = wide(engine::Amounts::held(&entry.placement));
    let helps = (0..3).any(|at| ask.need[at] > 0 && held[at] > 0);
    helps.then_some(Victim { job, leaf, held })
}

/// Whether a run placed at `since` is still spared; notes when the first one no longer is.
fn spared(draft: &Draft<'_>, since: Time, min: Span, until: &mut Option<Time>) -> bool {
    let end = since + min;
    let spared = draft.now() < end;
    if spared {
        *until = Some(until.map_or(end, |first| first.min(end)));
    }
    spared
}
