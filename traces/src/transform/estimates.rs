//! What users say about run times, by a declared model of their error.

use std::fmt;

use engine::Span;
use rand::rngs::ChaCha12Rng;
use rand::{Rng, RngExt, SeedableRng};
use rand_distr::{Distribution, LogNormal};

use super::Work;

/// A model of the error of estimates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Errors {
    /// Nobody says anything.
    None,
    /// The run time itself.
    Exact,
    /// The f-model: uniform between the run time and (F + 1) times the run time (Mu'alem and Feitelson, Utilization,
    /// Predictability, Workloads, and User Runtime Estimates in Scheduling the IBM SP2 with Backfilling, IEEE TPDS
    /// 12(6), 2001).
    FModel(f64),
    /// The run time times a lognormal factor of median 1 whose logarithm has this standard deviation: too low as often
    /// as too high (Dell'Amico, Carra and Michiardi, PSBS: Practical Size-Based Scheduling, IEEE Trans. Computers
    /// 65(7), 2016).
    LogNormal(f64),
    /// The run time times a factor that is uniform in 1..5 (the f-model with F = 4), rounded up to one of the few round
    /// values that users prefer (Tsafrir, Etsion and Feitelson, Modeling User Runtime Estimates, JSSPP 2005).
    #[default]
    Inflated,
}

impl Errors {
    /// What the name of a model must look like.
    pub(crate) const WANTED: &str = "`none`, `exact`, `inflated`, `fmodel:F` or `lognormal:SIGMA`";

    /// Reads the name of a model.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| text.parse::<f64>().ok().filter(|number| *number > 0.0 && *number <= 1000.0);
        match text.split_once(':') {
            None => match text {
                "none" => Some(Self::None),
                "exact" => Some(Self::Exact),
                "inflated" => Some(Self::Inflated),
                _ => None,
            },
            Some(("fmodel", factor)) => number(factor).map(Self::FModel),
            Some(("lognormal", sigma)) => number(sigma).filter(|sigma| *sigma <= 20.0).map(Self::LogNormal),
            Some(_) => None,
        }
    }

    /// An estimate; `None` where the model is [`Errors::None`]. At least a microsecond.
    pub(crate) fn draw(self, duration: Span, rng: &mut impl Rng) -> Option<Span> {
        let factor = match self {
            Self::None => return None,
            Self::Exact => return Some(duration),
            Self::Inflated => return Some(inflated(duration, rng)),
            Self::FModel(factor) => 1.0 + rng.random::<f64>() * factor,
            Self::LogNormal(sigma) => LogNormal::new(0.0, sigma).map_or(1.0, |law| law.sample(rng)),
        };
        let us = (duration.0 as f64 * factor).round().clamp(1.0, i64::MAX as f64);
        Some(Span(us as u64))
    }

    /// Gives every job an estimate of this model.
    pub(super) fn inject(self, work: &mut Work<'_>) {
        let mut rng = ChaCha12Rng::seed_from_u64(work.seed);
        work.change("the estimate of the source was replaced", |job| {
            let estimate = self.draw(job.duration, &mut rng);
            std::mem::replace(&mut job.estimate, estimate).is_some_and(|before| Some(before) != estimate)
        });
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Exact => f.write_str("exact"),
            Self::Inflated => f.write_str("inflated"),
            Self::FModel(factor) => write!(f, "fmodel:{factor}"),
            Self::LogNormal(sigma) => write!(f, "lognormal:{sigma}"),
        }
    }
}

/// See [`Errors::Inflated`]. An estimate is never below the run time.
fn inflated(duration: Span, rng: &mut impl Rng) -> Span {
    /// Common limits in minutes; above the last, whole multiples of it.
    const LIMITS_MIN: [u64; 15] = [5, 10, 15, 30, 60, 120, 240, 360, 480, 720, 1440, 2880, 4320, 10_080, 43_200];
    let minutes = duration.secs_f64() / 60.0 * rng.random_range(1.0..5.0);
    let minutes = (minutes.ceil() as u64).max(1);
    let last = LIMITS_MIN[LIMITS_MIN.len() - 1];
    let limit = LIMITS_MIN.into_iter().find(|limit| *limit >= minutes);
    let minutes = limit.unwrap_or_else(|| minutes.div_ceil(last).saturating_mul(last));
    Span(minutes.saturating_mul(60_000_000).min(i64::MAX as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for text in ["none", "exact", "inflated", "fmodel:3", "lognormal:0.5"] {
            assert_eq!(Errors::parse(text).unwrap().to_string(), text);
        }
        for bad in ["", "fmodel", "fmodel:", "fmodel:-1", "lognormal:nan", "lognormal:0", "exact:1", "padded"] {
            assert_eq!(Errors::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn laws() {
        let mut rng = ChaCha12Rng::seed_from_u64(1);
        let run = Span::secs(1000);
        let mut draws = |errors: Errors| -> Vec<f64> {
            (0..4000).map(|_| errors.draw(run, &mut rng).unwrap().secs_f64() / 1000.0).collect()
        };
        let uniform = draws(Errors::FModel(3.0));
        assert!(uniform.iter().all(|factor| (1.0..=4.0).contains(factor)));
        let mean = uniform.iter().sum::<f64>() / 4000.0;
        assert!((mean - 2.5).abs() < 0.1, "{mean}");
        let lognormal = draws(Errors::LogNormal(0.5));
        let low = lognormal.iter().filter(|factor| **factor < 1.0).count();
        assert!((1800..2200).contains(&low), "{low}");
        assert!(draws(Errors::Inflated).iter().all(|factor| *factor >= 1.0));
        assert_eq!(Errors::Exact.draw(run, &mut ChaCha12Rng::seed_from_u64(1)), Some(run));
        assert_eq!(Errors::None.draw(run, &mut ChaCha12Rng::seed_from_u64(1)), None);
    }
}
