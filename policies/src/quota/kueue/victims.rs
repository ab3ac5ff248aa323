//! Who may be preempted for a job, in which order.
//!
//! The order is that of Kueue ("Candidates"): jobs of other queues before those of the own one, in them the lowest priority
//! first, then the one placed last. It is total, so that two runs never differ (kueue#6763).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use engine::{Amounts, Bill, Draft, JobId, TenantId, Time};

use super::rules::{Reclaim, Within};
use super::{Ask, Kueue};
use crate::order::service;
use crate::quota::gang;
use crate::quota::placed::Place;
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

/// Less goes first: kin, usage of the local queue (the most used first), then the place among placed jobs.
type Rank = (Kin, Reverse<u128>, i32, Reverse<Time>, Reverse<JobId>);

impl Kueue {
    /// The candidates of all sources in order.
    pub(super) fn candidates(
        &self,
        draft: &Draft<'_>,
        ask: &Ask,
        lacking: Mask,
        sources: &[Source],
    ) -> impl Iterator<Item = Candidate> {
        let rank = |source: &Source, used: u128, (priority, placed, job): Place| -> Rank {
            (source.kin, Reverse(used), priority, placed, job)
        };
        let used = |source: &Source| match self.rules.usage {
            Some(rule) if source.kin == Kin::Own => super::usage::rank(draft.state(), rule, source.tenant),
            _ => 0,
        };
        let mut streams = Vec::with_capacity(sources.len());
        let mut heap = BinaryHeap::with_capacity(sources.len());
        for (at, source) in sources.iter().enumerate() {
            let used = used(source);
            let mut stream = self.placed.of(source.tenant).map(move |place| (rank(source, used, place), place));
            if let Some((rank, place)) = stream.next() {
                heap.push(Reverse((rank, at, place)));
            }
            streams.push(stream);
        }
        let ordered = std::iter::from_fn(move || {
            let Reverse((_, at, place)) = heap.pop()?;
            if let Some((rank, next)) = streams[at].next() {
                heap.push(Reverse((rank, at, next)));
            }
            Some((at, place))
        });
        let state = draft.state();
        let placed: Vec<Candidate> = ordered
            .filter_map(|(at, (priority, _, Reverse(job)))| {
                let Source { node, kin, common, .. } = sources[at];
                let allowed = self.may_preempt(ask, kin, priority, job);
                let spared = state.job(job).preemptions >= self.rules.evictions_max;
                if !allowed || spared || !draft.is_placed(job) {
                    return None;
                }
                let held = wide(Amounts::held(&state.job(job).placement));
                let uses = any(both(lacking, exceeds(held, ZERO)));
                uses.then_some(Candidate { job, priority, node, kin, common, held })
            })
            .collect();
        placed.into_iter()
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
        let job = draft.state().job(victim.job);
        let milli = engine::placement::gpu_milli(&job.placement);
        let at_risk = job.work_at_risk(draft.now());
        let predicted = u128::from(service(at_risk.0, milli)) * 1000;
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
