//! A cluster and a world in which orders are carried out at once.

use engine::{
    ClassId, Command, Core, Event, Exit, GpuRequest, Input, Inventory, JobId, JobSpec, MICROS, ModelSet, NodeId, Phase,
    Placement, Rate, RunId, Shape, Span, TaskRequest, TenantId, Time,
};
use policies::milp::solver::{Limits, Microlp};
use policies::milp::{Milp, Repack, Rules};
use policies::{Placer, Price, Rule, Scored};
use proptest::prelude::*;

/// A cluster of nodes of `gpus` GPUs, a world in which stops and starts take no time, and all classes that jobs may have.
pub(super) struct World {
    pub(super) core: Core,
    pub(super) jobs: u32,
    pub(super) at: u64,
    pub(super) launches: Vec<(JobId, Placement)>,
}

impl World {
    pub(super) fn new(inventory: Inventory, policy: Box<dyn engine::Policy>, tasks: &[TaskRequest]) -> Self {
        let mut world = Self { core: Core::new(inventory, policy), jobs: 0, at: 0, launches: Vec::new() };
        let (tenant, name) = (TenantId(0), "t".to_owned());
        world.tell(Event::TenantDeclared { tenant, name, parent: None, weight_milli: 1000 });
        for (at, task) in tasks.iter().enumerate() {
            world.tell(Event::ClassDeclared { class: ClassId::new(at), shape: Shape::uniform(1, *task) });
        }
        world.tell(Event::WorkloadDeclared { tasks: tasks.iter().map(|task| (*task, 1)).collect() });
        world
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.tell_all(vec![event]);
    }

    /// Tells facts of one instant together.
    pub(super) fn tell_all(&mut self, events: Vec<Event>) {
        let at = Time(self.at * MICROS);
        let mut batch: Vec<Input> = events.into_iter().map(|event| Input { at, event }).collect();
        let mut orders = Vec::new();
        while !batch.is_empty() {
            self.core.step(&batch, &mut orders).unwrap();
            self.core.check().unwrap();
            batch.clear();
            for order in orders.drain(..) {
                let event = match order {
                    Command::Launch { run, placement, .. } => {
                        self.launches.push((run.job, placement));
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

    pub(super) fn submit(&mut self, class: u32) -> JobId {
        self.submit_as(JobSpec::plain(ClassId(class), TenantId(0)))
    }

    /// Jobs that come together.
    pub(super) fn submit_all(&mut self, classes: &[u32]) -> Vec<JobId> {
        let jobs: Vec<JobId> = (self.jobs..).take(classes.len()).map(JobId).collect();
        self.jobs += classes.len() as u32;
        let spec = |class| Box::new(JobSpec::plain(ClassId(class), TenantId(0)));
        let submission = |(job, class): (&JobId, &u32)| Event::Submitted { job: *job, spec: spec(*class), truth: None };
        self.tell_all(jobs.iter().zip(classes).map(submission).collect());
        jobs
    }

    pub(super) fn submit_as(&mut self, spec: JobSpec) -> JobId {
        let job = JobId(self.jobs);
        self.jobs += 1;
        self.tell(Event::Submitted { job, spec: Box::new(spec), truth: None });
        job
    }

    pub(super) fn end(&mut self, job: JobId) {
        let attempt = self.core.state().job(job).attempt;
        self.tell(Event::Ended { run: RunId { job, attempt }, exit: Exit::Completed, saved: None });
    }

    pub(super) fn runs(&self, job: JobId) -> bool {
        self.core.state().job(job).phase == Phase::Running
    }

    /// Waiting jobs for whose task some node has room.
    pub(super) fn idle_in_vain(&self) -> Vec<JobId> {
        let state = self.core.state();
        let fits = |job: &JobId| {
            let request = state.class_of(*job).shape.single().unwrap();
            let cluster = state.cluster();
            (0..cluster.len()).any(|node| cluster.fits(NodeId::new(node), request))
        };
        let waits = |job: &JobId| state.job(*job).phase == Phase::Ready;
        (0..self.jobs).map(JobId).filter(waits).filter(fits).collect()
    }

    pub(super) fn moves(&self) -> u32 {
        self.core.state().jobs().iter().map(|job| job.migrations).sum()
    }
}

pub(super) fn part(milli: u16) -> TaskRequest {
    TaskRequest { gpus: GpuRequest::Milli(milli), ..TaskRequest::whole_gpus(0) }
}

pub(super) fn rules(moves_max: u32) -> Rules {
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

pub(super) fn milp(moves_max: u32) -> Box<Milp> {
    Box::new(Milp::new(rules(moves_max), Box::new(Microlp)))
}

/// Two GPUs, each with half a GPU taken, and a job that needs a whole one: 0.4 and 0.5 come together.
pub(super) fn halves(policy: Box<dyn engine::Policy>) -> (World, JobId) {
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

/// A small cluster with two models and little CPU.
pub(super) fn yard(nodes: usize) -> Inventory {
    let mut inventory = Inventory::uniform(nodes, 3, "A");
    inventory.models.push(engine::GpuModel { name: "B".to_owned(), memory_mib: 0, price_per_hour: None });
    for (at, node) in inventory.nodes.iter_mut().enumerate() {
        (node.model, node.cpu_milli) = (engine::ModelId::new(at % 2), 12_000 + 4000 * (at as u32 % 3));
    }
    inventory
}

/// `SplitMix64`: chance without a generator.
pub(super) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// Tasks of a cluster of shared GPUs.
pub(super) fn shared() -> Vec<TaskRequest> {
    let with_cpu = |task: TaskRequest, cpus: u32| TaskRequest { cpu_milli: cpus * 1000, ..task };
    let parts = [(250, 2), (330, 1), (450, 3), (500, 4), (660, 2), (810, 3)];
    let parts = parts.into_iter().map(|(milli, cpus)| with_cpu(part(milli), cpus));
    let whole = (1..=3).map(|gpus| with_cpu(TaskRequest::whole_gpus(gpus), 3 * gpus));
    parts.chain(whole).collect()
}

pub(super) fn task() -> impl Strategy<Value = TaskRequest> {
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
