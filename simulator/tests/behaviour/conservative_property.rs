//! Conservative backfill: no reservation ever moves later, and on one pool of GPUs the starts are those of a textbook
//! scheduler that makes its profile anew at every event.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{Core, Inventory, JobId, MICROS, Phase, Reason, Span, Time, Watch};
use proptest::prelude::*;
use traces::Trace;

use crate::bench::{job, trace_of, watched};

/// A job: gap to the one before (s), GPUs in thousandths, estimate (s), share of it that it really runs (tenths).
type Plan = (u64, u32, u64, u64);

fn plans(gpu_millis: &'static [u32]) -> impl Strategy<Value = Vec<Plan>> {
    let gap = prop_oneof![Just(0u64), 0..5u64, 0..40u64];
    let estimate = prop_oneof![1..20u64, 10..100u64, 100..400u64];
    let share = prop_oneof![Just(10u64), 1..=10u64];
    prop::collection::vec((gap, prop::sample::select(gpu_millis), estimate, share), 2..50)
}

fn trace(plans: &[Plan]) -> Arc<Trace> {
    let mut submit = 0;
    let of = |(at, (gap, gpu_milli, secs, share)): (usize, &Plan)| {
        submit += gap * MICROS;
        let estimate = secs * MICROS + at as u64 % 3;
        traces::TraceJob {
            details: traces::Details { estimate: Some(Span(estimate)), ..traces::Details::NONE }.into(),
            ..job(&at.to_string(), Time(submit), *gpu_milli, Span(estimate * share / 10))
        }
    };
    trace_of(plans.iter().enumerate().map(of).collect())
}

/// Holds every reservation against those that the same job had before.
#[derive(Default)]
struct Promises {
    least: BTreeMap<JobId, Time>,
    moved: usize,
}

impl Watch for Promises {
    fn after(&mut self, core: &Core, _: &[engine::Input], _: &[engine::Command]) {
        for (index, job) in core.state().jobs().iter().enumerate() {
            let id = JobId::new(index);
            match core.state().reason(id) {
                Some(Reason::Reserved { start }) if job.phase == Phase::Ready => {
                    let least = self.least.entry(id).or_insert(start);
                    assert!(start <= *least, "{id} was promised {least}, now {start}, at {}", core.state().now());
                    self.moved += usize::from(start < *least);
                    *least = start;
                }
                _ => {}
            }
        }
    }
}

fn check(plans: &[Plan], inventory: &Inventory, policy: &str) -> Promises {
    let mut promises = Promises::default();
    let core = watched(&trace(plans), inventory, policy, &mut promises);
    for (id, promised) in &promises.least {
        let start = core.state().job(*id).first_launch;
        assert!(start <= *promised, "{id} starts at {start}, was promised {promised}");
    }
    assert!(core.state().jobs().iter().all(|job| job.outcome().is_some()));
    promises
}

const PLACERS: [&str; 5] = ["best-fit", "worst-fit", "first-fit", "pack", "spread"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_promise_moves_later_on_nodes_with_gangs(
        plans in plans(&[1000, 2000, 4000, 4000, 8000, 8000, 16_000, 24_000]),
        nodes in 3..6usize,
        depth in prop::sample::select(vec![0u32, 1, 3, 100]),
        place in prop::sample::select(&PLACERS[..]),
    ) {
        check(&plans, &Inventory::uniform(nodes, 8, "GPU"), &format!("conservative[depth={depth},place={place}]"));
    }

    #[test]
    fn no_promise_moves_later_with_parts_of_gpus(
        plans in plans(&[300, 500, 700, 1000, 1000, 2000, 4000]),
        nodes in 1..4usize,
        depth in prop::sample::select(vec![0u32, 2]),
    ) {
        check(&plans, &Inventory::uniform(nodes, 4, "GPU"), &format!("conservative[depth={depth}]"));
    }

    #[test]
    fn on_one_pool_it_is_the_textbook(
        plans in plans(&[1000, 2000, 3000, 5000, 8000, 12_000]),
        gpus in 12..20u32,
        compress in any::<bool>(),
    ) {
        let trace = trace(&plans);
        let policy = format!("conservative[depth=0,compress={compress}]");
        let core = watched(&trace, &Inventory::uniform(1, gpus, "GPU"), &policy, &mut ());
        let starts: Vec<u64> = core.state().jobs().iter().map(|job| job.first_launch.0).collect();
        prop_assert_eq!(starts, textbook(&trace, u64::from(gpus), compress));
    }
}

#[test]
fn jobs_that_end_early_move_reservations() {
    let plans: Vec<Plan> = (0..40).map(|at| (3, [2000, 4000, 8000][at % 3], 100 + at as u64 * 7, 4)).collect();
    assert!(check(&plans, &Inventory::uniform(2, 8, "GPU"), "conservative").moved > 20);
}

/// Who holds how many GPUs from when to when.
#[derive(Clone, Copy)]
struct Held {
    job: usize,
    gpus: u64,
    from: u64,
    to: u64,
}

/// The first time from `now` on at which `gpus` are free for `span`.
fn earliest(held: &[Held], total: u64, now: u64, gpus: u64, span: u64) -> u64 {
    let free_at = |at: u64| {
        let used: u64 = held.iter().filter(|held| held.from <= at && at < held.to).map(|held| held.gpus).sum();
        used + gpus <= total
    };
    let mut starts: Vec<u64> = held.iter().map(|held| held.to).filter(|to| *to > now).chain([now]).collect();
    starts.sort_unstable();
    let fits = |start: &u64| {
        let inside = held.iter().map(|held| held.from).filter(|from| *from > *start && *from < start + span);
        free_at(*start) && inside.into_iter().all(free_at)
    };
    starts.into_iter().find(|start| fits(start)).unwrap()
}

/// Starts in microseconds, by a scheduler that looks at everything at every event.
fn textbook(trace: &Trace, total: u64, compress: bool) -> Vec<u64> {
    let gpus = |job: usize| u64::from(trace.jobs[job].gpu_milli / 1000);
    let span = |job: usize| trace.jobs[job].estimate.unwrap().0.max(1);
    let mut starts = vec![0; trace.jobs.len()];
    let (mut running, mut reserved): (Vec<Held>, Vec<Held>) = (Vec::new(), Vec::new());
    let mut next = 0;
    loop {
        let ends = running.iter().map(|held| held.from + trace.jobs[held.job].duration.0);
        let starts_at = reserved.iter().map(|held| held.from);
        let arrival = trace.jobs.get(next).map(|job| job.submit.0);
        let Some(now) = ends.chain(starts_at).chain(arrival).min() else { return starts };
        running.retain(|held| held.from + trace.jobs[held.job].duration.0 > now);
        let mut moved = compress;
        while moved {
            moved = false;
            for at in 0..reserved.len() {
                let Held { job, from, .. } = reserved.remove(at);
                let all: Vec<Held> = running.iter().chain(&reserved).copied().collect();
                let start = earliest(&all, total, now, gpus(job), span(job)).min(from);
                moved |= start < from;
                reserved.insert(at, Held { job, gpus: gpus(job), from: start, to: start + span(job) });
            }
        }
        while trace.jobs.get(next).is_some_and(|job| job.submit.0 == now) {
            let all: Vec<Held> = running.iter().chain(&reserved).copied().collect();
            let start = earliest(&all, total, now, gpus(next), span(next));
            reserved.push(Held { job: next, gpus: gpus(next), from: start, to: start + span(next) });
            next += 1;
        }
        for held in reserved.extract_if(.., |held| held.from <= now) {
            starts[held.job] = now;
            running.push(Held { from: now, ..held });
        }
    }
}
