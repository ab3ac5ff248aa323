//! A small world for policies that stop runs: launches, restarts, drains, checkpoints, all in whole seconds.

use std::collections::{BTreeMap, BTreeSet};

use engine::{
    ClassId, Command, Core, Event, Exit, Input, Inventory, JobId, JobSpec, MICROS, Rate, RunId, Shape, Span,
    TaskRequest, TenantId, Time,
};
use policies::{Context, build};

/// A job, times in seconds.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) submit: u64,
    pub(crate) gpus: u32,
    pub(crate) work: u64,
    pub(crate) priority: i32,
    pub(crate) preemptible: bool,
    pub(crate) deadline: Option<u64>,
    pub(crate) start_by: Option<u64>,
    /// It reports checkpoints so many seconds after each of its starts.
    pub(crate) saves: Vec<u64>,
}

impl Plan {
    pub(crate) fn new(submit: u64, gpus: u32, work: u64) -> Self {
        let saves = Vec::new();
        Self { submit, gpus, work, priority: 0, preemptible: true, deadline: None, start_by: None, saves }
    }

    pub(crate) fn priority(self, priority: i32) -> Self {
        Self { priority, ..self }
    }

    pub(crate) fn due(self, deadline: u64) -> Self {
        Self { deadline: Some(deadline), ..self }
    }
}

/// What stopping a run costs here.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Costs {
    /// Seconds before a run after the first makes progress.
    pub(crate) restart: u64,
    /// Seconds from the order to stop to the end.
    pub(crate) drain: u64,
}

/// A run, from its launch to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stay {
    pub(crate) run: RunId,
    pub(crate) launched: u64,
    /// When it made progress.
    pub(crate) started: Option<u64>,
}

pub(crate) struct Yard {
    pub(crate) core: Core,
    pub(crate) stays: Vec<Stay>,
    agenda: BTreeMap<u64, Vec<Event>>,
    plans: Vec<Plan>,
    costs: Costs,
    live: BTreeSet<RunId>,
    /// Runs that were told to stop: they save no more.
    stopping: BTreeSet<RunId>,
    /// Work that was safe at the launch of the live run, by job.
    from: BTreeMap<JobId, u64>,
}

fn class_of(gpus: u32) -> Shape {
    Shape::gang(gpus, 4, TaskRequest::whole_gpus(0))
}

impl Yard {
    pub(crate) fn new(inventory: Inventory, policy: &str, plans: &[Plan], costs: Costs) -> Self {
        let built = build(policy, Context { estimates: false, seed: 1 }).unwrap();
        let mut yard = Self {
            core: Core::new(inventory, built.policy),
            stays: Vec::new(),
            agenda: BTreeMap::new(),
            plans: plans.to_vec(),
            costs,
            live: BTreeSet::new(),
            stopping: BTreeSet::new(),
            from: BTreeMap::new(),
        };
        yard.plans.sort_by_key(|plan| plan.submit);
        let tenant = TenantId(0);
        yard.expect(0, Event::TenantDeclared { tenant, name: "t".to_owned(), parent: None, weight_milli: 1000 });
        for gpus in 1..=16 {
            yard.expect(0, Event::ClassDeclared { class: ClassId(gpus - 1), shape: class_of(gpus) });
        }
        for (at, plan) in yard.plans.clone().into_iter().enumerate() {
            let secs = |secs: u64| Time(secs * MICROS);
            let spec = JobSpec {
                priority: plan.priority,
                preemptible: plan.preemptible,
                deadline: plan.deadline.map(secs),
                start_by: plan.start_by.map(secs),
                ..JobSpec::plain(ClassId(plan.gpus - 1), tenant)
            };
            let (job, truth) = (JobId::new(at), Some(Span::secs(plan.work)));
            yard.expect(plan.submit, Event::Submitted { job, spec: Box::new(spec), truth });
        }
        yard
    }

    fn expect(&mut self, at: u64, event: Event) {
        self.agenda.entry(at).or_default().push(event);
    }

    /// Runs to the end.
    pub(crate) fn finish(mut self) -> Self {
        self.run_until(u64::MAX);
        self
    }

    /// Runs until nothing happens up to `end`, that second included.
    pub(crate) fn run_until(&mut self, end: u64) {
        let mut orders = Vec::new();
        while let Some((now, events)) = self.agenda.first_key_value().map(|(at, events)| (*at, events.clone())) {
            if now > end {
                return;
            }
            self.agenda.pop_first();
            let live = events.into_iter().filter(|event| self.is_live(event));
            let mut batch: Vec<Input> = live.map(|event| Input { at: Time(now * MICROS), event }).collect();
            if batch.is_empty() {
                // Only about dead runs: nothing happened.
                continue;
            }
            batch.sort_by_key(|input| input.event.rank());
            for input in &batch {
                if let Event::Ended { run, .. } = input.event {
                    self.live.remove(&run);
                }
            }
            self.core.step(&batch, &mut orders).unwrap();
            self.core.check().unwrap();
            for order in orders.drain(..) {
                self.perform(now, &order);
            }
        }
    }

    fn is_live(&self, event: &Event) -> bool {
        match event {
            Event::Saved { run, .. } => self.live.contains(run) && !self.stopping.contains(run),
            Event::Ended { run, .. } | Event::Started { run, .. } => self.live.contains(run),
            _ => true,
        }
    }

    fn perform(&mut self, now: u64, order: &Command) {
        match order {
            Command::Launch { run, resume_from, .. } => {
                let from = resume_from.0 / MICROS;
                self.live.insert(*run);
                self.from.insert(run.job, from);
                let started = now + if run.attempt > 1 { self.costs.restart } else { 0 };
                let plan = self.plans[run.job.index()].clone();
                self.stays.push(Stay { run: *run, launched: now, started: Some(started) });
                self.expect(started, Event::Started { run: *run, rate: Rate::FULL });
                for save in plan.saves.iter().filter(|save| from + **save < plan.work) {
                    let work = Span::secs(from + save);
                    self.expect(started + save, Event::Saved { run: *run, work });
                }
                let end = started + plan.work - from;
                self.expect(end, Event::Ended { run: *run, exit: Exit::Completed, saved: None });
            }
            Command::Drain { run, .. } => {
                self.stopping.insert(*run);
                let event = Event::Ended { run: *run, exit: Exit::Stopped, saved: None };
                self.expect(now + self.costs.drain, event);
            }
            // The policy may ask for any microsecond; it is woken in the second that it is in, or after.
            Command::Wake { at } => self.expect(at.0.div_ceil(MICROS), Event::Woke),
            _ => {}
        }
    }

    /// When a job ended, in seconds.
    pub(crate) fn ended(&self, job: usize) -> Option<u64> {
        self.core.state().jobs()[job].ended.known().map(|at| at.0 / MICROS)
    }

    /// Evictions as (second, job).
    pub(crate) fn evicted(&self) -> Vec<(u64, u32)> {
        self.core.state().evictions().iter().map(|eviction| (eviction.at.0 / MICROS, eviction.job.0)).collect()
    }
}
