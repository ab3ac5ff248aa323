//! Prices of the rows of a linear program.
//!
//! microlp keeps its duals to itself, so the dual is solved as a program of its own. For
//!
//! maximise `c x` under `a <= A x <= b`, `l <= x <= u`
//!
//! it is: minimise `b p - a q + u s - l t` under `A' (p - q) + s - t = c`, with `p`, `q`, `s`, `t` at least 0 and absent
//! where their bound is infinite. The price of a row is `p - q`.

use super::program::{ColumnId, Program, RowId};
use super::{Failure, Limits, Solver, solve};

/// How the objective of a linear program grows with the bound of each row, one a row: at least 0 for an upper bound that
/// holds it back, at most 0 for a lower one, 0 for a row that does not matter. Integer columns count as real ones.
/// Where several prices are right, which of them comes back is the solver's choice.
pub fn duals(solver: &mut dyn Solver, program: &Program, limits: Limits) -> Result<Vec<f64>, Failure> {
    program.check()?;
    let relaxed = program.relaxed();
    if solver.knows_duals() && !relaxed.columns().is_empty() {
        let claim = solver.attempt(&relaxed, limits)?;
        return claim.duals.ok_or_else(|| Failure::Solver("no duals".into()));
    }
    let (dual, prices) = dual_of(&relaxed);
    let answer = solve(solver, &dual, limits).map_err(mirrored)?;
    let value = |column: Option<ColumnId>| column.map_or(0.0, |column| answer.values[column.0 as usize]);
    Ok(prices.iter().map(|&(upper, lower)| value(upper) - value(lower)).collect())
}

/// A column of the dual that a bound of the primal makes, if there is one. The dual is minimised, hence the sign.
fn price(dual: &mut Program, bound: f64, sign: f64) -> Option<ColumnId> {
    bound.is_finite().then(|| dual.real(-sign * bound, 0.0, f64::INFINITY))
}

/// The columns of the dual that price the upper and the lower bound of a row.
type Prices = (Option<ColumnId>, Option<ColumnId>);

/// The dual, and the columns that price the upper and lower bound of each row.
fn dual_of(program: &Program) -> (Program, Vec<Prices>) {
    let mut dual = Program::new();
    for column in program.columns() {
        let row = dual.row(column.objective, column.objective);
        for (bound, sign) in [(column.upper, 1.0), (column.lower, -1.0)] {
            if let Some(price) = price(&mut dual, bound, sign) {
                dual.term(row, price, sign);
            }
        }
    }
    let matrix = program.matrix();
    let mut prices = Vec::with_capacity(program.rows().len());
    for (place, row) in program.rows().iter().enumerate() {
        let pair = (price(&mut dual, row.upper, 1.0), price(&mut dual, row.lower, -1.0));
        for &(column, coefficient) in matrix.row(place) {
            for (price, sign) in [(pair.0, 1.0), (pair.1, -1.0)] {
                if let Some(price) = price {
                    dual.term(RowId(column.0), price, sign * coefficient);
                }
            }
        }
        prices.push(pair);
    }
    (dual, prices)
}

/// A dual without values belongs to a primal without bound (or without values); the other way round it is infeasible.
fn mirrored(failure: Failure) -> Failure {
    match failure {
        Failure::Infeasible => Failure::Unbounded,
        Failure::Unbounded => Failure::Infeasible,
        other => other,
    }
}
