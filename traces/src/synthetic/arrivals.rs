//! Arrival times in the shape of a week, and bursts.

use rand::{Rng, RngExt};

use super::draw::Weights;
use super::model::{Arrivals, Bursts};

const HOUR_S: f64 = 3600.0;
const WEEK_HOURS: usize = 168;

/// The law of the number of jobs of an arrival.
pub(super) struct BurstSizes<'a> {
    bursts: &'a Bursts,
    weights: Weights,
}

impl<'a> BurstSizes<'a> {
    pub(super) fn new(bursts: &'a Bursts) -> Self {
        Self { bursts, weights: Weights::new(bursts.sizes.iter().map(|(_, _, weight)| *weight)) }
    }

    pub(super) fn draw(&self, rng: &mut impl Rng) -> u32 {
        if rng.random::<f64>() >= self.bursts.share {
            return 1;
        }
        let Some((from, to, _)) = self.bursts.sizes.get(self.weights.draw(rng)) else { return 1 };
        let (low, high) = (f64::from(*from), f64::from(*to) + 1.0);
        let size = (low.ln() + (high.ln() - low.ln()) * rng.random::<f64>()).exp();
        (size as u32).clamp(*from, *to)
    }
}

/// When the jobs of arrivals of these sizes are submitted, in whole seconds over `0..=span_s`, in the order of the
/// arrivals. What a burst would have after the end comes before its first job instead.
pub(super) fn submissions_s(shape: &Arrivals, sizes: &[u32], span_s: u64, rng: &mut impl Rng) -> Vec<u64> {
    let starts = arrivals_s(shape, sizes.len(), span_s, rng);
    let gap_s = shape.bursts.as_ref().map_or(0.0, |bursts| bursts.gap_s);
    let mut all = Vec::new();
    for (start, size) in starts.into_iter().zip(sizes) {
        let mut since = 0.0;
        all.push(start);
        for _ in 1..*size {
            since -= (1.0 - rng.random::<f64>()).ln() * gap_s;
            let offset = since.round() as u64;
            all.push(if start + offset <= span_s { start + offset } else { start.saturating_sub(offset) });
        }
    }
    all
}

/// `count` arrivals in whole seconds over `0..=span_s`, in order, with the rate of the week's shape; time zero is Monday
/// midnight. The first arrives at 0 and the last at `span_s`, so that the span is exact.
pub(super) fn arrivals_s(shape: &Arrivals, count: usize, span_s: u64, rng: &mut impl Rng) -> Vec<u64> {
    let week = Weights::new((0..WEEK_HOURS).map(|hour| shape.days[hour / 24] * shape.hours[hour % 24]));
    let total = mass_before(&week, span_s as f64);
    let inner = count.saturating_sub(2);
    let mut times: Vec<u64> =
        (0..inner).map(|_| (time_at(&week, rng.random::<f64>() * total).round() as u64).min(span_s)).collect();
    times.sort_unstable();
    let mut all = Vec::with_capacity(count);
    all.extend((count > 0).then_some(0));
    all.extend(times);
    all.extend((count > 1).then_some(span_s));
    all
}

/// The integral of the rate from zero to `at_s`.
fn mass_before(week: &Weights, at_s: f64) -> f64 {
    let hours = at_s / HOUR_S;
    let weeks = (hours / WEEK_HOURS as f64).floor();
    let rest = hours - weeks * WEEK_HOURS as f64;
    let hour = (rest.floor() as usize).min(WEEK_HOURS - 1);
    weeks * week.total() + week.sum_at(hour, rest - hour as f64)
}

/// The time in seconds before which the integral is `mass`: the inverse of [`mass_before`].
fn time_at(week: &Weights, mass: f64) -> f64 {
    let weeks = (mass / week.total()).floor();
    let (hour, fraction) = week.locate(mass - weeks * week.total());
    (weeks * WEEK_HOURS as f64 + hour as f64 + fraction) * HOUR_S
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::ChaCha12Rng;

    use super::*;

    fn working_week() -> Arrivals {
        super::super::models()[1].arrivals.clone()
    }

    #[test]
    fn mass_and_time_are_inverse() {
        let shape = working_week();
        let week = Weights::new((0..WEEK_HOURS).map(|hour| shape.days[hour / 24] * shape.hours[hour % 24]));
        for at_s in [0.0, 1.0, 3599.0, 86_400.0, 604_799.0, 604_800.0, 5e6] {
            assert!((time_at(&week, mass_before(&week, at_s)) - at_s).abs() < 1e-3, "{at_s}");
        }
    }

    #[test]
    fn the_shape_shows_and_the_span_is_exact() {
        let mut shape = Arrivals { hours: [1.0; 24], days: [1.0; 7], bursts: None };
        shape.hours[3] = 0.0;
        shape.hours[12] = 5.0;
        shape.days[6] = 0.0;
        let mut rng = ChaCha12Rng::seed_from_u64(1);
        let times = arrivals_s(&shape, 20_000, 3_000_000, &mut rng);
        assert_eq!((times.len(), times[0], times[19_999]), (20_000, 0, 3_000_000));
        assert!(times.is_sorted());
        let at_hour = |wanted: u64| times.iter().filter(|&&time| time / 3600 % 24 == wanted).count() as f64;
        assert!(at_hour(3) < 20.0);
        assert!((4.0..6.0).contains(&(at_hour(12) / at_hour(5))), "{} {}", at_hour(12), at_hour(5));
        assert!(times.iter().filter(|&&time| time / 86_400 % 7 == 6).count() < 20);
    }

    #[test]
    fn small_counts() {
        let shape = working_week();
        let mut rng = ChaCha12Rng::seed_from_u64(1);
        assert_eq!(arrivals_s(&shape, 0, 10, &mut rng), [0u64; 0]);
        assert_eq!(arrivals_s(&shape, 1, 0, &mut rng), [0]);
        assert_eq!(arrivals_s(&shape, 2, 10, &mut rng), [0, 10]);
        assert_eq!(arrivals_s(&shape, 3, 0, &mut rng), [0, 0, 0]);
    }
}
