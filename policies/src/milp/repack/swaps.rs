//! What each node could give and take: the columns of a re-packing.

use engine::{Draft, NodeId, TaskRequest};
use smallvec::{SmallVec, smallvec};

use super::pairs::Pairs;
use super::residents::{Resident, Residents};
use super::seat;
use crate::fragmentation::{NodeRoom, Workload};

/// A request that tasks share, by its place in [`Kinds`].
pub(super) type Kind = u32;

/// The requests that were seen, in the order in which they were seen. What it holds beyond those of running tasks never
/// matters: nobody could take what nobody gives. Nor do its numbers: all that is sorted is sorted by request.
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
    /// F as it is.
    pub(super) now: u64,
    pub(super) room: NodeRoom,
    pub(super) groups: Vec<Group>,
    /// By kind: how F grows when one of it comes.
    pub(super) takes: Vec<f64>,
    /// Two runs that leave together, by the kind that comes.
    pub(super) pairs: Pairs,
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
        Self { version, now, room, groups, takes: Vec::new(), pairs: Pairs::default() }
    }

    /// Whether it was made for just those of these runs that may move.
    fn is_of(&self, draft: &Draft<'_>, residents: &[Resident]) -> bool {
        let mut movable = residents.iter().filter(|resident| draft.is_placed(resident.job));
        let count = self.groups.iter().map(|group| group.runs.len()).sum::<usize>();
        count == movable.clone().count()
            && movable.all(|resident| self.groups.iter().any(|group| group.runs.contains(resident)))
    }

    /// Fills in the kinds that are new.
    fn extend(&mut self, workload: &Workload, kinds: &Kinds) {
        let more = kinds.len() - self.takes.len();
        self.takes.reserve_exact(more);
        self.groups.iter_mut().for_each(|group| group.takes.reserve_exact(more));
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

/// The tables of all nodes, computed when they are asked for and kept until the node or its runs change.
#[derive(Debug, Default)]
pub(super) struct Tables {
    by_node: Vec<Option<Table>>,
}

impl Tables {
    /// Forgets all: the workload is another.
    pub(super) fn forget(&mut self) {
        self.by_node.clear();
    }

    /// Forgets one node: other runs may move, or at another price.
    pub(super) fn forget_node(&mut self, node: NodeId) {
        if let Some(table) = self.by_node.get_mut(node.index()) {
            *table = None;
        }
    }

    /// Brings the tables of `nodes` up to date and tells which were made anew. Runs that this draft stops, moves or starts
    /// stay where they are; whatever the draft does with a run also changes its node.
    pub(super) fn refresh(
        &mut self,
        draft: &Draft<'_>,
        workload: &Workload,
        residents: &Residents,
        kinds: &mut Kinds,
        nodes: &[NodeId],
        mut tell: impl FnMut(NodeId),
    ) {
        let cluster = draft.cluster();
        self.by_node.resize(cluster.len(), None);
        for node in nodes {
            let version = cluster.versions()[node.index()];
            let entry = &mut self.by_node[node.index()];
            if entry.as_ref().is_some_and(|table| table.version == version) {
                debug_assert!(entry.as_ref().is_some_and(|table| table.is_of(draft, residents.on(*node))));
                continue;
            }
            let movable = residents.on(*node).iter().filter(|resident| draft.is_placed(resident.job));
            let movable: Vec<(Kind, Resident)> =
                movable.map(|resident| (kinds.of(&resident.request), *resident)).collect();
            *entry = Some(Table::new(workload, NodeRoom::of(cluster, *node), version, &movable));
            tell(*node);
        }
        for node in nodes {
            if let Some(table) = self.by_node[node.index()].as_mut().filter(|table| table.takes.len() < kinds.len()) {
                table.extend(workload, kinds);
            }
        }
    }

    /// Computes which pairs of runs make room for a task of this kind on `nodes`, where that is not known.
    pub(super) fn pair(&mut self, workload: &Workload, kinds: &Kinds, nodes: &[NodeId], kind: Kind) {
        let request = kinds.request(kind);
        for node in nodes {
            if let Some(table) = self.by_node[node.index()].as_mut() {
                table.pair(workload, kind, request);
            }
        }
    }

    /// The table of a node that was refreshed.
    pub(super) fn of(&self, node: NodeId) -> Option<&Table> {
        self.by_node.get(node.index())?.as_ref()
    }
}
