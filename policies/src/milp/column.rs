//! Columns: what one node of a shape could look like. A column takes some running tasks away and adds some tasks.
//!
//! These are the configurations of Gilmore and Gomory (1961) for nodes instead of rolls. A column knows what it adds to the
//! objective: the change of F for the best seating on the GPUs, so F needs no linear approximation.

use smallvec::SmallVec;

use engine::{MILLI, UNLIMITED};

use super::seat::Seats;
use super::shape::Shape;
use super::stock::Stock;
use crate::fragmentation::NodeRoom;

/// Items and how many of each, by item.
pub(super) type Added = SmallVec<[(u16, u16); 4]>;

/// One way for a node to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) shape: usize,
    /// Pieces of the shape that are taken away.
    pub(super) removed: SmallVec<[u16; 4]>,
    pub(super) added: Added,
    /// What it adds to the objective beside values, in units.
    pub(super) gain: i64,
}

/// A set of pieces that is taken away, with what is free then.
#[derive(Clone, Debug)]
pub(super) struct Removal {
    pub(super) removed: SmallVec<[u16; 4]>,
    pub(super) room: NodeRoom,
    /// Prices and costs of the moves, in units.
    pub(super) cost: i64,
}

/// The sets of at most `moves_max` pieces, the empty one first. Of equal pieces on the same GPUs the first are taken.
pub(super) fn removals(stock: &Stock<'_>, shape: &Shape) -> Vec<Removal> {
    let nothing = Removal { removed: SmallVec::new(), room: shape.room.clone(), cost: 0 };
    let mut sets = vec![nothing];
    let mut at = 0;
    while at < sets.len() {
        let set = sets[at].clone();
        at += 1;
        if set.removed.len() >= stock.rules.moves_max as usize {
            continue;
        }
        let first = set.removed.last().map_or(0, |last| *last as usize + 1);
        for piece in first..shape.pieces.len() {
            let equal = piece > first && shape.pieces[piece - 1] == shape.pieces[piece];
            if !equal {
                sets.push(without(stock, shape, &set, piece));
            }
        }
    }
    sets
}

fn without(stock: &Stock<'_>, shape: &Shape, set: &Removal, at: usize) -> Removal {
    let (mut next, piece) = (set.clone(), &shape.pieces[at]);
    next.removed.push(at as u16);
    next.cost += piece.price.cast_signed() * stock.unit;
    for gpu in &piece.gpus {
        next.room.gpus[*gpu as usize] += piece.milli;
    }
    if next.room.cpu_milli != UNLIMITED {
        next.room.cpu_milli += piece.cpu_milli;
    }
    if next.room.memory_mib != UNLIMITED {
        next.room.memory_mib += piece.memory_mib;
    }
    debug_assert!(next.room.gpus.iter().all(|free| u32::from(*free) <= MILLI), "a task held more than there is");
    next
}

/// The items that nodes of this shape may hold, by item.
pub(super) fn allowed(stock: &Stock<'_>, shape: &Shape) -> Vec<usize> {
    let inside = |item: usize| {
        let gang = stock.items[item].gang.map(|gang| &stock.gangs[gang]);
        gang.and_then(|gang| gang.required).is_none_or(|level| shape.domains.at(level).is_some())
    };
    let cleared = &stock.cleared[shape.nodes[0]];
    let fits = |item: usize| stock.items[item].count > 0 && cleared.fits(&stock.items[item].request);
    (0..stock.items.len()).filter(|item| fits(*item) && inside(*item)).collect()
}

/// What the nodes of gangs cost that these tasks touch, in units: for each gang the fewest gangs of its class.
fn span(stock: &Stock<'_>, added: &Added) -> i64 {
    if stock.rules.span_cost == 0 {
        return 0;
    }
    let mut touched: SmallVec<[(usize, u32); 4]> = SmallVec::new();
    for (item, count) in added {
        let Some(gang) = stock.items[*item as usize].gang else { continue };
        match touched.iter_mut().find(|(other, _)| *other == gang) {
            Some((_, tasks)) => *tasks += u32::from(*count),
            None => touched.push((gang, u32::from(*count))),
        }
    }
    let gangs: u32 = touched.iter().map(|(gang, tasks)| tasks.div_ceil(stock.gangs[*gang].tasks)).sum();
    i64::from(gangs) * stock.rules.span_cost.cast_signed() * stock.unit
}

/// What a column adds to the objective beside values.
pub(super) fn gain(stock: &Stock<'_>, before: u64, removal: &Removal, added: &Added, seats: &mut Seats) -> i64 {
    let growth = seats.least(stock.work).cast_signed() - before.cast_signed();
    -i64::from(stock.rules.frag_weight) * growth - removal.cost - span(stock, added)
}

/// All columns of a shape; `None` when there are more than `most`, or too many ways to seat them.
pub(super) fn list(stock: &Stock<'_>, at: usize, shape: &Shape, most: usize) -> Option<Vec<Column>> {
    let mut list = List { stock, at, most, columns: Vec::new(), before: stock.work.fragmentation(&shape.room) };
    let items = allowed(stock, shape);
    for removal in removals(stock, shape) {
        if !removal.removed.is_empty() {
            let mut seats = Seats::of(&removal.room);
            list.push(&removal, &Added::new(), &mut seats);
        }
        list.grow(&removal, &items, &mut Added::new(), &Seats::of(&removal.room))?;
    }
    Some(list.columns)
}

struct List<'a, 'b> {
    stock: &'a Stock<'b>,
    at: usize,
    most: usize,
    columns: Vec<Column>,
    /// F before, in units of the workload.
    before: u64,
}

impl List<'_, '_> {
    fn push(&mut self, removal: &Removal, added: &Added, seats: &mut Seats) {
        let gain = gain(self.stock, self.before, removal, added, seats);
        self.columns.push(Column { shape: self.at, removed: removal.removed.clone(), added: added.clone(), gain });
    }

    /// Adds every multiset of `items` that fits on top of what is added already.
    fn grow(&mut self, removal: &Removal, items: &[usize], added: &mut Added, seats: &Seats) -> Option<()> {
        for (at, item) in items.iter().enumerate() {
            let wanted = &self.stock.items[*item];
            let same = added.last().is_some_and(|(last, _)| *last as usize == *item);
            let count = if same { added[added.len() - 1].1 } else { 0 };
            if u32::from(count) >= wanted.count {
                continue;
            }
            let Some(mut next) = seats.with(&wanted.request, self.stock.work, self.stock.rules.seatings) else {
                continue;
            };
            match added.last_mut() {
                Some(last) if same => last.1 += 1,
                _ => added.push((*item as u16, 1)),
            }
            if self.columns.len() >= self.most || next.cut {
                return None;
            }
            self.push(removal, added, &mut next);
            self.grow(removal, &items[at..], added, &next)?;
            match added.last_mut() {
                Some(last) if same => last.1 -= 1,
                _ => drop(added.pop()),
            }
        }
        Some(())
    }
}

/// The column of a shape that adds just these tasks, seated best.
pub(super) fn column_of(stock: &Stock<'_>, at: usize, shape: &Shape, added: &Added) -> Option<Column> {
    let mut seats = Seats::of(&shape.room);
    for (item, count) in added {
        for _ in 0..*count {
            seats = seats.with(&stock.items[*item as usize].request, stock.work, stock.rules.seatings)?;
        }
    }
    let removal = Removal { removed: SmallVec::new(), room: shape.room.clone(), cost: 0 };
    let before = stock.work.fragmentation(&shape.room);
    let gain = gain(stock, before, &removal, added, &mut seats);
    Some(Column { shape: at, removed: SmallVec::new(), added: added.clone(), gain })
}
