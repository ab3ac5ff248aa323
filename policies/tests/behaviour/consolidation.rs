//! `consolidate` against a search of all sets of nodes, and wishes on topology with every placer.

use engine::{DomainId, Domains, GpuRequest, Inventory, Level, NodeId, Shape, TaskRequest};
use policies::Placer;
use proptest::prelude::*;

use crate::naive;
use crate::placers::{Case, ask, case, naive_nodes};

const ALL: [Placer; 6] =
    [Placer::BestFit, Placer::WorstFit, Placer::FirstFit, Placer::Pack, Placer::Spread, Placer::Consolidate];

/// NVLink domains of two nodes, racks of four, zones of six; every fifth node is in no NVLink domain.
fn with_domains(mut case: Case, gpus: u32, beside: u32) -> Case {
    let inventory = &mut case.inventory;
    inventory.domains.clear();
    for (at, node) in inventory.nodes.iter_mut().enumerate() {
        let nvlink = (at % 5 != 4).then(|| DomainId::new(at / 2));
        node.domains = Domains([nvlink, Some(DomainId::new(10 + at / 4)), Some(DomainId::new(20 + at / 6))]);
    }
    let levels = [(0..10, Level::NvlinkDomain), (10..20, Level::Rack), (20..30, Level::Zone)];
    inventory.domains =
        levels.into_iter().flat_map(|(ids, level)| ids.map(move |id| (format!("d{id}"), level))).collect();
    let request = &mut case.shape.groups[0].request;
    *request = TaskRequest { cpu_milli: beside, memory_mib: 0, gpus: GpuRequest::Whole(gpus), ..*request };
    case
}

/// What a gang on these nodes is worth: nodes, level of the tightest domain around them, and what is free in that.
fn worth(inventory: &Inventory, nodes: &naive::Nodes, used: &[usize]) -> (usize, usize, u32) {
    let domain = |at: usize, level: Level| inventory.nodes[at].domains.at(level);
    let around = |level: &Level| {
        used.iter().all(|at| domain(*at, *level).is_some() && domain(*at, *level) == domain(used[0], *level))
    };
    match Level::ALL.iter().position(around) {
        Some(level) if used.len() > 1 => {
            let inside = |at: &usize| domain(*at, Level::ALL[level]) == domain(used[0], Level::ALL[level]);
            let free =
                |at: usize| nodes[at].gpus.iter().filter(|_| nodes[at].up).map(|free| u32::from(*free)).sum::<u32>();
            (used.len(), level, (0..nodes.len()).filter(inside).map(free).sum())
        }
        _ => (used.len(), 3, 0),
    }
}

fn best(inventory: &Inventory, nodes: &naive::Nodes, shape: &Shape) -> Option<(usize, usize, u32)> {
    let room: Vec<u32> = nodes.iter().map(|node| naive::room(node, &shape.groups[0].request)).collect();
    let sets = 1u32..1 << nodes.len();
    let chosen = sets.map(|set| (0..nodes.len()).filter(|at| set >> at & 1 == 1).collect::<Vec<_>>());
    let holds = |used: &Vec<usize>| used.iter().map(|at| room[*at]).sum::<u32>() >= shape.groups[0].tasks_min;
    chosen.filter(holds).map(|used| worth(inventory, nodes, &used)).min()
}

fn distinct(found: Vec<NodeId>) -> Vec<usize> {
    let mut used: Vec<usize> = found.into_iter().map(NodeId::index).collect();
    used.sort_unstable();
    used.dedup();
    used
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn consolidate_takes_the_fewest_nodes_of_the_tightest_domain(
        case in case(1..9, false),
        gpus in 1..5u32,
        beside in prop::sample::select(vec![0u32, 1500, 3000]),
    ) {
        let case = with_domains(case, gpus, beside);
        let (inventory, nodes, shape) = (case.inventory.clone(), naive_nodes(&case), case.shape.clone());
        ask(&case, &[Placer::Consolidate], move |_, found| {
            let found = found.map(|found| worth(&inventory, &nodes, &distinct(found)));
            assert_eq!(found, best(&inventory, &nodes, &shape));
        });
    }

    #[test]
    fn a_wish_is_kept_where_it_can_be(
        case in case(1..7, false),
        gpus in 1..5u32,
        level in prop::sample::select(Level::ALL.to_vec()),
        required in any::<bool>(),
    ) {
        let mut case = with_domains(case, gpus, 0);
        *(if required { &mut case.shape.required } else { &mut case.shape.preferred }) = Some(level);
        let (inventory, nodes, shape) = (case.inventory.clone(), naive_nodes(&case), case.shape.clone());
        ask(&case, &ALL, move |placer, found| {
            let room = |at: usize| naive::room(&nodes[at], &shape.groups[0].request);
            let domain = |at: usize| inventory.nodes[at].domains.at(level);
            let inside = |at: usize| (0..nodes.len()).filter(|other| domain(*other) == domain(at)).map(room).sum::<u32>();
            let tasks = shape.groups[0].tasks_min;
            let can = (0..nodes.len()).any(|at| domain(at).is_some() && inside(at) >= tasks);
            let all = (0..nodes.len()).map(room).sum::<u32>() >= tasks;
            assert_eq!(found.is_some(), if required { can } else { all }, "{placer:?}");
            let used = distinct(found.unwrap_or_default());
            let kept = used.iter().all(|at| domain(*at).is_some() && domain(*at) == domain(used[0]));
            assert!(!can || kept, "{placer:?}: {used:?}");
        });
    }
}
