//! Filling a cluster to the brim: arrivals without departures (FGD, ATC 2023, section 6).
//!
//! The jobs of a trace arrive one at a time in a random order and never leave; one that does not fit is turned away and
//! not tried again. What is measured is how much of the cluster is allocated, and how fragmented the rest is, when the
//! demand that has arrived is all of the cluster and when it is `target` times that. The scheduler core and the policies are
//! those of every other experiment; only the world differs.

mod arrivals;
mod bound;
mod fill;
mod measure;
mod world;

use std::sync::Arc;

use engine::Inventory;
use policies::registry::Registry;
use rayon::prelude::*;
use serde::Serialize;
use traces::Trace;

pub use self::arrivals::arrivals;
pub use self::bound::bound;
pub use self::measure::{Column, Columns};
use crate::experiment::ExperimentError;
use crate::run::RunError;

/// Version of the JSON.
pub const SCHEMA: u32 = 1;

/// What to fill, with what, and how often.
#[derive(Clone, Debug)]
pub struct Saturation {
    /// The jobs; when they came does not matter, nor how long they ran.
    pub trace: Arc<Trace>,
    /// How it was named.
    pub label: String,
    /// Another trace whose jobs are to be expected.
    pub expect: Option<Arc<Trace>>,
    /// The cluster.
    pub inventory: Inventory,
    /// What the names of policies mean.
    pub registry: Registry,
    /// The policies; the first is the baseline.
    pub policies: Vec<String>,
    /// The seeds: each has an order of arrivals of its own, the same for all policies.
    pub seeds: Vec<u64>,
    /// Jobs are drawn until they demand so many times the GPUs of the cluster.
    pub target: f64,
    /// Whether to compute what no placement can exceed.
    pub bound: Bounded,
    /// Threads; 0 for those of the caller's pool, by default as many as there are cores.
    pub threads: usize,
}

/// Whether a bound is computed beside what policies reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounded {
    /// It is.
    Yes,
    /// It is not.
    No,
}

/// One policy and seed. Shares are of all GPUs of the cluster, 0..1; a figure without meaning is `None` (JSON null).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Filled {
    /// Version of this object.
    pub schema: u32,
    /// Version of the program.
    pub trainyard_version: &'static str,
    /// The policy.
    pub policy: String,
    /// The seed.
    pub seed: u64,
    /// The trace as it was named.
    pub trace: String,
    /// The trace whose jobs were declared as those to expect; `None` where they are the trace's own.
    pub expected: Option<String>,
    /// GPUs of the cluster.
    pub cluster_gpus: u64,
    /// Demand at the end as a multiple of the cluster, as it was asked for.
    pub target: f64,
    /// Jobs of the trace.
    pub jobs: u64,
    /// Jobs that arrived: the trace, and what was drawn from it again.
    pub arrived: u64,
    /// What they demand, as a multiple of the cluster.
    pub arrived_share: f64,
    /// Allocated when the demand that has arrived is 100 % of the cluster: mean over the arrivals at which it rounds to that.
    pub allocated_share_at_100: Option<f64>,
    /// No placement of what has arrived at 100 % allocates more: a linear relaxation ([`bound`]). `None` if it was not asked
    /// for, or the solver failed.
    pub bound_share_at_100: Option<f64>,
    /// Allocated after the last arrival.
    pub allocated_share_end: f64,
    /// F of the tasks that are to be expected over all GPUs, at 100 %.
    pub fragmentation_share_at_100: Option<f64>,
    /// The same after the last arrival.
    pub fragmentation_share_end: f64,
    /// F over idle GPUs, at 100 %.
    pub fragmentation_idle_share_at_100: Option<f64>,
    /// The same after the last arrival; `None` where nothing is idle.
    pub fragmentation_idle_share_end: Option<f64>,
    /// Jobs that did not fit.
    pub failed: u64,
    /// Runs that the policy stopped.
    pub preemptions: u64,
    /// Runs that the policy moved.
    pub migrations: u64,
    /// Programs that the policy gave to a solver.
    pub solves: u64,
    /// Of them, those without an answer that held: the greedy plan ran.
    pub solves_failed: u64,
    /// Median time of a decision in microseconds, over all steps in which a job arrived.
    pub decide_p50_us: f64,
    /// Its 99th percentile.
    pub decide_p99_us: f64,
    /// Seconds that the run took.
    pub wall_s: f64,
    /// By demand that has arrived, in per cent of the cluster.
    #[serde(skip)]
    pub columns: Columns,
}

impl Saturation {
    /// Number of runs.
    pub fn runs(&self) -> usize {
        self.policies.len() * self.seeds.len()
    }

    /// Runs everything, ordered by policy and seed. `progress` is called after each run, from any thread.
    pub fn run(&self, progress: &(dyn Fn(&Filled) + Sync)) -> Result<Vec<Filled>, ExperimentError> {
        let items: Vec<(&String, u64)> =
            self.policies.iter().flat_map(|policy| self.seeds.iter().map(move |seed| (policy, *seed))).collect();
        let one = |(policy, seed): &(&String, u64)| fill::fill(self, policy, *seed).inspect(progress);
        let all = || {
            let mut filled = items.par_iter().map(one).collect::<Result<Vec<_>, _>>()?;
            self.add_bounds(&mut filled);
            Ok::<_, RunError>(filled)
        };
        if self.threads == 0 {
            // In the pool of the caller, so that several of these share the cores.
            return Ok(all()?);
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads).build();
        let pool = pool.map_err(|e| ExperimentError::Threads { threads: self.threads, message: e.to_string() })?;
        Ok(pool.install(all)?)
    }
    /// One bound a seed, which is the same for all policies.
    fn add_bounds(&self, filled: &mut [Filled]) {
        if self.bound == Bounded::Yes {
            let bounds: Vec<Option<f64>> = self.seeds.par_iter().map(|seed| fill::bound(self, *seed)).collect();
            filled.iter_mut().zip(bounds.iter().cycle()).for_each(|(run, bound)| run.bound_share_at_100 = *bound);
        }
    }
}
