//! The policy `milp`: what it moves, what it leaves alone, and that the greedy plan stands when the solver fails.

use engine::{
    ClassId, Command, Core, Event, Exit, GpuRequest, Input, Inventory, JobId, JobSpec, MICROS, ModelSet, Phase, Rate,
    RunId, Shape, Span, TaskRequest, TenantId, Time,
};
use policies::milp::solver::{Broken, Failure, Limits, Microlp, Script, Solver};
use policies::milp::{Milp, Repack, Rules};
use policies::{Context, Placer, Price, Rule, Scored, build};
use proptest::prelude::*;

/// A cluster of nodes of `gpus` GPUs, a world in which stops and starts take no time, and all classes that jobs may have.
struct World {
    core: Core,
    jobs: u32,
    at: u64,
    launches: Vec<(u32, u32)>,
}

impl World {
    fn new(inventory: Inventory, policy: Box<dyn engine::Policy>, tasks: &[TaskRequest]) -> Self {
        let mut world = Self { core: Core::new(inventory, policy), jobs: 0, at: 0, launches: Vec::new() };
        let (tenant, name) = (TenantId(0), "t".to_owned());
        world.tell(Event::TenantDeclared { tenant, name, parent: None, weight_milli: 1000 });
        for (at, task) in tasks.iter().enumerate() {
            world.tell(Event::ClassDeclared { class: ClassId::new(at), shape: Shape::uniform(1, *task) });
        }
        world.tell(Event::WorkloadDeclared { tasks: tasks.iter().map(|task| (*task, 1)).collect() });
        world
    }

    fn tell(&mut self, event: Event) {
        let at = Time(self.at * MICROS);
        let (mut batch, mut orders) = (vec![Input { at, event }], Vec::new());
        while !batch.is_empty() {
            self.core.step(&batch, &mut orders).unwrap();
            self.core.check().unwrap();
            batch.clear();
            for order in orders.drain(..) {
                let event = match order {
                    Command::Launch { run, placement, .. } => {
                        self.launches.push((run.job.0, placement[0].node.0));
                        Event::Started { run, rate: Rate::FULL }
                    }
                    Command::Drain { run, .. } | Command::Kill { run } => {
                        Event::Ended { run, exit: Exit::Stopped, saved: Some(Span::ZERO) }
                    }
                    _ => continue,
                };
                batch.push(Input { at, event });
            }
        }
    }

    fn submit(&mut self, class: u32) -> JobId {
        self.submit_as(JobSpec::plain(ClassId(class), TenantId(0)))
    }

    fn submit_as(&mut self, spec: JobSpec) -> JobId {
        let job = JobId(self.jobs);
        self.jobs += 1;
        self.tell(Event::Submitted { job, spec: Box::new(spec), truth: None });
        job
    }

    fn end(&mut self, job: JobId) {
        let attempt = self.core.state().job(job).attempt;
        self.tell(Event::Ended { run: RunId { job, attempt }, exit: Exit::Completed, saved: None });
    }

    fn runs(&self, job: JobId) -> bool {
        self.core.state().job(job).phase == Phase::Running
    }

    fn moves(&self) -> u32 {
        self.core.state().jobs().iter().map(|job| job.migrations).sum()
    }
}

fn part(milli: u16) -> TaskRequest {
    TaskRequest { gpus: GpuRequest::Milli(milli), ..TaskRequest::whole_gpus(0) }
}

fn rules(moves_max: u32) -> Rules {
    let scored = Scored::new(Rule::Fgd, 0);
    let repack = Repack {
        moves_max,
        move_milli: 10.0,
        horizon_us: 3600.0 * 1e6,
        price: Price::default(),
        columns_max: 400,
        limits: Limits { nodes: 1000, ..Limits::default() },
    };
    Rules {
        greedy: Placer::Scored(scored),
        expected: scored.expected,
        batch: 10,
        limits: Limits { nodes: 1000, ..Limits::default() },
        repack: (moves_max > 0).then_some(repack),
        strand_milli: 1,
        nodes_max: 1000,
    }
}

fn milp(moves_max: u32) -> Box<Milp> {
    Box::new(Milp::new(rules(moves_max), Box::new(Microlp)))
}

/// Two GPUs, each with half a GPU taken, and a job that needs a whole one: 0.4 and 0.5 come together.
fn halves(policy: Box<dyn engine::Policy>) -> (World, JobId) {
    let tasks = [part(600), part(400), part(500), TaskRequest::whole_gpus(1)];
    let mut world = World::new(Inventory::uniform(2, 1, "A"), policy, &tasks);
    let filler = world.submit(0);
    let stays = world.submit(1);
    let other = world.submit(2);
    world.end(filler);
    assert!(world.runs(stays) && world.runs(other) && world.moves() == 0);
    let whole = world.submit(3);
    (world, whole)
}

#[test]
fn a_move_makes_room_for_a_waiting_job() {
    let (world, whole) = halves(milp(1));
    assert!(world.runs(whole));
    assert_eq!(world.moves(), 1);
    let solves = world.core.state().totals().solves;
    assert!(solves.programs > 0 && solves.failed == 0, "{solves:?}");
}

#[test]
fn without_moves_it_waits() {
    let (world, whole) = halves(milp(0));
    assert!(!world.runs(whole) && world.moves() == 0);
}

#[test]
fn a_job_that_may_not_be_stopped_is_not_moved() {
    let tasks = [part(600), part(400), part(500), TaskRequest::whole_gpus(1)];
    let mut world = World::new(Inventory::uniform(2, 1, "A"), milp(4), &tasks);
    let fixed = |class| JobSpec { preemptible: false, ..JobSpec::plain(ClassId(class), TenantId(0)) };
    let filler = world.submit(0);
    world.submit_as(fixed(1));
    world.submit_as(fixed(2));
    world.end(filler);
    let whole = world.submit(3);
    assert!(!world.runs(whole) && world.moves() == 0);
}

/// The 0.4 have run for hours without saving. The gain, over one hour, is the GPU that the waiting job gets and less F,
/// together at most 2.1 GPUs: after six hours, with 2.4 GPU-hours at risk, the move is not worth it.
#[test]
fn the_price_of_lost_work_decides() {
    for (hours, moves) in [(1, true), (2, true), (6, false)] {
        let tasks = [part(600), part(400), part(500), TaskRequest::whole_gpus(1)];
        let mut world = World::new(Inventory::uniform(2, 1, "A"), milp(1), &tasks);
        let filler = world.submit(0);
        world.submit(1);
        world.submit(2);
        world.end(filler);
        world.at = hours * 3600;
        let whole = world.submit(3);
        assert_eq!(world.runs(whole), moves, "after {hours} hours");
        assert_eq!(world.moves(), u32::from(moves));
        let evictions = world.core.state().evictions();
        let expected = u128::from(hours) * 3600 * 1_000_000 * 400;
        assert!(
            evictions.iter().all(|eviction| eviction.bill.predicted == expected && eviction.bill.by == Some(whole))
        );
    }
}

/// Two tasks leave together: 0.3 and 0.3 on a node, room for one each on two others.
#[test]
fn two_runs_make_room_together() {
    let tasks = [part(700), part(300), TaskRequest::whole_gpus(1), part(650)];
    let mut world = World::new(Inventory::uniform(3, 1, "A"), milp(2), &tasks);
    let (a, b) = (world.submit(2), world.submit(2));
    let pair = (world.submit(1), world.submit(1));
    world.end(a);
    world.end(b);
    let fillers = (world.submit(3), world.submit(3));
    assert!(world.runs(fillers.0) && world.runs(fillers.1) && world.runs(pair.0));
    let before = world.moves();
    let whole = world.submit(2);
    assert!(world.runs(whole), "{:?}", world.launches);
    assert!(world.moves() > before);
}

/// Two tasks of 0.4 on two GPUs of one node: one of them goes to the other.
#[test]
fn runs_move_within_a_node() {
    let tasks = [part(600), part(400), TaskRequest::whole_gpus(1), part(550)];
    let mut world = World::new(Inventory::uniform(1, 2, "A"), milp(1), &tasks);
    let fillers = (world.submit(0), world.submit(0));
    let pair = (world.submit(1), world.submit(1));
    world.end(fillers.0);
    world.end(fillers.1);
    assert!(world.runs(pair.0) && world.runs(pair.1));
    let small = world.submit(3);
    world.end(small);
    let whole = world.submit(2);
    assert!(world.runs(whole) && world.moves() > 0, "{:?}", world.launches);
}

/// Whatever the solver does, what runs is what the greedy placer would have done, and the failures are counted.
#[test]
fn the_greedy_plan_stands_when_the_solver_fails() {
    let scripts = [
        Script::Fails(Failure::NoIncumbent),
        Script::Fails(Failure::Solver("broken".to_owned())),
        Script::Off(0.000_3),
        Script::Off(-0.4),
        Script::Off(2.999_999_7),
        Script::Off(f64::NAN),
        Script::Claims(Vec::new()),
    ];
    for script in scripts {
        let solver: Box<dyn Solver> = Box::new(Broken::new(Microlp, [script.clone()]));
        let (world, whole) = halves(Box::new(Milp::new(rules(4), solver)));
        assert!(!world.runs(whole) && world.moves() == 0, "{script:?}");
        let (greedy, _) = halves(milp(0));
        assert_eq!(world.launches, greedy.launches);
        let solves = world.core.state().totals().solves;
        assert_eq!((solves.programs, solves.failed), (solves.failed, solves.failed), "{script:?}");
        assert!(solves.failed > 0, "{script:?}");
    }
}

fn task() -> impl Strategy<Value = TaskRequest> {
    let gpus = prop_oneof![
        (1_u16..1000).prop_map(GpuRequest::Milli),
        prop::sample::select(vec![250, 330, 500, 660]).prop_map(GpuRequest::Milli),
        (0_u32..=3).prop_map(GpuRequest::Whole),
    ];
    let models = prop::sample::select(vec![ModelSet::ANY, ModelSet(1), ModelSet(2)]);
    (gpus, 0_u32..9, models).prop_map(|(gpus, cpu, models)| TaskRequest {
        gpus,
        cpu_milli: cpu * 1000,
        memory_mib: 0,
        models,
    })
}

/// A small cluster with two models and little CPU.
fn yard(nodes: usize) -> Inventory {
    let mut inventory = Inventory::uniform(nodes, 3, "A");
    inventory.models.push(engine::GpuModel { name: "B".to_owned(), memory_mib: 0, price_per_hour: None });
    for (at, node) in inventory.nodes.iter_mut().enumerate() {
        (node.model, node.cpu_milli) = (engine::ModelId::new(at % 2), 12_000 + 4000 * (at as u32 % 3));
    }
    inventory
}

/// Plays steps: (class, end): a job comes, or the so-manyth of those that run ends.
fn play(
    policy: impl Fn() -> Box<dyn engine::Policy>,
    fresh: bool,
    tasks: &[TaskRequest],
    steps: &[(u8, bool)],
) -> World {
    let mut world = World::new(yard(4), policy(), tasks);
    for (at, (drawn, ends)) in steps.iter().enumerate() {
        world.at = at as u64;
        let running: Vec<JobId> = (0..world.jobs).map(JobId).filter(|job| world.runs(*job)).collect();
        if *ends && !running.is_empty() {
            world.end(running[usize::from(*drawn) % running.len()]);
        } else {
            world.submit(u32::from(*drawn) % tasks.len() as u32);
        }
        if fresh {
            world.core.refresh_policy(policy());
        }
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// What the policy remembers is a cache, two runs are equal, and nothing breaks an invariant of the engine.
    #[test]
    fn a_fresh_policy_decides_the_same(
        tasks in prop::collection::vec(task(), 2..6),
        steps in prop::collection::vec((any::<u8>(), prop::bool::weighted(0.3)), 10..60),
        moves in 0_u32..5,
    ) {
        let policy = || milp(moves) as Box<dyn engine::Policy>;
        let kept = play(policy, false, &tasks, &steps);
        let fresh = play(policy, true, &tasks, &steps);
        prop_assert_eq!(&kept.launches, &fresh.launches);
        prop_assert_eq!(kept.core.state().totals().solves, fresh.core.state().totals().solves);
        prop_assert!(moves > 0 || kept.moves() == 0);
    }

    /// One at a time and without moves it is `fgd`.
    #[test]
    fn one_at_a_time_without_moves_it_is_fgd(
        tasks in prop::collection::vec(task(), 2..6),
        steps in prop::collection::vec((any::<u8>(), Just(false)), 10..60),
    ) {
        let named = |text: &'static str| move || build(text, Context::default()).unwrap().policy;
        let milp = play(named("milp"), false, &tasks, &steps);
        let fgd = play(named("fgd[skip=true]"), false, &tasks, &steps);
        prop_assert_eq!(&milp.launches, &fgd.launches);
    }
}
