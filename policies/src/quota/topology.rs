//! The tree of queues over the tree of tenants.
//!
//! Jobs are in leaves only, as in Kueue (`ClusterQueue` below `Cohort`) and KAI (leaf queues). A tenant that has children and
//! jobs of its own gets one more leaf below it for those, without terms of its own.

use engine::{TenantId, Tenants};

/// No node.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// Nodes: the tenants by their ids, then one root above all, then a leaf for each tenant that has children.
#[derive(Clone, Debug, Default)]
pub(crate) struct Topology {
    tenants: usize,
    /// [`NOWHERE`] for the root.
    pub(crate) parents: Vec<u32>,
    pub(crate) children: Vec<Vec<u32>>,
    /// Distance from the root.
    depths: Vec<u32>,
    /// The leaf of the jobs of each tenant.
    pub(crate) homes: Vec<u32>,
    /// Tenants whose jobs are in a node; empty for inner nodes.
    pub(crate) residents: Vec<Vec<TenantId>>,
}

/// Which node the jobs of a tenant are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Homes {
    /// That of the tenant.
    Own,
    /// That of its parent: the tenant is Kueue's `LocalQueue`, its parent the `ClusterQueue`.
    Parent,
}

impl Topology {
    /// Follows the tenants, which only ever become more.
    pub(crate) fn sync(&mut self, tenants: &Tenants, homes: Homes) {
        if self.tenants != tenants.len() || self.parents.is_empty() {
            *self = Self::new(tenants, homes);
        }
    }

    fn new(tenants: &Tenants, homes: Homes) -> Self {
        let (count, root) = (tenants.len(), tenants.len() as u32);
        let parent = |at: usize| tenants.get(TenantId::new(at)).parent.map(|parent| parent.0);
        let mut above_any = vec![false; count];
        (0..count).filter_map(parent).for_each(|parent| above_any[parent as usize] = true);
        let home = |at: usize| match (homes, parent(at)) {
            (Homes::Parent, Some(parent)) if !above_any[at] => parent,
            _ => at as u32,
        };
        let (mut inner, mut lodges) = (vec![false; count], vec![false; count]);
        for at in 0..count {
            if let Some(parent) = parent(at).filter(|parent| home(at) != *parent) {
                inner[parent as usize] = true;
            }
        }
        let mut parents: Vec<u32> = (0..count).map(|at| parent(at).unwrap_or(root)).collect();
        parents.push(NOWHERE);
        for at in 0..count {
            lodges[home(at) as usize] = true;
        }
        let mut leaves: Vec<u32> = (0..root).collect();
        for at in 0..count {
            if inner[at] && lodges[at] {
                leaves[at] = parents.len() as u32;
                parents.push(at as u32);
            }
        }
        let mut children = vec![Vec::new(); parents.len()];
        for (at, parent) in parents.iter().enumerate() {
            let absorbed = at < count && home(at) != at as u32;
            if *parent != NOWHERE && !absorbed {
                children[*parent as usize].push(at as u32);
            }
        }
        let mut residents = vec![Vec::new(); parents.len()];
        let homes: Vec<u32> = (0..count).map(|at| leaves[home(at) as usize]).collect();
        for (at, home) in homes.iter().enumerate() {
            residents[*home as usize].push(TenantId::new(at));
        }
        let mut new = Self { tenants: count, parents, children, depths: Vec::new(), homes, residents };
        new.depths = (0..new.len() as u32).map(|node| new.path(node).count() as u32 - 1).collect();
        new
    }

    pub(crate) fn len(&self) -> usize {
        self.parents.len()
    }

    pub(crate) fn root(&self) -> u32 {
        self.tenants as u32
    }

    /// The tenant that a node is, unless it is the root or a leaf for the jobs of an inner tenant.
    pub(crate) fn tenant(&self, node: u32) -> Option<TenantId> {
        ((node as usize) < self.tenants).then_some(TenantId(node))
    }

    /// The nodes from the bottom to the root.
    pub(crate) fn rising(&self) -> impl Iterator<Item = u32> + use<> {
        let (tenants, all) = (self.tenants as u32, self.parents.len() as u32);
        (tenants + 1..all).chain((0..=tenants).rev().filter(move |at| *at != tenants)).chain([tenants])
    }

    /// `node` and the nodes above it.
    pub(crate) fn path(&self, node: u32) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(Some(node), |at| Some(self.parents[*at as usize]).filter(|parent| *parent != NOWHERE))
    }

    /// The children of the lowest common ancestor of two leaves that lie above each: Kueue's `AlmostLCA` both ways.
    pub(crate) fn forks(&self, a: u32, b: u32) -> (u32, u32) {
        let parent = |node: u32| self.parents[node as usize];
        let depth = |node: u32| self.depths[node as usize];
        let (mut a, mut b) = (a, b);
        while depth(a) > depth(b) {
            a = parent(a);
        }
        while depth(b) > depth(a) {
            b = parent(b);
        }
        while a != b && parent(a) != parent(b) {
            (a, b) = (parent(a), parent(b));
        }
        (a, b)
    }
}
