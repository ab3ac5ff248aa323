//! The joint program: against brute force, against greedy, twice, with limits, and gangs that cannot be.

mod brute;
mod cases;

use engine::topology::Level;
use engine::{GpuRequest, TaskRequest};
use policies::milp::joint::plan;
use policies::milp::solver::{Limits, Microlp, Solver};
use policies::milp::yard::{Ask, Plan, Refusal, Rules, Source, Yard};

use self::cases::{Case, Draw};

/// All plans are checked here anew, by the code of the brute force.
fn checked(case: &Case, solver: &mut dyn Solver) -> Plan {
    let plan = plan(&case.yard, &case.asks, &case.work, &case.rules, solver);
    let by_hand = brute::value(case, &plan);
    assert_eq!(plan.quality.objective, by_hand, "{case:#?} {plan:#?}");
    assert!(plan.quality.objective >= plan.quality.greedy_objective, "{case:#?} {plan:#?}");
    assert!(plan.quality.bound >= plan.quality.objective, "{case:#?} {plan:#?}");
    assert!(!matches!(plan.quality.source, Source::Failed(_)), "{case:#?} {plan:#?}");
    plan
}

fn equal_to_brute_force(solver: &mut dyn Solver, cases: impl Iterator<Item = Case>) -> [usize; 3] {
    let mut seen = [0; 3];
    for case in cases {
        let plan = checked(&case, solver);
        let best = brute::best(&case);
        assert_eq!(plan.quality.objective, best, "{case:#?} {plan:#?}");
        assert!(plan.quality.exact, "{case:#?} {plan:#?}");
        seen[0] += 1;
        seen[1] += usize::from(plan.quality.objective > plan.quality.greedy_objective);
        seen[2] += usize::from(!plan.moves.is_empty());
    }
    println!("{} instances, {} better than greedy, {} with moves", seen[0], seen[1], seen[2]);
    seen
}

#[test]
fn all_instances_of_up_to_two_nodes_and_two_jobs_are_as_good_as_brute_force() {
    let seen = equal_to_brute_force(&mut Microlp, cases::all_small());
    assert!(seen[0] > 3000, "{seen:?}");
}

#[test]
fn instances_of_up_to_four_nodes_and_four_jobs_are_as_good_as_brute_force() {
    let seen = equal_to_brute_force(&mut Microlp, (0..3000).map(|seed| cases::drawn(&mut Draw(seed), 4, 4)));
    assert!(seen[1] > 100 && seen[2] > 30, "{seen:?}");
}

#[cfg(feature = "highs")]
#[test]
fn highs_is_as_good_as_brute_force() {
    let cases = (0..600).map(|seed| cases::drawn(&mut Draw(seed), 4, 4));
    equal_to_brute_force(&mut policies::milp::solver::Highs, cases);
}
