//! What is free now. The only place where GPUs, CPU and memory change hands.
//!
//! Wholly free GPUs are bits in a mask; nodes are indexed by how many they have, per model, so that best fit,
//! worst fit and first fit need a few instructions at any size. GPUs held in part are in an ordered set beside it.

mod check;
mod domains;
mod image;
mod scores;
mod search;
mod states;
mod usage;

use std::collections::{BTreeMap, BTreeSet};

use self::domains::DomainIndex;
pub(crate) use self::image::ClusterImage;
use self::scores::ScoreIndex;
pub use self::search::Scan;
pub use self::states::NodeState;
pub use self::usage::Held;
use self::usage::Usage;
use crate::bitmap::Bitmap;
use crate::ids::{ModelId, NodeId};
use crate::inventory::{Inventory, NodeSpec, UNLIMITED};
use crate::placement::{BANK, Placement, Slice};
use crate::shape::{GpuRequest, MILLI, TaskRequest};
use crate::terms::Amounts;
use crate::topology::Level;

/// The part of a node that changes, kept small because every placement reads it.
#[derive(Clone, Debug)]
struct Node {
    first_bank: u32,
    /// Wholly free GPUs.
    free: u32,
    gpus: u32,
    cpu_free: u32,
    memory_free: u32,
    model: ModelId,
    state: NodeState,
    since: crate::time::Time,
}

/// A restriction of a search to one domain of the topology.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Within {
    /// Level of the domain.
    pub level: Level,
    /// The domain.
    pub domain: crate::ids::DomainId,
}

/// Free resources of all nodes, with indices for the searches of placers.
#[derive(Clone, Debug)]
pub struct Cluster {
    inventory: std::sync::Arc<Inventory>,
    nodes: Vec<Node>,
    /// Wholly free GPUs, a word a bank.
    banks: Vec<u64>,
    /// Free thousandths of GPUs that are held in part, by (node, GPU).
    partial: BTreeMap<(NodeId, u32), u16>,
    /// The same for nodes that are up, tightest first.
    partial_by_room: BTreeSet<(u16, NodeId, u32)>,
    /// Nodes that are up by (model, wholly free GPUs).
    buckets: Vec<Vec<Bitmap>>,
    /// Per model and free count: how many nodes are in the bucket.
    sizes: Vec<Vec<u32>>,
    domains: DomainIndex,
    /// By application class.
    scores: std::sync::Arc<[ScoreIndex]>,
    free_milli: u64,
    up_milli: u64,
    /// Grows when a node changes its state.
    states_version: u64,
    /// Versions of nodes, and what runs there.
    usage: Usage,
    /// CPU (thousandths of a core) and memory (MiB) of nodes that are up and have a limit.
    up_beside: [u64; 2],
    /// Nodes that are up and have no limit of CPU, of memory.
    up_unlimited: [u32; 2],
}

impl Cluster {
    /// All nodes up and empty.
    pub fn new(inventory: Inventory) -> Self {
        let mut first_bank = 0;
        let mut nodes = Vec::with_capacity(inventory.nodes.len());
        let mut banks = Vec::new();
        for spec in &inventory.nodes {
            nodes.push(Node {
                first_bank,
                free: spec.gpus,
                gpus: spec.gpus,
                cpu_free: spec.cpu_milli,
                memory_free: spec.memory_mib,
                model: spec.model,
                state: NodeState::Up,
                since: crate::time::Time::ZERO,
            });
            let count = spec.gpus.div_ceil(BANK);
            banks.extend((0..count).map(|bank| low_bits(spec.gpus - bank * BANK)));
            first_bank += count;
        }
        let models = inventory.models.len().max(1);
        let most = |model: usize| {
            let of_model = inventory.nodes.iter().filter(|node| node.model.index() == model);
            of_model.map(|node| node.gpus as usize).max().unwrap_or(0)
        };
        let bound = inventory.nodes.len();
        let buckets: Vec<Vec<Bitmap>> = (0..models).map(|m| vec![Bitmap::with_bound(bound); most(m) + 1]).collect();
        let sizes = buckets.iter().map(|counts| vec![0; counts.len()]).collect();
        let mut cluster = Self {
            domains: DomainIndex::new(&inventory),
            scores: ScoreIndex::all(&inventory).into(),
            inventory: std::sync::Arc::new(inventory),
            nodes,
            banks,
            partial: BTreeMap::new(),
            partial_by_room: BTreeSet::new(),
            buckets,
            sizes,
            free_milli: 0,
            up_milli: 0,
            states_version: 0,
            usage: Usage::new(bound),
            up_beside: [0; 2],
            up_unlimited: [0; 2],
        };
        for node in 0..cluster.nodes.len() {
            cluster.enlist(NodeId::new(node));
        }
        cluster
    }

    /// What the cluster is made of.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// The fixed facts about `node`.
    pub fn spec(&self, node: NodeId) -> &NodeSpec {
        &self.inventory.nodes[node.index()]
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node at all.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Up, draining or down.
    pub fn state(&self, node: NodeId) -> NodeState {
        self.nodes[node.index()].state
    }

    /// Since when the node is in its state.
    pub fn since(&self, node: NodeId) -> crate::time::Time {
        self.nodes[node.index()].since
    }

    /// Grows when a node changes its state.
    pub fn states_version(&self) -> u64 {
        self.states_version
    }

    /// Wholly free GPUs of `node`, whatever its state.
    pub fn free_gpus(&self, node: NodeId) -> u32 {
        self.nodes[node.index()].free
    }

    /// Free CPU of `node` in thousandths of a core.
    pub fn free_cpu_milli(&self, node: NodeId) -> u32 {
        self.nodes[node.index()].cpu_free
    }

    /// Free main memory of `node` in MiB.
    pub fn free_memory_mib(&self, node: NodeId) -> u32 {
        self.nodes[node.index()].memory_free
    }

    /// Mask of the wholly free GPUs of one bank of `node`.
    pub fn free_mask(&self, node: NodeId, bank: u16) -> u64 {
        self.banks[(self.nodes[node.index()].first_bank + u32::from(bank)) as usize]
    }

    /// Free thousandths of GPU `gpu` of `node`.
    pub fn free_milli_of(&self, node: NodeId, gpu: u32) -> u16 {
        let whole = self.free_mask(node, (gpu / BANK) as u16) >> (gpu % BANK) & 1 == 1;
        if whole { MILLI as u16 } else { self.partial.get(&(node, gpu)).copied().unwrap_or(0) }
    }

    /// Free thousandths of a GPU on nodes that are up.
    pub fn free_gpu_milli(&self) -> u64 {
        self.free_milli
    }

    /// Thousandths of a GPU on nodes that are up, free or not.
    pub fn up_gpu_milli(&self) -> u64 {
        self.up_milli
    }

    /// What nodes that are up have, free or not. CPU and memory are `u64::MAX` where such a node has no limit.
    pub fn up(&self) -> Amounts {
        let beside = |at: usize| if self.up_unlimited[at] > 0 { u64::MAX } else { self.up_beside[at] };
        Amounts { gpu_milli: self.up_milli, cpu_milli: beside(0), memory_mib: beside(1) }
    }

    /// Whether one task fits on `node` now.
    pub fn fits(&self, node: NodeId, request: &TaskRequest) -> bool {
        let hot = &self.nodes[node.index()];
        hot.state == NodeState::Up && Self::beside_fits(hot, request) && self.gpus_fit(node, hot, request)
    }

    fn beside_fits(hot: &Node, request: &TaskRequest) -> bool {
        request.cpu_milli <= hot.cpu_free && request.memory_mib <= hot.memory_free
    }

    fn gpus_fit(&self, node: NodeId, hot: &Node, request: &TaskRequest) -> bool {
        match request.gpus {
            GpuRequest::Whole(0) => true,
            GpuRequest::Whole(gpus) => gpus <= hot.free && request.models.contains(hot.model),
            GpuRequest::Milli(milli) => {
                request.models.contains(hot.model) && (hot.free > 0 || self.tightest(node, milli).is_some())
            }
        }
    }

    /// The GPU of `node` that is held in part and has the least room that still fits `milli`.
    fn tightest(&self, node: NodeId, milli: u16) -> Option<u32> {
        let of_node = self.partial.range((node, 0)..=(node, u32::MAX));
        of_node
            .filter(|(_, free)| **free >= milli)
            .min_by_key(|((_, gpu), free)| (**free, *gpu))
            .map(|((_, gpu), _)| *gpu)
    }

    /// Takes room for one task on `node`, lowest GPUs first, a shared GPU before a fresh one.
    /// `None`, and nothing changed, when it does not fit.
    pub fn take(&mut self, node: NodeId, request: &TaskRequest, into: &mut Placement) -> Option<()> {
        if !self.fits(node, request) {
            return None;
        }
        let blank = Slice {
            node,
            bank: 0,
            milli: MILLI as u16,
            mask: 0,
            cpu_milli: request.cpu_milli,
            memory_mib: request.memory_mib,
        };
        let from = into.len();
        match request.gpus {
            GpuRequest::Whole(0) => into.push(blank),
            GpuRequest::Whole(gpus) => self.pick_whole(blank, gpus, into),
            GpuRequest::Milli(milli) => {
                let gpu = self.tightest(node, milli).or_else(|| self.lowest_free(node))?;
                into.push(Slice { bank: (gpu / BANK) as u16, milli, mask: 1 << (gpu % BANK), ..blank });
            }
        }
        for at in from..into.len() {
            let slice = into[at];
            self.occupy(&slice);
        }
        Some(())
    }

    fn pick_whole(&self, blank: Slice, gpus: u32, into: &mut Placement) {
        let (mut left, mut bank, mut slice) = (gpus, 0, blank);
        while left > 0 {
            let mut free = self.free_mask(blank.node, bank);
            let mut mask = 0;
            while free != 0 && left > 0 {
                let bit = free & free.wrapping_neg();
                mask |= bit;
                free ^= bit;
                left -= 1;
            }
            if mask != 0 {
                into.push(Slice { bank, mask, ..slice });
                (slice.cpu_milli, slice.memory_mib) = (0, 0);
            }
            bank += 1;
        }
    }

    fn lowest_free(&self, node: NodeId) -> Option<u32> {
        let banks = self.nodes[node.index()].gpus.div_ceil(BANK);
        (0..banks).find_map(|bank| {
            let free = self.free_mask(node, bank as u16);
            (free != 0).then(|| bank * BANK + free.trailing_zeros())
        })
    }

    /// Whether exactly `slice` is free now, on a node that is up.
    pub fn slice_is_free(&self, slice: &Slice) -> bool {
        let hot = &self.nodes[slice.node.index()];
        let gpus_free = if slice.is_whole() {
            slice.mask == 0 || slice.mask & !self.free_mask(slice.node, slice.bank) == 0
        } else {
            slice.gpu_indices().all(|gpu| self.free_milli_of(slice.node, gpu) >= slice.milli)
        };
        hot.state == NodeState::Up
            && gpus_free
            && slice.cpu_milli <= hot.cpu_free
            && slice.memory_mib <= hot.memory_free
    }

    /// Marks `slice` as held. The caller has checked that it is free.
    pub fn occupy(&mut self, slice: &Slice) {
        let node = slice.node;
        self.usage.add(slice);
        self.charge(slice);
        if slice.is_whole() {
            debug_assert!(slice.mask == 0 || slice.mask & !self.free_mask(node, slice.bank) == 0, "GPU given twice");
            if slice.mask != 0 {
                let bank = self.bank_of(slice);
                self.banks[bank] &= !slice.mask;
                self.recount(node, self.nodes[node.index()].free - slice.gpus());
            }
            return;
        }
        for gpu in slice.gpu_indices() {
            let free = self.free_milli_of(node, gpu);
            debug_assert!(free >= slice.milli, "GPU given twice");
            self.set_milli(node, gpu, free - slice.milli);
        }
    }

    /// Marks `slice` as free again.
    pub fn vacate(&mut self, slice: &Slice) {
        let node = slice.node;
        self.usage.remove(slice);
        self.refund(slice);
        if slice.is_whole() {
            debug_assert!(slice.mask == 0 || slice.mask & self.free_mask(node, slice.bank) == 0, "GPU returned twice");
            if slice.mask != 0 {
                let bank = self.bank_of(slice);
                self.banks[bank] |= slice.mask;
                self.recount(node, self.nodes[node.index()].free + slice.gpus());
            }
            return;
        }
        for gpu in slice.gpu_indices() {
            let free = self.free_milli_of(node, gpu);
            debug_assert!(u32::from(free) + u32::from(slice.milli) <= MILLI, "GPU returned twice");
            self.set_milli(node, gpu, free + slice.milli);
        }
    }

    fn bank_of(&self, slice: &Slice) -> usize {
        (self.nodes[slice.node.index()].first_bank + u32::from(slice.bank)) as usize
    }

    fn charge(&mut self, slice: &Slice) {
        let milli = slice.gpu_milli();
        let hot = &mut self.nodes[slice.node.index()];
        debug_assert!(
            slice.cpu_milli <= hot.cpu_free && slice.memory_mib <= hot.memory_free,
            "CPU or memory given twice"
        );
        if hot.cpu_free != UNLIMITED {
            hot.cpu_free -= slice.cpu_milli;
        }
        if hot.memory_free != UNLIMITED {
            hot.memory_free -= slice.memory_mib;
        }
        if hot.state == NodeState::Up {
            self.free_milli -= milli;
            self.domains.take(slice.node, milli);
        }
    }

    fn refund(&mut self, slice: &Slice) {
        let milli = slice.gpu_milli();
        let hot = &mut self.nodes[slice.node.index()];
        if hot.cpu_free != UNLIMITED {
            hot.cpu_free += slice.cpu_milli;
        }
        if hot.memory_free != UNLIMITED {
            hot.memory_free += slice.memory_mib;
        }
        if hot.state == NodeState::Up {
            self.free_milli += milli;
            self.domains.add(slice.node, milli);
        }
    }

    /// Sets the free thousandths of a GPU that is, or becomes, held in part.
    fn set_milli(&mut self, node: NodeId, gpu: u32, free: u16) {
        let before = self.free_milli_of(node, gpu);
        let up = self.nodes[node.index()].state == NodeState::Up;
        let bit = 1u64 << (gpu % BANK);
        let bank = (self.nodes[node.index()].first_bank + gpu / BANK) as usize;
        if u32::from(before) == MILLI {
            self.banks[bank] &= !bit;
            self.recount(node, self.nodes[node.index()].free - 1);
        } else if let Some(old) = self.partial.remove(&(node, gpu)) {
            self.partial_by_room.remove(&(old, node, gpu));
        }
        if u32::from(free) == MILLI {
            self.banks[bank] |= bit;
            self.recount(node, self.nodes[node.index()].free + 1);
        } else {
            self.partial.insert((node, gpu), free);
            if up {
                self.partial_by_room.insert((free, node, gpu));
            }
        }
    }

    /// Moves `node` to the bucket of its new free count.
    fn recount(&mut self, node: NodeId, free: u32) {
        let hot = &mut self.nodes[node.index()];
        let (before, model) = (hot.free as usize, hot.model.index());
        hot.free = free;
        if hot.state == NodeState::Up {
            self.unbucket(node, model, before);
            self.bucket(node, model, free as usize);
        }
    }

    fn bucket(&mut self, node: NodeId, model: usize, free: usize) {
        self.buckets[model][free].insert(node.index());
        self.sizes[model][free] += 1;
    }

    fn unbucket(&mut self, node: NodeId, model: usize, free: usize) {
        self.buckets[model][free].remove(node.index());
        self.sizes[model][free] -= 1;
    }
}

fn low_bits(count: u32) -> u64 {
    if count >= BANK { u64::MAX } else { (1 << count) - 1 }
}
