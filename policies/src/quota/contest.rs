//! Who goes next in a tree of queues: at each node the child that stands best wins.
//!
//! A leaf puts up a nominee of its own, every other node the winner among its children. How a node stands depends on what is
//! below it alone, so that after each turn only the path of the winner is looked at again.

use std::collections::BTreeSet;

use super::topology::{NOWHERE, Topology};

/// A contest. `N` is what leaves put up, `S` how nodes stand: the least wins, ties go to the lower number.
#[derive(Debug)]
pub(crate) struct Contest<N, S> {
    parents: Vec<u32>,
    /// What each node puts up, and the leaf that it comes from.
    nominees: Vec<Option<(u32, N)>>,
    standings: Vec<Option<(S, u32)>>,
    /// The children of each node that put up somebody, the best first. The last set is that of the nodes at the top.
    fields: Vec<BTreeSet<(S, u32)>>,
}

impl<N: Copy, S: Copy + Ord> Contest<N, S> {
    /// A contest among `entries`, a leaf each. `parent` tells the node above, `standing` how a node stands with a nominee.
    pub(crate) fn new(
        topology: &Topology,
        parent: impl Fn(u32) -> Option<u32>,
        entries: impl IntoIterator<Item = (u32, N)>,
        mut standing: impl FnMut(u32, &N) -> S,
    ) -> Self {
        let nodes = topology.len();
        let mut new = Self {
            parents: (0..nodes as u32).map(|node| parent(node).unwrap_or(NOWHERE)).collect(),
            nominees: vec![None; nodes],
            standings: vec![None; nodes],
            fields: vec![BTreeSet::new(); nodes + 1],
        };
        for (leaf, nominee) in entries {
            new.nominees[leaf as usize] = Some((leaf, nominee));
        }
        for node in topology.rising() {
            new.refresh(node, &mut standing);
        }
        new
    }

    /// The leaf whose turn it is, and what it puts up.
    pub(crate) fn winner(&self) -> Option<(u32, N)> {
        let (_, top) = self.fields.last()?.first()?;
        self.nominees[*top as usize]
    }

    /// The nominee of a leaf has had its turn; the leaf puts up the next.
    pub(crate) fn replace(&mut self, leaf: u32, next: Option<N>, mut standing: impl FnMut(u32, &N) -> S) {
        self.nominees[leaf as usize] = next.map(|next| (leaf, next));
        let mut node = leaf;
        while node != NOWHERE {
            self.refresh(node, &mut standing);
            node = self.parents[node as usize];
        }
    }

    /// Sees who `node` puts up and how it stands.
    fn refresh(&mut self, node: u32, standing: &mut impl FnMut(u32, &N) -> S) {
        let at = node as usize;
        if let Some((_, best)) = self.fields[at].first() {
            self.nominees[at] = self.nominees[*best as usize];
        } else if self.nominees[at].is_some_and(|(leaf, _)| leaf != node) {
            self.nominees[at] = None;
        }
        let now = self.nominees[at].map(|(_, nominee)| (standing(node, &nominee), node));
        let field = match self.parents[at] {
            NOWHERE => self.fields.len() - 1,
            parent => parent as usize,
        };
        if let Some(before) = std::mem::replace(&mut self.standings[at], now) {
            self.fields[field].remove(&before);
        }
        self.fields[field].extend(now);
    }
}
