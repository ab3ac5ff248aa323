//! Searches of placers: nodes that fit, in an order.

use super::{Cluster, Within};
use crate::ids::{ModelId, NodeId};
use crate::placement::{BANK, Slice};
use crate::shape::{GpuRequest, TaskRequest};
use crate::topology::Level;

/// Direction of [`Cluster::by_free`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    /// Fewest free GPUs first: best fit.
    FewestFree,
    /// Most free GPUs first: worst fit.
    MostFree,
}

impl Cluster {
    /// Whether `node` lies in the domain.
    pub fn is_within(&self, node: NodeId, within: Option<Within>) -> bool {
        within.is_none_or(|w| self.spec(node).domains.at(w.level) == Some(w.domain))
    }

    /// Nodes on which `request` fits, by rising or falling count of wholly free GPUs, then lowest id.
    pub fn by_free(
        &self,
        request: TaskRequest,
        order: Scan,
        within: Option<Within>,
    ) -> impl Iterator<Item = NodeId> + '_ {
        let need = match request.gpus {
            GpuRequest::Whole(gpus) => gpus as usize,
            GpuRequest::Milli(_) => 0,
        };
        let listed = self.listed(within).map(|members| self.sorted_by_free(members, &request, order));
        let most = self.sizes.iter().map(Vec::len).max().unwrap_or(0);
        let counts = need..most.max(need);
        let steps = if listed.is_some() { 0 } else { counts.len() };
        let count_at = move |step: usize| match order {
            Scan::FewestFree => need + step,
            Scan::MostFree => need + steps - 1 - step,
        };
        let scanned = (0..steps)
            .map(count_at)
            .flat_map(move |free| self.in_bucket(request, free))
            .filter(move |node| self.is_within(*node, within) && self.fits(*node, &request));
        listed.into_iter().flatten().chain(scanned)
    }

    /// The nodes of a domain by id, where they are few enough to look at each.
    fn listed(&self, within: Option<Within>) -> Option<&[NodeId]> {
        within.and_then(|within| self.domains.listed(within.domain))
    }

    /// Those of `members` on which `request` fits, in the order of [`Cluster::by_free`].
    fn sorted_by_free(&self, members: &[NodeId], request: &TaskRequest, order: Scan) -> Vec<NodeId> {
        let mut fitting: Vec<NodeId> = members.iter().copied().filter(|node| self.fits(*node, request)).collect();
        fitting.sort_by_key(|node| match order {
            Scan::FewestFree => self.free_gpus(*node),
            Scan::MostFree => u32::MAX - self.free_gpus(*node),
        });
        fitting
    }

    /// Domains of `level` with at least `need` thousandths of a GPU free on nodes that are up, the tightest first.
    pub fn domains(&self, level: Level, need: u64) -> impl Iterator<Item = Within> + '_ {
        self.domains.with_free(level, need).map(move |domain| Within { level, domain })
    }

    /// Whether all nodes of the domain are in one domain of `level`. A rack may cross zones.
    pub fn is_inside(&self, within: Within, level: Level) -> bool {
        self.domains.is_inside(within.domain, level)
    }

    /// Free thousandths of a GPU in a domain, on nodes that are up.
    pub fn free_milli_in(&self, within: Within) -> u64 {
        self.domains.free_milli(within.domain)
    }

    /// Nodes with exactly `free` wholly free GPUs of an allowed model, by id.
    fn in_bucket(&self, request: TaskRequest, free: usize) -> impl Iterator<Item = NodeId> + '_ {
        let mut from = 0;
        let any_model = request.gpus.milli() == 0;
        let mut models: u64 = 0;
        for (model, sizes) in self.sizes.iter().enumerate() {
            let occupied = sizes.get(free).is_some_and(|size| *size > 0);
            if occupied && (any_model || request.models.contains(ModelId::new(model))) {
                models |= 1 << model;
            }
        }
        std::iter::from_fn(move || {
            let mut best: Option<usize> = None;
            let mut rest = models;
            while rest != 0 {
                let model = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                let found = self.buckets[model][free].next(from);
                best = match (best, found) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                };
            }
            let node = best?;
            from = node + 1;
            Some(NodeId::new(node))
        })
    }

    /// Nodes with a shared GPU that has room for a fractional request, tightest GPU first, then lowest node.
    pub fn by_shared_room(&self, request: TaskRequest, within: Option<Within>) -> impl Iterator<Item = NodeId> + '_ {
        let milli = match request.gpus {
            GpuRequest::Milli(milli) => milli,
            GpuRequest::Whole(_) => u16::MAX,
        };
        let shared = self.partial_by_room.range((milli, NodeId(0), 0)..).map(|(_, node, _)| *node);
        shared.filter(move |node| self.is_within(*node, within) && self.fits(*node, &request))
    }

    /// The lowest wholly free GPU of `node`, as bank and mask.
    pub fn lowest_free_gpu(&self, node: NodeId) -> Option<(u16, u64)> {
        self.lowest_free(node).map(|gpu| ((gpu / BANK) as u16, 1 << (gpu % BANK)))
    }

    /// Whether a GPU of `node` is held in part.
    pub fn has_shared(&self, node: NodeId) -> bool {
        self.partial.range((node, 0)..=(node, u32::MAX)).next().is_some()
    }

    /// The free room of the GPUs of `node` that are held in part, as slices that would fill it.
    pub fn shared_room(&self, node: NodeId) -> Vec<Slice> {
        let of_node = self.partial.range((node, 0)..=(node, u32::MAX)).filter(|(_, free)| **free > 0);
        let fill = |(&(node, gpu), &milli): (&(NodeId, u32), &u16)| Slice {
            node,
            bank: (gpu / BANK) as u16,
            milli,
            mask: 1 << (gpu % BANK),
            cpu_milli: 0,
            memory_mib: 0,
        };
        of_node.map(fill).collect()
    }

    /// The lowest node from `from` on that fits `request`.
    pub fn next_fit(&self, request: &TaskRequest, from: usize, within: Option<Within>) -> Option<NodeId> {
        if let Some(members) = self.listed(within) {
            return members.iter().copied().find(|node| node.index() >= from && self.fits(*node, request));
        }
        let need = match request.gpus {
            GpuRequest::Whole(gpus) if gpus > 0 => gpus as usize,
            _ => {
                let rest = (from..self.nodes.len()).map(NodeId::new);
                return rest.into_iter().find(|node| self.is_within(*node, within) && self.fits(*node, request));
            }
        };
        let mut from = from;
        loop {
            let mut best: Option<usize> = None;
            for (model, buckets) in self.buckets.iter().enumerate() {
                if !request.models.contains(ModelId::new(model)) {
                    continue;
                }
                for (free, bucket) in buckets.iter().enumerate().skip(need) {
                    if self.sizes[model][free] == 0 {
                        continue;
                    }
                    if let Some(found) = bucket.next(from) {
                        best = Some(best.map_or(found, |b: usize| b.min(found)));
                    }
                }
            }
            let node = NodeId::new(best?);
            if self.is_within(node, within) && self.fits(node, request) {
                return Some(node);
            }
            from = node.index() + 1;
        }
    }

    /// Upper bound on the tasks with `gpus` whole GPUs each that fit on nodes of the allowed models, ignoring CPU and memory.
    pub fn slots(&self, request: &TaskRequest) -> u64 {
        let GpuRequest::Whole(gpus) = request.gpus else { return u64::MAX };
        if gpus == 0 {
            return u64::MAX;
        }
        let mut slots = 0;
        for (model, sizes) in self.sizes.iter().enumerate() {
            if request.models.contains(ModelId::new(model)) {
                let of_model = sizes.iter().enumerate().skip(gpus as usize);
                slots += of_model.map(|(free, size)| u64::from(*size) * (free as u64 / u64::from(gpus))).sum::<u64>();
            }
        }
        slots
    }
}
