//! The joint program: against brute force, against greedy, twice, with limits, with failures, and gangs that cannot be.

mod brute;
mod cases;

use engine::topology::Level;
use engine::{GpuRequest, ModelSet, TaskRequest};
use policies::milp::joint::{plan, refusal};
use policies::milp::solver::{Broken, Failure, Limits, Microlp, Script, Solver};
use policies::milp::yard::{Ask, Plan, Refusal, Rules, Source};
use proptest::prelude::*;

use self::cases::{Case, Draw};

/// All plans are checked here anew, by the code of the brute force.
fn checked(case: &Case, solver: &mut dyn Solver) -> Plan {
    let plan = plan(&case.yard, &case.asks, &case.work, &case.rules, solver);
    let by_hand = brute::value(case, &plan);
    assert_eq!(plan.quality.objective, by_hand, "{case:#?} {plan:#?}");
    assert!(plan.quality.objective >= plan.quality.greedy_objective, "{case:#?} {plan:#?}");
    assert!(plan.quality.bound >= plan.quality.objective, "{case:#?} {plan:#?}");
    plan
}

fn equal_to_brute_force(solver: &mut dyn Solver, cases: impl Iterator<Item = Case>) -> [usize; 3] {
    let mut seen = [0; 3];
    for case in cases {
        let plan = checked(&case, solver);
        let best = brute::best(&case);
        assert_eq!(plan.quality.objective, best, "{case:#?} {plan:#?}");
        assert!(plan.quality.exact, "{case:#?} {plan:#?}");
        assert!(!matches!(plan.quality.source, Source::Failed(_)), "{case:#?} {plan:#?}");
        seen[0] += 1;
        seen[1] += usize::from(plan.quality.objective > plan.quality.greedy_objective);
        seen[2] += usize::from(!plan.moves.is_empty());
    }
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

/// The way of large instances, made to take small ones: with all columns listed, and with none.
#[test]
fn bounds_from_prices_hold_and_what_they_call_exact_is_exact() {
    let (mut exact, mut tight) = (0, 0);
    for seed in 0..1500 {
        let mut case = cases::drawn(&mut Draw(seed), 4, 4);
        case.rules.columns_small = 0;
        case.rules.columns_listed = if seed % 2 == 0 { 2000 } else { 0 };
        case.rules.searched = [1, 5, 4000][seed as usize % 3];
        let plan = checked(&case, &mut Microlp);
        let best = brute::best(&case);
        assert!(plan.quality.bound >= best, "{best} {case:#?} {plan:#?}");
        assert!(!plan.quality.exact || plan.quality.objective == best, "{best} {case:#?} {plan:#?}");
        exact += usize::from(plan.quality.exact);
        tight += usize::from(plan.quality.objective == best);
    }
    assert!(exact > 500 && tight > 1200, "{exact} {tight}");
}

fn large() -> impl Strategy<Value = Case> {
    (any::<u64>(), 5..60_u64, 5..40_u64, 0..3_u32).prop_map(|(seed, nodes, asks, moves_max)| {
        let mut case = cases::drawn(&mut Draw(seed), nodes, asks);
        case.rules = Rules { moves_max, limits: Limits { nodes: 20, gap: 0.005, ..Limits::default() }, ..case.rules };
        case.rules.columns_small = Rules::default().columns_small;
        case
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn no_plan_is_worse_than_greedy_and_two_runs_agree(case in large()) {
        let first = checked(&case, &mut Microlp);
        prop_assert_eq!(&first, &checked(&case, &mut Microlp));
        prop_assert!(!matches!(first.quality.source, Source::Failed(_)), "{:?}", first.quality);
    }
}

/// A large instance that is solved in parts, if it has the nodes for it.
fn split() -> impl Strategy<Value = Case> {
    (large(), 16..90_u64, 0..200_usize).prop_map(|(mut case, nodes, split_above)| {
        let mut draw = Draw(nodes);
        while (case.yard.nodes.len() as u64) < nodes {
            let more = cases::drawn(&mut draw, 40, 1).yard.nodes;
            case.yard.nodes.extend(more);
        }
        let names = 0..case.yard.nodes.len() as u32;
        // What is held keeps its node: those that are new stand behind.
        case.yard.nodes.iter_mut().zip(names).for_each(|(node, name)| node.id = engine::NodeId(10 + name));
        case.rules.columns_small = 0;
        Case { rules: Rules { split_above, ..case.rules }, ..case }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn plans_in_parts_hold_and_are_never_worse_than_greedy(case in split()) {
        let first = checked(&case, &mut Microlp);
        prop_assert_eq!(&first, &checked(&case, &mut Microlp));
        prop_assert!(!matches!(first.quality.source, Source::Failed(_)), "{:?}", first.quality);
        // The bound is one for the whole: no plan of the whole is above it.
        let whole = Case { rules: Rules { split_above: usize::MAX, columns_small: 400, ..case.rules.clone() }, ..case };
        let whole = checked(&whole, &mut Microlp);
        prop_assert_eq!(whole.quality.parts, 1);
        prop_assert!(first.quality.bound >= whole.quality.objective, "{:?} {:?}", first.quality, whole.quality);
        prop_assert!(whole.quality.bound >= first.quality.objective, "{:?} {:?}", first.quality, whole.quality);
    }
}

#[test]
fn parts_find_more_than_greedy_and_a_failure_in_one_of_them_is_told() {
    let (mut split, mut better, mut failed) = (0, 0, 0);
    for seed in 0..60 {
        let mut case = cases::drawn(&mut Draw(seed), 60, 60);
        (case.rules.columns_small, case.rules.split_above, case.rules.limits.nodes) = (0, 60, 20);
        let plan = checked(&case, &mut Microlp);
        split += usize::from(plan.quality.parts > 1);
        better += usize::from(plan.quality.parts > 1 && plan.quality.source == Source::Program);
        let fails = Script::Fails(Failure::NoIncumbent);
        let plan = checked(&case, &mut Broken::new(Microlp, [fails]));
        if matches!(plan.quality.source, Source::Failed(_)) {
            failed += usize::from(plan.quality.parts > 1);
            assert_eq!(plan.quality.objective, plan.quality.greedy_objective);
        }
    }
    assert!(split > 30 && better > 10 && failed > 10, "{split} {better} {failed}");
}

#[test]
fn with_hardly_any_time_to_search_the_plan_holds_and_the_bound_is_above() {
    for seed in 0..200 {
        let mut case = cases::drawn(&mut Draw(seed), 12, 12);
        case.rules.limits = Limits { nodes: u64::from(seed % 2 == 0), gap: 0.0, ..Limits::default() };
        (case.rules.columns_small, case.rules.searched, case.rules.steps) = (seed as usize % 2 * 1000, 1, 1);
        checked(&case, &mut Microlp);
    }
}

#[test]
fn when_the_solver_fails_the_greedy_plan_stands_and_says_so() {
    let mut failed = 0;
    for seed in 0..200 {
        let case = cases::drawn(&mut Draw(seed), 4, 4);
        // No incumbent in time, 3.4 GPUs, and not a number.
        for script in [Script::Fails(Failure::NoIncumbent), Script::Off(0.4), Script::Off(f64::NAN)] {
            let plan = checked(&case, &mut Broken::new(Microlp, [script]));
            assert_eq!(plan.quality.objective, plan.quality.greedy_objective);
            assert!(!plan.quality.exact || plan.quality.columns == 0, "{plan:#?}");
            failed += usize::from(matches!(plan.quality.source, Source::Failed(_)));
        }
    }
    assert!(failed > 200, "{failed}");
}

#[test]
fn values_that_are_not_quite_whole_are_made_whole() {
    for seed in 0..100 {
        let case = cases::drawn(&mut Draw(seed), 4, 4);
        let dirty = checked(&case, &mut Broken::new(Microlp, [Script::Off(-1e-7)]));
        assert_eq!(dirty, checked(&case, &mut Microlp));
    }
}

#[test]
fn a_gang_that_cannot_be_is_told_so_with_the_reason() {
    let mut case = cases::drawn(&mut Draw(3), 4, 1);
    let gang = |tasks, request, required| Ask { value: 9, groups: vec![(request, tasks)], required, preferred: None };
    let one = TaskRequest::whole_gpus(1);
    let none = TaskRequest { gpus: GpuRequest::Whole(1), models: ModelSet::NONE, ..one };
    case.asks = vec![gang(100, one, None), gang(0, one, None), gang(100, one, Some(Level::Rack)), gang(2, none, None)];
    // No node stands in an NVLink domain.
    case.asks.push(gang(1, one, Some(Level::NvlinkDomain)));
    let plan = checked(&case, &mut Microlp);
    assert_eq!(plan.refused.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    assert_eq!(plan.refused[1].1, Refusal::Empty);
    for (at, told) in plan.refused {
        assert_eq!(refusal(&case.yard, &case.asks[at], &case.rules), Some(told));
        let most = |most| matches!(told, Refusal::Group { group: 0, most: here, .. } if here == most);
        assert!(at == 1 || at == 0 && !most(0) || at == 2 || most(0), "{at} {told:?}");
    }
}
