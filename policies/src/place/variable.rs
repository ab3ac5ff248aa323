//! Variability-aware placement (PAL, SC 2024): GPUs by how slow they are for this class of applications, against the
//! price of going over several nodes.
//!
//! The score V of a gang is that of the worst bin that it touches, L is 1 on one node and `across` on several. PAL goes
//! through the products L x V by rising value and takes the first pair for which there is a gang. Only two pairs can be
//! the first: the least V on one node and the least V anywhere, so those two are looked for.
//! PM-First ("power management first") takes the least V anywhere.

use engine::{AppId, Draft, GpuRequest, JobId, NodeId, Shape, Slice, TaskGroup, TaskRequest, Within, placement::BANK};

use super::{Spot, tightest};

/// How variability and locality are weighed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable {
    /// The least product of score and locality penalty. The penalty of a gang on several nodes is in thousandths.
    Pal {
        /// L of several nodes, at least 1000.
        across_milli: u32,
    },
    /// The least score, wherever it is.
    PmFirst,
}

/// What a search has to know.
#[derive(Clone, Copy, Debug)]
struct Search {
    app: AppId,
    within: Option<Within>,
}

/// A node, and the bin up to which a task needs its GPUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    bin: usize,
    node: NodeId,
}

impl Variable {
    /// Takes the least gang of `job` into the open placement. `false`, and nothing changed, when there is no room.
    pub(super) fn gang(self, draft: &mut Draft<'_>, job: JobId, shape: &Shape, within: Option<Within>) -> bool {
        let search = Search { app: draft.state().job(job).spec.app, within };
        let bins = draft.cluster().bins(search.app).len();
        let tasks: u32 = shape.groups.iter().map(|group| group.tasks_min).sum();
        let alone = match self {
            Self::Pal { .. } if tasks > 1 && is_whole(shape) => search.one_node(draft, shape),
            _ => None,
        };
        let Self::Pal { across_milli } = self else { return search.anywhere(draft, shape, bins) };
        let Some(alone) = alone else { return search.anywhere(draft, shape, bins) };
        // Bins in which a gang over several nodes is still better than the one on a single node.
        let scores = draft.cluster().bins(search.app);
        let least = u64::from(scores[alone.bin]) * 1000;
        let better = scores.partition_point(|score| u64::from(*score) * u64::from(across_milli) < least);
        better > 0 && search.anywhere(draft, shape, better) || search.all_on(draft, shape, alone)
    }
}

/// Takes one more task of a gang: the least score that there is.
pub(super) fn one_more(draft: &mut Draft<'_>, spot: Spot, group: &TaskGroup) -> bool {
    let search = Search { app: draft.state().job(spot.job).spec.app, within: spot.within };
    let bins = draft.cluster().bins(search.app).len();
    let left = spot.left.saturating_mul(group.request.gpus.count());
    search.take(draft, &group.request, left, bins).is_some()
}

/// Whether all tasks hold whole GPUs or none.
fn is_whole(shape: &Shape) -> bool {
    shape.groups.iter().all(|group| matches!(group.request.gpus, GpuRequest::Whole(_)))
}

impl Search {
    /// PM-First among the first `bins` bins, group by group.
    fn anywhere(self, draft: &mut Draft<'_>, shape: &Shape, bins: usize) -> bool {
        let mark = draft.mark();
        let all = shape.groups.iter().all(|group| match group.request.gpus {
            GpuRequest::Whole(1..) => self.fill(draft, group, bins),
            // The next part of a GPU may share that of the one before.
            _ => (0..group.tasks_min).all(|_| self.take(draft, &group.request, 1, bins).is_some()),
        });
        if !all {
            draft.rollback(mark);
        }
        all
    }

    /// Bin by bin, and there node by node, the one first that suits the whole group best, as many tasks as go.
    fn fill(self, draft: &mut Draft<'_>, group: &TaskGroup, bins: usize) -> bool {
        let (request, mut left) = (group.request, group.tasks_min);
        let wanted = left.saturating_mul(request.gpus.count());
        let mut nodes: Vec<(u32, NodeId)> = Vec::new();
        for bin in 0..bins {
            if left == 0 {
                break;
            }
            nodes.clear();
            nodes.extend(self.of_bin(draft, &request, wanted, bin));
            nodes.sort_unstable();
            for (_, node) in nodes.iter().copied() {
                while left > 0 && self.take_on(draft, &request, Found { bin, node }) {
                    left -= 1;
                }
                if left == 0 {
                    break;
                }
            }
        }
        left == 0
    }

    /// The node that holds the whole gang with the least worst bin; of equals the one with the fewest free GPUs.
    fn one_node(self, draft: &mut Draft<'_>, shape: &Shape) -> Option<Found> {
        let need: u32 = shape.groups.iter().map(|group| group.request.gpus.count() * group.tasks_min).sum();
        let largest = shape.groups.iter().map(|group| group.request).max_by_key(|request| request.gpus.count())?;
        if need == 0 {
            return None;
        }
        for bin in 0..draft.cluster().bins(self.app).len() {
            let cluster = draft.cluster();
            let nodes = cluster.nodes_of_bin(self.app, bin).iter().copied();
            let mut holding: Vec<(u32, NodeId)> = nodes
                .filter(|node| cluster.free_gpus(*node) >= need)
                .filter(|node| cluster.is_within(*node, self.within) && cluster.fits(*node, &largest))
                .filter(|node| cluster.free_gpus_up_to(self.app, bin, *node) >= need)
                .map(|node| (cluster.free_gpus(node), node))
                .collect();
            holding.sort_unstable();
            let found = holding.into_iter().map(|(_, node)| Found { bin, node }).find(|found| {
                let mark = draft.mark();
                let holds = self.all_on(draft, shape, *found);
                draft.rollback(mark);
                holds
            });
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Takes the whole gang on one node, of GPUs up to one bin.
    fn all_on(self, draft: &mut Draft<'_>, shape: &Shape, found: Found) -> bool {
        let mark = draft.mark();
        let all =
            shape.groups.iter().all(|group| (0..group.tasks_min).all(|_| self.take_on(draft, &group.request, found)));
        if !all {
            draft.rollback(mark);
        }
        all
    }

    /// Takes one task where its worst bin is least, of the first `bins`; of equals where as many GPUs of that bin are free as
    /// are wanted, or nearly. Tasks without GPUs, and of parts of GPUs, have their own ways.
    fn take(self, draft: &mut Draft<'_>, request: &TaskRequest, wanted: u32, bins: usize) -> Option<()> {
        let taken = match request.gpus {
            GpuRequest::Whole(0) => {
                let node = tightest(draft, request, self.within)?;
                draft.take(node, request)
            }
            GpuRequest::Milli(milli) if self.take_shared(draft, request, milli, bins) => true,
            GpuRequest::Whole(_) | GpuRequest::Milli(_) => {
                let best = |bin| self.of_bin(draft, request, wanted, bin).min().map(|(_, node)| Found { bin, node });
                let found = (0..bins).find_map(best)?;
                self.take_on(draft, request, found)
            }
        };
        taken.then_some(())
    }

    /// Nodes that hold a task with this bin and better ones, and how far the free GPUs of the bin are from those wanted.
    fn of_bin<'a>(
        self,
        draft: &'a Draft<'_>,
        request: &'a TaskRequest,
        wanted: u32,
        bin: usize,
    ) -> impl Iterator<Item = (u32, NodeId)> + 'a {
        let (cluster, need) = (draft.cluster(), request.gpus.count());
        let nodes = cluster.nodes_of_bin(self.app, bin).iter().copied();
        let holding = nodes
            .filter(move |node| cluster.free_gpus(*node) >= need)
            .filter(move |node| cluster.is_within(*node, self.within) && cluster.fits(*node, request));
        holding.filter_map(move |node| {
            let up_to = cluster.free_gpus_up_to(self.app, bin, node);
            let better = bin.checked_sub(1).map_or(0, |better| cluster.free_gpus_up_to(self.app, better, node));
            (up_to >= need).then(|| ((up_to - better).abs_diff(wanted), node))
        })
    }

    /// Takes one task on a node, the best of its GPUs first, none beyond a bin.
    fn take_on(self, draft: &mut Draft<'_>, request: &TaskRequest, found: Found) -> bool {
        let (cluster, Found { bin, node }) = (draft.cluster(), found);
        let gpus = request.gpus.count();
        if gpus == 0 {
            return draft.take(node, request);
        }
        if !cluster.fits(node, request) || cluster.free_gpus_up_to(self.app, bin, node) < gpus {
            return false;
        }
        let milli = match request.gpus {
            GpuRequest::Whole(_) => engine::MILLI as u16,
            GpuRequest::Milli(milli) => milli,
        };
        let mark = draft.mark();
        let (mut cpu_milli, mut memory_mib) = (request.cpu_milli, request.memory_mib);
        for (bank, mask) in self.best_gpus(draft, gpus, found) {
            if !draft.take_slice(Slice { node, bank, milli, mask, cpu_milli, memory_mib }) {
                draft.rollback(mark);
                return false;
            }
            (cpu_milli, memory_mib) = (0, 0);
        }
        true
    }

    /// The best free GPUs of a node by bin, then by number, as bank and mask.
    fn best_gpus(self, draft: &Draft<'_>, gpus: u32, found: Found) -> Vec<(u16, u64)> {
        let (cluster, banks) = (draft.cluster(), draft.cluster().spec(found.node).gpus.div_ceil(BANK));
        let mut masks: Vec<(u16, u64)> = (0..banks).map(|bank| (bank as u16, 0)).collect();
        let mut left = gpus;
        for bin in 0..=found.bin {
            for (bank, mask) in &mut masks {
                let mut free = cluster.free_mask_up_to(self.app, bin, found.node, *bank) & !*mask;
                while free != 0 && left > 0 {
                    *mask |= free & free.wrapping_neg();
                    free &= free - 1;
                    left -= 1;
                }
            }
            if left == 0 {
                break;
            }
        }
        masks.retain(|(_, mask)| *mask != 0);
        masks
    }

    /// Takes a part of a GPU that is already shared: the best one that has room, of equals the one with the least.
    fn take_shared(self, draft: &mut Draft<'_>, request: &TaskRequest, milli: u16, bins: usize) -> bool {
        let cluster = draft.cluster();
        let Some(of_app) = cluster.inventory().variability.get(self.app.index()) else { return false };
        let nodes = cluster.by_shared_room(*request, self.within);
        let rooms = nodes.flat_map(|node| cluster.shared_room(node)).filter(|room| room.milli >= milli);
        let bin = |room: &Slice| {
            let gpu = u32::from(room.bank) * BANK + room.mask.trailing_zeros();
            of_app.bin_of(of_app.score_milli(room.node, gpu))
        };
        let best = rooms.map(|room| (bin(&room), room)).filter(|(bin, _)| *bin < bins);
        let Some((_, room)) = best.min_by_key(|(bin, room)| (*bin, room.milli, *room)) else { return false };
        draft.take_slice(Slice { milli, cpu_milli: request.cpu_milli, memory_mib: request.memory_mib, ..room })
    }
}
