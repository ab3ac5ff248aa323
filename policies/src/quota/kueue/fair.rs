//! Preemption by fair sharing (KEP-1714): queues that borrow much give way to those that borrow little.
//!
//! Shares are those of `AlmostLCA`: the children of the lowest cohort that both queues belong to, above each of them.
//! Kueue gives back victims of the preemptor's own queue without looking at its share again; that raises the share, and
//! what was taken from others may no longer be fair: two jobs can then preempt each other for ever (kueue#14543).
//! Here nobody of the own queue is given back where a preemption of another queue would no longer be fair in the end.

use std::collections::BTreeMap;

use engine::Draft;

use super::rules::{Reclaim, Sharing, Within};
use super::victims::{Candidate, Kin, Patience, Placement, Source};
use super::{Ask, Kueue};
use crate::quota::placed::Placed;
use crate::quota::retaliation;
use crate::quota::tree::Share;
use crate::quota::wide::{Mask, Wide, wide};

/// By which rule a victim goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// A job of the own queue, by priority.
    OwnQueue,
    /// S2-a: in the end the queue of the preemptor has no larger share than that of the victim.
    FinalShare,
    /// S2-b: in the end it has a smaller share than that of the victim had in the beginning.
    InitialShare(Share),
}

/// A victim and why it may go.
#[derive(Clone, Copy, Debug)]
struct Taken {
    victim: Candidate,
    rule: Rule,
}

/// The candidates of a queue, found as they are asked for: most searches look at few.
struct Line<'a> {
    next: Option<Candidate>,
    rest: Box<dyn Iterator<Item = Placement> + 'a>,
}

impl Line<'_> {
    fn of(candidate: Option<Candidate>) -> Self {
        Self { next: candidate, rest: Box::new(std::iter::empty()) }
    }
}

/// What one search does so far.
struct Hunt<'a> {
    placed: &'a Placed,
    sharing: Sharing,
    lacking: Mask,
    taken: Vec<Taken>,
    /// Candidates by queue, those that go first at the head. A queue is looked up when it is first taken from.
    queues: BTreeMap<u32, Line<'a>>,
    /// The first candidate of each queue that the first strategy did not allow.
    retry: BTreeMap<u32, Candidate>,
    /// Nodes of which nobody is left, by number.
    pruned: Vec<bool>,
    patience: Patience,
}

impl Kueue {
    /// Takes victims so that the job fits. `false`, and nothing changed, when none would do.
    pub(super) fn fair(
        &mut self,
        draft: &mut Draft<'_>,
        ask: &Ask,
        lacking: Mask,
        sharing: Sharing,
        placed: &Placed,
    ) -> bool {
        let mut hunt = Hunt {
            placed,
            sharing,
            lacking,
            taken: Vec::new(),
            queues: BTreeMap::new(),
            retry: BTreeMap::new(),
            pruned: vec![false; self.topology.len()],
            patience: Patience::default(),
        };
        // Shares are those with the job started.
        self.tree.add(ask.node, ask.need);
        let has_own = self.look_up(draft, ask, &mut hunt, ask.node);
        if !has_own && !self.is_worse_off(ask) {
            self.tree.take(ask.node, ask.need);
            return false;
        }
        let mark = draft.mark();
        let mut fits = self.first_strategy(draft, ask, &mut hunt);
        if !fits && sharing == Sharing::FinalThenInitial {
            fits = self.second_strategy(draft, ask, &mut hunt);
        }
        // The nodes may not have been searched after the last victims.
        fits = fits || !hunt.taken.is_empty() && self.fits_with(draft, ask);
        if fits {
            self.give_back_fairly(draft, ask, &mut hunt);
            self.tree.take(ask.node, ask.need);
            return true;
        }
        draft.rollback(mark);
        for taken in &hunt.taken {
            self.tree.add(taken.victim.node, taken.victim.held);
        }
        self.tree.take(ask.node, ask.need);
        false
    }

    /// Whether a search for victims has any hope.
    pub(super) fn has_target(&mut self, draft: &Draft<'_>, ask: &Ask, lacking: Mask) -> bool {
        let mut sources = Vec::new();
        if self.rules.within != Within::Never {
            self.sources_of(ask.node, Kin::Own, ask.node, &mut sources);
        }
        if sources.iter().any(|source| self.has_candidate(draft, ask, lacking, &self.placed, source)) {
            return true;
        }
        self.tree.add(ask.node, ask.need);
        let has_target = self.is_worse_off(ask);
        self.tree.take(ask.node, ask.need);
        has_target
    }

    /// Whether any queue or cohort beside the path of the preemptor has a share that is not smaller: a look before the search.
    /// Both strategies need that.
    fn is_worse_off(&self, ask: &Ask) -> bool {
        if self.rules.reclaim == Reclaim::Never {
            return false;
        }
        let mut path = self.tree.path(ask.node);
        path.any(|node| {
            let Some(parent) = self.tree.parent(node) else { return false };
            let share = self.tree.share(node).max(1);
            let mut siblings = self.topology.children[parent as usize].iter().filter(|child| **child != node);
            siblings.any(|sibling| self.tree.share(*sibling) >= share)
        })
    }

    /// Finds the next candidate of a queue; `false` when there is none.
    fn look_up(&self, draft: &Draft<'_>, ask: &Ask, hunt: &mut Hunt<'_>, leaf: u32) -> bool {
        let line = hunt.queues.entry(leaf).or_insert_with(|| {
            let kin = if leaf == ask.node { Kin::Own } else { Kin::Borrower };
            let allowed = match kin {
                Kin::Own => self.rules.within != Within::Never,
                _ => self.rules.reclaim != Reclaim::Never && self.tree.borrows(leaf, hunt.lacking),
            };
            let mut sources: Vec<Source> = Vec::new();
            if allowed {
                self.sources_of(leaf, kin, leaf, &mut sources);
            }
            Line { next: None, rest: Box::new(self.merge(draft, hunt.placed, sources)) }
        });
        self.advance(draft, ask, hunt.lacking, line);
        line.next.is_some()
    }

    /// Finds the next candidate of a line, if it is not known.
    fn advance(&self, draft: &Draft<'_>, ask: &Ask, lacking: Mask, line: &mut Line<'_>) {
        while line.next.is_none() {
            let Some(next) = line.rest.next() else { return };
            let (source, priority, _) = next;
            if self.rules.usage.is_none() && self.is_beyond(ask, source.kin, priority) {
                line.rest = Box::new(std::iter::empty());
                return;
            }
            line.next = self.candidate(draft, ask, lacking, next);
        }
    }

    /// Takes from the queue with the largest share, as long as the strategy allows it; shares change with each victim.
    fn first_strategy(&mut self, draft: &mut Draft<'_>, ask: &Ask, hunt: &mut Hunt<'_>) -> bool {
        while let Some(target) = self.target(draft, ask, hunt) {
            let next = if target == ask.node {
                hunt.queues.get_mut(&target).and_then(|line| line.next.take()).map(|victim| (victim, Rule::OwnQueue))
            } else {
                self.next_allowed(draft, ask, hunt, target)
            };
            if let Some((victim, rule)) = next
                && self.take(draft, ask, hunt, victim, rule)
            {
                return true;
            }
        }
        false
    }

    /// The next candidate of another queue that the first strategy allows; those before it are refused.
    fn next_allowed(
        &mut self,
        draft: &Draft<'_>,
        ask: &Ask,
        hunt: &mut Hunt<'_>,
        target: u32,
    ) -> Option<(Candidate, Rule)> {
        let mut line = hunt.queues.insert(target, Line::of(None))?;
        let (mine, theirs) = self.topology.forks(ask.node, target);
        let (share, before) = (self.tree.share(mine), self.tree.share(theirs));
        // Shares stand still until somebody goes, so that what a job holds decides.
        let allowed = self.kinds(target, hunt.placed).into_iter().filter(|held| match hunt.sharing {
            Sharing::InitialShare => share < before,
            Sharing::FinalShare | Sharing::FinalThenInitial => share <= self.share_without(theirs, target, *held),
        });
        // Victims of the own queue may change the shares; this queue has had its turn all the same, as in Kueue.
        let allowed: Vec<Wide> = if share > before { Vec::new() } else { allowed.collect() };
        while let Some(victim) = line.next.take() {
            if allowed.contains(&victim.held) {
                hunt.queues.insert(target, line);
                let rule = match hunt.sharing {
                    Sharing::InitialShare => Rule::InitialShare(before),
                    Sharing::FinalShare | Sharing::FinalThenInitial => Rule::FinalShare,
                };
                return Some((victim, rule));
            }
            hunt.retry.entry(target).or_insert(victim);
            if allowed.is_empty() {
                break;
            }
            self.advance(draft, ask, hunt.lacking, &mut line);
        }
        None
    }

    /// What the jobs of a queue hold, each amount once.
    fn kinds(&self, leaf: u32, placed: &Placed) -> Vec<Wide> {
        let residents = self.topology.residents[leaf as usize].iter();
        residents.flat_map(|tenant| placed.kinds(*tenant)).map(wide).collect()
    }

    /// The share of `node` once a job of `leaf` below it that holds so much is gone.
    fn share_without(&mut self, node: u32, leaf: u32, held: Wide) -> Share {
        self.tree.take(leaf, held);
        let share = self.tree.share(node);
        self.tree.add(leaf, held);
        share
    }

    /// S2-b, for what the first strategy did not allow: at most one job of each queue, as in Kueue.
    fn second_strategy(&mut self, draft: &mut Draft<'_>, ask: &Ask, hunt: &mut Hunt<'_>) -> bool {
        // Queues that were never looked up have nobody whom the first strategy refused.
        let retry = |leaf| (leaf, Line::of(hunt.retry.remove(&leaf)));
        hunt.queues = (0..self.topology.len() as u32).map(retry).collect();
        hunt.pruned.fill(false);
        while let Some(target) = self.target(draft, ask, hunt) {
            let (mine, theirs) = self.topology.forks(ask.node, target);
            let (share, before) = (self.tree.share(mine), self.tree.share(theirs));
            let victim = hunt.queues.get_mut(&target).and_then(|line| line.next.take());
            hunt.pruned[target as usize] = true;
            if let Some(victim) = victim.filter(|_| share < before)
                && self.take(draft, ask, hunt, victim, Rule::InitialShare(before))
            {
                return true;
            }
        }
        false
    }

    /// Stops a victim. `true` when the job fits now.
    fn take(&mut self, draft: &mut Draft<'_>, ask: &Ask, hunt: &mut Hunt<'_>, victim: Candidate, rule: Rule) -> bool {
        if !self.evict(draft, ask, &victim) {
            return false;
        }
        hunt.taken.push(Taken { victim, rule });
        let taken = hunt.taken.len();
        if !hunt.patience.is_over(taken) || !self.has_room_with(ask) {
            return false;
        }
        let fits = self.placeable(draft, ask);
        if !fits {
            hunt.patience.look_later(taken);
        }
        fits
    }

    /// Whether quotas and limits leave room for the job, which the tree counts already.
    fn has_room_with(&mut self, ask: &Ask) -> bool {
        self.tree.take(ask.node, ask.need);
        let has_room = self.tree.short(ask.node, ask.need).is_none();
        self.tree.add(ask.node, ask.need);
        has_room
    }

    fn fits_with(&mut self, draft: &mut Draft<'_>, ask: &Ask) -> bool {
        self.has_room_with(ask) && self.placeable(draft, ask)
    }

    /// The queue to take from next: from the top down the child with the largest share. Children that do not borrow are left
    /// alone, unless they lie above the preemptor.
    fn target(&self, draft: &Draft<'_>, ask: &Ask, hunt: &mut Hunt<'_>) -> Option<u32> {
        let top = self.tree.top(ask.node);
        while !hunt.pruned[top as usize] {
            let mut at = top;
            loop {
                if self.topology.children[at as usize].is_empty() {
                    if !self.look_up(draft, ask, hunt, at) {
                        hunt.pruned[at as usize] = true;
                        break;
                    }
                    return Some(at);
                }
                let Some(child) = self.greediest(ask, hunt, at) else {
                    hunt.pruned[at as usize] = true;
                    break;
                };
                at = child;
            }
        }
        None
    }

    /// The child of `cohort` with the largest share; cohorts before queues, then the lower number.
    fn greediest(&self, ask: &Ask, hunt: &mut Hunt<'_>, cohort: u32) -> Option<u32> {
        let mut best: Option<((Share, bool), u32)> = None;
        for child in &self.topology.children[cohort as usize] {
            if hunt.pruned[*child as usize] {
                continue;
            }
            let share = self.tree.share(*child);
            let is_cohort = !self.topology.children[*child as usize].is_empty();
            if share == 0 && !self.tree.path(ask.node).any(|node| node == *child) {
                hunt.pruned[*child as usize] = true;
            } else if best.is_none_or(|(largest, _)| (share, is_cohort) > largest) {
                best = Some(((share, is_cohort), *child));
            }
        }
        best.map(|(_, child)| child)
    }

    /// Gives back victims that need not go, the last first, as long as all others may still go by their rules.
    fn give_back_fairly(&mut self, draft: &mut Draft<'_>, ask: &Ask, hunt: &mut Hunt<'_>) {
        for at in (0..hunt.taken.len()).rev() {
            let Taken { victim, .. } = hunt.taken[at];
            let before = draft.mark();
            if !self.reprieve(draft, &victim) {
                continue;
            }
            let taken = hunt.taken.remove(at);
            if !(self.fits_with(draft, ask) && self.is_fair(ask, &hunt.taken)) {
                draft.rollback(before);
                self.tree.take(victim.node, victim.held);
                hunt.taken.insert(at, taken);
            }
        }
        hunt.taken.iter().for_each(|taken| retaliation::bar(draft, taken.victim.job));
    }

    /// Whether every victim may go, seen from the end. The tree counts the job.
    fn is_fair(&self, ask: &Ask, taken: &[Taken]) -> bool {
        taken.iter().all(|Taken { victim, rule }| {
            let (mine, theirs) = self.topology.forks(ask.node, victim.node);
            match rule {
                Rule::OwnQueue => true,
                Rule::FinalShare => self.tree.share(mine) <= self.tree.share(theirs),
                Rule::InitialShare(before) => self.tree.share(mine) < *before,
            }
        })
    }
}
