//! Draws from weights and from cut lognormals.

use rand::{Rng, RngExt};
use rand_distr::{Distribution, LogNormal as LogNormalDraw};

use super::model::LogNormal;

/// Indices drawn by weight.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    /// Running sums.
    sums: Vec<f64>,
}

impl Weights {
    pub(super) fn new(weights: impl IntoIterator<Item = f64>) -> Self {
        let mut sum = 0.0;
        let sums = weights.into_iter().map(|weight| {
            sum += weight;
            sum
        });
        Self { sums: sums.collect() }
    }

    /// Zipf's law with exponent 1: the k-th of `count` has weight 1/k.
    pub(super) fn zipf(count: u32) -> Self {
        Self::new((1..=count).map(|rank| 1.0 / f64::from(rank)))
    }

    pub(super) fn total(&self) -> f64 {
        self.sums.last().copied().unwrap_or(0.0)
    }

    /// The index at which the running sum passes `position`, and how far into its weight that is, 0..1.
    pub(super) fn locate(&self, position: f64) -> (usize, f64) {
        let index = self.sums.partition_point(|sum| *sum <= position).min(self.sums.len().saturating_sub(1));
        let below = if index == 0 { 0.0 } else { self.sums[index - 1] };
        let weight = self.sums.get(index).map_or(0.0, |sum| sum - below);
        (index, if weight > 0.0 { ((position - below) / weight).clamp(0.0, 1.0) } else { 0.0 })
    }

    /// The sum of the weights before `index`, plus `fraction` of its own.
    pub(super) fn sum_at(&self, index: usize, fraction: f64) -> f64 {
        let below = if index == 0 { 0.0 } else { self.sums[index - 1] };
        below + (self.sums.get(index).copied().unwrap_or(below) - below) * fraction
    }

    pub(super) fn draw(&self, rng: &mut impl Rng) -> usize {
        self.locate(rng.random::<f64>() * self.total()).0
    }
}

/// A run time in whole seconds, from 1 to `max_s`. What is longer is drawn again, so that no peak stands at the cut.
pub(super) fn run_time_s(law: LogNormal, max_s: f64, rng: &mut impl Rng) -> u64 {
    /// Enough for any cut that leaves a noticeable part of the law.
    const TRIES: u32 = 1000;
    let Ok(draw) = LogNormalDraw::new(law.median_s.ln(), law.sigma) else { return 1 };
    let found = (0..TRIES).map(|_| draw.sample(rng)).find(|secs| *secs <= max_s);
    found.unwrap_or(max_s).round().max(1.0) as u64
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::ChaCha12Rng;

    use super::*;

    #[test]
    fn draws_follow_the_weights() {
        let weights = Weights::new([1.0, 0.0, 3.0]);
        let mut rng = ChaCha12Rng::seed_from_u64(1);
        let mut counts = [0u32; 3];
        for _ in 0..10_000 {
            counts[weights.draw(&mut rng)] += 1;
        }
        assert_eq!(counts[1], 0);
        assert!((2300..2700).contains(&counts[0]), "{counts:?}");
        assert_eq!(weights.locate(1.0), (2, 0.0));
        assert_eq!(weights.locate(2.5), (2, 0.5));
        assert_eq!(weights.locate(9.0), (2, 1.0));
        assert!((weights.sum_at(2, 0.5) - 2.5).abs() < 1e-12);
    }

    #[test]
    fn run_times_stay_in_their_bounds() {
        let mut rng = ChaCha12Rng::seed_from_u64(1);
        for median_s in [0.01, 100.0, 1e9] {
            let law = LogNormal { median_s, sigma: 1.0 };
            for _ in 0..50 {
                assert!((1..=3600).contains(&run_time_s(law, 3600.0, &mut rng)));
            }
        }
    }
}
