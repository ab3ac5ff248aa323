//! The queues of a decision: what they deserve, ask for, have, and their fair shares.

use engine::{Amounts, Draft, TenantId};

use super::Ask;
use super::division::{Claim, deserved, divide};
use crate::quota::placed::Placed;
use crate::quota::topology::{NOWHERE, Topology};
use crate::quota::tree::capacity;
use crate::quota::wide::{Mask, NO_LIMIT, UNLIMITED, Wide, ZERO, any, both, exceeds, map2, minus, plus, wide, within};
use crate::ready::Ready;

/// Units in which shares are rounded: a GPU, a thousandth of a core, a MiB.
const UNITS: Wide = [1000, 1, 1];

/// One queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queue {
    /// `None` where nobody has said.
    quota: Option<Wide>,
    pub(super) deserved: Wide,
    pub(super) limit: Wide,
    weight: u32,
    pub(super) priority: i32,
    pub(super) request: Wide,
    pub(super) allocated: Wide,
    /// What of that belongs to jobs that may not be preempted.
    pub(super) fixed: Wide,
    pub(super) fair: Wide,
}

const EMPTY: Queue = Queue {
    quota: None,
    deserved: ZERO,
    limit: UNLIMITED,
    weight: 1000,
    priority: 0,
    request: ZERO,
    allocated: ZERO,
    fixed: ZERO,
    fair: ZERO,
};

impl Queue {
    /// What it may allocate without being asked to give back: the larger of its quota and its fair share, at most its limit.
    pub(super) fn allocatable(&self) -> Wide {
        map2(map2(self.deserved, self.fair, i128::max), self.limit, i128::min)
    }

    /// What its jobs that may not be preempted may hold at most; without a quota as much as they like.
    fn fixed_limit(&self) -> Wide {
        self.quota.unwrap_or(UNLIMITED)
    }
}

/// Why a job may not start now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Short {
    /// A queue is at its limit.
    Limit(u32, Mask),
    /// It may not be preempted, and those must stay within the quota.
    Quota(u32, Mask),
}

/// All queues, by the numbers of a [`Topology`].
#[derive(Debug, Default)]
pub(super) struct Queues {
    table: Vec<Queue>,
}

impl Queues {
    /// Reads terms, use and demand.
    pub(super) fn build(&mut self, draft: &Draft<'_>, topology: &Topology, ready: &Ready, placed: &Placed) {
        let tenants = draft.state().tenants();
        self.table.clear();
        self.table.resize(topology.len(), EMPTY);
        for at in 0..tenants.len() {
            let id = TenantId::new(at);
            let tenant = tenants.get(id);
            let queue = &mut self.table[at];
            queue.quota = tenant.terms.quota.map(wide);
            queue.limit = tenant.terms.limit.map_or(UNLIMITED, wide);
            (queue.weight, queue.priority) = (tenant.terms.weight_milli, tenant.terms.priority);
            let own = tenants_own(draft, topology, id);
            let home = &mut self.table[topology.homes[at] as usize];
            home.allocated = plus(home.allocated, own);
            home.fixed = plus(home.fixed, wide(placed.fixed(id)));
            home.request = plus(home.request, own);
        }
        for lane in ready.active() {
            let lane = ready.lane(*lane);
            let each = wide(draft.state().class(lane.key.class).least);
            let count = lane.jobs.len() as i128;
            let home = &mut self.table[topology.homes[lane.key.tenant.index()] as usize];
            home.request = plus(home.request, each.map(|amount| amount * count));
        }
        for node in topology.rising() {
            let (queue, parent) = (self.table[node as usize], topology.parents[node as usize]);
            if parent != NOWHERE {
                let above = &mut self.table[parent as usize];
                above.allocated = plus(above.allocated, queue.allocated);
                above.fixed = plus(above.fixed, queue.fixed);
                above.request = plus(above.request, map2(queue.request, queue.limit, i128::min));
            }
        }
        let root = &mut self.table[topology.root() as usize];
        root.fair = capacity(draft.cluster().inventory());
        root.fair[0] = i128::from(draft.cluster().up_gpu_milli());
    }

    /// Divides the cluster from the top down. `usage` is what each node used over time; it is of GPUs, and counts for these
    /// alone.
    pub(super) fn divide(&mut self, topology: &Topology, emphasis: i128, usage: &[i128]) {
        let mut order: Vec<u32> = topology.rising().collect();
        order.reverse();
        for parent in order {
            let children = &topology.children[parent as usize];
            for resource in 0..3 {
                let total = self.table[parent as usize].fair[resource];
                let claims: Vec<Claim> = children
                    .iter()
                    .map(|child| {
                        let queue = &mut self.table[*child as usize];
                        let quota = queue.quota.map(|quota| quota[resource]);
                        queue.deserved[resource] = deserved(quota, total);
                        Claim {
                            deserved: queue.deserved[resource],
                            request: queue.request[resource].min(queue.limit[resource]),
                            weight: i128::from(queue.weight),
                            priority: queue.priority,
                            usage: if resource == 0 { usage[*child as usize] } else { 0 },
                        }
                    })
                    .collect();
                let shares = divide(total, UNITS[resource], emphasis, &claims);
                for (child, share) in children.iter().zip(shares) {
                    self.table[*child as usize].fair[resource] = share;
                }
            }
        }
    }

    pub(super) fn get(&self, node: u32) -> &Queue {
        &self.table[node as usize]
    }

    /// A job starts.
    pub(super) fn start(&mut self, topology: &Topology, ask: &Ask, held: Wide) {
        for node in topology.path(ask.leaf) {
            let queue = &mut self.table[node as usize];
            queue.allocated = plus(queue.allocated, held);
            if !ask.preemptible {
                queue.fixed = plus(queue.fixed, held);
            }
        }
    }

    /// A preemptible run stops.
    pub(super) fn stop(&mut self, topology: &Topology, leaf: u32, held: Wide) {
        for node in topology.path(leaf) {
            let queue = &mut self.table[node as usize];
            queue.allocated = minus(queue.allocated, held);
        }
    }

    /// It goes on after all.
    pub(super) fn resume(&mut self, topology: &Topology, leaf: u32, held: Wide) {
        self.stop(topology, leaf, held.map(|amount| -amount));
    }

    /// Why a job may not start; `None` when it may. Only what is asked for can lack.
    pub(super) fn short(&self, topology: &Topology, ask: &Ask) -> Option<Short> {
        let asked = exceeds(ask.need, ZERO);
        for node in topology.path(ask.leaf) {
            let queue = self.get(node);
            let over = both(asked, exceeds(plus(queue.allocated, ask.need), queue.limit));
            if any(over) {
                return Some(Short::Limit(node, over));
            }
            let over = both(asked, exceeds(plus(queue.fixed, ask.need), queue.fixed_limit()));
            if !ask.preemptible && any(over) {
                return Some(Short::Quota(node, over));
            }
        }
        None
    }

    /// How much more a job of a leaf may hold.
    pub(super) fn room(&self, topology: &Topology, leaf: u32, preemptible: bool) -> Wide {
        topology.path(leaf).fold(UNLIMITED, |least, node| {
            let queue = self.get(node);
            let least = map2(least, minus(queue.limit, queue.allocated), i128::min);
            if preemptible { least } else { map2(least, minus(queue.fixed_limit(), queue.fixed), i128::min) }
        })
    }

    /// Used now and allowed at most, of the first resource that lacks.
    pub(super) fn figures(&self, short: Short) -> (usize, i128, i128) {
        let (node, mask) = match short {
            Short::Limit(node, mask) | Short::Quota(node, mask) => (node, mask),
        };
        let at = mask.iter().position(|lacks| *lacks).unwrap_or(0);
        let queue = self.get(node);
        match short {
            Short::Limit(..) => (at, queue.allocated[at], queue.limit[at]),
            Short::Quota(..) => (at, queue.fixed[at], queue.fixed_limit()[at]),
        }
    }

    /// Whether a queue stays within its deserved quota with `need` more.
    pub(super) fn deserves(&self, node: u32, need: Wide) -> bool {
        within(plus(self.get(node).allocated, need), self.get(node).deserved)
    }

    /// Whether a leaf stays within its fair share with `need` more, in what it asks for.
    pub(super) fn is_fair(&self, leaf: u32, need: Wide) -> bool {
        let queue = self.get(leaf);
        !any(both(exceeds(need, ZERO), exceeds(plus(queue.allocated, need), queue.fair)))
    }
}

/// What the jobs of a tenant itself have placed, without those below it.
fn tenants_own(draft: &Draft<'_>, topology: &Topology, id: TenantId) -> Wide {
    let tenants = draft.state().tenants();
    let placed = |node: &u32| topology.tenant(*node).map_or(Amounts::ZERO, |tenant| tenants.get(tenant).placed);
    let below = topology.children[id.index()].iter().map(placed);
    below.fold(wide(tenants.get(id).placed), |own, child| minus(own, wide(child)))
}

/// Allocated by allocatable: the dominant one. What is allocated where nothing may be counts a thousandfold. The bits of a
/// number that is not negative, which sort as it does; one division of whole numbers is the same on every machine.
pub(super) fn dominant(allocated: Wide, allocatable: Wide, total: Wide) -> u64 {
    let ratio = |at: usize| {
        let most = if allocatable[at] >= NO_LIMIT { total[at] } else { allocatable[at] };
        let allocated = allocated[at].max(0);
        if most > 0 { allocated as f64 / most as f64 } else { (allocated * 1000 / UNITS[at]) as f64 }
    };
    ratio(0).max(ratio(1)).max(ratio(2)).to_bits()
}
