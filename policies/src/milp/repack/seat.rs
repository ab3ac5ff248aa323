//! The GPUs of a node that a task takes so that least is fragmented after it.

use engine::placement::BANK;
use engine::{GpuRequest, MILLI, NodeId, Slice, TaskRequest};

use crate::fragmentation::{GpuChoice, NodeRoom, Workload};

/// Where one task sits, and F of the node with it, in thousandths of a GPU x weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seat {
    pub(super) choice: GpuChoice,
    pub(super) fragmentation: u64,
}

/// The seat of least fragmentation; the first GPU of equals. `None` when the task does not fit.
pub(super) fn best(workload: &Workload, room: &mut NodeRoom, request: &TaskRequest) -> Option<Seat> {
    if !room.fits(request) {
        return None;
    }
    let GpuRequest::Milli(milli) = request.gpus else {
        let mut with = room.clone();
        with.take(request, GpuChoice::Tightest)?;
        return Some(Seat { choice: GpuChoice::Tightest, fragmentation: workload.fragmentation(&with) });
    };
    let (cpu, memory) = (room.cpu_milli, room.memory_mib);
    let mut best: Option<Seat> = None;
    for gpu in 0..room.gpus.len() {
        let free = room.gpus[gpu];
        if free < milli || room.gpus[..gpu].contains(&free) {
            continue;
        }
        let choice = GpuChoice::Gpu(gpu as u32);
        room.take(request, choice)?;
        let fragmentation = workload.fragmentation(room);
        (room.gpus[gpu], room.cpu_milli, room.memory_mib) = (free, cpu, memory);
        if best.is_none_or(|best| fragmentation < best.fragmentation) {
            best = Some(Seat { choice, fragmentation });
        }
    }
    best
}

/// The slice of `node` that a task takes there; `None` where its GPUs are on more than one bank, or do not fit.
pub(super) fn slice(room: &NodeRoom, node: NodeId, request: &TaskRequest, choice: GpuChoice) -> Option<Slice> {
    let (first, milli, gpus) = match (request.gpus, choice) {
        (GpuRequest::Whole(gpus), _) => (None, MILLI as u16, gpus),
        (GpuRequest::Milli(milli), GpuChoice::Gpu(gpu)) => (Some(gpu), milli, 1),
        (GpuRequest::Milli(milli), GpuChoice::Tightest) => (Some(room.tightest(milli)?), milli, 1),
    };
    let free = |bank: u32| {
        let of_bank = room.gpus.iter().enumerate().skip((bank * BANK) as usize).take(BANK as usize);
        let whole = of_bank.filter(|(_, free)| u32::from(**free) == MILLI).map(|(gpu, _)| gpu as u32);
        whole.take(gpus as usize).fold(0, |mask: u64, gpu| mask | 1 << (gpu % BANK))
    };
    let (bank, mask) = match first {
        Some(gpu) => (gpu / BANK, 1 << (gpu % BANK)),
        None if gpus == 0 => (0, 0),
        None => {
            let banks = (room.gpus.len() as u32).div_ceil(BANK);
            (0..banks).map(|bank| (bank, free(bank))).find(|(_, mask)| mask.count_ones() == gpus)?
        }
    };
    let (cpu_milli, memory_mib) = (request.cpu_milli, request.memory_mib);
    Some(Slice { node, bank: bank as u16, milli, mask, cpu_milli, memory_mib })
}
