//! How cheaply a chain of swaps can end: shortest paths over kinds of tasks.
//!
//! A swap on a node is an arc from the kind that it takes to the kind that it gives. The outside is a kind too: what is
//! given to it needs no room, what is taken from it comes from nowhere.

/// No chain.
pub(super) const NEVER: f64 = f64::INFINITY;

/// Least costs of chains between kinds, numbered `0..size`.
#[derive(Debug, Default)]
pub(super) struct Paths {
    size: usize,
    /// By (to, from).
    arcs: Vec<f64>,
    costs: Vec<f64>,
}

impl Paths {
    /// No arcs among `size` kinds.
    pub(super) fn clear(&mut self, size: usize) {
        self.size = size;
        self.arcs.clear();
        self.arcs.resize(size * size, NEVER);
    }

    /// The costs of the arcs to one kind, by the kind that they come from.
    pub(super) fn arcs_to(&mut self, to: usize) -> &mut [f64] {
        &mut self.arcs[to * self.size..][..self.size]
    }

    /// Computes the least cost of chains of at most `hops` arcs, by min-plus products. An empty chain costs nothing.
    pub(super) fn close(&mut self, hops: usize) {
        let size = self.size;
        let mut first: Vec<f64> = (0..size * size).map(|at| self.arcs[at % size * size + at / size]).collect();
        (0..size).for_each(|at| first[at * size + at] = first[at * size + at].min(0.0));
        self.costs.clone_from(&first);
        for _ in 1..hops {
            let before = self.costs.clone();
            for from in 0..size {
                let row = &mut self.costs[from * size..][..size];
                for (middle, cost) in
                    before[from * size..][..size].iter().enumerate().filter(|(_, cost)| **cost < NEVER)
                {
                    let beyond = &first[middle * size..][..size];
                    row.iter_mut().zip(beyond).for_each(|(known, next)| *known = known.min(cost + next));
                }
            }
        }
    }

    /// The least costs of chains from one kind, by the kind that they lead to.
    pub(super) fn costs_from(&self, from: usize) -> &[f64] {
        &self.costs[from * self.size..][..self.size]
    }

    /// The least cost of a chain.
    pub(super) fn cost(&self, from: usize, to: usize) -> f64 {
        self.costs[from * self.size + to]
    }
}
