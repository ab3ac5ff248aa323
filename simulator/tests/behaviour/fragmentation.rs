//! What idle GPUs are worth: the integrals of a replay against a look at everything after every step, and by hand.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::{Cluster, Command, Core, GpuRequest, Input, Inventory, JobId, MICROS, NodeId, NodeState, Phase, Span};
use engine::{TaskRequest, Time, Watch};
use policies::fragmentation::{COVER_PPM, NodeRoom, Workload as Typical};
use proptest::prelude::*;
use simulator::physics::Physics;
use simulator::result::{Replay, Summary};
use simulator::run::{replay, run};
use simulator::tenants::TenantTerms;
use simulator::workload::Workload;
use traces::{Details, Trace, TraceJob};

use crate::bench::{Plan, job, spec, trace, trace_of};

/// Looks at all nodes and all jobs after every step.
struct Naive {
    typical: Typical,
    tasks: Vec<(TaskRequest, u64)>,
    now: Time,
    /// F in thousandths x weight, idle thousandths, largest gang: since `now`.
    values: [u64; 3],
    sums: [u128; 3],
    at_last_end: [u128; 3],
    blocked_now: Vec<JobId>,
    blocked: BTreeSet<JobId>,
    blocked_us: u128,
}

impl Naive {
    fn new(workload: &Workload<'_>) -> Self {
        let tasks = workload.mix();
        Self {
            typical: Typical::of(&tasks, COVER_PPM),
            tasks,
            now: workload.submit(0).unwrap(),
            values: [0; 3],
            sums: [0; 3],
            at_last_end: [0; 3],
            blocked_now: Vec::new(),
            blocked: BTreeSet::new(),
            blocked_us: 0,
        }
    }

    fn advance(&mut self, now: Time) {
        let span = now.since(self.now).0;
        if span > 0 {
            self.now = now;
            self.sums.iter_mut().zip(self.values).for_each(|(sum, value)| *sum += u128::from(value) * u128::from(span));
            self.blocked_us += self.blocked_now.len() as u128 * u128::from(span);
            self.blocked.extend(&self.blocked_now);
        }
    }

    /// CPU of the most modest task of at least so many GPUs; of the largest task where all are smaller.
    fn cpu_of_gang(&self, gpus: u32) -> u32 {
        let whole = self.tasks.iter().filter_map(|(request, _)| match request.gpus {
            GpuRequest::Whole(count @ 1..) => Some((count, request.cpu_milli)),
            _ => None,
        });
        let whole: Vec<(u32, u32)> = whole.collect();
        let largest = whole.iter().map(|(count, _)| *count).max().unwrap_or(0);
        whole.iter().filter(|(count, _)| *count >= gpus.min(largest)).map(|(_, cpu)| *cpu).min().unwrap_or(0)
    }

    fn largest_gang(&self, cluster: &Cluster, node: NodeId) -> u32 {
        let room = NodeRoom::of(cluster, node);
        (1..=room.whole_gpus()).rev().find(|gpus| self.cpu_of_gang(*gpus) <= room.cpu_milli).unwrap_or(0)
    }
}

/// Whether each group, alone, can be placed on a copy of the cluster.
fn has_place(cluster: &Cluster, shape: &engine::Shape) -> bool {
    shape.groups.iter().all(|group| {
        let mut copy = cluster.clone();
        let mut tasks = 0;
        for node in (0..cluster.len()).map(NodeId::new) {
            while copy.take(node, &group.request, &mut engine::Placement::new()).is_some() {
                tasks += 1;
            }
        }
        tasks >= group.tasks_min
    })
}

impl Watch for Naive {
    fn after(&mut self, core: &Core, _batch: &[Input], commands: &[Command]) {
        let (state, cluster) = (core.state(), core.state().cluster());
        self.advance(state.now());
        if commands.iter().any(|command| matches!(command, Command::Close { .. })) {
            self.at_last_end = self.sums;
        }
        let up: Vec<NodeId> =
            (0..cluster.len()).map(NodeId::new).filter(|node| cluster.state(*node) == NodeState::Up).collect();
        let rooms = || up.iter().map(|node| NodeRoom::of(cluster, *node));
        let fragmented = rooms().map(|room| self.typical.fragmentation_by_definition(&room)).sum();
        let idle = rooms().map(|room| room.idle_milli()).sum();
        let largest = up.iter().map(|node| self.largest_gang(cluster, *node)).max().unwrap_or(0);
        self.values = [fragmented, idle, u64::from(largest)];
        let blocked = |id: &JobId| {
            let (job, class) = (state.job(*id), state.class_of(*id));
            job.phase == Phase::Ready && (1..=idle).contains(&class.gpu_milli_min) && !has_place(cluster, &class.shape)
        };
        self.blocked_now = (0..state.jobs().len()).map(JobId::new).filter(blocked).collect();
    }
}

fn close(a: Option<f64>, b: f64) -> bool {
    a.is_some_and(|a| (a - b).abs() <= 1e-9 * b.abs().max(1e-6))
}

/// Jobs: gap in seconds, thousandths of a GPU, tasks, CPU in thousandths, work in seconds.
type Jobs = Vec<(u64, u32, u32, u32, u64)>;

fn jobs() -> impl Strategy<Value = Jobs> {
    let size = prop_oneof![
        (1..9u32).prop_map(|gpus| (gpus * 1000, 0)),
        (1..10u32).prop_map(|tenths| (tenths * 100, 0)),
        (2..4u32, 1..4u32).prop_map(|(tasks, gpus)| (tasks * gpus * 1000, tasks)),
        (2..4u32, 1..10u32).prop_map(|(tasks, tenths)| (tasks * tenths * 100, tasks)),
        Just((0, 0)),
    ];
    prop::collection::vec((0..60u64, size, 0..20u32, 1..300u64), 1..30).prop_map(|jobs| {
        jobs.into_iter().map(|(gap, (milli, tasks), cpu, work)| (gap, milli, tasks, cpu * 500, work)).collect()
    })
}

fn trace_from(jobs: &Jobs) -> Arc<Trace> {
    let mut at = 0;
    let of = |(index, (gap, milli, tasks, cpu_milli, work)): (usize, &(u64, u32, u32, u32, u64))| {
        at += gap * MICROS;
        let plain = job(&index.to_string(), Time(at), *milli, Span::secs(*work));
        TraceJob { details: Details { tasks: *tasks, cpu_milli: *cpu_milli, ..Details::NONE }.into(), ..plain }
    };
    trace_of(jobs.iter().enumerate().map(of).collect())
}

/// Nodes of 4, 4, 6 and 8 GPUs with 12 cores each.
fn cluster() -> Inventory {
    let mut inventory = Inventory::uniform(4, 4, "GPU");
    for (node, gpus) in inventory.nodes.iter_mut().zip([4, 4, 6, 8]) {
        (node.gpus, node.cpu_milli) = (gpus, 12_000);
    }
    inventory
}

const POLICIES: [&str; 5] = ["fifo", "fifo[skip=true]", "srtf", "openb-best-fit[skip=true]", "easy"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn integrals_are_those_of_a_look_at_everything(
        jobs in jobs(),
        policy in prop::sample::select(POLICIES.to_vec()),
        settings in prop::sample::subsequence(vec!["restart_s=30", "drain_s=10", "failures_per_node_day=40"], 0..=3),
    ) {
        let (trace, inventory) = (trace_from(&jobs), cluster());
        let physics = Physics::parse(&settings).unwrap();
        let workload = Workload::new(&trace, &inventory, &TenantTerms::default());
        let spec = spec(&inventory, policy, &physics);
        let summary = replay(&spec, &workload).unwrap().summary;
        let mut naive = Naive::new(&workload);
        let context = policies::Context { estimates: false, seed: 1 };
        let mut core = Core::new(inventory.clone(), policies::build(policy, context).unwrap().policy);
        run(&spec, &workload, &mut core, &mut engine::NoRecord, &mut naive).unwrap();

        let [fragmented, idle, largest] = naive.at_last_end.map(|sum| sum as f64);
        let span = summary.makespan_s.unwrap() * 1e6;
        if span > 0.0 {
            let fragmented = fragmented / naive.typical.total() as f64;
            prop_assert!(close(summary.fragmentation_share, fragmented / (span * 22_000.0)), "{summary:?} {fragmented}");
            prop_assert!(close(summary.fragmentation_idle_share, fragmented / idle), "{summary:?} {fragmented} {idle}");
            prop_assert!(close(summary.largest_gang_mean_gpus, largest / span), "{summary:?} {largest}");
        }
        prop_assert_eq!(summary.blocked_by_fragmentation_jobs, naive.blocked.len() as u64);
        prop_assert!(close(Some(summary.blocked_by_fragmentation_s), naive.blocked_us as f64 / 1e6), "{summary:?}");
    }
}

fn plan(submit: u64, gpus: u32, work: u64) -> Plan {
    Plan { submit: submit * MICROS, gpus, work: work * MICROS }
}

fn replayed(trace: &Arc<Trace>, inventory: &Inventory, policy: &str) -> Replay {
    let physics = Physics::default();
    replay(&spec(inventory, policy, &physics), &Workload::new(trace, inventory, &TenantTerms::default())).unwrap()
}

/// Two nodes of 4 GPUs. Two jobs of 3 GPUs take one node each until 100 s. Meanwhile a job of 2 GPUs waits from 10 s on,
/// with 2 idle; a job of 4 waits from 20 s on, for which not enough are idle. At 100 s both start, for 50 s and 10 s.
#[test]
fn a_timeline_by_hand() {
    let trace = trace(&[plan(0, 3, 100), plan(0, 3, 100), plan(10, 2, 50), plan(20, 4, 10)]);
    let Replay { summary, series, .. } = replayed(&trace, &Inventory::uniform(2, 4, "GPU"), "fifo[skip=true]");
    assert_eq!((summary.blocked_by_fragmentation_jobs, summary.blocked_by_fragmentation_s), (1, 90.0));
    // One GPU on each node, then 2 of the node of the small job, then all 4 of the other.
    assert!(close(summary.largest_gang_mean_gpus, (100.0 * 1.0 + 10.0 * 2.0 + 40.0 * 4.0) / 150.0), "{summary:?}");
    // Nobody can use the single GPUs; only one of four jobs can use 2; all can use 4.
    let fragmented = 100.0 * 2.0 + 10.0 * 1.5 + 40.0 * 1.5;
    assert!(close(summary.fragmentation_share, fragmented / (8.0 * 150.0)), "{summary:?}");
    assert!(
        close(summary.fragmentation_idle_share, fragmented / (100.0 * 2.0 + 10.0 * 2.0 + 40.0 * 6.0)),
        "{summary:?}"
    );
    let total = |values: &[f64]| values.iter().sum::<f64>() * series.step.secs_f64();
    assert!(close(Some(total(&series.fragmented_gpus)), fragmented), "{series:?}");
    assert!(close(Some(total(&series.largest_gang_gpus)), 280.0), "{series:?}");
}

/// A job is blocked whatever the policy lets it wait for, and counts once.
#[test]
fn order_does_not_hide_who_has_no_place() {
    let trace = trace(&[plan(0, 3, 100), plan(0, 3, 100), plan(5, 4, 10), plan(10, 2, 50), plan(20, 1, 10)]);
    let inventory = Inventory::uniform(2, 4, "GPU");
    let figures = |policy| {
        let Summary { blocked_by_fragmentation_jobs: jobs, blocked_by_fragmentation_s: s, .. } =
            replayed(&trace, &inventory, policy).summary;
        (jobs, s)
    };
    // In strict order the job of 1 GPU could run all the time: it waits for its turn, and is not blocked.
    assert_eq!(figures("fifo"), (1, 90.0));
    // Where it runs, from 20 s to 30 s, one GPU is idle: not enough for the job of 2.
    assert_eq!(figures("fifo[skip=true]"), (1, 80.0));
}

#[test]
fn figures_without_meaning_are_none() {
    let trace = trace(&[plan(0, 2, 100)]);
    let full = replayed(&trace, &Inventory::uniform(1, 2, "GPU"), "fifo").summary;
    assert_eq!((full.fragmentation_share, full.fragmentation_idle_share), (Some(0.0), None));
    assert_eq!((full.largest_gang_mean_gpus, full.solves, full.solver_gap_max), (Some(0.0), 0, None));
}

/// What a policy solved is told. Two jobs of 2 GPUs are left on a node each; `milp` solves a program that moves one of them,
/// and the job of 4 starts at once.
#[test]
fn solves_are_counted_in_the_summary() {
    let trace = trace(&[plan(0, 2, 10), plan(0, 2, 1000), plan(0, 2, 10), plan(0, 2, 1000), plan(20, 4, 10)]);
    let summary = replayed(&trace, &Inventory::uniform(2, 4, "GPU"), "milp[repack=4]").summary;
    assert!(summary.solves > 0 && summary.migrations == 1, "{} solves, {} moves", summary.solves, summary.migrations);
    assert_eq!((summary.solves_failed, summary.solves_cut_off), (0, 0));
    assert!(summary.solver_gap_max.is_some_and(|gap| (0.0..=0.01).contains(&gap)), "{:?}", summary.solver_gap_max);
    let greedy = replayed(&trace, &Inventory::uniform(2, 4, "GPU"), "milp").summary;
    assert_eq!((greedy.solves, greedy.solver_gap_max), (0, None));
}
