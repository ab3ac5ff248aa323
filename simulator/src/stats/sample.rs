//! Figures of one sample: mean, quantile, standard deviation, t-interval.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// Arithmetic mean; `None` of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Standard deviation with n - 1 in the denominator; `None` below two values.
pub fn standard_deviation(values: &[f64]) -> Option<f64> {
    let center = mean(values)?;
    let squares: f64 = values.iter().map(|value| (value - center).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (values.len() - 1) as f64).sqrt())
}

/// Quantile by nearest rank: the smallest value with at least the share `q` of all values at or below it.
/// `sorted` is ascending; `None` of nothing.
pub fn nearest_rank(sorted: &[f64], q: f64) -> Option<f64> {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied()
}

/// The value that a t-distributed variable with `freedom` degrees of freedom stays below with probability `p`.
/// `None` without degrees of freedom.
pub fn t_quantile(p: f64, freedom: f64) -> Option<f64> {
    StudentsT::new(0.0, 1.0, freedom).ok().map(|t| t.inverse_cdf(p))
}

/// Probability that a t-distributed variable is at least as far from zero as `t`.
pub(crate) fn two_sided_p(t: f64, freedom: f64) -> Option<f64> {
    if t.is_infinite() {
        return Some(0.0);
    }
    StudentsT::new(0.0, 1.0, freedom).ok().map(|dist| (2.0 * dist.sf(t.abs())).clamp(0.0, 1.0))
}

/// A mean with the half width of its 95 % t-interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Mean of the sample.
    pub mean: f64,
    /// Half width of the interval; `None` below two values.
    pub half_width: Option<f64>,
    /// Size of the sample.
    pub count: usize,
}

impl Estimate {
    /// Mean ± t(0.975, n - 1) · s / √n. `None` of nothing.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mean = mean(values)?;
        let count = values.len();
        let half_width = standard_deviation(values)
            .and_then(|deviation| Some(t_quantile(0.975, (count - 1) as f64)? * deviation / (count as f64).sqrt()));
        Some(Self { mean, half_width, count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_rank_takes_a_value_of_the_sample() {
        let values = [15.0, 20.0, 35.0, 40.0, 50.0];
        let at = |q| nearest_rank(&values, q).unwrap();
        assert_eq!((at(0.05), at(0.3), at(0.4), at(0.5), at(1.0)), (15.0, 20.0, 20.0, 35.0, 50.0));
        assert_eq!(nearest_rank(&values, 0.0), Some(15.0));
        assert_eq!(nearest_rank(&[], 0.5), None);
    }

    #[test]
    fn t_quantiles_are_those_of_the_tables() {
        for (freedom, expected) in [(1.0, 12.706), (2.0, 4.303), (4.0, 2.776), (9.0, 2.262), (30.0, 2.042)] {
            let found = t_quantile(0.975, freedom).unwrap();
            assert!((found - expected).abs() < 5e-4, "{freedom}: {found}");
        }
        assert_eq!(t_quantile(0.975, 0.0), None);
    }

    #[test]
    fn interval_by_hand() {
        // 1..5: mean 3, s = sqrt(2.5), half width 2.776445 * sqrt(2.5 / 5) = 1.963243.
        let estimate = Estimate::of(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert_eq!(mean(&[1.0, 2.0, 3.0, 4.0, 5.0]), Some(3.0));
        assert_eq!((estimate.count, estimate.mean.to_string()), (5, "3".to_owned()));
        assert!((estimate.half_width.unwrap() - 1.963_243).abs() < 1e-5);
        assert_eq!(Estimate::of(&[7.0]).unwrap().half_width, None);
        assert_eq!(Estimate::of(&[]), None);
    }

    #[test]
    fn p_of_a_known_t() {
        // t = 2.776 with 4 degrees of freedom is the two-sided 5 % point.
        assert!((two_sided_p(2.776_445, 4.0).unwrap() - 0.05).abs() < 1e-6);
        assert_eq!(two_sided_p(f64::INFINITY, 4.0), Some(0.0));
    }
}
