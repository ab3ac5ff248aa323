//! The order of a decision: every queue puts up its first job, and when that has had its turn the next.
//!
//! Kueue takes one job of each queue in a cycle and runs one cycle after the other. Here the next job of a queue stands up
//! at once, as its documentation promises: who is within its quota goes before all who would borrow, and the lowest share
//! goes first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use engine::{Draft, JobId};

use super::Kueue;
use super::heads::Entry;
use crate::quota::contest::Contest;
use crate::quota::tree::{Share, Tree};
use crate::quota::wide::wide;

/// Order without fair sharing: those within their quota before those that would borrow, then priority, then arrival
/// (Kueue, Admission).
type Turn = (bool, u64, JobId);

impl Kueue {
    /// Gives every queue its turns until all have started or failed.
    pub(super) fn sweep(&mut self, draft: &mut Draft<'_>) {
        if self.rules.sharing.is_some() {
            self.by_share(draft);
        } else {
            self.by_turn(draft);
        }
    }

    fn first(&self, draft: &Draft<'_>, node: u32) -> Option<Entry> {
        self.heads.first(draft, &self.ready, self.rules.usage, node)
    }

    fn turn(&self, draft: &Draft<'_>, node: u32) -> Option<(Turn, u32)> {
        let entry = self.first(draft, node)?;
        let need = wide(draft.state().class(entry.class).least);
        Some(((self.tree.borrows_with(node, need), entry.rank, entry.job), node))
    }

    fn by_turn(&mut self, draft: &mut Draft<'_>) {
        let mut preempted = true;
        let mut turns = BinaryHeap::new();
        loop {
            if std::mem::take(&mut preempted) {
                // Queues may borrow less than before.
                let nodes = self.heads.nodes.iter();
                turns = nodes.filter_map(|node| self.turn(draft, *node).map(Reverse)).collect();
            }
            let Some(Reverse((_, node))) = turns.pop() else { return };
            let Some(entry) = self.first(draft, node) else { continue };
            let before = std::mem::take(&mut self.preempted);
            self.process(draft, &entry);
            preempted = self.preempted;
            self.preempted |= before;
            turns.extend(self.turn(draft, node).map(Reverse));
        }
    }

    /// The lowest share first, cohort by cohort from the top. Shares follow what starts and stops.
    fn by_share(&mut self, draft: &mut Draft<'_>) {
        let mut contest = None;
        loop {
            let running = contest.take().unwrap_or_else(|| self.contest(draft));
            let Some((leaf, entry)) = running.winner() else { return };
            let before = std::mem::take(&mut self.preempted);
            self.process(draft, &entry);
            // After a preemption queues stand otherwise than before: the contest begins anew.
            contest = (!self.preempted).then_some(running);
            self.preempted |= before;
            if let Some(contest) = &mut contest {
                let next = self.first(draft, leaf);
                let tree = &mut self.tree;
                contest.replace(leaf, next, |node, entry| share_with(draft, tree, node, entry));
            }
        }
    }

    fn contest(&mut self, draft: &Draft<'_>) -> Contest<Entry, Standing> {
        let nodes = self.heads.nodes.iter();
        let entries: Vec<(u32, Entry)> =
            nodes.filter_map(|node| self.first(draft, *node).map(|entry| (*node, entry))).collect();
        let parents: Vec<Option<u32>> = (0..self.topology.len() as u32).map(|node| self.tree.parent(node)).collect();
        let tree = &mut self.tree;
        let parent = |node: u32| parents[node as usize];
        Contest::new(&self.topology, parent, entries, |node, entry| share_with(draft, tree, node, entry))
    }
}

/// How a node stands among its siblings: its share with the job that it puts up, then priority and arrival of that job
/// (Kueue, fair sharing tournament).
type Standing = (Share, u64, JobId);

fn share_with(draft: &Draft<'_>, tree: &mut Tree, node: u32, entry: &Entry) -> Standing {
    let need = wide(draft.state().class(entry.class).least);
    tree.add(entry.node, need);
    let share = tree.share(node);
    tree.take(entry.node, need);
    (share, entry.rank, entry.job)
}
