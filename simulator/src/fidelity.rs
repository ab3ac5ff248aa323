//! How well the simulator tells what really happened: a journal against its own simulation, job by job.

mod errors;
mod order;

use engine::{Command, Outcome, Time};
use serde::Serialize;

use crate::rerun::{Day, Rerun, RerunError, Times};
use crate::result::JobRow;

pub use errors::Spread;

/// Version of the JSON.
pub const SCHEMA: u32 = 1;

/// How far the simulation of a journal is from the journal. Keys are fixed; `docs/what-if.md` defines them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fidelity {
    /// Version of this object.
    pub schema: u32,
    /// Version of this program.
    pub trainyard_version: String,
    /// The journal.
    pub journal: String,
    /// Version of the program that wrote it.
    pub recorded_version: String,
    /// The record in which it ends, where it was cut off.
    pub cut_at_record: Option<u64>,
    /// The policy of the journal.
    pub policy: String,
    /// Physics of the simulation.
    pub physics: String,
    /// What launches and stops took.
    #[serde(flatten)]
    pub overheads: Overheads,
    /// Jobs submitted.
    pub jobs: u64,
    /// Jobs that started in both.
    pub started_jobs: u64,
    /// Jobs that ended in both, whatever the outcome.
    pub ended_jobs: u64,
    /// Jobs that finished in both.
    pub finished_jobs: u64,
    /// Jobs with another outcome in the simulation, up to the end of the journal.
    pub outcome_differs_jobs: u64,
    /// Error of the first start, over `started_jobs`.
    #[serde(flatten, with = "errors::start")]
    pub start_error: Spread,
    /// Error of the end, over `ended_jobs`.
    #[serde(flatten, with = "errors::finish")]
    pub finish_error: Spread,
    /// Error of the completion time, over `finished_jobs`.
    #[serde(flatten, with = "errors::jct")]
    pub jct_error: Spread,
    /// The same as a share of the real completion time.
    #[serde(flatten, with = "errors::jct_share")]
    pub jct_error_share: Spread,
    /// Error of the time without progress between submission and finish, over `finished_jobs`.
    #[serde(flatten, with = "errors::queue")]
    pub queue_error: Spread,
    /// Mean completion time of `finished_jobs`, as it happened.
    pub jct_mean_s: Option<f64>,
    /// The same in the simulation.
    pub jct_simulated_mean_s: Option<f64>,
    /// Most jobs of `started_jobs` whose first starts have the same order in both.
    pub first_start_order_same_jobs: u64,
    /// Launches and stops that the journal holds.
    pub decisions: u64,
    /// The first of them that the simulation decides otherwise.
    pub divergence: Option<Divergence>,
    /// The same day with typical times alone; `None` where the journal does not tell what each run took.
    pub typical: Option<Typical>,
}

/// How far a simulation is from the journal in which launches, stops and saves take the same for all runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Typical {
    /// Error of the completion time.
    #[serde(flatten, with = "errors::jct")]
    pub jct_error: Spread,
    /// The same as a share of the real completion time.
    #[serde(flatten, with = "errors::jct_share")]
    pub jct_error_share: Spread,
    /// Mean completion time.
    pub jct_simulated_mean_s: Option<f64>,
    /// The first launch or stop that it decides otherwise, from 1.
    pub divergence_decision: Option<u64>,
}

/// What launches and stops took, in seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overheads {
    /// First runs of jobs that made progress.
    pub launch_overhead_runs: u64,
    /// From the order to launch until progress: median.
    pub launch_overhead_p50_s: Option<f64>,
    /// 90th percentile.
    pub launch_overhead_p90_s: Option<f64>,
    /// Later runs that made progress.
    pub restart_overhead_runs: u64,
    /// The same of them: median.
    pub restart_overhead_p50_s: Option<f64>,
    /// 90th percentile.
    pub restart_overhead_p90_s: Option<f64>,
    /// Runs that were told to stop in peace.
    pub stop_overhead_runs: u64,
    /// From that order until the end: median.
    pub stop_overhead_p50_s: Option<f64>,
    /// 90th percentile.
    pub stop_overhead_p90_s: Option<f64>,
    /// Runs that were killed.
    pub kill_overhead_runs: u64,
    /// From that order until the end: median.
    pub kill_overhead_p50_s: Option<f64>,
    /// 90th percentile.
    pub kill_overhead_p90_s: Option<f64>,
}

/// Where the simulation leaves the journal. Times in seconds since the beginning of the journal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Divergence {
    /// Place among the launches and stops, from 1.
    pub decision: u64,
    /// When the journal has it; null where it has no more.
    pub at_s: Option<f64>,
    /// The job that it is about; of the simulated order where the journal has no more.
    pub job: String,
    /// What was ordered.
    pub recorded: Option<Command>,
    /// When the simulation has its own; null where it has no more.
    pub simulated_at_s: Option<f64>,
    /// What the simulation ordered.
    pub simulated: Option<Command>,
}

impl Overheads {
    /// Those of a journal.
    pub fn of(rerun: &Rerun<'_>) -> Self {
        let secs = |span: Option<engine::Span>| span.map(engine::Span::secs_f64);
        let measures = rerun.measures();
        Self {
            launch_overhead_runs: measures.launch.runs,
            launch_overhead_p50_s: secs(measures.launch.p50),
            launch_overhead_p90_s: secs(measures.launch.p90),
            restart_overhead_runs: measures.relaunch.runs,
            restart_overhead_p50_s: secs(measures.relaunch.p50),
            restart_overhead_p90_s: secs(measures.relaunch.p90),
            stop_overhead_runs: measures.drain.runs,
            stop_overhead_p50_s: secs(measures.drain.p50),
            stop_overhead_p90_s: secs(measures.drain.p90),
            kill_overhead_runs: measures.kill.runs,
            kill_overhead_p50_s: secs(measures.kill.p50),
            kill_overhead_p90_s: secs(measures.kill.p90),
        }
    }
}

/// Simulates yesterday under its own policy and compares it with `real`, what happened. Gives the simulation, too.
pub fn fidelity_of(rerun: &Rerun<'_>, real: &Day) -> Result<(Fidelity, Day), RerunError> {
    let simulated = rerun.simulated_yesterday(Times::Own)?;
    let mut found = fidelity(rerun, real, &simulated);
    if rerun.has_own_times() {
        found.typical = Some(typical(rerun, real, &rerun.simulated_yesterday(Times::Typical)?));
    }
    Ok((found, simulated))
}

fn typical(rerun: &Rerun<'_>, real: &Day, simulated: &Day) -> Typical {
    let found = fidelity(rerun, real, simulated);
    Typical {
        jct_error: found.jct_error,
        jct_error_share: found.jct_error_share,
        jct_simulated_mean_s: found.jct_simulated_mean_s,
        divergence_decision: found.divergence.map(|parted| parted.decision),
    }
}

/// Compares yesterday, as it happened, with one simulation of it.
pub fn fidelity(rerun: &Rerun<'_>, real: &Day, simulated: &Day) -> Fidelity {
    let pairs = || real.replay.jobs.iter().zip(&simulated.replay.jobs);
    let started = || pairs().filter(|(a, b)| a.start != Time::NEVER && b.start != Time::NEVER);
    let ended = || pairs().filter(|(a, b)| a.finish != Time::NEVER && b.finish != Time::NEVER);
    let finished = || pairs().filter(|(a, b)| is_finished(a) && is_finished(b));
    let recording = rerun.recording();
    // What the simulation does after the end of the journal contradicts nothing.
    let ends_later = |(a, b): &(&JobRow, &JobRow)| a.outcome.is_none() && b.finish > recording.end;
    let other_end = |pair: &(&JobRow, &JobRow)| pair.0.outcome != pair.1.outcome && !ends_later(pair);
    Fidelity {
        schema: SCHEMA,
        trainyard_version: env!("CARGO_PKG_VERSION").to_owned(),
        journal: recording.source.clone(),
        recorded_version: recording.header.trainyard_version.clone(),
        cut_at_record: recording.cut,
        policy: real.replay.summary.policy.clone(),
        physics: rerun.physics().describe(),
        overheads: Overheads::of(rerun),
        jobs: real.replay.jobs.len() as u64,
        started_jobs: started().count() as u64,
        ended_jobs: ended().count() as u64,
        finished_jobs: finished().count() as u64,
        outcome_differs_jobs: pairs().filter(other_end).count() as u64,
        start_error: Spread::of(started().map(|(a, b)| apart(a.start.secs_f64(), b.start.secs_f64()))),
        finish_error: Spread::of(ended().map(|(a, b)| apart(a.finish.secs_f64(), b.finish.secs_f64()))),
        jct_error: Spread::of(finished().map(|(a, b)| apart(jct(a), jct(b)))),
        jct_error_share: Spread::of(finished().map(|(a, b)| share(jct(a), jct(b)))),
        queue_error: Spread::of(finished().map(|(a, b)| apart(waited(a), waited(b)))),
        jct_mean_s: Spread::of(finished().map(|(a, _)| jct(a))).mean,
        jct_simulated_mean_s: Spread::of(finished().map(|(_, b)| jct(b))).mean,
        first_start_order_same_jobs: order::in_order(&real.decisions, &simulated.decisions),
        decisions: real.decisions.len() as u64,
        divergence: order::divergence(rerun, &real.decisions, &simulated.decisions),
        typical: None,
    }
}

pub(crate) fn is_finished(row: &JobRow) -> bool {
    row.outcome == Some(Outcome::Finished)
}

/// Completion time in seconds.
pub(crate) fn jct(row: &JobRow) -> f64 {
    row.finish.since(row.submit).secs_f64()
}

/// Seconds between submission and finish in which the job made no progress.
fn waited(row: &JobRow) -> f64 {
    (row.finish.since(row.submit) - row.service).secs_f64()
}

fn apart(a: f64, b: f64) -> f64 {
    (a - b).abs()
}

/// The error over the real value. Of nothing, any error is all of it.
fn share(real: f64, simulated: f64) -> f64 {
    let error = apart(real, simulated);
    if error > 0.0 && real <= 0.0 { 1.0 } else { error / real.max(f64::MIN_POSITIVE) }
}
