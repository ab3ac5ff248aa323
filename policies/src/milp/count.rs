//! What can be refused by counting alone, before any program: a gang for which no domain has room.

use std::collections::BTreeMap;

use engine::topology::Level;
use engine::{DomainId, GpuRequest, TaskRequest, UNLIMITED};

use super::worth::normal;
use super::yard::{Ask, Refusal, Yard};
use crate::fragmentation::NodeRoom;

/// Why no plan places `ask`, if counting shows it. `rooms`: what nodes would have free without what may be moved.
pub(super) fn refusal(yard: &Yard, rooms: &[NodeRoom], ask: &Ask) -> Option<Refusal> {
    if ask.tasks() == 0 {
        return Some(Refusal::Empty);
    }
    let domains = domains(yard, ask.required);
    let mut enough = vec![true; domains.len()];
    for (group, (request, tasks)) in ask.groups.iter().enumerate() {
        let request = normal(*request);
        let room: Vec<u64> =
            domains.iter().map(|nodes| nodes.iter().map(|n| tasks_of(&rooms[*n], &request)).sum()).collect();
        let most = room.iter().copied().max().unwrap_or(0);
        if most < u64::from(*tasks) {
            return Some(Refusal::Group { group, tasks: *tasks, most });
        }
        enough.iter_mut().zip(room).for_each(|(enough, room)| *enough &= room >= u64::from(*tasks));
    }
    (!enough.contains(&true)).then_some(Refusal::Together)
}

/// The nodes of each domain of the level; all of them without one.
pub(super) fn domains(yard: &Yard, level: Option<Level>) -> Vec<Vec<usize>> {
    let Some(level) = level else { return vec![(0..yard.nodes.len()).collect()] };
    let mut nodes: BTreeMap<DomainId, Vec<usize>> = BTreeMap::new();
    for (at, node) in yard.nodes.iter().enumerate() {
        if let Some(domain) = node.domains.at(level) {
            nodes.entry(domain).or_default().push(at);
        }
    }
    nodes.into_values().collect()
}

/// Most tasks of this request that a node holds.
pub(super) fn tasks_of(room: &NodeRoom, request: &TaskRequest) -> u64 {
    let by = |free: u32, need: u32| if need == 0 || free == UNLIMITED { u64::MAX } else { u64::from(free / need) };
    let beside = by(room.cpu_milli, request.cpu_milli).min(by(room.memory_mib, request.memory_mib));
    let gpus = match request.gpus {
        GpuRequest::Whole(0) => u64::from(u32::MAX),
        _ if !request.models.contains(room.model) => 0,
        GpuRequest::Whole(gpus) => u64::from(room.whole_gpus() / gpus),
        GpuRequest::Milli(milli) => room.gpus.iter().map(|free| u64::from(free / milli)).sum(),
    };
    gpus.min(beside)
}
