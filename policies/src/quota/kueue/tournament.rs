//! Which queue goes next under fair sharing (KEP-1714; Kueue, "fair sharing tournament").
//!
//! At each cohort the child with the lowest share wins, the job that it puts up counted as started; ties go by priority, then
//! arrival. A child that is a cohort puts up the winner of its own tournament. The share of a node changes only with what
//! starts below it, so that after each turn only the path of the winner is looked at again.

use std::collections::BTreeSet;

use engine::{Draft, JobId};

use super::heads::Entry;
use crate::quota::topology::Topology;
use crate::quota::tree::{Share, Tree};
use crate::quota::wide::wide;

/// How a node stands among its siblings: its share, then priority and arrival of the job that it puts up.
type Standing = (Share, u64, JobId, u32);

/// The tournament among the queues that have a job.
#[derive(Debug, Default)]
pub(super) struct Tournament {
    /// The job that each node puts up.
    nominees: Vec<Option<Entry>>,
    /// How each node stands now, while it puts up somebody.
    standings: Vec<Option<Standing>>,
    /// The children of each node that put up somebody, the best first. The last set is that of the nodes at the top.
    fields: Vec<BTreeSet<Standing>>,
}

impl Tournament {
    pub(super) fn new(draft: &Draft<'_>, tree: &mut Tree, topology: &Topology, entries: Vec<Entry>) -> Self {
        let nodes = topology.len();
        let fields = vec![BTreeSet::new(); nodes + 1];
        let mut new = Self { nominees: vec![None; nodes], standings: vec![None; nodes], fields };
        for entry in entries {
            new.nominees[entry.node as usize] = Some(entry);
        }
        for node in topology.rising() {
            new.refresh(draft, tree, node);
        }
        new
    }

    /// The job whose turn it is.
    pub(super) fn winner(&self) -> Option<Entry> {
        let (.., top) = self.fields.last()?.first()?;
        self.nominees[*top as usize]
    }

    /// The job of a queue has had its turn; the queue puts up the next.
    pub(super) fn replace(&mut self, draft: &Draft<'_>, tree: &mut Tree, leaf: u32, next: Option<Entry>) {
        self.nominees[leaf as usize] = next;
        let path: Vec<u32> = tree.path(leaf).collect();
        for node in path {
            self.refresh(draft, tree, node);
        }
    }

    /// Sees who `node` puts up and how it stands.
    fn refresh(&mut self, draft: &Draft<'_>, tree: &mut Tree, node: u32) {
        let at = node as usize;
        if let Some((.., best)) = self.fields[at].first() {
            self.nominees[at] = self.nominees[*best as usize];
        } else if self.nominees[at].is_some_and(|entry| entry.node != node) {
            self.nominees[at] = None;
        }
        let standing = self.nominees[at].map(|entry| {
            let need = wide(draft.state().class(entry.class).least);
            tree.add(entry.node, need);
            let share = tree.share(node);
            tree.take(entry.node, need);
            (share, entry.rank, entry.job, node)
        });
        let field = tree.parent(node).map_or(self.fields.len() - 1, |parent| parent as usize);
        if let Some(before) = std::mem::replace(&mut self.standings[at], standing) {
            self.fields[field].remove(&before);
        }
        self.fields[field].extend(standing);
    }
}
