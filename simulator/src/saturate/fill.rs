//! One policy, one seed.

use std::time::Instant;

use engine::{Core, Event, JobId, TaskRequest};
use policies::Context;
use policies::fragmentation::COVER_PPM;

use super::measure::Measure;
use super::world::StillWorld;
use super::{Filled, SCHEMA, Saturation, arrivals};
use crate::run::RunError;
use crate::stats::nearest_rank;
use crate::tenants::TenantTerms;
use crate::workload::Workload;

/// Who arrives, in thousandths of a GPU.
struct Arrivals {
    /// Of each job of the trace.
    demand: Vec<u64>,
    /// Of the cluster.
    capacity: u64,
    /// Jobs of the trace as they come.
    order: Vec<usize>,
}

impl Arrivals {
    fn of(asked: &Saturation, seed: u64) -> Self {
        let demand: Vec<u64> = asked.trace.jobs.iter().map(|job| u64::from(job.gpu_milli)).collect();
        let capacity = asked.inventory.gpus() * u64::from(engine::MILLI);
        let order = arrivals(&demand, (capacity as f64 * asked.target) as u64, seed);
        Self { demand, capacity, order }
    }
}

/// Fills the cluster.
pub(super) fn fill(asked: &Saturation, policy: &str, seed: u64) -> Result<Filled, RunError> {
    let started = Instant::now();
    let workload = Workload::new(&asked.trace, &asked.inventory, &TenantTerms::default())
        .expecting(asked.expect.as_ref(), &asked.inventory);
    let Arrivals { demand, capacity, order } = Arrivals::of(asked, seed);
    let built = asked.registry.build(policy, Context { estimates: workload.has_estimates(), seed })?;
    let mix = workload.mix();
    let mut measure = Measure::new(policies::fragmentation::Workload::of(&mix, COVER_PPM), capacity);
    let mut world = StillWorld::new(Core::new(asked.inventory.clone(), built.policy));
    world.declare(workload.declarations().chain([Event::WorkloadDeclared { tasks: mix }]))?;
    let mut arrived = 0;
    for (at, index) in order.iter().enumerate() {
        let job = JobId::new(at);
        world.arrive(job, submission(&workload, *index, job))?;
        arrived += demand[*index];
        measure.look(world.core.state(), arrived);
    }
    world.finish()?;
    let ([allocated, fragmentation, fragmentation_idle], columns) = measure.finish(world.core.state());
    let state = world.core.state();
    let at_100 = columns.at(100);
    let mut latencies_us: Vec<f64> = world.latencies_s.iter().map(|seconds| seconds * 1e6).collect();
    latencies_us.sort_by(f64::total_cmp);
    Ok(Filled {
        schema: SCHEMA,
        trainyard_version: env!("CARGO_PKG_VERSION"),
        policy: built.text,
        seed,
        trace: asked.label.clone(),
        expected: workload.expected().map(str::to_owned),
        cluster_gpus: asked.inventory.gpus(),
        target: asked.target,
        jobs: demand.len() as u64,
        arrived: order.len() as u64,
        arrived_share: arrived as f64 / capacity as f64,
        allocated_share_at_100: at_100.map(|column| column.allocated()),
        bound_share_at_100: None,
        allocated_share_end: allocated,
        fragmentation_share_at_100: at_100.map(|column| column.fragmentation()),
        fragmentation_share_end: fragmentation,
        fragmentation_idle_share_at_100: at_100.map(|column| column.fragmentation_idle()),
        fragmentation_idle_share_end: Some(fragmentation_idle).filter(|share| share.is_finite()),
        failed: world.failed,
        preemptions: state.evictions().len() as u64,
        migrations: state.jobs().iter().map(|job| u64::from(job.migrations)).sum(),
        solves: state.totals().solves.programs,
        solves_failed: state.totals().solves.failed,
        decide_p50_us: nearest_rank(&latencies_us, 0.5).unwrap_or_default(),
        decide_p99_us: nearest_rank(&latencies_us, 0.99).unwrap_or_default(),
        wall_s: started.elapsed().as_secs_f64(),
        columns,
    })
}

/// What no placement of the jobs that arrive up to 100 % can exceed, as a share of all GPUs.
pub(super) fn bound(asked: &Saturation, seed: u64) -> Option<f64> {
    let workload = Workload::new(&asked.trace, &asked.inventory, &TenantTerms::default());
    let Arrivals { demand, capacity, order } = Arrivals::of(asked, seed);
    let mut left = capacity;
    let arrive = |index: &&usize| {
        let comes = left > 0;
        left = left.saturating_sub(demand[**index]);
        comes
    };
    let tasks: Vec<TaskRequest> = order.iter().take_while(arrive).flat_map(|index| workload.tasks_of(*index)).collect();
    super::bound(&asked.inventory, &tasks).ok().map(|milli| milli / capacity as f64)
}

/// The submission of a job of the trace under another number: a job that is drawn again is another job.
fn submission(workload: &Workload<'_>, index: usize, id: JobId) -> Event {
    match workload.submission(index) {
        Event::Submitted { spec, truth, .. } => Event::Submitted { job: id, spec, truth },
        other => other,
    }
}
