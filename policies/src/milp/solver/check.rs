//! What a solver says is checked: whole numbers are made whole, bounds and rows recomputed, the objective too.

use super::program::{Column, ColumnId, Kind, Program, Row};

/// How far the value of an integer column may be from a whole number. The solvers work with 1e-6; what is accepted here
/// is rounded and then checked exactly, so the rounding itself cannot do harm.
pub const INTEGRALITY: f64 = 1e-5;
/// How far a row or bound may be broken where it cannot be computed exactly, relative to its largest term and at least 1.
pub const TOLERANCE: f64 = 1e-6;
/// Whole numbers up to here are exact in f64, and so are their sums in i128.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Values that hold.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    pub(super) values: Vec<f64>,
    pub(super) objective: f64,
}

/// Rounds the values and checks all bounds and rows, or says what is broken.
pub(super) fn accept(program: &Program, values: &[f64]) -> Result<Checked, String> {
    if values.len() != program.columns().len() {
        return Err(format!("{} values for {} columns", values.len(), program.columns().len()));
    }
    let mut settled = Vec::with_capacity(values.len());
    for (place, (column, &value)) in program.columns().iter().zip(values).enumerate() {
        settled.push(settle(column, value).ok_or_else(|| {
            format!("column {place} is {value}, of {:?} in {}..={}", column.kind, column.lower, column.upper)
        })?);
    }
    let matrix = program.matrix();
    for (place, row) in program.rows().iter().enumerate() {
        let terms = matrix.row(place);
        if !holds(program, row, terms, &settled) {
            let sum: f64 = terms.iter().map(|&(column, coefficient)| coefficient * settled[column.0 as usize]).sum();
            return Err(format!("row {place} is {sum}, not in {}..={}", row.lower, row.upper));
        }
    }
    let objective = program.columns().iter().zip(&settled).map(|(column, value)| column.objective * value).sum();
    Ok(Checked { values: settled, objective })
}

/// The value as it may be used: whole where it must be, and within its bounds.
fn settle(column: &Column, value: f64) -> Option<f64> {
    if !value.is_finite() {
        return None;
    }
    let slack = TOLERANCE * value.abs().max(1.0);
    match column.kind {
        Kind::Integer => {
            // Adding zero turns -0 into 0.
            let whole = value.round() + 0.0;
            let near = (value - whole).abs() <= INTEGRALITY && whole.abs() < EXACT;
            (near && column.lower <= whole && whole <= column.upper).then_some(whole)
        }
        Kind::Real => {
            let near = value >= column.lower - slack && value <= column.upper + slack;
            near.then(|| value.clamp(column.lower, column.upper))
        }
    }
}

/// Whether a row holds: exactly where all its numbers are whole, else within the tolerance.
fn holds(program: &Program, row: &Row, terms: &[(ColumnId, f64)], values: &[f64]) -> bool {
    if let Some(sum) = exact_sum(program, terms, values) {
        // A sum of whole numbers keeps a bound if it keeps the bound rounded inwards; bounds fit in i128.
        let low = row.lower == f64::NEG_INFINITY || sum >= row.lower.ceil() as i128;
        let high = row.upper == f64::INFINITY || sum <= row.upper.floor() as i128;
        return low && high;
    }
    let (mut sum, mut largest) = (0.0, 1.0_f64);
    for &(column, coefficient) in terms {
        let term = coefficient * values[column.0 as usize];
        sum += term;
        largest = largest.max(term.abs());
    }
    sum >= row.lower - TOLERANCE * largest && sum <= row.upper + TOLERANCE * largest
}

/// The sum of a row whose coefficients are whole and whose columns are integer.
fn exact_sum(program: &Program, terms: &[(ColumnId, f64)], values: &[f64]) -> Option<i128> {
    let mut sum = 0_i128;
    for &(column, coefficient) in terms {
        let place = column.0 as usize;
        let whole = program.columns()[place].kind == Kind::Integer && coefficient.fract() == 0.0;
        if !whole {
            return None;
        }
        sum += coefficient as i128 * values[place] as i128;
    }
    Some(sum)
}

/// The bound, if the objective keeps it; noise of the solver's sums is forgiven.
pub(super) fn bound_over(bound: f64, objective: f64) -> Result<f64, String> {
    if bound.is_nan() {
        return Err("the bound is not a number".into());
    }
    if objective > bound + TOLERANCE * objective.abs().max(1.0) {
        return Err(format!("the bound {bound} lies below {objective}, which is reached"));
    }
    Ok(bound.max(objective))
}

/// The relative gap.
pub(super) fn gap(bound: f64, objective: f64) -> f64 {
    if bound <= objective { 0.0 } else { (bound - objective) / objective.abs().max(1e-9) }
}
