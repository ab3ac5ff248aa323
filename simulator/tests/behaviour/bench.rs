//! Small traces and their replays.

use std::sync::Arc;

use engine::{Inventory, Outcome, Span, Time, Watch};
use simulator::metrics::Segments;
use simulator::physics::Physics;
use simulator::result::JobRow;
use simulator::run::{RunSpec, replay, run};
use simulator::tenants::TenantTerms;
use simulator::workload::Workload;
use traces::{Trace, TraceJob};

/// A job: submission and work in microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) submit: u64,
    pub(crate) gpus: u32,
    pub(crate) work: u64,
}

/// A job without wishes.
pub(crate) fn job(id: &str, submit: Time, gpu_milli: u32, work: Span) -> TraceJob {
    TraceJob::plain(id, submit, work, gpu_milli)
}

pub(crate) fn trace_of(jobs: Vec<TraceJob>) -> Arc<Trace> {
    Arc::new(Trace { jobs, tenants: vec!["all".to_owned()], ..Trace::default() })
}

/// The trace of `plans`, which are sorted by submission.
pub(crate) fn trace(plans: &[Plan]) -> Arc<Trace> {
    let jobs = plans.iter().enumerate();
    let of = |(at, plan): (usize, &Plan)| job(&at.to_string(), Time(plan.submit), plan.gpus * 1000, Span(plan.work));
    trace_of(jobs.map(of).collect())
}

pub(crate) fn spec<'a>(inventory: &'a Inventory, policy: &str, physics: &'a Physics) -> RunSpec<'a> {
    RunSpec { inventory, policy: policy.to_owned(), physics, load: 1.0, seed: 1, segments: Segments::Off }
}

/// Replays `trace`, in which every job must finish.
pub(crate) fn rows(trace: &Arc<Trace>, inventory: &Inventory, policy: &str, settings: &[&str]) -> Vec<JobRow> {
    let physics = Physics::parse(settings).unwrap();
    let workload = Workload::new(trace, inventory, &TenantTerms::default());
    let replay = replay(&spec(inventory, policy, &physics), &workload).unwrap();
    assert!(replay.jobs.iter().all(|row| row.outcome == Some(Outcome::Finished)));
    replay.jobs
}

/// Finish times in microseconds on one node of `gpus` GPUs.
pub(crate) fn finishes(plans: &[Plan], gpus: u32, policy: &str) -> Vec<u64> {
    rows(&trace(plans), &Inventory::uniform(1, gpus, "GPU"), policy, &[]).iter().map(|row| row.finish.0).collect()
}

/// Replays `trace` under the eyes of `watch`.
pub(crate) fn watched(trace: &Arc<Trace>, inventory: &Inventory, policy: &str, watch: &mut impl Watch) -> engine::Core {
    let physics = Physics::default();
    let workload = Workload::new(trace, inventory, &TenantTerms::default());
    let context = policies::Context { estimates: workload.has_estimates(), seed: 1 };
    let mut core = engine::Core::new(inventory.clone(), policies::build(policy, context).unwrap().policy);
    run(&spec(inventory, policy, &physics), &workload, &mut core, &mut engine::NoRecord, watch).unwrap();
    core
}
