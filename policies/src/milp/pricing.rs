//! Prices of tasks, the bound that they give, and the columns that they leave.
//!
//! Take the duties out of the program and let every task that is added be paid for, and every task of a placed job pay, the
//! same price `q`. What is left falls apart into nodes and jobs, and its best value
//!
//! `L(q) = sum over shapes of nodes x max(0, best column) + sum over jobs of max(0, value - price of its tasks) + moves`
//!
//! is a bound for every `q` (Lagrange; Farley 1990 for columns that are still unknown). Prices go down the subgradient of
//! `L` with Polyak's step, which needs no solver and grows with the number of columns only. Prices and `L` are whole numbers,
//! so the bound holds exactly. A column that is more than `L - objective` worse than the best of its shape is in no better
//! plan: it is left out without loss.

use super::column::{Column, column_of, list};
use super::joint::{Choosing, within};
use super::master::Master;
use super::search::{Searched, search};
use super::worth::Outline;

/// Columns that are listed in all.
const LISTED: usize = 20_000;
/// Steps without a better bound after which the steps become shorter, and by how much. Measured: a return to the best prices,
/// or a memory of past slopes, converges worse.
const PATIENCE: u32 = 8;
const PACE: f64 = 0.7;
/// Prices stay within this, so that no sum overflows. Any price gives a valid bound.
const DEAREST: i64 = 1 << 43;
/// Rounds of searching shapes whose columns are not all listed.
const ROUNDS: u32 = 8;

/// Prices in units.
#[derive(Clone, Debug, Default)]
pub(super) struct Prices {
    /// Of a task, for each duty.
    pub(super) duties: Vec<i64>,
    /// Of a move.
    pub(super) moves: i64,
}

/// The columns of a shape that are known.
struct Shelf {
    columns: Vec<Column>,
    /// They are all there are.
    all: bool,
}

/// Bound and columns for a program that is too large for all of them. `base` is the objective of a plan that is known.
pub(super) fn choose(master: &Master<'_, '_>, start: &Outline, base: i64) -> Choosing {
    let mut pricing = Pricing::of(master, base);
    pricing.narrow(start);
    pricing.columns()
}

/// The bound alone, for a program that is solved in parts.
pub(super) fn bound(master: &Master<'_, '_>, start: &Outline, base: i64) -> i64 {
    let mut pricing = Pricing::of(master, base);
    pricing.narrow(start);
    pricing.bound
}

struct Pricing<'m, 'a, 'b> {
    master: &'m Master<'a, 'b>,
    shelves: Vec<Shelf>,
    base: i64,
    bound: i64,
    /// The prices of the bound.
    best: Prices,
    /// Size of a task of each duty: its price moves in this measure.
    sizes: Vec<f64>,
}

/// What prices are worth, and which way they should go.
struct Slope {
    value: i64,
    duties: Vec<i64>,
    moves: i64,
}

impl<'m, 'a, 'b> Pricing<'m, 'a, 'b> {
    fn of(master: &'m Master<'a, 'b>, base: i64) -> Self {
        let stock = master.stock;
        let most = stock.rules.columns_listed.min(LISTED / master.shapes.len().max(1)).max(16);
        let mut shelves = Vec::new();
        for (at, shape) in master.shapes.iter().enumerate() {
            let (columns, all) = if let Some(columns) = list(stock, at, shape, most) {
                (columns.into_iter().filter(|column| master.counts(column)).collect(), true)
            } else {
                let single = |item: usize| column_of(stock, at, shape, &[(item as u16, 1)][..].into());
                (master.counted[at].iter().filter_map(|(item, _)| single(*item)).collect(), false)
            };
            shelves.push(Shelf { columns, all });
        }
        let size = |duty: &super::master::Duty| (stock.items[duty.item].request.gpus.milli() as f64).max(300.0);
        let sizes = master.duties.iter().map(size).collect();
        Self { master, shelves, base, bound: i64::MAX, best: Prices::default(), sizes }
    }

    /// Prices and the bound that they give, until it is close enough.
    fn narrow(&mut self, start: &Outline) {
        let rules = self.master.stock.rules;
        let mut prices = self.guess(start);
        self.best = prices.clone();
        let rounds = if self.shelves.iter().all(|shelf| shelf.all) { 1 } else { ROUNDS };
        for _ in 0..rounds {
            prices = self.descend(prices, rules.steps / rounds);
            let bound = self.extend(&prices);
            if bound < self.bound {
                (self.bound, self.best) = (bound, prices.clone());
            }
            if within(self.bound, self.base, rules.limits.gap) {
                break;
            }
        }
    }

    /// Where to begin: a task costs what its cheapest place costs, or what the best job is worth that greedy left waiting.
    fn guess(&self, start: &Outline) -> Prices {
        let (master, stock) = (self.master, self.master.stock);
        let mut cheapest = vec![i64::MAX; master.duties.len()];
        for column in self.shelves.iter().flat_map(|shelf| &shelf.columns) {
            if let ([(item, 1)], true) = (column.added.as_slice(), column.removed.is_empty()) {
                for duty in master.duties_of(column.shape, *item as usize) {
                    cheapest[*duty] = cheapest[*duty].min(-column.gain);
                }
            }
        }
        let mut prices: Vec<i64> = cheapest.into_iter().map(|cost| if cost == i64::MAX { 0 } else { cost }).collect();
        let waits = |asks: &[usize]| asks.iter().any(|ask| start.placed[*ask].is_none());
        for single in stock.singles.iter().filter(|single| waits(&single.asks)) {
            let duty = master.free_duty(single.item);
            prices[duty] = prices[duty].max(single.value);
        }
        for (duty, price) in master.duties.iter().zip(&mut prices) {
            if duty.preferred.is_some() {
                *price = 0;
            } else if let Some(gang) = stock.items[duty.item].gang.map(|gang| &stock.gangs[gang])
                && waits(&gang.asks)
            {
                let all: u64 = gang.needs.iter().map(|need| self.milli(need.item) * u64::from(need.tasks)).sum();
                let share = i128::from(gang.value) * i128::from(self.milli(duty.item)) / i128::from(all.max(1));
                *price = (*price).max(share as i64);
            }
        }
        for price in &mut prices {
            *price = (*price).clamp(-DEAREST, DEAREST);
        }
        Prices { duties: prices, moves: 0 }
    }

    fn milli(&self, item: usize) -> u64 {
        self.master.stock.items[item].request.gpus.milli().max(1)
    }

    /// Goes down the subgradient over the columns that are known; the best prices on the way.
    fn descend(&mut self, from: Prices, steps: u32) -> Prices {
        let all = self.shelves.iter().all(|shelf| shelf.all);
        let (mut at, mut best, mut least) = (from.clone(), from, i64::MAX);
        let (mut pace, mut idle) = (1.0_f64, 0);
        for _ in 0..steps {
            let slope = self.slope(&at);
            if slope.value < least {
                (least, best, idle) = (slope.value, at.clone(), 0);
            } else {
                idle += 1;
            }
            if all && within(least, self.base, self.master.stock.rules.limits.gap) || least <= self.base {
                break;
            }
            if idle >= PATIENCE {
                (pace, idle) = (pace * PACE, 0);
            }
            if !self.step(&mut at, &slope, pace) {
                break;
            }
        }
        best
    }

    /// One step of Polyak's length, in the measure of sizes. False when there is nowhere to go.
    fn step(&self, at: &mut Prices, slope: &Slope, pace: f64) -> bool {
        let moves_size = 1000.0;
        let mut norm = (slope.moves as f64 * moves_size) * (slope.moves as f64 * moves_size);
        for (slope, size) in slope.duties.iter().zip(&self.sizes) {
            norm += (*slope as f64 * size) * (*slope as f64 * size);
        }
        if norm <= 0.0 {
            return false;
        }
        let length = pace * (slope.value - self.base) as f64 / norm;
        for (((price, slope), size), duty) in
            at.duties.iter_mut().zip(&slope.duties).zip(&self.sizes).zip(&self.master.duties)
        {
            let least = if duty.preferred.is_some() { 0 } else { -DEAREST };
            let step = (length * size * size * *slope as f64).round() as i64;
            *price = price.saturating_sub(step).clamp(least, DEAREST);
        }
        let step = (length * moves_size * moves_size * slope.moves as f64).round() as i64;
        at.moves = at.moves.saturating_sub(step).clamp(0, DEAREST);
        true
    }

    /// `L` over the columns that are known, and its slope.
    fn slope(&self, prices: &Prices) -> Slope {
        let master = self.master;
        let mut slope = self.jobs(prices);
        for (shape, shelf) in master.shapes.iter().zip(&self.shelves) {
            let nodes = (shape.nodes.len() as u64).cast_signed();
            let priced = shelf.columns.iter().map(|column| (value(master, prices, column), column));
            let Some((worth, column)) = priced.max_by_key(|(worth, _)| *worth).filter(|(worth, _)| *worth > 0) else {
                continue;
            };
            slope.value += nodes * worth;
            slope.moves -= nodes * (column.removed.len() as u64).cast_signed();
            for (item, count) in &column.added {
                for duty in master.duties_of(column.shape, *item as usize) {
                    slope.duties[*duty] += nodes * i64::from(*count);
                }
            }
            for piece in &column.removed {
                slope.duties[master.free_duty(shape.pieces[*piece as usize].item)] -= nodes;
            }
        }
        slope
    }

    /// The part of `L` that jobs and moves make.
    fn jobs(&self, prices: &Prices) -> Slope {
        let (master, stock) = (self.master, self.master.stock);
        let moves = i64::from(stock.rules.moves_max);
        let mut slope = Slope { value: prices.moves * moves, duties: vec![0; master.duties.len()], moves };
        for single in &stock.singles {
            let duty = master.free_duty(single.item);
            let (worth, count) = (single.value - prices.duties[duty], (single.asks.len() as u64).cast_signed());
            if worth > 0 {
                slope.value += worth * count;
                slope.duties[duty] -= count;
            }
        }
        let mut best: Vec<Option<(i64, usize)>> = vec![None; stock.gangs.len()];
        for (at, choice) in master.choices.iter().enumerate() {
            let price: i64 = choice.needs.iter().map(|(duty, tasks)| prices.duties[*duty] * i64::from(*tasks)).sum();
            let worth = choice.value - price;
            if worth > 0 && best[choice.gang].is_none_or(|(most, _)| worth > most) {
                best[choice.gang] = Some((worth, at));
            }
        }
        for (worth, at) in best.into_iter().flatten() {
            let choice = &master.choices[at];
            let count = (stock.gangs[choice.gang].asks.len() as u64).cast_signed();
            slope.value += worth * count;
            choice.needs.iter().for_each(|(duty, tasks)| slope.duties[*duty] -= count * i64::from(*tasks));
        }
        slope
    }

    /// Searches the shapes whose columns are not all known; `L` over all columns, known or not.
    fn extend(&mut self, prices: &Prices) -> i64 {
        let master = self.master;
        let mut bound = self.jobs(prices).value;
        for at in 0..master.shapes.len() {
            let shelf = &mut self.shelves[at];
            let known = shelf.columns.iter().map(|column| value(master, prices, column)).max().unwrap_or(0).max(0);
            let mut best = known;
            if !shelf.all {
                let Searched { columns, bound: found } = search(master, at, prices, known);
                best = best.max(found);
                for column in columns {
                    if !shelf.columns.contains(&column) {
                        shelf.columns.push(column);
                    }
                }
            }
            bound = bound.saturating_add(best.saturating_mul((master.shapes[at].nodes.len() as u64).cast_signed()));
        }
        bound
    }

    /// The columns that can be in a better plan, the most promising first, up to the limit.
    fn columns(mut self) -> Choosing {
        let (master, best) = (self.master, std::mem::take(&mut self.best));
        let room = self.bound.saturating_sub(self.base);
        let mut all = self.shelves.iter().all(|shelf| shelf.all);
        let mut ranked: Vec<(i64, Column)> = Vec::new();
        for shelf in self.shelves {
            let priced: Vec<(i64, Column)> =
                shelf.columns.into_iter().map(|column| (value(master, &best, &column), column)).collect();
            let most = priced.iter().map(|(worth, _)| *worth).max().unwrap_or(0).max(0);
            let useful =
                priced.into_iter().map(|(worth, column)| (most - worth, column)).filter(|(loss, _)| *loss <= room);
            ranked.extend(useful);
        }
        ranked.sort_by_key(|(loss, _)| *loss);
        all &= ranked.len() <= master.stock.rules.columns_max;
        ranked.truncate(master.stock.rules.columns_max);
        let columns = ranked.into_iter().map(|(_, column)| column).collect();
        Choosing { columns, bound: self.bound, complete: all }
    }
}

/// What a column is worth at these prices.
pub(super) fn value(master: &Master<'_, '_>, prices: &Prices, column: &Column) -> i64 {
    let mut worth = column.gain - prices.moves * (column.removed.len() as u64).cast_signed();
    for (item, count) in &column.added {
        for duty in master.duties_of(column.shape, *item as usize) {
            worth += prices.duties[*duty] * i64::from(*count);
        }
    }
    for piece in &column.removed {
        let item = master.shapes[column.shape].pieces[*piece as usize].item;
        worth -= prices.duties[master.free_duty(item)];
    }
    worth
}
