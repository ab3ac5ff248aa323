//! KAI's actions: allocate, then preempt within a queue. Reclaim stands in a file of its own.

use engine::{ClassId, Draft, JobId, Reason, Span, Time};

use super::order::{Order, standing};
use super::queues::Short;
use super::reclaim::{Hunt, Victim};
use super::{Ask, Kai};
use crate::quota::topology::Topology;
use crate::quota::wide::{RESOURCES, shown, wide};

/// Who may be preempted, and for how long a run is spared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spare {
    pub(super) priority_below: Option<i32>,
    pub(super) min: Span,
}

impl Kai {
    /// Gives out what is free, in the order of the queues.
    pub(super) fn allocate(&mut self, draft: &mut Draft<'_>) {
        self.open(draft);
        while let Some((leaf, ask)) = self.order.as_ref().and_then(Order::winner) {
            if !self.try_start(draft, &ask) {
                self.drop_lane(&ask);
            }
            self.next(draft, leaf);
        }
    }

    /// Takes from runs of lower priority in the same queue.
    pub(super) fn preempt(&mut self, draft: &mut Draft<'_>) {
        self.open(draft);
        while let Some((leaf, ask)) = self.order.as_ref().and_then(Order::winner) {
            let spare = Spare { priority_below: Some(ask.priority), min: self.rules.preempt_min };
            let victims = self.victims_of(draft, leaf, &ask, spare);
            let mut hunt = Hunt::default();
            let mut found = false;
            for victim in victims {
                found = self.take(draft, &ask, &mut hunt, victim);
                if found {
                    break;
                }
            }
            if !self.finish(draft, &ask, &hunt, found) {
                self.drop_lane(&ask);
            }
            self.next(draft, leaf);
        }
    }

    /// All leaves with waiting jobs put up their first.
    pub(super) fn open(&mut self, draft: &Draft<'_>) {
        self.lanes.iter_mut().for_each(Vec::clear);
        self.lanes.resize_with(self.topology.len(), Vec::new);
        let mut leaves = Vec::new();
        for lane in self.ready.active() {
            let leaf = self.topology.homes[self.ready.lane(*lane).key.tenant.index()];
            if self.lanes[leaf as usize].is_empty() {
                leaves.push(leaf);
            }
            self.lanes[leaf as usize].push(*lane);
        }
        let entries: Vec<(u32, Ask)> =
            leaves.into_iter().filter_map(|leaf| self.head(draft, leaf).map(|ask| (leaf, ask))).collect();
        let (topology, queues) = (&self.topology, &self.queues);
        let parent = |node: u32| above(topology, node);
        self.order =
            Some(Order::new(topology, parent, entries, |node, ask| standing(queues, topology, node, ask.need)));
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
        let head = |lane: &u32| {
            let entry = self.ready.lane(*lane);
            entry.jobs.first().map(|rank| (*rank, *lane, entry.key))
        };
        let (rank, lane, key) = self.lanes[leaf as usize].iter().filter_map(head).min()?;
        let spec = &draft.state().job(rank.1).spec;
        let need = wide(draft.state().class(key.class).least);
        Some(Ask { job: rank.1, leaf, lane, priority: spec.priority, need, preemptible: spec.preemptible })
    }

    /// Nobody of this lane is tried again in this sweep.
    pub(super) fn drop_lane(&mut self, ask: &Ask) {
        self.lanes[ask.leaf as usize].retain(|lane| *lane != ask.lane);
    }

    fn try_start(&mut self, draft: &mut Draft<'_>, ask: &Ask) -> bool {
        if let Some(short) = self.queues.short(&self.topology, ask) {
            let (at, used, most) = self.queues.figures(short);
            let (resource, used, most) = (RESOURCES[at], shown(used), shown(most));
            let reason = match short {
                Short::Limit(..) => Reason::OverLimit { resource, used, limit: most },
                Short::Quota(..) => Reason::OverQuota { resource, used, quota: most },
            };
            self.reasons.push((ask.job, reason));
            return false;
        }
        let class = draft.state().job(ask.job).spec.class;
        if self.class_failed(draft, class) {
            self.reasons.push((ask.job, draft.shortage(class)));
            return false;
        }
        let started = self.start(draft, ask);
        if !started {
            self.unplaced[class.index()] = draft.state().freed_epoch();
            let reason = draft.shortage(class);
            draft.refuse_class(class, reason);
            self.reasons.push((ask.job, reason));
        }
        started
    }

    /// Whether a job of this class did not fit on the nodes since anything became free. Several groups are packed greedily,
    /// which can succeed with less room: they are always tried.
    fn class_failed(&self, draft: &Draft<'_>, class: ClassId) -> bool {
        let for_all = draft.state().class(class).shape.groups.len() == 1;
        for_all && !self.preempted && self.unplaced[class.index()] == draft.state().freed_epoch()
    }

    /// Runs of a leaf that may be stopped for `ask`, those that go first at the head.
    pub(super) fn victims_of(&mut self, draft: &Draft<'_>, leaf: u32, ask: &Ask, spare: Spare) -> Vec<Victim> {
        let mut victims = Vec::new();
        for tenant in &self.topology.residents[leaf as usize] {
            for (priority, std::cmp::Reverse(since), std::cmp::Reverse(job)) in self.placed.of(*tenant) {
                if spare.priority_below.is_some_and(|below| priority >= below) {
                    break;
                }
                let Some(victim) = victim(draft, leaf, job, ask, self.rules.evictions_max) else { continue };
                if spared(draft, since, spare.min, &mut self.spared_until) {
                    continue;
                }
                victims.push(victim);
            }
        }
        victims
    }
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
