//! What swaps cost at least, by the kinds that they give and take.
//!
//! A search looks at every run of every node. Most find nothing, and in a long queue most are made while hardly a node
//! has changed. So nodes are kept in blocks of neighbours, each with the least cost of its swaps of each pair of kinds. A
//! block is computed anew when one of its nodes changes. What stopping a run costs only grows until the run saves, and
//! that counts as a change: so what was computed before is a bound from below. It is renewed now and then, to stay close.
//! Bounds decide nothing: they say where a search may leave out to look.

use engine::{Draft, NodeId, Span, Time};

use super::swaps::{Kind, Table, Tables};
use super::{Scene, charge};

/// No swap.
pub(super) const NEVER: f64 = f64::INFINITY;
/// A block is computed anew after this time at the latest: a run of one GPU costs 17 thousandths of a GPU a minute.
const AGE_MAX: Span = Span(60_000_000);
/// Each floor is so much lower than the cost, in thousandths of a GPU and as a share, that no rounding of sums of a few
/// floors lifts one above the sum of the costs.
const MARGIN: (f64, f64) = (0.25, 1e-6);

/// Nodes beside each other.
#[derive(Clone, Debug, Default)]
struct Block {
    /// When it was computed; `None`: since then a node changed.
    made: Option<Time>,
    /// Kinds that swaps give, each once; the number of kinds stands for giving nothing.
    gives: Vec<Kind>,
    /// By (place in `gives`, kind that is taken); the last of each row is taking nothing.
    floors: Vec<f64>,
}

/// The floors of all blocks.
#[derive(Debug, Default)]
pub(super) struct Floors {
    blocks: Vec<Block>,
    /// Numbers of kinds, and nothing.
    width: usize,
    /// The blocks of which the least is made.
    of: Vec<usize>,
    /// The least of these blocks, by (gives, takes).
    least: Vec<f64>,
}

impl Floors {
    /// Forgets all.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// A node of this block changed.
    pub(super) fn touch(&mut self, block: usize) {
        if let Some(block) = self.blocks.get_mut(block) {
            block.made = None;
        }
    }

    /// Brings the blocks of the nodes of the scene up to date.
    pub(super) fn refresh(&mut self, draft: &Draft<'_>, scene: &Scene<'_>, tables: &Tables, kinds: usize) {
        if self.width != kinds + 1 {
            *self = Self { width: kinds + 1, ..Self::default() };
        }
        self.blocks.resize_with(draft.cluster().len().div_ceil(scene.block_nodes), Block::default);
        let (now, mut anew) = (draft.now(), false);
        let mut of = Vec::new();
        for nodes in scene.nodes.chunk_by(|a, b| scene.block(*a) == scene.block(*b)) {
            let at = scene.block(nodes[0]);
            of.push(at);
            let block = &mut self.blocks[at];
            if block.made.is_none_or(|made| now.since(made) > AGE_MAX) {
                block.compute(draft, scene, tables, nodes, self.width);
                anew = true;
            }
        }
        if anew || of != self.of {
            self.of = of;
            self.sum_up();
        }
    }

    fn sum_up(&mut self) {
        self.least.clear();
        self.least.resize(self.width * self.width, NEVER);
        for block in self.of.iter().map(|at| &self.blocks[*at]) {
            for (gives, floors) in block.gives.iter().zip(block.floors.chunks_exact(self.width)) {
                let least = &mut self.least[*gives as usize * self.width..][..self.width];
                least.iter_mut().zip(floors).for_each(|(least, floor)| *least = lesser(*least, *floor));
            }
        }
    }

    /// The least floors of swaps that give this kind (the number of kinds: nothing), by the kind that they take.
    pub(super) fn least(&self, gives: usize) -> &[f64] {
        &self.least[gives * self.width..][..self.width]
    }

    /// The floors of one block: what swaps give, and by the kind that they take.
    pub(super) fn of_block(&self, block: usize) -> impl Iterator<Item = (usize, &[f64])> + '_ {
        let block = &self.blocks[block];
        block.gives.iter().map(|gives| *gives as usize).zip(block.floors.chunks_exact(self.width))
    }
}

impl Block {
    fn compute(&mut self, draft: &Draft<'_>, scene: &Scene<'_>, tables: &Tables, nodes: &[NodeId], width: usize) {
        self.made = Some(draft.now());
        self.gives.clear();
        self.floors.clear();
        for table in nodes.iter().filter_map(|node| tables.of(*node)) {
            self.add(table, draft, scene, width);
        }
    }

    fn add(&mut self, table: &Table, draft: &Draft<'_>, scene: &Scene<'_>, width: usize) {
        lower(self.row(width as Kind - 1, width), &table.takes, f64::INFINITY, 0.0);
        for group in &table.groups {
            let charges = group.runs.iter().map(|run| charge(draft, scene, run.job));
            let least = charges.min_by(f64::total_cmp).unwrap_or(0.0);
            lower(self.row(group.kind, width), &group.takes, group.gives, least);
        }
    }

    fn row(&mut self, gives: Kind, width: usize) -> &mut [f64] {
        let at = self.gives.iter().position(|other| *other == gives).unwrap_or_else(|| {
            self.gives.push(gives);
            self.floors.resize(self.gives.len() * width, NEVER);
            self.gives.len() - 1
        });
        &mut self.floors[at * width..][..width]
    }
}

/// Lowers floors to what is below these costs.
fn lower(floors: &mut [f64], takes: &[f64], nothing: f64, charge: f64) {
    let bias = charge - MARGIN.0 - charge.abs() * MARGIN.1;
    for (floor, cost) in floors.iter_mut().zip(takes) {
        *floor = lesser(*floor, cost + bias);
    }
    if let Some(floor) = floors.last_mut() {
        *floor = lesser(*floor, nothing + bias);
    }
}

/// The lesser of two, in the form that becomes one instruction.
pub(super) fn lesser(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}
