//! Variability-aware placement (PAL, SC 2024): worked by hand, and against every pair of score and locality, one by one.

use std::sync::{Arc, OnceLock};

use engine::{
    AppId, Bin, DomainId, Domains, Draft, Event, GpuRequest, Inventory, JobId, Level, NodeId, Shape, Slice, TaskGroup,
    TaskRequest, Variability,
};
use policies::{Placer, Variable, place};
use proptest::prelude::*;

use crate::bench::{Bench, asked};
use crate::naive::Nodes;
use crate::placers::{Case, ask_slices, case, naive_nodes};

const PAL: Placer = pal(1500);
const PM_FIRST: Placer = Placer::Variable(Variable::PmFirst);

const fn pal(across_milli: u32) -> Placer {
    Placer::Variable(Variable::Pal { across_milli })
}

/// Nodes of four GPUs with these scores, as one class of applications sees them.
fn cluster(scores: &[[u32; 4]]) -> Inventory {
    let mut inventory = Inventory::uniform(scores.len(), 4, "V100");
    let scores = scores.iter().map(|of_node| of_node.to_vec()).collect();
    inventory.variability = vec![Variability::exact("A", None, scores)];
    inventory
}

fn tasks(tasks: u32, gpus: u32) -> Shape {
    Shape::uniform(tasks, TaskRequest::whole_gpus(gpus))
}

/// Where a job goes that starts alone: (node, mask of GPUs) of each task.
fn placed(inventory: &Inventory, placer: Placer, shape: Shape) -> Vec<(u32, u64)> {
    placed_as(inventory, placer, shape, AppId(0))
}

fn placed_as(inventory: &Inventory, placer: Placer, shape: Shape, app: AppId) -> Vec<(u32, u64)> {
    placed_beside(inventory, placer, shape, app, &[])
}

/// The same where parts of GPUs are held: (node, thousandths).
fn placed_beside(
    inventory: &Inventory,
    placer: Placer,
    shape: Shape,
    app: AppId,
    held: &'static [(u32, u16)],
) -> Vec<(u32, u64)> {
    let mut bench = Bench::new(inventory.clone(), asked(|_| {}), &[("all", None, 1000)], &[shape]);
    let found = Arc::new(OnceLock::new());
    let seen = found.clone();
    bench.core.refresh_policy(asked(move |draft: &mut Draft<'_>| {
        for (node, milli) in held {
            let request = TaskRequest { gpus: GpuRequest::Milli(*milli), ..TaskRequest::whole_gpus(0) };
            assert!(draft.reserve(NodeId(*node), &request));
        }
        if draft.is_ready(JobId(0)) {
            place(placer, draft, JobId(0));
            seen.set(draft.open().iter().map(|slice| (slice.node.0, slice.mask)).collect()).unwrap();
            assert!(draft.open().is_empty() || draft.start(JobId(0)).is_ok());
        }
    }));
    let mut submission = bench.submission(0, 0);
    if let Event::Submitted { spec, .. } = &mut submission {
        spec.app = app;
    }
    bench.at(0, [submission]);
    found.get().cloned().unwrap()
}

/// V is 0.9, 1.0 and 1.4 and L is 1 or 1.5, so the products rise as
/// 0.9 x 1, 1.0 x 1, 0.9 x 1.5 = 1.35, 1.4 x 1, 1.0 x 1.5, 1.4 x 1.5.
#[test]
fn the_products_of_score_and_locality_are_tried_by_rising_value() {
    let gang = || tasks(3, 1);
    let first = cluster(&[[1000, 1000, 1000, 900], [900, 900, 900, 1400]]);
    assert_eq!(placed(&first, PAL, gang()), [(1, 1), (1, 2), (1, 4)], "0.9 on one node");
    let second = cluster(&[[900, 900, 1400, 1400], [900, 1000, 1000, 1400]]);
    assert_eq!(placed(&second, PAL, gang()), [(1, 1), (1, 2), (1, 4)], "1.0 on one node goes before 0.9 on two");
    let third = cluster(&[[900, 900, 1400, 1400], [900, 1400, 1400, 1000]]);
    assert_eq!(placed(&third, PAL, gang()), [(0, 1), (0, 2), (1, 1)], "0.9 on two nodes goes before 1.4 on one");
    let fourth = cluster(&[[900, 900, 1400, 1400], [1000, 1400, 1400, 1400]]);
    assert_eq!(placed(&fourth, PAL, gang()), [(0, 1), (0, 2), (0, 4)], "1.4 on one node goes before 1.0 on two");
    assert_eq!(placed(&fourth, pal(1300), gang()), [(0, 1), (0, 2), (1, 1)], "unless L is 1.3 there");
    assert_eq!(placed(&fourth, pal(1400), gang()), [(0, 1), (0, 2), (0, 4)], "of equal products one node goes first");
    let fifth = cluster(&[[900, 900, 1400, 1400], [1000, 1000, 1400, 1400]]);
    assert_eq!(placed(&fifth, PAL, tasks(5, 1)).len(), 5, "no node is large enough");
    assert_eq!(placed(&fifth, PAL, tasks(4, 1)), [(0, 1), (0, 2), (0, 4), (0, 8)]);
}

#[test]
fn pm_first_goes_for_the_least_score_wherever_it_is() {
    let fourth = cluster(&[[900, 900, 1400, 1400], [1000, 1400, 1400, 1400]]);
    assert_eq!(placed(&fourth, PM_FIRST, tasks(3, 1)), [(0, 1), (0, 2), (1, 1)], "1.0 x 1.5 is more than 1.4");
    let equal = cluster(&[[900, 900, 900, 900], [1000, 900, 900, 1000], [900, 1000, 1000, 1000]]);
    assert_eq!(placed(&equal, PM_FIRST, tasks(2, 1)), [(1, 2), (1, 4)], "of equals the node with just as many");
    assert_eq!(placed(&equal, PM_FIRST, tasks(1, 1)), [(2, 1)]);
    assert_eq!(placed(&equal, PM_FIRST, tasks(1, 4)), [(0, 15)]);
    assert_eq!(placed(&equal, PAL, tasks(1, 4)), [(0, 15)], "one task is on one node anyway");
}

#[test]
fn gpus_that_differ_less_than_a_bin_count_as_equal() {
    let mut inventory = cluster(&[[900, 930, 1400, 1400], [940, 940, 940, 1400]]);
    assert_eq!(placed(&inventory, PAL, tasks(2, 1)), [(0, 1), (0, 2)], "0.93 is less than 0.94");
    let bin = |top_milli, score_milli| Bin { top_milli, score_milli };
    inventory.variability[0].bins = vec![bin(940, 930), bin(1400, 1400)];
    assert_eq!(placed(&inventory, PAL, tasks(3, 1)), [(1, 1), (1, 2), (1, 4)]);
    assert_eq!(placed(&inventory, PM_FIRST, tasks(2, 1)), [(0, 1), (0, 2)], "just as many as are wanted");
}

#[test]
fn each_class_of_applications_has_its_own_scores() {
    let mut inventory = cluster(&[[1000; 4], [1200; 4]]);
    inventory.variability.push(Variability::exact("C", Some(vec!["lm".to_owned()]), vec![vec![1050; 4], vec![990; 4]]));
    let of = |app| placed_as(&inventory, PAL, tasks(2, 1), AppId(app))[0].0;
    assert_eq!([of(0), of(1)], [0, 1]);
    assert_eq!(of(2), 0, "a class without scores: as `pack`");
}

#[test]
fn parts_of_gpus_go_to_the_best_that_is_shared() {
    let inventory = cluster(&[[1000; 4], [900, 1100, 1100, 1100], [1200; 4]]);
    let part =
        |count| Shape::uniform(count, TaskRequest { gpus: GpuRequest::Milli(400), ..TaskRequest::whole_gpus(0) });
    let beside = |held| placed_beside(&inventory, PAL, part(1), AppId(0), held);
    assert_eq!(beside(&[]), [(1, 1)], "none is shared: the best");
    assert_eq!(beside(&[(0, 500), (2, 500)]), [(0, 1)], "the best that is shared");
    assert_eq!(beside(&[(0, 700), (2, 500)]), [(2, 1)], "and has room");
    assert_eq!(placed(&inventory, PAL, part(3)), [(1, 1), (1, 1), (0, 1)], "two of a gang share one");
}

#[test]
fn a_domain_is_kept_and_groups_grow() {
    let mut inventory = cluster(&[[900; 4], [1400; 4], [1000; 4], [1100; 4]]);
    inventory.domains = vec![("r0".to_owned(), Level::Rack), ("r1".to_owned(), Level::Rack)];
    for (at, node) in inventory.nodes.iter_mut().enumerate() {
        node.domains = Domains([None, Some(DomainId::new(at / 2)), None]);
    }
    let racked = Shape { required: Some(Level::Rack), ..tasks(2, 4) };
    let nodes = |shape: Shape| placed(&inventory, PAL, shape).iter().map(|(node, _)| *node).collect::<Vec<_>>();
    assert_eq!(nodes(tasks(2, 4)), [0, 2]);
    assert_eq!(nodes(racked), [0, 1]);
    let request = TaskRequest::whole_gpus(2);
    let groups = vec![TaskGroup { tasks_min: 2, tasks_max: 5, request }];
    assert_eq!(nodes(Shape { groups: groups.into(), required: None, preferred: None }), [0, 0, 2, 2, 3]);
}

/// Score of each GPU, from a few values.
fn scores(nodes: usize) -> impl Strategy<Value = Vec<Vec<u32>>> {
    prop::collection::vec(prop::collection::vec(prop::sample::select(vec![850u32, 900, 1000, 1300, 1800]), 70), nodes)
}

fn varied(tasks: std::ops::Range<u32>) -> impl Strategy<Value = Case> {
    case(tasks, false).prop_flat_map(|case| {
        let scores = scores(case.inventory.nodes.len());
        (Just(case), scores).prop_map(|(mut case, scores)| {
            case.inventory.variability = vec![Variability::exact("A", None, scores)];
            case
        })
    })
}

/// Tasks that one node holds on free GPUs of at most this score.
fn room(case: &Case, nodes: &Nodes, at: usize, score: u32) -> u32 {
    let request = case.shape.groups[0].request;
    let (node, of_node) = (&nodes[at], &case.inventory.variability[0].scores_milli[at]);
    if !node.fits(&request) {
        return 0;
    }
    let free = node.gpus.iter().zip(of_node).filter(|(free, of)| **free == 1000 && **of <= score).count() as u32;
    let by = |have: u32, want: u32| have.checked_div(want).unwrap_or(u32::MAX);
    (free / request.gpus.count())
        .min(by(node.cpu_milli, request.cpu_milli))
        .min(by(node.memory_mib, request.memory_mib))
}

/// The first pair of score and locality, by rising product, that has a gang; the product in millionths.
fn first_pair(case: &Case, nodes: &Nodes, across_milli: u64) -> Option<u64> {
    let tasks = case.shape.groups[0].tasks_min;
    let mut pairs = Vec::new();
    for bin in &case.inventory.variability[0].bins {
        let rooms = || (0..nodes.len()).map(|at| room(case, nodes, at, bin.score_milli));
        pairs.push((u64::from(bin.score_milli) * 1000, rooms().any(|room| room >= tasks)));
        pairs
            .push((u64::from(bin.score_milli) * across_milli, rooms().map(u64::from).sum::<u64>() >= u64::from(tasks)));
    }
    pairs.sort_by_key(|(product, _)| *product);
    pairs.into_iter().find(|(_, feasible)| *feasible).map(|(product, _)| product)
}

fn worst(case: &Case, slices: &[Slice]) -> u64 {
    u64::from(case.inventory.slowest_milli(AppId(0), slices))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn pal_finds_the_first_pair_that_has_a_gang(case in varied(1..7), across in prop::sample::select(vec![1000u64, 1100, 1500, 3000])) {
        prop_assume!(case.shape.groups[0].request.gpus != GpuRequest::Whole(0));
        let expected = first_pair(&case, &naive_nodes(&case), across);
        let placers: &'static [Placer] = Box::leak(Box::new([pal(across as u32)]));
        let seen = case.clone();
        ask_slices(&case, placers, move |_, found| {
            let product = found.map(|slices| {
                let several = engine::placement::nodes_spanned(slices) > 1;
                worst(&seen, slices) * if several { across } else { 1000 }
            });
            assert_eq!(product, expected);
        });
    }

    #[test]
    fn pm_first_finds_the_least_score(case in varied(1..7)) {
        prop_assume!(case.shape.groups[0].request.gpus != GpuRequest::Whole(0));
        let expected = first_pair(&case, &naive_nodes(&case), 1000);
        let seen = case.clone();
        ask_slices(&case, &[PM_FIRST], move |_, found| {
            assert_eq!(found.map(|slices| worst(&seen, slices) * 1000), expected);
        });
    }
}
