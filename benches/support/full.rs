//! The simulated world with a full queue: jobs wait from the beginning, and more work arrives than the cluster does.

use std::time::{Duration, Instant};

use engine::{Amounts, Command, Core, Input, Inventory, MICROS, Span, Terms, Time, World};
use simulator::physics::Physics;
use simulator::tenants::TenantTerms;
use simulator::workload::Workload;
use simulator::world::SimWorld;
use traces::{Details, JobType, Trace, TraceJob, Wishes};

use super::{SIZES, kind, mix, unit};

const GROUPS: u64 = 5;
const USERS: u64 = 20;
const LOAD: f64 = 1.2;

/// `waiting` + as many as fill the cluster at once, then arrivals that offer 1.2 times what it does. Twenty users in five
/// groups, the first with the most; estimates of 1 to 5 times the run time; a third of the jobs with a deadline.
pub(crate) fn trace(inventory: &Inventory, waiting: usize, later: usize) -> Trace {
    let gpus: u32 = inventory.nodes.iter().map(|node| node.gpus).sum();
    let mean_gpus: f64 = SIZES.iter().map(|(size, share)| f64::from(*size) * *share as f64 / 100.0).sum();
    let (low, high) = (60.0f64, 100_000.0f64);
    let mean_s = (high - low) / (high / low).ln();
    let first = waiting + (f64::from(gpus) / mean_gpus) as usize;
    let gap_s = mean_gpus * mean_s / (f64::from(gpus) * LOAD);
    let micros = |seconds: f64| (seconds * MICROS as f64) as u64;
    let job = |index: usize| {
        let chance = |kind: u64| unit(index as u64 * 8 + kind);
        let submit = Time(micros(index.saturating_sub(first) as f64 * gap_s));
        let (size, _) = SIZES[kind(mix(index as u64 * 8))];
        let duration = Span(micros(low * (high / low).powf(chance(1))));
        let wishes = Wishes {
            deadline: (chance(2) < 0.3).then(|| submit + Span(duration.0 * 4) + Span::secs(20_000)),
            ..Wishes::NONE
        };
        let details = Details {
            estimate: Some(Span(duration.0 + (duration.0 as f64 * 4.0 * chance(3)) as u64)),
            name: Some(format!("train-{}", mix(index as u64) % 200).into()),
            job_type: Some((mix(index as u64 * 8 + 4) % 4) as u32),
            wishes: wishes.into(),
            ..Details::NONE
        };
        TraceJob {
            tenant: (chance(5) * chance(6) * USERS as f64) as u32,
            priority: i32::from(chance(7) < 0.1),
            details: details.into(),
            ..TraceJob::plain(index.to_string(), submit, duration, size * 1000)
        }
    };
    let job_type = |name: &str| JobType { name: name.to_owned(), ..JobType::default() };
    Trace {
        source: "hash".to_owned(),
        jobs: (0..first + later).map(job).collect(),
        tenants: (0..USERS).map(|user| format!("group-{}/user-{user}", user % GROUPS)).collect(),
        job_types: ["resnet50", "bert", "vgg19", "dlrm"].map(job_type).to_vec(),
        ..Trace::default()
    }
}

/// Each group is sure of its part of the GPUs.
pub(crate) fn terms(inventory: &Inventory) -> TenantTerms {
    let gpus: u64 = inventory.nodes.iter().map(|node| u64::from(node.gpus)).sum();
    let mut terms = TenantTerms::default();
    for group in 0..GROUPS {
        let quota = Some(Amounts::gpus_only(gpus / GROUPS * 1000));
        terms.set(format!("group-{group}"), Terms { quota, ..Terms::default() });
    }
    terms
}

/// A core and the world that it decides for.
pub(crate) struct Full<'a> {
    core: Core,
    world: SimWorld<'a>,
    batch: Vec<Input>,
    commands: Vec<Command>,
}

impl<'a> Full<'a> {
    /// Before the first step.
    pub(crate) fn new(
        inventory: &'a Inventory,
        workload: &'a Workload<'a>,
        physics: &'a Physics,
        policy: &str,
    ) -> Self {
        let context = policies::Context { estimates: true, ..policies::Context::default() };
        let built = policies::build(policy, context).expect("a policy of the registry");
        let core = Core::new(inventory.clone(), built.policy);
        let world = SimWorld::new(workload, physics, inventory, 0).expect("no tables of throughput");
        Self { core, world, batch: Vec::new(), commands: Vec::new() }
    }

    /// The facts of one instant through the core; how long the core took. `None` at the end of the world.
    pub(crate) fn step(&mut self) -> Option<Duration> {
        self.batch.clear();
        if !self.world.next(&mut self.batch).expect("a sound world") {
            return None;
        }
        self.batch.sort_by_key(|input| input.event.rank());
        let started = Instant::now();
        self.core.step(&self.batch, &mut self.commands).expect("a sound world");
        let took = started.elapsed();
        let now = self.core.state().now();
        for command in self.commands.drain(..) {
            self.world.perform(now, &command).expect("a sound world");
        }
        Some(took)
    }

    /// Waiting jobs.
    pub(crate) fn queued(&self) -> u64 {
        self.core.state().totals().ready
    }
}
