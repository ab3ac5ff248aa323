//! Which GPUs are how good for which applications, so that a search by score costs what it finds. It never changes.

use super::{Cluster, low_bits};
use crate::ids::{AppId, NodeId};
use crate::inventory::Inventory;
use crate::placement::BANK;

/// The bins of one application class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ScoreIndex {
    /// Score of each bin in thousandths, best first.
    scores_milli: Vec<u32>,
    /// Nodes with a GPU of each bin, by id.
    nodes: Vec<Vec<NodeId>>,
    /// By bin and bank of the cluster: GPUs of this bin and of better ones.
    up_to: Vec<Vec<u64>>,
}

impl ScoreIndex {
    /// An index a class.
    pub(super) fn all(inventory: &Inventory) -> Vec<Self> {
        (0..inventory.variability.len()).map(|app| Self::new(inventory, app)).collect()
    }

    fn new(inventory: &Inventory, app: usize) -> Self {
        let profile = &inventory.variability[app];
        let scores_milli: Vec<u32> = profile.bins.iter().map(|bin| bin.score_milli).collect();
        let banks: usize = inventory.nodes.iter().map(|spec| spec.gpus.div_ceil(BANK) as usize).sum();
        let mut index = Self {
            nodes: vec![Vec::new(); scores_milli.len()],
            up_to: vec![vec![0; banks]; scores_milli.len()],
            scores_milli,
        };
        let mut first_bank = 0;
        for (at, spec) in inventory.nodes.iter().enumerate() {
            let node = NodeId::new(at);
            for gpu in 0..spec.gpus {
                let bin = profile.bin_of(profile.score_milli(node, gpu));
                let Some(nodes) = index.nodes.get_mut(bin) else { continue };
                if nodes.last() != Some(&node) {
                    nodes.push(node);
                }
                for masks in &mut index.up_to[bin..] {
                    masks[first_bank + (gpu / BANK) as usize] |= 1 << (gpu % BANK);
                }
            }
            first_bank += spec.gpus.div_ceil(BANK) as usize;
        }
        index
    }
}

impl Cluster {
    /// Scores of the bins of an application class in thousandths, best first; empty where GPUs do not differ.
    pub fn bins(&self, app: AppId) -> &[u32] {
        self.scores.get(app.index()).map_or(&[], |index| &index.scores_milli)
    }

    /// Nodes with a GPU of the bin, free or not, by id.
    pub fn nodes_of_bin(&self, app: AppId, bin: usize) -> &[NodeId] {
        self.scores.get(app.index()).and_then(|index| index.nodes.get(bin)).map_or(&[], Vec::as_slice)
    }

    /// Mask of the wholly free GPUs of one bank of `node` that are of the bin or of a better one.
    pub fn free_mask_up_to(&self, app: AppId, bin: usize, node: NodeId, bank: u16) -> u64 {
        let at = self.nodes[node.index()].first_bank as usize + bank as usize;
        let up_to = self.scores.get(app.index()).and_then(|index| index.up_to.get(bin));
        self.free_mask(node, bank) & up_to.map_or(low_bits(BANK), |masks| masks[at])
    }

    /// Wholly free GPUs of `node` that are of the bin or of a better one.
    pub fn free_gpus_up_to(&self, app: AppId, bin: usize, node: NodeId) -> u32 {
        let banks = self.nodes[node.index()].gpus.div_ceil(BANK);
        (0..banks).map(|bank| self.free_mask_up_to(app, bin, node, bank as u16).count_ones()).sum()
    }
}
