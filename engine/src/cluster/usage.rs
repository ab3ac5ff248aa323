//! When nodes changed, and what kinds of tasks hold GPUs there.

use smallvec::SmallVec;

use super::Cluster;
use crate::ids::NodeId;
use crate::placement::Slice;

/// So many changes of nodes are remembered one by one.
const REMEMBERED: usize = 256;

/// Equal tasks that hold GPUs of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Whole GPUs of each; 0 for a part of one GPU.
    pub gpus: u32,
    /// How many there are.
    pub tasks: u32,
}

/// What is counted by node. A task on more than one bank of 64 GPUs counts once for each.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// Grows with each change of any node.
    version: u64,
    /// The version at which a node last changed.
    versions: Vec<u64>,
    /// The nodes that changed last: that of version v stands at v modulo the length. Empty before the first change.
    last: Vec<NodeId>,
    held: Vec<SmallVec<[Held; 2]>>,
}

/// Without the versions: they tell that something happened, and a draft that is rolled back happened too.
impl std::fmt::Debug for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sorted = |held: &SmallVec<[Held; 2]>| {
            held.iter().map(|held| (held.gpus, held.tasks)).collect::<std::collections::BTreeMap<_, _>>()
        };
        f.debug_struct("Usage").field("held", &self.held.iter().map(sorted).collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

impl Usage {
    pub(super) fn new(nodes: usize) -> Self {
        Self { version: 0, versions: vec![0; nodes], last: Vec::new(), held: vec![SmallVec::new(); nodes] }
    }

    pub(super) fn touch(&mut self, node: NodeId) {
        self.version += 1;
        self.versions[node.index()] = self.version;
        if self.last.is_empty() {
            self.last.resize(REMEMBERED, node);
        }
        self.last[self.version as usize % REMEMBERED] = node;
    }

    pub(super) fn add(&mut self, slice: &Slice) {
        self.touch(slice.node);
        let Some(gpus) = kind(slice) else { return };
        let held = &mut self.held[slice.node.index()];
        match held.iter_mut().find(|held| held.gpus == gpus) {
            Some(held) => held.tasks += 1,
            None => held.push(Held { gpus, tasks: 1 }),
        }
    }

    pub(super) fn remove(&mut self, slice: &Slice) {
        self.touch(slice.node);
        let Some(gpus) = kind(slice) else { return };
        let held = &mut self.held[slice.node.index()];
        let Some(at) = held.iter().position(|held| held.gpus == gpus) else {
            debug_assert!(false, "a task returned twice");
            return;
        };
        held[at].tasks -= 1;
        if held[at].tasks == 0 {
            held.swap_remove(at);
        }
    }
}

/// Whole GPUs of the task, 0 for a part of one; `None` without GPUs.
fn kind(slice: &Slice) -> Option<u32> {
    let gpus = if slice.is_whole() { slice.gpus() } else { 0 };
    (slice.mask != 0).then_some(gpus)
}

impl Cluster {
    /// Grows whenever anything is taken or given back on any node, or a node changes its state. It never shrinks, not even
    /// when a draft is rolled back.
    pub fn version(&self) -> u64 {
        self.usage.version
    }

    /// By node: [`Cluster::version`] when it last changed. What was computed of a node holds while its version stands.
    pub fn versions(&self) -> &[u64] {
        &self.usage.versions
    }

    /// The nodes that changed after [`Cluster::version`] was `version`, some more than once; `None` when they were so many
    /// that only [`Cluster::versions`] tells.
    pub fn touched_since(&self, version: u64) -> Option<impl Iterator<Item = NodeId> + '_> {
        let usage = &self.usage;
        let known = usage.version.checked_sub(version).is_some_and(|touches| touches <= REMEMBERED as u64);
        known.then(|| (version + 1..=usage.version).map(|version| usage.last[version as usize % REMEMBERED]))
    }

    /// The tasks that hold GPUs of `node`, by size, in no particular order.
    pub fn held(&self, node: NodeId) -> &[Held] {
        &self.usage.held[node.index()]
    }
}
