//! F of a whole cluster, kept up to date node by node.

use engine::{Cluster, NodeId, NodeState};

use super::{NodeRoom, Workload};

/// F of each node and of all, for one workload. It follows the versions of nodes, so that a look costs what changed.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    workload: Workload,
    /// Version of each node when it was measured, `u64::MAX` before.
    seen: Vec<u64>,
    version: Option<u64>,
    nodes: Vec<u64>,
    sum: u64,
}

impl Meter {
    /// Nothing is measured yet.
    pub fn new(workload: Workload) -> Self {
        Self { workload, ..Self::default() }
    }

    /// The workload that it measures for.
    pub fn workload(&self) -> &Workload {
        &self.workload
    }

    /// Measures for another workload from now on.
    pub fn set_workload(&mut self, workload: Workload) {
        *self = Self::new(workload);
    }

    /// Catches up with the cluster. Only nodes that are up count. A meter belongs to one cluster.
    pub fn follow(&mut self, cluster: &Cluster) {
        if self.version == Some(cluster.version()) {
            return;
        }
        if self.seen.len() != cluster.len() {
            (self.seen, self.nodes, self.sum) = (vec![u64::MAX; cluster.len()], vec![0; cluster.len()], 0);
            self.version = None;
        }
        match self.version.and_then(|version| cluster.touched_since(version)) {
            Some(touched) => touched.for_each(|node| self.measure(cluster, node)),
            None => (0..cluster.len()).for_each(|at| self.measure(cluster, NodeId::new(at))),
        }
        self.version = Some(cluster.version());
    }

    fn measure(&mut self, cluster: &Cluster, node: NodeId) {
        let (at, version) = (node.index(), cluster.versions()[node.index()]);
        if self.seen[at] == version {
            return;
        }
        self.seen[at] = version;
        let up = cluster.state(node) == NodeState::Up;
        let now = if up { self.workload.fragmentation(&NodeRoom::of(cluster, node)) } else { 0 };
        self.sum = self.sum - self.nodes[at] + now;
        self.nodes[at] = now;
    }

    /// F of a node as last measured, in thousandths of a GPU x weight.
    pub fn node(&self, node: NodeId) -> u64 {
        self.nodes.get(node.index()).copied().unwrap_or(0)
    }

    /// F of all nodes as last measured, in thousandths of a GPU x weight.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// F of all nodes as last measured, in thousandths of a GPU.
    pub fn milli(&self) -> f64 {
        if self.workload.total() == 0 { 0.0 } else { self.sum as f64 / self.workload.total() as f64 }
    }
}
