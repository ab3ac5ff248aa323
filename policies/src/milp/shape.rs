//! Kinds of nodes: nodes with equal room, equal movable tasks and equal places, where places matter, are one shape.

use std::collections::BTreeMap;

use engine::topology::{Domains, Level};
use engine::{GpuRequest, MILLI, ModelId};
use smallvec::SmallVec;

use super::stock::Stock;
use crate::fragmentation::NodeRoom;

/// Equal nodes.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// The nodes, as places in the yard.
    pub(super) nodes: Vec<usize>,
    /// Room, with GPUs in the order of `pieces`.
    pub(super) room: NodeRoom,
    /// Tasks that may be taken away.
    pub(super) pieces: Vec<Piece>,
    /// For each node, the held task that is each piece.
    pub(super) held: Vec<Vec<usize>>,
    /// The domains that matter.
    pub(super) domains: Domains,
}

/// A task that may be taken away from a node, told by what matters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Piece {
    /// The GPUs that it holds, in the order of the shape.
    pub(super) gpus: SmallVec<[u16; 4]>,
    /// Of each.
    pub(super) milli: u16,
    pub(super) item: usize,
    /// What it costs to move it, in thousandths of a GPU.
    pub(super) price: u64,
    pub(super) cpu_milli: u32,
    pub(super) memory_mib: u32,
}

type Key = (ModelId, u32, u32, SmallVec<[u16; 8]>, Vec<Piece>, [Option<engine::DomainId>; 3]);

/// The shapes of the yard. A shape on which nothing can be placed and from which nothing can be moved is left out.
pub(super) fn shapes(stock: &Stock<'_>) -> Vec<Shape> {
    let mut known: BTreeMap<Key, usize> = BTreeMap::new();
    let mut shapes: Vec<Shape> = Vec::new();
    for node in 0..stock.yard.nodes.len() {
        let cleared = &stock.cleared[node];
        let useful = stock.items.iter().any(|item| item.count > 0 && cleared.fits(&item.request));
        if !useful {
            continue;
        }
        let (room, pieces, held) = ordered(stock, node);
        let domains = domains(stock, node);
        let key = (room.model, room.cpu_milli, room.memory_mib, room.gpus.clone(), pieces.clone(), domains.0);
        let at = *known.entry(key).or_insert(shapes.len());
        if at == shapes.len() {
            shapes.push(Shape { nodes: Vec::new(), room, pieces, held: Vec::new(), domains });
        }
        shapes[at].nodes.push(node);
        shapes[at].held.push(held);
    }
    shapes
}

/// The domains of the levels that matter to gangs with tasks that this node could hold.
fn domains(stock: &Stock<'_>, node: usize) -> Domains {
    let mut matter = [false; 3];
    for gang in &stock.gangs {
        let levels = [gang.required, gang.preferred];
        if levels.iter().any(Option::is_some)
            && gang.needs.iter().any(|need| stock.cleared[node].fits(&stock.items[need.item].request))
        {
            levels.into_iter().flatten().for_each(|level| matter[level as usize] = true);
        }
    }
    let all = stock.yard.nodes[node].domains;
    Domains(Level::ALL.map(|level| all.at(level).filter(|_| matter[level as usize])))
}

/// The room with its GPUs sorted by what is free and what could be taken away, so that equal nodes are equal.
fn ordered(stock: &Stock<'_>, node: usize) -> (NodeRoom, Vec<Piece>, Vec<usize>) {
    let mut room = stock.yard.nodes[node].room.clone();
    let held = &stock.held_of[node];
    let mut tags: Vec<Vec<(usize, u64)>> = vec![Vec::new(); room.gpus.len()];
    for at in held {
        let task = &stock.yard.held[*at];
        for gpu in task.slices.iter().flat_map(engine::Slice::gpu_indices) {
            tags[gpu as usize].push((stock.held_items[*at], task.price + stock.rules.move_cost));
        }
    }
    for tags in &mut tags {
        tags.sort_unstable();
    }
    let mut order: Vec<usize> = (0..room.gpus.len()).collect();
    order.sort_by(|a, b| (room.gpus[*a], &tags[*a]).cmp(&(room.gpus[*b], &tags[*b])));
    let mut place = vec![0; order.len()];
    order.iter().enumerate().for_each(|(to, from)| place[*from] = to as u16);
    let mut pieces: Vec<(Piece, usize)> = held.iter().map(|at| (piece(stock, *at, &place), *at)).collect();
    // Whole GPUs with equal tags may be dealt to equal tasks in any way.
    let mut dealt = vec![false; room.gpus.len()];
    pieces.sort();
    for (piece, _) in pieces.iter_mut().filter(|(piece, _)| u32::from(piece.milli) == MILLI) {
        let tag = (piece.item, piece.price);
        let of_tag = |gpu: &u16| tags[order[*gpu as usize]].contains(&tag) && !dealt[*gpu as usize];
        let gpus: SmallVec<[u16; 4]> = (0..order.len() as u16).filter(of_tag).take(piece.gpus.len()).collect();
        gpus.iter().for_each(|gpu| dealt[*gpu as usize] = true);
        piece.gpus = gpus;
    }
    pieces.sort();
    room.gpus = order.iter().map(|gpu| room.gpus[*gpu]).collect();
    let (pieces, held) = pieces.into_iter().unzip();
    (room, pieces, held)
}

fn piece(stock: &Stock<'_>, at: usize, place: &[u16]) -> Piece {
    let task = &stock.yard.held[at];
    let mut gpus: SmallVec<[u16; 4]> =
        task.slices.iter().flat_map(engine::Slice::gpu_indices).map(|gpu| place[gpu as usize]).collect();
    gpus.sort_unstable();
    Piece {
        gpus,
        milli: match task.request.gpus {
            GpuRequest::Whole(_) => MILLI as u16,
            GpuRequest::Milli(milli) => milli,
        },
        item: stock.held_items[at],
        price: task.price + stock.rules.move_cost,
        cpu_milli: task.slices.iter().map(|slice| slice.cpu_milli).sum(),
        memory_mib: task.slices.iter().map(|slice| slice.memory_mib).sum(),
    }
}
