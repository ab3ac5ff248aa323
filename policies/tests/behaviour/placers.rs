//! Placers against the naive ones, on random clusters that are partly held or drained.

use std::sync::{Arc, atomic::AtomicU32, atomic::Ordering};

use engine::{
    ClassId, DomainId, Domains, Event, GpuRequest, Inventory, JobId, Level, ModelSet, NodeId, Shape, Slice, TaskRequest,
};
use policies::{Placer, place};
use proptest::prelude::*;

use crate::bench::{Bench, asked, two_models};
use crate::naive;

const PLACERS: [Placer; 5] = [Placer::BestFit, Placer::WorstFit, Placer::FirstFit, Placer::Pack, Placer::Spread];

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) inventory: Inventory,
    drained: Vec<bool>,
    held: Vec<(usize, TaskRequest)>,
    pub(crate) shape: Shape,
}

fn inventory(nodes: &[(u32, u8, bool)]) -> Inventory {
    let mut inventory = two_models(nodes, 6000);
    for (at, node) in inventory.nodes.iter_mut().enumerate() {
        node.domains = Domains([None, Some(DomainId::new(at / 3)), None]);
    }
    inventory.domains = (0..nodes.len().div_ceil(3)).map(|rack| (format!("r{rack}"), Level::Rack)).collect();
    inventory
}

fn request(parts: bool) -> impl Strategy<Value = TaskRequest> {
    let milli = u32::from(parts);
    let gpus = prop_oneof![
        4 => (0..6u32).prop_map(GpuRequest::Whole),
        milli => prop::sample::select(vec![100u16, 250, 500, 900]).prop_map(GpuRequest::Milli),
    ];
    let beside = prop::sample::select(vec![0u32, 0, 1000, 2500]);
    let models = prop::sample::select(vec![ModelSet::ANY, ModelSet::ANY, ModelSet(1), ModelSet(2)]);
    (gpus, beside.clone(), beside, models).prop_map(|(gpus, cpu_milli, memory_mib, models)| TaskRequest {
        gpus,
        cpu_milli,
        memory_mib,
        models,
    })
}

pub(crate) fn case(tasks: std::ops::Range<u32>, parts: bool) -> impl Strategy<Value = Case> {
    let size = prop::sample::select(vec![0u32, 1, 2, 4, 8, 8, 70]);
    let nodes = prop::collection::vec((size, 0..2u8, any::<bool>()), 1..9);
    nodes.prop_flat_map(move |nodes| {
        let count = nodes.len();
        let drained = prop::collection::vec(prop::sample::select(vec![false, false, false, true]), count);
        let held = prop::collection::vec((0..count, request(true)), 0..20);
        (drained, held, tasks.clone(), request(parts)).prop_map(move |(drained, held, tasks, request)| Case {
            inventory: inventory(&nodes),
            drained,
            held,
            shape: Shape::uniform(tasks, request),
        })
    })
}

/// The cluster of `case` as the naive placers see it.
pub(crate) fn naive_nodes(case: &Case) -> naive::Nodes {
    let mut nodes = naive::nodes(&case.inventory);
    for (at, request) in &case.held {
        if nodes[*at].fits(request) {
            nodes[*at].take(request);
        }
    }
    for (at, node) in nodes.iter_mut().enumerate() {
        node.up = !case.drained[at];
    }
    nodes
}

/// Where each placer puts the gang of `case`: the node of each slice, one entry a placer.
pub(crate) fn ask(
    case: &Case,
    placers: &'static [Placer],
    mut answer: impl FnMut(Placer, Option<Vec<NodeId>>) + Send + 'static,
) {
    ask_slices(case, placers, move |placer, slices| {
        answer(placer, slices.map(|slices| slices.iter().map(|slice| slice.node).collect()));
    });
}

/// The same with the GPUs.
pub(crate) fn ask_slices(
    case: &Case,
    placers: &'static [Placer],
    mut answer: impl FnMut(Placer, Option<&[Slice]>) + Send + 'static,
) {
    let held: Vec<Shape> = case.held.iter().map(|(_, request)| Shape::uniform(1, *request)).collect();
    let shapes = [std::slice::from_ref(&case.shape), &held].concat();
    let mut bench = Bench::new(case.inventory.clone(), asked(|_| {}), &[("all", None, 1000)], &shapes);
    hold(&mut bench, case);
    for at in 0..case.inventory.nodes.len() {
        let node = NodeId::new(at);
        if case.drained[at] {
            bench.at(1, [Event::NodeDrained { node }]);
        }
    }
    let last = bench.submission(0, 0);
    let Event::Submitted { job, .. } = last else { unreachable!() };
    if bench.core.state().class(ClassId(0)).impossible.is_some() {
        // Turned away at once: no policy sees it.
        return;
    }
    let times = Arc::new(AtomicU32::new(0));
    let seen = times.clone();
    bench.core.refresh_policy(asked(move |draft: &mut engine::Draft<'_>| {
        seen.fetch_add(1, Ordering::Relaxed);
        for placer in placers {
            let mark = draft.mark();
            let placed = draft.is_ready(job) && place(*placer, draft, job);
            let slices: Vec<Slice> = draft.open().to_vec();
            assert!(!placed || draft.start(job).is_ok(), "{placer:?}: it is not the gang: {slices:?}");
            draft.rollback(mark);
            answer(*placer, placed.then_some(&slices));
        }
    }));
    bench.at(2, [last]);
    assert!(times.load(Ordering::Relaxed) > 0);
}

/// Makes the tasks of `case.held` run on their nodes.
fn hold(bench: &mut Bench, case: &Case) {
    for (at, (node, request)) in case.held.iter().enumerate() {
        let submission = bench.submission(at as u32 + 1, 0);
        let Event::Submitted { job, .. } = submission else { unreachable!() };
        let (node, request) = (NodeId::new(*node), *request);
        bench.core.refresh_policy(asked(move |draft: &mut engine::Draft<'_>| {
            if draft.is_ready(job) && draft.take(node, &request) {
                draft.start(job).unwrap();
            }
        }));
        bench.at(0, [submission]);
    }
}

/// Nodes of a task with more than 64 GPUs occur once for each 64.
fn once(nodes: Vec<NodeId>, spans_banks: bool) -> Vec<NodeId> {
    let mut nodes = nodes;
    if spans_banks {
        nodes.dedup();
    }
    nodes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn single_tasks_go_where_the_naive_placers_put_them(case in case(1..2, true)) {
        let nodes = naive_nodes(&case);
        let shape = case.shape.clone();
        ask(&case, &PLACERS, move |placer, found| {
            let expected = naive::place(placer, &nodes, &shape);
            assert_eq!(found.map(|nodes| once(nodes, true)), expected, "{placer:?}");
        });
    }

    #[test]
    fn gangs_go_where_the_naive_placers_put_them(case in case(2..7, true)) {
        // On nodes of more than 64 GPUs a task can have two slices; there only the number of nodes is compared.
        let banks = case.inventory.nodes.iter().any(|node| node.gpus > 64);
        let nodes = naive_nodes(&case);
        let shape = case.shape.clone();
        let greedy = &[Placer::BestFit, Placer::WorstFit, Placer::FirstFit, Placer::Spread];
        ask(&case, greedy, move |placer, found| {
            let expected = naive::place(placer, &nodes, &shape);
            if banks {
                assert_eq!(found.map(|nodes| once(nodes, true)), expected.map(|nodes| once(nodes, true)), "{placer:?}");
            } else {
                assert_eq!(found, expected, "{placer:?}");
            }
        });
    }

    #[test]
    fn pack_uses_the_fewest_nodes_and_one_rack_where_as_few_nodes_of_one_rack_do(case in case(2..7, false)) {
        // It goes by free GPUs: where CPU or memory run out first it promises nothing.
        let mut case = case;
        let request = &mut case.shape.groups[0].request;
        (request.cpu_milli, request.memory_mib) = (0, 0);
        let nodes = naive_nodes(&case);
        let shape = case.shape.clone();
        let racks = case.inventory.clone();
        ask(&case, &[Placer::Pack], move |_, found| {
            let expected = naive::fewest(&nodes, &shape);
            let mut used = found.unwrap_or_default();
            used.sort_unstable();
            used.dedup();
            let mut in_racks: Vec<_> = used.iter().map(|node| racks.nodes[node.index()].domains.at(Level::Rack)).collect();
            in_racks.dedup();
            assert_eq!(used.len(), expected.map_or(0, |(nodes, _)| nodes));
            assert_eq!(in_racks.len() == 1, expected.is_some_and(|(_, racks)| racks == 1));
        });
    }

    #[test]
    fn random_finds_a_node_whenever_there_is_one(case in case(1..4, true), seed in any::<u64>()) {
        let nodes = naive_nodes(&case);
        let shape = case.shape.clone();
        let placers: &'static [Placer] = Box::leak(Box::new([Placer::Random { seed }]));
        ask(&case, placers, move |_, found| {
            assert_eq!(found.is_some(), naive::place(Placer::FirstFit, &nodes, &shape).is_some());
        });
    }
}

/// Each of ten free nodes gets its share of 5,000 jobs: chi-square with 9 degrees of freedom stays below 27.9 (p = 0.001).
#[test]
fn random_is_uniform_over_the_nodes_that_fit() {
    let mut inventory = Inventory::uniform(12, 8, "A100");
    (inventory.nodes[3].gpus, inventory.nodes[7].gpus) = (2, 2);
    let shape = Shape::uniform(1, TaskRequest::whole_gpus(4));
    let mut bench = Bench::new(inventory, asked(|_| {}), &[("all", None, 1000)], &[shape]);
    let counts: Arc<[AtomicU32; 12]> = Arc::default();
    for job in 0..5000 {
        let counts = counts.clone();
        bench.core.refresh_policy(asked(move |draft: &mut engine::Draft<'_>| {
            assert!(place(Placer::Random { seed: 5 }, draft, JobId(job)));
            counts[draft.open()[0].node.index()].fetch_add(1, Ordering::Relaxed);
        }));
        let submission = bench.submission(0, 0);
        bench.at(0, [submission]);
    }
    let counts: Vec<u32> = counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    assert_eq!((counts[3], counts[7]), (0, 0), "too small");
    let fitting = counts.iter().filter(|count| **count > 0);
    let chi_square: f64 = fitting.map(|count| (f64::from(*count) - 500.0).powi(2) / 500.0).sum();
    assert!(chi_square < 27.9, "{chi_square}: {counts:?}");
}
