//! A cluster that is three quarters full, with the jobs of an openb-like mix coming and going, under one placer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::{Command, Core, Event, Exit, Input, Inventory, JobId, MICROS, Rate, RunId, Span, Time};
use policies::Context;
use simulator::tenants::TenantTerms;
use simulator::workload::Workload;
use traces::{Details, Trace, TraceJob};

use super::mix;

/// Thousandths of a GPU of the kinds of jobs: a third are parts, some are gangs on a node.
const SIZES: [u32; 10] = [1000, 500, 1000, 250, 1000, 100, 2000, 810, 8000, 0];
/// Kinds of jobs: so many typical tasks has `default` of openb.
const KINDS: u64 = 35;

/// The jobs: the first 35 are all kinds.
pub(crate) fn jobs(count: u64) -> Arc<Trace> {
    let job = |at: u64| {
        let kind = if at < KINDS { at } else { mix(at) % KINDS };
        let mut job = TraceJob::plain(at.to_string(), Time(0), Span::secs(1), SIZES[(kind % 10) as usize]);
        let cpu_milli = 1000 * (1 + mix(kind) % 12) as u32;
        job.details = Details { cpu_milli, memory_mib: 4096, ..Details::NONE }.into();
        job
    };
    Arc::new(Trace { jobs: (0..count).map(job).collect(), tenants: vec!["all".to_owned()], ..Trace::default() })
}

/// Nodes of 8 GPUs and 96 cores.
pub(crate) fn inventory(nodes: usize) -> Inventory {
    let mut inventory = Inventory::uniform(nodes, 8, "GPU");
    for node in &mut inventory.nodes {
        (node.cpu_milli, node.memory_mib) = (96_000, 768_000);
    }
    inventory
}

/// A core that is told of one job after the other.
pub(crate) struct Churn {
    core: Core,
    submissions: Vec<Event>,
    now: Time,
    orders: Vec<Command>,
    running: VecDeque<RunId>,
    /// GPU that may be held, in thousandths.
    most: u64,
    next: usize,
}

impl Churn {
    pub(crate) fn new(nodes: usize, policy: &str) -> Self {
        let (inventory, trace) = (inventory(nodes), jobs(4000));
        let workload = Workload::new(&trace, &inventory, &TenantTerms::default());
        let built = policies::build(policy, Context { estimates: false, seed: 1 }).expect("a known policy");
        let declared = workload.declarations().chain([Event::WorkloadDeclared { tasks: workload.mix() }]);
        let batch: Vec<Input> = declared.map(|event| Input { at: Time(0), event }).collect();
        let mut brim = Self {
            core: Core::new(inventory.clone(), built.policy),
            submissions: (0..trace.jobs.len()).map(|at| workload.submission(at)).collect(),
            now: Time(0),
            orders: Vec::new(),
            running: VecDeque::new(),
            most: inventory.gpus() * 750,
            next: 0,
        };
        brim.tell(&batch);
        while brim.core.state().totals().held_milli < brim.most {
            brim.step();
        }
        brim
    }

    /// The oldest jobs end until there is room, then a job arrives: the time of its step.
    pub(crate) fn step(&mut self) -> Duration {
        self.now = Time(self.now.0 + MICROS);
        while self.core.state().totals().held_milli >= self.most {
            let Some(run) = self.running.pop_front() else { break };
            self.tell(&[Input { at: self.now, event: Event::Ended { run, exit: Exit::Completed, saved: None } }]);
        }
        let Event::Submitted { spec, truth, .. } = self.submissions[self.next % self.submissions.len()].clone() else {
            return Duration::ZERO;
        };
        let event = Event::Submitted { job: JobId::new(self.next), spec, truth };
        self.next += 1;
        let batch = [Input { at: self.now, event }];
        let started = Instant::now();
        self.core.step(&batch, &mut self.orders).expect("a job that is new");
        let took = started.elapsed();
        self.perform();
        took
    }

    fn tell(&mut self, batch: &[Input]) {
        self.core.step(batch, &mut self.orders).expect("facts that fit");
        self.perform();
    }

    /// Launches make progress at once.
    fn perform(&mut self) {
        let launched: Vec<RunId> = self
            .orders
            .drain(..)
            .filter_map(|order| if let Command::Launch { run, .. } = order { Some(run) } else { None })
            .collect();
        for run in launched {
            self.running.push_back(run);
            self.tell(&[Input { at: self.now, event: Event::Started { run, rate: Rate::FULL } }]);
        }
    }
}
