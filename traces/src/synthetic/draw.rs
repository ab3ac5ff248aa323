//! Draws by weight, evenly or at random.

use rand::{Rng, RngExt};

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

    /// Zipf's law: of the ranks `from..=to`, the k-th of all has weight k^-`exponent`.
    pub(super) fn zipf(from: u32, to: u32, exponent: f64) -> Self {
        let weight = |rank: u32| {
            if (exponent - 1.0).abs() < f64::EPSILON { 1.0 / f64::from(rank) } else { f64::from(rank).powf(-exponent) }
        };
        Self::new((from..=to).map(weight))
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

/// How the mix of a trace is drawn from the shares and laws of its model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Drawing {
    /// As evenly as the number of jobs allows (systematic and stratified sampling): every trace has the model's shares of
    /// gangs and its quantiles of run times. Order, pairs of gang and run time, tenants and arrivals are random.
    #[default]
    Even,
    /// Each job independently: the shares and quantiles of a small trace differ from those of the model as much as those
    /// of a small sample do.
    Random,
}

impl Drawing {
    /// `count` indices by weight, in random order.
    pub(super) fn indices(self, weights: &[f64], count: usize, rng: &mut impl Rng) -> Vec<usize> {
        let table = Weights::new(weights.iter().copied());
        if self == Self::Random {
            return (0..count).map(|_| table.draw(rng)).collect();
        }
        let start = rng.random::<f64>();
        let at = |number: usize| table.locate((number as f64 + start) / count as f64 * table.total()).0;
        let mut indices: Vec<usize> = (0..count).map(at).collect();
        shuffle(&mut indices, rng);
        indices
    }

    /// `count` places within a law, 0..1, in random order.
    pub(super) fn places(self, count: usize, rng: &mut impl Rng) -> Vec<f64> {
        if self == Self::Random {
            return (0..count).map(|_| rng.random()).collect();
        }
        let mut places: Vec<f64> = (0..count).map(|at| (at as f64 + rng.random::<f64>()) / count as f64).collect();
        shuffle(&mut places, rng);
        places
    }
}

/// A random order (Fisher and Yates).
pub(super) fn shuffle<T>(items: &mut [T], rng: &mut impl Rng) {
    for at in (1..items.len()).rev() {
        items.swap(at, rng.random_range(0..=at));
    }
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
    fn even_draws_have_the_shares() {
        let mut rng = ChaCha12Rng::seed_from_u64(1);
        let indices = Drawing::Even.indices(&[1.0, 0.0, 3.0], 100, &mut rng);
        assert_eq!((0..3).map(|i| indices.iter().filter(|&&at| at == i).count()).collect::<Vec<_>>(), [25, 0, 75]);
        assert!(!indices.is_sorted());
        let mut places = Drawing::Even.places(50, &mut rng);
        places.sort_by(f64::total_cmp);
        assert!(places.iter().enumerate().all(|(at, place)| (place * 50.0) as usize == at));
        assert_eq!(Drawing::Random.indices(&[1.0, 1.0], 7, &mut rng).len(), 7);
        assert_eq!(Drawing::Random.places(7, &mut rng).len(), 7);
        assert!(Drawing::Even.indices(&[1.0], 0, &mut rng).is_empty());
    }
}
