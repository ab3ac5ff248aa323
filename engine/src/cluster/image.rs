//! What a cluster is restored from, beside what jobs hold.

use serde::{Deserialize, Serialize};

use super::{Cluster, NodeState};
use crate::ids::NodeId;
use crate::inventory::Inventory;
use crate::placement::Slice;
use crate::time::Time;

/// No nodes.
impl Default for Cluster {
    fn default() -> Self {
        Self::new(Inventory::default())
    }
}

/// A cluster without what is held.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ClusterImage {
    inventory: Inventory,
    /// State of each node, and since when.
    states: Vec<(NodeState, Time)>,
    states_version: u64,
}

impl ClusterImage {
    pub(crate) fn of(cluster: &Cluster) -> Self {
        Self {
            inventory: (*cluster.inventory).clone(),
            states: cluster.nodes.iter().map(|node| (node.state, node.since)).collect(),
            states_version: cluster.states_version,
        }
    }

    /// The cluster with these slices held. `None` when the image, or what is held, is not of one cluster.
    pub(crate) fn restore<'a>(self, held: impl Iterator<Item = &'a Slice>) -> Option<Cluster> {
        if self.states.len() != self.inventory.nodes.len() {
            return None;
        }
        let mut cluster = Cluster::new(self.inventory);
        for slice in held {
            if slice.node.index() >= cluster.nodes.len() || !cluster.slice_is_free(slice) {
                return None;
            }
            cluster.occupy(slice);
        }
        for (at, (state, since)) in self.states.into_iter().enumerate() {
            cluster.set_state(NodeId::new(at), state, since);
            cluster.nodes[at].since = since;
        }
        cluster.states_version = self.states_version;
        Some(cluster)
    }
}
