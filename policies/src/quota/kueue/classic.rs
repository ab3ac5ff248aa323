//! Classic preemption: who borrows gives back, first come first served (Kueue, "Classic Preemption"; KEP-79, "hierarchical
//! reclaim").

use engine::{Draft, JobId};

use super::rules::{BorrowWithin, Reclaim, Within};
use super::victims::{Candidate, Kin, Patience, Source};
use super::{Ask, Kueue};
use crate::quota::placed::Placed;
use crate::quota::retaliation;
use crate::quota::wide::Mask;

/// Whether the queue of the preemptor may be above its quota in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    Borrowing,
    WithinQuota,
}

impl Kueue {
    /// Takes victims so that the job fits. `false`, and nothing changed, when none would do.
    pub(super) fn classic(&mut self, draft: &mut Draft<'_>, ask: &Ask, lacking: Mask, placed: &Placed) -> bool {
        let sources = self.sources(draft, ask, lacking, placed);
        if sources.is_empty() {
            return false;
        }
        let forbidden = self.rules.borrow == BorrowWithin::Never;
        let has_others = sources.iter().any(|source| source.kin != Kin::Own);
        let has_reclaimed = sources.iter().any(|source| source.kin == Kin::Reclaimed);
        let attempts: &[Attempt] = if !has_others || forbidden && !self.is_below_quota(ask, lacking) {
            &[Attempt::Borrowing]
        } else if forbidden && !has_reclaimed {
            &[Attempt::WithinQuota, Attempt::Borrowing]
        } else {
            &[Attempt::Borrowing, Attempt::WithinQuota]
        };
        attempts.iter().any(|attempt| {
            let merge = self.merge(draft, placed, sources.clone());
            self.attempt(draft, ask, lacking, merge, *attempt)
        })
    }

    /// The tenants that have candidates.
    pub(super) fn sources(&self, draft: &Draft<'_>, ask: &Ask, lacking: Mask, placed: &Placed) -> Vec<Source> {
        let mut sources = Vec::new();
        if self.rules.within != Within::Never {
            self.sources_of(ask.node, Kin::Own, ask.node, &mut sources);
        }
        sources.retain(|source| self.has_candidate(draft, ask, lacking, placed, source));
        // A job that will borrow takes nothing from others that borrow, unless room comes from its own queue first.
        let forbidden = self.rules.borrow == BorrowWithin::Never;
        let helpless = forbidden && sources.is_empty() && !self.tree.is_sure_of(ask.node, ask.need);
        let mut others = Vec::new();
        self.others(ask, lacking, helpless, &mut others);
        others.retain(|source| self.has_candidate(draft, ask, lacking, placed, source));
        sources.append(&mut others);
        sources
    }

    /// Whether its queue uses less than its quota of all that lacks.
    fn is_below_quota(&self, ask: &Ask, lacking: Mask) -> bool {
        let node = self.tree.node(ask.node);
        (0..3).all(|at| !lacking[at] || node.usage[at] < node.subtree[at])
    }

    /// Queues that borrow, cohort by cohort upwards. Once a cohort is sure of what the job needs, the queues of the larger
    /// cohorts use what is its own: they are reclaimed from whatever the priorities of borrowing say.
    fn others(&self, ask: &Ask, lacking: Mask, helpless: bool, into: &mut Vec<Source>) {
        if self.rules.reclaim == Reclaim::Never {
            return;
        }
        let mut sure = self.tree.is_sure_of(ask.node, ask.need);
        let mut rest = self.tree.beyond_own(ask.node, ask.need);
        let mut below = ask.node;
        for cohort in self.tree.path(ask.node).skip(1) {
            let kin = if sure { Kin::Reclaimed } else { Kin::Borrower };
            if sure || !helpless {
                self.borrowers(cohort, below, lacking, (kin, cohort), into);
            }
            sure = sure || self.tree.is_sure_of(cohort, rest);
            rest = self.tree.beyond_own(cohort, rest);
            below = cohort;
        }
    }

    /// Queues below `cohort` that borrow and whose cohorts up to it all borrow, without those below `skip`.
    fn borrowers(&self, cohort: u32, skip: u32, lacking: Mask, (kin, common): (Kin, u32), into: &mut Vec<Source>) {
        for child in &self.topology.children[cohort as usize] {
            if *child == skip || !self.tree.borrows(*child, lacking) {
                continue;
            }
            self.sources_of(*child, kin, common, into);
            self.borrowers(*child, skip, lacking, (kin, common), into);
        }
    }

    /// Takes candidates in order until the job fits, then gives back those that need not go, the last first.
    fn attempt(
        &mut self,
        draft: &mut Draft<'_>,
        ask: &Ask,
        lacking: Mask,
        placed: impl Iterator<Item = (Source, i32, JobId)>,
        attempt: Attempt,
    ) -> bool {
        let mark = draft.mark();
        let mut victims: Vec<Candidate> = Vec::new();
        let mut patience = Patience::default();
        for next in placed {
            let Some(candidate) = self.candidate(draft, ask, lacking, next) else { continue };
            if !self.is_fair_game(ask, lacking, &candidate, attempt) || !self.evict(draft, ask, &candidate) {
                continue;
            }
            victims.push(candidate);
            if self.has_quota(ask, attempt) && patience.is_over(victims.len()) {
                if self.placeable(draft, ask) {
                    self.give_back(draft, ask, &victims, attempt);
                    return true;
                }
                patience.look_later(victims.len());
            }
        }
        if !victims.is_empty() && self.has_quota(ask, attempt) && self.placeable(draft, ask) {
            self.give_back(draft, ask, &victims, attempt);
            return true;
        }
        draft.rollback(mark);
        for victim in &victims {
            self.tree.add(victim.node, victim.held);
        }
        false
    }

    /// Whether a candidate may go now: its queue and the cohorts up to the common one still borrow, and a job that borrows
    /// itself may preempt it.
    fn is_fair_game(&self, ask: &Ask, lacking: Mask, candidate: &Candidate, attempt: Attempt) -> bool {
        if candidate.kin == Kin::Own {
            return true;
        }
        if attempt == Attempt::Borrowing && candidate.kin == Kin::Borrower {
            let allowed = match self.rules.borrow {
                BorrowWithin::Never => false,
                BorrowWithin::LowerPriority(threshold) => {
                    candidate.priority < ask.priority && threshold.is_none_or(|most| candidate.priority <= most)
                }
            };
            if !allowed {
                return false;
            }
        }
        let mut path = self.tree.path(candidate.node).take_while(|node| *node != candidate.common);
        path.all(|node| self.tree.borrows(node, lacking))
    }

    fn has_quota(&self, ask: &Ask, attempt: Attempt) -> bool {
        let borrows = attempt == Attempt::WithinQuota && self.tree.borrows_with(ask.node, ask.need);
        !borrows && self.tree.short(ask.node, ask.need).is_none()
    }

    fn give_back(&mut self, draft: &mut Draft<'_>, ask: &Ask, victims: &[Candidate], attempt: Attempt) {
        for victim in victims.iter().rev() {
            let before = draft.mark();
            let back = self.reprieve(draft, victim);
            if back && self.has_quota(ask, attempt) && self.placeable(draft, ask) {
                continue;
            }
            if back {
                draft.rollback(before);
                self.tree.take(victim.node, victim.held);
            }
            retaliation::bar(draft, victim.job);
        }
    }
}
