//! Quotas of nested cohorts: what each queue uses, may still use, and how far it is above what it is sure of.
//!
//! Kueue KEP-79 (hierarchical cohorts) and KEP-1714 (fair sharing). A node is sure of its quota and of what its children lend.
//! What it may not lend is its own at any time (`guaranteed`); use beyond that counts at its parent.

use engine::{Amounts, Draft, Inventory, TenantId, UNLIMITED as NO_BOUND};

use super::topology::{NOWHERE, Topology};
use super::wide::{Mask, NO_LIMIT, UNLIMITED, Wide, ZERO, any, beyond, both, exceeds, map2, minus, plus, wide, within};

/// What top-level tenants have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Above {
    /// Nothing: each is a cohort of its own.
    Nothing,
    /// One cohort, without a quota of its own.
    Cohort,
    /// One cohort, whose quota is what no other quota claims of the cluster.
    Pool,
}

/// One queue or cohort.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    parent: u32,
    weight_milli: u32,
    /// How much more than its quota it may use.
    borrow: Wide,
    /// The most that it may use, whatever others leave.
    limit: Wide,
    /// Its quota, and what its children lend: Kueue's `SubtreeQuota`.
    pub(crate) subtree: Wide,
    /// What of that it never lends.
    guaranteed: Wide,
    /// The most that it could ever have.
    potential: Wide,
    /// What counts against `subtree`.
    pub(crate) usage: Wide,
    /// All that its jobs hold, whoever's quota it counts against.
    pub(crate) total: Wide,
}

const EMPTY: Node = Node {
    parent: NOWHERE,
    weight_milli: 1000,
    borrow: UNLIMITED,
    limit: UNLIMITED,
    subtree: ZERO,
    guaranteed: ZERO,
    potential: ZERO,
    usage: ZERO,
    total: ZERO,
};

/// A dominant resource share: the bits of a number that is not negative, which sort as it does. It is one division of whole
/// numbers, so that equal shares are equal on every machine.
pub(crate) type Share = u64;

/// All nodes, by the numbers of a [`Topology`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

/// Why a queue may not use more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Short {
    /// A node is at its limit.
    Limit {
        /// The node.
        node: u32,
        /// Which resources lack.
        lacking: Mask,
    },
    /// Quotas leave less.
    Quota {
        /// What they leave.
        available: Wide,
        /// Which resources lack.
        lacking: Mask,
    },
}

impl Tree {
    /// Reads terms and use of all tenants.
    pub(crate) fn build(&mut self, draft: &Draft<'_>, topology: &Topology, above: Above) {
        let tenants = draft.state().tenants();
        self.nodes.clear();
        self.nodes.resize(topology.len(), EMPTY);
        for (at, node) in self.nodes.iter_mut().enumerate() {
            let parent = topology.parents[at];
            node.parent = if above == Above::Nothing && parent == topology.root() { NOWHERE } else { parent };
        }
        let mut own = vec![ZERO; topology.len()];
        let mut lend: Vec<Option<Amounts>> = vec![None; topology.len()];
        let mut used = vec![ZERO; topology.len()];
        for at in 0..tenants.len() {
            let tenant = tenants.get(TenantId::new(at));
            let home = topology.homes[at] as usize;
            used[home] = plus(used[home], wide(tenant.placed));
            if let Some(parent) = tenant.parent {
                // What children hold is in the figure of the parent too.
                let home = topology.homes[parent.index()] as usize;
                used[home] = minus(used[home], wide(tenant.placed));
            }
            if !topology.children[at].is_empty() || home == at {
                let node = &mut self.nodes[at];
                node.weight_milli = tenant.terms.weight_milli;
                node.borrow = tenant.terms.borrow.map_or(UNLIMITED, wide);
                node.limit = tenant.terms.limit.map_or(UNLIMITED, wide);
                own[at] = tenant.terms.quota.map_or(ZERO, wide);
                lend[at] = tenant.terms.lend;
            }
        }
        if above == Above::Pool {
            let claimed = own.iter().fold(ZERO, |sum, quota| plus(sum, *quota));
            own[topology.root() as usize] = beyond(capacity(draft.cluster().inventory()), claimed);
        }
        self.settle(topology, &own, &lend);
        for at in topology.rising() {
            if used[at as usize] != ZERO {
                self.add(at, used[at as usize]);
            }
        }
    }

    /// Quotas from the bottom to the top, and what each could ever have from the top to the bottom.
    fn settle(&mut self, topology: &Topology, own: &[Wide], lend: &[Option<Amounts>]) {
        for at in topology.rising() {
            let at = at as usize;
            let subtree = plus(self.nodes[at].subtree, own[at]);
            let guaranteed = lend[at].map_or(ZERO, |lend| beyond(subtree, wide(lend)));
            let node = &mut self.nodes[at];
            (node.subtree, node.guaranteed) = (subtree, guaranteed);
            let parent = node.parent;
            if parent != NOWHERE {
                let above = &mut self.nodes[parent as usize];
                above.subtree = plus(above.subtree, minus(subtree, guaranteed));
            }
        }
        let rising: Vec<u32> = topology.rising().collect();
        for at in rising.into_iter().rev() {
            let node = self.nodes[at as usize];
            let potential = match node.parent {
                NOWHERE => node.subtree,
                parent => {
                    let from_above = plus(node.guaranteed, self.nodes[parent as usize].potential);
                    map2(from_above, plus(node.subtree, node.borrow), i128::min)
                }
            };
            self.nodes[at as usize].potential = potential;
        }
    }

    pub(crate) fn node(&self, at: u32) -> &Node {
        &self.nodes[at as usize]
    }

    pub(crate) fn parent(&self, at: u32) -> Option<u32> {
        Some(self.nodes[at as usize].parent).filter(|parent| *parent != NOWHERE)
    }

    /// The node and those above it in its cohort.
    pub(crate) fn path(&self, at: u32) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(Some(at), |at| self.parent(*at))
    }

    /// The cohort at the top.
    pub(crate) fn top(&self, at: u32) -> u32 {
        self.path(at).last().unwrap_or(at)
    }

    /// `at` uses so much more (or less, where negative). What goes beyond what it never lends counts at its parent too.
    pub(crate) fn add(&mut self, at: u32, amount: Wide) {
        let (mut node, mut amount, whole) = (Some(at), amount, amount);
        while let Some(at) = node {
            let entry = &mut self.nodes[at as usize];
            let before = beyond(entry.usage, entry.guaranteed);
            entry.usage = plus(entry.usage, amount);
            entry.total = plus(entry.total, whole);
            amount = minus(beyond(entry.usage, entry.guaranteed), before);
            node = self.parent(at);
        }
    }

    /// It uses so much less.
    pub(crate) fn take(&mut self, at: u32, amount: Wide) {
        self.add(at, minus(ZERO, amount));
    }

    /// How much more `at` may use by quotas; negative where a quota shrank below its use.
    pub(crate) fn available(&self, at: u32) -> Wide {
        let node = self.node(at);
        let Some(parent) = self.parent(at) else { return minus(node.subtree, node.usage) };
        let stored = minus(node.subtree, node.guaranteed);
        let used = beyond(node.usage, node.guaranteed);
        let by_limit = plus(minus(stored, used), node.borrow);
        plus(beyond(node.guaranteed, node.usage), map2(by_limit, self.available(parent), i128::min))
    }

    /// The most that a node may use, whatever others leave.
    pub(crate) fn limit(&self, at: u32) -> Wide {
        self.node(at).limit
    }

    /// How much more it may use by limits alone.
    pub(crate) fn below_limits(&self, at: u32) -> Wide {
        self.path(at).fold(UNLIMITED, |least, at| {
            let node = self.node(at);
            map2(least, minus(node.limit, node.total), i128::min)
        })
    }

    /// How much more it may use.
    pub(crate) fn room(&self, at: u32) -> Wide {
        map2(self.available(at), self.below_limits(at), i128::min)
    }

    /// Why `at` may not use `need` more; `None` when it may. Only what is asked for can lack.
    pub(crate) fn short(&self, at: u32, need: Wide) -> Option<Short> {
        let asked = exceeds(need, ZERO);
        for node in self.path(at) {
            let entry = self.node(node);
            let lacking = both(asked, exceeds(plus(entry.total, need), entry.limit));
            if any(lacking) {
                return Some(Short::Limit { node, lacking });
            }
        }
        let available = self.available(at);
        let lacking = both(asked, exceeds(need, available));
        any(lacking).then_some(Short::Quota { available, lacking })
    }

    /// Whether `at` would use more than its quota with `need` more of what is asked for.
    pub(crate) fn borrows_with(&self, at: u32, need: Wide) -> bool {
        let node = self.node(at);
        any(both(exceeds(need, ZERO), exceeds(plus(node.usage, need), node.subtree)))
    }

    /// Whether `at` uses more than its quota of one of `resources`.
    pub(crate) fn borrows(&self, at: u32, resources: Mask) -> bool {
        let node = self.node(at);
        any(both(resources, exceeds(node.usage, node.subtree)))
    }

    /// What of `need` is left after what `at` never lends.
    pub(crate) fn beyond_own(&self, at: u32, need: Wide) -> Wide {
        let node = self.node(at);
        beyond(need, beyond(node.guaranteed, node.usage))
    }

    /// The weighted dominant resource share: (1 / weight) max over resources of use above quota / what the cohort above could
    /// lend (KEP-1714, "Share value function and weights"). 0 for a cohort at the top.
    pub(crate) fn share(&self, at: u32) -> Share {
        let node = self.node(at);
        let Some(parent) = self.parent(at) else { return 0 };
        let lendable = self.node(parent).potential;
        let above = beyond(node.usage, node.subtree);
        let weight = i128::from(node.weight_milli);
        let ratio = |(above, lendable): (i128, i128)| {
            if above > 0 && lendable > 0 { float(above * 1000) / float(lendable * weight) } else { 0.0 }
        };
        above.into_iter().zip(lendable).map(ratio).fold(0.0, f64::max).to_bits()
    }

    /// Whether all of `need` is within its quota.
    pub(crate) fn is_sure_of(&self, at: u32, need: Wide) -> bool {
        within(plus(self.node(at).usage, need), self.node(at).subtree)
    }
}

/// The nearest floating-point number, by the quick way where 64 bits do.
fn float(value: i128) -> f64 {
    u64::try_from(value).map_or_else(|_| value as f64, |value| value as f64)
}

/// What the nodes have, up or not.
pub(crate) fn capacity(inventory: &Inventory) -> Wide {
    let sum = |of: fn(&engine::NodeSpec) -> u32| {
        inventory.nodes.iter().fold(0i128, |sum, node| match of(node) {
            NO_BOUND => NO_LIMIT,
            amount => (sum + i128::from(amount)).min(NO_LIMIT),
        })
    };
    [i128::from(inventory.gpus()) * 1000, sum(|node| node.cpu_milli), sum(|node| node.memory_mib)]
}

#[cfg(test)]
mod tests;
