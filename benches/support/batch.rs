//! A batch of jobs and a partly filled cluster for the joint program.

use engine::topology::{Domains, Level};
use engine::{DomainId, GpuRequest, ModelId, ModelSet, NodeId, TaskRequest};
use policies::fragmentation::{NodeRoom, Workload};
use policies::milp::yard::{Ask, Rules, Yard, YardNode};

use super::mix;

/// Parts of a GPU that jobs ask for, in thousandths.
const PARTS: [u16; 4] = [250, 330, 500, 810];

/// A cluster, a batch, and the typical tasks.
pub(crate) struct Batch {
    pub(crate) yard: Yard,
    pub(crate) asks: Vec<Ask>,
    pub(crate) work: Workload,
    pub(crate) rules: Rules,
}

fn request(lot: u64) -> TaskRequest {
    let (gpus, cpu_milli) = match lot % 10 {
        0..=2 => (GpuRequest::Whole(1), 8_000),
        3 => (GpuRequest::Whole(2), 16_000),
        4 => (GpuRequest::Whole(4), 32_000),
        5 => (GpuRequest::Whole(8), 64_000),
        _ => (GpuRequest::Milli(PARTS[(lot / 10 % 4) as usize]), 6_000),
    };
    // One job in eight may use one model only.
    let models = if (lot / 64).is_multiple_of(8) { ModelSet(1 << (lot / 512 % 3)) } else { ModelSet::ANY };
    TaskRequest { gpus, cpu_milli, memory_mib: 0, models }
}

fn ask(lot: u64) -> Ask {
    if lot.is_multiple_of(20) {
        let groups = vec![(TaskRequest { models: ModelSet::ANY, ..request(5) }, 2)];
        return Ask { value: 16_000, groups, required: None, preferred: Some(Level::Rack) };
    }
    let request = request(mix(lot));
    Ask::single(request.gpus.milli(), request)
}

/// The room of a node: of `rooms` kinds, with `busy` of 100 GPUs in use.
fn room(kind: u64, busy: u64) -> NodeRoom {
    let gpu = |gpu: u64| {
        let lot = mix(kind * 16 + gpu);
        match (lot % 100 < busy, lot / 128 % 3) {
            (false, _) => 1000,
            (true, 0) => [190, 250, 500, 670, 750][(lot / 1024 % 5) as usize],
            (true, _) => 0,
        }
    };
    // Some nodes are empty, unless the cluster is full.
    let gpus: Vec<u16> = (0..8).map(|at| if busy < 90 && kind.is_multiple_of(4) { 1000 } else { gpu(at) }).collect();
    let used = gpus.iter().filter(|free| **free < 1000).count() as u32;
    let cpu_milli = 96_000 - 7_000 * used - 1_000 * (kind % 7) as u32;
    NodeRoom { model: ModelId((kind % 3) as u8), cpu_milli, memory_mib: 500_000, gpus: gpus.into_iter().collect() }
}

/// `jobs` jobs and `nodes` nodes in racks of 16 with about `rooms` distinct rooms.
pub(crate) fn batch(jobs: u64, nodes: u64, rooms: u64, busy: u64) -> Batch {
    let node = |at: u64| YardNode {
        id: NodeId(at as u32),
        room: room(at % rooms, busy),
        domains: Domains([None, Some(DomainId(at as u32 / 16)), Some(DomainId(0))]),
    };
    let tasks: Vec<(TaskRequest, u64)> = (0..40).map(|at| (request(mix(at + 77)), 1 + mix(at) % 9)).collect();
    Batch {
        yard: Yard { nodes: (0..nodes).map(node).collect(), held: Vec::new() },
        asks: (0..jobs).map(|at| ask(mix(at + 5_000))).collect(),
        work: Workload::of(&tasks, 950_000),
        rules: Rules { prefer_bonus: 1_000, span_cost: 100, ..Rules::default() },
    }
}
