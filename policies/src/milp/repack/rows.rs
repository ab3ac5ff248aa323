//! Swaps of one node that give the same.

use engine::{JobId, NodeId};

use super::cast::Cast;
use super::paths::{NEVER, Paths};
use super::shortlist::{Shortlist, Swap};

/// Swaps of one node that give the same: one task or none.
#[derive(Clone, Copy, Debug)]
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
}

impl Row<'_> {
    /// The number of what it gives.
    pub(super) fn gives_or(&self, outside: usize) -> usize {
        self.gives.map_or(outside, |give| give.0)
    }

    /// What it costs to take the kind of this number, too.
    pub(super) fn cost(&self, cast: &Cast, takes: usize) -> f64 {
        if takes == cast.outside() { self.nothing } else { self.takes[cast.kind(takes) as usize] + self.charge }
    }

    /// Lists the swaps whose chains cost less than what is listed.
    ///
    /// The least cost of a chain with a swap is that of a circle, or of a chain that begins with the waiting task and ends
    /// outside.
    pub(super) fn list(
        &self,
        cast: &Cast,
        paths: &Paths,
        shortlist: &mut Shortlist,
        partners: &[usize],
        waiting: Option<(usize, f64)>,
    ) {
        let outside = cast.outside();
        let gives = self.gives_or(outside);
        let (closing, ending) = (paths.costs_from(gives), paths.cost(gives, outside));
        let (opening, worth) = match waiting {
            Some((number, worth)) => (Some(paths.costs_from(number)), worth),
            None => (None, 0.0),
        };
        for takes in partners.iter().copied() {
            let cost = self.cost(cast, takes);
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
