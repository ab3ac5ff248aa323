//! The measure of fragmentation: by hand in each category, and against its definition on random clusters.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a test reads published data, says when it has none, and checks against floats"
)]

use engine::time::Time;
use engine::{Cluster, GpuRequest, ModelId, ModelSet, NodeId, NodeState, Placement, TaskRequest, UNLIMITED};
use policies::fragmentation::{COVER_PPM, GpuChoice, Meter, NodeRoom, Workload};
use proptest::prelude::*;

use crate::bench::two_models;

fn task(gpus: GpuRequest, cpu_milli: u32) -> TaskRequest {
    TaskRequest { gpus, cpu_milli, memory_mib: 0, models: ModelSet::ANY }
}

fn room(cpu_milli: u32, gpus: &[u16]) -> NodeRoom {
    NodeRoom { model: ModelId(0), cpu_milli, memory_mib: UNLIMITED, gpus: gpus.iter().copied().collect() }
}

/// F of a node for one typical task of weight 1.
fn alone(request: TaskRequest, room: &NodeRoom) -> u64 {
    Workload::of(&[(request, 1)], COVER_PPM).fragmentation(room)
}

#[test]
fn each_category_by_hand() {
    let node = room(8000, &[300, 500, 1000]);
    let part = |milli, cpu| task(GpuRequest::Milli(milli), cpu);
    // Satisfied (Q3): only slivers below the demand are lost.
    assert_eq!(alone(part(400, 8000), &node), 300);
    assert_eq!(alone(part(300, 0), &node), 0);
    assert_eq!(alone(task(GpuRequest::Whole(1), 1000), &node), 800);
    // Lacks GPUs (Q2): one is wholly free, two are asked for.
    assert_eq!(alone(task(GpuRequest::Whole(2), 1000), &node), 1800);
    // Lacks CPU (Q4), and both (Q1).
    assert_eq!(alone(part(300, 8001), &node), 1800);
    assert_eq!(alone(task(GpuRequest::Whole(2), 9000), &node), 1800);
    // Asks for no GPU, with (XL) and without (XR) enough CPU: all idle GPU is of no use to it.
    assert_eq!(alone(task(GpuRequest::Whole(0), 1000), &node), 1800);
    assert_eq!(alone(task(GpuRequest::Whole(0), 9000), &node), 1800);
    // May not use the model.
    assert_eq!(alone(TaskRequest { models: ModelSet(2), ..part(300, 0) }, &node), 1800);
    assert_eq!(alone(TaskRequest { models: ModelSet(3), ..part(400, 0) }, &node), 300);
    // No idle GPU, no fragmentation.
    assert_eq!(alone(part(400, 0), &room(8000, &[0, 0])), 0);
    // A mixture is the weighted sum.
    let mix = Workload::of(&[(part(400, 8000), 3), (task(GpuRequest::Whole(2), 0), 1)], 1_000_000);
    assert_eq!((mix.fragmentation(&node), mix.total()), (3 * 300 + 1800, 4));
}

#[test]
fn typical_tasks_are_the_most_frequent_until_enough_are_covered() {
    let one = |milli| task(GpuRequest::Milli(milli), 0);
    // 60 + 35 = 95 % of 100: the third is not needed. Memory does not tell tasks apart.
    let with_memory = TaskRequest { memory_mib: 7, ..one(100) };
    let tasks = [(one(300), 5), (one(100), 30), (one(200), 35), (with_memory, 30)];
    let typical = |cover| {
        let all = Workload::of(&tasks, cover);
        all.typical().iter().map(|task| (task.request.gpus, task.weight)).collect::<Vec<_>>()
    };
    let named = [(GpuRequest::Milli(100), 60), (GpuRequest::Milli(200), 35), (GpuRequest::Milli(300), 5)];
    assert_eq!(typical(950_000), named[..2]);
    assert_eq!(typical(950_001), named);
    assert_eq!(typical(1), named[..1]);
    // Equal counts: the smaller request first.
    let equal = Workload::of(&[(one(300), 1), (one(200), 1)], 500_000);
    assert_eq!(equal.typical()[0].request, one(200));
    assert!(Workload::of(&[], COVER_PPM).is_empty());
    assert_eq!(Workload::of(&[], COVER_PPM).fragmentation(&room(0, &[1000])), 0);
}

#[test]
fn the_typical_pods_of_openb_are_those_of_the_publication() {
    let Some(data) = std::env::var_os("TRAINYARD_DATA") else {
        println!("skipped: TRAINYARD_DATA is not set");
        return;
    };
    let path = std::path::Path::new(&data).join("traces/openb2023/openb_pod_list_default.csv");
    let text = std::fs::read_to_string(path).unwrap();
    let of_row = |row: &str| {
        let cells: Vec<u32> = row.split(',').skip(1).take(4).map(|cell| cell.parse().unwrap()).collect();
        let gpus = if cells[3] < 1000 && cells[2] == 1 {
            GpuRequest::Milli(cells[3] as u16)
        } else {
            GpuRequest::Whole(cells[2])
        };
        (task(gpus, cells[0]), 1)
    };
    let all: Vec<(TaskRequest, u64)> = text.lines().skip(1).map(of_row).collect();
    let workload = Workload::of(&all, COVER_PPM);
    assert_eq!(workload.typical().len(), 35);
    let first = &workload.typical()[0];
    assert_eq!((first.request.gpus, first.request.cpu_milli, first.weight), (GpuRequest::Milli(810), 3152, 1047));
}

fn request() -> impl Strategy<Value = TaskRequest> {
    let gpus = prop_oneof![
        (0..9u32).prop_map(GpuRequest::Whole),
        prop::sample::select(vec![1u16, 100, 250, 251, 500, 900, 999]).prop_map(GpuRequest::Milli),
    ];
    let beside = prop::sample::select(vec![0u32, 1000, 2500, 6000, 7000]);
    let models = prop::sample::select(vec![ModelSet::ANY, ModelSet(1), ModelSet(2), ModelSet(3), ModelSet::NONE]);
    (gpus, beside.clone(), beside, models).prop_map(|(gpus, cpu_milli, memory_mib, models)| TaskRequest {
        gpus,
        cpu_milli,
        memory_mib,
        models,
    })
}

fn workload() -> impl Strategy<Value = Workload> {
    (prop::collection::vec((request(), 0..50u64), 0..20), prop::sample::select(vec![1u32, 600_000, 950_000, 1_000_000]))
        .prop_map(|(tasks, cover)| Workload::of(&tasks, cover))
}

fn any_room() -> impl Strategy<Value = NodeRoom> {
    let gpu = prop::sample::select(vec![0u16, 1, 99, 100, 250, 500, 900, 1000, 1000]);
    let size = prop::sample::select(vec![0usize, 1, 2, 4, 8, 70]);
    let gpus = size.prop_flat_map(move |size| prop::collection::vec(gpu.clone(), size));
    let cpu = prop::sample::select(vec![0u32, 999, 1000, 2500, 6000, 6999, 90_000, UNLIMITED]);
    (0..3u8, cpu, gpus).prop_map(|(model, cpu_milli, gpus)| NodeRoom {
        model: ModelId(model),
        cpu_milli,
        memory_mib: UNLIMITED,
        gpus: gpus.into_iter().collect(),
    })
}

/// What happens to a cluster.
#[derive(Clone, Debug)]
enum Change {
    Take(usize, TaskRequest),
    Give(usize),
    State(usize, NodeState),
    Look,
}

fn change() -> impl Strategy<Value = Change> {
    let state = prop::sample::select(vec![NodeState::Up, NodeState::Up, NodeState::Draining, NodeState::Down]);
    prop_oneof![
        4 => (any::<usize>(), request()).prop_map(|(node, request)| Change::Take(node, request)),
        2 => any::<usize>().prop_map(Change::Give),
        1 => (any::<usize>(), state).prop_map(|(node, state)| Change::State(node, state)),
        2 => Just(Change::Look),
    ]
}

proptest! {
    #[test]
    fn the_fast_way_is_the_definition(workload in workload(), room in any_room()) {
        prop_assert_eq!(workload.fragmentation(&room), workload.fragmentation_by_definition(&room));
        prop_assert!(workload.fragmentation(&room) <= room.idle_milli() * workload.total());
    }

    /// The meter against F from scratch, and rooms that are changed against rooms that are read anew.
    #[test]
    fn the_meter_and_rooms_follow_the_cluster(
        nodes in prop::collection::vec((prop::sample::select(vec![0u32, 1, 2, 8, 70]), 0..2u8, any::<bool>()), 1..6),
        workload in workload(),
        changes in prop::collection::vec(change(), 0..60),
    ) {
        let mut cluster = Cluster::new(two_models(&nodes, 6_000));
        let mut meter = Meter::new(workload.clone());
        let mut held = Vec::new();
        for change in changes {
            match change {
                Change::Take(at, request) => {
                    let node = NodeId::new(at % cluster.len());
                    let mut room = NodeRoom::of(&cluster, node);
                    let fits = room.fits(&request) && cluster.state(node) == NodeState::Up;
                    prop_assert_eq!(fits, cluster.fits(node, &request));
                    let mut slices = Placement::new();
                    if cluster.take(node, &request, &mut slices).is_some() {
                        let before = room.clone();
                        prop_assert!(room.take(&request, GpuChoice::Tightest).is_some());
                        prop_assert_eq!(&room, &NodeRoom::of(&cluster, node));
                        slices.iter().for_each(|slice| room.put_slice(slice));
                        prop_assert_eq!(&room, &before);
                        slices.iter().for_each(|slice| room.take_slice(slice));
                        prop_assert_eq!(&room, &NodeRoom::of(&cluster, node));
                        held.push(slices);
                    }
                }
                Change::Give(at) if !held.is_empty() => {
                    let slices = held.swap_remove(at % held.len());
                    slices.iter().for_each(|slice| cluster.vacate(slice));
                }
                Change::Give(_) => {}
                Change::State(at, state) => cluster.set_state(NodeId::new(at % nodes.len()), state, Time(0)),
                Change::Look => meter.follow(&cluster),
            }
        }
        meter.follow(&cluster);
        let mut sum = 0;
        for at in 0..cluster.len() {
            let node = NodeId::new(at);
            let up = cluster.state(node) == NodeState::Up;
            let fresh = if up { workload.fragmentation_by_definition(&NodeRoom::of(&cluster, node)) } else { 0 };
            prop_assert_eq!(meter.node(node), fresh);
            sum += fresh;
            let tasks = held.iter().flatten().filter(|slice| slice.node == node && slice.mask != 0).count();
            prop_assert_eq!(cluster.held(node).iter().map(|held| held.tasks as usize).sum::<usize>(), tasks);
        }
        prop_assert_eq!(meter.sum(), sum);
    }
}
