//! A program in the words of `good_lp`, from which both solvers are made.

use good_lp::variable::UnsolvedProblem;
use good_lp::{Expression, ProblemVariables, SolverModel, Variable, constraint, variable};

use super::program::{Kind, Program};

/// Writes the program for one of the solvers of `good_lp`. A row with two bounds becomes two conditions. The start goes with it as the initial values of the variables.
pub(super) fn formulate<M: SolverModel>(program: &Program, using: impl FnOnce(UnsolvedProblem) -> M) -> M {
    let mut variables = ProblemVariables::new();
    let mut ids: Vec<Variable> = Vec::with_capacity(program.columns().len());
    let mut objective = Expression::with_capacity(program.columns().len());
    for (place, column) in program.columns().iter().enumerate() {
        let mut definition = variable().min(column.lower).max(column.upper);
        if column.kind == Kind::Integer {
            definition = definition.integer();
        }
        if let Some(start) = program.start_values() {
            definition = definition.initial(start[place]);
        }
        let id = variables.add(definition);
        objective.add_mul(column.objective, id);
        ids.push(id);
    }
    let mut model = using(variables.maximise(objective));
    let matrix = program.matrix();
    for (place, row) in program.rows().iter().enumerate() {
        let sum = || {
            let terms = matrix.row(place);
            let mut sum = Expression::with_capacity(terms.len());
            for &(column, coefficient) in terms {
                sum.add_mul(coefficient, ids[column.0 as usize]);
            }
            sum
        };
        if row.is_equality() {
            model.add_constraint(constraint::eq(sum(), row.lower));
            continue;
        }
        if row.upper < f64::INFINITY {
            model.add_constraint(constraint::leq(sum(), row.upper));
        }
        if row.lower > f64::NEG_INFINITY {
            model.add_constraint(constraint::geq(sum(), row.lower));
        }
    }
    model
}

/// How many conditions of the model each row is: two if it has two bounds, none if it has none.
#[cfg(feature = "highs")]
pub(super) fn conditions(row: &super::Row) -> usize {
    if row.is_equality() { 1 } else { usize::from(row.lower.is_finite()) + usize::from(row.upper.is_finite()) }
}
