//! A small world for fair shares: jobs with run times on a cluster, played to the end, with who held what when.

use std::collections::{BTreeMap, BinaryHeap};

use engine::{
    Amounts, ClassId, Command, Core, Event, Exit, GpuRequest, Input, Inventory, JobId, JobSpec, KindId, MICROS,
    ModelSet, Rate, RunId, Shape, Span, TaskRequest, TenantId, Terms, Time, UNLIMITED,
};
use policies::{Context, build};

/// A job: tenant, class, seconds of work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    pub(crate) at: u64,
    pub(crate) tenant: u32,
    pub(crate) class: u32,
    pub(crate) secs: u64,
}

/// One task that asks for GPUs, CPU cores and memory in GiB.
pub(crate) fn task(gpus: u32, cpus: u32, gib: u32) -> Shape {
    let request = TaskRequest {
        gpus: GpuRequest::Whole(gpus),
        cpu_milli: cpus * 1000,
        memory_mib: gib * 1024,
        models: ModelSet::ANY,
    };
    Shape::uniform(1, request)
}

/// Equal nodes with limits.
pub(crate) fn cluster(nodes: usize, gpus: u32, cpus: u32, gib: u32) -> Inventory {
    let mut inventory = Inventory::uniform(nodes, gpus, "A100");
    for node in &mut inventory.nodes {
        node.cpu_milli = if cpus == 0 { UNLIMITED } else { cpus * 1000 };
        node.memory_mib = if gib == 0 { UNLIMITED } else { gib * 1024 };
    }
    inventory
}

/// The world. Stopped runs keep their work unless `keeps` is false.
pub(crate) struct World {
    pub(crate) core: Core,
    events: BinaryHeap<std::cmp::Reverse<(u64, u64, u8)>>,
    inputs: BTreeMap<u64, Event>,
    next: u64,
    work: Vec<u64>,
    now: u64,
    pub(crate) keeps: bool,
    /// A policy that takes the place of the present one after every step.
    pub(crate) refreshed_by: Option<&'static str>,
    /// Kind of the jobs of each tenant.
    kinds: Vec<KindId>,
    /// Launches as (second, job), and ends.
    pub(crate) starts: Vec<(u64, u32)>,
    pub(crate) stops: Vec<(u64, u32)>,
    pub(crate) ends: BTreeMap<u32, u64>,
    /// How long each stopped run had run, in seconds, with its job.
    pub(crate) cut: Vec<(u64, u32)>,
}

impl World {
    /// Tenants are (name, parent, weight in thousandths).
    pub(crate) fn new(
        inventory: Inventory,
        policy: &str,
        tenants: &[(&str, Option<u32>, u32)],
        shapes: &[Shape],
    ) -> Self {
        let policy = build(policy, Context::default()).unwrap().policy;
        let mut world = Self {
            core: Core::new(inventory, policy),
            events: BinaryHeap::new(),
            inputs: BTreeMap::new(),
            next: 0,
            work: Vec::new(),
            now: 0,
            keeps: true,
            refreshed_by: None,
            kinds: Vec::new(),
            starts: Vec::new(),
            stops: Vec::new(),
            ends: BTreeMap::new(),
            cut: Vec::new(),
        };
        for (at, (name, parent, weight_milli)) in tenants.iter().enumerate() {
            let (tenant, parent) = (TenantId::new(at), parent.map(TenantId));
            world.tell(
                0,
                Event::TenantDeclared { tenant, name: (*name).to_owned(), parent, weight_milli: *weight_milli },
            );
        }
        for (at, shape) in shapes.iter().enumerate() {
            world.tell(0, Event::ClassDeclared { class: ClassId::new(at), shape: shape.clone() });
        }
        world
    }

    /// A fact at a microsecond.
    fn tell_at(&mut self, micros: u64, event: Event) {
        let rank = event.rank().0;
        self.events.push(std::cmp::Reverse((micros, self.next, rank)));
        self.inputs.insert(self.next, event);
        self.next += 1;
    }

    /// A fact at a second.
    pub(crate) fn tell(&mut self, secs: u64, event: Event) {
        self.tell_at(secs * MICROS, event);
    }

    /// Each tenant has jobs of a kind of its own, with speeds by GPU model in parts per million.
    pub(crate) fn speeds(&mut self, by_tenant: &[Vec<u32>]) {
        for (at, ppm) in by_tenant.iter().enumerate() {
            self.kinds.push(KindId::new(at));
            self.tell(0, Event::KindDeclared { kind: KindId::new(at), ppm: ppm.clone() });
        }
    }

    /// Speed of a job on the slowest of its GPUs.
    fn rate(&self, job: JobId) -> Rate {
        let state = self.core.state();
        let models = state.job(job).placement.iter().map(|slice| state.cluster().spec(slice.node).model);
        models.filter_map(|model| state.speed_ppm(job, model)).min().map_or(Rate::FULL, Rate::ppm)
    }

    /// Seconds of work that a tenant has done so far.
    pub(crate) fn done(&self, tenant: u32) -> f64 {
        let jobs = self.core.state().jobs().iter().filter(|job| job.spec.tenant == TenantId(tenant));
        jobs.map(|job| job.work_done(Time(self.now)).secs_f64()).sum()
    }

    /// Submits jobs in order of their times.
    pub(crate) fn submit(&mut self, jobs: &[Work]) {
        for work in jobs {
            let job = JobId::new(self.work.len());
            let kind = self.kinds.get(work.tenant as usize).copied();
            let spec = Box::new(JobSpec { kind, ..JobSpec::plain(ClassId(work.class), TenantId(work.tenant)) });
            self.work.push(work.secs * MICROS);
            self.tell(work.at, Event::Submitted { job, spec, truth: Some(Span::secs(work.secs)) });
        }
    }

    /// New weights.
    pub(crate) fn weigh(&mut self, secs: u64, tenant: u32, weight_milli: u32) {
        let terms = Terms { weight_milli, ..Terms::default() };
        self.tell(secs, Event::TermsChanged { tenant: TenantId(tenant), terms });
    }

    /// Plays all facts up to a second.
    pub(crate) fn run_to(&mut self, secs: u64) {
        let mut orders = Vec::new();
        while let Some(std::cmp::Reverse((at, _, _))) = self.events.peek().copied() {
            if at > secs * MICROS {
                break;
            }
            self.now = at;
            let mut batch = Vec::new();
            while let Some(std::cmp::Reverse((next, id, _))) = self.events.peek().copied()
                && next == at
            {
                self.events.pop();
                batch.push(Input { at: Time(at), event: self.inputs.remove(&id).unwrap() });
            }
            batch.sort_by_key(|input| input.event.rank());
            for input in &batch {
                if let Event::Ended { run, exit: Exit::Completed, .. } = &input.event
                    && self.core.state().job(run.job).attempt == run.attempt
                    && self.core.state().job(run.job).is_live()
                {
                    self.ends.insert(run.job.0, at / MICROS);
                }
            }
            self.core.step(&batch, &mut orders).unwrap();
            self.core.check().unwrap();
            if let Some(policy) = self.refreshed_by {
                self.core.refresh_policy(build(policy, Context::default()).unwrap().policy);
            }
            for order in std::mem::take(&mut orders) {
                self.perform(&order);
            }
        }
        self.now = secs * MICROS;
    }

    fn perform(&mut self, order: &Command) {
        let now = self.now;
        match order {
            Command::Launch { run, resume_from, .. } => {
                self.starts.push((now / MICROS, run.job.0));
                let rate = self.rate(run.job);
                self.tell_at(now, Event::Started { run: *run, rate });
                let left = rate.time_for(Span(self.work[run.job.index()] - resume_from.0));
                self.tell_at(now + left.0, Event::Ended { run: *run, exit: Exit::Completed, saved: None });
            }
            Command::Drain { run, .. } => {
                self.stops.push((now / MICROS, run.job.0));
                let launched = self.core.state().job(run.job).launched.0;
                self.cut.push(((now - launched) / MICROS, run.job.0));
                let saved = self.keeps.then(|| self.core.state().job(run.job).work_done(Time(now)));
                let run = RunId { job: run.job, attempt: run.attempt };
                self.tell_at(now, Event::Ended { run, exit: Exit::Stopped, saved });
            }
            Command::Wake { at } => self.tell_at(at.0, Event::Woke),
            _ => {}
        }
    }

    /// What a tenant and those below it have placed.
    pub(crate) fn placed(&self, tenant: u32) -> Amounts {
        self.core.state().tenants().get(TenantId(tenant)).placed
    }

    /// GPUs of it.
    pub(crate) fn gpus(&self, tenant: u32) -> u64 {
        self.placed(tenant).gpu_milli / 1000
    }

    /// GPU-seconds that a tenant has held so far.
    pub(crate) fn used(&self, tenant: u32) -> f64 {
        self.core.state().tenants().usage(TenantId(tenant), Time(self.now)) as f64 / 1e9
    }
}

/// `count` jobs of a tenant and class at a second.
pub(crate) fn jobs(count: usize, at: u64, tenant: u32, class: u32, secs: u64) -> Vec<Work> {
    vec![Work { at, tenant, class, secs }; count]
}
