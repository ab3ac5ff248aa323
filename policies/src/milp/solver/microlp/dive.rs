//! A first solution from the relaxation, which microlp does not look for itself.
//!
//! On programs of packing, branch and bound of microlp alone finds nothing in ten thousand nodes. Diving does: solve the
//! relaxation, fix the integer column that is nearest below a whole number to that number (to the one below where that
//! cannot be), let the dual simplex method repair, and go on until all are whole. A step costs a few pivots.

use ::microlp::Solution;

use super::{claim, places, search};
use crate::milp::solver::check::{self, Checked};
use crate::milp::solver::program::{Kind, Program};
use crate::milp::solver::{Claim, Failure, Limits, Stopped};

/// Nearer than this to a whole number is whole.
const WHOLE: f64 = 1e-7;

/// What the relaxation and the dive from it gave.
pub(super) struct Dive {
    /// The objective of the relaxation: no solution is better.
    bound: f64,
    /// The best values known, those of the dive or of the program's start.
    best: Option<Checked>,
    iterations: u64,
}

/// Solves the relaxation and dives. `None` where there is no relaxation to dive from, for reasons that branch and bound
/// has to find out.
pub(super) fn dive(program: &Program, limits: Limits) -> Result<Option<Dive>, Failure> {
    let relaxed = program.relaxed().loosened();
    let outcome = match search(&relaxed, limits, None) {
        Ok(outcome) => outcome,
        Err(Failure::Infeasible) => return Err(Failure::Infeasible),
        Err(_) => return Ok(None),
    };
    let relaxation = claim(&relaxed, limits, &outcome)?;
    let Ok(solution) = outcome.into_solution() else { return Ok(None) };
    let mut dive = Dive { bound: solution.objective(), best: None, iterations: relaxation.iterations };
    dive.offer(program, program.start_values().map(<[f64]>::to_vec));
    if !dive.is_within_gap(limits) {
        let values = dive.descend(program, limits, solution);
        dive.offer(program, values);
    }
    Ok(Some(dive))
}

impl Dive {
    /// Keeps the values if they hold and are better.
    fn offer(&mut self, program: &Program, values: Option<Vec<f64>>) {
        let Some(found) = values.and_then(|values| check::accept(program, &values).ok()) else { return };
        if self.best.as_ref().is_none_or(|best| found.objective > best.objective) {
            self.best = Some(found);
        }
    }

    /// Fixes one column after the other until all integer columns are whole.
    fn descend(&mut self, program: &Program, limits: Limits, mut solution: Solution) -> Option<Vec<f64>> {
        let variables: Vec<_> = places(program.columns().len()).collect();
        // Each step fixes a column that was not whole, so there are at most as many steps as columns.
        for _ in 0..=program.columns().len() {
            let values: Vec<f64> = variables.iter().map(|&variable| solution.var_value_raw(variable)).collect();
            let Some(place) = nearest_below(program, &values) else { return Some(values) };
            let late = limits.time.is_some_and(|time| solution.stats().elapsed >= time);
            if late || limits.iterations.is_some_and(|pivots| self.iterations >= pivots) {
                return None;
            }
            let fix = |solution: Solution, value| solution.fix_var(variables[place], value).ok()?.into_solution().ok();
            let (up, down) = (values[place].ceil(), values[place].floor());
            solution = fix(solution.clone(), up).or_else(|| fix(solution, down))?;
            self.iterations = self.iterations.max(solution.stats().lp_iterations);
        }
        None
    }

    /// Whether branch and bound is not asked for, or not needed.
    pub(super) fn is_enough(&self, limits: Limits) -> bool {
        let spent = limits.iterations.is_some_and(|pivots| self.iterations >= pivots);
        spent || limits.nodes == 0 || self.is_within_gap(limits)
    }

    fn is_within_gap(&self, limits: Limits) -> bool {
        self.gap().is_some_and(|gap| gap <= limits.gap)
    }

    fn gap(&self) -> Option<f64> {
        self.best.as_ref().map(|best| check::gap(self.bound, best.objective))
    }

    /// What is left of the limits for branch and bound.
    pub(super) fn left(&self, limits: Limits) -> Limits {
        Limits { iterations: limits.iterations.map(|pivots| pivots - self.iterations.min(pivots)), ..limits }
    }

    /// The values to start from.
    pub(super) fn start(&self) -> Option<&[f64]> {
        self.best.as_ref().map(|best| best.values.as_slice())
    }

    /// Claims the best values that are known without branch and bound.
    pub(super) fn claim(self, limits: Limits) -> Result<Claim, Failure> {
        let gap = self.gap();
        let stopped = match gap {
            Some(gap) if gap <= 1e-9 => Stopped::Optimal,
            Some(gap) if gap <= limits.gap => Stopped::Gap,
            _ => Stopped::Limit,
        };
        let best = self.best.ok_or(Failure::NoIncumbent)?;
        let bound = Some(self.bound);
        Ok(Claim { values: best.values, bound, nodes: Some(0), iterations: self.iterations, stopped, duals: None })
    }

    /// What branch and bound found, with what the dive knows.
    pub(super) fn with(self, limits: Limits, found: Result<Claim, Failure>) -> Result<Claim, Failure> {
        match found {
            Ok(claim) => Ok(Claim {
                bound: Some(claim.bound.unwrap_or(f64::INFINITY).min(self.bound)),
                iterations: claim.iterations + self.iterations,
                ..claim
            }),
            Err(_) if self.best.is_some() => self.claim(limits),
            Err(failure) => Err(failure),
        }
    }
}

/// The integer column that is the least below a whole number, if any is not whole.
fn nearest_below(program: &Program, values: &[f64]) -> Option<usize> {
    let mut nearest = None;
    for (place, (column, value)) in program.columns().iter().zip(values).enumerate() {
        let (below, above) = (value - value.floor(), value.ceil() - value);
        if column.kind == Kind::Real || below.min(above) <= WHOLE {
            continue;
        }
        if nearest.is_none_or(|(_, least)| above < least) {
            nearest = Some((place, above));
        }
    }
    nearest.map(|(place, _)| place)
}
