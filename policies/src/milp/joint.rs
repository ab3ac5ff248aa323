//! The joint program: a batch of pending jobs, gangs with their domains, and moves of running tasks, planned at once.
//!
//! Small instances are solved with all columns, so the answer is the best there is. Larger ones are priced first
//! (`pricing`): that gives a bound that always holds, and the columns that can still be of use. The greedy plan is always
//! among them and is where the solver starts, so no answer is worse. A plan is valued and checked from scratch before it is
//! handed on; when anything fails, the greedy plan is the answer and says why.

use super::column::{Column, list};
use super::greedy::greedy;
use super::master::{Master, Written};
use super::pricing;
use super::shape::shapes;
use super::solver::{self, Failure, Solver, Stopped};
use super::stock::Stock;
use super::unfold::{fold, unfold};
use super::worth::{Outline, worth};
use super::yard::{Ask, Plan, Quality, Rules, Source, Yard};
use crate::fragmentation::Workload;

/// The best plan that is found within the limits of `rules`; never worse than the greedy one.
pub fn plan(yard: &Yard, asks: &[Ask], workload: &Workload, rules: &Rules, solver: &mut dyn Solver) -> Plan {
    let stock = Stock::of(yard, asks, workload, rules);
    let start = greedy(&stock);
    let base = worth(yard, asks, workload, rules, &start).expect("the greedy plan holds");
    let found = improve(&stock, &start, base, solver);
    settle(&stock, start, base, found)
}

/// What the program found.
pub(super) struct Found {
    outline: Option<Outline>,
    failure: Option<Failure>,
    bound: i64,
    stopped: Stopped,
    columns: usize,
    nodes: u64,
    shapes: usize,
    exact: bool,
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
    let mut choosing = choose(&master, start, base);
    let mut found = Found {
        outline: None,
        failure: None,
        bound: choosing.bound,
        stopped: Stopped::Gap,
        columns: choosing.columns.len(),
        nodes: 0,
        shapes: master.shapes.len(),
        exact: false,
    };
    if within(choosing.bound, base, stock.rules.limits.gap) {
        found.exact = choosing.bound <= base;
        return found;
    }
    let mut written = Written::of(&master, &choosing.columns);
    if let Some(counts) = fold(&master, start, &mut choosing.columns) {
        written = Written::of(&master, &choosing.columns);
        written.start(&master, &choosing.columns, &counts);
    }
    found.columns = choosing.columns.len();
    match solver::solve(solver, &written.program, stock.rules.limits) {
        Err(failure) => {
            found.failure = Some(failure);
            found.stopped = Stopped::Limit;
        }
        Ok(answer) => {
            if choosing.complete {
                found.bound = found.bound.min(written.units(answer.bound).max(base));
            }
            found.stopped = answer.stopped;
            found.nodes = answer.nodes;
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

/// All columns where they are few, else those that pricing finds.
fn choose(master: &Master<'_, '_>, start: &Outline, base: i64) -> Choosing {
    let stock = master.stock;
    let (mut columns, mut cut) = (Vec::new(), false);
    for (at, shape) in master.shapes.iter().enumerate() {
        match list(stock, at, shape, stock.rules.columns_small + 1) {
            Some((more, cut_here)) => {
                columns.extend(more.into_iter().filter(|column| master.counts(column)));
                cut |= cut_here;
            }
            None => return pricing::choose(master, start, base),
        }
        if columns.len() > stock.rules.columns_small {
            return pricing::choose(master, start, base);
        }
    }
    Choosing { columns, bound: i64::MAX, complete: !cut }
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
    let mut source = found.failure.map_or(Source::Greedy, Source::Failed);
    if let Some(better) = found.outline {
        match worth(stock.yard, stock.asks, stock.work, stock.rules, &better) {
            Ok(worth) if worth > objective => (outline, objective, source) = (better, worth, Source::Program),
            Ok(_) => {}
            Err(error) => source = Source::Failed(Failure::Numeric(error)),
        }
    }
    let failed = matches!(source, Source::Failed(_));
    let bound = found.bound.max(objective);
    Plan {
        placed: outline.placed,
        moves: outline.moves,
        refused: stock.refused.clone(),
        quality: Quality {
            objective,
            greedy_objective: base,
            bound,
            gap: gap_of(bound, objective),
            stopped: found.stopped,
            columns: found.columns,
            solver_nodes: found.nodes,
            shapes: found.shapes,
            parts: 1,
            exact: found.exact && !failed,
            source,
        },
    }
}
