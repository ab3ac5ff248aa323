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

    /// Whether it is of another cluster.
    pub(crate) fn differs(&self, inventory: &Inventory) -> bool {
        self.inventory != *inventory
    }

    /// Becomes the image of the same cluster after it was changed. New nodes are down since `now`. `None` where the nodes and
    /// models that were there are not the first ones.
    pub(crate) fn become_of(&mut self, inventory: &Inventory, now: Time) -> Option<()> {
        let names = |inventory: &Inventory| inventory.nodes.iter().map(|node| node.name.clone()).collect::<Vec<_>>();
        let models =
            |inventory: &Inventory| inventory.models.iter().map(|model| model.name.clone()).collect::<Vec<_>>();
        let same = names(inventory).starts_with(&names(&self.inventory));
        if !same || !models(inventory).starts_with(&models(&self.inventory)) {
            return None;
        }
        self.states.resize(inventory.nodes.len(), (NodeState::Down, now));
        self.states_version += 1;
        self.inventory = inventory.clone();
        Some(())
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
