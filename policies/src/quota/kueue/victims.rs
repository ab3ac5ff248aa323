//! Who may be preempted for a job, in which order.
//!
//! The order is that of Kueue ("Candidates"): jobs of other queues before those of the own one, in them the lowest priority
//! first, then the one placed last. It is total, so that two runs never differ (kueue#6763).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use engine::{Amounts, Bill, Draft, JobId, TenantId, Time};

use super::rules::{Reclaim, Within};
use super::{Ask, Kueue};
use crate::evict::Price;
use crate::quota::gang;
use crate::quota::placed::{Place, Placed};
use crate::quota::wide::{Mask, Wide, ZERO, any, both, exceeds, wide};

/// Whose jobs they are, seen from the job that needs room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kin {
    /// Of a queue whose cohort uses quota that a smaller cohort of the preemptor is sure of.
    Reclaimed,
    /// Of another queue that borrows.
    Borrower,
    /// Of the same queue.
    Own,
}

/// A job that may be preempted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) job: JobId,
    pub(super) priority: i32,
    pub(super) node: u32,
    pub(super) kin: Kin,
    /// The lowest cohort that both queues belong to; the queue itself for its own jobs.
    pub(super) common: u32,
    pub(super) held: Wide,
}

/// The jobs of one tenant that may be candidates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    pub(super) tenant: TenantId,
    pub(super) node: u32,
    pub(super) kin: Kin,
    pub(super) common: u32,
}

/// A placed job: whose it is, and its priority.
pub(super) type Placement = (Source, i32, JobId);

/// Less goes first: kin, usage of the local queue (the most used first), then the place among placed jobs.
type Rank = (Kin, Reverse<u128>, i32, Reverse<Time>, Reverse<JobId>);

/// Placed jobs of several sources in the order in which they go.
pub(super) struct Merge<I: Iterator<Item = Place>> {
    sources: Vec<Source>,
    used: Vec<u128>,
    streams: Vec<I>,
    heap: BinaryHeap<Reverse<(Rank, usize)>>,
}

impl<I: Iterator<Item = Place>> Merge<I> {
    fn push(&mut self, at: usize) {
        if let Some((priority, placed, job)) = self.streams[at].next() {
            let rank = (self.sources[at].kin, Reverse(self.used[at]), priority, placed, job);
            self.heap.push(Reverse((rank, at)));
        }
    }
}

impl<I: Iterator<Item = Place>> Iterator for Merge<I> {
    type Item = Placement;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse(((_, _, priority, _, Reverse(job)), at)) = self.heap.pop()?;
        self.push(at);
        Some((self.sources[at], priority, job))
    }
}

impl Kueue {
    /// The placed jobs of all sources, those that go first at the head.
    pub(super) fn merge<'a>(
        &self,
        draft: &Draft<'_>,
        placed: &'a Placed,
        sources: Vec<Source>,
    ) -> Merge<impl Iterator<Item = Place> + use<'a>> {
        let used = |source: &Source| match self.rules.usage {
            Some(rule) if source.kin == Kin::Own => super::usage::rank(draft.state(), rule, source.tenant),
            _ => 0,
        };
        let used = sources.iter().map(used).collect();
        let streams = sources.iter().map(|source| placed.of(source.tenant)).collect();
        let count = sources.len();
        let mut merge = Merge { sources, used, streams, heap: BinaryHeap::with_capacity(count) };
        (0..count).for_each(|at| merge.push(at));
        merge
    }

    /// A placed job as a candidate, if it may be preempted and holds what lacks.
    pub(super) fn candidate(
        &self,
        draft: &Draft<'_>,
        ask: &Ask,
        lacking: Mask,
        (source, priority, job): Placement,
    ) -> Option<Candidate> {
        let Source { node, kin, common, .. } = source;
        let entry = draft.state().job(job);
        let spared = entry.preemptions >= self.rules.evictions_max;
        if !self.may_preempt(ask, kin, priority, job) || spared || !draft.is_placed(job) {
            return None;
        }
        let held = wide(Amounts::held(&entry.placement));
        let uses = any(both(lacking, exceeds(held, ZERO)));
        uses.then_some(Candidate { job, priority, node, kin, common, held })
    }

    /// Whether any job of a source is a candidate.
    pub(super) fn has_candidate(
        &self,
        draft: &Draft<'_>,
        ask: &Ask,
        lacking: Mask,
        placed: &Placed,
        source: &Source,
    ) -> bool {
        let jobs = placed.of(source.tenant);
        let mut jobs = jobs.take_while(|(priority, ..)| !self.is_beyond(ask, source.kin, *priority));
        jobs.any(|(priority, _, Reverse(job))| self.candidate(draft, ask, lacking, (*source, priority, job)).is_some())
    }

    /// Whether no job of this priority or a higher one can be a candidate.
    pub(super) fn is_beyond(&self, ask: &Ask, kin: Kin, priority: i32) -> bool {
        match (kin, self.rules.within, self.rules.reclaim) {
            (Kin::Own, Within::LowerOrNewerEqualPriority, _) => priority > ask.priority,
            (Kin::Own, ..) | (_, _, Reclaim::LowerPriority | Reclaim::Never) => priority >= ask.priority,
            _ => false,
        }
    }

    /// `withinClusterQueue` and `reclaimWithinCohort`.
    fn may_preempt(&self, ask: &Ask, kin: Kin, priority: i32, job: JobId) -> bool {
        let lower = priority < ask.priority;
        match (kin, self.rules.within, self.rules.reclaim) {
            (Kin::Own, Within::Never, _) | (Kin::Reclaimed | Kin::Borrower, _, Reclaim::Never) => false,
            (Kin::Own, Within::LowerPriority, _) | (Kin::Reclaimed | Kin::Borrower, _, Reclaim::LowerPriority) => lower,
            (Kin::Own, Within::LowerOrNewerEqualPriority, _) => lower || priority == ask.priority && job > ask.job,
            (Kin::Reclaimed | Kin::Borrower, _, Reclaim::Any) => true,
        }
    }

    /// The tenants of a queue as sources.
    pub(super) fn sources_of(&self, node: u32, kin: Kin, common: u32, into: &mut Vec<Source>) {
        let residents = self.topology.residents[node as usize].iter();
        into.extend(residents.map(|tenant| Source { tenant: *tenant, node, kin, common }));
    }

    /// Stops a candidate in the draft and in the tree. `false`, and nothing changed, when it cannot be.
    pub(super) fn evict(&mut self, draft: &mut Draft<'_>, ask: &Ask, victim: &Candidate) -> bool {
        let predicted = Price::default().bill(draft, victim.job);
        if draft.preempt_for(victim.job, Bill { by: Some(ask.job), predicted }).is_err() {
            return false;
        }
        self.tree.take(victim.node, victim.held);
        true
    }

    /// Takes a preemption back. `false`, and nothing changed, when its GPUs are taken.
    pub(super) fn reprieve(&mut self, draft: &mut Draft<'_>, victim: &Candidate) -> bool {
        let back = draft.reprieve(victim.job);
        if back {
            self.tree.add(victim.node, victim.held);
        }
        back
    }

    /// Whether the job has room on the nodes now, if its class has any hope.
    pub(super) fn placeable(&self, draft: &mut Draft<'_>, ask: &Ask) -> bool {
        gang::fits(self.placer, draft, ask.job)
    }
}

/// When to look at the nodes again: they are searched for room after each victim at first, then after ever more of them.
#[derive(Debug, Default)]
pub(super) struct Patience {
    next: usize,
}

impl Patience {
    pub(super) fn is_over(&self, victims: usize) -> bool {
        victims >= self.next
    }

    pub(super) fn look_later(&mut self, victims: usize) {
        self.next = victims + victims / 4 + 1;
    }
}
