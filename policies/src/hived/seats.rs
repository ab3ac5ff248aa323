//! Which cells virtual clusters have taken, and which of their GPUs guaranteed tasks sit on.
//!
//! A task takes a seat: a cell inside a slot of its virtual cluster. Which slot and which part is decided without a look at
//! the cluster, as if the virtual cluster were a cluster of its own; only then the slot is bound to a physical cell.

use std::collections::BTreeMap;

use engine::NodeId;

use super::buddies::Buddies;
use super::cells::{CellId, Forest, NONE};
use super::contracts::{Contracts, Kind, Vc};

/// A bound cell that no slot stands for any more: contracts have changed.
pub(crate) const NO_SLOT: u32 = u32::MAX;

/// A physical cell in the hands of a virtual cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) vc: Vc,
    pub(crate) slot: u32,
    /// Tasks inside.
    tasks: u32,
}

/// What a search may use, and what it would cost.
pub(crate) struct Ground<'a> {
    /// Whether a node may be used.
    pub(crate) usable: &'a dyn Fn(NodeId) -> bool,
    /// GPUs of a free cell that opportunistic jobs hold.
    pub(crate) scavenged: &'a dyn Fn(CellId) -> u32,
}

/// All seats.
#[derive(Clone, Debug)]
pub(crate) struct Seats {
    pub(crate) buddies: Buddies,
    pub(crate) bound: BTreeMap<CellId, Bound>,
    /// The kinds of slots of each virtual cluster, and the cells that they are bound to.
    slots: BTreeMap<Vc, Vec<(Kind, CellId)>>,
    /// Slots that are not bound, by chain and level.
    reserved: Vec<Vec<u32>>,
    /// Whether a task sits on exactly this cell.
    taken: Vec<bool>,
    /// Tasks on the cell and its parts.
    inside: Vec<u32>,
}

impl Seats {
    /// Nobody sits.
    pub(crate) fn new(forest: &Forest) -> Self {
        Self {
            buddies: Buddies::new(forest),
            bound: BTreeMap::new(),
            slots: BTreeMap::new(),
            reserved: forest.chains.iter().map(|chain| vec![0; chain.gpus.len()]).collect(),
            taken: vec![false; forest.cells.len()],
            inside: vec![0; forest.cells.len()],
        }
    }

    /// Fits the bound cells to the contracts: a cell keeps its slot if that is of its kind, else it gets the first free one
    /// that is; else it has none until its tasks are gone.
    pub(crate) fn match_slots(&mut self, forest: &Forest, contracts: &Contracts) {
        let empty = |kinds: &Vec<Kind>| kinds.iter().map(|kind| (*kind, NONE)).collect::<Vec<_>>();
        self.slots = contracts.slots.iter().map(|(vc, kinds)| (*vc, empty(kinds))).collect();
        let mut homeless = Vec::new();
        for (id, bound) in &self.bound {
            let slot = self.slots.get_mut(&bound.vc).and_then(|slots| slots.get_mut(bound.slot as usize));
            match slot {
                Some((kind, cell)) if *cell == NONE && *kind == kind_of(forest, *id) => *cell = *id,
                _ => homeless.push(*id),
            }
        }
        for id in homeless {
            let kind = kind_of(forest, id);
            let Some(bound) = self.bound.get_mut(&id) else { continue };
            let slots = self.slots.get_mut(&bound.vc);
            let found = slots.and_then(|slots| {
                let free = slots.iter_mut().enumerate().find(|(_, slot)| **slot == (kind, NONE));
                free.map(|(at, slot)| {
                    slot.1 = id;
                    at as u32
                })
            });
            bound.slot = found.unwrap_or(NO_SLOT);
        }
        self.reserved.iter_mut().for_each(|levels| levels.fill(0));
        for ((chain, level), _) in self.slots.values().flatten().filter(|(_, cell)| *cell == NONE) {
            self.reserved[*chain as usize][*level as usize] += 1;
        }
    }

    /// Whether a bound cell has no slot.
    pub(crate) fn has_homeless(&self) -> bool {
        self.bound.values().any(|bound| bound.slot == NO_SLOT)
    }

    /// Takes exactly this cell for a virtual cluster, as the notes of an earlier decision say.
    pub(crate) fn restore(&mut self, forest: &Forest, id: CellId, vc: Vc, slot: u32) {
        self.buddies.take(forest, id);
        self.bound.insert(id, Bound { vc, slot, tasks: 0 });
    }

    /// Lets go of bound cells in which nobody sits.
    pub(crate) fn release_empty(&mut self, forest: &Forest) {
        let empty: Vec<CellId> = self.bound.iter().filter(|(_, bound)| bound.tasks == 0).map(|(id, _)| *id).collect();
        for id in empty {
            self.unbind(forest, id);
        }
    }

    /// GPUs of a virtual cluster on which nobody sits.
    pub(crate) fn left(&self, forest: &Forest, vc: Vc) -> u64 {
        let gpus = |(kind, cell): &(Kind, CellId)| match *cell {
            NONE => u64::from(forest.chains[kind.0 as usize].gpus[kind.1 as usize]),
            cell => self.free_inside(forest, cell),
        };
        self.slots.get(&vc).map_or(0, |slots| slots.iter().map(gpus).sum())
    }

    fn free_inside(&self, forest: &Forest, id: CellId) -> u64 {
        match (self.taken[id as usize], self.inside[id as usize]) {
            (true, _) => 0,
            (false, 0) => u64::from(forest.gpus(id)),
            _ => forest.parts(id).map(|part| self.free_inside(forest, part)).sum(),
        }
    }

    /// Seats a task that needs a cell of `levels[chain]` (where it may use the chain at all): in the smallest free part of a
    /// slot that is large enough, slots in use before others, then by number.
    pub(crate) fn seat(
        &mut self,
        forest: &Forest,
        vc: Vc,
        levels: &[Option<u32>],
        ground: &Ground<'_>,
    ) -> Option<CellId> {
        let slots = self.slots.get(&vc)?;
        let mut best: Option<((u32, bool, u32), CellId)> = None;
        let mut unbound: BTreeMap<Kind, u32> = BTreeMap::new();
        for (slot, (kind, cell)) in slots.iter().enumerate() {
            let Some(need) = levels[kind.0 as usize].filter(|need| *need <= kind.1) else { continue };
            if *cell == NONE {
                unbound.entry(*kind).or_insert(slot as u32);
            } else if let Some((level, seat)) = self.roomiest_fit(forest, *cell, need, ground) {
                let key = (level, false, slot as u32);
                if best.is_none_or(|(other, _)| key < other) {
                    best = Some((key, seat));
                }
            }
        }
        let mut fresh: Vec<_> = unbound.into_iter().map(|(kind, slot)| ((kind.1, true, slot), kind)).collect();
        fresh.sort_unstable();
        for (key, kind) in fresh {
            if best.is_some_and(|(other, _)| other < key) {
                break;
            }
            let Some(need) = levels[kind.0 as usize] else { continue };
            if let Some(cell) = self.bind(forest, kind, need, ground) {
                self.assign(cell, vc, key.2, kind);
                let seat = first_usable(forest, cell, need, ground)?;
                self.sit(forest, seat);
                return Some(seat);
            }
        }
        let (_, seat) = best?;
        self.sit(forest, seat);
        Some(seat)
    }

    /// The smallest free cell of at least level `need` inside `id`, and a usable seat in it.
    fn roomiest_fit(&self, forest: &Forest, id: CellId, need: u32, ground: &Ground<'_>) -> Option<(u32, CellId)> {
        let level = forest.cell(id).level;
        if self.taken[id as usize] || level < need {
            return None;
        }
        if self.inside[id as usize] == 0 {
            return first_usable(forest, id, need, ground).map(|seat| (level, seat));
        }
        if level == need {
            return None;
        }
        forest.parts(id).filter_map(|part| self.roomiest_fit(forest, part, need, ground)).min()
    }

    /// A physical cell of this kind that has a usable part of level `need`: off the lowest level that has one, where fewest
    /// GPUs are held by opportunistic jobs. Where that is not the lowest level with a free cell at all (nodes are down), only if
    /// all other contracts can still be met.
    fn bind(&mut self, forest: &Forest, kind: Kind, need: u32, ground: &Ground<'_>) -> Option<CellId> {
        let (chain, level) = kind;
        let was_safe = self.buddies.is_safe(forest, chain, &self.reserved[chain as usize]);
        let mut others = self.reserved[chain as usize].clone();
        others[level as usize] -= 1;
        for from in level..=forest.chains[chain as usize].top() {
            let best = self.cheapest(forest, kind, from, need, ground);
            let Some(cell) = best else { continue };
            self.buddies.take(forest, cell);
            if !was_safe || self.buddies.is_safe(forest, chain, &others) {
                return Some(cell);
            }
            self.buddies.give(forest, cell);
        }
        None
    }

    /// The best cell of a kind in the free cells of level `from`: wholly usable ones first.
    fn cheapest(&self, forest: &Forest, kind: Kind, from: u32, need: u32, ground: &Ground<'_>) -> Option<CellId> {
        let mut best: Option<((bool, u32), CellId)> = None;
        let mut stack: Vec<CellId> = Vec::new();
        for free in self.buddies.free(kind.0, from) {
            stack.push(free);
            while let Some(id) = stack.pop() {
                if forest.cell(id).level > kind.1 {
                    stack.extend(forest.parts(id).rev());
                    continue;
                }
                if first_usable(forest, id, need, ground).is_none() {
                    continue;
                }
                let sick = !forest.nodes_of(id).iter().all(|node| (ground.usable)(*node));
                let key = (sick, (ground.scavenged)(id));
                if best.is_none_or(|(other, _)| key < other) {
                    best = Some((key, id));
                }
            }
        }
        best.map(|(_, id)| id)
    }

    fn assign(&mut self, id: CellId, vc: Vc, slot: u32, kind: Kind) {
        self.bound.insert(id, Bound { vc, slot, tasks: 0 });
        if let Some(entry) = self.slots.get_mut(&vc).and_then(|slots| slots.get_mut(slot as usize)) {
            entry.1 = id;
            self.reserved[kind.0 as usize][kind.1 as usize] -= 1;
        }
    }

    /// A task sits down on a cell inside a bound one.
    pub(crate) fn sit(&mut self, forest: &Forest, seat: CellId) {
        self.taken[seat as usize] = true;
        for id in forest.ancestry(seat) {
            self.inside[id as usize] += 1;
            if let Some(bound) = self.bound.get_mut(&id) {
                bound.tasks += 1;
            }
        }
    }

    /// It gets up; a bound cell in which nobody sits is let go of.
    pub(crate) fn rise(&mut self, forest: &Forest, seat: CellId) {
        self.taken[seat as usize] = false;
        let mut empty = None;
        for id in forest.ancestry(seat) {
            self.inside[id as usize] -= 1;
            if let Some(bound) = self.bound.get_mut(&id) {
                bound.tasks -= 1;
                empty = (bound.tasks == 0).then_some(id);
            }
        }
        if let Some(id) = empty {
            self.unbind(forest, id);
        }
    }

    fn unbind(&mut self, forest: &Forest, id: CellId) {
        let Some(bound) = self.bound.remove(&id) else { return };
        self.buddies.give(forest, id);
        let slot = self.slots.get_mut(&bound.vc).and_then(|slots| slots.get_mut(bound.slot as usize));
        if let Some((kind, cell)) = slot.filter(|(_, cell)| *cell == id) {
            *cell = NONE;
            self.reserved[kind.0 as usize][kind.1 as usize] += 1;
        }
    }
}

fn kind_of(forest: &Forest, id: CellId) -> Kind {
    (forest.cell(id).chain, forest.cell(id).level)
}

/// The first part of `id` of level `need` whose node may be used; `need` is at most the level of a node.
fn first_usable(forest: &Forest, id: CellId, need: u32, ground: &Ground<'_>) -> Option<CellId> {
    let cell = forest.cell(id);
    if cell.level <= forest.chain_of(id).node_level {
        if !(ground.usable)(forest.nodes_of(id)[0]) {
            return None;
        }
        let mut at = id;
        while forest.cell(at).level > need {
            at = forest.cell(at).first_part;
        }
        return Some(at);
    }
    forest.parts(id).find_map(|part| first_usable(forest, part, need, ground))
}
