//! Two runs of a node that leave together for the waiting task.

use engine::{Draft, JobId, NodeId, TaskRequest};
use smallvec::SmallVec;

use super::cast::Cast;
use super::paths::Paths;
use super::reach::Reach;
use super::shortlist::{Shortlist, Swap};
use super::swaps::{Kind, Table, growth};
use super::{Scene, charge, seat};
use crate::fragmentation::Workload;

/// Bounds by floors are this much lower than the costs, in thousandths of a GPU, for the sake of rounding.
const MARGIN: f64 = 0.25;

/// Two runs that make room for one task when they go, and how F of their node grows by all of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pair {
    runs: [(Kind, JobId); 2],
    grown: f64,
}

/// The pairs of one node by the kind that comes, computed when they are asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Pairs {
    /// In order.
    by_kind: Vec<(Kind, Box<[Pair]>)>,
}

impl Pairs {
    /// The pairs for a task of this kind.
    pub(super) fn of(&self, kind: Kind) -> &[Pair] {
        self.at(kind).map_or(&[], |at| &*self.by_kind[at].1)
    }

    /// Where the pairs for a kind stand, or belong.
    fn at(&self, kind: Kind) -> Result<usize, usize> {
        self.by_kind.binary_search_by_key(&kind, |(other, _)| *other)
    }
}

impl Table {
    /// Computes the pairs for a task of this kind, if that was not done.
    pub(super) fn pair(&mut self, workload: &Workload, kind: Kind, request: &TaskRequest) {
        if let Err(at) = self.pairs.at(kind) {
            let pairs = self.pairs_for(workload, kind, request).into();
            self.pairs.by_kind.insert(at, (kind, pairs));
        }
    }

    /// Two runs of a node that make room together. Of pairs that look alike (equal groups, both on one GPU or not) the first.
    fn pairs_for(&self, workload: &Workload, kind: Kind, request: &TaskRequest) -> Vec<Pair> {
        let mut seen: SmallVec<[(u16, u16, bool); 32]> = SmallVec::new();
        let mut pairs = Vec::new();
        let runs = || {
            let others = self.groups.iter().enumerate().filter(|(_, group)| group.kind != kind);
            others.flat_map(|(at, group)| group.runs.iter().map(move |run| (at, group.kind, run)))
        };
        for (place, (at, one, run)) in runs().enumerate() {
            for (beside, other, second) in runs().skip(place + 1) {
                let alike = (at as u16, beside as u16, run.slice.overlaps(&second.slice));
                if seen.contains(&alike) {
                    continue;
                }
                seen.push(alike);
                let mut room = self.room.clone();
                room.put_slice(&run.slice);
                room.put_slice(&second.slice);
                if let Some(seat) = seat::best(workload, &room, request) {
                    let grown = growth(workload, self.now, seat.fragmentation);
                    pairs.push(Pair { runs: [(one, run.job), (other, second.job)], grown });
                }
            }
        }
        pairs
    }
}

impl Pair {
    /// What it costs now, if any chain with it may be worth having.
    pub(super) fn lead(
        &self,
        draft: &Draft<'_>,
        scene: &Scene<'_>,
        node: NodeId,
        cast: &Cast,
        reach: &Reach,
    ) -> Option<Lead> {
        let [(one, run), (other, second)] = self.runs;
        let (one, other) = (cast.number(one)?, cast.number(other)?);
        let ends = reach.ending(one) + reach.ending(other) - MARGIN;
        if self.grown + 2.0 * scene.rules.move_milli + ends >= scene.worth() {
            return None;
        }
        let cost = self.grown + (charge(draft, scene, run) + charge(draft, scene, second));
        (cost + ends < scene.worth()).then_some(Lead { node, gives: [(one, run), (other, second)], cost })
    }
}

/// A pair that may be worth having.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lead {
    node: NodeId,
    gives: [(usize, JobId); 2],
    cost: f64,
}

impl Lead {
    /// The kinds that go on from here, and what that costs at least when the other one ends.
    pub(super) fn starts(&self, reach: &Reach) -> [(usize, f64); 2] {
        let [(one, _), (other, _)] = self.gives;
        let cost = self.cost - MARGIN;
        [(one, cost + reach.ending(other)), (other, cost + reach.ending(one))]
    }

    /// Lists it, if its chain is worth having.
    pub(super) fn list(&self, paths: &Paths, shortlist: &mut Shortlist, (number, worth): (usize, f64), outside: usize) {
        let [one, other] = self.gives.map(|give| give.0);
        let chain = self.cost + [one, other].iter().map(|gives| paths.cost(*gives, outside)).sum::<f64>();
        if chain < worth {
            shortlist.two(one.min(other), one.max(other), chain, || Swap {
                node: self.node,
                takes: number,
                gives: self.gives.into(),
                cost: self.cost,
                chain,
            });
        }
    }
}
