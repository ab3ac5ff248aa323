//! A cluster with tenants that have terms, to ask policies of quotas about. Orders are carried out at once.

use std::collections::BTreeMap;

use engine::{
    Amounts, ClassId, Command, Core, Event, Exit, Input, Inventory, JobId, JobSpec, MICROS, Outcome, Phase, Rate,
    Reason, RunId, Shape, Span, TaskRequest, TenantId, Terms, Time,
};
use policies::{Context, build};

/// Most steps at one instant: a policy that needs more preempts for ever.
const STEPS_MAX: usize = 2000;

/// A cluster, its policy, and what runs.
pub(crate) struct Yard {
    pub(crate) core: Core,
    tenants: BTreeMap<String, TenantId>,
    classes: BTreeMap<Shape, ClassId>,
    now: Time,
    jobs: u32,
    /// Preemptions so far: job, in order.
    pub(crate) preempted: Vec<u32>,
    pub(crate) started: Vec<u32>,
}

/// A quota of GPUs.
pub(crate) fn quota(gpus: u64) -> Terms {
    Terms { quota: Some(gpus_only(gpus)), ..Terms::default() }
}

/// GPUs, and as much of the rest as one likes.
pub(crate) fn gpus_only(gpus: u64) -> Amounts {
    Amounts::gpus_only(gpus * 1000)
}

impl Yard {
    /// One node of `gpus` GPUs for each number given.
    pub(crate) fn new(policy: &str, nodes: &[u32]) -> Self {
        let mut inventory = Inventory::uniform(nodes.len(), 1, "A100");
        for (node, gpus) in inventory.nodes.iter_mut().zip(nodes) {
            node.gpus = *gpus;
        }
        Self::on(policy, inventory)
    }

    /// The same on any cluster.
    pub(crate) fn on(policy: &str, inventory: Inventory) -> Self {
        let built = build(policy, Context::default()).unwrap();
        Self {
            core: Core::new(inventory, built.policy),
            tenants: BTreeMap::new(),
            classes: BTreeMap::new(),
            now: Time::ZERO,
            jobs: 0,
            preempted: Vec::new(),
            started: Vec::new(),
        }
    }

    /// Sets the terms of a tenant by its path; it and those above it are declared where they are new.
    pub(crate) fn terms(&mut self, path: &str, terms: Terms) -> &mut Self {
        let tenant = self.tenant(path);
        self.tell(Event::TermsChanged { tenant, terms });
        self
    }

    pub(crate) fn tenant(&mut self, path: &str) -> TenantId {
        if let Some(tenant) = self.tenants.get(path) {
            return *tenant;
        }
        let parent = path.rsplit_once('/').map(|(above, _)| self.tenant(above));
        let tenant = TenantId::new(self.tenants.len());
        let name = path.rsplit('/').next().unwrap().to_owned();
        self.tell(Event::TenantDeclared { tenant, name, parent, weight_milli: 1000 });
        self.tenants.insert(path.to_owned(), tenant);
        tenant
    }

    /// Submits a job of one task with so many GPUs. Returns its number.
    pub(crate) fn submit(&mut self, path: &str, gpus: u32) -> u32 {
        self.submit_as(path, gpus, |_| {})
    }

    /// The same with more wishes.
    pub(crate) fn submit_as(&mut self, path: &str, gpus: u32, edit: impl FnOnce(&mut JobSpec)) -> u32 {
        self.submit_shape(path, &Shape::uniform(1, TaskRequest::whole_gpus(gpus)), edit)
    }

    /// The same for any gang.
    pub(crate) fn submit_shape(&mut self, path: &str, shape: &Shape, edit: impl FnOnce(&mut JobSpec)) -> u32 {
        let event = self.submission(path, shape, edit);
        self.tell(event);
        self.jobs - 1
    }

    fn submission(&mut self, path: &str, shape: &Shape, edit: impl FnOnce(&mut JobSpec)) -> Event {
        let tenant = self.tenant(path);
        let next = ClassId::new(self.classes.len());
        let class = *self.classes.entry(shape.clone()).or_insert(next);
        if class == next {
            self.tell(Event::ClassDeclared { class, shape: shape.clone() });
        }
        let mut spec = Box::new(JobSpec::plain(class, tenant));
        edit(&mut spec);
        self.jobs += 1;
        Event::Submitted { job: JobId(self.jobs - 1), spec, truth: None }
    }

    /// Submits several jobs at one instant, so that one decision sees them all.
    pub(crate) fn submit_all(&mut self, jobs: &[(&str, u32)]) {
        let shape = |gpus| Shape::uniform(1, TaskRequest::whole_gpus(gpus));
        let events: Vec<Event> = jobs.iter().map(|(path, gpus)| self.submission(path, &shape(*gpus), |_| {})).collect();
        self.tell_all(events);
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, secs: u64) -> &mut Self {
        self.now = self.now + Span(secs * MICROS);
        self.tell(Event::Woke);
        self
    }

    /// A running job finishes.
    pub(crate) fn end(&mut self, job: u32) {
        let run = RunId { job: JobId(job), attempt: self.core.state().job(JobId(job)).attempt };
        self.tell(Event::Ended { run, exit: Exit::Completed, saved: None });
    }

    pub(crate) fn tell(&mut self, event: Event) {
        self.tell_all(vec![event]);
    }

    fn tell_all(&mut self, events: Vec<Event>) {
        let at = self.now;
        let mut batch: Vec<Input> = events.into_iter().map(|event| Input { at, event }).collect();
        let mut orders = Vec::new();
        for _ in 0..STEPS_MAX {
            if batch.is_empty() {
                return;
            }
            batch.sort_by_key(|input| input.event.rank());
            self.core.step(&batch, &mut orders).unwrap();
            self.core.check().unwrap();
            batch.clear();
            for order in orders.drain(..) {
                match order {
                    Command::Launch { run, .. } => {
                        self.started.push(run.job.0);
                        batch.push(Input { at, event: Event::Started { run, rate: Rate::FULL } });
                    }
                    Command::Drain { run, .. } | Command::Kill { run } => {
                        self.preempted.push(run.job.0);
                        let saved = Some(self.core.state().job(run.job).work_done(at));
                        batch.push(Input { at, event: Event::Ended { run, exit: Exit::Stopped, saved } });
                    }
                    _ => {}
                }
            }
        }
        panic!("no end in sight; the last preempted: {:?}", &self.preempted[self.preempted.len().saturating_sub(12)..]);
    }

    /// Jobs that run, by number.
    pub(crate) fn running(&self) -> Vec<u32> {
        let placed = self.core.state().jobs().iter().enumerate().filter(|(_, job)| job.is_placed());
        placed.map(|(at, _)| at as u32).collect()
    }

    /// GPUs that a tenant and all below it have placed.
    pub(crate) fn gpus(&self, path: &str) -> u64 {
        self.core.state().tenants().get(self.tenants[path]).placed.gpu_milli / 1000
    }

    /// Why a job waits.
    pub(crate) fn reason(&self, job: u32) -> Reason {
        self.core.state().reason(JobId(job)).unwrap()
    }

    pub(crate) fn is_waiting(&self, job: u32) -> bool {
        self.core.state().job(JobId(job)).phase == Phase::Ready
    }

    /// Ends what runs until nothing is left; every job must have had its turn.
    pub(crate) fn drain(&mut self) {
        for _ in 0..10_000 {
            let Some(job) = self.running().first().copied() else { break };
            self.wait(1).end(job);
        }
        for (at, job) in self.core.state().jobs().iter().enumerate() {
            assert_eq!(job.outcome(), Some(Outcome::Finished), "j{at}: {:?}", self.core.state().reason(JobId::new(at)));
        }
    }
}
