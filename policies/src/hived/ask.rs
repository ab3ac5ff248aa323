//! What a gang asks for, in cells: the level of the cell of each task, and where tasks of a placed gang sit.

use engine::placement::BANK;
use engine::{Cluster, GpuRequest, MILLI, Shape, Slice, TaskRequest, UNLIMITED};

use super::cells::{CellId, Chain, Forest};

/// The level of the cell that a task needs on each chain; `None` where it cannot run.
pub(crate) fn levels(forest: &Forest, request: &TaskRequest) -> Vec<Option<u32>> {
    forest.chains.iter().map(|chain| level(chain, request)).collect()
}

/// A task that needs more than its GPUs' part of the CPU or memory of a node takes as large a cell as has that.
fn level(chain: &Chain, request: &TaskRequest) -> Option<u32> {
    if !request.models.contains(chain.node.model) {
        return None;
    }
    let part = |need: u32, have: u32| {
        let gpus = u64::from(need) * u64::from(chain.node.gpus);
        if have == UNLIMITED || need == 0 {
            Some(0)
        } else {
            gpus.checked_div(u64::from(have)).map(|_| gpus.div_ceil(u64::from(have)))
        }
    };
    let cpu = part(request.cpu_milli, chain.node.cpu_milli)?;
    let memory = part(request.memory_mib, chain.node.memory_mib)?;
    let gpus = u64::from(request.gpus.count()).max(cpu).max(memory);
    chain.level_for(u32::try_from(gpus).ok()?)
}

/// The requests of the tasks of the smallest gang that sit on cells, in order.
pub(crate) fn tasks(shape: &Shape) -> impl Iterator<Item = &TaskRequest> {
    let with_gpus = shape.groups.iter().filter(|group| group.request.gpus.count() > 0);
    with_gpus.flat_map(|group| (0..group.tasks_min).map(move |_| &group.request))
}

/// The slices of a task on the first GPUs of a cell.
pub(crate) fn slices(forest: &Forest, seat: CellId, request: &TaskRequest) -> Vec<Slice> {
    let (cell, node) = (forest.cell(seat), forest.nodes_of(seat)[0]);
    let milli = match request.gpus {
        GpuRequest::Milli(milli) => milli,
        GpuRequest::Whole(_) => MILLI as u16,
    };
    let mut slices: Vec<Slice> = Vec::new();
    for gpu in cell.gpu..cell.gpu + request.gpus.count() {
        let (bank, bit) = ((gpu / BANK) as u16, 1u64 << (gpu % BANK));
        match slices.last_mut() {
            Some(last) if last.bank == bank => last.mask |= bit,
            _ => slices.push(Slice { node, bank, milli, mask: bit, cpu_milli: 0, memory_mib: 0 }),
        }
    }
    if let Some(first) = slices.first_mut() {
        (first.cpu_milli, first.memory_mib) = (request.cpu_milli, request.memory_mib);
    }
    slices
}

/// The seats of a gang that was placed on cells.
pub(crate) fn seats(forest: &Forest, shape: &Shape, placement: &[Slice]) -> Vec<CellId> {
    let mut rest = placement;
    let mut seats = Vec::new();
    for request in tasks(shape) {
        let Some(first) = rest.first() else { break };
        let mut gpus = 0;
        while gpus < request.gpus.count() && !rest.is_empty() {
            gpus += rest[0].gpus();
            rest = &rest[1..];
        }
        let gpu = u32::from(first.bank) * BANK + first.mask.trailing_zeros();
        let chain = forest.of_node(first.node).map(|cell| forest.chain_of(cell));
        let level = chain.and_then(|chain| level(chain, request));
        seats.extend(level.and_then(|level| forest.around(first.node, gpu, level)));
    }
    seats
}

/// GPUs of a cell that are not free as a whole.
pub(crate) fn held(forest: &Forest, cluster: &Cluster, id: CellId) -> u32 {
    let cell = forest.cell(id);
    if cell.level >= forest.chain_of(id).node_level {
        return forest.gpus(id) - forest.nodes_of(id).iter().map(|node| cluster.free_gpus(*node)).sum::<u32>();
    }
    let (node, gpus) = (forest.nodes_of(id)[0], cell.gpu..cell.gpu + forest.gpus(id));
    gpus.filter(|gpu| cluster.free_mask(node, (gpu / BANK) as u16) >> (gpu % BANK) & 1 == 0).count() as u32
}
