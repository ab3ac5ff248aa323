//! From the rows of a replay to its figures. Definitions: `docs/metrics.md`.

use engine::{Core, Job, MICROS, Outcome, Time};

use crate::metrics::Seen;
use crate::result::{JobRow, SCHEMA, StopCause, Summary};
use crate::run::RunSpec;
use crate::stats::{mean, nearest_rank};
use crate::targets;
use crate::workload::Workload;

/// Bounded slowdown counts run times below this as this (Feitelson), seconds.
const BSLD_TAU_S: f64 = 10.0;

/// Thousandths of a GPU x microseconds in a GPU-second.
const MILLI_MICROS: f64 = 1000.0 * MICROS as f64;

/// Counts of jobs by how they ended.
#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    finished: u64,
    failed: u64,
    unfinished: u64,
    rejected: u64,
}

impl Ends {
    fn of(rows: &[JobRow]) -> Self {
        let mut ends = Self::default();
        for row in rows {
            match row.outcome {
                Some(Outcome::Finished) => ends.finished += 1,
                Some(Outcome::Rejected) => ends.rejected += 1,
                Some(_) => ends.failed += 1,
                None => ends.unfinished += 1,
            }
        }
        ends
    }
}

/// Sorted values with what is asked of them.
struct Sorted(Vec<f64>);

impl Sorted {
    fn new(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    fn mean(&self) -> Option<f64> {
        mean(&self.0)
    }

    fn quantile(&self, share: f64) -> Option<f64> {
        nearest_rank(&self.0, share)
    }
}

/// What jobs waited for, sorted: seconds and ratios.
struct Waits {
    jct: Sorted,
    queue: Sorted,
    slowdown: Sorted,
    rho: Sorted,
}

impl Waits {
    fn of(rows: &[JobRow], workload: &Workload<'_>) -> Self {
        let finished = || rows.iter().filter(|row| row.outcome == Some(Outcome::Finished));
        let started = rows.iter().filter(|row| row.start != Time::NEVER);
        Self {
            jct: Sorted::new(finished().map(|row| row.finish.since(row.submit).secs_f64())),
            queue: Sorted::new(started.map(|row| row.start.since(row.submit).secs_f64())),
            slowdown: Sorted::new(finished().map(|row| bounded_slowdown(row, workload))),
            rho: Sorted::new(rows.iter().filter_map(|row| row.rho)),
        }
    }
}

/// From the first submission to the last end.
fn span_of(rows: &[JobRow]) -> Option<engine::Span> {
    let first = rows.iter().map(|row| row.submit).min();
    let last = rows.iter().filter_map(|row| row.finish.known()).max();
    first.zip(last).map(|(first, last)| last.since(first))
}

/// The figures of one replay. `wall_s` is left at zero for the caller, who has the clock.
pub(crate) fn summarise(spec: &RunSpec<'_>, core: &Core, workload: &Workload<'_>, seen: &Seen) -> Summary {
    let rows = &seen.rows;
    let Waits { jct, queue, slowdown, rho } = Waits::of(rows, workload);
    let latency = Sorted::new(seen.latencies.iter().map(|nanos| f64::from(*nanos) / 1000.0));
    let span = span_of(rows);
    let cluster_gpus = core.state().cluster().inventory().gpus();
    let capacity = span.map(|span| cluster_gpus as f64 * span.secs_f64()).filter(|c| *c > 0.0);
    let (ends, totals) = (Ends::of(rows), core.state().totals());
    let [evicted, migrated] =
        [StopCause::Preemption, StopCause::Migration].map(|cause| move |of| stopped_for(core, cause, of));
    Summary {
        schema: SCHEMA,
        trainyard_version: env!("CARGO_PKG_VERSION").to_owned(),
        policy: spec.policy.clone(),
        clairvoyant: core.needs().oracle,
        seed: spec.seed,
        load: spec.load,
        trace: workload.trace().source.clone(),
        expected: workload.expected().map(str::to_owned),
        physics: spec.physics.describe(),
        cluster_gpus,
        jobs: rows.len() as u64,
        finished: ends.finished,
        failed: ends.failed,
        unfinished: ends.unfinished,
        rejected: ends.rejected,
        jct_mean_s: jct.mean(),
        jct_p50_s: jct.quantile(0.5),
        jct_p90_s: jct.quantile(0.9),
        jct_p99_s: jct.quantile(0.99),
        queue_mean_s: queue.mean(),
        queue_p50_s: queue.quantile(0.5),
        queue_p99_s: queue.quantile(0.99),
        makespan_s: span.map(engine::Span::secs_f64),
        bsld_mean: slowdown.mean(),
        gpu_allocated_share: capacity.map(|capacity| held_gpu_s(core) / capacity),
        goodput_share: capacity.map(|capacity| useful_gpu_s(core, workload) / capacity),
        preemptions: rows.iter().map(|row| u64::from(row.preemptions)).sum(),
        migrations: rows.iter().map(|row| u64::from(row.migrations)).sum(),
        restarts: rows.iter().map(|row| u64::from(row.attempts.saturating_sub(1))).sum(),
        lost_gpu_s: totals.lost_milli_micros as f64 / 1000.0 / MICROS as f64,
        preempted_gpu_s: evicted(engine::Eviction::cost),
        preempted_gpu_s_predicted: evicted(|eviction| eviction.bill.predicted),
        preempted_lost_gpu_s: evicted(|eviction| eviction.lost),
        preempted_drained_gpu_s: evicted(|eviction| eviction.drained),
        preempted_restarted_gpu_s: evicted(|eviction| eviction.restarted),
        migrated_gpu_s: migrated(engine::Eviction::cost),
        migrated_gpu_s_predicted: migrated(|eviction| eviction.bill.predicted),
        fragmentation_share: seen.idle.fragmented.zip(capacity).map(|(f, capacity)| f / MILLI_MICROS / capacity),
        fragmentation_idle_share: seen.idle.fragmented.filter(|_| seen.idle.idle > 0.0).map(|f| f / seen.idle.idle),
        largest_gang_mean_gpus: seen.idle.largest_gang_mean,
        blocked_by_fragmentation_jobs: seen.idle.blocked_jobs,
        blocked_by_fragmentation_s: seen.idle.blocked_s,
        jain_index: jain(core, workload),
        ftf_worst: rho.0.last().copied(),
        ftf_unfair_share: share(&rho.0, |rho| rho > 1.0),
        deadline_missed_share: missed_share(core, |job| job.spec.deadline.is_some(), targets::missed_deadline),
        start_by_missed_share: missed_share(core, |job| job.spec.start_by.is_some(), targets::missed_start),
        cost: seen.cost,
        solves: totals.solves.programs,
        solves_cut_off: totals.solves.cut_off,
        solves_failed: totals.solves.failed,
        solver_gap_max: gap_max(&totals.solves),
        decisions: totals.decisions,
        events: totals.events,
        wall_s: 0.0,
        decide_p50_us: latency.quantile(0.5),
        decide_p99_us: latency.quantile(0.99),
    }
}

/// The largest gap; `None` where no answer has a known one.
fn gap_max(solves: &engine::Solves) -> Option<f64> {
    let known = solves.programs - solves.failed > solves.gap_unknown;
    known.then(|| solves.gap_max_ppm as f64 / 1e6)
}

/// A sum over the runs that the policy stopped for this cause, in GPU-seconds.
fn stopped_for(core: &Core, cause: StopCause, of: fn(&engine::Eviction) -> u128) -> f64 {
    let evictions = core.state().evictions().iter().filter(|eviction| targets::cause(eviction) == cause);
    targets::gpu_s(evictions.map(of).sum())
}

/// max(1, (wait + run) / max(run, tau)), the run time being the true one.
fn bounded_slowdown(row: &JobRow, workload: &Workload<'_>) -> f64 {
    let run = workload.trace().jobs[row.trace_index as usize].duration.secs_f64();
    (row.finish.since(row.submit).secs_f64() / run.max(BSLD_TAU_S)).max(1.0)
}

fn held_gpu_s(core: &Core) -> f64 {
    let now = core.state().now();
    let live = |job: &engine::Job| match job.launched.known() {
        Some(launched) if job.is_live() => {
            u128::from(engine::placement::gpu_milli(&job.placement)) * u128::from(now.since(launched).0)
        }
        _ => 0,
    };
    let jobs = core.state().jobs().iter();
    jobs.map(|job| job.held_milli_micros + live(job)).sum::<u128>() as f64 / 1000.0 / MICROS as f64
}

/// Work that was done and is safe, in GPU-seconds at the reference speed.
fn useful_gpu_s(core: &Core, workload: &Workload<'_>) -> f64 {
    let mut sum = 0u128;
    for (index, job) in core.state().jobs().iter().enumerate() {
        let work = if job.outcome() == Some(Outcome::Finished) {
            workload.work(engine::JobId::new(index))
        } else {
            job.work_saved
        };
        sum += u128::from(core.state().class(job.spec.class).gpu_milli) * u128::from(work.0);
    }
    sum as f64 / 1000.0 / MICROS as f64
}

/// Jain's index (sum x)^2 / (n sum x^2) over tenants that submitted jobs, x being GPU-time per entitlement.
fn jain(core: &Core, workload: &Workload<'_>) -> Option<f64> {
    let mut service: Vec<Option<f64>> = vec![None; workload.trace().tenants.len()];
    for (job, row) in core.state().jobs().iter().zip(&workload.trace().jobs) {
        *service[row.tenant as usize].get_or_insert(0.0) += job.gpu_milli_micros as f64;
    }
    let each = service.iter().enumerate().filter_map(|(at, service)| service.map(|s| s / workload.entitlement(at)));
    let (count, sum, squares) = each.fold((0.0, 0.0, 0.0), |(n, sum, squares), x| (n + 1.0, sum + x, squares + x * x));
    (squares > 0.0).then(|| sum * sum / (count * squares))
}

/// Jobs that missed a target over all jobs that have one; rejected ones count as missed.
fn missed_share(core: &Core, has: fn(&Job) -> bool, missed: fn(&Job) -> bool) -> Option<f64> {
    let with = core.state().jobs().iter().filter(|job| has(job));
    let (count, misses) = with.fold((0u64, 0u64), |(n, missing), job| (n + 1, missing + u64::from(missed(job))));
    (count > 0).then(|| misses as f64 / count as f64)
}

fn share(values: &[f64], keep: impl Fn(f64) -> bool) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().filter(|value| keep(**value)).count() as f64 / values.len() as f64)
}
