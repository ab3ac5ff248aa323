//! What one node has free, cheap to copy and to change.

use engine::placement::BANK;
use engine::{Cluster, GpuRequest, MILLI, ModelId, NodeId, Slice, TaskRequest, UNLIMITED};
use smallvec::SmallVec;

/// What a node has free: enough to say what fits and how fragmented it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeRoom {
    /// Model of its GPUs.
    pub model: ModelId,
    /// Free CPU in thousandths of a core, or [`UNLIMITED`].
    pub cpu_milli: u32,
    /// Free memory in MiB, or [`UNLIMITED`].
    pub memory_mib: u32,
    /// Free thousandths of each GPU.
    pub gpus: SmallVec<[u16; 8]>,
}

/// Which GPUs of a node a task gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GpuChoice {
    /// A part of a GPU goes where the least room is that holds it, lowest index first; whole GPUs are the lowest free ones.
    /// [`Cluster::take`] does the same.
    Tightest,
    /// A part of this GPU, by index. For a task without a part of a GPU the same as [`GpuChoice::Tightest`].
    Gpu(u32),
}

impl NodeRoom {
    /// What `node` has free now, whatever its state.
    pub fn of(cluster: &Cluster, node: NodeId) -> Self {
        let spec = cluster.spec(node);
        let mut gpus: SmallVec<[u16; 8]> = SmallVec::with_capacity(spec.gpus as usize);
        for bank in 0..spec.gpus.div_ceil(BANK) {
            let free = cluster.free_mask(node, bank as u16);
            gpus.extend((0..BANK.min(spec.gpus - bank * BANK)).map(|bit| (free >> bit & 1) as u16 * MILLI as u16));
        }
        for slice in cluster.shared_room(node) {
            slice.gpu_indices().for_each(|gpu| gpus[gpu as usize] = slice.milli);
        }
        Self {
            model: spec.model,
            cpu_milli: cluster.free_cpu_milli(node),
            memory_mib: cluster.free_memory_mib(node),
            gpus,
        }
    }

    /// All idle thousandths of its GPUs.
    pub fn idle_milli(&self) -> u64 {
        self.gpus.iter().map(|free| u64::from(*free)).sum()
    }

    /// Wholly free GPUs.
    pub fn whole_gpus(&self) -> u32 {
        self.gpus.iter().filter(|free| u32::from(**free) == MILLI).count() as u32
    }

    /// Whether one task of this request fits.
    pub fn fits(&self, request: &TaskRequest) -> bool {
        if request.cpu_milli > self.cpu_milli || request.memory_mib > self.memory_mib {
            return false;
        }
        match request.gpus {
            GpuRequest::Whole(0) => true,
            _ if !request.models.contains(self.model) => false,
            GpuRequest::Whole(gpus) => gpus <= self.whole_gpus(),
            GpuRequest::Milli(milli) => self.gpus.iter().any(|free| *free >= milli),
        }
    }

    /// The GPU with the least room that holds `milli`, lowest index first.
    pub fn tightest(&self, milli: u16) -> Option<u32> {
        let fitting = self.gpus.iter().enumerate().filter(|(_, free)| **free >= milli);
        fitting.min_by_key(|(gpu, free)| (**free, *gpu)).map(|(gpu, _)| gpu as u32)
    }

    /// The choices that leave different rooms behind, for one task: GPUs with equal room are alike, so the first of each
    /// stands for all. Whether the task fits beside its GPUs is for [`NodeRoom::take`] to say.
    pub fn choices(&self, request: &TaskRequest) -> impl Iterator<Item = GpuChoice> + '_ {
        let part = if let GpuRequest::Milli(milli) = request.gpus { Some(milli) } else { None };
        let differs = move |gpu: &usize| {
            part.is_some_and(|milli| self.gpus[*gpu] >= milli) && !self.gpus[..*gpu].contains(&self.gpus[*gpu])
        };
        let gpus = (0..self.gpus.len()).filter(differs).map(|gpu| GpuChoice::Gpu(gpu as u32));
        part.is_none().then_some(GpuChoice::Tightest).into_iter().chain(gpus)
    }

    /// Takes room for one task. `None`, and nothing changed, when it does not fit or the chosen GPU has too little room;
    /// else the GPUs that it got, as a mask of the first 64.
    pub fn take(&mut self, request: &TaskRequest, choice: GpuChoice) -> Option<u64> {
        if !self.fits(request) {
            return None;
        }
        let mut mask = 0;
        match request.gpus {
            GpuRequest::Whole(gpus) => {
                let free = self.gpus.iter_mut().enumerate().filter(|(_, free)| u32::from(**free) == MILLI);
                for (gpu, free) in free.take(gpus as usize) {
                    *free = 0;
                    mask |= bit(gpu);
                }
            }
            GpuRequest::Milli(milli) => {
                let gpu = match choice {
                    GpuChoice::Tightest => self.tightest(milli)?,
                    GpuChoice::Gpu(gpu) => gpu,
                } as usize;
                let free = self.gpus.get_mut(gpu).filter(|free| **free >= milli)?;
                *free -= milli;
                mask = bit(gpu);
            }
        }
        self.charge(request.cpu_milli, request.memory_mib);
        Some(mask)
    }

    /// Takes exactly this slice, which must be free.
    pub fn take_slice(&mut self, slice: &Slice) {
        slice.gpu_indices().for_each(|gpu| self.gpus[gpu as usize] -= slice.milli);
        self.charge(slice.cpu_milli, slice.memory_mib);
    }

    /// Puts back what a slice held.
    pub fn put_slice(&mut self, slice: &Slice) {
        slice.gpu_indices().for_each(|gpu| self.gpus[gpu as usize] += slice.milli);
        if self.cpu_milli != UNLIMITED {
            self.cpu_milli += slice.cpu_milli;
        }
        if self.memory_mib != UNLIMITED {
            self.memory_mib += slice.memory_mib;
        }
    }

    fn charge(&mut self, cpu_milli: u32, memory_mib: u32) {
        if self.cpu_milli != UNLIMITED {
            self.cpu_milli -= cpu_milli;
        }
        if self.memory_mib != UNLIMITED {
            self.memory_mib -= memory_mib;
        }
    }
}

fn bit(gpu: usize) -> u64 {
    if gpu < 64 { 1 << gpu } else { 0 }
}
