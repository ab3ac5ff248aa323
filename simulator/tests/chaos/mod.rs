//! One random case of the swarm, all of it from one seed.

mod drawn;
mod restless;
mod scores;
mod wishes;

use std::sync::Arc;

use drawn::{bound, moves, policy, stops_for_nothing};
use engine::{
    Amounts, DomainId, Domains, Event, GpuModel, Inventory, JobId, KindId, Level, MICROS, ModelId, NodeId, NodeSpec,
    Policy, PoolId, RetryRule, Shape, Span, TaskGroup, TaskRequest, Terms, Time, UNLIMITED,
};
use policies::Context;
use restless::Restless;
use simulator::physics::Physics;
use simulator::tenants::TenantTerms;
use simulator::workload::Workload;
use simulator::world::Flaw;
use traces::{Details, Trace, TraceJob, Wishes};

/// A small generator of its own (SplitMix64), so that a seed means the same case for ever.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// From `low` to `high`, both included.
    pub(crate) fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.next().is_multiple_of(n)
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[(self.next() % from.len() as u64) as usize].clone()
    }
}

/// One case.
pub(crate) struct Case {
    pub(crate) seed: u64,
    pub(crate) inventory: Inventory,
    pub(crate) trace: Arc<Trace>,
    pub(crate) terms: TenantTerms,
    pub(crate) physics: Physics,
    pub(crate) policy_text: String,
    /// Whether runs are also moved about at random.
    pub(crate) moves: bool,
    /// The bound on preemptions of one job that the policy was given, if it was.
    pub(crate) preemptions_max: Option<u32>,
    pub(crate) faults: Vec<(Time, Event)>,
    pub(crate) flaws: Vec<(JobId, Flaw)>,
    /// Whether a gang may start with fewer tasks than it can use.
    pub(crate) has_elastic: bool,
    shapes: Vec<(usize, Shape)>,
    amendments: Vec<Amendment>,
}

struct Amendment {
    job: usize,
    after: Vec<JobId>,
    retry: RetryRule,
    grace: Span,
    held: bool,
}

impl Case {
    pub(crate) fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let inventory = scores::with_scores(inventory(&mut chance), &mut Chance::new(seed ^ 0x9a1));
        let trace = wishes::with_targets(trace(&mut chance), &mut Chance::new(seed ^ 0x51a));
        let trace = wishes::with_queues(trace, &mut Chance::new(seed ^ 0x0b1));
        let mut trace = scores::with_kinds(trace, &mut Chance::new(seed ^ 0x9a2));
        let mut physics = physics(&mut chance, &mut Chance::new(seed ^ 0x1a0));
        let policy_text = policy(&mut chance);
        if stops_for_nothing(&policy_text) {
            physics = Physics::default();
            trace.jobs.iter_mut().for_each(|job| job.restart = None);
        }
        let trace = Arc::new(trace);
        let mut case = Self {
            seed,
            inventory,
            trace,
            terms: TenantTerms::default(),
            physics,
            preemptions_max: bound(&policy_text),
            moves: moves(&policy_text, &mut Chance::new(seed ^ 0x307)),
            policy_text,
            faults: Vec::new(),
            flaws: Vec::new(),
            has_elastic: false,
            shapes: Vec::new(),
            amendments: Vec::new(),
        };
        case.add_shapes(&mut chance);
        case.add_amendments(&mut chance);
        case.add_faults(&mut chance);
        case.add_terms(&mut chance);
        case
    }

    pub(crate) fn policy(&self) -> Box<dyn Policy> {
        let estimates = self.trace.jobs.iter().any(|job| job.estimate.is_some());
        let policy = policies::build(&self.policy_text, Context { estimates, seed: self.seed }).unwrap().policy;
        if self.moves { Box::new(Restless::new(policy, self.seed)) } else { policy }
    }

    pub(crate) fn amend(&self, workload: &mut Workload<'_>) {
        for (job, shape) in &self.shapes {
            workload.reshape(*job, shape);
        }
        for amendment in &self.amendments {
            workload.amend(amendment.job, |spec| {
                spec.after = amendment.after.iter().copied().collect();
                spec.retry = amendment.retry.clone();
                spec.grace = amendment.grace;
                spec.held = amendment.held;
            });
        }
        let (kinds, mut chance) = (self.kinds().len() as u64, Chance::new(self.seed ^ 0x71c));
        for job in (0..workload.len()).filter(|_| kinds > 0) {
            let kind = chance.within(0, kinds + 1);
            workload.amend(job, |spec| spec.kind = (kind < kinds).then_some(KindId(kind as u32)));
        }
    }

    /// Speeds of kinds of jobs, for two cases in three; what jobs really do is not their business.
    pub(crate) fn kinds(&self) -> Vec<(Time, Event)> {
        let mut chance = Chance::new(self.seed ^ 0x61d);
        let count = if chance.one_in(3) { 0 } else { chance.within(1, 4) as usize };
        let mut speed = |_| chance.pick(&[0, 300_000, 1_000_000, 1_250_000, 6_000_000]);
        let ppm = (0..count).map(|_| self.inventory.models.iter().map(&mut speed).collect());
        let event = |(kind, ppm)| (Time::ZERO, Event::KindDeclared { kind: KindId::new(kind), ppm });
        ppm.enumerate().map(event).collect()
    }

    /// Terms that change at any time; in the end everybody may have the whole cluster.
    fn add_terms(&mut self, chance: &mut Chance) {
        let horizon = self.trace.jobs.last().map_or(0, |job| job.submit.0) + 3600 * MICROS;
        let plain = chance.one_in(3);
        for path in ["a", "a/x", "a/y", "b", "b/z", "c"] {
            if plain || chance.one_in(4) {
                continue;
            }
            self.terms.set(path, terms(chance, &self.inventory));
            for _ in 0..chance.pick(&[0, 0, 1, 3]) {
                let at = Time(chance.within(1, horizon));
                self.terms.set_at(path, at, terms(chance, &self.inventory));
            }
        }
        for path in ["a", "a/x", "a/y", "b", "b/z", "c"] {
            let quota = Some(Amounts::gpus_only(self.inventory.gpus() * 1000));
            self.terms.set_at(path, Time(horizon) + Span::secs(4000), Terms { quota, ..Terms::default() });
        }
    }

    fn add_shapes(&mut self, chance: &mut Chance) {
        for job in 0..self.trace.jobs.len() {
            if !chance.one_in(6) {
                continue;
            }
            let group = |chance: &mut Chance| {
                let tasks_min = chance.within(1, 3) as u32;
                let request = TaskRequest {
                    cpu_milli: chance.within(0, 3) as u32 * 1000,
                    ..TaskRequest::whole_gpus(chance.within(0, 4) as u32)
                };
                TaskGroup { tasks_min, tasks_max: tasks_min + chance.pick(&[0, 0, 2]), request }
            };
            let groups = (0..chance.within(1, 3)).map(|_| group(chance)).collect();
            let required = chance.pick(&[None, None, Some(Level::Rack)]);
            let shape = Shape { groups, required, preferred: chance.pick(&[None, Some(Level::NvlinkDomain)]) };
            self.has_elastic |= shape.groups.iter().any(|group| group.tasks_min < group.tasks_max);
            self.shapes.push((job, shape));
        }
    }

    fn add_amendments(&mut self, chance: &mut Chance) {
        for job in 0..self.trace.jobs.len() {
            let mut after = Vec::new();
            if job > 0 && chance.one_in(5) {
                after.extend((0..chance.within(1, 3)).map(|_| JobId::new(chance.within(0, job as u64 - 1) as usize)));
            }
            let retry = RetryRule {
                failures_max: chance.within(0, 3) as u16,
                node_losses_max: chance.pick(&[u16::MAX, 1]),
                backoff: Span::secs(chance.pick(&[0, 0, 30])),
                ..RetryRule::default()
            };
            let held = chance.one_in(12);
            if held {
                let at = self.trace.jobs[job].submit + Span::secs(chance.within(0, 5000));
                self.faults.push((at, Event::JobReleased { job: JobId::new(job) }));
            }
            self.amendments.push(Amendment { job, after, retry, grace: Span::secs(chance.pick(&[0, 0, 5, 60])), held });
        }
    }

    fn add_faults(&mut self, chance: &mut Chance) {
        let horizon = self.trace.jobs.last().map_or(0, |job| job.submit.0) + 4000 * MICROS;
        let at = |chance: &mut Chance, from: u64| Time(chance.within(from, from.max(horizon)) / MICROS * MICROS);
        for _ in 0..chance.pick(&[0, 0, 3, 10]) {
            let node = NodeId::new(chance.within(0, self.inventory.nodes.len() as u64 - 1) as usize);
            let down = at(chance, 0);
            let up = down + Span::secs(chance.within(1, 3000));
            let drains = chance.one_in(2);
            let (first, second) = if drains {
                (Event::NodeDrained { node }, Event::NodeResumed { node })
            } else {
                (Event::NodeDown { node }, Event::NodeUp { node })
            };
            self.faults.push((down, first));
            self.faults.push((up, second));
            // Outages of one node may overlap and leave it drained: in the end everything is up.
            self.faults.push((Time(horizon) + Span::secs(4000), Event::NodeUp { node }));
        }
        for job in 0..self.trace.jobs.len() {
            let (id, submit) = (JobId::new(job), self.trace.jobs[job].submit.0);
            if chance.one_in(15) {
                self.faults.push((at(chance, submit), Event::Cancelled { job: id }));
            }
            if chance.one_in(12) {
                let held = at(chance, submit);
                self.faults.push((held, Event::JobHeld { job: id }));
                self.faults.push((held + Span::secs(chance.within(0, 2000)), Event::JobReleased { job: id }));
                self.faults.push((Time(horizon) + Span::secs(4000), Event::JobReleased { job: id }));
            }
            if chance.one_in(10) {
                self.faults.push((at(chance, submit), Event::PutFirst { job: id }));
            }
            if chance.one_in(8) {
                let work = self.trace.jobs[job].duration.0;
                let flaw = Flaw { after: Span(chance.within(0, work)), times: chance.within(1, 4) as u32, code: 1 };
                self.flaws.push((id, flaw));
            }
        }
    }
}

/// Random terms; quotas and limits from nothing to more than the cluster.
fn terms(chance: &mut Chance, inventory: &Inventory) -> Terms {
    let gpus = inventory.gpus();
    let amounts = |chance: &mut Chance| Amounts {
        gpu_milli: chance.within(0, gpus * 5 / 4) * 1000,
        cpu_milli: if chance.one_in(4) { chance.within(0, 64) * 1000 } else { u64::MAX },
        memory_mib: if chance.one_in(8) { chance.within(0, 64) * 1024 } else { u64::MAX },
    };
    let maybe = |chance: &mut Chance, n: u64| chance.one_in(n).then(|| amounts(chance));
    Terms {
        weight_milli: chance.pick(&[1, 500, 1000, 1000, 3000]),
        quota: if chance.one_in(4) { None } else { Some(amounts(chance)) },
        borrow: maybe(chance, 3),
        lend: maybe(chance, 3),
        limit: maybe(chance, 5),
        priority: chance.pick(&[0, 0, 1, -3]),
    }
}

fn inventory(chance: &mut Chance) -> Inventory {
    let models = chance.within(1, 3) as usize;
    let nodes = chance.within(1, 12) as usize;
    let limited = chance.one_in(3);
    let sizes: &[u32] = chance.pick(&[&[8][..], &[4, 8], &[1, 2, 4, 8], &[3, 70], &[8, 8, 0]]);
    let node = |index: usize, chance: &mut Chance| {
        let gpus = if index == 0 { sizes[0] } else { chance.pick(sizes) };
        NodeSpec {
            name: format!("node-{index}"),
            gpus,
            model: ModelId::new(if gpus == 0 { 0 } else { index % models }),
            cpu_milli: if limited { 16_000 } else { UNLIMITED },
            memory_mib: if limited { 65_536 } else { UNLIMITED },
            pool: PoolId(0),
            domains: Domains([Some(DomainId::new(index / 2)), Some(DomainId::new(100 + index / 4)), None]),
        }
    };
    Inventory {
        models: (0..models).map(|m| GpuModel { name: format!("M{m}"), memory_mib: 0, price_per_hour: None }).collect(),
        pools: vec!["default".to_owned()],
        domains: (0..104).map(|d| (format!("d{d}"), if d < 100 { Level::NvlinkDomain } else { Level::Rack })).collect(),
        nodes: (0..nodes).map(|index| node(index, chance)).collect(),
        variability: Vec::new(),
    }
}

fn trace(chance: &mut Chance) -> Trace {
    let jobs = chance.within(1, 60) as usize;
    let gap = chance.pick(&[0, 5, 60, 400]);
    let estimates = chance.one_in(2);
    let mut now = 0;
    let job = |index: usize, chance: &mut Chance| {
        now += chance.within(0, gap);
        let duration = chance.pick(&[0, 1, 60, 600, 3600]) * chance.within(0, 10) / 5;
        let estimate = estimates.then(|| Span::secs(duration * chance.within(1, 20) / 10 + chance.pick(&[0, 60])));
        TraceJob {
            id: index.to_string().into(),
            submit: Time(now * MICROS),
            duration: Span(duration * MICROS + chance.pick(&[0, 0, 1, 333_333])),
            gpu_milli: chance.pick(&[0, 250, 500, 700, 1000, 1000, 1000, 2000, 4000, 8000, 11_000, 16_000]),
            tenant: chance.within(0, 3) as u32,
            priority: chance.pick(&[0, 0, 0, 1, 5, -2]),
            preemptible: !chance.one_in(8),
            details: Details {
                cpu_milli: chance.pick(&[0, 0, 2000, 8000]),
                memory_mib: chance.pick(&[0, 0, 4096]),
                models: chance.pick(&[None, None, None, Some(0)]),
                estimate: estimate.filter(|_| !chance.one_in(10)),
                steps: (!chance.one_in(4)).then(|| chance.within(1, 5000)),
                wishes: Wishes {
                    time_limit: chance.one_in(10).then(|| Span::secs(chance.within(1, 2000))),
                    ..Wishes::NONE
                }
                .into(),
                ..Details::NONE
            }
            .into(),
            ..TraceJob::plain("", Time::ZERO, Span::ZERO, 0)
        }
    };
    Trace {
        source: "swarm".to_owned(),
        jobs: (0..jobs).scan(job, |job, index| Some(job(index, chance))).collect(),
        tenants: ["a/x", "a/y", "b/z", "c"].map(str::to_owned).to_vec(),
        model_sets: vec![vec!["M0".to_owned(), "M1".to_owned()]],
        ..Trace::default()
    }
}

/// Random physics; what came later is drawn from chance of its own.
fn physics(chance: &mut Chance, later: &mut Chance) -> Physics {
    let mut settings = Vec::new();
    if later.one_in(4) {
        settings.push(format!("launch_s={}", later.pick(&["0.25", "3", "45"])));
    }
    for (key, values) in [
        ("restart_s", &["30", "7", "1:7+8:30+60"][..]),
        ("restart_owed", &["true"]),
        ("restart_at", &["stop"]),
        ("checkpoint_s", &["600", "never", "1"]),
        ("preempt_saves", &["false"]),
        ("drain_s", &["10", "90"]),
        ("spread_penalty", &["0.3"]),
        ("end_notice_s", &["1", "20"]),
        ("end_round_s", &["60", "300"]),
        ("round_s", &["120", "360"]),
        ("round_steps", &["true"]),
        ("save_s", &["5", "40"]),
    ] {
        if chance.one_in(3) {
            settings.push(format!("{key}={}", chance.pick(values)));
        }
    }
    Physics::parse(&settings).unwrap()
}
