//! The seam to the solvers: against brute force, twice the same, limits, and answers that must not get through.

use policies::milp::solver::{
    Broken, Failure, Limits, Microlp, Program, Script, Solver, Source, Stopped, duals, solve,
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

    #[test]
    fn a_start_is_never_lost(small in small(), picks in prop::collection::vec(0_i64..4, 6), nodes in 0_u64..4) {
        let mut program = small.program();
        let start: Vec<i64> =
            small.columns.iter().zip(&picks).map(|(column, pick)| column.1 + pick.min(&column.2)).collect();
        program.start(start.iter().map(|&value| value as f64).collect());
        let worth: i64 = small.columns.iter().zip(&start).map(|(column, value)| i64::from(column.0) * value).sum();
        let fails = Script::Fails(Failure::NoIncumbent);
        let mut list = solvers();
        list.push(Box::new(Broken::new(Microlp, [fails])));
        list.push(Box::new(Broken::new(Microlp, [Script::Off(1.0)])));
        for solver in &mut list {
            let answer = solve(solver.as_mut(), &program, Limits { nodes, ..Limits::default() });
            if !small.holds(&start) {
                prop_assert!(matches!(answer, Err(Failure::Program(_) | Failure::Infeasible)));
                continue;
            }
            let answer = answer.unwrap();
            let values: Vec<i64> = answer.values.iter().map(|&value| value as i64).collect();
            prop_assert!(small.holds(&values), "{}", solver.name());
            prop_assert!(answer.objective * 4.0 >= worth as f64 && answer.bound >= answer.objective);
        }
    }

    #[test]
    fn prices_of_rows_prove_the_optimum_of_the_relaxation(small in small()) {
        let relaxed = small.program().relaxed();
        for solver in &mut solvers() {
            let Ok(answer) = solve(solver.as_mut(), &relaxed, exact()) else { continue };
            let prices = duals(solver.as_mut(), &relaxed, exact()).unwrap();
            let bound = lagrangian(&relaxed, &prices);
            prop_assert!((bound - answer.objective).abs() < 1e-5, "{}: {bound} {}", solver.name(), answer.objective);
        }
    }
}

/// The bound that prices of rows prove: what rows sell for at their bounds, and each column at its better bound.
fn lagrangian(program: &Program, prices: &[f64]) -> f64 {
    let mut reduced: Vec<f64> = program.columns().iter().map(|column| column.objective).collect();
    let matrix = program.matrix();
    let mut bound = 0.0;
    for (place, (row, &price)) in program.rows().iter().zip(prices).enumerate() {
        for &(column, coefficient) in matrix.row(place) {
            reduced[column.0 as usize] -= price * coefficient;
        }
        bound += match price {
            price if price > 1e-9 => price * row.upper,
            price if price < -1e-9 => price * row.lower,
            _ => 0.0,
        };
    }
    let columns = program.columns().iter().zip(reduced);
    bound + columns.map(|(column, reduced)| (reduced * column.lower).max(reduced * column.upper)).sum::<f64>()
}

/// A knapsack of 60 things and five sizes each, which no solver settles at the root.
fn hard_knapsack() -> Program {
    let mut dice = 7_u64;
    let mut throw = || {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        10.0 + ((dice >> 33) % 90) as f64
    };
    let mut program = Program::new();
    let columns: Vec<_> = (0..60).map(|_| program.integer(throw(), 0, 1)).collect();
    for _ in 0..5 {
        let sizes: Vec<_> = columns.iter().map(|&column| (column, throw())).collect();
        program.at_most(1_000.0, sizes);
    }
    program
}

#[test]
fn a_limit_of_nodes_is_kept_and_told() {
    for solver in &mut solvers() {
        let limits = Limits { nodes: 1, ..Limits::default() };
        let answer = solve(solver.as_mut(), &hard_knapsack(), limits);
        let answer = answer.unwrap_or_else(|failure| panic!("{}: {failure}", solver.name()));
        assert_eq!(answer.stopped, Stopped::Limit, "{}", solver.name());
        assert!(answer.bound > answer.objective && answer.gap > 0.0, "{answer:?}");
        assert!(answer.nodes.is_none_or(|nodes| nodes <= 1), "{answer:?}");
        assert_eq!(answer, solve(solver.as_mut(), &hard_knapsack(), limits).unwrap());
    }
}

#[test]
fn a_limit_of_pivots_stops_microlp_between_nodes() {
    let limits = Limits { iterations: Some(200), nodes: 1_000_000, ..Limits::default() };
    let answer = solve(&mut Microlp, &hard_knapsack(), limits).unwrap();
    assert_eq!(answer.stopped, Stopped::Limit);
    assert!(answer.iterations < 1_000 && answer.nodes.unwrap() < 1_000, "{answer:?}");
    assert_eq!(answer, solve(&mut Microlp, &hard_knapsack(), limits).unwrap());
}

#[test]
fn a_gap_that_is_good_enough_is_told() {
    for solver in &mut solvers() {
        let limits = Limits { gap: 0.2, ..Limits::default() };
        let answer = solve(solver.as_mut(), &hard_knapsack(), limits).unwrap();
        assert!(answer.stopped != Stopped::Limit && answer.gap <= 0.2, "{answer:?}");
    }
}

#[test]
fn infeasible_and_unbounded_are_told() {
    for solver in &mut solvers() {
        let mut program = Program::new();
        let column = program.integer(1.0, 0, 10);
        program.at_least(5.0, [(column, 2.0)]);
        program.at_most(5.0, [(column, 2.0)]);
        assert_eq!(solve(solver.as_mut(), &program, exact()), Err(Failure::Infeasible));

        let mut program = Program::new();
        let column = program.real(1.0, 0.0, f64::INFINITY);
        program.at_least(1.0, [(column, 1.0)]);
        assert_eq!(solve(solver.as_mut(), &program, exact()), Err(Failure::Unbounded));

        let mut program = Program::new();
        program.at_least(1.0, []);
        assert_eq!(solve(solver.as_mut(), &program, exact()), Err(Failure::Infeasible));
        program.clear();
        assert!(solve(solver.as_mut(), &program, exact()).unwrap().values.is_empty());
    }
}

/// At most three of the first column, and not more of it than of the second.
fn three() -> Program {
    let mut program = Program::new();
    let (first, second) = (program.integer(1.0, 0, 9), program.integer(0.0, 0, 3));
    program.exactly(0.0, [(first, 1.0), (second, -1.0)]);
    program
}

fn told(script: Script) -> Result<Vec<f64>, Failure> {
    solve(&mut Broken::new(Microlp, [script]), &three(), exact()).map(|answer| answer.values)
}

#[test]
fn dirty_answers_are_made_whole_or_refused() {
    assert_eq!(told(Script::Claims(vec![2.999_999_7, 3.000_000_4])), Ok(vec![3.0, 3.0]));
    let wrong = [
        vec![3.4, 3.0],
        vec![2.999, 3.0],
        vec![f64::NAN, 3.0],
        vec![f64::INFINITY, 3.0],
        vec![3.0],
        vec![],
        vec![3.0, 2.0],
        vec![2.999_999_7, 1.999_999_7],
        vec![4.0, 4.0],
        vec![-1.0, -1.0],
        vec![1e300, 1e300],
    ];
    for values in wrong {
        assert!(matches!(told(Script::Claims(values.clone())), Err(Failure::Numeric(_))), "{values:?}");
    }
}

#[test]
fn a_bound_below_what_is_reached_is_refused() {
    for bound in [2.0, f64::NAN] {
        assert!(matches!(told(Script::Bounds(vec![3.0, 3.0], bound)), Err(Failure::Numeric(_))));
    }
}

#[test]
fn the_start_stands_and_says_why() {
    let mut program = three();
    program.start(vec![2.0, 2.0]);
    for failure in [Failure::NoIncumbent, Failure::Infeasible, Failure::Solver("broken".into())] {
        let mut solver = Broken::new(Microlp, [Script::Fails(failure.clone())]);
        let answer = solve(&mut solver, &program, exact()).unwrap();
        assert_eq!((answer.values, answer.objective, answer.stopped), (vec![2.0, 2.0], 2.0, Stopped::Limit));
        assert_eq!(answer.source, Source::Start { failure: Some(failure) });
    }
    // A claim of the optimum below the start is a lie about the bound.
    let answer = solve(&mut Broken::new(Microlp, [Script::Claims(vec![1.0, 1.0])]), &program, exact()).unwrap();
    assert!(matches!(answer.source, Source::Start { failure: Some(Failure::Numeric(_)) }));
    assert_eq!(answer.values, vec![2.0, 2.0]);
    // A worse answer with an honest bound: the start, with that bound.
    let answer = solve(&mut Broken::new(Microlp, [Script::Bounds(vec![1.0, 1.0], 3.0)]), &program, exact()).unwrap();
    assert_eq!((answer.source, answer.bound, answer.gap), (Source::Start { failure: None }, 3.0, 0.5));
    for solver in &mut solvers() {
        let answer = solve(solver.as_mut(), &program, exact()).unwrap();
        assert_eq!((answer.objective, answer.source), (3.0, Source::Solver));
    }
}

#[test]
fn no_solver_is_given_a_wrong_program() {
    let wrong = |make: &dyn Fn(&mut Program)| {
        let mut program = three();
        make(&mut program);
        for solver in &mut solvers() {
            let answer = solve(solver.as_mut(), &program, exact());
            assert!(matches!(answer, Err(Failure::Program(_))), "{answer:?}");
        }
    };
    wrong(&|program| _ = program.real(f64::NAN, 0.0, 1.0));
    wrong(&|program| _ = program.real(1.0, 0.0, f64::NAN));
    wrong(&|program| _ = program.real(1.0, f64::INFINITY, f64::INFINITY));
    wrong(&|program| _ = program.integer(1.0, 0, i64::MAX));
    wrong(&|program| _ = program.row(f64::NAN, 1.0));
    wrong(&|program| {
        let column = program.real(0.0, 0.0, 1.0);
        program.at_most(1.0, [(column, 1e300)]);
    });
    wrong(&|program| {
        let column = Program::new().integer(0.0, 0, 1);
        let row = program.row(0.0, 1.0);
        program.term(row, policies::milp::solver::ColumnId(column.0 + 7), 1.0);
    });
    wrong(&|program| program.start(vec![1.0]));
    wrong(&|program| program.start(vec![1.5, 1.5]));
    wrong(&|program| program.start(vec![9.0, 9.0]));
}

#[test]
fn real_columns_keep_their_bounds_and_terms_of_the_same_place_add_up() {
    for solver in &mut solvers() {
        let mut program = Program::new();
        let (part, count) = (program.real(2.0, 0.0, 0.75), program.integer(1.0, 0, 5));
        let row = program.at_most(4.0, [(part, 1.0), (count, 0.5)]);
        program.term(row, count, 0.5);
        let answer = solve(solver.as_mut(), &program, exact()).unwrap();
        assert_eq!((answer.values[0], answer.count(count)), (0.75, 3), "{}", solver.name());
    }
}
