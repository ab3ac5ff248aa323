//! What a model of a workload consists of.

/// A workload as published statistics describe it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model {
    /// Name on the command line.
    pub name: &'static str,
    /// What it resembles, in a sentence.
    pub about: &'static str,
    /// Where the statistics are from.
    pub sources: &'static [&'static str],
    /// GPUs of the cluster for which the load is meant, unless the user says otherwise.
    pub cluster_gpus: u32,
    /// Kinds of jobs.
    pub classes: &'static [Class],
    /// No job runs longer, in seconds: the longest of the source.
    pub run_time_max_s: f64,
    /// Groups that share the cluster (virtual clusters) and the users in them.
    pub tenants: Tenants,
    /// When jobs arrive.
    pub arrivals: Arrivals,
    /// Published figures that the model is meant to meet.
    pub targets: Targets,
}

/// One kind of job.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Class {
    /// Share of the jobs.
    pub share: f64,
    /// Gang sizes in GPUs with their weights.
    pub gangs: &'static [(u32, f64)],
    /// Run time: lognormal, given by its median and the standard deviation of its logarithm.
    pub run_time: LogNormal,
    /// How jobs end.
    pub outcomes: Outcomes,
}

/// A lognormal distribution, cut at the longest run time of its model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogNormal {
    /// Median in seconds.
    pub median_s: f64,
    /// Standard deviation of the natural logarithm.
    pub sigma: f64,
}

/// Shares of the ends of jobs; together 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcomes {
    /// Jobs that finished their work.
    pub finished: f64,
    /// Jobs that a user killed.
    pub killed: f64,
    /// Jobs that failed.
    pub failed: f64,
}

/// Who submits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tenants {
    /// Published weights, one a group.
    Weights {
        /// Jobs, or anything proportional to them, by group.
        groups: &'static [f64],
        /// Users of each group; their jobs follow Zipf's law with exponent 1.
        users: u32,
    },
    /// Groups whose jobs follow Zipf's law with exponent 1, and likewise their users.
    Zipf {
        /// Number of groups.
        groups: u32,
        /// Users of each group.
        users: u32,
    },
}

/// The shape of the arrival rate over a week.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrivals {
    /// Weights of the hours of a day, from midnight.
    pub hours: [f64; 24],
    /// Weights of the days of a week, from Monday.
    pub days: [f64; 7],
}

/// Published figures over all jobs. Tests hold the model to them.
#[derive(Clone, Copy, Debug, PartialEq)]
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
