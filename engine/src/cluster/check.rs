//! The indices of the cluster, recomputed.

use std::collections::BTreeSet;

use super::{Cluster, NodeState};
use crate::bitmap::Bitmap;
use crate::ids::NodeId;
use crate::placement::BANK;

impl Cluster {
    /// Recomputes every index from masks and states, and says which disagrees.
    pub fn check(&self) -> Result<(), String> {
        let mut fresh = Self {
            free_milli: 0,
            up_milli: 0,
            up_beside: [0; 2],
            up_unlimited: [0; 2],
            partial_by_room: BTreeSet::new(),
            domains: self.domains.emptied(),
            ..self.clone()
        };
        for counts in &mut fresh.buckets {
            counts.fill(Bitmap::with_bound(self.nodes.len()));
        }
        fresh.sizes.iter_mut().for_each(|sizes| sizes.fill(0));
        for index in 0..self.nodes.len() {
            let node = NodeId::new(index);
            let hot = &self.nodes[index];
            let masks: u32 =
                (0..hot.gpus.div_ceil(BANK)).map(|bank| self.free_mask(node, bank as u16).count_ones()).sum();
            if masks != hot.free {
                return Err(format!("node {node}: {masks} GPUs free by mask, {} by count", hot.free));
            }
            if hot.state == NodeState::Up {
                fresh.enlist(node);
            }
        }
        let same = fresh.buckets == self.buckets && fresh.sizes == self.sizes;
        if !same || fresh.partial_by_room != self.partial_by_room {
            return Err("the index of free nodes disagrees with the masks".to_owned());
        }
        if fresh.domains != self.domains {
            return Err("the index of free GPUs by domain disagrees with the masks".to_owned());
        }
        if (fresh.free_milli, fresh.up_milli) != (self.free_milli, self.up_milli) {
            return Err(format!(
                "{} thousandths of a GPU free by mask, {} by total",
                fresh.free_milli, self.free_milli
            ));
        }
        if fresh.up() != self.up() {
            return Err("CPU and memory of the nodes that are up are miscounted".to_owned());
        }
        Ok(())
    }
}
