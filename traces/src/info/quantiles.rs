//! Mean and quantiles.

use serde::Serialize;

/// Mean and quantiles (nearest rank).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quantiles {
    /// Arithmetic mean.
    pub mean: f64,
    /// 10th percentile.
    pub p10: f64,
    /// 25th percentile.
    pub p25: f64,
    /// Median.
    pub p50: f64,
    /// 75th percentile.
    pub p75: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Largest.
    pub max: f64,
}

impl Quantiles {
    /// Of values in microseconds, as seconds; `None` when there are none.
    pub(super) fn of_micros(mut values: Vec<u64>) -> Option<Self> {
        values.sort_unstable();
        let sum: u128 = values.iter().map(|&value| u128::from(value)).sum();
        let mean = sum as f64 / values.len() as f64 / 1e6;
        Self::of_sorted(mean, values.len(), |rank| Some(*values.get(rank)? as f64 / 1e6))
    }

    /// Of any values; `None` when there are none.
    pub(super) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        Self::of_sorted(mean, values.len(), |rank| values.get(rank).copied())
    }

    fn of_sorted(mean: f64, count: usize, at: impl Fn(usize) -> Option<f64>) -> Option<Self> {
        let rank = |percent: usize| at((count * percent).div_ceil(100).max(1) - 1);
        Some(Self {
            mean,
            p10: rank(10)?,
            p25: rank(25)?,
            p50: rank(50)?,
            p75: rank(75)?,
            p90: rank(90)?,
            p99: rank(99)?,
            max: rank(100)?,
        })
    }
}
