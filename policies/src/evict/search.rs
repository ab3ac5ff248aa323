//! The search for victims.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use engine::{Bill, Draft, JobId, Reason, TaskGroup, Time};

use super::guards::{Guards, Held, Ledger};
use super::{Hunt, widest};
use crate::place::{Placer, place};
use crate::potential::Potential;
use crate::running::Running;

/// Reused memory of the search.
#[derive(Debug, Default)]
pub(crate) struct Search {
    /// What nodes would have if all victims so far were gone.
    potential: Potential,
    victims: Vec<JobId>,
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

/// What a look at victims came to.
enum Look {
    Placed,
    /// Something that was not counted stands in the way.
    NoRoom,
    Held(Held),
}

impl Search {
    /// At the start of a decision.
    pub(crate) fn open(&mut self, guards: &Guards, draft: &Draft<'_>) {
        self.ledger.open(guards, draft);
    }

    /// Evicts as few of the first victims as it takes to place a job, and takes its gang into the open placement.
    /// An error, and nothing changed, when not even all victims that it may evict would do, or when a guard is in the way.
    ///
    /// Victims are counted, per node, until the gang could fit; only then the draft is changed and the gang placed.
    /// Then victims are taken back, best first, as long as the gang still fits.
    pub(crate) fn evict(
        &mut self,
        hunt: Hunt<'_>,
        placer: Placer,
        draft: &mut Draft<'_>,
        running: &Running,
        evictor: Evictor,
    ) -> Result<(), Held> {
        self.victims.clear();
        self.potential.clear(draft.cluster().len());
        // The next victim of each group with its rank, which is computed once: it takes a look at the job.
        let mut cursors: Vec<_> = running.groups().map(|(_, members)| members).collect();
        let mut heads = BinaryHeap::with_capacity(cursors.len());
        for (at, members) in cursors.iter_mut().enumerate() {
            let first = members.next().map(|(_, victim)| victim);
            let may_go = |victim: &JobId| !hunt.by_group() || hunt.allows(draft, evictor, *victim);
            heads.extend(first.filter(may_go).map(|victim| Reverse((hunt.rank(draft, victim), at, victim))));
        }
        let class = draft.state().class_of(evictor.job);
        let (need, widest) = (class.gpu_milli_min, widest(&class.shape.groups));
        let mut freed = draft.cluster().free_gpu_milli();
        let mut slots = draft.cluster().slots(&widest.request);
        let could_fit = |freed: u64, slots: u64| freed >= need && slots >= u64::from(widest.tasks_min);
        let (mut try_at, mut exempt_until) = (0, None);
        while let Some(Reverse((_, at, victim))) = heads.pop() {
            heads.extend(cursors[at].next().map(|(_, next)| Reverse((hunt.rank(draft, next), at, next))));
            if !hunt.allows(draft, evictor, victim) {
                if hunt.in_order() {
                    break;
                }
                continue;
            }
            if !draft.is_placed(victim) {
                continue;
            }
            if let Some(until) = hunt.guards.exempt(draft, victim) {
                exempt_until = Some(exempt_until.unwrap_or(Time::NEVER).min(until));
                continue;
            }
            freed += engine::placement::gpu_milli(&draft.state().job(victim).placement);
            slots = slots.saturating_add(self.potential.release(draft, victim, &widest));
            self.victims.push(victim);
            if could_fit(freed, slots) && self.victims.len() >= try_at {
                match self.carry_out(hunt.guards, placer, draft, evictor.job, &widest) {
                    Look::Placed => return Ok(()),
                    Look::Held(held) => return Err(held),
                    // CPU, memory, other groups: look again later.
                    Look::NoRoom => try_at = self.victims.len() + self.victims.len() / 4 + 1,
                }
            }
        }
        // The last look may have been skipped.
        if try_at > 0 && could_fit(freed, slots) {
            match self.carry_out(hunt.guards, placer, draft, evictor.job, &widest) {
                Look::Placed => return Ok(()),
                Look::Held(held) => return Err(held),
                Look::NoRoom => {}
            }
        }
        Err(exempt_until.map_or(Held { reason: Reason::NoVictims, until: Time::NEVER }, |until| Held {
            reason: Reason::VictimsProtected { until },
            until,
        }))
    }

    /// Evicts the victims on nodes that could hold a task, places the gang, and takes victims back that need not go.
    fn carry_out(
        &mut self,
        guards: &Guards,
        placer: Placer,
        draft: &mut Draft<'_>,
        job: JobId,
        widest: &TaskGroup,
    ) -> Look {
        let mark = draft.mark();
        let size = widest.request.gpus.count();
        let several = draft.state().class_of(job).shape.groups.len() > 1;
        let mut evicted = Vec::new();
        for victim in &self.victims {
            let placement = &draft.state().job(*victim).placement;
            let useful = several || placement.iter().any(|slice| self.potential.of(draft, slice.node) >= size);
            let bill = Bill { by: Some(job), predicted: guards.price.bill(draft, *victim) };
            if useful && draft.preempt_for(*victim, bill).is_ok() {
                evicted.push(*victim);
            }
        }
        if !fits(placer, draft, job) {
            draft.rollback(mark);
            return Look::NoRoom;
        }
        for victim in evicted.iter().rev() {
            let before = draft.mark();
            if draft.reprieve(*victim) && !fits(placer, draft, job) {
                draft.rollback(before);
            }
        }
        self.settle(guards, draft, &evicted, mark).map_or_else(Look::Held, |()| {
            if place(placer, draft, job) {
                return Look::Placed;
            }
            draft.rollback(mark);
            Look::NoRoom
        })
    }

    /// Asks budget and rate about those of `evicted` that really have to go.
    fn settle(
        &mut self,
        guards: &Guards,
        draft: &mut Draft<'_>,
        evicted: &[JobId],
        mark: engine::Mark,
    ) -> Result<(), Held> {
        if guards.budget.is_none() && guards.rate.is_none() {
            return Ok(());
        }
        self.bills.clear();
        let gone = evicted.iter().filter(|victim| !draft.is_placed(**victim));
        // A claim that was never launched is dropped, not evicted.
        let launched = gone.filter(|victim| draft.state().job(**victim).launched != Time::NEVER);
        self.bills.extend(launched.map(|victim| guards.price.bill(draft, *victim)));
        self.ledger.admit(guards, draft, &self.bills).inspect_err(|_| draft.rollback(mark))
    }
}

fn fits(placer: Placer, draft: &mut Draft<'_>, job: JobId) -> bool {
    let mark = draft.mark();
    let fits = place(placer, draft, job);
    draft.rollback(mark);
    fits
}
