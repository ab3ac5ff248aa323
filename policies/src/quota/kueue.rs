//! Kueue: quotas in cohorts, with borrowing, lending and preemption.
//!
//! A tenant is a `ClusterQueue`, the tenant above it its `Cohort`. Every queue puts up its first job; these are taken in order
//! ([`cycle`]), started where quotas and nodes have room, and otherwise get room by preemption where the rules allow it
//! ([`classic`], [`fair`]). What failed is not tried again in this decision, unless a preemption left room over.

mod classic;
mod cycle;
mod fair;
mod heads;
mod rules;
mod usage;
mod victims;

use engine::{Draft, JobId, Needs, Policy, Reason, Time, Triggers};

pub(crate) use self::rules::{BorrowWithin, Queueing, Reclaim, Rules, Sharing, UsageRule, Within};
use super::gang;
use super::placed::Placed;
use super::retaliation;
use super::topology::{Homes, Topology};
use super::tree::{Short, Tree};
use super::wide::{Mask, RESOURCES, Wide, ZERO, exceeds, shown, wide};
use crate::place::Placer;
use crate::ready::{Filing, LaneKey, Ready};
use heads::{Entry, Heads, Memory};

/// The policy.
#[derive(Debug)]
pub struct Kueue {
    rules: Rules,
    placer: Placer,
    topology: Topology,
    tree: Tree,
    ready: Ready,
    placed: Placed,
    heads: Heads,
    /// Whether this decision has preempted anybody since it last began to look at all queues.
    preempted: bool,
}

struct ByPriority;

impl Filing for ByPriority {
    fn lane(&self, draft: &Draft<'_>, job: JobId) -> LaneKey {
        let spec = &draft.state().job(job).spec;
        LaneKey { class: spec.class, tenant: spec.tenant, ..LaneKey::default() }
    }
}

/// What one search for victims knows.
pub(super) struct Ask {
    pub(super) job: JobId,
    /// Its queue.
    pub(super) node: u32,
    pub(super) priority: i32,
    pub(super) need: Wide,
}

impl Policy for Kueue {
    fn needs(&self) -> Needs {
        Needs {
            triggers: Triggers::FREED.and(Triggers::ARRIVED),
            usage_half_life: self.rules.usage.map(|usage| usage.half_life),
            ..Needs::default()
        }
    }

    fn decide(&mut self, _now: Time, draft: &mut Draft<'_>) {
        self.ready.sync(draft, &ByPriority);
        self.placed.sync(draft);
        let homes = if self.rules.usage.is_some() { Homes::Parent } else { Homes::Own };
        self.topology.sync(draft.state().tenants(), homes);
        self.tree.build(draft, &self.topology, self.rules.above);
        self.heads.open(draft, &self.ready, &self.topology);
        while !self.is_quiet(draft) {
            self.preempted = false;
            self.sweep(draft);
            if !self.preempted {
                break;
            }
            // What a preemption left over may serve those that failed before.
            self.heads.reopen(&self.ready, &self.topology);
        }
        self.heads.close(draft);
    }
}

impl Kueue {
    /// A policy of these rules.
    pub(crate) fn new(rules: Rules, placer: Placer) -> Self {
        Self {
            rules,
            placer,
            topology: Topology::default(),
            tree: Tree::default(),
            ready: Ready::default(),
            placed: Placed::default(),
            heads: Heads::default(),
            preempted: false,
        }
    }

    /// Starts the job of an entry if that can be; `false` takes it out of this decision.
    fn process(&mut self, draft: &mut Draft<'_>, entry: &Entry) -> bool {
        if self.rules.queueing == Queueing::BestEffort
            && let Some(reason) = self.heads.known(draft, entry)
        {
            self.fail(draft, entry, reason);
            return false;
        }
        let ask = ask(draft, entry);
        let short = self.tree.short(ask.node, ask.need);
        if short.is_none() && !self.heads.class_failed(draft, entry.class) {
            if self.start(draft, &ask) {
                return true;
            }
            self.heads.fail_class(draft, entry.class);
        }
        if self.preempt(draft, &ask, short) && self.start(draft, &ask) {
            self.preempted = true;
            self.heads.preempt();
            return true;
        }
        self.set_aside(draft, entry, &ask, short);
        false
    }

    /// Takes the job of an entry out of this decision, and says why it waits.
    fn set_aside(&mut self, draft: &mut Draft<'_>, entry: &Entry, ask: &Ask, short: Option<Short>) {
        let reason = self.why(draft, ask, short);
        self.fail(draft, entry, reason);
        if self.rules.queueing == Queueing::Strict {
            self.heads.block(entry.node);
            if self.rules.reclaim != Reclaim::Any && self.tree.is_sure_of(ask.node, ask.need) {
                // It is within its quota, which others use: they may not borrow more of it while it waits.
                self.tree.add(ask.node, ask.need);
            }
        }
    }

    fn start(&mut self, draft: &mut Draft<'_>, ask: &Ask) -> bool {
        let most = self.tree.room(ask.node);
        let Some(held) = gang::start(self.placer, draft, ask.job, most) else { return false };
        self.tree.add(ask.node, wide(held));
        self.ready.remove(ask.job);
        self.heads.start();
        if let Some(rule) = self.rules.usage {
            usage::charge(draft, rule, ask.job);
        }
        true
    }

    /// Takes victims so that the job fits. `false`, and nothing changed, when none would do.
    fn preempt(&mut self, draft: &mut Draft<'_>, ask: &Ask, short: Option<Short>) -> bool {
        if !self.may_preempt_now(draft, ask) {
            return false;
        }
        let lacking = lacking(ask, short);
        // Out of the way, so that it can be read while the tree changes.
        let placed = std::mem::take(&mut self.placed);
        let found = match self.rules.sharing {
            None => self.classic(draft, ask, lacking, &placed),
            Some(sharing) => self.fair(draft, ask, lacking, sharing, &placed),
        };
        self.placed = placed;
        found
    }

    /// Whether a job may preempt at all now: those that were preempted themselves wait ([`retaliation`]).
    fn may_preempt_now(&self, draft: &Draft<'_>, ask: &Ask) -> bool {
        self.rules.preempts() && !retaliation::is_barred(draft.state(), ask.job)
    }

    /// Whether no waiting job can start: a look at all lanes without their order, which does not matter then. Most decisions
    /// on a full cluster end here.
    fn is_quiet(&mut self, draft: &mut Draft<'_>) -> bool {
        if self.rules.queueing == Queueing::Strict {
            return false;
        }
        let mut failed = Vec::new();
        for entry in self.heads.all(&self.ready) {
            let reason = match self.heads.known(draft, &entry) {
                Some(reason) => reason,
                None => match self.hopeless(draft, &entry) {
                    Some(reason) => reason,
                    None => return false,
                },
            };
            failed.push((entry, reason));
        }
        for (entry, reason) in failed {
            self.fail(draft, &entry, reason);
        }
        true
    }

    /// Why an entry cannot start, where that is seen at once.
    fn hopeless(&mut self, draft: &mut Draft<'_>, entry: &Entry) -> Option<Reason> {
        let ask = ask(draft, entry);
        let short = self.tree.short(ask.node, ask.need);
        if short.is_none() && !self.heads.class_failed(draft, entry.class) {
            if gang::fits(self.placer, draft, ask.job) {
                return None;
            }
            self.heads.fail_class(draft, entry.class);
        }
        if self.may_preempt_now(draft, &ask) {
            let lacking = lacking(&ask, short);
            let has_any = match self.rules.sharing {
                None => !self.sources(draft, &ask, lacking, &self.placed).is_empty(),
                Some(_) => self.has_target(draft, &ask, lacking),
            };
            if has_any {
                return None;
            }
        }
        Some(self.why(draft, &ask, short))
    }

    fn why(&self, draft: &Draft<'_>, ask: &Ask, short: Option<Short>) -> Reason {
        short.map_or_else(|| self.unplaced(draft, ask), |short| self.reason(ask, short))
    }

    /// The job of an entry fails in this decision. Who is barred from preempting fails only for now.
    fn fail(&mut self, draft: &Draft<'_>, entry: &Entry, reason: Reason) {
        let barred = retaliation::is_barred(draft.state(), entry.job);
        self.heads.fail(entry, reason, if barred { Memory::None } else { Memory::Kept });
    }

    fn unplaced(&self, draft: &Draft<'_>, ask: &Ask) -> Reason {
        if self.rules.preempts() { Reason::NoVictims } else { draft.shortage(draft.state().job(ask.job).spec.class) }
    }

    fn reason(&self, ask: &Ask, short: Short) -> Reason {
        let first = |lacking: Mask| lacking.iter().position(|lacks| *lacks).unwrap_or(0);
        match short {
            Short::Limit { node, lacking } => {
                let at = first(lacking);
                let (used, limit) = (self.tree.node(node).total[at], self.tree.limit(node)[at]);
                Reason::OverLimit { resource: RESOURCES[at], used: shown(used), limit: shown(limit) }
            }
            Short::Quota { available, lacking } => {
                let at = first(lacking);
                let (need, left) = (shown(ask.need[at]), shown(available[at]));
                Reason::QuotasExhausted { resource: RESOURCES[at], need, left }
            }
        }
    }
}

fn ask(draft: &Draft<'_>, entry: &Entry) -> Ask {
    let need = wide(draft.state().class(entry.class).least);
    Ask { job: entry.job, node: entry.node, priority: draft.state().job(entry.job).spec.priority, need }
}

/// What lacks: where quotas leave room, the nodes do not, and all that is asked for may help.
fn lacking(ask: &Ask, short: Option<Short>) -> Mask {
    match short {
        Some(Short::Limit { lacking, .. } | Short::Quota { lacking, .. }) => lacking,
        None => exceeds(ask.need, ZERO),
    }
}
