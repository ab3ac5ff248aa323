//! The seam to the solvers: against brute force, twice the same, limits, and answers that must not get through.

use policies::milp::solver::{
    Answer, Broken, Failure, Kind, Limits, Microlp, Program, Script, Solver, Source, Stopped, duals, solve,
};
use proptest::prelude::*;

/// Every solver of this build.
fn solvers() -> Vec<Box<dyn Solver>> {
    vec![
        Box::new(Microlp),
        #[cfg(feature = "highs")]
        Box::new(policies::milp::solver::Highs),
    ]
}

/// A small program of whole numbers: columns (objective, upper bound), rows (lower, upper, coefficients).
#[derive(Clone, Debug)]
struct Small {
    columns: Vec<(i32, i64, i64)>,
    rows: Vec<(Option<i32>, Option<i32>, Vec<i32>)>,
}

impl Small {
    fn program(&self) -> Program {
        let mut program = Program::new();
        let columns: Vec<_> = self
            .columns
            .iter()
            .map(|&(objective, lower, more)| program.integer(f64::from(objective) / 4.0, lower, lower + more))
            .collect();
        for (lower, upper, coefficients) in &self.rows {
            let lower = lower.map_or(f64::NEG_INFINITY, f64::from);
            let upper = upper.map_or(f64::INFINITY, f64::from);
            let terms =
                columns.iter().zip(coefficients).map(|(&column, &coefficient)| (column, f64::from(coefficient)));
            program.row_with(lower, upper.max(lower), terms);
        }
        program
    }

    /// The best objective, in quarters, of all values there are.
    fn brute_force(&self) -> Option<i64> {
        let mut values: Vec<i64> = self.columns.iter().map(|column| column.1).collect();
        let mut best = None;
        loop {
            if self.holds(&values) {
                let objective =
                    self.columns.iter().zip(&values).map(|(column, value)| i64::from(column.0) * value).sum();
                best = best.max(Some(objective));
            }
            let Some(place) =
                (0..values.len()).find(|&place| values[place] < self.columns[place].1 + self.columns[place].2)
            else {
                return best;
            };
            for (value, column) in values[..place].iter_mut().zip(&self.columns) {
                *value = column.1;
            }
            values[place] += 1;
        }
    }

    fn holds(&self, values: &[i64]) -> bool {
        self.rows.iter().all(|(lower, upper, coefficients)| {
            let sum: i64 =
                coefficients.iter().zip(values).map(|(&coefficient, value)| i64::from(coefficient) * value).sum();
            let upper = upper.map(|upper| upper.max(lower.unwrap_or(upper)));
            lower.is_none_or(|lower| sum >= i64::from(lower)) && upper.is_none_or(|upper| sum <= i64::from(upper))
        })
    }
}

prop_compose! {
    fn small()(columns in 1_usize..6, rows in 0_usize..5)(
        columns in prop::collection::vec((-12_i32..25, -2_i64..3, 0_i64..4), columns),
        rows in prop::collection::vec(
            (prop::option::weighted(0.3, -6_i32..6), prop::option::weighted(0.8, -2_i32..14),
             prop::collection::vec(-3_i32..6, columns)),
            rows),
    ) -> Small {
        Small { columns, rows }
    }
}

fn exact() -> Limits {
    Limits { nodes: 100_000, ..Limits::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn small_programs_are_solved_as_by_brute_force(small in small()) {
        let (program, best) = (small.program(), small.brute_force());
        for solver in &mut solvers() {
            let answer = solve(solver.as_mut(), &program, exact());
            match (best, &answer) {
                (None, Err(Failure::Infeasible)) => {}
                (Some(best), Ok(answer)) => {
                    prop_assert_eq!((answer.objective * 4.0) as i64, best, "{}", solver.name());
                    prop_assert_eq!(answer.stopped, Stopped::Optimal);
                    prop_assert!(answer.gap < 1e-6);
                }
                _ => prop_assert!(false, "{} says {:?}, true is {:?}", solver.name(), answer, best),
            }
            prop_assert_eq!(&answer, &solve(solver.as_mut(), &program, exact()), "twice the same");
        }
    }
}
