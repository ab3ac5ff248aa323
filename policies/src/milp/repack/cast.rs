//! The kinds of tasks that take part in one search, and the swaps among them that matter.

use std::cmp::Reverse;
use std::ops::Range;

use engine::{Draft, NodeId};

use super::floors::Floors;
use super::reach::Reach;
use super::rows::{Row, Rows};
use super::swaps::{Kind, Kinds, Table, Tables};
use super::{Scene, charge, is_up};

/// Kinds that are looked at: the most frequent. Paths over kinds cost their cube.
const KINDS_MAX: usize = 160;

/// The kinds that take part, in the order of their requests, so that no cache shows in the order of columns. Each has a
/// number; the number after the last is the outside.
#[derive(Debug, Default)]
pub(super) struct Cast {
    kinds: Vec<Kind>,
    /// By kind: its number.
    numbers: Vec<Option<u16>>,
}

impl Cast {
    /// The kinds of the runs on the nodes, the most frequent if there are many, and that of the waiting task.
    pub(super) fn choose(
        &mut self,
        draft: &Draft<'_>,
        scene: &Scene<'_>,
        kinds: &Kinds,
        tables: &Tables,
        waiting: Option<Kind>,
    ) {
        let mut counts = vec![0_u64; kinds.len()];
        let up = scene.nodes.iter().filter(|node| is_up(draft, **node));
        for group in up.filter_map(|node| tables.of(*node)).flat_map(|table| &table.groups) {
            counts[group.kind as usize] += group.runs.len() as u64;
        }
        if let Some(kind) = waiting {
            counts[kind as usize] = u64::MAX;
        }
        let mut present: Vec<Kind> = (0..kinds.len() as Kind).filter(|kind| counts[*kind as usize] > 0).collect();
        if present.len() > KINDS_MAX {
            present.sort_by_key(|kind| (Reverse(counts[*kind as usize]), *kinds.request(*kind)));
            present.truncate(KINDS_MAX);
        }
        present.sort_by_key(|kind| kinds.request(*kind));
        self.numbers.clear();
        self.numbers.resize(kinds.len(), None);
        present.iter().enumerate().for_each(|(number, kind)| self.numbers[*kind as usize] = Some(number as u16));
        self.kinds = present;
    }

    /// The number of a kind.
    pub(super) fn number(&self, kind: Kind) -> Option<usize> {
        self.numbers[kind as usize].map(usize::from)
    }

    /// The kind of a number.
    pub(super) fn kind(&self, number: usize) -> Kind {
        self.kinds[number]
    }

    /// The number of the outside.
    pub(super) fn outside(&self) -> usize {
        self.kinds.len()
    }

    /// The column of the floors that belongs to a number.
    fn column(&self, number: usize) -> usize {
        self.kinds.get(number).map_or(self.numbers.len(), |kind| *kind as usize)
    }

    /// The number of what a row of the floors gives.
    fn given(&self, gives: usize) -> Option<usize> {
        self.numbers.get(gives).map_or(Some(self.outside()), |number| number.map(usize::from))
    }

    /// Tells the floors among the kinds that take part.
    pub(super) fn reach(&self, floors: &Floors, reach: &mut Reach, hops: usize) {
        reach.clear(self.outside() + 1, hops);
        for gives in 0..=self.outside() {
            let least = floors.least(self.column(gives));
            let arcs = reach.arcs_to(gives);
            arcs.iter_mut().zip(&self.kinds).for_each(|(arc, kind)| *arc = least[*kind as usize]);
            arcs[self.kinds.len()] = least[self.numbers.len()];
        }
    }

    /// By what a swap gives: what it may take, where that matters.
    fn partners(&self, reach: &Reach) -> Vec<Vec<u16>> {
        (0..=self.outside()).map(|gives| reach.partners(gives).map(|takes| takes as u16).collect()).collect()
    }

    /// The swaps that give at most one task and may matter, in the order of nodes.
    pub(super) fn rows<'a>(
        &self,
        draft: &Draft<'_>,
        scene: &Scene<'_>,
        (tables, floors): (&'a Tables, &Floors),
        reach: &Reach,
    ) -> Rows<'a> {
        let mut rows = Rows::default();
        let partners = self.partners(reach);
        let mut wanted = vec![0..0; self.outside() + 1];
        for nodes in scene.nodes.chunk_by(|a, b| scene.block(*a) == scene.block(*b)) {
            wanted.fill(0..0);
            let before = rows.partners.len();
            for (gives, floors) in floors.of_block(scene.block(nodes[0])) {
                let Some(gives) = self.given(gives) else { continue };
                let matters = |takes: &&u16| {
                    let takes = usize::from(**takes);
                    reach.matters(gives, takes, floors[self.column(takes)])
                };
                let first = rows.partners.len();
                rows.partners.extend(partners[gives].iter().filter(matters));
                wanted[gives] = first..rows.partners.len();
            }
            if rows.partners.len() > before {
                let up = nodes.iter().filter(|node| is_up(draft, **node));
                let up = up.filter_map(|node| Some((*node, tables.of(*node)?)));
                up.flat_map(|of| self.rows_of(draft, scene, of, &wanted)).for_each(|row| rows.push(self, row));
            }
        }
        rows
    }

    /// The rows of one node that give what is wanted. Of equal runs the cheapest goes.
    fn rows_of<'a, 'b>(
        &'b self,
        draft: &'b Draft<'_>,
        scene: &'b Scene<'_>,
        (node, table): (NodeId, &'a Table),
        wanted: &'b [Range<usize>],
    ) -> impl Iterator<Item = Row<'a>> + use<'a, 'b> {
        let nothing = f64::INFINITY;
        let partners = wanted[self.outside()].clone();
        let none = Row { node, gives: None, charge: 0.0, nothing, takes: &table.takes, partners, costs: 0 };
        let none = Some(none).filter(|row| !row.partners.is_empty());
        let some = table.groups.iter().filter_map(move |group| {
            let given = self.number(group.kind).filter(|given| !wanted[*given].is_empty())?;
            let charges = group.runs.iter().map(|run| (charge(draft, scene, run.job), run.job));
            let (charge, job) = charges.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))?;
            let (gives, nothing) = (Some((given, job)), group.gives + charge);
            Some(Row { node, gives, charge, nothing, takes: &group.takes, partners: wanted[given].clone(), costs: 0 })
        });
        none.into_iter().chain(some)
    }
}
