//! Where a run is: which GPUs of which nodes, and the CPU and memory beside them.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::ids::NodeId;
use crate::shape::MILLI;

/// GPUs in one word of a [`Slice`] mask.
pub const BANK: u32 = 64;

/// A part of one node: up to 64 GPUs of one bank, whole or one of them in part, with CPU and memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slice {
    /// The node.
    pub node: NodeId,
    /// GPUs `64 * bank ..` of the node.
    pub bank: u16,
    /// Thousandths of each GPU in `mask`: 1000, or less with a single bit in `mask`.
    pub milli: u16,
    /// One bit a GPU.
    pub mask: u64,
    /// Thousandths of a CPU core.
    pub cpu_milli: u32,
    /// Main memory in MiB.
    pub memory_mib: u32,
}

impl Slice {
    /// Thousandths of a GPU held.
    pub fn gpu_milli(&self) -> u64 {
        u64::from(self.mask.count_ones()) * u64::from(self.milli)
    }

    /// GPUs touched.
    pub fn gpus(&self) -> u32 {
        self.mask.count_ones()
    }

    /// Whether the GPUs are held as a whole.
    pub fn is_whole(&self) -> bool {
        u32::from(self.milli) == MILLI
    }

    /// Indices of the GPUs in the node.
    pub fn gpu_indices(&self) -> impl Iterator<Item = u32> + use<> {
        let (mask, base) = (self.mask, u32::from(self.bank) * BANK);
        (0..BANK).filter(move |bit| mask >> bit & 1 == 1).map(move |bit| base + bit)
    }

    /// Whether the two hold a GPU in common.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.node == other.node && self.bank == other.bank && self.mask & other.mask != 0
    }
}

/// All slices of a run, in the order in which they were taken.
pub type Placement = SmallVec<[Slice; 1]>;

/// Nodes that a placement touches.
pub fn nodes_spanned(placement: &[Slice]) -> usize {
    let mut nodes: SmallVec<[NodeId; 8]> = placement.iter().map(|slice| slice.node).collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes.len()
}

/// Thousandths of a GPU that a placement holds.
pub fn gpu_milli(placement: &[Slice]) -> u64 {
    placement.iter().map(Slice::gpu_milli).sum()
}
