//! EASY: with exact estimates and without failures nobody delays the job at the head.
//!
//! Whenever a job is first in the queue, it has a bound: the time at which it would start if from now on nobody else
//! started and running jobs ended at their true ends. The bound is found here by brute force on its own picture of the
//! nodes. The job must start by every bound that it ever had; the first of them is its first reservation. Those who pass it
//! in the step in which it becomes first are left out of its bound: they may not delay it either.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{Core, GpuRequest, Inventory, Job, JobId, MICROS, Phase, Shape, Span, Time, Watch};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use traces::Trace;

use crate::bench::{job, trace_of, watched};

/// Free thousandths of each GPU of each node.
#[derive(Clone)]
struct Nodes(Vec<Vec<u32>>);

impl Nodes {
    fn empty(core: &Core) -> Self {
        Self(core.state().cluster().inventory().nodes.iter().map(|node| vec![1000; node.gpus as usize]).collect())
    }

    fn change(&mut self, job: &Job, change: impl Fn(u32, u32) -> u32) {
        for slice in &job.placement {
            for gpu in slice.gpu_indices() {
                let free = &mut self.0[slice.node.index()][gpu as usize];
                *free = change(*free, u32::from(slice.milli));
            }
        }
    }

    /// Whether a gang fits: tasks of whole nodes first, as [`Shape::gang`] makes them, which decides exactly.
    fn fit(&self, shape: &Shape) -> bool {
        let mut nodes = self.clone();
        let groups = shape.sorted().groups;
        groups
            .iter()
            .all(|group| (0..group.tasks_min).all(|_| nodes.0.iter_mut().any(|node| take(node, group.request.gpus))))
    }
}

fn take(node: &mut [u32], gpus: GpuRequest) -> bool {
    match gpus {
        GpuRequest::Whole(gpus) => {
            let fits = node.iter().filter(|free| **free == 1000).count() >= gpus as usize;
            if fits {
                node.iter_mut().filter(|free| **free == 1000).take(gpus as usize).for_each(|free| *free = 0);
            }
            fits
        }
        GpuRequest::Milli(milli) => node.iter_mut().find(|free| **free >= u32::from(milli)).is_some_and(|free| {
            *free -= u32::from(milli);
            true
        }),
    }
}

/// Keeps the bounds of each job.
struct Bounds<'a> {
    trace: &'a Trace,
    /// The first bound and the least one.
    bounds: BTreeMap<JobId, (Time, Time)>,
}

impl Bounds<'_> {
    fn bound(&self, core: &Core, head: JobId, passed: &[JobId]) -> Time {
        let state = core.state();
        let mut nodes = Nodes::empty(core);
        let mut ends: Vec<(Time, &Job)> = Vec::new();
        for id in state.live().iter().filter(|id| !passed.contains(id)) {
            let job = state.job(*id);
            nodes.change(job, |free, held| free - held);
            ends.push((job.placed + self.trace.jobs[id.index()].duration, job));
        }
        ends.sort_by_key(|(end, _)| *end);
        let shape = &state.class_of(head).shape;
        let mut now = state.now();
        for (end, job) in ends {
            if end > now && nodes.fit(shape) {
                return now;
            }
            now = end;
            nodes.change(job, |free, held| free + held);
        }
        assert!(nodes.fit(shape), "{head} does not fit on an empty cluster");
        now
    }
}

impl Watch for Bounds<'_> {
    fn after(&mut self, core: &Core, _: &[engine::Input], orders: &[engine::Command]) {
        let waits = |job: &Job| job.phase == Phase::Ready;
        if let Some(head) = core.state().jobs().iter().position(waits).map(JobId::new) {
            let passed = orders.iter().filter_map(|order| match order {
                engine::Command::Launch { run, .. } if run.job > head => Some(run.job),
                _ => None,
            });
            let bound = self.bound(core, head, &passed.collect::<Vec<JobId>>());
            let bounds = self.bounds.entry(head).or_insert((bound, bound));
            bounds.1 = bounds.1.min(bound);
        }
    }
}

/// Replays and returns how many jobs had a reservation.
fn check(trace: &Arc<Trace>, inventory: &Inventory, policy: &str) -> usize {
    let mut bounds = Bounds { trace, bounds: BTreeMap::new() };
    let core = watched(trace, inventory, policy, &mut bounds);
    for (id, (first, least)) in &bounds.bounds {
        let start = core.state().job(*id).first_launch;
        assert!(start <= *least, "{id} starts at {start}, could have at {least}; its first reservation was {first}");
    }
    assert!(core.state().jobs().iter().all(|job| job.outcome().is_some()));
    bounds.bounds.len()
}

fn jobs(gpu_millis: &'static [u32]) -> impl Strategy<Value = Vec<(u64, u32, u64)>> {
    let gap = prop_oneof![Just(0u64), 0..5u64, 0..40u64];
    let work = prop_oneof![0..20u64, 10..100u64, 100..400u64];
    prop::collection::vec((gap, prop::sample::select(gpu_millis), work), 2..50)
}

fn exact(jobs: &[(u64, u32, u64)]) -> Arc<Trace> {
    let mut submit = 0;
    let of = |(at, (gap, gpu_milli, secs)): (usize, &(u64, u32, u64))| {
        submit += gap * MICROS;
        let work = Span(secs * MICROS + at as u64 % 3);
        traces::TraceJob {
            details: traces::Details { estimate: Some(work), ..traces::Details::NONE }.into(),
            ..job(&at.to_string(), Time(submit), *gpu_milli, work)
        }
    };
    trace_of(jobs.iter().enumerate().map(of).collect())
}

const ORDERS: [&str; 2] = ["fifo", "sjf"];
const PLACERS: [&str; 6] = ["best-fit", "worst-fit", "first-fit", "pack", "spread", "random"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn on_one_pool_of_gpus(
        jobs in jobs(&[1000, 2000, 3000, 5000, 8000, 12_000]),
        gpus in 12..20u32,
        truth in any::<bool>(),
        order in prop::sample::select(&ORDERS[..]),
    ) {
        let policy = format!("easy[estimates={},order={order}]", word(truth));
        check(&exact(&jobs), &Inventory::uniform(1, gpus, "GPU"), &policy);
    }

    #[test]
    fn on_nodes_with_gangs_of_whole_nodes(
        jobs in jobs(&[1000, 2000, 4000, 4000, 8000, 8000, 11_000, 16_000, 24_000]),
        nodes in 3..6usize,
        truth in any::<bool>(),
        order in prop::sample::select(&ORDERS[..]),
        place in prop::sample::select(&PLACERS[..]),
    ) {
        let policy = format!("easy[estimates={},order={order},place={place}]", word(truth));
        check(&exact(&jobs), &Inventory::uniform(nodes, 8, "GPU"), &policy);
    }

    #[test]
    fn with_parts_of_gpus(
        jobs in jobs(&[300, 500, 700, 1000, 1000, 2000, 4000]),
        nodes in 1..4usize,
        order in prop::sample::select(&ORDERS[..]),
        place in prop::sample::select(&PLACERS[..]),
    ) {
        check(&exact(&jobs), &Inventory::uniform(nodes, 4, "GPU"), &format!("easy[order={order},place={place}]"));
    }
}

fn word(truth: bool) -> &'static str {
    if truth { "true" } else { "users" }
}

#[test]
fn the_cases_have_reservations() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = jobs(&[1000, 4000, 8000, 16_000]);
    let cases = (0..20).map(|_| strategy.new_tree(&mut runner).unwrap().current());
    let reserved: usize = cases.map(|jobs| check(&exact(&jobs), &Inventory::uniform(3, 8, "GPU"), "easy")).sum();
    assert!(reserved > 100, "{reserved}");
}
