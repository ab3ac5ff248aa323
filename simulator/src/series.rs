//! Time series of unknown length in bounded memory: when the steps run out, two become one.

use engine::{MICROS, Span, Time};

use crate::result::Series;

const STEPS_MAX: usize = 4096;

/// Integrals of two step functions over equal steps of time.
#[derive(Clone, Debug)]
pub(crate) struct Sampler {
    from: Time,
    step: u64,
    /// Integrals of (waiting jobs, thousandths of a GPU held) over each step.
    sums: Vec<[f64; 2]>,
    until: Time,
}

impl Sampler {
    pub(crate) fn new(from: Time) -> Self {
        Self { from, step: MICROS, sums: Vec::new(), until: from }
    }

    /// The functions had these values from the last call until `now`.
    pub(crate) fn advance(&mut self, now: Time, values: [f64; 2]) {
        let mut at = self.until.since(self.from).0;
        let end = now.since(self.from).0;
        while end.div_ceil(self.step) as usize > STEPS_MAX {
            self.halve();
        }
        while at < end {
            let index = at / self.step;
            let stop = end.min((index + 1) * self.step);
            if self.sums.len() <= index as usize {
                self.sums.resize(index as usize + 1, [0.0; 2]);
            }
            let sum = &mut self.sums[index as usize];
            let span = (stop - at) as f64;
            sum[0] += values[0] * span;
            sum[1] += values[1] * span;
            at = stop;
        }
        self.until = self.until.max(now);
    }

    fn halve(&mut self) {
        let pairs = self.sums.chunks(2);
        let merged = pairs.map(|pair| pair.iter().fold([0.0; 2], |sum, step| [sum[0] + step[0], sum[1] + step[1]]));
        self.sums = merged.collect();
        self.step *= 2;
    }

    /// Means over the steps; the last step may be short.
    pub(crate) fn finish(self) -> Series {
        let last = self.sums.len().saturating_sub(1);
        let whole = self.until.since(self.from).0;
        let length = |index: usize| if index == last { whole - index as u64 * self.step } else { self.step } as f64;
        let mean = |column: usize, unit: f64| {
            let steps = self.sums.iter().enumerate();
            steps.map(|(index, sum)| sum[column] / length(index).max(1.0) / unit).collect()
        };
        Series { from: self.from, step: Span(self.step), queued_jobs: mean(0, 1.0), allocated_gpus: mean(1, 1000.0) }
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
            sampler.advance(sampler.until + Span(span), [value, 1000.0 * value]);
            expected += value * span as f64;
        }
        let whole = sampler.until.since(sampler.from).0;
        let series = sampler.finish();
        assert!(series.queued_jobs.len() <= STEPS_MAX);
        let steps = series.queued_jobs.len() as u64;
        let length = |i: u64| if i + 1 == steps { whole - i * series.step.0 } else { series.step.0 } as f64;
        let total: f64 = series.queued_jobs.iter().zip(0..).map(|(mean, i)| mean * length(i)).sum();
        assert!((total / expected - 1.0).abs() < 1e-9);
        let mut pairs = series.queued_jobs.iter().zip(&series.allocated_gpus);
        assert!(pairs.all(|(jobs, gpus)| (jobs - gpus).abs() < 1e-9));
    }
}
