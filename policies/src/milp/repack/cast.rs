//! The kinds of tasks that take part in one search, and the swaps among them that matter.

use std::cmp::Reverse;

use engine::Draft;

use super::floors::Floors;
use super::reach::Reach;
use super::rows::Row;
use super::swaps::{Kind, Kinds, Tables};
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
    pub(super) fn reach(&self, floors: &Floors, reach: &mut Reach) {
        reach.clear(self.outside() + 1);
        for gives in 0..=self.outside() {
            let least = floors.least(self.column(gives));
            let arcs = reach.arcs_to(gives);
            arcs.iter_mut().zip(&self.kinds).for_each(|(arc, kind)| *arc = least[*kind as usize]);
            arcs[self.kinds.len()] = least[self.numbers.len()];
        }
    }

    /// By what a swap gives: what it may take, where that matters.
    pub(super) fn partners(&self, reach: &Reach) -> Vec<Vec<usize>> {
        (0..=self.outside()).map(|gives| reach.partners(gives).collect()).collect()
    }

    /// The swaps that give at most one task and may matter, in the order of nodes. Of equal runs the cheapest goes.
    pub(super) fn rows<'a>(
        &self,
        draft: &Draft<'_>,
        scene: &Scene<'_>,
        (tables, floors): (&'a Tables, &Floors),
        (reach, partners): (&Reach, &[Vec<usize>]),
    ) -> Vec<Row<'a>> {
        let mut rows = Vec::new();
        let mut wanted = vec![false; self.outside() + 1];
        for nodes in scene.nodes.chunk_by(|a, b| scene.block(*a) == scene.block(*b)) {
            wanted.fill(false);
            for (gives, floors) in floors.of_block(scene.block(nodes[0])) {
                let Some(gives) = self.given(gives) else { continue };
                let matters = |takes: &usize| reach.matters(gives, *takes, floors[self.column(*takes)]);
                wanted[gives] = partners[gives].iter().any(matters);
            }
            if !wanted.contains(&true) {
                continue;
            }
            for node in nodes.iter().filter(|node| is_up(draft, **node)) {
                let Some(table) = tables.of(*node) else { continue };
                if wanted[self.outside()] {
                    rows.push(Row { node: *node, gives: None, charge: 0.0, nothing: f64::INFINITY, takes: &table.takes });
                }
                for group in &table.groups {
                    let Some(given) = self.number(group.kind).filter(|given| wanted[*given]) else { continue };
                    let charges = group.runs.iter().map(|run| (charge(draft, scene, run.job), run.job));
                    let cheapest = charges.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                    rows.extend(cheapest.map(|(charge, job)| Row {
                        node: *node,
                        gives: Some((given, job)),
                        charge,
                        nothing: group.gives + charge,
                        takes: &group.takes,
                    }));
                }
            }
        }
        rows
    }
}
