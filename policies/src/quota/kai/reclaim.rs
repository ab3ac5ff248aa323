//! Reclaim between queues (KAI, Fairness, "Reclaim resources").
//!
//! A job reclaims if its queue stays within its fair share. It takes from the queue that would go last, its lowest priority and
//! newest first, as long as that queue, or the one above it next to the reclaimer's, is above what it may allocate; or as long
//! as the reclaimer stays within its deserved quota and that queue is above its own. In the end no queue of the reclaimer may
//! be above its fair share and as saturated as one that was taken from.

use std::sync::Arc;

use engine::{Bill, Draft, JobId, Mark};

use super::actions::{Action, Spare, above, runs};
use super::order::{Order, Victims, standing_of_victim};
use super::{Ask, InQuota, Kai};
use crate::evict::Price;
use crate::quota::placed::Placed;
use crate::quota::topology::Topology;
use crate::quota::wide::{Wide, ZERO, any, both, exceeds};
use crate::quota::{gang, retaliation};

/// A run that may be stopped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Victim {
    pub(super) job: JobId,
    pub(super) leaf: u32,
    pub(super) held: Wide,
}

/// What one search has taken so far.
#[derive(Debug)]
pub(super) struct Hunt {
    /// The draft before it.
    mark: Mark,
    taken: Vec<Victim>,
    /// Number of victims from which on the nodes are searched again.
    look_at: usize,
}

impl Hunt {
    pub(super) fn new(draft: &Draft<'_>) -> Self {
        Self { mark: draft.mark(), taken: Vec::new(), look_at: 0 }
    }
}

impl Kai {
    /// Lets queues below their share take from those above theirs.
    pub(super) fn reclaim(&mut self, draft: &mut Draft<'_>) {
        self.open(draft, Action::Reclaim);
        while let Some((leaf, ask)) = self.order.as_ref().and_then(Order::winner) {
            if !(self.queues.is_fair(leaf, ask.need) && self.reclaim_for(draft, &ask)) {
                self.drop_lane(&ask);
            }
            self.next(draft, leaf);
        }
    }

    fn reclaim_for(&mut self, draft: &mut Draft<'_>, ask: &Ask) -> bool {
        // Out of the way, so that they can be read while the queues change.
        let (placed, topology) = (std::mem::take(&mut self.placed), Arc::clone(&self.topology));
        let mut hunt = Hunt::new(draft);
        let found = self.hunt(draft, ask, &topology, &placed, &mut hunt);
        self.placed = placed;
        self.finish(draft, ask, hunt, found)
    }

    /// Takes run after run from the queue that would go last. `true` once the job fits.
    fn hunt(
        &mut self,
        draft: &mut Draft<'_>,
        ask: &Ask,
        topology: &Topology,
        placed: &Placed,
        hunt: &mut Hunt,
    ) -> bool {
        let spare = Spare { priority_below: None, min: self.rules.reclaim_min };
        let mut queues = Vec::new();
        let mut entries = Vec::new();
        for leaf in 0..topology.len() as u32 {
            if leaf == ask.leaf || topology.residents[leaf as usize].is_empty() || !self.may_reclaim(ask, leaf) {
                continue;
            }
            let mut runs = runs(topology, placed, leaf);
            if let Some(first) = self.next_victim(draft, leaf, ask, spare, &mut runs) {
                entries.push((leaf, (first, queues.len())));
                queues.push(runs);
            }
        }
        let table = &self.queues;
        let parent = |node: u32| above(topology, node);
        let mut order: Victims<(Victim, usize)> = Victims::new(topology, parent, entries, |node, (victim, _)| {
            standing_of_victim(table, topology, node, victim.held)
        });
        while let Some((leaf, (victim, at))) = order.winner() {
            let may = self.may_reclaim(ask, leaf);
            if may && self.take(draft, ask, hunt, victim) {
                return true;
            }
            let next = if may { self.next_victim(draft, leaf, ask, spare, &mut queues[at]) } else { None };
            let (next, table) = (next.map(|next| (next, at)), &self.queues);
            order.replace(leaf, next, |node, (victim, _)| standing_of_victim(table, topology, node, victim.held));
        }
        false
    }

    /// Whether any queue beside those of `ask` has more than it may keep from it.
    pub(super) fn has_debtors(&self, ask: &Ask) -> bool {
        self.topology.path(ask.leaf).any(|node| {
            let Some(parent) = above(&self.topology, node) else { return false };
            let children = self.topology.children[parent as usize].iter();
            children.filter(|child| **child != node).any(|child| self.owes(ask, node, *child))
        })
    }

    /// Whether the queue of `ask` may take from a leaf as things stand, in what the job asks for.
    fn may_reclaim(&self, ask: &Ask, leaf: u32) -> bool {
        let (mine, theirs) = self.topology.forks(ask.leaf, leaf);
        self.owes(ask, mine, theirs)
    }

    /// Whether `theirs` has more than it may keep from its sibling `mine`, to which the job belongs.
    fn owes(&self, ask: &Ask, mine: u32, theirs: u32) -> bool {
        let (asked, victim) = (exceeds(ask.need, ZERO), self.queues.get(theirs));
        if any(both(asked, exceeds(victim.allocated, victim.allocatable()))) {
            return true;
        }
        let higher = self.queues.get(mine).priority > victim.priority;
        let by_priority = self.rules.in_quota == InQuota::ByPriority && higher;
        let over_quota = any(both(asked, exceeds(victim.allocated, victim.deserved)));
        (over_quota || by_priority) && self.is_deserved(ask, mine)
    }

    /// Whether a queue stays within its deserved quota, in what the job asks for.
    fn is_deserved(&self, ask: &Ask, node: u32) -> bool {
        let queue = self.queues.get(node);
        let with = crate::quota::wide::plus(queue.allocated, ask.need);
        !any(both(exceeds(ask.need, ZERO), exceeds(with, queue.deserved)))
    }

    /// Stops a run. `true` when the job fits now.
    pub(super) fn take(&mut self, draft: &mut Draft<'_>, ask: &Ask, hunt: &mut Hunt, victim: Victim) -> bool {
        let predicted = Price::default().bill(draft, victim.job);
        if draft.preempt_for(victim.job, Bill { by: Some(ask.job), predicted }).is_err() {
            return false;
        }
        self.queues.stop(&self.topology, victim.leaf, victim.held);
        hunt.taken.push(victim);
        if hunt.taken.len() < hunt.look_at {
            return false;
        }
        let fits = self.fits(draft, ask, &hunt.taken);
        if !fits && self.queues.short(&self.topology, ask).is_none() {
            hunt.look_at = hunt.taken.len() + hunt.taken.len() / 4 + 1;
        }
        fits
    }

    /// Gives back what need not go and starts the job; or gives all back and returns `false`.
    pub(super) fn finish(&mut self, draft: &mut Draft<'_>, ask: &Ask, hunt: Hunt, found: bool) -> bool {
        let Hunt { mut taken, mark, .. } = hunt;
        if !(found || !taken.is_empty() && self.fits(draft, ask, &taken)) {
            draft.rollback(mark);
            for victim in &taken {
                self.queues.resume(&self.topology, victim.leaf, victim.held);
            }
            return false;
        }
        for at in (0..taken.len()).rev() {
            let before = draft.mark();
            let victim = taken[at];
            if !draft.reprieve(victim.job) {
                continue;
            }
            self.queues.resume(&self.topology, victim.leaf, victim.held);
            taken.remove(at);
            if !self.fits(draft, ask, &taken) {
                draft.rollback(before);
                self.queues.stop(&self.topology, victim.leaf, victim.held);
                taken.insert(at, victim);
            }
        }
        let started = self.start(draft, ask);
        self.preempted |= started;
        if started {
            for victim in &taken {
                retaliation::bar(draft, victim.job);
            }
        }
        started
    }

    /// Whether limits, nodes and the saturation of the queues allow the job.
    fn fits(&self, draft: &mut Draft<'_>, ask: &Ask, taken: &[Victim]) -> bool {
        self.queues.short(&self.topology, ask).is_none()
            && self.keeps_order(ask, taken)
            && gang::fits(self.placer, draft, ask.job)
    }

    /// No queue of the reclaimer that is above its fair share is as saturated (allocated / fair share, times the multiplier) as
    /// the queue next to it that is taken from.
    fn keeps_order(&self, ask: &Ask, taken: &[Victim]) -> bool {
        let multiplier = i128::from(self.rules.multiplier_milli);
        taken.iter().filter(|victim| victim.leaf != ask.leaf).all(|victim| {
            let (mine, theirs) = self.topology.forks(ask.leaf, victim.leaf);
            let (mine, theirs) = (self.queues.get(mine), self.queues.get(theirs));
            (0..3).all(|at| {
                if ask.need[at] == 0 && victim.held[at] == 0 || theirs.fair[at] == 0 {
                    return true;
                }
                let with = mine.allocated[at] + ask.need[at];
                let saturated = with * multiplier * theirs.fair[at] >= theirs.allocated[at] * 1000 * mine.fair[at];
                with <= mine.fair[at] || !saturated
            })
        })
    }
}
