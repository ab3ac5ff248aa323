//! FGD and its baselines: against a naive version on random clusters, without memory, and against the published decisions.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a test reads published data, says when it has none, and checks against floats"
)]

use std::collections::BTreeMap;

use engine::{
    ClassId, Cluster, Draft, Event, GpuRequest, Inventory, JobId, ModelSet, NodeId, NodeState, Shape, TaskRequest,
    UNLIMITED,
};
use policies::fragmentation::{COVER_PPM, Expected, GpuChoice, Mix, NodeRoom, Typical, Workload};
use policies::{Context, Placer, Rule, Scored, build, fgd_score, place};
use proptest::prelude::*;

use crate::bench::{Bench, asked, two_models};

const RULES: [Rule; 6] =
    [Rule::Fgd, Rule::DotProduct, Rule::GpuClustering, Rule::GpuPacking, Rule::BestFit, Rule::Random];

/// The score by its text, in floating point and not rounded down, and the GPU for a part of one.
fn naive(rule: Rule, workload: &Workload, cluster: &Cluster, node: NodeId, task: &TaskRequest) -> f64 {
    let room = NodeRoom::of(cluster, node);
    let cpu = if room.cpu_milli == UNLIMITED { 128.0 } else { f64::from(room.cpu_milli) / 1000.0 };
    let (task_cpu, gpu) = (f64::from(task.cpu_milli) / 1000.0, room.idle_milli() as f64 / 1000.0);
    let task_gpu = task.gpus.milli() as f64 / 1000.0;
    match rule {
        Rule::Fgd => naive_fgd(workload, &room, task),
        Rule::DotProduct => 100.0 * (1.0 - f64::midpoint(cpu / 128.0 * task_cpu / 128.0, gpu / 8.0 * task_gpu / 8.0)),
        Rule::BestFit => 100.0 * (1.0 - 0.5 * (cpu - task_cpu) / 128.0 - 0.5 * (gpu - task_gpu) / 8.0),
        Rule::GpuClustering | Rule::GpuPacking if task_gpu == 0.0 => 0.0,
        Rule::GpuClustering => {
            let size = if let GpuRequest::Whole(gpus) = task.gpus { gpus } else { 0 };
            let sizes: Vec<u32> = cluster.held(node).iter().map(|held| held.gpus).collect();
            let more = match (sizes.contains(&size), sizes.len()) {
                (_, 0) => 25.0,
                (true, 1) => 75.0,
                (true, _) => 50.0,
                (false, _) => 0.0,
            };
            more + (25.0 * (8.0 - gpu) / 8.0).floor()
        }
        Rule::GpuPacking => naive_packing(&room, task),
        Rule::Random => 0.0,
    }
}

fn naive_fgd(workload: &Workload, room: &NodeRoom, task: &TaskRequest) -> f64 {
    let amount = |room: &NodeRoom| workload.fragmentation_by_definition(room) as f64 / workload.total().max(1) as f64;
    let choices = (0..room.gpus.len() as u32).map(GpuChoice::Gpu).chain([GpuChoice::Tightest]);
    let scores = choices.filter_map(|choice| {
        let mut after = room.clone();
        after.take(task, choice)?;
        Some(100.0 / (1.0 + ((amount(&after) - amount(room)) / 1000.0).exp()))
    });
    scores.fold(0.0, f64::max)
}

fn naive_packing(room: &NodeRoom, task: &TaskRequest) -> f64 {
    let free = room.whole_gpus();
    if free as usize == room.gpus.len() {
        return f64::from((33 - i64::from(free)).max(i64::from(free)) as i32);
    }
    let (milli, mut left) =
        if let GpuRequest::Milli(milli) = task.gpus { (milli, 1) } else { (1000, task.gpus.count()) };
    let mut by_room: Vec<u16> = room.gpus.to_vec();
    by_room.sort_unstable();
    let (mut fresh, mut percent) = (0, 0);
    for gpu in by_room.into_iter().filter(|gpu| *gpu >= milli) {
        if left > 0 {
            left -= 1;
            fresh += i32::from(gpu == 1000);
            percent += i32::from(gpu) * 100 / 1000;
        }
    }
    f64::from(if fresh > 0 { (50 - fresh).max(33) } else { (100 - percent / 10).max(50) })
}

fn request() -> impl Strategy<Value = TaskRequest> {
    let gpus = prop_oneof![
        1 => Just(GpuRequest::Whole(0)),
        3 => (1..5u32).prop_map(GpuRequest::Whole),
        4 => prop::sample::select(vec![100u16, 250, 470, 500, 810]).prop_map(GpuRequest::Milli),
    ];
    let beside = prop::sample::select(vec![0u32, 1000, 3152, 11_300]);
    let models = prop::sample::select(vec![ModelSet::ANY, ModelSet::ANY, ModelSet(1), ModelSet(2)]);
    (gpus, beside.clone(), beside, models).prop_map(|(gpus, cpu_milli, memory_mib, models)| TaskRequest {
        gpus,
        cpu_milli,
        memory_mib,
        models,
    })
}

#[derive(Clone, Debug)]
struct Story {
    inventory: Inventory,
    classes: Vec<TaskRequest>,
    /// Submit a job of a class, end an old job, or drain a node, second by second.
    steps: Vec<(u8, usize)>,
    seed: u64,
}

fn story() -> impl Strategy<Value = Story> {
    let size = prop::sample::select(vec![0u32, 1, 2, 4, 8, 8, 70]);
    let nodes = prop::collection::vec((size, 0..2u8, any::<bool>()), 1..8);
    let steps = prop::collection::vec((prop::sample::select(vec![0u8, 0, 0, 0, 0, 1, 2]), any::<usize>()), 1..50);
    (nodes, prop::collection::vec(request(), 1..6), steps, any::<u64>())
        .prop_map(|(nodes, classes, steps, seed)| Story { inventory: two_models(&nodes, 24_000), classes, steps, seed })
}

/// Plays a story; `renew` is asked before each step whether the policy forgets. Returns where each job ran.
fn play(story: &Story, policy: impl Fn() -> Box<dyn engine::Policy>, forgets: bool) -> Vec<Vec<engine::Slice>> {
    let shapes: Vec<Shape> = story.classes.iter().map(|request| Shape::uniform(1, *request)).collect();
    let mut bench = Bench::new(story.inventory.clone(), policy(), &[("all", None, 1000)], &shapes);
    let tasks = story.classes.iter().map(|request| (*request, 3)).collect();
    bench.at(0, [Event::WorkloadDeclared { tasks }]);
    let mut ran: BTreeMap<u32, Vec<engine::Slice>> = BTreeMap::new();
    for (at, (what, which)) in story.steps.iter().enumerate() {
        if forgets {
            bench.core.refresh_policy(policy());
        }
        let jobs = bench.core.state().jobs().len();
        let event = match what {
            0 => bench.submission((which % shapes.len()) as u32, 0),
            1 if jobs > 0 => Bench::end((which % jobs) as u32),
            1 => continue,
            _ => {
                let node = NodeId::new(which % story.inventory.nodes.len());
                let up = bench.core.state().cluster().state(node) == NodeState::Up;
                if up { Event::NodeDrained { node } } else { Event::NodeResumed { node } }
            }
        };
        for job in bench.at(at as u64 + 1, [event]) {
            ran.insert(job, bench.core.state().job(JobId(job)).placement.to_vec());
        }
    }
    ran.into_values().collect()
}

/// Places every ready job, and compares the node with what the naive scores say.
fn checked(rule: Rule, seed: u64, workload: Workload) -> Box<dyn engine::Policy> {
    let expected = Expected { mix: Mix::Declared, cover_ppm: 1_000_000 };
    asked(move |draft: &mut Draft<'_>| {
        for at in 0..draft.state().jobs().len() {
            let job = JobId::new(at);
            if !draft.is_ready(job) {
                continue;
            }
            let task = *draft.state().class_of(job).shape.single().unwrap();
            let cluster = draft.cluster();
            let fitting = (0..cluster.len()).map(NodeId::new).filter(|node| cluster.fits(*node, &task));
            let scores: BTreeMap<NodeId, f64> =
                fitting.map(|node| (node, naive(rule, &workload, cluster, node, &task))).collect();
            let before = cluster.clone();
            let placed = place(Placer::Scored(Scored { rule, seed, expected }), draft, job);
            assert_eq!(placed, !scores.is_empty());
            if placed {
                let slice = draft.open()[0];
                let most = scores.values().copied().fold(f64::MIN, f64::max);
                // The naive score may be a hair off where the exact one is whole.
                assert!((scores[&slice.node] + 1e-9).floor() >= (most - 1e-9).floor(), "{rule:?} {scores:?} {slice:?}");
                if let (GpuRequest::Milli(milli), true) = (task.gpus, !matches!(rule, Rule::Fgd | Rule::Random)) {
                    let tightest = NodeRoom::of(&before, slice.node).tightest(milli).unwrap();
                    assert_eq!(slice.gpu_indices().collect::<Vec<_>>(), [tightest]);
                }
                draft.start(job).unwrap();
            }
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn the_highest_score_wins(story in story()) {
        let tasks: Vec<(TaskRequest, u64)> = story.classes.iter().map(|request| (*request, 3)).collect();
        for rule in RULES {
            play(&story, || checked(rule, story.seed, Workload::of(&tasks, 1_000_000)), false);
        }
    }

    #[test]
    fn what_is_remembered_changes_nothing(story in story()) {
        let texts = [
            "fgd[skip=true]", "fgd[skip=true,window=5]", "dot-prod[skip=true]", "gpu-clustering[skip=true]",
            "gpu-packing[skip=true]", "openb-best-fit[skip=true]", "openb-random[skip=true]",
        ];
        for text in texts {
            let policy = || build(text, Context { estimates: false, seed: story.seed }).unwrap().policy;
            prop_assert_eq!(play(&story, policy, false), play(&story, policy, true), "{}", text);
        }
    }
}

/// Equal nodes: the same order for all requests of a seed, other orders for other seeds, each node first as often as another.
#[test]
fn ties_go_by_an_order_drawn_once_a_seed() {
    let first = |seed: u64| {
        let story = Story {
            inventory: two_models(&[(8, 0, false); 5], 24_000),
            classes: vec![TaskRequest::whole_gpus(8), TaskRequest::whole_gpus(7)],
            steps: (0..5).map(|at| (0, at)).collect(),
            seed,
        };
        let text = "gpu-packing";
        let ran = play(&story, || build(text, Context { estimates: false, seed }).unwrap().policy, false);
        ran.iter().map(|slices| slices[0].node.0).collect::<Vec<_>>()
    };
    let orders: Vec<Vec<u32>> = (0..1000).map(first).collect();
    for order in &orders {
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3, 4], "each goes to an empty node: {order:?}");
    }
    // Chi-square with 4 degrees of freedom stays below 18.5 (p = 0.001).
    let count = |node| orders.iter().filter(|order| order[0] == node).count() as f64;
    let chi_square: f64 = (0..5).map(|node| (count(node) - 200.0).powi(2) / 200.0).sum();
    assert!(chi_square < 18.5, "{chi_square}");
}

#[test]
fn a_window_moves_by_tenths_and_a_declaration_goes_before_it() {
    let shapes = [Shape::uniform(1, TaskRequest::whole_gpus(1)), Shape::uniform(2, TaskRequest::whole_gpus(2))];
    let mut bench = Bench::new(Inventory::uniform(1, 1, "G"), asked(|_| {}), &[("all", None, 1000)], &shapes);
    let mut seen = Vec::new();
    let of = |window: Mix, state: &engine::State| {
        let workload = Expected { mix: window, cover_ppm: 1_000_000 }.workload(state);
        workload.typical().iter().map(|t: &Typical| (t.request.gpus.count(), t.weight)).collect::<Vec<_>>()
    };
    for at in 0..7 {
        let submission = bench.submission(u32::from(at > 4), 0);
        bench.at(at, [submission]);
        seen.push(of(Mix::Window(20), bench.core.state()));
    }
    // Steps of two jobs: one, two, two, four, four, six, six. A job of the second class has two tasks.
    let expected = [vec![(1, 1)], vec![(1, 2)], vec![(1, 2)], vec![(1, 4)], vec![(1, 4)], vec![(1, 5), (2, 2)]];
    assert_eq!(seen[..6], expected);
    assert_eq!(of(Mix::Window(4), bench.core.state()), [(2, 4), (1, 2)]);
    assert_eq!(of(Mix::Declared, bench.core.state()), [(1, 5), (2, 4)], "nothing is declared: all jobs");
    bench.at(9, [Event::WorkloadDeclared { tasks: vec![(TaskRequest::whole_gpus(9), 7)] }]);
    assert_eq!(of(Mix::Declared, bench.core.state()), [(9, 7)]);
    assert_eq!(bench.core.state().class(ClassId(0)).gpu_milli, 1000);
}

/// The published run of FGD (default, seed 42): each chosen node has the highest score, and F is theirs after every step.
#[test]
fn the_published_decisions_of_fgd() {
    let Some(data) = std::env::var_os("TRAINYARD_DATA") else {
        println!("skipped: TRAINYARD_DATA is not set");
        return;
    };
    let data = std::path::Path::new(&data);
    let read = |path: &str| std::fs::read_to_string(data.join(path)).unwrap();
    let rows = |text: &str| text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect();
    let node_rows: Vec<Vec<String>> = rows(&read("traces/openb2023/openb_node_list_gpu_node.csv"));
    let mut inventory = Inventory::uniform(node_rows.len(), 0, "any");
    let mut names = BTreeMap::new();
    for (at, row) in node_rows.iter().enumerate() {
        let node = &mut inventory.nodes[at];
        node.cpu_milli = row[1].parse().unwrap();
        node.memory_mib = row[2].parse().unwrap();
        node.gpus = row[3].parse().unwrap();
        names.insert(row[0].clone(), NodeId::new(at));
    }
    let pod_rows: Vec<Vec<String>> = rows(&read("traces/openb2023/openb_pod_list_default.csv"));
    let task = |row: &Vec<String>| {
        let number = |at: usize| row[at].parse::<u32>().unwrap();
        let part = number(3) == 1 && number(4) < 1000;
        let gpus = if part { GpuRequest::Milli(number(4) as u16) } else { GpuRequest::Whole(number(3)) };
        TaskRequest { gpus, cpu_milli: number(1), memory_mib: number(2), models: ModelSet::ANY }
    };
    let pods: BTreeMap<&str, TaskRequest> = pod_rows.iter().map(|row| (row[0].as_str(), task(row))).collect();
    let all: Vec<(TaskRequest, u64)> = pods.values().map(|task| (*task, 1)).collect();
    let workload = Workload::of(&all, COVER_PPM);
    let mut rooms: Vec<NodeRoom> = {
        let cluster = Cluster::new(inventory);
        (0..cluster.len()).map(|at| NodeRoom::of(&cluster, NodeId::new(at))).collect()
    };
    let mut sum: u64 = rooms.iter().map(|room| workload.fragmentation(room)).sum();
    let steps: Vec<Vec<String>> = rows(&read("cases/fgd/fgd_default_seed42_steps.csv"));
    for (at, step) in steps.iter().enumerate() {
        let task = pods[step[1].as_str()];
        let chosen = names[&step[2][5..]].index();
        let score = |room: &NodeRoom| room.fits(&task).then(|| fgd_score(&workload, room, &task)).flatten();
        let (own, choice) = score(&rooms[chosen]).unwrap();
        let most = rooms.iter().filter_map(score).map(|(score, _)| score).max().unwrap();
        assert_eq!(own, most, "step {at}: {step:?}");
        sum -= workload.fragmentation(&rooms[chosen]);
        rooms[chosen].take(&task, choice).unwrap();
        sum += workload.fragmentation(&rooms[chosen]);
        let (found, theirs) = (sum as f64 / workload.total() as f64, step[3].parse::<f64>().unwrap());
        assert!((found - theirs).abs() < 0.0051 + 1e-6, "step {at}: {found} {theirs}");
    }
    assert_eq!(steps.len(), 2237);
}
