//! Runs that could be moved, by node.

use engine::{Draft, JobId, NodeId, Phase, Slice, TaskRequest};

/// A run of one task on one slice of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::milp) struct Resident {
    pub(in crate::milp) job: JobId,
    pub(in crate::milp) request: TaskRequest,
    pub(in crate::milp) slice: Slice,
}

/// All runs that may be moved: preemptible, of one task on one bank of GPUs, and running (a run that is still being
/// launched is left alone). A cache that follows the change log.
#[derive(Debug, Default)]
pub(in crate::milp) struct Residents {
    seen: u64,
    by_node: Vec<Vec<Resident>>,
    node_of: Vec<Option<NodeId>>,
    /// Nodes whose runs changed since they were last taken.
    changed: Vec<NodeId>,
}

impl Residents {
    /// Catches up with the engine.
    pub(in crate::milp) fn sync(&mut self, draft: &Draft<'_>) {
        let changes = draft.state().changes_since(self.seen);
        if changes.anew || self.by_node.len() != draft.cluster().len() {
            let nodes = draft.cluster().len();
            *self = Self { by_node: vec![Vec::new(); nodes], ..Self::default() };
            self.changed.extend((0..nodes).map(NodeId::new));
        }
        for job in changes.jobs {
            self.remove(job);
            self.enter(draft, job);
        }
        self.seen = changes.end;
    }

    fn remove(&mut self, job: JobId) {
        if self.node_of.len() <= job.index() {
            self.node_of.resize(job.index() + 1, None);
        }
        if let Some(node) = self.node_of[job.index()].take() {
            self.by_node[node.index()].retain(|resident| resident.job != job);
            self.changed.push(node);
        }
    }

    fn enter(&mut self, draft: &Draft<'_>, id: JobId) {
        let job = draft.state().job(id);
        if job.phase != Phase::Running || !job.spec.preemptible {
            return;
        }
        if let (Some(request), [slice]) = (draft.state().class_of(id).shape.single(), job.placement.as_slice()) {
            self.node_of[id.index()] = Some(slice.node);
            self.changed.push(slice.node);
            let residents = &mut self.by_node[slice.node.index()];
            let at = residents.partition_point(|resident| resident.job < id);
            residents.insert(at, Resident { job: id, request: *request, slice: *slice });
        }
    }

    /// The nodes whose runs came, went, or saved their work since the last call; some more than once.
    pub(in crate::milp) fn take_changed(&mut self) -> impl Iterator<Item = NodeId> + '_ {
        self.changed.drain(..)
    }

    /// Those on `node`, the earliest submission first.
    pub(in crate::milp) fn on(&self, node: NodeId) -> &[Resident] {
        &self.by_node[node.index()]
    }
}
