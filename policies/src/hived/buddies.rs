//! Buddy allocation of cells (`HiveD`, section 3.3): a cell that is needed is split off the smallest free one, and merges
//! with its buddies when it is free again.

use std::collections::BTreeSet;

use super::cells::{CellId, Forest};

/// Free cells by chain and level. A free cell is in the list as a whole; its parts are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Buddies {
    free: Vec<Vec<BTreeSet<CellId>>>,
}

impl Buddies {
    /// Everything is free.
    pub(crate) fn new(forest: &Forest) -> Self {
        let of = |chain: &super::cells::Chain| {
            let mut levels = vec![BTreeSet::new(); chain.gpus.len()];
            levels[chain.top() as usize].extend(chain.tops.iter().copied());
            levels
        };
        Self { free: forest.chains.iter().map(of).collect() }
    }

    /// Free cells of a level that are not parts of a larger free one, by id.
    pub(crate) fn free(&self, chain: u32, level: u32) -> impl Iterator<Item = CellId> + '_ {
        self.free[chain as usize][level as usize].iter().copied()
    }

    /// Takes a cell that is free, alone or as a part of a larger one, which is split. `false` when it is not free.
    pub(crate) fn take(&mut self, forest: &Forest, id: CellId) -> bool {
        let chain = forest.cell(id).chain as usize;
        let found = |at: &CellId| self.free[chain][forest.cell(*at).level as usize].contains(at);
        let Some(mut at) = forest.ancestry(id).find(found) else { return false };
        self.free[chain][forest.cell(at).level as usize].remove(&at);
        while at != id {
            let within = forest.ancestry(id).find(|cell| forest.cell(*cell).parent == at).unwrap_or(id);
            let level = forest.cell(within).level as usize;
            self.free[chain][level].extend(forest.parts(at).filter(|part| *part != within));
            at = within;
        }
        true
    }

    /// Gives a cell back and merges it with its buddies as far as they are free.
    pub(crate) fn give(&mut self, forest: &Forest, id: CellId) {
        let mut at = id;
        loop {
            let cell = forest.cell(at);
            let list = &mut self.free[cell.chain as usize][cell.level as usize];
            list.insert(at);
            if cell.parent == super::cells::NONE || !forest.parts(cell.parent).all(|part| list.contains(&part)) {
                return;
            }
            for part in forest.parts(cell.parent) {
                list.remove(&part);
            }
            at = cell.parent;
        }
    }

    /// Whether all reservations of a chain could be met at once (`HiveD`, the safety invariant): going down, each level has
    /// its free cells and the parts of those that the levels above do not need.
    pub(crate) fn is_safe(&self, forest: &Forest, chain: u32, reserved: &[u32]) -> bool {
        let (levels, mut left) = (&self.free[chain as usize], 0u64);
        for level in (0..levels.len()).rev() {
            let parts = if level + 1 < levels.len() {
                u64::from(forest.chains[chain as usize].parts(level as u32 + 1))
            } else {
                0
            };
            let splittable = levels[level].len() as u64 + left * parts;
            let Some(rest) = splittable.checked_sub(u64::from(reserved[level])) else { return false };
            left = rest;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use engine::{DomainId, Domains, Inventory, Level};
    use proptest::prelude::*;

    use super::*;
    use crate::hived::cells::Top;

    /// Three racks of two nodes.
    fn forest(gpus: u32) -> Forest {
        let mut inventory = Inventory::uniform(6, gpus, "A100");
        for (at, node) in inventory.nodes.iter_mut().enumerate() {
            node.domains = Domains([None, Some(DomainId::new(at / 2)), None]);
        }
        Forest::new(&inventory, Top::Domain(Level::Rack))
    }

    /// The free cells that are not parts of free cells, by a look at every cell.
    fn free(forest: &Forest, taken: &[CellId]) -> Vec<CellId> {
        let overlap = |a: CellId, b: CellId| forest.ancestry(a).any(|x| x == b) || forest.ancestry(b).any(|x| x == a);
        let is_free = |id: &CellId| taken.iter().all(|other| !overlap(*id, *other));
        let all = 0..forest.cells.len() as u32;
        all.filter(|id| is_free(id) && !forest.ancestry(*id).skip(1).any(|above| is_free(&above))).collect()
    }

    proptest! {
        #[test]
        fn free_cells_are_those_of_a_naive_allocator(
            gpus in prop::sample::select(vec![1u32, 6, 8]),
            steps in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..60),
        ) {
            let forest = forest(gpus);
            let (mut buddies, mut taken) = (Buddies::new(&forest), Vec::new());
            for (index, give) in steps {
                if give && !taken.is_empty() {
                    buddies.give(&forest, taken.swap_remove(index.index(taken.len())));
                } else {
                    let id = index.index(forest.cells.len()) as u32;
                    let can = free(&forest, &taken).iter().any(|cell| forest.ancestry(id).any(|above| above == *cell));
                    prop_assert_eq!(buddies.take(&forest, id), can);
                    taken.extend(can.then_some(id));
                }
                let mut found: Vec<CellId> = buddies.free.iter().flatten().flatten().copied().collect();
                found.sort_unstable();
                prop_assert_eq!(found, free(&forest, &taken));
            }
        }
    }

    #[test]
    fn reservations_are_safe_while_cells_can_be_split_for_them() {
        let forest = forest(8);
        let mut buddies = Buddies::new(&forest);
        // GPUs, pairs, fours, nodes, racks.
        assert!(buddies.is_safe(&forest, 0, &[0, 0, 0, 2, 2]));
        assert!(!buddies.is_safe(&forest, 0, &[0, 0, 0, 3, 2]));
        assert!(buddies.is_safe(&forest, 0, &[8, 4, 2, 1, 1]));
        assert!(!buddies.is_safe(&forest, 0, &[1, 0, 0, 0, 3]));
        let gpu = forest.cells.iter().position(|cell| cell.level == 0).unwrap() as u32;
        assert!(buddies.take(&forest, gpu));
        assert!(buddies.is_safe(&forest, 0, &[1, 1, 1, 1, 2]));
        assert!(!buddies.is_safe(&forest, 0, &[0, 0, 0, 2, 2]));
    }
}
