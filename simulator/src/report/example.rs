//! Made-up comparisons for tests: a tiny list scheduler with a random workload. No figure in it is a claim.

use std::sync::Arc;

use engine::{Inventory, NodeId, Outcome, Span, Time};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Exp, LogNormal};
use traces::{Trace, TraceJob};

use crate::output::Comparison;
use crate::result::{JobRow, Replay, SCHEMA, Segment, Series, Summary};
use crate::stats::{Sampling, mean, nearest_rank};

/// A summary with all counts zero and no figures.
pub(crate) fn summary(policy: &str, load: f64, seed: u64) -> Summary {
    Summary {
        schema: SCHEMA,
        trainyard_version: "0.0.0".to_owned(),
        policy: policy.to_owned(),
        clairvoyant: policy.starts_with('s'),
        seed,
        load,
        trace: "synthetic:example".to_owned(),
        expected: None,
        physics: "default".to_owned(),
        cluster_gpus: 480,
        jobs: 0,
        finished: 0,
        failed: 0,
        unfinished: 0,
        rejected: 0,
        jct_mean_s: None,
        jct_p50_s: None,
        jct_p90_s: None,
        jct_p99_s: None,
        queue_mean_s: None,
        queue_p50_s: None,
        queue_p99_s: None,
        makespan_s: None,
        bsld_mean: None,
        gpu_allocated_share: None,
        goodput_share: None,
        preemptions: 0,
        migrations: 0,
        restarts: 0,
        lost_gpu_s: 0.0,
        preempted_gpu_s: 0.0,
        preempted_gpu_s_predicted: 0.0,
        preempted_lost_gpu_s: 0.0,
        preempted_drained_gpu_s: 0.0,
        preempted_restarted_gpu_s: 0.0,
        migrated_gpu_s: 0.0,
        migrated_gpu_s_predicted: 0.0,
        fragmentation_share: None,
        fragmentation_idle_share: None,
        largest_gang_mean_gpus: None,
        blocked_by_fragmentation_jobs: 0,
        blocked_by_fragmentation_s: 0.0,
        jain_index: None,
        ftf_worst: None,
        ftf_unfair_share: None,
        deadline_missed_share: None,
        start_by_missed_share: None,
        cost: None,
        solves: 0,
        solves_cut_off: 0,
        solves_failed: 0,
        solver_gap_max: None,
        decisions: 0,
        events: 0,
        wall_s: 0.25,
        decide_p50_us: Some(1.5),
        decide_p99_us: Some(23.0),
    }
}

/// A workload of `jobs` jobs over `tenants` tenants: busy days, quiet nights, most gangs small.
pub(crate) fn trace(jobs: usize, tenants: usize, seed: u64) -> Trace {
    let mut rng = StdRng::seed_from_u64(seed);
    let gap = Exp::new(1.0 / 140.0).unwrap();
    let duration = LogNormal::new(7.3, 2.0).unwrap();
    let mut at = 0.0;
    let job = |index: usize| {
        let night = if (at / 86_400.0_f64).fract() < 0.6 { 0.8 } else { 2.0 };
        at += gap.sample(&mut rng) * night;
        let gang = [0.5, 1.0, 1.0, 1.0, 1.0, 2.0, 4.0, 4.0, 8.0, 8.0, 16.0, 32.0][rng.random_range(0..12)];
        let secs: f64 = duration.sample(&mut rng);
        let tenant = (rng.random::<f64>().powi(2) * tenants as f64) as u32;
        TraceJob {
            tenant,
            ..TraceJob::plain(
                format!("job-{index}"),
                Time((at * 1e6) as u64),
                Span::from_secs_f64(secs.min(4e5)).unwrap(),
                (gang * 1000.0) as u32,
            )
        }
    };
    let jobs: Vec<TraceJob> = (0..jobs).map(job).collect();
    Trace {
        source: "synthetic:example".to_owned(),
        format: "synthetic".to_owned(),
        tenants: (0..tenants).map(|t| format!("org/team-{}/user-{t}", t % 5)).collect(),
        jobs,
        ..Trace::default()
    }
}

/// Which jobs may start first.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    Strict,
    Skipping,
    Shortest,
}

/// Replays `trace` under a list scheduler whose order follows the name: `fifo`, `s...` or any other.
pub(crate) fn replay(trace: &Trace, inventory: &Inventory, policy: &str, load: f64, seed: u64) -> Replay {
    let order = match policy {
        _ if policy.starts_with("fifo") => Order::Strict,
        _ if policy.starts_with('s') => Order::Shortest,
        _ => Order::Skipping,
    };
    let mut yard = Yard::new(trace, inventory, load);
    yard.run(trace, order);
    finish(trace, yard, inventory, summary(policy, load, seed))
}

/// GPUs of one node.
type Part = (usize, u64);

struct Yard {
    free: Vec<u64>,
    queue: Vec<usize>,
    running: Vec<(Time, Vec<Part>)>,
    jobs: Vec<JobRow>,
    segments: Vec<Segment>,
}

impl Yard {
    fn new(trace: &Trace, inventory: &Inventory, load: f64) -> Self {
        let row = |(index, job): (usize, &TraceJob)| JobRow {
            trace_index: index as u32,
            gpu_milli: u64::from(job.gpu_milli),
            submit: Time((job.submit.0 as f64 / load) as u64),
            start: Time::NEVER,
            finish: Time::NEVER,
            service: Span::ZERO,
            attempts: 0,
            preemptions: 0,
            migrations: 0,
            outcome: None,
            rho: None,
            gpu_s: 0.0,
            entitlement: 1.0,
            deadline: None,
            start_by: None,
            missed: None,
        };
        let free = inventory.nodes.iter().map(|node| (1 << node.gpus) - 1).collect();
        let jobs = trace.jobs.iter().enumerate().map(row).collect();
        Self { free, queue: Vec::new(), running: Vec::new(), jobs, segments: Vec::new() }
    }

    fn run(&mut self, trace: &Trace, order: Order) {
        let mut next = 0;
        loop {
            let arrival = self.jobs.get(next).map(|job| job.submit);
            self.running.sort_by_key(|run| std::cmp::Reverse(run.0));
            let end = self.running.last().map(|run| run.0);
            let now = match (arrival, end) {
                (None, None) => return,
                (Some(at), None) => at,
                (at, Some(end)) => at.map_or(end, |at| at.min(end)),
            };
            while self.running.last().is_some_and(|run| run.0 <= now) {
                for (node, mask) in self.running.pop().unwrap().1 {
                    self.free[node] |= mask;
                }
            }
            while self.jobs.get(next).is_some_and(|job| job.submit <= now) {
                self.queue.push(next);
                next += 1;
            }
            self.start(trace, order, now);
        }
    }

    fn start(&mut self, trace: &Trace, order: Order, now: Time) {
        if order == Order::Shortest {
            self.queue.sort_by_key(|&index| trace.jobs[index].duration);
        }
        let mut waiting = Vec::new();
        for index in std::mem::take(&mut self.queue) {
            let blocked = order == Order::Strict && !waiting.is_empty();
            match (!blocked).then(|| self.take(self.jobs[index].gpu_milli.div_ceil(1000) as u32)).flatten() {
                Some(parts) => self.launch(trace, index, now, parts),
                None => waiting.push(index),
            }
        }
        self.queue = waiting;
    }

    fn launch(&mut self, trace: &Trace, index: usize, now: Time, parts: Vec<Part>) {
        let end = now + trace.jobs[index].duration;
        let row = &mut self.jobs[index];
        (row.start, row.finish, row.service) = (now, end, trace.jobs[index].duration);
        (row.attempts, row.outcome) = (1, Some(Outcome::Finished));
        for &(node, mask) in &parts {
            let node = NodeId::new(node);
            self.segments.push(Segment { job: index as u32, attempt: 1, node, first_gpu: 0, mask, start: now, end });
        }
        self.running.push((end, parts));
    }

    fn take(&mut self, gpus: u32) -> Option<Vec<Part>> {
        let mut left = gpus;
        let mut parts = Vec::new();
        for (node, free) in self.free.iter().enumerate() {
            let want = left.min(8);
            if want > 0 && free.count_ones() >= want {
                let mut mask = *free;
                while mask.count_ones() > want {
                    mask &= mask - 1;
                }
                parts.push((node, mask));
                left -= want;
            }
        }
        if left > 0 {
            return None;
        }
        for &(node, mask) in &parts {
            self.free[node] &= !mask;
        }
        Some(parts)
    }
}

fn finish(trace: &Trace, yard: Yard, inventory: &Inventory, mut summary: Summary) -> Replay {
    let jobs = yard.jobs;
    let secs = |of: fn(&JobRow) -> u64| {
        let mut values: Vec<f64> = jobs.iter().filter(|j| j.outcome.is_some()).map(|j| of(j) as f64 / 1e6).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let jct = secs(|job| job.finish.0 - job.submit.0);
    let wait = secs(|job| job.start.0 - job.submit.0);
    let slow = jobs
        .iter()
        .filter(|job| job.outcome.is_some())
        .map(|j| (j.finish.since(j.submit).secs_f64() / j.service.secs_f64().max(10.0)).max(1.0));
    let end = jobs.iter().filter_map(|job| job.finish.known()).max().unwrap_or(Time::ZERO);
    let work: f64 = trace.jobs.iter().map(|j| f64::from(j.gpu_milli) / 1000.0 * j.duration.secs_f64()).sum();
    summary.jobs = jobs.len() as u64;
    summary.finished = jct.len() as u64;
    summary.unfinished = summary.jobs - summary.finished;
    (summary.jct_mean_s, summary.queue_mean_s) = (mean(&jct), mean(&wait));
    summary.jct_p50_s = nearest_rank(&jct, 0.5);
    summary.jct_p90_s = nearest_rank(&jct, 0.9);
    summary.jct_p99_s = nearest_rank(&jct, 0.99);
    summary.queue_p50_s = nearest_rank(&wait, 0.5);
    summary.queue_p99_s = nearest_rank(&wait, 0.99);
    summary.bsld_mean = mean(&slow.collect::<Vec<_>>());
    let span = jobs.first().map_or(0.0, |first| end.since(first.submit).secs_f64());
    summary.makespan_s = (span > 0.0).then_some(span);
    summary.gpu_allocated_share = (span > 0.0).then(|| work / (inventory.gpus() as f64 * span));
    summary.goodput_share = summary.gpu_allocated_share.map(|share| share * 0.98);
    summary.events = 2 * summary.jobs;
    summary.decisions = summary.jobs;
    summary.cluster_gpus = inventory.gpus();
    let series = series(&jobs, end);
    Replay {
        summary,
        trace: Arc::new(trace.clone()),
        jobs,
        series,
        segments: yard.segments,
        evictions: Vec::new(),
        unprofiled: std::collections::BTreeMap::new(),
    }
}

fn series(jobs: &[JobRow], end: Time) -> Series {
    let Some(first) = jobs.first() else { return Series::default() };
    let step = Span((end.since(first.submit).0 / 1000).max(1));
    let at = |k: u64| first.submit + Span(step.0 * k + step.0 / 2);
    let queued = |k| jobs.iter().filter(|job| job.submit <= at(k) && at(k) < job.start).count() as f64;
    let held = |k| {
        let live = jobs.iter().filter(|job| job.start <= at(k) && at(k) < job.finish);
        live.map(|job| job.gpu_milli as f64 / 1000.0).sum()
    };
    let allocated_gpus: Vec<f64> = (0..1000).map(held).collect();
    let fragmented_gpus = allocated_gpus.iter().map(|gpus| gpus / 16.0).collect();
    let largest_gang_gpus = allocated_gpus.iter().map(|gpus| 8.0 / (1.0 + gpus)).collect();
    let queued_jobs = (0..1000).map(queued).collect();
    Series { from: first.submit, step, queued_jobs, allocated_gpus, fragmented_gpus, largest_gang_gpus }
}

/// What a comparison is made of.
pub(crate) struct Plan<'a> {
    pub(crate) policies: &'a [&'a str],
    pub(crate) loads: &'a [f64],
    pub(crate) seeds: u64,
}

/// Replays `trace` under every policy, load and seed; a seed shifts the jobs' durations around.
pub(crate) fn comparison<'a>(trace: &'a Trace, inventory: &'a Inventory, plan: &Plan<'_>) -> Comparison<'a> {
    let mut replays = Vec::new();
    for policy in plan.policies {
        for load in plan.loads {
            for seed in 0..plan.seeds {
                let mut varied = trace.clone();
                let durations: Vec<Span> = trace.jobs.iter().map(|job| job.duration).collect();
                let shift = seed as usize * 7;
                let shifted = durations.iter().cycle().skip(shift);
                varied.jobs.iter_mut().zip(shifted).for_each(|(job, duration)| job.duration = *duration);
                replays.push(replay(&varied, inventory, policy, *load, seed));
            }
        }
    }
    Comparison {
        trace,
        cluster_label: format!("{}x8:A100", inventory.nodes.len()),
        inventory,
        replays,
        command: "trainyard compare synthetic:example --cluster 60x8:A100 --policy fifo --policy easy --out out/"
            .to_owned(),
        sampling: if plan.seeds > 1 { Sampling::Seeds } else { Sampling::OneSample },
        window_s: None,
    }
}
