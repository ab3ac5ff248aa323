//! KAI: a tree of queues with deserved quotas; what is left over goes by priority and weight; queues below their share
//! reclaim from those above theirs.
//!
//! Each decision divides the cluster ([`division`]), then allocates in the order of the queues ([`order`]), reclaims between
//! queues ([`reclaim`]) and preempts by priority within a queue. Consolidation, KAI's action in between, is left out.

mod actions;
mod division;
mod order;
mod queues;
mod reclaim;
mod window;

use std::sync::Arc;

use engine::{Draft, JobId, Needs, Policy, Reason, Span, Time, Triggers};

use self::order::Order;
use self::queues::Queues;
pub(crate) use self::window::{Kind, Window};
use super::gang;
use super::placed::Placed;
use super::topology::{Homes, Topology};
use super::wide::{Wide, wide};
use crate::place::Placer;
use crate::ready::{Filing, LaneKey, Ready};

/// What a cluster of KAI is configured to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// `reclaimerUtilizationMultiplier` in thousandths, at least 1000.
    pub(crate) multiplier_milli: u64,
    /// `queuePriorityInQuotaReclaim`: a queue of higher priority reclaims within its quota from those within theirs.
    pub(crate) in_quota: InQuota,
    /// Time-based fair share, if usage counts.
    pub(crate) window: Option<Window>,
    /// A run is not reclaimed before it has been placed for so long.
    pub(crate) reclaim_min: Span,
    /// A run is not preempted by its own queue before it has been placed for so long.
    pub(crate) preempt_min: Span,
    /// A job that was preempted so often is not preempted again.
    pub(crate) evictions_max: u32,
}

/// Whether the priority of queues counts below their quotas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InQuota {
    /// Quotas are protected from all.
    Protected,
    /// They are not protected from queues of higher priority.
    ByPriority,
}

/// The policy.
#[derive(Debug)]
pub struct Kai {
    rules: Rules,
    placer: Placer,
    /// Shared, so that it can be read while all else changes.
    topology: Arc<Topology>,
    queues: Queues,
    ready: Ready,
    placed: Placed,
    /// Lanes of each leaf that are still in this sweep.
    lanes: Vec<Vec<u32>>,
    order: Option<Order>,
    /// The epoch in which a class did not fit on the nodes.
    unplaced: Vec<u64>,
    /// Whether this decision has preempted anybody.
    preempted: bool,
    reasons: Vec<(JobId, Reason)>,
    /// When the first run that was spared may be reclaimed or preempted.
    spared_until: Option<Time>,
}

struct ByPriority;

impl Filing for ByPriority {
    fn lane(&self, draft: &Draft<'_>, job: JobId) -> LaneKey {
        let spec = &draft.state().job(job).spec;
        LaneKey { class: spec.class, tenant: spec.tenant, bucket: u8::from(spec.preemptible), ..LaneKey::default() }
    }
}

/// A job that wants to run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    pub(super) job: JobId,
    /// Its queue.
    pub(super) leaf: u32,
    pub(super) lane: u32,
    pub(super) priority: i32,
    pub(super) need: Wide,
    pub(super) preemptible: bool,
}

impl Policy for Kai {
    fn needs(&self) -> Needs {
        let triggers = Triggers::FREED.and(Triggers::ARRIVED).and(Triggers::WOKE);
        Needs { triggers, ..Needs::default() }
    }

    fn decide(&mut self, now: Time, draft: &mut Draft<'_>) {
        self.ready.sync(draft, &ByPriority);
        self.placed.sync(draft);
        Arc::make_mut(&mut self.topology).sync(draft.state().tenants(), Homes::Own);
        self.unplaced.resize(draft.state().classes(), 0);
        if let Some(window) = self.rules.window {
            window.sample(draft);
        }
        self.queues.build(draft, &self.topology, &self.ready, &self.placed);
        let emphasis = self.rules.window.map_or(0, |window| i128::from(window.emphasis_milli));
        let usage = self.usage(draft);
        self.queues.divide(&self.topology, emphasis, &usage);
        (self.preempted, self.spared_until) = (false, None);
        self.allocate(draft);
        self.reclaim(draft);
        self.preempt(draft);
        if self.preempted {
            // What a preemption left over may serve those that failed before.
            self.allocate(draft);
        }
        for (job, reason) in self.reasons.drain(..) {
            if draft.is_ready(job) {
                draft.refuse(job, reason);
            }
        }
        if let Some(at) = self.spared_until.filter(|at| *at > now) {
            draft.wake_at(at);
        }
    }
}

impl Kai {
    /// A policy of these rules.
    pub(crate) fn new(rules: Rules, placer: Placer) -> Self {
        Self {
            rules,
            placer,
            topology: Arc::default(),
            queues: Queues::default(),
            ready: Ready::default(),
            placed: Placed::default(),
            lanes: Vec::new(),
            order: None,
            unplaced: Vec::new(),
            preempted: false,
            reasons: Vec::new(),
            spared_until: None,
        }
    }

    /// What each node used over time.
    fn usage(&self, draft: &Draft<'_>) -> Vec<i128> {
        let Some(window) = self.rules.window else { return vec![0; self.topology.len()] };
        let of = |node: u32| self.topology.tenant(node).map(|tenant| window.usage(draft.state(), tenant));
        let mut usage: Vec<i128> = (0..self.topology.len() as u32).map(|node| of(node).unwrap_or(0)).collect();
        // A leaf for the jobs of an inner tenant used what the tenants below that did not.
        for node in self.topology.root() as usize + 1..self.topology.len() {
            let parent = self.topology.parents[node] as usize;
            let below: i128 = self.topology.children[parent].iter().map(|child| usage[*child as usize]).sum();
            usage[node] = (usage[parent] - below).max(0);
        }
        usage
    }

    /// Starts a job whose quotas are checked.
    fn start(&mut self, draft: &mut Draft<'_>, ask: &Ask) -> bool {
        let most = self.queues.room(&self.topology, ask.leaf, ask.preemptible);
        let Some(held) = gang::start(self.placer, draft, ask.job, most) else { return false };
        let held = wide(held);
        self.queues.start(&self.topology, ask, held);
        self.ready.remove(ask.job);
        true
    }
}
