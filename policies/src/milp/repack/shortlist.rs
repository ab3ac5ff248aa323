//! The swaps that a program gets to see.

use engine::{JobId, NodeId};
use smallvec::SmallVec;

/// Swaps of equal kinds that are kept, on the nodes where their chains cost least.
const NODES_A_PAIR: usize = 3;

/// Kinds and runs that a swap gives.
pub(super) type Gives = SmallVec<[(usize, JobId); 2]>;

/// What a node could take and give.
#[derive(Clone, Debug)]
pub(super) struct Swap {
    pub(super) node: NodeId,
    /// Kinds are numbered among those that take part; the last number is the outside.
    pub(super) takes: usize,
    pub(super) gives: Gives,
    /// Growth of F and what stopping costs, in thousandths of a GPU.
    pub(super) cost: f64,
    /// No chain with this swap costs less.
    pub(super) chain: f64,
}

/// The best swaps of each pair of kinds.
#[derive(Debug, Default)]
pub(super) struct Shortlist {
    size: usize,
    /// By (gives, takes).
    ones: Vec<Best>,
    /// By (gives, takes): only cheaper chains are worth telling.
    bars: Vec<f64>,
    /// By the two kinds that are given for the waiting task.
    twos: Vec<Best>,
}

type Best = Vec<Swap>;

impl Shortlist {
    /// Nothing of `size` kinds, the outside included; chains must cost less than `limit`.
    pub(super) fn clear(&mut self, size: usize, limit: f64) {
        self.size = size;
        self.bars.clear();
        self.bars.resize(size * size, limit);
        for best in [&mut self.ones, &mut self.twos] {
            best.iter_mut().for_each(Vec::clear);
            best.resize_with(size * size, Vec::new);
        }
    }

    /// What chains with swaps that give this kind must cost less than, by the kind that they take.
    pub(super) fn bars(&self, gives: usize) -> &[f64] {
        &self.bars[gives * self.size..][..self.size]
    }

    /// A swap that gives at most one task. Of equal chains the one that was told first stays.
    pub(super) fn one(&mut self, gives: usize, swap: Swap) {
        let at = gives * self.size + swap.takes;
        let (best, chain) = (&mut self.ones[at], swap.chain);
        insert(best, chain, || swap);
        if best.len() == NODES_A_PAIR {
            self.bars[at] = best[NODES_A_PAIR - 1].chain;
        }
    }

    /// A swap that gives two tasks, the smaller kind first.
    pub(super) fn two(&mut self, one: usize, other: usize, chain: f64, swap: impl FnOnce() -> Swap) {
        insert(&mut self.twos[one * self.size + other], chain, swap);
    }

    /// The swaps with the cheapest chains, at most so many, the best first.
    pub(super) fn take(&mut self, columns_max: usize) -> Vec<Swap> {
        let mut all: Vec<Swap> = self.ones.iter_mut().chain(&mut self.twos).flat_map(|best| best.drain(..)).collect();
        let key = |swap: &Swap| (swap.node, swap.takes, swap.gives.clone());
        all.sort_by(|a, b| a.chain.total_cmp(&b.chain).then_with(|| key(a).cmp(&key(b))));
        all.truncate(columns_max);
        all
    }
}

fn insert(best: &mut Best, chain: f64, swap: impl FnOnce() -> Swap) {
    let at = best.iter().position(|other| chain < other.chain).unwrap_or(best.len());
    if at < NODES_A_PAIR {
        best.truncate(NODES_A_PAIR - 1);
        best.insert(at, swap());
    }
}
