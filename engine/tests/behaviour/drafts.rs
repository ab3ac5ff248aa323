//! Drafts: whatever a policy tries, a rollback brings back the state of the mark to the last bit, and what is committed
//! keeps every invariant.

use engine::{
    Bill, ClassId, Draft, GpuRequest, Inventory, JobId, JobSpec, Mark, NodeId, Reason, Shape, Slice, TaskGroup,
    TaskRequest,
};
use proptest::prelude::*;

use crate::bench::{Bench, start, started};

/// One move of a policy.
#[derive(Clone, Debug)]
enum Step {
    Take(usize, TaskRequest),
    Start(u32),
    Place(u32),
    StartAt(u32, Slice),
    Preempt(u32),
    Reprieve(u32),
    Vacate(u32),
    Reject(u32),
    Lift(u32),
    Land(u32),
    Stay(u32),
    Move(u32),
    Swap(u32, u32),
    Migrate(u32, Slice),
    Reserve(usize, TaskRequest),
    ReserveShared(usize),
    Unreserve,
    Mark,
    Rollback(usize),
}

const NODES: usize = 3;
const JOBS: u32 = 12;
const FIRST_CLASS: u32 = 17;

fn requests() -> Vec<TaskRequest> {
    let milli = |milli| TaskRequest { gpus: GpuRequest::Milli(milli), ..TaskRequest::whole_gpus(0) };
    let cpu = |gpus, cpu_milli| TaskRequest { cpu_milli, ..TaskRequest::whole_gpus(gpus) };
    vec![milli(250), milli(600), cpu(0, 2000), cpu(1, 0), cpu(1, 1000), cpu(2, 3000), cpu(4, 0)]
}

/// The classes of the test: each request alone, a gang of two, and a gang of two groups of which one can grow.
fn shapes() -> Vec<Shape> {
    let requests = requests();
    let mut shapes: Vec<Shape> = requests.iter().map(|request| Shape::uniform(1, *request)).collect();
    shapes.push(Shape::uniform(2, requests[5]));
    let mut two = Shape::uniform(1, requests[4]);
    two.groups.push(TaskGroup { tasks_min: 1, tasks_max: 3, request: requests[0] });
    shapes.push(two);
    shapes
}

fn inventory() -> Inventory {
    let mut inventory = Inventory::uniform(NODES, 4, "A100");
    inventory.nodes[1].cpu_milli = 6000;
    inventory.nodes[2].gpus = 2;
    inventory
}

fn any_slice() -> impl Strategy<Value = Slice> {
    (0..NODES, 1u64..16, prop::sample::select(vec![1000u16, 250])).prop_map(|(node, mask, milli)| Slice {
        node: NodeId::new(node),
        bank: 0,
        milli,
        mask: if milli == 1000 { mask } else { 1 << mask.trailing_zeros() },
        cpu_milli: 0,
        memory_mib: 0,
    })
}

/// Moves a job that is lifted to the highest nodes that fit, or leaves all as it is.
fn land(draft: &mut Draft<'_>, job: JobId) -> bool {
    let mark = draft.mark();
    let groups = draft.state().class_of(job).shape.groups.clone();
    let last_fit = |draft: &mut Draft<'_>, request| {
        let mut nodes = (0..NODES).rev().map(NodeId::new);
        nodes.any(|node| draft.take(node, &request))
    };
    let taken = groups.iter().all(|group| (0..group.tasks_min).all(|_| last_fit(draft, group.request)));
    let landed = taken && draft.land(job, Bill::default()).is_ok();
    if !landed {
        draft.rollback(mark);
    }
    landed
}

/// Lifts all, lands all; or leaves all as it is.
fn shuffle(draft: &mut Draft<'_>, jobs: &[JobId]) {
    let mark = draft.mark();
    let lifted = draft.open().is_empty() && jobs.iter().all(|job| draft.lift(*job).is_ok());
    if !lifted || !jobs.iter().rev().all(|job| land(draft, *job)) {
        draft.rollback(mark);
    }
}

fn any_step() -> impl Strategy<Value = Step> {
    let request = || prop::sample::select(requests());
    prop_oneof![
        3 => (0..NODES, request()).prop_map(|(node, request)| Step::Take(node, request)),
        2 => (0..JOBS).prop_map(Step::Start),
        4 => (0..JOBS).prop_map(Step::Place),
        2 => (0..JOBS, any_slice()).prop_map(|(job, slice)| Step::StartAt(job, slice)),
        4 => (0..JOBS).prop_map(Step::Preempt),
        3 => (0..JOBS).prop_map(Step::Reprieve),
        2 => (0..JOBS).prop_map(Step::Vacate),
        1 => (0..JOBS).prop_map(Step::Reject),
        2 => (0..JOBS).prop_map(Step::Lift),
        2 => (0..JOBS).prop_map(Step::Land),
        1 => (0..JOBS).prop_map(Step::Stay),
        4 => (0..JOBS).prop_map(Step::Move),
        4 => (0..JOBS, 0..JOBS).prop_map(|(a, b)| Step::Swap(a, b)),
        2 => (0..JOBS, any_slice()).prop_map(|(job, slice)| Step::Migrate(job, slice)),
        1 => (0..NODES, request()).prop_map(|(node, request)| Step::Reserve(node, request)),
        1 => (0..NODES).prop_map(Step::ReserveShared),
        1 => Just(Step::Unreserve),
        4 => Just(Step::Mark),
        3 => any::<usize>().prop_map(Step::Rollback),
    ]
}

/// Plays moves on a draft and remembers how it looked at each mark.
struct Player {
    marks: Vec<(Mark, String)>,
    what_if: bool,
}

impl Player {
    fn new(draft: &Draft<'_>) -> Self {
        Self { marks: vec![(draft.mark(), format!("{draft:?}"))], what_if: false }
    }

    fn rollback(&mut self, draft: &mut Draft<'_>, at: usize) {
        self.marks.truncate(at + 1);
        let (mark, before) = &self.marks[at];
        draft.rollback(*mark);
        assert_eq!(format!("{draft:?}"), *before);
        draft.cluster().check().unwrap();
        self.what_if &= at > 0;
    }

    /// Reservations are outside the undo log: marks from before them are void.
    fn reserve(&mut self, draft: &mut Draft<'_>, change: impl FnOnce(&mut Draft<'_>)) {
        if !self.what_if {
            change(draft);
            *self = Self::new(draft);
        }
    }

    fn play(&mut self, draft: &mut Draft<'_>, step: &Step) {
        match step {
            Step::Take(node, request) => {
                draft.take(NodeId::new(*node), request);
            }
            Step::Start(job) => {
                let _refused = draft.start(JobId(*job));
            }
            Step::Place(job) => {
                let _started = draft.open().is_empty() && start(draft, JobId(*job));
            }
            Step::StartAt(job, slice) => {
                let gpus = draft.cluster().spec(slice.node).gpus;
                if slice.mask < 1 << gpus {
                    let _refused = draft.start_at(JobId(*job), &[*slice]);
                }
            }
            Step::Preempt(job) => {
                let _refused = draft.preempt(JobId(*job));
            }
            Step::Reprieve(job) => {
                draft.reprieve(JobId(*job));
            }
            Step::Vacate(job) => {
                self.what_if = true;
                draft.vacate(JobId(*job));
            }
            Step::Reject(job) => {
                let _refused = draft.reject(JobId(*job), Reason::NoVictims);
            }
            Step::Lift(job) => self.what_if |= draft.lift(JobId(*job)).is_ok(),
            Step::Land(job) => {
                let _landed = draft.open().is_empty() && land(draft, JobId(*job));
            }
            Step::Stay(job) => drop(draft.stay(JobId(*job))),
            Step::Move(job) => shuffle(draft, &[JobId(*job)]),
            Step::Swap(a, b) => shuffle(draft, &[JobId(*a), JobId(*b)]),
            Step::Migrate(job, slice) => {
                let gpus = draft.cluster().spec(slice.node).gpus;
                if slice.mask < 1 << gpus {
                    let _refused = draft.migrate(JobId(*job), &[*slice], Bill::default());
                }
            }
            Step::Reserve(node, request) => self.reserve(draft, |draft| {
                draft.reserve(NodeId::new(*node), request);
            }),
            Step::ReserveShared(node) => self.reserve(draft, |draft| draft.reserve_shared(NodeId::new(*node))),
            #[allow(
                clippy::redundant_closure_for_method_calls,
                reason = "the method alone is not general enough in lifetimes"
            )]
            Step::Unreserve => self.reserve(draft, |draft| draft.unreserve()),
            Step::Mark => self.marks.push((draft.mark(), format!("{draft:?}"))),
            Step::Rollback(at) => self.rollback(draft, at % self.marks.len()),
        }
        draft.cluster().check().unwrap();
    }
}

fn bench(classes: &[u32]) -> Bench {
    let mut bench = Bench::new(inventory());
    for shape in shapes() {
        bench.class(shape);
    }
    for class in classes {
        let spec = JobSpec { class: ClassId(FIRST_CLASS + class), preemptible: class % 5 != 0, ..Bench::plain(0) };
        bench.submit(0, spec);
    }
    bench
}

/// Nothing leaks: when every run has ended and every job is over, all is free.
fn empties(bench: &mut Bench) {
    let live: Vec<JobId> = bench.core().state().live().to_vec();
    for job in live {
        let attempt = bench.core().state().job(job).attempt;
        let launched = bench.core().state().job(job).launched.known().is_some();
        bench.at_with(30, [engine::Event::Cancelled { job }], |_| {});
        if launched {
            bench.at_with(30, [crate::bench::stopped(job.0, attempt, 0)], |_| {});
        }
    }
    let cluster = bench.core().state().cluster();
    assert_eq!(cluster.free_gpu_milli(), 10_000);
    assert_eq!(cluster.free_cpu_milli(NodeId(1)), 6000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_rollback_undoes_everything_and_a_commit_keeps_every_invariant(
        classes in prop::collection::vec(0..9u32, JOBS as usize),
        steps in prop::collection::vec(any_step(), 1..50),
        commits in any::<bool>(),
    ) {
        let mut bench = bench(&classes);
        let placed = bench.core().state().live().to_vec();
        for job in placed.into_iter().step_by(2) {
            bench.at(1, [started(job.0, 1)]);
        }
        bench.ask(10, move |draft| {
            let mut player = Player::new(draft);
            for step in &steps {
                player.play(draft, step);
            }
            if player.what_if || !commits {
                player.rollback(draft, 0);
            }
        });
        empties(&mut bench);
    }
}

#[test]
fn a_gang_is_taken_whole_or_not_at_all() {
    let mut bench = bench(&[]);
    bench.park(0, JobSpec { class: ClassId(FIRST_CLASS + 7), ..Bench::plain(0) });
    let orders = bench.ask(1, |draft| {
        let request = requests()[5];
        assert!(draft.take(NodeId(0), &request));
        assert_eq!(draft.start(JobId(0)), Err(Reason::WrongGang), "one task of two");
        assert!(draft.take(NodeId(1), &request) && draft.take(NodeId(2), &request));
        assert_eq!(draft.start(JobId(0)), Err(Reason::WrongGang), "three tasks of two");
    });
    assert!(orders.is_empty());
    assert_eq!(bench.core().state().cluster().free_gpu_milli(), 10_000, "what was taken for nothing went back");
}

#[test]
fn an_elastic_group_takes_from_its_least_to_its_most() {
    let tasks_started = |tasks: u32| {
        let mut bench = bench(&[]);
        bench.park(0, JobSpec { class: ClassId(FIRST_CLASS + 8), ..Bench::plain(0) });
        let orders = bench.ask(1, move |draft| {
            assert!(draft.take(NodeId(0), &requests()[4]));
            (0..tasks).for_each(|_| assert!(draft.take(NodeId(2), &requests()[0])));
            let _refused = draft.start(JobId(0));
        });
        !orders.is_empty()
    };
    assert_eq!([0, 1, 2, 3, 4].map(tasks_started), [false, true, true, true, false]);
}

#[test]
fn a_reprieve_is_refused_when_the_gpus_are_gone() {
    let mut bench = bench(&[6, 6]);
    bench.park(0, JobSpec { class: ClassId(FIRST_CLASS + 3), ..Bench::plain(0) });
    let orders = bench.ask(1, |draft| {
        draft.preempt(JobId(0)).unwrap();
        assert!(start(draft, JobId(2)), "on a GPU of the victim");
        assert!(!draft.reprieve(JobId(0)));
        draft.preempt(JobId(1)).unwrap();
        assert!(draft.reprieve(JobId(1)));
        assert!(!draft.reprieve(JobId(1)), "once");
    });
    assert_eq!(orders, ["drain j0/1 within 0s"], "and j2 waits for its end");
}
