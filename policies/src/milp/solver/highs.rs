//! HiGHS: C++, with `--features highs`.
//!
//! One thread and a fixed seed, so that `mip_max_nodes` makes runs equal. Its simplex limit counts the pivots of one linear
//! program: within branch and bound it does not apply. Its gap of 1e-4 by default is set to what was asked for.

use ::highs::{HighsModelStatus as Status, HighsSolutionStatus, Model, SolvedModel, TrySetOptionError};
use good_lp::solvers::highs::highs;

use super::formulate::{conditions, formulate};
use super::{Claim, FUSE, Failure, Limits, Program, Solver, Stopped};

/// HiGHS counts in 32 bits.
const MOST: u64 = i32::MAX as u64;

/// The solver of builds with the feature `highs`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Highs;

impl Solver for Highs {
    fn name(&self) -> &'static str {
        "highs"
    }

    fn knows_duals(&self) -> bool {
        true
    }

    fn attempt(&mut self, program: &Program, limits: Limits) -> Result<Claim, Failure> {
        let mut model =
            formulate(program, highs).try_into_inner().map_err(|error| Failure::Solver(error.to_string()))?;
        set(&mut model, limits).map_err(|error| Failure::Solver(format!("option: {error:?}")))?;
        if let Some(start) = program.start_values() {
            model
                .try_set_solution(Some(start), None, None, None)
                .map_err(|error| Failure::Solver(format!("{error:?}")))?;
        }
        let solved = model.try_solve().map_err(|error| Failure::Solver(format!("{error:?}")))?;
        let mut claim = claim(program, limits, &solved)?;
        if !program.has_integers() {
            let solution = solved.get_solution();
            let mut conditioned = solution.dual_rows().iter();
            let mut dual = |row| conditioned.by_ref().take(conditions(row)).sum();
            let duals = program.rows().iter().map(&mut dual).collect();
            claim.duals = Some(duals);
        }
        Ok(claim)
    }
}

fn set(model: &mut Model, limits: Limits) -> Result<(), TrySetOptionError> {
    model.try_set_option("threads", 1)?;
    model.try_set_option("parallel", "off")?;
    model.try_set_option("random_seed", 0)?;
    model.try_set_option("mip_rel_gap", limits.gap.max(0.0))?;
    model.try_set_option("mip_abs_gap", 0.0)?;
    model.try_set_option("mip_max_nodes", limits.nodes.clamp(1, MOST) as i32)?;
    if let Some(pivots) = limits.iterations {
        model.try_set_option("simplex_iteration_limit", pivots.min(MOST) as i32)?;
    }
    model.try_set_option("time_limit", limits.time.unwrap_or(FUSE).as_secs_f64())
}

fn claim(program: &Program, limits: Limits, solved: &SolvedModel) -> Result<Claim, Failure> {
    let stopped = match solved.status() {
        Status::ReachedTimeLimit if limits.time.is_none() => {
            return Err(Failure::Solver(format!("no end after {} s", FUSE.as_secs())));
        }
        Status::Infeasible => return Err(Failure::Infeasible),
        Status::Unbounded => return Err(Failure::Unbounded),
        Status::UnboundedOrInfeasible => return Err(Failure::Solver("unbounded or infeasible".into())),
        Status::Optimal | Status::ObjectiveBound | Status::ObjectiveTarget => Stopped::Optimal,
        Status::ReachedTimeLimit
        | Status::ReachedSolutionLimit
        | Status::ReachedInterrupt
        | Status::ReachedIterationLimit
        | Status::ReachedMemoryLimit => Stopped::Limit,
        other => return Err(Failure::Solver(format!("{other:?}"))),
    };
    if solved.primal_solution_status() != HighsSolutionStatus::Feasible {
        return Err(Failure::NoIncumbent);
    }
    let mip = program.has_integers();
    let objective = solved.objective_value();
    let bound = match (mip, stopped) {
        (true, _) => solved.double_info_value(c"mip_dual_bound").ok().filter(|bound| bound.is_finite()),
        (false, Stopped::Limit) => None,
        (false, _) => Some(objective),
    };
    // HiGHS calls an answer within the gap optimal, too.
    let proven = bound.is_some_and(|bound| bound - objective <= 1e-9 * objective.abs().max(1.0));
    Ok(Claim {
        values: solved.get_solution().columns().to_vec(),
        bound,
        nodes: None,
        iterations: solved.simplex_iteration_count().max(0) as u64,
        stopped: if stopped == Stopped::Optimal && !proven { Stopped::Gap } else { stopped },
        duals: None,
    })
}
