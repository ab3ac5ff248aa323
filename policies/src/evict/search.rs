//! The search for victims of one job after another, under the guards.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use engine::{Draft, JobId, Reason, Time};

use super::clearing::{Clearing, Seeker, Victims};
use super::guards::{Guards, Held, Ledger};
use super::{Hunt, VictimRank};
use crate::place::Placer;
use crate::running::Running;

/// Reused memory of the search.
#[derive(Debug, Default)]
pub(crate) struct Search {
    clearing: Clearing,
    ledger: Ledger,
    bills: Vec<u128>,
}

/// Who evicts for whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evictor {
    pub(crate) job: JobId,
    /// Its rank among the waiting.
    pub(crate) rank: u64,
}

/// The running jobs in the order in which they go: those of each group stand in order, and the first of each in a heap.
struct Line<'a, I> {
    hunt: Hunt<'a>,
    evictor: Evictor,
    groups: Vec<I>,
    heads: BinaryHeap<Reverse<(VictimRank, usize, JobId)>>,
    /// When the first of those that are still protected may go.
    exempt_until: Option<Time>,
    /// Somebody may go at all.
    offered: bool,
    ledger: &'a mut Ledger,
    bills: &'a mut Vec<u128>,
}

impl Search {
    /// At the start of a decision.
    pub(crate) fn open(&mut self, guards: &Guards, draft: &Draft<'_>) {
        self.ledger.open(guards, draft);
    }

    /// Evicts as few of the first victims as it takes to place a job, and takes its gang into the open placement.
    /// An error, and nothing changed, when not even all victims that it may evict would do, or when a guard is in the way.
    pub(crate) fn evict(
        &mut self,
        hunt: Hunt<'_>,
        placer: Placer,
        draft: &mut Draft<'_>,
        running: &Running,
        evictor: Evictor,
    ) -> Result<(), Held> {
        let mut groups: Vec<_> = running.groups().map(|(_, members)| members.map(|(_, victim)| victim)).collect();
        // The next victim of each group with its rank, which is computed once: it takes a look at the job.
        let mut heads = BinaryHeap::with_capacity(groups.len());
        for (at, members) in groups.iter_mut().enumerate() {
            let may_go = |victim: &JobId| !hunt.by_group() || hunt.allows(draft, evictor, *victim);
            heads.extend(members.next().filter(may_go).map(|victim| Reverse((hunt.rank(draft, victim), at, victim))));
        }
        let (ledger, bills) = (&mut self.ledger, &mut self.bills);
        let mut line = Line { hunt, evictor, groups, heads, exempt_until: None, offered: false, ledger, bills };
        if self.clearing.make_room(draft, Seeker::anywhere(placer, evictor.job), &mut line)? {
            return Ok(());
        }
        let (offered, exempt_until) = (line.offered, line.exempt_until);
        Err(match exempt_until {
            Some(until) => Held { reason: Reason::VictimsProtected { until }, until },
            None if offered => Held { reason: Reason::NoVictims, until: Time::NEVER },
            // Nobody is below it: it waits for GPUs like any other.
            None => Held { reason: draft.shortage(draft.state().job(evictor.job).spec.class), until: Time::NEVER },
        })
    }
}

impl<I: Iterator<Item = JobId>> Victims for Line<'_, I> {
    type Refusal = Held;

    fn next(&mut self, draft: &Draft<'_>) -> Option<JobId> {
        while let Some(Reverse((_, at, victim))) = self.heads.pop() {
            let next = self.groups[at].next();
            self.heads.extend(next.map(|next| Reverse((self.hunt.rank(draft, next), at, next))));
            if !self.hunt.allows(draft, self.evictor, victim) {
                if self.hunt.in_order() {
                    return None;
                }
            } else if draft.is_placed(victim) {
                let Some(until) = self.hunt.guards.exempt(draft, victim) else {
                    self.offered = true;
                    return Some(victim);
                };
                self.exempt_until = Some(self.exempt_until.unwrap_or(Time::NEVER).min(until));
            }
        }
        None
    }

    fn price(&self, draft: &Draft<'_>, victim: JobId) -> u128 {
        self.hunt.guards.price.bill(draft, victim)
    }

    /// Asks budget and rate.
    fn admit(&mut self, draft: &Draft<'_>, gone: &[JobId]) -> Result<(), Held> {
        let guards = self.hunt.guards;
        if guards.budget.is_none() && guards.rate.is_none() {
            return Ok(());
        }
        self.bills.clear();
        // A claim that was never launched is dropped, not evicted.
        let launched = gone.iter().filter(|victim| draft.state().job(**victim).launched != Time::NEVER);
        self.bills.extend(launched.map(|victim| guards.price.bill(draft, *victim)));
        self.ledger.admit(guards, draft, self.bills)
    }
}
