//! Swaps of one node that give the same.

use std::ops::Range;

use engine::{JobId, NodeId};

use super::cast::Cast;
use super::paths::{NEVER, Paths};
use super::shortlist::{Shortlist, Swap};

/// Rows in the order of nodes, and what they may take where that matters.
#[derive(Debug, Default)]
pub(super) struct Rows<'a> {
    all: Vec<Row<'a>>,
    pub(super) partners: Vec<u16>,
    /// What taking each of them costs.
    costs: Vec<f64>,
}

impl<'a> Rows<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// One more row. Its costs are read once, from tables that are spread over the memory.
    pub(super) fn push(&mut self, cast: &Cast, mut row: Row<'a>) {
        row.costs = self.costs.len();
        let takes = self.partners[row.partners.clone()].iter();
        self.costs.extend(takes.map(|takes| row.cost(cast, usize::from(*takes))));
        self.all.push(row);
    }

    /// Each row with the numbers of the kinds that it may take, and what that costs.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Row<'a>, impl Iterator<Item = (usize, f64)> + '_)> {
        self.all.iter().map(|row| {
            let takes = self.partners[row.partners.clone()].iter().map(|takes| usize::from(*takes));
            (row, takes.zip(self.costs[row.costs..].iter().copied()))
        })
    }
}

/// Swaps of one node that give the same: one task or none.
#[derive(Clone, Debug)]
pub(super) struct Row<'a> {
    pub(super) node: NodeId,
    /// The number of its kind, and the run.
    pub(super) gives: Option<(usize, JobId)>,
    /// What giving costs beside the growth of F.
    pub(super) charge: f64,
    /// The cost of giving and taking nothing.
    pub(super) nothing: f64,
    /// Growth of F by the kind that is taken.
    pub(super) takes: &'a [f64],
    /// Where the kinds stand that it may take.
    pub(super) partners: Range<usize>,
    /// Where their costs begin.
    pub(super) costs: usize,
}

impl Row<'_> {
    /// The number of what it gives.
    pub(super) fn gives_or(&self, outside: usize) -> usize {
        self.gives.map_or(outside, |give| give.0)
    }

    /// What it costs to take the kind of this number, too.
    fn cost(&self, cast: &Cast, takes: usize) -> f64 {
        if takes == cast.outside() { self.nothing } else { self.takes[cast.kind(takes) as usize] + self.charge }
    }

    /// Lists the swaps whose chains cost less than what is listed.
    ///
    /// The least cost of a chain with a swap is that of a circle, or of a chain that begins with the waiting task and ends
    /// outside.
    pub(super) fn list(
        &self,
        outside: usize,
        paths: &Paths,
        shortlist: &mut Shortlist,
        taken: impl Iterator<Item = (usize, f64)>,
        waiting: Option<(usize, f64)>,
    ) {
        let gives = self.gives_or(outside);
        let (closing, ending) = (paths.costs_from(gives), paths.cost(gives, outside));
        let (opening, worth) = match waiting {
            Some((number, worth)) => (Some(paths.costs_from(number)), worth),
            None => (None, 0.0),
        };
        for (takes, cost) in taken {
            let circle = cost + closing[takes];
            let circle = if circle < 0.0 { circle + worth } else { NEVER };
            let chain = opening.map_or(circle, |opening| circle.min(opening[takes] + cost + ending));
            if chain < shortlist.bars(gives)[takes] {
                let gives_all = self.gives.into_iter().collect();
                shortlist.one(gives, Swap { node: self.node, takes, gives: gives_all, cost, chain });
            }
        }
    }
}
