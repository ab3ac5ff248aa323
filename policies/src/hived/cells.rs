//! The cells of a cluster: racks of nodes, nodes, and parts of nodes down to one GPU. Fixed as long as the cluster is.
//!
//! Equal cells form a chain (`HiveD`, section 3.1): a chain has one kind of top cell, and each level splits into equal parts.

use std::collections::BTreeMap;

use engine::{Inventory, Level, NodeId, NodeSpec};

/// A cell by its place in the table.
pub(crate) type CellId = u32;
/// No cell.
pub(crate) const NONE: CellId = u32::MAX;

/// What the largest cells are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Top {
    /// Nodes.
    Node,
    /// The equal nodes of one domain of this level.
    Domain(Level),
}

/// A cell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    pub(crate) chain: u32,
    /// 0 is one GPU.
    pub(crate) level: u32,
    pub(crate) parent: CellId,
    /// Its parts lie one behind the other in the table.
    pub(crate) first_part: CellId,
    /// The first node, as a place in the list of nodes of the forest.
    pub(crate) node: u32,
    /// Nodes, at least 1.
    pub(crate) nodes: u32,
    /// The first GPU on its node.
    pub(crate) gpu: u32,
}

/// What all cells of one chain have in common.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    /// GPUs of a cell, by level.
    pub(crate) gpus: Vec<u32>,
    /// The level of a node.
    pub(crate) node_level: u32,
    /// A node of the chain; all are alike.
    pub(crate) node: NodeSpec,
    /// Its largest cells.
    pub(crate) tops: Vec<CellId>,
}

impl Chain {
    /// The level of the largest cells.
    pub(crate) fn top(&self) -> u32 {
        self.gpus.len() as u32 - 1
    }

    /// Parts of a cell of `level`.
    pub(crate) fn parts(&self, level: u32) -> u32 {
        self.gpus[level as usize] / self.gpus[level as usize - 1]
    }

    /// The smallest cells with at least `gpus` GPUs that are no larger than a node.
    pub(crate) fn level_for(&self, gpus: u32) -> Option<u32> {
        (0..=self.node_level).find(|level| self.gpus[*level as usize] >= gpus)
    }
}

/// All cells.
#[derive(Debug)]
pub(crate) struct Forest {
    pub(crate) cells: Vec<Cell>,
    pub(crate) chains: Vec<Chain>,
    /// Nodes cell by cell.
    pub(crate) nodes: Vec<NodeId>,
    /// The cell of each node; [`NONE`] for nodes without GPUs.
    node_cells: Vec<CellId>,
}

/// Nodes of equal key are alike: model, GPUs, CPU, memory.
type Kind = (u8, u32, u32, u32);

impl Forest {
    pub(crate) fn new(inventory: &Inventory, top: Top) -> Self {
        let mut groups: BTreeMap<(Kind, u64), Vec<NodeId>> = BTreeMap::new();
        for (at, node) in inventory.nodes.iter().enumerate().filter(|(_, node)| node.gpus > 0) {
            let domain = match top {
                Top::Node => None,
                Top::Domain(level) => node.domains.at(level),
            };
            // A node in no domain is a top cell of its own.
            let group = domain.map_or((1 << 32) + at as u64, |domain| u64::from(domain.0));
            let kind = (node.model.0, node.gpus, node.cpu_milli, node.memory_mib);
            groups.entry((kind, group)).or_default().push(NodeId::new(at));
        }
        let mut forest = Self {
            cells: Vec::new(),
            chains: Vec::new(),
            nodes: Vec::new(),
            node_cells: vec![NONE; inventory.nodes.len()],
        };
        let mut chains: BTreeMap<(Kind, usize), u32> = BTreeMap::new();
        for ((kind, _), nodes) in groups {
            let next = forest.chains.len() as u32;
            let chain = *chains.entry((kind, nodes.len())).or_insert(next);
            if chain == next {
                forest.chains.push(new_chain(inventory.nodes[nodes[0].index()].clone(), nodes.len() as u32));
            }
            forest.grow(chain, &nodes);
        }
        forest
    }

    /// Adds a top cell of these nodes.
    fn grow(&mut self, chain: u32, nodes: &[NodeId]) {
        let (top, node) = (self.chains[chain as usize].top(), self.nodes.len() as u32);
        self.nodes.extend_from_slice(nodes);
        let id = self.cells.len() as u32;
        let whole = Cell { chain, level: top, parent: NONE, first_part: NONE, node, nodes: nodes.len() as u32, gpu: 0 };
        self.cells.push(whole);
        self.chains[chain as usize].tops.push(id);
        let mut at = id;
        while (at as usize) < self.cells.len() {
            let cell = self.cells[at as usize];
            if cell.nodes == 1 && cell.level == self.chains[chain as usize].node_level {
                self.node_cells[self.nodes[cell.node as usize].index()] = at;
            }
            self.split(at, cell);
            at += 1;
        }
    }

    fn split(&mut self, id: CellId, cell: Cell) {
        if cell.level == 0 {
            return;
        }
        self.cells[id as usize].first_part = self.cells.len() as u32;
        let chain = &self.chains[cell.chain as usize];
        let (level, gpus) = (cell.level - 1, chain.gpus[cell.level as usize - 1]);
        let above_nodes = cell.level > chain.node_level;
        for part in 0..chain.parts(cell.level) {
            let (node, gpu) = if above_nodes { (cell.node + part, 0) } else { (cell.node, cell.gpu + part * gpus) };
            self.cells.push(Cell { level, parent: id, first_part: NONE, node, nodes: 1, gpu, ..cell });
        }
    }

    pub(crate) fn cell(&self, id: CellId) -> &Cell {
        &self.cells[id as usize]
    }

    pub(crate) fn chain_of(&self, id: CellId) -> &Chain {
        &self.chains[self.cell(id).chain as usize]
    }

    pub(crate) fn gpus(&self, id: CellId) -> u32 {
        self.chain_of(id).gpus[self.cell(id).level as usize]
    }

    /// The parts of a cell, in order.
    pub(crate) fn parts(&self, id: CellId) -> std::ops::Range<CellId> {
        let cell = self.cell(id);
        if cell.level == 0 {
            return 0..0;
        }
        cell.first_part..cell.first_part + self.chain_of(id).parts(cell.level)
    }

    /// The nodes of a cell.
    pub(crate) fn nodes_of(&self, id: CellId) -> &[NodeId] {
        let cell = self.cell(id);
        &self.nodes[cell.node as usize..(cell.node + cell.nodes) as usize]
    }

    /// The cell and those that it is a part of, from itself to the top.
    pub(crate) fn ancestry(&self, id: CellId) -> impl Iterator<Item = CellId> + '_ {
        std::iter::successors(Some(id), |id| Some(self.cell(*id).parent).filter(|parent| *parent != NONE))
    }

    /// The cell of a whole node.
    pub(crate) fn of_node(&self, node: NodeId) -> Option<CellId> {
        Some(self.node_cells[node.index()]).filter(|cell| *cell != NONE)
    }

    /// The cell of `level` around a GPU.
    pub(crate) fn around(&self, node: NodeId, gpu: u32, level: u32) -> Option<CellId> {
        let mut at = self.of_node(node)?;
        while self.cell(at).level > level {
            let size = self.chain_of(at).gpus[self.cell(at).level as usize - 1];
            at = self.cell(at).first_part + (gpu - self.cell(at).gpu) / size;
        }
        Some(at)
    }
}

/// Inside a node a cell splits by the smallest prime factor: powers of two where the node has so many GPUs.
fn new_chain(node: NodeSpec, nodes: u32) -> Chain {
    let mut gpus = vec![node.gpus];
    while let Some(last) = gpus.last().copied().filter(|last| *last > 1) {
        let factor = (2..=last).find(|factor| last.is_multiple_of(*factor)).unwrap_or(last);
        gpus.push(last / factor);
    }
    gpus.reverse();
    let node_level = gpus.len() as u32 - 1;
    if nodes > 1 {
        gpus.push(node.gpus * nodes);
    }
    Chain { gpus, node_level, node, tops: Vec::new() }
}
