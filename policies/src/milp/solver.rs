//! The seam between the MILP policies and the solvers.
//!
//! A policy writes a [`Program`], [`solve`] hands it to a [`Solver`] and checks what comes back. What a solver says is
//! never believed: integer values are rounded, every row and bound is checked again with the rounded values (`check`),
//! and the objective is computed anew. An answer that fails is [`Failure::Numeric`]. A program may bring a start, the
//! greedy plan: then the answer is never worse than it, and when the solver fails, the start stands and says why.
//!
//! | | microlp (`Microlp`) | HiGHS (`Highs`, feature `highs`) |
//! |---|---|---|
//! | [`Limits::nodes`] | nodes of branch and bound whose relaxation was solved; the root is not one | `mip_max_nodes` |
//! | [`Limits::iterations`] | simplex pivots of all nodes, looked at every 32 nodes; the root is not cut short | pivots of one relaxation |
//! | [`Limits::time`] | looked at every few pivots | looked at every few pivots |
//! | told: bound, gap, pivots | yes | yes |
//! | told: nodes | yes | no: a 64-bit figure, which the crate `highs` does not pass on |
//! | duals of a linear program | no: [`duals`] solves the dual as a program of its own | yes |
//!
//! Nodes and iterations do not depend on the clock: two runs with these limits alone give equal answers. Neither solver
//! draws lots or starts threads (HiGHS is told to use one, with a fixed seed).

mod broken;
mod check;
mod duals;
mod formulate;
#[cfg(feature = "highs")]
mod highs;
mod microlp;
mod program;

use std::time::Duration;

pub use broken::{Broken, Script};
pub use check::{INTEGRALITY, TOLERANCE};
pub use duals::duals;
#[cfg(feature = "highs")]
pub use highs::Highs;
pub use microlp::Microlp;
pub use program::{Column, ColumnId, Kind, Program, Row, RowId};

/// The longest a solve without [`Limits::time`] may take. It is no budget but a fuse: the simplex method of microlp has
/// no limit of its own and no proof that it ends. A blown fuse is a failure, never an answer, so no answer depends on it.
pub const FUSE: Duration = Duration::from_mins(10);

/// When a solver stops. Nodes are always limited, so no solve is without end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Nodes of branch and bound; with 0 microlp solves the relaxation and dives once, HiGHS takes it for 1.
    pub nodes: u64,
    /// Simplex pivots.
    pub iterations: Option<u64>,
    /// Relative gap between bound and objective that is good enough; 0 asks for proof.
    pub gap: f64,
    /// Wall-clock time: answers under it cannot be repeated. For live use.
    pub time: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { nodes: 10_000, iterations: None, gap: 0.0, time: None }
    }
}

/// Why the solver stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Nothing is better: proven.
    Optimal,
    /// Within the gap that was asked for.
    Gap,
    /// A limit was reached, or the start stands without a solver's answer.
    Limit,
}

/// Whose values an answer holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// The solver's.
    Solver,
    /// The start's: the solver found nothing better, or failed.
    Start {
        /// What the solver failed with.
        failure: Option<Failure>,
    },
}

/// Values that keep every row and bound, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// One a column; those of integer columns are whole.
    pub values: Vec<f64>,
    /// Computed from `values`.
    pub objective: f64,
    /// No better objective exists, says the solver; infinite when it did not get that far.
    pub bound: f64,
    /// `(bound - objective) / |objective|`; 0 when they are equal.
    pub gap: f64,
    /// Nodes of branch and bound that were solved, if the solver tells.
    pub nodes: Option<u64>,
    /// Simplex pivots.
    pub iterations: u64,
    /// Why the solver stopped.
    pub stopped: Stopped,
    /// Whose values these are.
    pub source: Source,
}

impl Answer {
    /// The value of an integer column.
    pub fn count(&self, column: ColumnId) -> i64 {
        self.values[column.0 as usize] as i64
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Failure {
    /// No values keep all rows and bounds.
    #[error("infeasible")]
    Infeasible,
    /// The objective grows without end.
    #[error("unbounded")]
    Unbounded,
    /// A limit was reached before any values were found.
    #[error("no solution within the limits")]
    NoIncumbent,
    /// The solver's values do not hold.
    #[error("the solver's answer does not hold: {0}")]
    Numeric(String),
    /// The program or its start is not one that a solver may be given.
    #[error("the program is wrong: {0}")]
    Program(String),
    /// What the solver says of itself.
    #[error("the solver failed: {0}")]
    Solver(String),
}

/// What a solver says, unchecked.
#[derive(Clone, Debug)]
pub struct Claim {
    /// One a column.
    pub values: Vec<f64>,
    /// Proven bound, if known.
    pub bound: Option<f64>,
    /// Nodes solved, if known.
    pub nodes: Option<u64>,
    /// Simplex pivots.
    pub iterations: u64,
    /// Why it stopped.
    pub stopped: Stopped,
    /// One a row: how the objective grows with the row's bound. Of linear programs, from solvers that know.
    pub duals: Option<Vec<f64>>,
}

/// Somebody who solves programs. Call [`solve`], which checks.
pub trait Solver {
    /// For reports.
    fn name(&self) -> &'static str;

    /// Whether a claim about a linear program holds duals.
    fn knows_duals(&self) -> bool {
        false
    }

    /// Solves a program that [`Program::check`] accepted; the start is feasible.
    fn attempt(&mut self, program: &Program, limits: Limits) -> Result<Claim, Failure>;
}

/// The solver of this build: HiGHS if it is in, else microlp.
pub fn best() -> Box<dyn Solver> {
    #[cfg(feature = "highs")]
    return Box::new(Highs);
    #[cfg(not(feature = "highs"))]
    Box::new(Microlp)
}

/// Solves `program`, checks the answer, and never returns worse than the start.
pub fn solve(solver: &mut dyn Solver, program: &Program, limits: Limits) -> Result<Answer, Failure> {
    program.check()?;
    let start = match program.start_values() {
        Some(values) => {
            Some(check::accept(program, values).map_err(|error| Failure::Program(format!("start: {error}")))?)
        }
        None => None,
    };
    let claim = if program.columns().is_empty() { empty(program) } else { solver.attempt(program, limits) };
    let answer = claim.and_then(|claim| settle(program, &claim));
    match start {
        Some(start) => Ok(best_of(&start, answer)),
        None => answer,
    }
}

/// A program without columns is not worth a solver: HiGHS calls it an error.
fn empty(program: &Program) -> Result<Claim, Failure> {
    if program.rows().iter().any(|row| row.lower > 0.0 || row.upper < 0.0) {
        return Err(Failure::Infeasible);
    }
    Ok(Claim {
        values: Vec::new(),
        bound: Some(0.0),
        nodes: Some(0),
        iterations: 0,
        stopped: Stopped::Optimal,
        duals: None,
    })
}

/// The checked answer behind a claim.
fn settle(program: &Program, claim: &Claim) -> Result<Answer, Failure> {
    let checked = check::accept(program, &claim.values).map_err(Failure::Numeric)?;
    let bound = claim.bound.unwrap_or(f64::INFINITY);
    let bound = check::bound_over(bound, checked.objective).map_err(Failure::Numeric)?;
    Ok(Answer {
        gap: check::gap(bound, checked.objective),
        values: checked.values,
        objective: checked.objective,
        bound,
        nodes: claim.nodes,
        iterations: claim.iterations,
        stopped: claim.stopped,
        source: Source::Solver,
    })
}

/// The answer if it is better than the start, else the start.
fn best_of(start: &check::Checked, answer: Result<Answer, Failure>) -> Answer {
    let stand = |failure, answer: Option<Answer>| Answer {
        gap: f64::INFINITY,
        values: start.values.clone(),
        objective: start.objective,
        bound: f64::INFINITY,
        nodes: answer.as_ref().and_then(|answer| answer.nodes),
        iterations: answer.as_ref().map_or(0, |answer| answer.iterations),
        stopped: Stopped::Limit,
        source: Source::Start { failure },
    };
    match answer {
        Err(failure) => stand(Some(failure), None),
        Ok(answer) if answer.objective > start.objective => answer,
        Ok(answer) => match check::bound_over(answer.bound, start.objective) {
            Err(wrong) => stand(Some(Failure::Numeric(wrong)), Some(answer)),
            Ok(bound) => Answer {
                gap: check::gap(bound, start.objective),
                bound,
                stopped: answer.stopped,
                ..stand(None, Some(answer))
            },
        },
    }
}
