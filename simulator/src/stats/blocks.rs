//! The interval of a mean of values that stand in a row and depend on each other: the moving block bootstrap.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::sample::{mean, nearest_rank};

/// Samples that are drawn.
const SAMPLES: usize = 2000;
/// With fewer blocks in a row an interval says nothing.
const BLOCKS_MIN: usize = 10;
/// The seed of the draws: the same values give the same interval.
const SEED: u64 = 1989;
/// So many lags in a row must be without correlation.
const QUIET_LAGS: usize = 5;

/// A 95 % interval of a mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BlockInterval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Values in a block.
    pub block: usize,
}

/// The interval of the mean of `values`, which stand in the order of time; `None` where there are fewer than ten blocks.
///
/// Blocks of neighbours are drawn with replacement, so that what one value does to the next stays in the sample (Künsch,
/// The jackknife and the bootstrap for general stationary observations, Annals of Statistics 17, 1989). The interval is
/// that from the 2.5th to the 97.5th percentile of the means, moved so that their mean is that of the values: blocks
/// hold the first and the last values less often than others.
pub fn block_interval(values: &[f64]) -> Option<BlockInterval> {
    let block = block_length(values);
    let count = values.len();
    if count < block * BLOCKS_MIN {
        return None;
    }
    let mut sums = vec![0.0; count + 1];
    for (at, value) in values.iter().enumerate() {
        sums[at + 1] = sums[at] + value;
    }
    let mut chance = StdRng::seed_from_u64(SEED);
    let mut means: Vec<f64> = (0..SAMPLES).map(|_| sample_mean(&sums, block, &mut chance)).collect();
    means.sort_by(f64::total_cmp);
    let shift = mean(values)? - mean(&means)?;
    Some(BlockInterval { low: nearest_rank(&means, 0.025)? + shift, high: nearest_rank(&means, 0.975)? + shift, block })
}

/// The mean of blocks that are drawn until there are as many values as at first; the last one is cut.
fn sample_mean(sums: &[f64], block: usize, chance: &mut StdRng) -> f64 {
    let count = sums.len() - 1;
    let (mut sum, mut left) = (0.0, count);
    while left > 0 {
        let start = chance.random_range(0..=count - block);
        let length = block.min(left);
        sum += sums[start + length] - sums[start];
        left -= length;
    }
    sum / count as f64
}

/// Values in a block: the cube root of their number, as is best for a mean (Künsch 1989), or twice the lag from which on
/// nothing is correlated any more, where that is longer (Politis and White, Econometric Reviews 23, 2004).
fn block_length(values: &[f64]) -> usize {
    let count = values.len();
    let least = (count as f64).cbrt().ceil() as usize;
    least.max(2 * correlated_lags(values)).max(1)
}

/// The last lag before [`QUIET_LAGS`] in a row at which the autocorrelation is below 2 sqrt(log10 n / n). Never more than
/// would leave too few blocks.
fn correlated_lags(values: &[f64]) -> usize {
    let count = values.len();
    let Some(center) = mean(values) else { return 0 };
    let apart: Vec<f64> = values.iter().map(|value| value - center).collect();
    let variance: f64 = apart.iter().map(|value| value * value).sum();
    if variance <= 0.0 {
        return 0;
    }
    let limit = 2.0 * ((count as f64).log10() / count as f64).sqrt();
    let (mut last, mut quiet) = (0, 0);
    for lag in 1..=count / BLOCKS_MIN {
        let products = apart.iter().zip(&apart[lag..]).map(|(a, b)| a * b);
        if products.sum::<f64>().abs() / variance < limit {
            quiet += 1;
            if quiet == QUIET_LAGS {
                break;
            }
        } else {
            (last, quiet) = (lag, 0);
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(count: usize, seed: u64) -> Vec<f64> {
        let mut chance = StdRng::seed_from_u64(seed);
        (0..count).map(|_| chance.random_range(-1.0..1.0)).collect()
    }

    #[test]
    fn too_few_blocks_have_no_interval() {
        assert_eq!(block_interval(&[]), None);
        assert_eq!(block_interval(&[1.0; 31]), None);
        assert_eq!(block_interval(&[2.0; 40]), Some(BlockInterval { low: 2.0, high: 2.0, block: 4 }));
        // One long slope is one block.
        let slope: Vec<f64> = (0..200).map(f64::from).collect();
        assert_eq!(block_interval(&slope), None);
    }

    #[test]
    fn without_correlation_it_is_as_wide_as_that_of_student() {
        let values = noise(1000, 3);
        let (found, known) = (block_interval(&values).unwrap(), super::super::Estimate::of(&values).unwrap());
        let (width, expected) = (found.high - found.low, 2.0 * known.half_width.unwrap());
        assert!((width / expected - 1.0).abs() < 0.15, "{width} {expected}");
        assert!((f64::midpoint(found.low, found.high) - known.mean).abs() < 0.1 * expected);
        assert_eq!(block_interval(&values), Some(found), "the same values, the same interval");
    }

    #[test]
    fn it_covers_the_mean_where_neighbours_are_alike_and_student_does_not() {
        // Each value is the mean of the 20 draws before it: the mean of all varies as if there were 20 times fewer.
        let alike = |seed: u64| -> Vec<f64> {
            noise(1019, seed).windows(20).map(|draws| draws.iter().sum::<f64>() / 20.0).collect()
        };
        let (mut all, mut blocks, mut student) = (0, 0, 0);
        for seed in 0..200 {
            let values = alike(seed);
            // Now and then chance looks like a memory without end.
            let Some(found) = block_interval(&values) else { continue };
            all += 1;
            let known = super::super::Estimate::of(&values).unwrap();
            blocks += u32::from(found.low <= 0.0 && 0.0 <= found.high);
            student += u32::from(known.mean.abs() <= known.half_width.unwrap());
        }
        assert!(all >= 150 && blocks * 100 >= all * 85, "{blocks} of {all}");
        assert!(student * 100 < all * 60, "{student} of {all}");
    }
}
