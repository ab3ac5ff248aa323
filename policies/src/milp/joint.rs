//! The joint program: a batch of pending jobs, gangs with their domains, and moves of running tasks, planned at once.
//!
//! Small instances are solved with all columns, so the answer is the best there is. Larger ones are priced first
//! (`pricing`): that gives a bound that always holds, and the columns that can still be of use. The greedy plan is always
//! among them and is where the solver starts, so no answer is worse. Very large ones are solved in parts (`parts`). A plan is valued and checked from scratch before it is
//! handed on; when anything fails, the greedy plan is the answer and says why.

use std::cmp::Reverse;

use super::column::{Column, list};
use super::count;
use super::greedy::greedy;
use super::master::{Master, Written};
use super::parts;
use super::pricing;
use super::shape::shapes;
use super::solver::{self, Failure, Limits, Solver, Stopped};
use super::stock::Stock;
use super::unfold::{fold, unfold};
use super::worth::{Outline, worth};
use super::yard::{Ask, Plan, Quality, Refusal, Rules, Source, Yard};
use crate::fragmentation::{NodeRoom, Workload};

/// The best plan that is found within the limits of `rules`; never worse than the greedy one.
pub fn plan(yard: &Yard, asks: &[Ask], workload: &Workload, rules: &Rules, solver: &mut dyn Solver) -> Plan {
    let stock = Stock::of(yard, asks, workload, rules);
    let start = greedy(&stock, 0..asks.len());
    match worth(yard, asks, workload, rules, &start) {
        Ok(base) => {
            let found = improve(&stock, &start, base, solver);
            settle(&stock, start, base, found)
        }
        // Only a yard that contradicts itself can get here: then nothing is placed.
        Err(error) => {
            let nothing = Outline { placed: vec![None; asks.len()], moves: Vec::new() };
            settle(&stock, nothing, 0, Found::failed(Failure::Program(error)))
        }
    }
}

/// Why no plan places `ask`, if counting shows it: in microseconds a node, before any program.
pub fn refusal(yard: &Yard, ask: &Ask, rules: &Rules) -> Option<Refusal> {
    let mut rooms: Vec<NodeRoom> = yard.nodes.iter().map(|node| node.room.clone()).collect();
    if rules.moves_max > 0 {
        for held in &yard.held {
            held.slices.iter().for_each(|slice| rooms[held.node].put_slice(slice));
        }
    }
    count::refusal(yard, &rooms, ask)
}

/// What the program found.
pub(super) struct Found {
    pub(super) outline: Option<Outline>,
    pub(super) failure: Option<Failure>,
    pub(super) bound: i64,
    pub(super) stopped: Stopped,
    pub(super) columns: usize,
    pub(super) nodes: u64,
    pub(super) shapes: usize,
    pub(super) parts: usize,
    pub(super) exact: bool,
}

impl Default for Found {
    /// Nothing, and nothing is known.
    fn default() -> Self {
        Self {
            outline: None,
            failure: None,
            bound: i64::MAX,
            stopped: Stopped::Limit,
            columns: 0,
            nodes: 0,
            shapes: 0,
            parts: 1,
            exact: false,
        }
    }
}

impl Found {
    fn failed(failure: Failure) -> Self {
        Self { failure: Some(failure), ..Self::default() }
    }
}

/// Columns to choose from, and what is known of those that are not among them.
pub(super) struct Choosing {
    pub(super) columns: Vec<Column>,
    /// No plan is better, whatever its columns.
    pub(super) bound: i64,
    /// A plan with any other column is not better than `floor`.
    pub(super) complete: bool,
}

fn improve(stock: &Stock<'_>, start: &Outline, base: i64, solver: &mut dyn Solver) -> Found {
    let master = Master::of(stock, shapes(stock));
    let small = all_columns(&master);
    let (start, base) = match small {
        Some(_) => (start.clone(), base),
        None => best_order(stock, start.clone(), base),
    };
    if small.is_none()
        && let Some(parts) = parts::split(&master)
    {
        let bound = pricing::bound(&master, &start, base);
        if !within(bound, base, stock.rules.limits.gap) {
            return parts::solve(&master, &parts, (start, base), bound, solver);
        }
        let (stopped, shapes, exact) = (Stopped::Gap, master.shapes.len(), bound <= base);
        return Found { outline: Some(start), bound, stopped, shapes, exact, ..Found::default() };
    }
    let mut choosing = small.unwrap_or_else(|| pricing::choose(&master, &start, base));
    let mut found = Found {
        outline: Some(start.clone()),
        bound: choosing.bound,
        stopped: Stopped::Gap,
        columns: choosing.columns.len(),
        shapes: master.shapes.len(),
        ..Found::default()
    };
    if within(choosing.bound, base, stock.rules.limits.gap) {
        found.exact = choosing.bound <= base;
        return found;
    }
    let mut written = Written::of(&master, &choosing.columns);
    if let Some(counts) = fold(&master, &start, &mut choosing.columns) {
        written = Written::of(&master, &choosing.columns);
        written.start(&master, &choosing.columns, &counts);
    }
    found.columns = choosing.columns.len();
    // Half of the gap is for what lies between the program's own bound and that of the prices.
    let limits = Limits { gap: stock.rules.limits.gap / 2.0, ..stock.rules.limits };
    match solver::solve(solver, &written.program, limits) {
        Err(failure) => {
            found.failure = Some(failure);
            found.stopped = Stopped::Limit;
        }
        Ok(answer) => {
            if choosing.complete {
                found.bound = found.bound.min(written.units(answer.bound).max(base));
            }
            found.stopped = if choosing.complete { answer.stopped } else { Stopped::Limit };
            found.nodes = answer.nodes.unwrap_or(0);
            found.exact = choosing.complete && stock.exact_spans && answer.stopped == Stopped::Optimal;
            if let solver::Source::Start { failure } = &answer.source {
                found.failure.clone_from(failure);
            }
            match unfold(&master, &choosing.columns, &written.counts(&answer)) {
                Ok(outline) => found.outline = Some(outline),
                Err(error) => found.failure = Some(Failure::Numeric(error)),
            }
        }
    }
    found
}

/// All columns, where they are few.
fn all_columns(master: &Master<'_, '_>) -> Option<Choosing> {
    let (stock, mut columns) = (master.stock, Vec::new());
    for (at, shape) in master.shapes.iter().enumerate() {
        let left = stock.rules.columns_small.checked_sub(columns.len())?;
        let more = list(stock, at, shape, left)?;
        columns.extend(more.into_iter().filter(|column| master.counts(column)));
    }
    Some(Choosing { columns, bound: i64::MAX, complete: true })
}

/// The greedy plan, or a better one by another order: large jobs first, or those first that are worth most by their size.
fn best_order(stock: &Stock<'_>, start: Outline, base: i64) -> (Outline, i64) {
    let size =
        |at: usize| stock.asks[at].groups.iter().map(|(r, tasks)| r.gpus.milli() * u64::from(*tasks)).sum::<u64>();
    let mut by_size: Vec<usize> = (0..stock.asks.len()).collect();
    let mut by_worth = by_size.clone();
    by_size.sort_by_cached_key(|at| Reverse(size(*at)));
    by_worth.sort_by_cached_key(|at| Reverse((stock.asks[*at].value * 1000 / size(*at).max(1), size(*at))));
    let mut best = (start, base);
    for order in [by_size, by_worth] {
        let plan = greedy(stock, order);
        match worth(stock.yard, stock.asks, stock.work, stock.rules, &plan) {
            Ok(objective) if objective > best.1 => best = (plan, objective),
            _ => {}
        }
    }
    best
}

/// Whether an objective is close enough to a bound.
pub(super) fn within(bound: i64, objective: i64, gap: f64) -> bool {
    bound <= objective || gap_of(bound, objective) <= gap
}

fn gap_of(bound: i64, objective: i64) -> f64 {
    if bound <= objective {
        return 0.0;
    }
    (bound as f64 - objective as f64) / (objective as f64).abs().max(1.0)
}

/// The better of the greedy plan and what was found, checked.
fn settle(stock: &Stock<'_>, start: Outline, base: i64, found: Found) -> Plan {
    let (mut outline, mut objective) = (start, base);
    let failed = found.failure.is_some();
    let mut source = found.failure.map_or(Source::Greedy, Source::Failed);
    if let Some(better) = found.outline.filter(|_| !failed) {
        match worth(stock.yard, stock.asks, stock.work, stock.rules, &better) {
            Ok(worth) if worth > objective => (outline, objective, source) = (better, worth, Source::Program),
            Ok(_) => {}
            Err(error) => source = Source::Failed(Failure::Numeric(error)),
        }
    }
    let failed = matches!(source, Source::Failed(_));
    let bound = found.bound.max(objective);
    let stopped = match found.stopped {
        Stopped::Limit if !failed && bound <= objective => Stopped::Optimal,
        Stopped::Limit if !failed && within(bound, objective, stock.rules.limits.gap) => Stopped::Gap,
        stopped => stopped,
    };
    Plan {
        placed: outline.placed,
        moves: outline.moves,
        refused: stock.refused.clone(),
        quality: Quality {
            objective,
            greedy_objective: base,
            bound,
            gap: gap_of(bound, objective),
            stopped,
            columns: found.columns,
            solver_nodes: found.nodes,
            shapes: found.shapes,
            parts: found.parts,
            exact: found.exact && !failed,
            source,
        },
    }
}
