//! Time series of unknown length in bounded memory: when the steps run out, two become one.

use engine::{MICROS, Span, Time};

use crate::result::Series;

const STEPS_MAX: usize = 4096;

/// Jobs waiting, GPUs held, GPUs that are idle and fragmented, GPUs of the largest gang.
type Values = [f64; 4];

/// Integrals of step functions over equal steps of time.
#[derive(Clone, Debug)]
pub(crate) struct Sampler {
    from: Time,
    step: u64,
    /// Integrals over each step.
    sums: Vec<Values>,
    until: Time,
}

impl Sampler {
    pub(crate) fn new(from: Time) -> Self {
        Self { from, step: MICROS, sums: Vec::new(), until: from }
    }

    /// The functions had these values from the last call until `now`.
    pub(crate) fn advance(&mut self, now: Time, values: Values) {
        let mut at = self.until.since(self.from).0;
        let end = now.since(self.from).0;
        while end.div_ceil(self.step) as usize > STEPS_MAX {
            self.halve();
        }
        while at < end {
            let index = at / self.step;
            let stop = end.min((index + 1) * self.step);
            if self.sums.len() <= index as usize {
                self.sums.resize(index as usize + 1, Values::default());
            }
            let sum = &mut self.sums[index as usize];
            let span = (stop - at) as f64;
            sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value * span);
            at = stop;
        }
        self.until = self.until.max(now);
    }

    fn halve(&mut self) {
        let pairs = self.sums.chunks(2);
        let merged =
            pairs.map(|pair| std::array::from_fn(|column| pair.iter().fold(0.0, |sum, step| sum + step[column])));
        self.sums = merged.collect();
        self.step *= 2;
    }

    /// Means over the steps; the last step may be short.
    pub(crate) fn finish(self) -> Series {
        let last = self.sums.len().saturating_sub(1);
        let whole = self.until.since(self.from).0;
        let length = |index: usize| if index == last { whole - index as u64 * self.step } else { self.step } as f64;
        let mean = |column: usize| {
            let steps = self.sums.iter().enumerate();
            steps.map(|(index, sum)| sum[column] / length(index).max(1.0)).collect()
        };
        Series {
            from: self.from,
            step: Span(self.step),
            queued_jobs: mean(0),
            allocated_gpus: mean(1),
            fragmented_gpus: mean(2),
            largest_gang_gpus: mean(3),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integrals_survive_coarser_steps() {
        let mut sampler = Sampler::new(Time(5));
        let mut expected = 0.0;
        for i in 0..20_000u64 {
            let value = (i % 7) as f64;
            let span = 1_234_567 + i;
            sampler.advance(sampler.until + Span(span), [value, 2.0 * value, 0.0, 3.0 * value]);
            expected += value * span as f64;
        }
        let whole = sampler.until.since(sampler.from).0;
        let series = sampler.finish();
        assert!(series.queued_jobs.len() <= STEPS_MAX);
        let steps = series.queued_jobs.len() as u64;
        let length = |i: u64| if i + 1 == steps { whole - i * series.step.0 } else { series.step.0 } as f64;
        let total: f64 = series.queued_jobs.iter().zip(0..).map(|(mean, i)| mean * length(i)).sum();
        assert!((total / expected - 1.0).abs() < 1e-9);
        let times = |times: f64, other: &[f64]| {
            series.queued_jobs.iter().zip(other).all(|(jobs, other)| (times * jobs - other).abs() < 1e-9)
        };
        assert!(times(2.0, &series.allocated_gpus) && times(3.0, &series.largest_gang_gpus));
        assert!(times(0.0, &series.fragmented_gpus));
    }
}
