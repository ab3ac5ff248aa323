//! Free GPUs by domain of the topology, so that a search inside one rack costs what the rack is worth.

use std::collections::BTreeSet;

use crate::ids::{DomainId, NodeId};
use crate::inventory::Inventory;
use crate::topology::{Domains, Level};

/// Domains of more nodes are not listed node by node: there a scan of the whole cluster finds a member soon.
const LISTED_MAX: usize = 128;

/// What is free in each domain. A change of a node costs O(log domains) for each level that it is in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DomainIndex {
    /// Where each node is; empty where the cluster has no domains.
    places: Vec<Domains>,
    /// Nodes of each domain, by id.
    members: Vec<Vec<NodeId>>,
    /// The domains that hold all nodes of each domain: real racks may cross zones.
    around: Vec<Domains>,
    /// Free thousandths of a GPU of each domain, on nodes that are up.
    free_milli: Vec<u64>,
    /// The domains of each level, the tightest first.
    by_free: [BTreeSet<(u64, DomainId)>; 3],
}

impl DomainIndex {
    /// Nothing is free yet.
    pub(super) fn new(inventory: &Inventory) -> Self {
        let places: Vec<Domains> = inventory.nodes.iter().map(|node| node.domains).collect();
        let named = places.iter().flat_map(|place| place.0).flatten().map(|domain| domain.index() + 1);
        let count = named.max().unwrap_or(0);
        let mut index = Self {
            places: if count == 0 { Vec::new() } else { places },
            members: vec![Vec::new(); count],
            around: Vec::new(),
            free_milli: vec![0; count],
            by_free: Default::default(),
        };
        for (at, place) in index.places.iter().enumerate() {
            for (level, domain) in place.0.iter().enumerate() {
                let Some(domain) = domain else { continue };
                index.members[domain.index()].push(NodeId::new(at));
                index.by_free[level].insert((0, *domain));
            }
        }
        index.around = index.members.iter().map(|members| index.shared(members)).collect();
        index
    }

    /// The domains in which all of `members` are.
    fn shared(&self, members: &[NodeId]) -> Domains {
        let mut places = members.iter().map(|node| self.places[node.index()]);
        let first = places.next().unwrap_or_default();
        places.fold(first, |around, place| {
            Domains(std::array::from_fn(|level| around.0[level].filter(|domain| place.0[level] == Some(*domain))))
        })
    }

    /// Whether all nodes of `domain` are in one domain of `level`.
    pub(super) fn is_inside(&self, domain: DomainId, level: Level) -> bool {
        self.around.get(domain.index()).is_some_and(|around| around.at(level).is_some())
    }

    /// So much more is free on `node`.
    pub(super) fn add(&mut self, node: NodeId, milli: u64) {
        self.change(node, milli, |free| free + milli);
    }

    /// So much less is free on `node`.
    pub(super) fn take(&mut self, node: NodeId, milli: u64) {
        self.change(node, milli, |free| free - milli);
    }

    fn change(&mut self, node: NodeId, milli: u64, to: impl Fn(u64) -> u64) {
        let Some(place) = self.places.get(node.index()).filter(|_| milli > 0) else { return };
        for (level, domain) in place.0.iter().enumerate() {
            let Some(domain) = domain else { continue };
            let free = &mut self.free_milli[domain.index()];
            self.by_free[level].remove(&(*free, *domain));
            *free = to(*free);
            self.by_free[level].insert((*free, *domain));
        }
    }

    /// Domains of `level` with at least `need` thousandths of a GPU free, the tightest first.
    pub(super) fn with_free(&self, level: Level, need: u64) -> impl Iterator<Item = DomainId> + '_ {
        self.by_free[level as usize].range((need, DomainId(0))..).map(|(_, domain)| *domain)
    }

    /// Free thousandths of a GPU in `domain`.
    pub(super) fn free_milli(&self, domain: DomainId) -> u64 {
        self.free_milli.get(domain.index()).copied().unwrap_or(0)
    }

    /// The nodes of `domain` by id, where they are few.
    pub(super) fn listed(&self, domain: DomainId) -> Option<&[NodeId]> {
        let members = self.members.get(domain.index())?;
        (members.len() <= LISTED_MAX).then_some(members.as_slice())
    }

    /// The same index with nothing free.
    pub(super) fn emptied(&self) -> Self {
        let mut empty =
            Self { free_milli: vec![0; self.free_milli.len()], by_free: Default::default(), ..self.clone() };
        for (level, domains) in self.by_free.iter().enumerate() {
            empty.by_free[level].extend(domains.iter().map(|(_, domain)| (0, *domain)));
        }
        empty
    }
}
