//! The best column of a shape at given prices, by a bounded depth-first search.
//!
//! Items go by what they pay for their GPUs, most first. A branch is left when even filling what is idle with the best of
//! the items that remain, in fractions (Dantzig's bound of the knapsack), is not better. F after is at least the idle GPUs
//! times the weight of the tasks that can never run here. When the search is cut off, the bounds of what it did not look at
//! are in its bound, so the bound holds.

use engine::TaskRequest;

use super::column::{Added, Column, Removal, gain, removals};
use super::count::tasks_of;
use super::master::Master;
use super::pricing::{Prices, value};
use super::seat::Seats;

/// What a search found.
pub(super) struct Searched {
    /// Columns that were best when they were met.
    pub(super) columns: Vec<Column>,
    /// No column of the shape is worth more; at least what was known before.
    pub(super) bound: i64,
    /// Ways to seat tasks were left out.
    pub(super) cut: bool,
}

struct Wanted {
    item: usize,
    request: TaskRequest,
    /// What one task pays, in units.
    pay: i64,
    /// The same with the F that it takes away by taking idle GPU.
    worth: i64,
    milli: i64,
    count: i64,
}

struct Search<'m, 'a, 'b> {
    master: &'m Master<'a, 'b>,
    at: usize,
    prices: &'m Prices,
    /// F before.
    before: u64,
    wanted: Vec<Wanted>,
    /// What a thousandth of idle GPU costs at least, in units.
    idle_cost: i64,
    left: usize,
    best: i64,
    open: i64,
    found: Vec<Column>,
    cut: bool,
}

/// Columns of the shape that are worth more than `known`, and a bound over all of them.
pub(super) fn search(master: &Master<'_, '_>, at: usize, prices: &Prices, known: i64) -> Searched {
    let stock = master.stock;
    let shape = &master.shapes[at];
    let mut search = Search {
        master,
        at,
        prices,
        before: stock.work.fragmentation(&shape.room),
        wanted: Vec::new(),
        idle_cost: 0,
        left: stock.rules.searched,
        best: known,
        open: known,
        found: Vec::new(),
        cut: false,
    };
    for removal in removals(stock, shape) {
        search.prepare(&removal);
        let taken: i64 = removal.removed.iter().map(|piece| {
            prices.moves + prices.duties[master.free_duty(shape.pieces[*piece as usize].item)]
        }).sum();
        let idle = removal.room.idle_milli() as i64;
        let fixed = -removal.cost - taken;
        search.grow(&removal, 0, &mut Added::new(), &Seats::of(&removal.room), idle, fixed);
    }
    Searched { columns: search.found, bound: search.open.max(search.best), cut: search.cut }
}

impl Search<'_, '_, '_> {
    /// Sorts the items by what they pay on this room.
    fn prepare(&mut self, removal: &Removal) {
        let stock = self.master.stock;
        let room = &removal.room;
        let never = stock.work.typical().iter().filter(|typical| {
            let request = &typical.request;
            request.gpus.milli() == 0 || !request.models.contains(room.model) || request.cpu_milli > room.cpu_milli
        });
        let never: u64 = never.map(|typical| typical.weight).sum();
        self.idle_cost = i64::from(stock.rules.frag_weight) * never as i64;
        self.wanted.clear();
        for (item, duties) in &self.master.counted[self.at] {
            let wanted = &stock.items[*item];
            let pay: i64 = duties.iter().map(|duty| self.prices.duties[*duty]).sum();
            let milli = wanted.request.gpus.milli() as i64;
            let count = i64::from(wanted.count).min(tasks_of(room, &wanted.request).min(u64::from(u32::MAX)) as i64);
            if count > 0 {
                let worth = pay + self.idle_cost * milli;
                self.wanted.push(Wanted { item: *item, request: wanted.request, pay, worth, milli, count });
            }
        }
        self.wanted.sort_by(|a, b| {
            let cross = |x: &Wanted, y: &Wanted| i128::from(x.worth) * i128::from(y.milli.max(1));
            cross(b, a).cmp(&cross(a, b)).then(a.item.cmp(&b.item))
        });
    }

    /// The most that items from `from` on add where `idle` thousandths are idle and `used` of the first are there already.
    fn filling(&self, from: usize, mut idle: i64, used: i64) -> i64 {
        let (mut sum, mut used) = (0_i64, used);
        for wanted in self.wanted[from..].iter().filter(|wanted| wanted.worth > 0) {
            let count = (wanted.count - used).max(0);
            used = 0;
            if wanted.milli == 0 {
                sum = sum.saturating_add(wanted.worth.saturating_mul(count));
            } else if count * wanted.milli <= idle {
                sum += wanted.worth * count;
                idle -= count * wanted.milli;
            } else {
                return sum + (i128::from(wanted.worth) * i128::from(idle) / i128::from(wanted.milli)) as i64 + 1;
            }
        }
        sum
    }

    /// No column below this one is worth more: what was paid, F at its least, and the filling.
    fn reach(&self, from: usize, idle: i64, used: i64, paid: i64) -> i64 {
        let before = i64::from(self.master.stock.rules.frag_weight) * self.before as i64;
        paid.saturating_add(before - self.idle_cost * idle).saturating_add(self.filling(from, idle, used))
    }

    fn grow(&mut self, removal: &Removal, from: usize, added: &mut Added, seats: &Seats, idle: i64, paid: i64) {
        for at in from..self.wanted.len() {
            let wanted = &self.wanted[at];
            let (item, milli, pay, count) = (wanted.item, wanted.milli, wanted.pay, wanted.count);
            let same = added.last().is_some_and(|(last, _)| *last as usize == item);
            let used = if same { i64::from(added[added.len() - 1].1) } else { 0 };
            // What begins with a later item is in the bound of this one.
            let reach = self.reach(at, idle, used, paid);
            if reach <= self.best {
                return;
            }
            if self.left == 0 {
                self.open = self.open.max(reach);
                return;
            }
            if used >= count {
                continue;
            }
            let (work, most) = (self.master.stock.work, self.master.stock.rules.seatings);
            let Some(mut next) = seats.with(&self.wanted[at].request, work, most) else { continue };
            self.left -= 1;
            match added.last_mut() {
                Some(last) if same => last.1 += 1,
                _ => added.push((item as u16, 1)),
            }
            self.look(removal, added, &mut next);
            self.grow(removal, at, added, &next, idle - milli, paid + pay);
            match added.last_mut() {
                Some(last) if same => last.1 -= 1,
                _ => drop(added.pop()),
            }
        }
    }

    /// Keeps the column if it is the best so far.
    fn look(&mut self, removal: &Removal, added: &Added, seats: &mut Seats) {
        let gain = gain(self.master.stock, self.before, removal, added, seats);
        self.cut |= seats.cut;
        let mut sorted = added.clone();
        sorted.sort_unstable();
        let column = Column { shape: self.at, removed: removal.removed.clone(), added: sorted, gain };
        let worth = value(self.master, self.prices, &column);
        if worth > self.best {
            self.best = worth;
            self.found.push(column);
        }
    }
}
