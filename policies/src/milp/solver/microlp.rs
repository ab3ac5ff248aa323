//! microlp: pure Rust, in every build.
//!
//! Read in its source (0.6.0): without a time limit it reads the clock for its statistics only. Its branch and bound
//! stops at a number of nodes. The simplex method inside a node has no limit of its own, and only Harris' ratio test
//! against cycling, so [`FUSE`] stands behind it. It asserts that its numbers stay finite, hence [`Program::check`].

mod dive;

use ::microlp::{Error, OptimizationDirection, Problem, SolveOptions, SolveOutcome, TerminationReason, Variable};
use good_lp::solvers::microlp::microlp;

use super::formulate::formulate;
use super::{Claim, FUSE, Failure, Limits, Program, Solver, Stopped};

/// How many nodes are solved between two looks at the number of pivots. After a look the search goes on at the best open
/// node instead of diving deeper, so this number belongs to what makes runs equal.
const NODES_BETWEEN_LOOKS: u64 = 32;

/// The solver of the default build.
#[derive(Clone, Copy, Debug, Default)]
pub struct Microlp;

impl Solver for Microlp {
    fn name(&self) -> &'static str {
        "microlp"
    }

    fn attempt(&mut self, program: &Program, limits: Limits) -> Result<Claim, Failure> {
        if !program.has_integers() {
            let program = program.clone().loosened();
            let outcome = search(&program, limits, None)?;
            return claim(&program, limits, &outcome);
        }
        let Some(dive) = dive::dive(program, limits)? else {
            let outcome = search(program, limits, program.start_values())?;
            return claim(program, limits, &outcome);
        };
        if dive.is_enough(limits) {
            return dive.claim(limits);
        }
        let left = dive.left(limits);
        let found = search(program, left, dive.start()).and_then(|outcome| claim(program, left, &outcome));
        dive.with(limits, found)
    }
}

/// Branch and bound, in parts if pivots are limited.
fn search(program: &Program, limits: Limits, start: Option<&[f64]>) -> Result<SolveOutcome, Failure> {
    let model = formulate(program, microlp);
    let mut options = SolveOptions::default();
    options.time_limit = Some(limits.time.unwrap_or(FUSE));
    options.mip_gap = limits.gap.max(0.0);
    options.node_limit = Some(part(limits, 0));
    options.warm_start = start.map(|start| places(start.len()).zip(start.iter().copied()).collect());
    let mut outcome = model.as_inner().solve_with(options).map_err(|error| failure(&error))?;
    while goes_on(&outcome, limits) {
        let mut next = outcome.last_resume_options();
        next.node_limit = Some(part(limits, outcome.stats().nodes_solved));
        next.time_limit = limits.time.map_or(Some(FUSE), |time| Some(time.saturating_sub(outcome.stats().elapsed)));
        outcome = outcome.resume_with(next).map_err(|error| failure(&error))?;
    }
    Ok(outcome)
}

/// The variables by their place. Only a problem makes variables, and `good_lp` keeps those of its own to itself, so another
/// problem makes them here.
fn places(count: usize) -> impl Iterator<Item = Variable> {
    let mut problem = Problem::new(OptimizationDirection::Maximize);
    (0..count).map(move |_| problem.add_var(0.0, (0.0, 1.0)))
}

/// How many nodes the next part of the search may solve.
fn part(limits: Limits, solved: u64) -> u64 {
    let left = limits.nodes.saturating_sub(solved);
    if limits.iterations.is_some() { left.min(NODES_BETWEEN_LOOKS) } else { left }
}

/// Whether the search stopped only to be looked at.
fn goes_on(outcome: &SolveOutcome, limits: Limits) -> bool {
    let stats = outcome.stats();
    outcome.termination_reason() == TerminationReason::NodeLimit
        && stats.nodes_solved < limits.nodes
        && limits.iterations.is_some_and(|pivots| stats.lp_iterations < pivots)
}

fn claim(program: &Program, limits: Limits, outcome: &SolveOutcome) -> Result<Claim, Failure> {
    let reason = outcome.termination_reason();
    if reason == TerminationReason::TimeLimit && limits.time.is_none() {
        return Err(Failure::Solver(format!("no end after {} s", FUSE.as_secs())));
    }
    let Some(solution) = outcome.solution() else {
        return Err(Failure::NoIncumbent);
    };
    let stats = solution.stats();
    // The raw values: `var_value` would round, and panic where it cannot.
    let values = places(program.columns().len()).map(|variable| solution.var_value_raw(variable)).collect();
    Ok(Claim {
        values,
        bound: stats.best_bound,
        nodes: Some(stats.nodes_solved),
        iterations: stats.lp_iterations,
        stopped: match reason {
            TerminationReason::ProvenOptimal => Stopped::Optimal,
            TerminationReason::MipGap => Stopped::Gap,
            _ => Stopped::Limit,
        },
        duals: None,
    })
}

fn failure(error: &Error) -> Failure {
    match error {
        Error::Infeasible => Failure::Infeasible,
        Error::Unbounded => Failure::Unbounded,
        other => Failure::Solver(other.to_string()),
    }
}
