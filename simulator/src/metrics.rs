//! Watches a replay and turns it into figures. Definitions: `docs/metrics.md`.

use std::time::Instant;

use engine::{Command, Core, Event, Input, JobId, Outcome, Placement, Time, Watch};

use crate::fragmentation::{Idle, IdleFigures};
use crate::result::{JobRow, Segment, Series};
use crate::series::Sampler;
use crate::targets;
use crate::workload::Workload;

/// One step in so many is timed, so that reading the clock costs nothing.
const TIMED_EVERY: u32 = 64;

/// Whether runs are recorded one by one, for a Gantt chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segments {
    /// They are.
    Recorded,
    /// They are not.
    Off,
}

/// Looks on while a replay runs.
#[derive(Debug)]
pub struct Recorder<'a> {
    workload: &'a Workload<'a>,
    gpus: f64,
    now: Time,
    sampler: Sampler,
    /// Jobs waiting and GPUs held, since `now`.
    values: [f64; 2],
    idle: Idle,
    /// Jobs open, since `now`.
    open: u64,
    /// Integral of open jobs over time: jobs x microseconds.
    contention: u128,
    /// The same when a job was submitted, by job.
    contention_at_submit: Vec<u128>,
    /// Finish-time fairness, by job; NaN unless finished.
    rho: Vec<f64>,
    /// Price of GPUs per thousandth and hour, by model; `None` when a model has no price.
    prices: Option<Vec<f64>>,
    /// Thousandths held x price, since `now`.
    burning: f64,
    cost: f64,
    /// Launch and placement of live runs, where segments or prices need them.
    placed: std::collections::BTreeMap<JobId, (u32, Time, Placement)>,
    keep: Segments,
    segments: Vec<Segment>,
    countdown: u32,
    started: Option<Instant>,
    /// Nanoseconds of the steps that were timed.
    latencies: Vec<u32>,
}

impl<'a> Recorder<'a> {
    /// Nothing seen yet.
    pub fn new(workload: &'a Workload<'a>, inventory: &engine::Inventory, keep: Segments) -> Self {
        let prices = inventory.models.iter().map(|model| model.price_per_hour).collect();
        let first = workload.submit(0).unwrap_or(Time::ZERO);
        Self {
            workload,
            gpus: inventory.gpus() as f64,
            now: first,
            sampler: Sampler::new(first),
            values: [0.0; 2],
            idle: Idle::new(workload, inventory),
            open: 0,
            contention: 0,
            contention_at_submit: Vec::with_capacity(workload.len()),
            rho: vec![f64::NAN; workload.len()],
            prices,
            burning: 0.0,
            cost: 0.0,
            placed: std::collections::BTreeMap::new(),
            keep,
            segments: Vec::new(),
            countdown: 0,
            started: None,
            latencies: Vec::new(),
        }
    }

    fn advance(&mut self, now: Time) {
        let span = now.since(self.now).0;
        if span > 0 {
            let ([queued, held], [fragmented, largest]) = (self.values, self.idle.now());
            self.sampler.advance(now, [queued, held, fragmented, largest]);
            self.idle.advance(span);
            self.contention += u128::from(self.open) * u128::from(span);
            self.cost += self.burning * span as f64 / 3.6e9;
            self.now = now;
        }
    }

    fn keeps_placements(&self) -> bool {
        self.keep == Segments::Recorded || self.prices.is_some()
    }

    fn price(&self, core: &Core, placement: &Placement) -> f64 {
        let Some(prices) = &self.prices else { return 0.0 };
        let cluster = core.state().cluster();
        let of =
            |slice: &engine::Slice| slice.gpu_milli() as f64 / 1000.0 * prices[cluster.spec(slice.node).model.index()];
        placement.iter().map(of).sum()
    }

    fn launched(&mut self, core: &Core, command: &Command) {
        if let Command::Launch { run, placement, .. } = command {
            self.burning += self.price(core, placement);
            self.placed.insert(run.job, (run.attempt, self.now, placement.clone()));
        }
    }

    fn ended(&mut self, core: &Core, job: JobId) {
        let Some((attempt, start, placement)) = self.placed.remove(&job) else { return };
        self.burning -= self.price(core, &placement);
        if self.placed.is_empty() {
            // What rounding left.
            self.burning = 0.0;
        }
        if self.keep == Segments::Recorded {
            self.segments.extend(segments(job, attempt, start, self.now, &placement));
        }
    }

    fn closed(&mut self, core: &Core, id: JobId) {
        let job = core.state().job(id);
        let lived = job.ended.since(job.submitted).0;
        let service = self.workload.work(id).0;
        if service == 0 {
            return;
        }
        let mean_open = if lived == 0 {
            self.open.max(1) as f64
        } else {
            (self.contention - self.contention_at_submit[id.index()]) as f64 / lived as f64
        };
        // Themis (NSDI 2020): the time alone on a 1/N share of the cluster, N being the mean contention in its life.
        let gpus = core.state().class_of(id).gpu_milli as f64 / 1000.0;
        let alone = service as f64 * (gpus * mean_open / self.gpus).max(1.0);
        self.rho[id.index()] = lived as f64 / alone;
    }

    /// Everything seen, at the end of the replay.
    pub(crate) fn finish(mut self, core: &Core) -> Seen {
        let open: Vec<JobId> = self.placed.keys().copied().collect();
        for job in open {
            self.ended(core, job);
        }
        let jobs = core.state().jobs().iter().enumerate();
        let rows = jobs.map(|(index, job)| JobRow {
            trace_index: index as u32,
            gpu_milli: core.state().class(job.spec.class).gpu_milli,
            submit: job.submitted,
            start: job.first_launch,
            finish: job.ended,
            service: job.attained(core.state().now()),
            attempts: job.attempt,
            preemptions: job.preemptions,
            migrations: job.migrations,
            outcome: job.outcome(),
            rho: Some(self.rho[index]).filter(|rho| rho.is_finite()),
            gpu_s: targets::gpu_s(job.gpu_milli_micros),
            entitlement: self.workload.entitlement(self.workload.trace().jobs[index].tenant as usize),
            deadline: job.spec.deadline,
            start_by: job.spec.start_by,
            missed: targets::miss(self.workload, JobId::new(index), job),
        });
        Seen {
            rows: rows.collect(),
            series: self.sampler.finish(),
            segments: self.segments,
            idle: self.idle.figures(),
            cost: self.prices.is_some().then_some(self.cost),
            latencies: self.latencies,
        }
    }
}

/// What a [`Recorder`] has seen.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) rows: Vec<JobRow>,
    pub(crate) series: Series,
    pub(crate) segments: Vec<Segment>,
    pub(crate) idle: IdleFigures,
    pub(crate) cost: Option<f64>,
    pub(crate) latencies: Vec<u32>,
}

fn segments(
    job: JobId,
    attempt: u32,
    start: Time,
    end: Time,
    placement: &Placement,
) -> impl Iterator<Item = Segment> + '_ {
    placement.iter().filter(|slice| slice.mask != 0).map(move |slice| Segment {
        job: job.0,
        attempt,
        node: slice.node,
        first_gpu: u32::from(slice.bank) * engine::placement::BANK,
        mask: slice.mask,
        start,
        end,
    })
}

impl Watch for Recorder<'_> {
    fn before(&mut self, _batch: &[Input]) {
        if self.countdown == 0 {
            self.countdown = TIMED_EVERY;
            self.started = Some(Instant::now());
        }
        self.countdown -= 1;
    }

    fn after(&mut self, core: &Core, batch: &[Input], commands: &[Command]) {
        if let Some(started) = self.started.take() {
            self.latencies.push(u32::try_from(started.elapsed().as_nanos()).unwrap_or(u32::MAX));
        }
        let state = core.state();
        self.advance(state.now());
        for input in batch {
            match &input.event {
                Event::Submitted { .. } => self.contention_at_submit.push(self.contention),
                Event::Ended { run, .. } if self.keeps_placements() => self.ended(core, run.job),
                _ => {}
            }
        }
        for command in commands {
            match command {
                Command::Close { job, outcome } => {
                    self.idle.ended();
                    if *outcome == Outcome::Finished {
                        self.closed(core, *job);
                    }
                }
                Command::Launch { .. } if self.keeps_placements() => self.launched(core, command),
                _ => {}
            }
        }
        let totals = state.totals();
        self.values = [totals.ready as f64, totals.held_milli as f64 / 1000.0];
        self.open = totals.open;
        self.idle.follow(core);
    }
}
