//! The same jobs under two policies: the mean of their differences, with what may be said about it.

use engine::Time;
use serde::Serialize;

use crate::fidelity::{is_finished, jct};
use crate::result::JobRow;
use crate::stats::{block_interval, mean};

/// A figure of each job under a policy minus the same in the simulation of yesterday, in seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairedDifference {
    /// `jct_s`, over jobs that finished in both, or `queue_s`, over jobs that started in both.
    pub metric: &'static str,
    /// Jobs that have it in both.
    pub pairs: u64,
    /// Mean of yesterday, simulated, over the pairs.
    pub baseline_mean: Option<f64>,
    /// Mean of the policy.
    pub policy_mean: Option<f64>,
    /// Mean of policy minus yesterday.
    pub difference: Option<f64>,
    /// Lower end of the 95 % interval of `difference`; null where there are too few blocks for one.
    pub ci_low: Option<f64>,
    /// Upper end.
    pub ci_high: Option<f64>,
    /// Jobs in a block of the bootstrap.
    pub block_jobs: Option<u64>,
    /// What may be said.
    pub verdict: Verdict,
}

/// What may be said about a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Each job has the same in both.
    Same,
    /// The interval is below zero: less waiting.
    Better,
    /// The interval is above zero.
    Worse,
    /// The interval contains zero.
    NoDifference,
    /// There are too few jobs for an interval.
    NoInterval,
    /// No job has the figure in both.
    NoData,
}

/// The differences of some jobs, given as pairs of yesterday and the policy in the order of submission.
pub(super) fn of<'r>(pairs: impl Iterator<Item = (&'r JobRow, &'r JobRow)>) -> Vec<PairedDifference> {
    let pairs: Vec<(&JobRow, &JobRow)> = pairs.collect();
    let finished = pairs.iter().filter(|(a, b)| is_finished(a) && is_finished(b));
    let started = pairs.iter().filter(|(a, b)| a.start != Time::NEVER && b.start != Time::NEVER);
    let queue = |row: &JobRow| row.start.since(row.submit).secs_f64();
    vec![
        PairedDifference::of("jct_s", &finished.map(|(a, b)| (jct(a), jct(b))).collect::<Vec<_>>()),
        PairedDifference::of("queue_s", &started.map(|(a, b)| (queue(a), queue(b))).collect::<Vec<_>>()),
    ]
}

impl PairedDifference {
    fn of(metric: &'static str, pairs: &[(f64, f64)]) -> Self {
        let gaps: Vec<f64> = pairs.iter().map(|(base, other)| other - base).collect();
        let interval = block_interval(&gaps);
        let side = |side: fn(&(f64, f64)) -> f64| mean(&pairs.iter().map(side).collect::<Vec<_>>());
        let verdict = match interval {
            _ if gaps.is_empty() => Verdict::NoData,
            _ if pairs.iter().all(|(base, other)| base.total_cmp(other).is_eq()) => Verdict::Same,
            None => Verdict::NoInterval,
            Some(interval) if interval.high < 0.0 => Verdict::Better,
            Some(interval) if interval.low > 0.0 => Verdict::Worse,
            Some(_) => Verdict::NoDifference,
        };
        Self {
            metric,
            pairs: pairs.len() as u64,
            baseline_mean: side(|pair| pair.0),
            policy_mean: side(|pair| pair.1),
            difference: mean(&gaps),
            ci_low: interval.map(|interval| interval.low),
            ci_high: interval.map(|interval| interval.high),
            block_jobs: interval.map(|interval| interval.block as u64),
            verdict,
        }
    }
}
