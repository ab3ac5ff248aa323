//! Experiments: policies x loads x seeds, on all cores, with the same results on any number of threads.

use std::sync::{Arc, OnceLock};

use engine::{Inventory, NoRecord};
use policies::Context;
use policies::registry::Registry;
use rayon::prelude::*;
use traces::{Trace, TraceError};

use crate::metrics::Segments;
use crate::physics::Physics;
use crate::result::Replay;
use crate::run::{RunError, RunSpec, replay_with};
use crate::stats::Sampling;
use crate::tenants::TenantTerms;
use crate::workload::Workload;

/// Where the jobs of a seed come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// The same trace for all seeds.
    Fixed(Arc<Trace>),
    /// Whole days of a trace, drawn with replacement (bootstrap).
    Days(Arc<Trace>),
    /// A generator: the text `synthetic:NAME[...]` without a seed of its own.
    Generated(String),
}

impl Source {
    /// The trace that `text` names. A synthetic one that does not name a seed is generated anew for each.
    pub fn named(text: &str) -> Result<Self, TraceError> {
        let text = text.trim();
        let Some(request) = text.strip_prefix("synthetic:") else {
            return Ok(Self::Fixed(Arc::new(replayable(text)?)));
        };
        traces::synthetic::Request::parse(request)?;
        let mut keys = request.split(['[', ',']).map(|pair| pair.split('=').next().unwrap_or(pair).trim());
        if keys.any(|key| key == "seed") {
            Ok(Self::Fixed(Arc::new(replayable(text)?)))
        } else {
            Ok(Self::Generated(text.to_owned()))
        }
    }

    /// The trace of a seed.
    pub fn trace(&self, seed: u64) -> Result<Arc<Trace>, TraceError> {
        match self {
            Self::Fixed(trace) => Ok(trace.clone()),
            Self::Days(trace) => Ok(Arc::new(traces::resample_days(trace, seed))),
            Self::Generated(text) => Ok(Arc::new(traces::load(&seeded(text, seed))?)),
        }
    }
}

/// The trace that `text` names, if it can be replayed.
fn replayable(text: &str) -> Result<Trace, TraceError> {
    let trace = traces::load(text)?;
    trace.check_run_times()?;
    Ok(trace)
}

/// What to compare.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// The jobs.
    pub source: Source,
    /// Another trace whose jobs are to be expected.
    pub expect: Option<Arc<Trace>>,
    /// The cluster.
    pub inventory: Inventory,
    /// What the names of policies mean: the built-in ones, or those of the caller too.
    pub registry: Registry,
    /// What tenants are entitled to.
    pub terms: TenantTerms,
    /// The policies; the first is the baseline.
    pub policies: Vec<String>,
    /// Arrival rates as multiples of the trace's own.
    pub loads: Vec<f64>,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// The physics.
    pub physics: Physics,
    /// Whether to record who held which GPUs when (of the first seed at each load).
    pub segments: Segments,
    /// Threads; 0 for as many as there are cores.
    pub threads: usize,
}

/// Why an experiment failed.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// A trace cannot be made.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// A replay failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Threads cannot be started.
    #[error("cannot start {threads} threads: {message}")]
    Threads {
        /// As many as were asked for.
        threads: usize,
        /// What the system says.
        message: String,
    },
}

/// The results of an experiment.
#[derive(Debug)]
pub struct Outcomes {
    /// Ordered by policy, load, seed.
    pub replays: Vec<Replay>,
    /// The trace of the first seed at the first load.
    pub trace: Arc<Trace>,
    /// Whether seeds are independent samples.
    pub sampling: Sampling,
}

/// One replay to be done.
#[derive(Clone, Copy, Debug)]
struct Item {
    policy: usize,
    load: usize,
    seed: usize,
}

impl Experiment {
    /// Whether seeds change anything; where they do not, one replay says it all.
    pub fn sampling(&self) -> Result<Sampling, RunError> {
        let generated = !matches!(self.source, Source::Fixed(_));
        let mut random = generated || self.physics.is_random();
        for policy in &self.policies {
            random |= self.registry.build(policy, Context::default())?.seeded;
        }
        Ok(if random && self.seeds.len() > 1 { Sampling::Seeds } else { Sampling::OneSample })
    }

    /// The seeds that are worth replaying.
    fn useful_seeds(&self, sampling: Sampling) -> &[u64] {
        match sampling {
            Sampling::Seeds => &self.seeds,
            Sampling::OneSample => &self.seeds[..self.seeds.len().min(1)],
        }
    }

    /// Number of replays.
    pub fn replays(&self) -> Result<usize, RunError> {
        Ok(self.policies.len() * self.loads.len() * self.useful_seeds(self.sampling()?).len())
    }

    /// Runs everything. `progress` is called after each replay, from any thread.
    pub fn run(&self, progress: &(dyn Fn(&Replay) + Sync)) -> Result<Outcomes, ExperimentError> {
        let sampling = self.sampling()?;
        let seeds = self.useful_seeds(sampling);
        let mut items = Vec::new();
        for policy in 0..self.policies.len() {
            for load in 0..self.loads.len() {
                items.extend((0..seeds.len()).map(|seed| Item { policy, load, seed }));
            }
        }
        let samples = Samples { experiment: self, seeds, made: self.cells(seeds.len()) };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads).build();
        let pool = pool.map_err(|e| ExperimentError::Threads { threads: self.threads, message: e.to_string() })?;
        let one = |item: &Item| self.one(&samples, *item).inspect(progress);
        let replays: Result<Vec<Replay>, ExperimentError> = pool.install(|| items.par_iter().map(one).collect());
        Ok(Outcomes { replays: replays?, trace: samples.get(0, 0)?, sampling })
    }

    fn cells(&self, seeds: usize) -> Vec<Cell> {
        (0..self.loads.len() * seeds).map(|_| OnceLock::new()).collect()
    }

    fn one(&self, samples: &Samples<'_>, item: Item) -> Result<Replay, ExperimentError> {
        let trace = samples.get(item.load, item.seed)?;
        let workload =
            Workload::new(&trace, &self.inventory, &self.terms).expecting(self.expect.as_ref(), &self.inventory);
        let spec = RunSpec {
            inventory: &self.inventory,
            policy: self.policies[item.policy].clone(),
            physics: &self.physics,
            load: self.loads[item.load],
            seed: samples.seeds[item.seed],
            segments: if item.seed == 0 { self.segments } else { Segments::Off },
        };
        Ok(replay_with(&self.registry, &spec, &workload, &mut NoRecord)?)
    }
}

type Cell = OnceLock<Result<Arc<Trace>, TraceError>>;

/// Traces by load and seed, each made once.
struct Samples<'a> {
    experiment: &'a Experiment,
    seeds: &'a [u64],
    made: Vec<Cell>,
}

impl Samples<'_> {
    fn get(&self, load: usize, seed: usize) -> Result<Arc<Trace>, TraceError> {
        let cell = &self.made[load * self.seeds.len() + seed];
        cell.get_or_init(|| self.make(self.experiment.loads[load], self.seeds[seed])).clone()
    }

    fn make(&self, load: f64, seed: u64) -> Result<Arc<Trace>, TraceError> {
        let trace = self.experiment.source.trace(seed)?;
        if (load - 1.0).abs() < f64::EPSILON {
            return Ok(trace);
        }
        Ok(Arc::new(traces::scale_load(&trace, load)?))
    }
}

/// `synthetic:NAME[a=1]` with a seed added.
fn seeded(text: &str, seed: u64) -> String {
    match text.strip_suffix(']') {
        Some(open) if open.ends_with('[') => format!("{open}seed={seed}]"),
        Some(open) => format!("{open},seed={seed}]"),
        None => format!("{text}[seed={seed}]"),
    }
}
