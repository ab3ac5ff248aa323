//! The best column of a shape at given prices, by a bounded depth-first search.
//!
//! Items go by what they pay for their GPUs, most first. A branch is left when even the best filling of each GPU on its own
//! is not better. F of a node is a sum over its GPUs once the CPU is forgotten: `r` idle on a GPU cost at least `r` times the
//! weight of the tasks that need more than `r` or can never run here. So what the best filling of a GPU with `r` idle is worth
//! is a small table (an unbounded knapsack), where a task of several GPUs pays evenly for each. When the search is cut off,
//! the bounds of what it did not look at are in its bound, so the bound holds.

use engine::{GpuRequest, MILLI, TaskRequest};

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
}

struct Wanted {
    item: usize,
    request: TaskRequest,
    /// What one task pays, in units.
    pay: i64,
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
    /// What a GPU with so many idle thousandths may be worth at most, with its F.
    filled: Vec<i64>,
    /// What tasks without GPUs pay at most.
    beside: i64,
    left: usize,
    best: i64,
    open: i64,
    found: Vec<Column>,
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
        filled: Vec::new(),
        beside: 0,
        left: stock.rules.searched,
        best: known,
        open: known,
        found: Vec::new(),
    };
    for removal in removals(stock, shape) {
        search.prepare(&removal);
        let taken: i64 = removal
            .removed
            .iter()
            .map(|piece| prices.moves + prices.duties[master.free_duty(shape.pieces[*piece as usize].item)])
            .sum();
        let fixed = -removal.cost - taken;
        let mut seats = Seats::of(&removal.room);
        if !removal.removed.is_empty() {
            search.look(&removal, &Added::new(), &mut seats);
        }
        search.grow(&removal, 0, &mut Added::new(), &seats, fixed);
    }
    Searched { columns: search.found, bound: search.open.max(search.best) }
}

impl Search<'_, '_, '_> {
    /// Sorts the items by what they pay on this room, and fills the table.
    fn prepare(&mut self, removal: &Removal) {
        let stock = self.master.stock;
        self.wanted.clear();
        self.beside = 0;
        for (item, duties) in &self.master.counted[self.at] {
            let wanted = &stock.items[*item];
            let pay: i64 = duties.iter().map(|duty| self.prices.duties[*duty]).sum();
            let milli = wanted.request.gpus.milli().cast_signed();
            let room = tasks_of(&removal.room, &wanted.request).min(u64::from(u32::MAX)).cast_signed();
            let count = i64::from(wanted.count).min(room);
            if count > 0 {
                self.wanted.push(Wanted { item: *item, request: wanted.request, pay, milli, count });
                self.beside += if milli == 0 { pay.max(0).saturating_mul(count) } else { 0 };
            }
        }
        self.wanted.sort_by(|a, b| {
            let cross = |x: &Wanted, y: &Wanted| i128::from(x.pay) * i128::from(y.milli.max(1));
            cross(b, a).cmp(&cross(a, b)).then(a.item.cmp(&b.item))
        });
        self.fill(removal);
    }

    /// The table: idle as it is, or with one task more.
    fn fill(&mut self, removal: &Removal) {
        let whole = MILLI as usize;
        let mut parts: Vec<(usize, i64)> = Vec::new();
        let mut full = i64::MIN;
        for wanted in self.wanted.iter().filter(|wanted| wanted.milli > 0) {
            match wanted.request.gpus {
                GpuRequest::Milli(milli) => parts.push((milli as usize, wanted.pay)),
                // Rounded up: a bound may be too high, never too low.
                GpuRequest::Whole(gpus) => full = full.max(ceil_div(wanted.pay, i64::from(gpus))),
            }
        }
        self.filled = self.idle_costs(removal);
        for free in 1..=whole {
            let with =
                parts.iter().filter(|(milli, _)| *milli <= free).map(|(milli, pay)| pay + self.filled[free - milli]);
            let best = with.fold(self.filled[free], i64::max);
            self.filled[free] = best;
        }
        self.filled[whole] = self.filled[whole].max(full);
    }

    /// What idle thousandths of a GPU cost at least by their F, negative.
    fn idle_costs(&self, removal: &Removal) -> Vec<i64> {
        let (stock, room) = (self.master.stock, &removal.room);
        // Weight of the tasks that need exactly so much of a GPU; those that never run here need more than there is.
        let mut needs = vec![0_i64; MILLI as usize + 2];
        for typical in stock.work.typical() {
            let request = &typical.request;
            let never = request.gpus.milli() == 0
                || !request.models.contains(room.model)
                || request.cpu_milli > room.cpu_milli
                || request.gpus.count() as usize > room.gpus.len();
            let need = match request.gpus {
                _ if never => MILLI as usize + 1,
                GpuRequest::Whole(_) => MILLI as usize,
                GpuRequest::Milli(milli) => milli as usize,
            };
            needs[need] += typical.weight.cast_signed();
        }
        let mut more: i64 = needs.iter().sum();
        let weight = i64::from(stock.rules.frag_weight);
        let cost = |(free, need): (usize, &i64)| {
            more -= need;
            -weight * more * (free as u64).cast_signed()
        };
        needs[..=MILLI as usize].iter().enumerate().map(cost).collect()
    }

    /// No column below this one is worth more: what was paid, and each GPU filled best.
    fn reach(&self, seats: &Seats, paid: i64) -> i64 {
        let before = i64::from(self.master.stock.rules.frag_weight) * self.before.cast_signed();
        let filled = seats.ways().map(|way| way.iter().map(|free| self.filled[*free as usize]).sum::<i64>());
        paid.saturating_add(before + self.beside).saturating_add(filled.max().unwrap_or(0))
    }

    fn grow(&mut self, removal: &Removal, from: usize, added: &mut Added, seats: &Seats, paid: i64) {
        let reach = self.reach(seats, paid);
        for at in from..self.wanted.len() {
            let wanted = &self.wanted[at];
            let (item, pay, count) = (wanted.item, wanted.pay, wanted.count);
            let same = added.last().is_some_and(|(last, _)| *last as usize == item);
            let used = if same { i64::from(added[added.len() - 1].1) } else { 0 };
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
            let next = seats.with(&self.wanted[at].request, work, most);
            // Where ways to seat tasks were left out, one of them might be better, or the only one.
            if next.as_ref().map_or(seats.cut, |next| next.cut) {
                self.open = self.open.max(reach);
            }
            let Some(mut next) = next else { continue };
            self.left -= 1;
            match added.last_mut() {
                Some(last) if same => last.1 += 1,
                _ => added.push((item as u16, 1)),
            }
            self.look(removal, added, &mut next);
            self.grow(removal, at, added, &next, paid + pay);
            match added.last_mut() {
                Some(last) if same => last.1 -= 1,
                _ => drop(added.pop()),
            }
        }
    }

    /// Keeps the column if it is the best so far.
    fn look(&mut self, removal: &Removal, added: &Added, seats: &mut Seats) {
        let gain = gain(self.master.stock, self.before, removal, added, seats);
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

fn ceil_div(value: i64, by: i64) -> i64 {
    value.div_euclid(by) + i64::from(value.rem_euclid(by) != 0)
}
