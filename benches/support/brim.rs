//! openb's cluster filled to the brim, decision by decision: its public lists, or a cluster and jobs like them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use engine::topology::Domains;
use engine::{
    ClassId, Command, Core, Event, Exit, GpuModel, GpuRequest, Input, Inventory, JobId, JobSpec, MILLI, ModelId,
    ModelSet, NodeSpec, Phase, PoolId, Rate, Shape, TaskRequest, TenantId, Time, UNLIMITED,
};
use policies::Context;

use super::mix;

/// Kinds of nodes: how many, CPUs, GPUs of each, model. As many as openb has, nearly.
const NODES: [(usize, u32, u32, &str); 8] = [
    (549, 96, 8, "G2"),
    (404, 104, 2, "T4"),
    (107, 16, 2, "P100"),
    (39, 128, 8, "G3"),
    (37, 32, 4, "V100M16"),
    (28, 96, 8, "V100M32"),
    (27, 64, 2, "P100"),
    (22, 8, 1, "V100M16"),
];
/// Kinds of jobs: share in percent, CPU in thousandths, GPU in thousandths.
const JOBS: [(u64, u32, u32); 12] = [
    (13, 3_152, 810),
    (12, 11_300, 1000),
    (11, 11_400, 1000),
    (7, 3_152, 1000),
    (8, 11_908, 470),
    (8, 12_500, 0),
    (8, 8_000, 470),
    (8, 32_000, 0),
    (10, 11_908, 650),
    (9, 9_810, 1000),
    (4, 24_000, 2000),
    (2, 64_000, 8000),
];

/// A cluster, and jobs of which some fill it.
pub(crate) struct Brim {
    pub(crate) inventory: Inventory,
    pub(crate) source: &'static str,
    jobs: Vec<TaskRequest>,
}

/// What the decisions of one policy took, and what they came to.
pub(crate) struct Decisions {
    /// From the fastest to the slowest.
    pub(crate) took: Vec<Duration>,
    /// Allocated GPU, of all.
    pub(crate) allocated: f64,
    pub(crate) programs: u64,
    pub(crate) moves: u64,
}

impl Decisions {
    /// The decision that is slower than this share of them, in milliseconds.
    pub(crate) fn ms(&self, share: f64) -> f64 {
        self.took[((self.took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3
    }
}

/// The fields of each row of a list, without its head.
fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).expect("one of openb's lists");
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn number(field: &str) -> u32 {
    field.parse().expect("a number in one of openb's lists")
}

fn gpus(milli: u32) -> GpuRequest {
    if milli == 0 || milli >= MILLI { GpuRequest::Whole(milli / MILLI) } else { GpuRequest::Milli(milli as u16) }
}

/// Adds a node of so many CPUs in thousandths, so much memory and so many GPUs.
fn add_node(inventory: &mut Inventory, [cpu_milli, memory_mib, gpus]: [u32; 3], model: &str) {
    let known = inventory.models.iter().position(|known| known.name == model);
    if known.is_none() {
        inventory.models.push(GpuModel { name: model.to_owned(), memory_mib: 0, price_per_hour: None });
    }
    inventory.nodes.push(NodeSpec {
        name: inventory.nodes.len().to_string(),
        gpus,
        model: ModelId::new(known.unwrap_or(inventory.models.len() - 1)),
        cpu_milli,
        memory_mib,
        pool: PoolId::new(0),
        domains: Domains::default(),
    });
}

impl Brim {
    /// openb's lists in the folder that `TRAINYARD_DATA` names, else a cluster and jobs like them.
    pub(crate) fn load() -> Self {
        let Some(folder) = std::env::var_os("TRAINYARD_DATA") else { return Self::generated() };
        let folder = Path::new(&folder).join("traces/openb2023");
        let mut inventory = Inventory { pools: vec!["default".to_owned()], ..Inventory::default() };
        for row in rows(&folder.join("openb_node_list_gpu_node.csv")) {
            add_node(&mut inventory, [1, 2, 3].map(|field| number(&row[field])), &row[4]);
        }
        let job = |row: &Vec<String>| {
            let [cpu_milli, memory_mib, count, milli] = [1, 2, 3, 4].map(|field| number(&row[field]));
            let name = row.get(5).filter(|name| !name.is_empty() && count > 0);
            let with = |set: ModelSet, name: &str| set.with(inventory.model(name).expect("a model of some node"));
            let models = name.map_or(ModelSet::ANY, |names| names.split('|').fold(ModelSet::NONE, with));
            TaskRequest { gpus: gpus(count * milli), cpu_milli, memory_mib, models }
        };
        let jobs = rows(&folder.join("openb_pod_list_default.csv")).iter().map(job).collect();
        Self { inventory, jobs, source: "openb, default list" }
    }

    /// 1,213 nodes and 8,000 jobs.
    pub(crate) fn generated() -> Self {
        let mut inventory = Inventory { pools: vec!["default".to_owned()], ..Inventory::default() };
        for (count, cpus, gpus, model) in NODES {
            (0..count).for_each(|_| add_node(&mut inventory, [cpus * 1000, UNLIMITED, gpus], model));
        }
        let job = |at: u64| {
            let mut lot = mix(at) % 100;
            let kind = JOBS.iter().find(|(share, ..)| {
                let here = lot < *share;
                lot = lot.saturating_sub(*share);
                here
            });
            let (_, cpu_milli, milli) = *kind.unwrap_or(&JOBS[0]);
            TaskRequest { gpus: gpus(milli), cpu_milli, memory_mib: 0, models: ModelSet::ANY }
        };
        Self { inventory, jobs: (0..8_000).map(job).collect(), source: "generated, like openb" }
    }

    /// All jobs by lot, then jobs drawn again, until they ask for so many thousandths of a GPU.
    fn arrivals(&self, seed: u64, most: u64) -> Vec<TaskRequest> {
        let mut order: Vec<usize> = (0..self.jobs.len()).collect();
        order.sort_by_key(|at| mix(seed << 32 | *at as u64));
        let again = (0..).map(|at| (mix(seed << 32 | 1 << 24 | at) % self.jobs.len() as u64) as usize);
        let mut sum = 0;
        let asked = order.into_iter().chain(again).map(|at| self.jobs[at]);
        let fits = |task: &TaskRequest| {
            sum += task.gpus.milli();
            sum <= most
        };
        asked.take_while(fits).collect()
    }

    /// Jobs arrive one by one and never leave, until they have asked for 130 % of the GPUs.
    pub(crate) fn fill(&self, policy: &str, seed: u64) -> Decisions {
        let mut tasks: BTreeMap<TaskRequest, u64> = BTreeMap::new();
        self.jobs.iter().for_each(|task| *tasks.entry(*task).or_default() += 1);
        let classes: Vec<TaskRequest> = tasks.keys().copied().collect();
        let (tenant, name) = (TenantId(0), "all".to_owned());
        let mut known = vec![Event::TenantDeclared { tenant, name, parent: None, weight_milli: 1000 }];
        let declared = |(at, task): (usize, &TaskRequest)| Event::ClassDeclared {
            class: ClassId::new(at),
            shape: Shape::uniform(1, *task),
        };
        known.extend(classes.iter().enumerate().map(declared));
        known.push(Event::WorkloadDeclared { tasks: tasks.into_iter().collect() });
        let built = policies::build(policy, Context { seed, ..Context::default() }).expect("a policy of the registry");
        let mut core = Core::new(self.inventory.clone(), built.policy);
        tell(&mut core, Time::ZERO, known);
        let (all, mut took) = (self.inventory.gpus() * 1000, Vec::new());
        for (at, task) in self.arrivals(seed, all * 13 / 10).iter().enumerate() {
            let class = ClassId::new(classes.binary_search(task).expect("a class of its own"));
            let (job, now, spec) = (JobId::new(at), Time(at as u64), Box::new(JobSpec::plain(class, tenant)));
            took.push(tell(&mut core, now, vec![Event::Submitted { job, spec, truth: None }]));
            if core.state().job(job).phase == Phase::Ready {
                tell(&mut core, now, vec![Event::Cancelled { job }]);
            }
        }
        took.sort_unstable();
        let state = core.state();
        Decisions {
            took,
            allocated: (all - state.cluster().free_gpu_milli()) as f64 / all as f64,
            programs: state.totals().solves.programs,
            moves: state.jobs().iter().map(|job| u64::from(job.migrations)).sum(),
        }
    }
}

/// Tells facts; orders are carried out at once. How long the core took for the facts, not for what followed.
pub(crate) fn tell(core: &mut Core, at: Time, events: Vec<Event>) -> Duration {
    let mut batch: Vec<Input> = events.into_iter().map(|event| Input { at, event }).collect();
    let (mut orders, mut first) = (Vec::new(), None);
    while !batch.is_empty() {
        let started = Instant::now();
        core.step(&batch, &mut orders).expect("a world without faults");
        first.get_or_insert(started.elapsed());
        batch.clear();
        for order in orders.drain(..) {
            let event = match order {
                Command::Launch { run, .. } => Event::Started { run, rate: Rate::FULL },
                Command::Drain { run, .. } | Command::Kill { run } => {
                    Event::Ended { run, exit: Exit::Stopped, saved: Some(engine::Span::ZERO) }
                }
                _ => continue,
            };
            batch.push(Input { at, event });
        }
    }
    first.unwrap_or_default()
}
