//! Nodes come up, drain and go down.

use serde::{Deserialize, Serialize};

use super::Cluster;
use crate::ids::NodeId;
use crate::inventory::UNLIMITED;
use crate::shape::MILLI;
use crate::time::Time;

/// Whether a node takes work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeState {
    /// It does.
    Up,
    /// An operator wants it empty: what runs there ends in peace, nothing new starts.
    Draining,
    /// It is broken.
    Down,
}

impl Cluster {
    /// Enters a node that is up into the indices.
    pub(super) fn enlist(&mut self, node: NodeId) {
        let (model, free) = (self.nodes[node.index()].model.index(), self.nodes[node.index()].free);
        self.bucket(node, model, free as usize);
        let partial: Vec<_> =
            self.partial.range((node, 0)..=(node, u32::MAX)).map(|((_, gpu), free)| (*gpu, *free)).collect();
        for &(gpu, room) in &partial {
            self.partial_by_room.insert((room, node, gpu));
        }
        let milli = self.node_free_milli(node);
        self.free_milli += milli;
        self.domains.add(node, milli);
        self.up_milli += u64::from(self.nodes[node.index()].gpus) * u64::from(MILLI);
        self.count_beside(node, |sum, amount| *sum += amount, |nodes| *nodes += 1);
    }

    /// Takes a node that goes down or drains out of the indices.
    fn delist(&mut self, node: NodeId) {
        let (model, free) = (self.nodes[node.index()].model.index(), self.nodes[node.index()].free);
        self.unbucket(node, model, free as usize);
        let partial: Vec<_> =
            self.partial.range((node, 0)..=(node, u32::MAX)).map(|((_, gpu), free)| (*gpu, *free)).collect();
        for &(gpu, room) in &partial {
            self.partial_by_room.remove(&(room, node, gpu));
        }
        let milli = self.node_free_milli(node);
        self.free_milli -= milli;
        self.domains.take(node, milli);
        self.up_milli -= u64::from(self.nodes[node.index()].gpus) * u64::from(MILLI);
        self.count_beside(node, |sum, amount| *sum -= amount, |nodes| *nodes -= 1);
    }

    fn node_free_milli(&self, node: NodeId) -> u64 {
        let partial: u64 = self.partial.range((node, 0)..=(node, u32::MAX)).map(|(_, free)| u64::from(*free)).sum();
        u64::from(self.nodes[node.index()].free) * u64::from(MILLI) + partial
    }

    /// Sets the state of a node. What it holds stays held until it is vacated.
    pub fn set_state(&mut self, node: NodeId, state: NodeState, now: Time) {
        let before = self.nodes[node.index()].state;
        if before == state {
            return;
        }
        if before == NodeState::Up {
            self.delist(node);
        }
        self.states_version += 1;
        self.usage.touch(node);
        self.nodes[node.index()].state = state;
        self.nodes[node.index()].since = now;
        if state == NodeState::Up {
            self.enlist(node);
        }
    }

    /// Enters or takes out what a node has beside its GPUs.
    fn count_beside(&mut self, node: NodeId, change: impl Fn(&mut u64, u64), many: impl Fn(&mut u32)) {
        let spec = &self.inventory.nodes[node.index()];
        for (at, amount) in [spec.cpu_milli, spec.memory_mib].into_iter().enumerate() {
            if amount == UNLIMITED {
                many(&mut self.up_unlimited[at]);
            } else {
                change(&mut self.up_beside[at], u64::from(amount));
            }
        }
    }
}
