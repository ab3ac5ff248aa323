//! One replay: one workload, policy, load and seed.

use std::collections::BTreeMap;
use std::time::Instant;

use engine::{Core, Fault, Inventory, NoRecord, Record, Time, Watch, drive};
use policies::registry::Registry;
use policies::{Context, PolicyError};
use traces::TraceError;

use crate::metrics::{Recorder, Segments};
use crate::physics::Physics;
use crate::result::Replay;
use crate::summary::summarise;
use crate::targets;
use crate::workload::Workload;
use crate::world::SimWorld;

/// What to replay.
#[derive(Clone, Debug)]
pub struct RunSpec<'a> {
    /// The cluster.
    pub inventory: &'a Inventory,
    /// The policy as `name[key=value,...]`.
    pub policy: String,
    /// The physics.
    pub physics: &'a Physics,
    /// Load, for the record: the workload is already scaled.
    pub load: f64,
    /// Seed of failures and of policies that draw by lot.
    pub seed: u64,
    /// Whether to record who held which GPUs when.
    pub segments: Segments,
}

/// Replays `workload`.
pub fn replay(spec: &RunSpec<'_>, workload: &Workload<'_>) -> Result<Replay, RunError> {
    replay_recorded(spec, workload, &mut NoRecord)
}

/// Replays `workload` and writes a journal.
pub fn replay_recorded<R: Record>(
    spec: &RunSpec<'_>,
    workload: &Workload<'_>,
    record: &mut R,
) -> Result<Replay, RunError>
where
    RunError: From<R::Error>,
{
    replay_with(&Registry::default(), spec, workload, record)
}

/// Replays `workload` under a policy of `registry`, which may hold more than the built-in ones, and writes a journal.
pub fn replay_with<R: Record>(
    registry: &Registry,
    spec: &RunSpec<'_>,
    workload: &Workload<'_>,
    record: &mut R,
) -> Result<Replay, RunError>
where
    RunError: From<R::Error>,
{
    let built = registry.build(&spec.policy, Context { estimates: workload.has_estimates(), seed: spec.seed })?;
    let started = Instant::now();
    let mut core = Core::new(spec.inventory.clone(), built.policy);
    let mut recorder = Recorder::new(workload, spec.inventory, spec.segments);
    let unprofiled = run(spec, workload, &mut core, record, &mut recorder)?;
    let seen = recorder.finish(&core);
    let mut summary = summarise(spec, &core, workload, &seen);
    summary.wall_s = started.elapsed().as_secs_f64();
    let trace = workload.trace().clone();
    let evictions = targets::evictions(&core);
    Ok(Replay { summary, trace, jobs: seen.rows, series: seen.series, segments: seen.segments, evictions, unprofiled })
}

/// Drives `core` through the workload to the end. Returns the launches that a table of throughput said nothing about, by
/// cause.
pub fn run<R: Record>(
    spec: &RunSpec<'_>,
    workload: &Workload<'_>,
    core: &mut Core,
    record: &mut R,
    watch: &mut impl Watch,
) -> Result<BTreeMap<&'static str, u64>, RunError>
where
    RunError: From<R::Error>,
{
    let mut world = SimWorld::new(workload, spec.physics, spec.inventory, spec.seed)?;
    if core.expects_workload() {
        world.declare_workload();
    }
    drive(core, &mut world, record, watch)?;
    Ok(world.unprofiled().clone())
}

/// Why a replay failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The policy cannot be built.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The tables of throughput do not go with the trace.
    #[error(transparent)]
    Throughput(#[from] TraceError),
    /// The journal cannot be written.
    #[error("cannot write the journal: {0}")]
    Journal(#[from] std::io::Error),
    /// A policy keeps giving orders in a world without time: a defect of the policy.
    #[error("the policy does not come to rest: {rounds} rounds of orders at {:.0} s", at.secs_f64())]
    Restless {
        /// Rounds that were waited for.
        rounds: u32,
        /// In which instant.
        at: Time,
    },
    /// The simulated world contradicted itself: a defect of Trainyard.
    #[error("the simulation contradicted itself: {0}")]
    Fault(#[from] Fault),
}
