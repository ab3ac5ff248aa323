//! Which swaps can be part of a chain worth having, by the floors of their costs ([`Floors`](super::floors::Floors)).
//!
//! A chain of swaps is a walk over kinds, from what a swap takes to what it gives. It is worth having when it leads from the
//! waiting task to the outside for less than the task is worth, or in a circle for less than nothing. Costs of a swap are
//! completed by walks of so many hops on either side. So the walks by floors beside any other swap of the same chain have
//! at most twice as many, and those beside another swap of the same circle as many: no swap that could be listed, nor any
//! that its walks go through, is left out.

use super::floors::{NEVER, lesser};

/// After so many rounds a circle below nothing is taken to be there.
const ROUNDS_MAX: usize = 32;

/// What walks over kinds cost at least. The last number is the outside.
#[derive(Debug, Default)]
pub(super) struct Reach {
    size: usize,
    /// Longest walk by costs, in swaps.
    hops: usize,
    /// By (gives, takes).
    arcs: Vec<f64>,
    /// By (takes, gives).
    back: Vec<f64>,
    /// From the waiting task to each kind.
    opening: Vec<f64>,
    /// From each kind to the outside.
    ending: Vec<f64>,
    /// By (gives, takes): from what is given back to what is taken. Empty when no circle is worth anything.
    closing: Vec<f64>,
    /// What the waiting task is worth.
    worth: f64,
    next: Vec<f64>,
}

impl Reach {
    /// No arcs among `size` kinds, the outside included. Walks by costs have so many hops.
    pub(super) fn clear(&mut self, size: usize, hops: usize) {
        self.size = size;
        self.hops = hops;
        self.arcs.clear();
        self.arcs.resize(size * size, NEVER);
    }

    /// The arcs to one kind, by the kind that they come from.
    pub(super) fn arcs_to(&mut self, gives: usize) -> &mut [f64] {
        &mut self.arcs[gives * self.size..][..self.size]
    }

    /// Walks to the outside, and circles.
    pub(super) fn end(&mut self) {
        let size = self.size;
        self.back.clear();
        self.back.extend((0..size * size).map(|at| self.arcs[at % size * size + at / size]));
        self.ending.clear();
        self.ending.resize(size, NEVER);
        self.ending[size - 1] = 0.0;
        walk(&self.arcs, &mut self.ending, &mut self.next, 2 * self.hops);
        self.closing.clear();
        let mut potential = vec![0.0; size];
        if !walk(&self.arcs, &mut potential, &mut self.next, ROUNDS_MAX) {
            self.close();
        }
    }

    /// Costs of walks between all kinds, by squaring.
    fn close(&mut self) {
        let size = self.size;
        self.closing.clone_from(&self.back);
        (0..size).for_each(|at| self.closing[at * size + at] = lesser(self.closing[at * size + at], 0.0));
        let mut hops = 1;
        while hops < self.hops {
            let before = self.closing.clone();
            for row in self.closing.chunks_exact_mut(size) {
                let first = row.to_vec();
                for (middle, cost) in first.into_iter().enumerate().filter(|(_, cost)| *cost < NEVER) {
                    relax(row, &before[middle * size..][..size], cost);
                }
            }
            hops *= 2;
        }
    }

    /// What it costs at least to end a chain that gave this kind.
    pub(super) fn ending(&self, gives: usize) -> f64 {
        self.ending[gives]
    }

    /// Walks that begin with these kinds at these costs, for what is worth so much; without any, circles are all.
    pub(super) fn open(&mut self, starts: &[(usize, f64)], worth: f64) {
        self.worth = worth;
        self.opening.clear();
        self.opening.resize(self.size, NEVER);
        for (kind, cost) in starts {
            self.opening[*kind] = lesser(self.opening[*kind], *cost);
        }
        walk(&self.back, &mut self.opening, &mut self.next, 2 * self.hops);
    }

    /// Whether a swap of this floor may be part of a chain worth having.
    pub(super) fn matters(&self, gives: usize, takes: usize, floor: f64) -> bool {
        self.opening[takes] + floor + self.ending[gives] < self.worth
            || !self.closing.is_empty() && floor + self.closing[gives * self.size + takes] < 0.0
    }

    /// What swaps that give this kind may take and matter.
    pub(super) fn partners(&self, gives: usize) -> impl Iterator<Item = usize> + '_ {
        let arcs = &self.arcs[gives * self.size..][..self.size];
        arcs.iter()
            .enumerate()
            .filter(move |(takes, floor)| self.matters(gives, *takes, **floor))
            .map(|(takes, _)| takes)
    }
}

/// Lengthens walks by at most so many arcs: from the kind of a row to those in it. Whether no walk can be cheaper.
fn walk(rows: &[f64], costs: &mut Vec<f64>, next: &mut Vec<f64>, hops: usize) -> bool {
    let size = costs.len();
    for _ in 0..hops {
        next.clone_from(costs);
        for (at, cost) in costs.iter().enumerate().filter(|(_, cost)| **cost < NEVER) {
            relax(next, &rows[at * size..][..size], *cost);
        }
        if next == costs {
            return true;
        }
        std::mem::swap(costs, next);
    }
    false
}

fn relax(known: &mut [f64], arcs: &[f64], cost: f64) {
    known.iter_mut().zip(arcs).for_each(|(known, arc)| *known = lesser(*known, cost + arc));
}
