//! What a model of a workload consists of. The same types are the TOML file of a model: see [`super::read_model`].

use serde::{Deserialize, Serialize};

/// Version of the file of a model.
pub const MODEL_SCHEMA: u32 = 1;

/// A workload as statistics describe it: published ones, or those of a trace ([`super::fit`]).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Version of the file: [`MODEL_SCHEMA`].
    pub schema: u32,
    /// Name on the command line.
    pub name: String,
    /// What it resembles, in a sentence.
    pub about: String,
    /// Where the statistics are from.
    #[serde(default)]
    pub sources: Vec<String>,
    /// GPUs of the cluster for which the load is meant, unless the user says otherwise.
    pub cluster_gpus: u32,
    /// No job runs longer, in seconds: the longest of the source.
    pub run_time_max_s: f64,
    /// Published figures that the model is meant to meet.
    #[serde(default)]
    pub targets: Option<Targets>,
    /// When jobs arrive.
    pub arrivals: Arrivals,
    /// Groups that share the cluster (virtual clusters) and the users in them.
    pub tenants: Tenants,
    /// What users say about run times; nothing unless the source has estimates.
    #[serde(default)]
    pub estimates: Option<EstimateLaw>,
    /// Kinds of jobs.
    pub classes: Vec<Class>,
}

/// One kind of job.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Share of the jobs.
    pub share: f64,
    /// Gang sizes in GPUs with their weights.
    pub gangs: Vec<(f64, f64)>,
    /// Run time.
    pub run_time: RunTime,
    /// How jobs end; unknown where the source does not say.
    #[serde(default)]
    pub outcomes: Option<Outcomes>,
    /// Weights of the groups among jobs of this class, one row for each equal part of its run times, the shortest
    /// first: how the size and the length of jobs go with who submits them. A row has the groups of
    /// [`Tenants::weights`], and one more number for all others where there are more. Without rows every class has the
    /// same groups.
    #[serde(default)]
    pub groups: Vec<Vec<f64>>,
}

/// The law of run times, cut at the longest run time of its model.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "RunTimeText")]
pub enum RunTime {
    /// Lognormal.
    LogNormal {
        /// Median in seconds.
        median_s: f64,
        /// Standard deviation of the natural logarithm.
        sigma: f64,
    },
    /// Quantiles: probability and seconds. Between two of them the logarithm of the time is linear.
    Quantiles(Vec<(f64, f64)>),
}

/// The law of run times as it stands in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RunTimeText {
    median_s: Option<f64>,
    sigma: Option<f64>,
    quantiles_s: Option<Vec<(f64, f64)>>,
}

impl TryFrom<RunTimeText> for RunTime {
    type Error = &'static str;

    fn try_from(text: RunTimeText) -> Result<Self, Self::Error> {
        match (text.median_s, text.sigma, text.quantiles_s) {
            (Some(median_s), Some(sigma), None) => Ok(Self::LogNormal { median_s, sigma }),
            (None, None, Some(knots)) => Ok(Self::Quantiles(knots)),
            _ => Err("a run time is either `median_s` and `sigma`, or `quantiles_s`"),
        }
    }
}

/// Shares of the ends of jobs; together 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Outcomes {
    /// Jobs that finished their work.
    pub finished: f64,
    /// Jobs that a user killed.
    pub killed: f64,
    /// Jobs that failed.
    pub failed: f64,
    /// Jobs that ran into their time limit.
    pub timed_out: f64,
    /// Jobs whose node failed.
    pub node_failed: f64,
    /// Jobs that still ran when the recording ended.
    pub censored: f64,
    /// Jobs of which nobody knows.
    pub unknown: f64,
}

/// Who submits.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenants {
    /// Number of groups.
    pub groups: u32,
    /// Jobs, or anything proportional to them, of the largest groups, the largest first; may be empty.
    #[serde(default)]
    pub weights: Vec<f64>,
    /// Zipf's law of the groups that have no weight of their own: the k-th of all has a weight proportional to
    /// k^-exponent.
    #[serde(default = "one")]
    pub exponent: f64,
    /// Users of each group; none: the group is the tenant.
    #[serde(default)]
    pub users: u32,
    /// Zipf's law of the users of a group.
    #[serde(default = "one")]
    pub users_exponent: f64,
}

fn one() -> f64 {
    1.0
}

/// When jobs arrive: the rate over a week, and bursts.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrivals {
    /// Weights of the hours of a day, from midnight.
    pub hours: [f64; 24],
    /// Weights of the days of a week, from Monday.
    pub days: [f64; 7],
    /// Jobs that are submitted together.
    #[serde(default)]
    pub bursts: Option<Bursts>,
}

/// Arrivals that are a burst: several jobs of one tenant, shortly after each other (a sweep, an array). Bursts and single
/// jobs begin at the rate of the week; the jobs of a burst follow each other after exponential times.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bursts {
    /// Share of the arrivals that are a burst; the others are single jobs.
    pub share: f64,
    /// Mean time from one job of a burst to the next, in seconds.
    pub gap_s: f64,
    /// Jobs of a burst: from, to, weight. The logarithm of the size is uniform between them.
    pub sizes: Vec<(u32, u32, f64)>,
}

/// What users say about run times.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EstimateLaw {
    /// Share of the jobs that have an estimate.
    pub share: f64,
    /// Estimate over run time: probability and factor. Between two of them the logarithm of the factor is linear.
    pub factors: Vec<(f64, f64)>,
}

/// Published figures over all jobs. Tests hold the model to them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Targets {
    /// Mean run time in seconds.
    pub run_time_mean_s: f64,
    /// Median run time in seconds.
    pub run_time_median_s: f64,
    /// Mean GPUs of a job.
    pub gpus_mean: f64,
    /// Mean of GPUs x run time in GPU-seconds.
    pub gpu_time_mean_s: f64,
    /// Outcomes by number of jobs.
    pub outcomes: Outcomes,
}
