//! Large programs in parts: nodes and jobs are dealt to parts by lot, and the parts are solved one after the other.
//!
//! The parts are those of POP (Narayanan et al., SOSP 2021): where many small jobs meet many nodes, each part is a likeness
//! of the whole, and a plan made of the parts' plans is almost as good. What POP leaves out is here: jobs without a place in
//! their part are tried once more on all nodes, the greedy plan of the whole is the floor, and the bound is one for the
//! whole, for the sum of the parts' bounds is none.

use std::collections::{BTreeMap, BTreeSet};

use engine::topology::Level;

use super::count;
use super::greedy;
use super::joint::{self, Found};
use super::master::Master;
use super::solver::{Solver, Stopped};
use super::stock::Stock;
use super::worth::{Outline, worth};
use super::yard::{Ask, Move, Plan, Rules, Source, Yard};
use crate::place::mix;

/// Most parts.
const PARTS: u64 = 64;
/// Fewest nodes of a part, on average.
const NODES: usize = 8;

/// Nodes and asks of one part, as places in the whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Part {
    pub(super) nodes: Vec<usize>,
    pub(super) asks: Vec<usize>,
}

/// What a program is made of, for the measure of its size.
struct Sizes {
    /// The shape of each node; nodes that are of no use have none.
    shapes: Vec<Option<usize>>,
    /// The items of each ask; none of those that are refused.
    items: Vec<Vec<usize>>,
}

impl Sizes {
    fn of(master: &Master<'_, '_>) -> Self {
        let stock = master.stock;
        let mut shapes = vec![None; stock.yard.nodes.len()];
        for (at, shape) in master.shapes.iter().enumerate() {
            shape.nodes.iter().for_each(|node| shapes[*node] = Some(at));
        }
        let mut items = vec![Vec::new(); stock.asks.len()];
        stock.singles.iter().for_each(|single| single.asks.iter().for_each(|ask| items[*ask].push(single.item)));
        for gang in &stock.gangs {
            gang.asks.iter().for_each(|ask| items[*ask].extend(gang.needs.iter().map(|need| need.item)));
        }
        Self { shapes, items }
    }

    /// Kinds of nodes times kinds of tasks.
    fn size(&self, part: &Part) -> usize {
        let shapes: BTreeSet<usize> = part.nodes.iter().filter_map(|node| self.shapes[*node]).collect();
        let items: BTreeSet<usize> = part.asks.iter().flat_map(|ask| self.items[*ask].iter().copied()).collect();
        shapes.len() * items.len()
    }
}

/// The parts, as few as keep each within the size that the rules allow; `None` where the whole does, or cannot be dealt.
pub(super) fn split(master: &Master<'_, '_>) -> Option<Vec<Part>> {
    let (stock, sizes) = (master.stock, Sizes::of(master));
    let (nodes, most) = (stock.yard.nodes.len(), stock.rules.split_above);
    let whole = Part { nodes: (0..nodes).collect(), asks: (0..stock.asks.len()).collect() };
    let parts_max = PARTS.min((nodes / NODES).max(1) as u64);
    if sizes.size(&whole) <= most || parts_max < 2 {
        return None;
    }
    let mut parts = 2;
    loop {
        let dealt = deal(stock, &sizes, parts);
        if parts == parts_max || dealt.iter().all(|part| sizes.size(part) <= most) {
            let dealt: Vec<Part> = dealt.into_iter().filter(|part| !part.nodes.is_empty()).collect();
            return (dealt.len() > 1).then_some(dealt);
        }
        parts = (parts + parts.div_ceil(2)).min(parts_max);
    }
}

/// Deals nodes by the lot of their id, or of their domain where jobs want to be inside one; then asks by the lot of their
/// number, gangs to the next part that has room for them by counting.
fn deal(stock: &Stock<'_>, sizes: &Sizes, parts: u64) -> Vec<Part> {
    let mut dealt = vec![Part::default(); parts as usize];
    let level = level(stock, parts);
    for (at, node) in stock.yard.nodes.iter().enumerate().filter(|(at, _)| sizes.shapes[*at].is_some()) {
        let domain = level.and_then(|level| node.domains.at(level));
        let key = domain.map_or(u64::from(node.id.0), |domain| u64::from(domain.0) | 1 << 32);
        dealt[(mix(key) % parts) as usize].nodes.push(at);
    }
    let mut rooms: BTreeMap<&Ask, Vec<bool>> = BTreeMap::new();
    for (at, ask) in stock.asks.iter().enumerate().filter(|(at, _)| !sizes.items[*at].is_empty()) {
        let lot = mix(at as u64 | 1 << 33) % parts;
        let mut chosen = lot;
        if ask.tasks() > 1 {
            let rooms = rooms.entry(ask).or_insert_with(|| has_room(stock, &dealt, ask));
            chosen = (lot..lot + parts).map(|part| part % parts).find(|part| rooms[*part as usize]).unwrap_or(lot);
        }
        dealt[chosen as usize].asks.push(at);
    }
    dealt
}

/// The coarsest level that jobs ask for, rather required than preferred, that has a domain for each part.
fn level(stock: &Stock<'_>, parts: u64) -> Option<Level> {
    let many = |level: &Level| {
        let domains: BTreeSet<_> = stock.yard.nodes.iter().filter_map(|node| node.domains.at(*level)).collect();
        domains.len() as u64 >= parts
    };
    let required = |level: &Level| stock.gangs.iter().any(|gang| gang.required == Some(*level));
    let preferred = |level: &Level| stock.gangs.iter().any(|gang| gang.preferred == Some(*level));
    let coarsest =
        |asked: &dyn Fn(&Level) -> bool| Level::ALL.into_iter().rev().find(|level| asked(level) && many(level));
    coarsest(&required).or_else(|| coarsest(&preferred))
}

/// Of each part, whether counting leaves the gang a chance in it.
fn has_room(stock: &Stock<'_>, parts: &[Part], ask: &Ask) -> Vec<bool> {
    let chance = |part: &Part| {
        let nodes = part.nodes.iter().map(|node| stock.yard.nodes[*node].clone()).collect();
        let rooms: Vec<_> = part.nodes.iter().map(|node| stock.cleared[*node].clone()).collect();
        count::refusal(&Yard { nodes, held: Vec::new() }, &rooms, ask).is_none()
    };
    parts.iter().map(chance).collect()
}

/// Solves the parts one after the other. `start`, worth `base`, is a plan of the whole, and `bound` holds for the whole.
pub(super) fn solve(
    master: &Master<'_, '_>,
    parts: &[Part],
    (start, base): (Outline, i64),
    bound: i64,
    solver: &mut dyn Solver,
) -> Found {
    let stock = master.stock;
    let mut outline = Outline { placed: vec![None; stock.asks.len()], moves: Vec::new() };
    let mut found = Found { bound, shapes: master.shapes.len(), parts: parts.len(), ..Found::default() };
    for part in parts.iter().filter(|part| !part.asks.is_empty()) {
        let plan = solve_part(stock, part, outline.moves.len() as u32, solver);
        found.columns += plan.quality.columns;
        found.nodes += plan.quality.solver_nodes;
        if let Source::Failed(failure) = plan.quality.source {
            found.failure = Some(failure);
            return found;
        }
        part.asks.iter().zip(plan.placed).for_each(|(ask, placed)| outline.placed[*ask] = placed);
        outline.moves.extend(plan.moves);
    }
    greedy::fill(stock, &mut outline);
    found.stopped = Stopped::Limit;
    let better = worth(stock.yard, stock.asks, stock.work, stock.rules, &outline).is_ok_and(|worth| worth > base);
    found.outline = Some(if better { outline } else { start });
    found
}

/// The plan of one part; its moves are those of the whole. `moved`: the moves that other parts have made.
fn solve_part(stock: &Stock<'_>, part: &Part, moved: u32, solver: &mut dyn Solver) -> Plan {
    let rules = Rules { split_above: usize::MAX, moves_max: stock.rules.moves_max - moved, ..stock.rules.clone() };
    let asks: Vec<Ask> = part.asks.iter().map(|ask| stock.asks[*ask].clone()).collect();
    let (mut yard, mut names) = (Yard::default(), Vec::new());
    for (at, node) in part.nodes.iter().enumerate() {
        yard.nodes.push(stock.yard.nodes[*node].clone());
        for held in &stock.held_of[*node] {
            yard.held.push(super::yard::Held { node: at, ..stock.yard.held[*held].clone() });
            names.push(*held);
        }
    }
    let plan = joint::plan(&yard, &asks, stock.work, &rules, solver);
    let moves = plan.moves.into_iter().map(|step| Move { held: names[step.held], ..step }).collect();
    Plan { moves, ..plan }
}

#[cfg(test)]
mod tests {
    use engine::topology::Domains;
    use engine::{DomainId, ModelId, NodeId, TaskRequest};

    use super::*;
    use crate::fragmentation::{NodeRoom, Workload};
    use crate::milp::shape::shapes;
    use crate::milp::yard::YardNode;

    /// 64 nodes of 2 GPUs, no two alike, in racks of two and two zones; jobs of `tasks` tasks of two GPUs.
    fn parts(tasks: u32, required: Option<Level>, split_above: usize) -> Option<Vec<Part>> {
        let node = |at: u32| YardNode {
            id: NodeId(at + 100),
            room: NodeRoom {
                model: ModelId(0),
                cpu_milli: 10_000 + at,
                memory_mib: 64,
                gpus: [1000, 1000].into_iter().collect(),
            },
            domains: Domains([None, Some(DomainId(at / 2)), Some(DomainId(at / 32))]),
        };
        let request = |at: u32| TaskRequest { cpu_milli: 5_001 + at, ..TaskRequest::whole_gpus(2) };
        let ask =
            |at: u32| Ask { required, ..Ask { groups: vec![(request(at), tasks)], ..Ask::single(9, request(at)) } };
        let yard = Yard { nodes: (0..64).map(node).collect(), held: Vec::new() };
        let asks: Vec<Ask> = (0..40).map(ask).collect();
        let (work, rules) = (Workload::of(&[(request(0), 1)], 1_000_000), Rules { split_above, ..Rules::default() });
        let stock = Stock::of(&yard, &asks, &work, &rules);
        split(&Master::of(&stock, shapes(&stock)))
    }

    fn all(parts: &[Part], of: impl Fn(&Part) -> &Vec<usize>) -> Vec<usize> {
        let mut all: Vec<usize> = parts.iter().flat_map(|part| of(part).clone()).collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn nodes_and_asks_are_dealt_once_to_parts_of_the_size_that_is_allowed() {
        assert_eq!(parts(1, None, 64 * 40), None, "small enough");
        let dealt = parts(1, None, 300).unwrap();
        assert!(dealt.len() > 2 && dealt.iter().all(|part| part.nodes.len() * part.asks.len() <= 300), "{dealt:?}");
        assert_eq!(all(&dealt, |part| &part.nodes), (0..64).collect::<Vec<_>>());
        assert_eq!(all(&dealt, |part| &part.asks), (0..40).collect::<Vec<_>>());
        assert_eq!(parts(1, None, 0).unwrap().len(), 8, "no part is smaller than eight nodes on average");
    }

    #[test]
    fn gangs_keep_a_domain_whole() {
        let dealt = parts(2, Some(Level::Rack), 300).unwrap();
        let part_of = |node: usize| dealt.iter().position(|part| part.nodes.contains(&node));
        assert!((0..32).all(|rack| part_of(2 * rack) == part_of(2 * rack + 1)), "{dealt:?}");
    }

    #[test]
    fn a_gang_goes_to_a_part_that_has_room_for_it() {
        // A gang of 20, each of which needs a node, has room in parts of 20 nodes and more.
        let has_room = |part: &Part| part.nodes.len() >= 20;
        let mut mixed = 0;
        for limit in [900, 700, 600, 500, 450, 400, 350, 300] {
            let dealt = parts(20, None, limit).unwrap_or_default();
            if dealt.iter().any(has_room) && !dealt.iter().all(has_room) {
                mixed += 1;
                assert!(dealt.iter().all(|part| part.asks.is_empty() || has_room(part)), "{dealt:?}");
            }
        }
        assert!(mixed > 0);
    }
}
