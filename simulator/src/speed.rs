//! How fast a run goes on its GPUs: what a table of throughput says of it, and the analytic spread penalty where the table
//! says nothing or there is none.
//!
//! The speed of a run is its rate in steps a second over the rate of the same job where its run time was measured: as many
//! GPUs of the model `measured_on`, all on one node. A gang over several models goes at the speed of the slowest. Only
//! measured rates count; what was not measured is counted by cause and runs by the spread penalty.
//!
//! Where the cluster says how GPUs of one model differ, a gang goes at the speed of the slowest of its GPUs beside that.

use std::collections::BTreeMap;

use engine::placement::{gpu_milli, nodes_spanned};
use engine::variability::SCORE_MEDIAN_MILLI;
use engine::{Inventory, JobId, MILLI, Rate, Slice, Span};
use traces::profiles::{self, JobTypeId, ModelId, Setting, ThroughputTable};
use traces::{Trace, TraceError};

use crate::physics::Physics;
use crate::rounds::Pace;
use crate::workload::Workload;

/// The speeds of the jobs of one workload on one cluster.
#[derive(Debug)]
pub(crate) struct Speeds<'a> {
    workload: &'a Workload<'a>,
    physics: &'a Physics,
    inventory: &'a Inventory,
    measured: Option<Measured<'a>>,
    /// Launches that the table says nothing about, by cause.
    pub(crate) unprofiled: BTreeMap<&'static str, u64>,
}

/// What a table knows, by the ids of the workload and the cluster.
#[derive(Debug)]
struct Measured<'a> {
    table: &'a ThroughputTable,
    workload: &'a Workload<'a>,
    inventory: &'a Inventory,
    /// By kind of job of the trace.
    job_types: Vec<Option<JobTypeId>>,
    /// By GPU model of the cluster.
    models: Vec<Option<ModelId>>,
    reference: ModelId,
}

/// The speed of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speed {
    /// It makes progress at this rate.
    Runs(Rate),
    /// The table says that the job cannot run on these GPUs.
    CannotRun,
}

impl<'a> Speeds<'a> {
    /// Finds the names of the workload and of the cluster in the table of `physics`.
    pub(crate) fn new(
        workload: &'a Workload<'a>,
        physics: &'a Physics,
        inventory: &'a Inventory,
    ) -> Result<Self, TraceError> {
        let table = physics.throughput.as_ref().map(crate::physics::Throughput::table);
        let measured = table.map(|table| Measured::new(table, workload, physics, inventory)).transpose()?;
        Ok(Self { workload, physics, inventory, measured, unprofiled: BTreeMap::new() })
    }

    /// The speed of `job` on these GPUs.
    pub(crate) fn of(&mut self, job: JobId, placement: &[Slice]) -> Speed {
        let measured = self.measured.as_ref().map(|measured| measured.speed(job, placement));
        let speed = match measured {
            None => Speed::Runs(self.physics.rate(placement)),
            Some(Ok(speed)) => speed,
            Some(Err(cause)) => {
                *self.unprofiled.entry(cause).or_default() += 1;
                Speed::Runs(self.physics.rate(placement))
            }
        };
        match speed {
            Speed::Runs(rate) => Speed::Runs(slowed(rate, self.slowest_milli(job, placement))),
            Speed::CannotRun => Speed::CannotRun,
        }
    }

    /// The score of the slowest GPU for this job, in thousandths.
    fn slowest_milli(&self, job: JobId, placement: &[Slice]) -> u32 {
        self.inventory.slowest_milli(self.workload.app(job), placement)
    }
}

/// The rate on GPUs with this score.
fn slowed(rate: Rate, score_milli: u32) -> Rate {
    if score_milli == SCORE_MEDIAN_MILLI {
        return rate;
    }
    let (rate, score) = (u64::from(rate.as_ppm()), u64::from(score_milli.max(1)));
    let ppm = (rate * u64::from(SCORE_MEDIAN_MILLI) + score / 2) / score;
    Rate::ppm(u32::try_from(ppm).unwrap_or(u32::MAX))
}

impl Speeds<'_> {
    /// Whether there is a table of throughput.
    pub(crate) fn are_measured(&self) -> bool {
        self.measured.is_some()
    }

    /// The speed of a gang of `gpus` of a kind of the trace on as few nodes of a model as hold it, in parts per million;
    /// `None` where the table does not know it, or there is none.
    pub(crate) fn alone_ppm(&self, kind: u32, gpus: u32, model: engine::ModelId, per_node: u32) -> Option<u32> {
        self.measured.as_ref()?.alone_ppm(kind, gpus, model, per_node)
    }

    /// How a run of `job` gets on from round to round, whole steps at a time where the physics says so.
    pub(crate) fn pace(&self, job: JobId, placement: &[Slice], rate: Rate) -> Pace {
        let (work, of_trace) = (self.workload.work(job), &self.workload.trace().jobs[job.index()]);
        match of_trace.steps.filter(|steps| self.physics.round_steps && *steps > 0 && work > Span::ZERO) {
            None => Pace::of_work(work, rate),
            Some(steps) => {
                let measured = self.measured.as_ref().and_then(|measured| measured.steps_per_s(job, placement).ok());
                match measured.filter(|rates| rates.here > 0.0) {
                    Some(rates) => {
                        let score = f64::from(self.slowest_milli(job, placement)) / f64::from(SCORE_MEDIAN_MILLI);
                        Pace { total: steps, per_s: rates.here / score, rounded: false }
                    }
                    None => Pace::of_steps(steps, work, rate),
                }
            }
        }
    }
}

/// Training steps a second.
struct StepRates {
    /// On the GPUs of the run.
    here: f64,
    /// Where the run time was measured.
    reference: f64,
}

impl<'a> Measured<'a> {
    fn new(
        table: &'a ThroughputTable,
        workload: &'a Workload<'a>,
        physics: &Physics,
        inventory: &'a Inventory,
    ) -> Result<Self, TraceError> {
        let trace: &Trace = workload.trace();
        let reference = reference(table, trace, physics)?;
        Ok(Self {
            table,
            workload,
            inventory,
            job_types: trace.job_types.iter().map(|kind| table.job_type(kind)).collect(),
            models: inventory.models.iter().map(|model| table.model(&model.name)).collect(),
            reference,
        })
    }

    /// The speed, or why the table does not know it.
    fn speed(&self, job: JobId, placement: &[Slice]) -> Result<Speed, &'static str> {
        let StepRates { here, reference } = self.steps_per_s(job, placement)?;
        let ppm = (here / reference * 1e6).round();
        Ok(if here > 0.0 { Speed::Runs(Rate::ppm(ppm.min(f64::from(u32::MAX)) as u32)) } else { Speed::CannotRun })
    }

    fn alone_ppm(&self, kind: u32, gpus: u32, model: engine::ModelId, per_node: u32) -> Option<u32> {
        let (kind, model) = (self.job_types[kind as usize]?, self.models[model.index()]?);
        let alone = profiles::Placement::OnNodes { gpus, nodes: 1 };
        let reference = self.rate(kind, self.reference, alone).filter(|rate| rate.can_run())?;
        let nodes = gpus.div_ceil(per_node.max(1)).max(1);
        let here = self.rate(kind, model, profiles::Placement::OnNodes { gpus, nodes })?;
        let ppm = (here.steps_per_s() / reference.steps_per_s() * 1e6).round();
        Some(ppm.min(f64::from(u32::MAX)) as u32)
    }

    fn steps_per_s(&self, job: JobId, placement: &[Slice]) -> Result<StepRates, &'static str> {
        let of_trace = &self.workload.trace().jobs[job.index()];
        let kind = of_trace.job_type.ok_or("the job has no job_type")?;
        let kind = self.job_types[kind as usize].ok_or("the job_type is not in the table")?;
        let milli = gpu_milli(placement);
        if milli == 0 || !milli.is_multiple_of(u64::from(MILLI)) {
            return Err("the job holds no whole GPUs");
        }
        let gpus = (milli / u64::from(MILLI)) as u32;
        let alone = profiles::Placement::OnNodes { gpus, nodes: 1 };
        let reference = self.rate(kind, self.reference, alone).ok_or("no rate where the run time was measured")?;
        if !reference.can_run() {
            return Err("no rate where the run time was measured");
        }
        let shape = gpus_by_node(placement);
        let mut slowest = f64::INFINITY;
        for slice in placement {
            let model = self.inventory.nodes[slice.node.index()].model;
            let model = self.models[model.index()].ok_or("the GPU model is not in the table")?;
            let rate = self.rate(kind, model, profiles::Placement::EachNode(&shape));
            slowest = slowest.min(rate.ok_or("no rate for these GPUs and nodes")?.steps_per_s());
        }
        Ok(StepRates { here: slowest, reference: reference.steps_per_s() })
    }

    fn rate(&self, job_type: JobTypeId, model: ModelId, placement: profiles::Placement<'_>) -> Option<profiles::Rate> {
        self.table.rate(&Setting { job_type, model, placement, beside: &[] })
    }
}

/// The model on which the run times of the trace were measured, in the table.
fn reference(table: &ThroughputTable, trace: &Trace, physics: &Physics) -> Result<ModelId, TraceError> {
    let name = physics.measured_on.as_deref().or(trace.measured_on.as_deref());
    let known = || table.models().join(", ");
    let Some(name) = name else {
        let error = TraceError::new(&trace.source, "the trace does not say on which GPUs its run times were measured");
        return Err(error.with_hint(format!("say --set measured_on=MODEL; the table knows {}", known())));
    };
    table.model(name).ok_or_else(|| {
        let message = format!("the run times were measured on `{name}`, which is not in the table of throughput");
        TraceError::new(&trace.source, message).with_hint(format!("the table knows {}", known()))
    })
}

/// Whole GPUs on each node, in the order of the placement.
fn gpus_by_node(placement: &[Slice]) -> Vec<u32> {
    let mut shape = Vec::with_capacity(nodes_spanned(placement));
    let mut last = None;
    for slice in placement {
        match shape.last_mut() {
            Some(gpus) if last == Some(slice.node) => *gpus += slice.gpus(),
            _ => shape.push(slice.gpus()),
        }
        last = Some(slice.node);
    }
    shape
}

#[cfg(test)]
mod tests;
