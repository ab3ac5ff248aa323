//! A case replayed, and its figures beside those of the peer.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{Inventory, Outcome};
use serde::Serialize;
use simulator::metrics::Segments;
use simulator::physics::Physics;
use simulator::result::Replay;
use simulator::run::{RunSpec, replay};
use simulator::tenants::TenantTerms;
use simulator::workload::Workload;
use traces::Trace;

use super::case::{Case, Figure, Loaded, Printed, Recipe, Results, Task};
use super::filled;
use super::mappings::SAMPLES;
use crate::error::Error;

/// Largest difference of a mean or a makespan, relative to the peer's.
const RELATIVE: f64 = 0.01;
/// Least share of jobs that end when the peer's do.
const EQUAL_SHARE: f64 = 0.99;
/// Ends count as equal up to this, seconds: peers count in floats, we in microseconds.
const EQUAL_S: f64 = 0.001;

/// What became of a case.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Reproduced {
    /// `family/name`.
    pub(crate) case: String,
    /// Whose numbers they are.
    pub(crate) peer: &'static str,
    /// How it went.
    pub(crate) verdict: Verdict,
    /// Why it is not covered.
    pub(crate) reason: Option<String>,
    /// Our policy, as `--policy` takes it.
    pub(crate) policy: Option<String>,
    /// Our physics, as `--set` takes them.
    pub(crate) settings: Vec<String>,
    /// The cluster.
    pub(crate) cluster: Option<String>,
    /// Jobs replayed.
    pub(crate) jobs: Option<u64>,
    /// Jobs compared one by one.
    pub(crate) compared: Option<u64>,
    /// Seeds of ours, where the figures are means over seeds.
    pub(crate) seeds: Option<u64>,
    /// The figures.
    pub(crate) measures: Vec<Measure>,
}

/// How a case went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// All figures are within their limits.
    Within,
    /// Some are not.
    Beyond,
    /// It was not run.
    NotCovered,
}

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Measure {
    /// Its name, with the unit last.
    pub(crate) name: &'static str,
    /// The peer's value.
    pub(crate) published: f64,
    /// Ours; `None` where jobs did not finish.
    pub(crate) ours: Option<f64>,
    /// Ours - published.
    pub(crate) difference: Option<f64>,
    /// The difference over the published value.
    pub(crate) relative: Option<f64>,
    /// Largest relative difference, if it has a limit.
    pub(crate) limit_relative: Option<f64>,
    /// Least value, if it has a limit.
    pub(crate) limit_least: Option<f64>,
    /// Largest difference, if it has a limit.
    pub(crate) limit_difference: Option<f64>,
    /// Standard deviation of the peer's seeds, where the value is their mean.
    pub(crate) published_sd: Option<f64>,
    /// The same of ours.
    pub(crate) ours_sd: Option<f64>,
    /// Whether it is within its limit; true where it has none.
    pub(crate) within: bool,
}

impl Measure {
    pub(super) fn new(name: &'static str, published: f64, ours: Option<f64>) -> Self {
        let difference = ours.map(|ours| ours - published);
        let relative = difference.filter(|_| published.abs() > 0.0).map(|difference| difference / published);
        Self {
            name,
            published,
            ours,
            difference,
            relative,
            limit_relative: None,
            limit_least: None,
            limit_difference: None,
            published_sd: None,
            ours_sd: None,
            within: true,
        }
    }

    /// The same with a limit on the difference.
    pub(super) fn within(self, limit: f64) -> Self {
        let small = self.difference.is_some_and(|difference| difference.abs() <= limit);
        Self { limit_difference: Some(limit), within: small, ..self }
    }

    /// The same with a limit on the relative difference.
    fn near(self) -> Self {
        let small = |difference: f64| difference.abs() <= RELATIVE * self.published.abs();
        Self { limit_relative: Some(RELATIVE), within: self.difference.is_some_and(small), ..self }
    }

    /// The same with a least value.
    fn at_least(self, least: f64) -> Self {
        Self { limit_least: Some(least), within: self.ours.is_some_and(|ours| ours >= least), ..self }
    }
}

impl Reproduced {
    fn not_covered(case: &Case, reason: &str) -> Self {
        Self {
            case: case.id.clone(),
            peer: case.peer,
            verdict: Verdict::NotCovered,
            reason: Some(reason.to_owned()),
            policy: None,
            settings: Vec::new(),
            cluster: None,
            jobs: None,
            compared: None,
            seeds: None,
            measures: Vec::new(),
        }
    }

    /// The figure called `name`.
    pub(crate) fn measure(&self, name: &str) -> Option<&Measure> {
        self.measures.iter().find(|measure| measure.name == name)
    }
}

/// Runs a case.
pub(crate) fn reproduce(case: &Case) -> Result<Reproduced, Error> {
    let recipe = match &case.recipe {
        Ok(recipe) => recipe,
        Err(reason) => return Ok(Reproduced::not_covered(case, reason)),
    };
    match (recipe.load)()? {
        Loaded::Unusable(reason) => Ok(Reproduced::not_covered(case, &reason)),
        Loaded::Ready(task) => run(case, recipe, *task),
    }
}

fn run(case: &Case, recipe: &Recipe, task: Task) -> Result<Reproduced, Error> {
    let Task { trace, inventory, cluster, samples, results } = task;
    let trace = Arc::new(trace);
    let replayed = || replayed(recipe, &trace, &inventory, samples.as_deref());
    let measures = match &results {
        Results::Ends(ends) => by_job(&replayed()?, ends),
        Results::Printed(printed) => {
            let replay = replayed()?;
            printed.iter().map(|one| by_figure(&replay, *one)).collect()
        }
        Results::Filled(filling) => filled::measures(&recipe.ours.policy, &trace, &inventory, filling)?,
    };
    let (compared, seeds) = match &results {
        Results::Ends(ends) => (Some(ends.len() as u64), None),
        Results::Printed(_) => (None, None),
        Results::Filled(filling) => (None, Some(filling.seeds)),
    };
    let verdict = if measures.iter().all(|measure| measure.within) { Verdict::Within } else { Verdict::Beyond };
    Ok(Reproduced {
        verdict,
        reason: None,
        policy: Some(recipe.ours.policy.clone()),
        settings: recipe.ours.settings.clone(),
        cluster: Some(cluster),
        jobs: Some(trace.jobs.len() as u64),
        compared,
        seeds,
        measures,
        ..Reproduced::not_covered(case, "")
    })
}

/// The replay of a case under our policy.
fn replayed(
    recipe: &Recipe,
    trace: &Arc<Trace>,
    inventory: &Inventory,
    samples: Option<&str>,
) -> Result<Replay, Error> {
    let physics = Physics::parse(&recipe.ours.settings)?;
    let workload = Workload::new(trace, inventory, &TenantTerms::default());
    let policy = recipe.ours.policy.replace(SAMPLES, samples.unwrap_or_default());
    let spec = RunSpec { inventory, policy, physics: &physics, load: 1.0, seed: 1, segments: Segments::Off };
    Ok(replay(&spec, &workload)?)
}

/// Submission, run time and end of a job, in seconds; no end where it did not finish.
struct Ended {
    submit: f64,
    work: f64,
    end: Option<f64>,
}

/// (submission, end) of jobs, in seconds.
type Spans = [(f64, f64)];

fn ended(replay: &Replay) -> BTreeMap<&str, Ended> {
    let one = |row: &simulator::result::JobRow| {
        let job = &replay.trace.jobs[row.trace_index as usize];
        let end = (row.outcome == Some(Outcome::Finished)).then(|| row.finish.secs_f64());
        (job.id.as_str(), Ended { submit: row.submit.secs_f64(), work: job.duration.secs_f64(), end })
    };
    replay.jobs.iter().map(one).collect()
}

/// Job by job: the mean, the makespan, the share of equal ends, the worst of them.
fn by_job(replay: &Replay, ends: &[(String, f64)]) -> Vec<Measure> {
    let found = ended(replay);
    let pairs: Vec<(f64, f64, Option<f64>)> = ends
        .iter()
        .filter_map(|(id, theirs_s)| found.get(id.as_str()).map(|job| (job.submit, *theirs_s, job.end)))
        .collect();
    let ours: Option<Vec<(f64, f64)>> = pairs.iter().map(|(submit_s, _, end_s)| Some((*submit_s, (*end_s)?))).collect();
    let theirs: Vec<(f64, f64)> = pairs.iter().map(|(submit_s, end_s, _)| (*submit_s, *end_s)).collect();
    let apart = |pair: &(f64, f64, Option<f64>)| pair.2.map_or(f64::INFINITY, |ours| (ours - pair.1).abs());
    let equal = pairs.iter().filter(|pair| apart(pair) <= EQUAL_S).count();
    let worst_s = pairs.iter().map(apart).fold(0.0, f64::max);
    vec![
        Measure::new("jct_mean_s", jct_mean(&theirs), ours.as_deref().map(jct_mean)).near(),
        Measure::new("makespan_s", makespan(&theirs), ours.as_deref().map(makespan)).near(),
        Measure::new("equal_finish_share", 1.0, Some(equal as f64 / ends.len().max(1) as f64)).at_least(EQUAL_SHARE),
        Measure::new("finish_worst_s", 0.0, Some(worst_s).filter(|worst_s| worst_s.is_finite())),
    ]
}

/// Mean of end - submission.
fn jct_mean(jobs: &Spans) -> f64 {
    jobs.iter().map(|(submit_s, end_s)| end_s - submit_s).sum::<f64>() / jobs.len().max(1) as f64
}

/// From the first submission to the last end.
fn makespan(jobs: &Spans) -> f64 {
    let first = jobs.iter().map(|(submit_s, _)| *submit_s).fold(f64::INFINITY, f64::min);
    jobs.iter().map(|(_, end_s)| *end_s).fold(first, f64::max) - first
}

/// A printed figure beside ours.
fn by_figure(replay: &Replay, printed: Printed) -> Measure {
    let jobs = ended(replay);
    let ours: Option<Vec<(f64, f64)>> = jobs.values().map(|job| Some((job.submit, job.end?))).collect();
    let work_s = jobs.values().map(|job| job.work).sum::<f64>() / jobs.len().max(1) as f64;
    let (name, of): (_, fn(&Spans, f64) -> f64) = match printed.what {
        Figure::JctMean => ("jct_mean_s", |jobs, _| jct_mean(jobs)),
        Figure::WaitMean => ("wait_mean_s", |jobs, work_s| jct_mean(jobs) - work_s),
        Figure::Makespan => ("makespan_s", |jobs, _| makespan(jobs)),
    };
    let measure = Measure::new(name, printed.value_s, ours.map(|ours| of(&ours, work_s)));
    // The wait follows from the mean of the ends: a limit on both would be one limit, twice.
    if printed.what == Figure::WaitMean { measure } else { measure.near() }
}
