//! What each node could give and take: the columns of a re-packing.

use engine::{JobId, NodeId, TaskRequest};
use smallvec::{SmallVec, smallvec};

use super::residents::{Resident, Residents};
use super::seat;
use crate::fragmentation::{NodeRoom, Workload};

/// A request that tasks share, by its place in [`Kinds`].
pub(super) type Kind = u16;

/// The requests that were seen, in the order in which they were seen. What it holds beyond those of running tasks never
/// matters: nobody could take what nobody gives.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    requests: Vec<TaskRequest>,
    by_request: std::collections::BTreeMap<TaskRequest, Kind>,
}

impl Kinds {
    /// The kind of a request.
    pub(super) fn of(&mut self, request: &TaskRequest) -> Kind {
        *self.by_request.entry(*request).or_insert_with(|| {
            self.requests.push(*request);
            self.requests.len() as Kind - 1
        })
    }

    pub(super) fn request(&self, kind: Kind) -> &TaskRequest {
        &self.requests[kind as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.requests.len()
    }
}

/// Runs of one node that leave the same behind when they go: equal requests, and as much free on their GPUs.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) kind: Kind,
    /// The earliest submission first.
    pub(super) runs: SmallVec<[Resident; 2]>,
    /// The node without one of them.
    without: NodeRoom,
    /// By kind: how F of the node grows when one of them goes and one of that kind comes, in thousandths of a GPU;
    /// infinite where that does not fit.
    pub(super) takes: Vec<f64>,
    /// How F grows when one of them goes.
    pub(super) gives: f64,
}

/// All swaps of one node.
#[derive(Clone, Debug)]
pub(super) struct Table {
    version: u64,
    /// Whom it was made for: a run that has just started changes nothing else.
    movable: Vec<JobId>,
    /// F as it is.
    pub(super) now: u64,
    pub(super) room: NodeRoom,
    pub(super) groups: Vec<Group>,
    /// By kind: how F grows when one of it comes.
    pub(super) takes: Vec<f64>,
}

impl Table {
    fn new(workload: &Workload, room: NodeRoom, version: u64, residents: &[(Kind, Resident)]) -> Self {
        let now = workload.fragmentation(&room);
        let mut groups: Vec<Group> = Vec::new();
        for (kind, resident) in residents {
            let mut without = room.clone();
            without.put_slice(&resident.slice);
            let same = |group: &&mut Group| group.kind == *kind && sorted(&group.without) == sorted(&without);
            match groups.iter_mut().find(same) {
                Some(group) => group.runs.push(*resident),
                None => groups.push(Group {
                    kind: *kind,
                    runs: smallvec![*resident],
                    gives: growth(workload, now, workload.fragmentation(&without)),
                    without,
                    takes: Vec::new(),
                }),
            }
        }
        let movable = residents.iter().map(|(_, resident)| resident.job).collect();
        Self { version, movable, now, room, groups, takes: Vec::new() }
    }

    /// Fills in the kinds that are new.
    fn extend(&mut self, workload: &Workload, kinds: &Kinds) {
        for kind in self.takes.len()..kinds.len() {
            let (request, now) = (kinds.request(kind as Kind), self.now);
            let after = |room: &NodeRoom| {
                seat::best(workload, room, request)
                    .map_or(f64::INFINITY, |seat| growth(workload, now, seat.fragmentation))
            };
            self.takes.push(after(&self.room));
            for group in &mut self.groups {
                let takes = after(&group.without);
                // Its own kind comes back to the node only on better GPUs.
                let takes = if group.kind as usize == kind && takes >= 0.0 { f64::INFINITY } else { takes };
                group.takes.push(takes);
            }
        }
    }
}

/// How much F grows, in thousandths of a GPU.
pub(super) fn growth(workload: &Workload, before: u64, after: u64) -> f64 {
    (after as f64 - before as f64) / workload.total().max(1) as f64
}

fn sorted(room: &NodeRoom) -> SmallVec<[u16; 8]> {
    let mut gpus = room.gpus.clone();
    gpus.sort_unstable();
    gpus
}

/// The tables of all nodes, computed when they are asked for and kept until the node changes.
#[derive(Debug, Default)]
pub(super) struct Tables {
    by_node: Vec<Option<Table>>,
}

impl Tables {
    /// Forgets all: the workload is another.
    pub(super) fn forget(&mut self) {
        self.by_node.clear();
    }

    /// Brings the tables of `nodes` up to date. Runs that this draft stops, moves or starts stay where they are.
    pub(super) fn refresh(
        &mut self,
        draft: &engine::Draft<'_>,
        workload: &Workload,
        residents: &Residents,
        kinds: &mut Kinds,
        nodes: &[NodeId],
    ) {
        let cluster = draft.cluster();
        self.by_node.resize(cluster.len(), None);
        for resident in nodes.iter().flat_map(|node| residents.on(*node)) {
            kinds.of(&resident.request);
        }
        for node in nodes {
            let version = cluster.versions()[node.index()];
            let entry = &mut self.by_node[node.index()];
            let movable = residents.on(*node).iter().filter(|resident| draft.is_placed(resident.job));
            let holds = |table: &Table| {
                table.version == version
                    && movable.clone().map(|resident| resident.job).eq(table.movable.iter().copied())
            };
            if !entry.as_ref().is_some_and(holds) {
                let movable: Vec<(Kind, Resident)> =
                    movable.map(|resident| (kinds.of(&resident.request), *resident)).collect();
                *entry = Some(Table::new(workload, NodeRoom::of(cluster, *node), version, &movable));
            }
            if let Some(table) = entry {
                table.extend(workload, kinds);
            }
        }
    }

    /// The table of a node that was refreshed.
    pub(super) fn of(&self, node: NodeId) -> Option<&Table> {
        self.by_node[node.index()].as_ref()
    }
}
