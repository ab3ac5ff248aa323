//! A closed world: as soon as a job ends another one is submitted, so that the queue keeps its length for ever.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use engine::{
    ClassId, Command, Core, Event, Exit, Fault, Input, Inventory, JobId, JobSpec, RunId, Shape, Span, TaskRequest,
    TenantId, Time, World,
};

use super::{SIZES, kind, mix, unit};

/// Steps until nothing changes any more on the largest cluster: the same on all, so that all are as old.
const SETTLING_STEPS: usize = 250_000;

#[derive(Clone, Copy)]
struct Live {
    attempt: u32,
    from: Span,
    since: Time,
}

/// The world.
pub(crate) struct Closed {
    declared: bool,
    jobs: u32,
    /// Jobs to submit at the start.
    initial: u32,
    heap: BinaryHeap<Reverse<(Time, Todo)>>,
    facts: Vec<Input>,
    live: Vec<Live>,
    work: Vec<Span>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Todo {
    Finish(RunId),
    Submit,
}

impl Closed {
    /// A world that starts with `initial` jobs.
    pub(crate) fn new(initial: u32) -> Self {
        Self {
            declared: false,
            jobs: 0,
            initial,
            heap: BinaryHeap::new(),
            facts: Vec::new(),
            live: Vec::new(),
            work: Vec::new(),
        }
    }

    fn submit(&mut self, at: Time, batch: &mut Vec<Input>) {
        let id = JobId(self.jobs);
        let seed = u64::from(self.jobs) * 4;
        let class = kind(mix(seed));
        // Log-uniform from 1 minute to 28 hours.
        let work = Span((60e6 * (100_000.0f64 / 60.0).powf(unit(seed + 1))) as u64);
        let spec = JobSpec::plain(ClassId::new(class), TenantId(0));
        batch.push(Input { at, event: Event::Submitted { job: id, spec: Box::new(spec), truth: Some(work) } });
        self.live.push(Live { attempt: 0, from: Span::ZERO, since: Time::NEVER });
        self.work.push(work);
        self.jobs += 1;
    }

    fn declare(&mut self, batch: &mut Vec<Input>) {
        let at = Time::ZERO;
        for (class, (size, _)) in SIZES.iter().enumerate() {
            let shape = Shape::gang(*size, 8, TaskRequest::whole_gpus(0));
            batch.push(Input { at, event: Event::ClassDeclared { class: ClassId::new(class), shape } });
        }
        let name = "all".to_owned();
        batch.push(Input {
            at,
            event: Event::TenantDeclared { tenant: TenantId(0), name, parent: None, weight_milli: 1000 },
        });
        for _ in 0..self.initial {
            self.submit(at, batch);
        }
    }
}

impl World for Closed {
    type Error = Fault;

    fn next(&mut self, batch: &mut Vec<Input>) -> Result<bool, Fault> {
        if !self.declared {
            self.declared = true;
            self.declare(batch);
            return Ok(true);
        }
        if !self.facts.is_empty() {
            batch.append(&mut self.facts);
            return Ok(true);
        }
        while let Some(Reverse((at, todo))) = self.heap.pop() {
            match todo {
                Todo::Submit => self.submit(at, batch),
                Todo::Finish(run) if self.live[run.job.index()].attempt == run.attempt => {
                    self.live[run.job.index()].attempt = 0;
                    let saved = Some(self.work[run.job.index()]);
                    batch.push(Input { at, event: Event::Ended { run, exit: Exit::Completed, saved } });
                    self.heap.push(Reverse((at + Span(1), Todo::Submit)));
                }
                Todo::Finish(_) => continue,
            }
            return Ok(true);
        }
        Ok(false)
    }

    fn perform(&mut self, now: Time, command: &Command) -> Result<(), Fault> {
        match command {
            Command::Launch { run, resume_from, .. } => {
                let at = run.job.index();
                self.live[at] = Live { attempt: run.attempt, from: *resume_from, since: now };
                self.heap.push(Reverse((now + (self.work[at] - *resume_from), Todo::Finish(*run))));
                self.facts.push(Input { at: now, event: Event::Started { run: *run, rate: engine::Rate::FULL } });
            }
            Command::Drain { run, .. } => {
                let live = &mut self.live[run.job.index()];
                live.attempt = 0;
                let saved = Some(live.from + now.since(live.since));
                self.facts.push(Input { at: now, event: Event::Ended { run: *run, exit: Exit::Stopped, saved } });
            }
            _ => {}
        }
        Ok(())
    }
}

/// A core in its steady state with about `queued` waiting jobs.
pub(crate) struct Steady {
    core: Core,
    world: Closed,
    batch: Vec<Input>,
    commands: Vec<Command>,
}

impl Steady {
    /// Fills `nodes` x 8 GPUs and a queue, and lets everything settle.
    pub(crate) fn new(nodes: usize, queued: u32, policy: &str) -> Self {
        let built = policies::build(policy, policies::Context::default()).expect("a policy of the registry");
        let core = Core::new(Inventory::uniform(nodes, 8, "GPU"), built.policy);
        // A mean gang of 2.26 GPUs fills the cluster with nodes * 8 / 2.26 jobs.
        let initial = (nodes as f64 * 8.0 / 2.26) as u32 + queued;
        let mut steady = Self { core, world: Closed::new(initial), batch: Vec::new(), commands: Vec::new() };
        for _ in 0..SETTLING_STEPS {
            steady.step();
        }
        steady
    }

    /// One batch of facts through the core; how long the core took.
    pub(crate) fn step(&mut self) -> std::time::Duration {
        self.batch.clear();
        self.world.next(&mut self.batch).expect("a world without faults");
        if self.batch.len() > 1 {
            self.batch.sort_by_key(|input| input.event.rank());
        }
        let started = Instant::now();
        self.core.step(&self.batch, &mut self.commands).expect("a world without faults");
        let took = started.elapsed();
        let now = self.core.state().now();
        for command in self.commands.drain(..) {
            self.world.perform(now, &command).expect("a world without faults");
        }
        took
    }

    /// Waiting jobs.
    pub(crate) fn queued(&self) -> u64 {
        self.core.state().totals().ready
    }

    /// Median, 99th percentile and mean of `steps` steps, in microseconds.
    pub(crate) fn percentiles(&mut self, steps: usize) -> (f64, f64, f64) {
        let mut took: Vec<f64> = (0..steps).map(|_| self.step().as_nanos() as f64 / 1000.0).collect();
        took.sort_by(f64::total_cmp);
        let mean = took.iter().sum::<f64>() / steps as f64;
        (took[steps / 2], took[steps * 99 / 100], mean)
    }
}
