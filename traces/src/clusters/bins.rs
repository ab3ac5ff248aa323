//! GPUs whose scores hardly differ, put into one bin: K-means in one dimension, solved exactly, K by silhouette.
//!
//! As in PAL (SC 2024, section on binning): GPUs more than three standard deviations slower than the mean are outliers with
//! bins of their own, the others go into the number of bins with the highest mean silhouette.

use engine::Bin;

/// Most bins.
pub(super) const BINS_MAX: usize = 64;
/// Most bins beside those of outliers, where the number is chosen.
const AUTO_MAX: usize = 10;

/// How many bins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bins {
    /// By silhouette.
    Auto,
    /// So many, or one a score where there are fewer.
    Count(usize),
}

/// The bins of these scores, in thousandths, one a GPU in any order.
pub(super) fn bins(scores_milli: &[u32], how: Bins) -> Vec<Bin> {
    let scores = Scores::new(scores_milli);
    match how {
        Bins::Count(count) => scores.clusters(count.clamp(1, BINS_MAX)).pop().unwrap_or_default(),
        Bins::Auto => {
            let (mut usual, outliers) = scores.split();
            usual.extend(outliers.clusters(BINS_MAX - AUTO_MAX).pop().unwrap_or_default());
            usual
        }
    }
}

/// Distinct scores by rising value, with sums over all GPUs before each.
#[derive(Debug, Default)]
struct Scores {
    values: Vec<u32>,
    /// Of GPUs, of their scores, of the squares.
    sums: Vec<[i128; 3]>,
}

impl Scores {
    fn new(scores_milli: &[u32]) -> Self {
        let mut sorted = scores_milli.to_vec();
        sorted.sort_unstable();
        let mut scores = Self { values: Vec::new(), sums: vec![[0; 3]] };
        for of_value in sorted.chunk_by(|a, b| a == b) {
            let (value, gpus) = (i128::from(of_value[0]), of_value.len() as i128);
            let [count, sum, squares] = scores.sums[scores.values.len()];
            scores.values.push(of_value[0]);
            scores.sums.push([count + gpus, sum + gpus * value, squares + gpus * value * value]);
        }
        scores
    }

    /// GPUs, their scores and the squares of the values `from..to`.
    fn sum(&self, from: usize, to: usize) -> [i128; 3] {
        std::array::from_fn(|at| self.sums[to][at] - self.sums[from][at])
    }

    /// Mean of the values `from..to`.
    fn mean(&self, from: usize, to: usize) -> f64 {
        let [count, sum, _] = self.sum(from, to);
        sum as f64 / count.max(1) as f64
    }

    /// Sum of squared distances from the mean.
    fn spread(&self, from: usize, to: usize) -> f64 {
        let [count, sum, squares] = self.sum(from, to);
        (squares * count - sum * sum) as f64 / count.max(1) as f64
    }

    /// The best bins of what is usual, and the outliers.
    fn split(&self) -> (Vec<Bin>, Self) {
        let all = self.values.len();
        let deviation = (self.spread(0, all) / self.sums[all][0].max(1) as f64).sqrt();
        let limit = self.mean(0, all) + 3.0 * deviation;
        let usual = self.values.partition_point(|value| f64::from(*value) <= limit);
        let part = |from: usize, to: usize| {
            let count = |at: usize| (self.sums[at + 1][0] - self.sums[at][0]) as usize;
            let gpus = (from..to).flat_map(|at| std::iter::repeat_n(self.values[at], count(at)));
            Self::new(&gpus.collect::<Vec<u32>>())
        };
        let (usual, outliers) = (part(0, usual), part(usual, all));
        let mut best: Option<(f64, Vec<Bin>)> = None;
        for bins in usual.clusters(AUTO_MAX) {
            // One bin says nothing, unless there is nothing to say.
            let value = if bins.len() == 1 && usual.values.len() > 1 { -2.0 } else { usual.silhouette(&bins) };
            if best.as_ref().is_none_or(|(most, _)| value > *most) {
                best = Some((value, bins));
            }
        }
        (best.map(|(_, bins)| bins).unwrap_or_default(), outliers)
    }

    /// The bins with the least spread for each number of bins from one to `most`, or to the number of distinct values.
    fn clusters(&self, most: usize) -> Vec<Vec<Bin>> {
        let all = self.values.len();
        let mut spreads: Vec<f64> = (0..=all).map(|to| self.spread(0, to)).collect();
        // By number of bins and end: where the last bin begins.
        let mut starts: Vec<Vec<usize>> = vec![vec![0; all + 1]];
        let mut found = Vec::new();
        for count in 1..=most.min(all) {
            if count > 1 {
                let mut layer = Layer { spreads: vec![0.0; all + 1], starts: vec![0; all + 1] };
                self.fill(&spreads, &mut layer, (count, all), (count - 1, all - 1));
                spreads = layer.spreads;
                starts.push(layer.starts);
            }
            let (mut bins, mut to) = (Vec::with_capacity(count), all);
            for starts in starts.iter().rev() {
                bins.push(self.bin(starts[to], to));
                to = starts[to];
            }
            bins.reverse();
            found.push(bins);
        }
        found
    }

    /// Ends `ends.0..=ends.1` of the last bin, which begins in `begins.0..=begins.1`: the best beginning never falls as the
    /// end rises, so that each half needs to look at a part alone.
    fn fill(&self, before: &[f64], layer: &mut Layer, ends: (usize, usize), begins: (usize, usize)) {
        if ends.0 > ends.1 {
            return;
        }
        let end = usize::midpoint(ends.0, ends.1);
        let mut best = (f64::INFINITY, begins.0);
        let last = begins.1.min(end - 1);
        for (begin, spread) in before.iter().enumerate().take(last + 1).skip(begins.0) {
            let spread = spread + self.spread(begin, end);
            if spread < best.0 {
                best = (spread, begin);
            }
        }
        (layer.spreads[end], layer.starts[end]) = best;
        self.fill(before, layer, (ends.0, end - 1), (begins.0, best.1));
        self.fill(before, layer, (end + 1, ends.1), (best.1, begins.1));
    }

    fn bin(&self, from: usize, to: usize) -> Bin {
        Bin { top_milli: self.values[to - 1], score_milli: self.mean(from, to).round() as u32 }
    }

    /// Mean silhouette over all GPUs (Rousseeuw 1987): how much nearer each is to its own bin than to the next.
    fn silhouette(&self, bins: &[Bin]) -> f64 {
        let ends: Vec<usize> = bins.iter().map(|bin| self.values.partition_point(|v| *v <= bin.top_milli)).collect();
        let range = |bin: usize| (if bin == 0 { 0 } else { ends[bin - 1] }, ends[bin]);
        let mut total = 0.0;
        for bin in 0..bins.len() {
            let (from, to) = range(bin);
            let others = [bin.checked_sub(1), Some(bin + 1).filter(|next| *next < bins.len())];
            let means: Vec<f64> =
                others.into_iter().flatten().map(|other| self.mean(range(other).0, range(other).1)).collect();
            let count = self.sum(from, to)[0];
            if count < 2 {
                continue;
            }
            for at in from..to {
                let value = f64::from(self.values[at]);
                let [below, sum_below, _] = self.sum(from, at);
                let [above, sum_above, _] = self.sum(at, to);
                let own = (value * (below - above) as f64 - (sum_below - sum_above) as f64) / (count - 1) as f64;
                let next = means.iter().map(|mean| (mean - value).abs()).fold(f64::INFINITY, f64::min);
                let most = own.max(next);
                let gpus = self.sum(at, at + 1)[0] as f64;
                total += if most > 0.0 && next.is_finite() { gpus * (next - own) / most } else { 0.0 };
            }
        }
        total / self.sums[self.values.len()][0].max(1) as f64
    }
}

/// The best clusterings with one bin more.
struct Layer {
    spreads: Vec<f64>,
    starts: Vec<usize>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tops(scores: &[u32], how: Bins) -> Vec<u32> {
        bins(scores, how).iter().map(|bin| bin.top_milli).collect()
    }

    #[test]
    fn scores_that_lie_together_share_a_bin() {
        let scores = [900, 910, 905, 1000, 1004, 996, 1290, 1300, 1310];
        assert_eq!(tops(&scores, Bins::Auto), [910, 1004, 1310]);
        let values: Vec<u32> = bins(&scores, Bins::Auto).iter().map(|bin| bin.score_milli).collect();
        assert_eq!(values, [905, 1000, 1300]);
        assert_eq!(tops(&scores, Bins::Count(2)), [1004, 1310]);
        assert_eq!(tops(&scores, Bins::Count(1)), [1310]);
        assert_eq!(tops(&scores, Bins::Count(99)), [900, 905, 910, 996, 1000, 1004, 1290, 1300, 1310]);
        assert_eq!(tops(&[1000; 5], Bins::Auto), [1000]);
        assert_eq!(tops(&[1000, 1200], Bins::Auto), [1000, 1200]);
        assert!(tops(&[], Bins::Auto).is_empty());
    }

    #[test]
    fn outliers_have_bins_of_their_own() {
        let mut scores: Vec<u32> = (0..30).flat_map(|at| [950 + at, 1050 + at]).collect();
        scores.extend([2500, 3500]);
        assert_eq!(tops(&scores, Bins::Auto), [979, 1079, 2500, 3500]);
    }

    /// The least spread over every way to cut.
    fn least(scores: &Scores, from: usize, count: usize) -> f64 {
        let all = scores.values.len();
        if count == 1 {
            return scores.spread(from, all);
        }
        let cuts = from + 1..=all + 1 - count;
        cuts.map(|cut| scores.spread(from, cut) + least(scores, cut, count - 1)).fold(f64::INFINITY, f64::min)
    }

    proptest! {
        #[test]
        fn bins_have_the_least_spread_of_all(values in prop::collection::vec(800u32..1300, 1..12), count in 1usize..6) {
            let scores = Scores::new(&values);
            let bins = bins(&values, Bins::Count(count));
            let (mut from, mut spread) = (0, 0.0);
            for bin in &bins {
                let to = scores.values.partition_point(|value| *value <= bin.top_milli);
                prop_assert!(scores.values[from] <= bin.score_milli && bin.score_milli <= bin.top_milli);
                spread += scores.spread(from, to);
                from = to;
            }
            prop_assert_eq!(from, scores.values.len());
            prop_assert_eq!(bins.len(), count.min(scores.values.len()));
            prop_assert!((spread - least(&scores, 0, bins.len())).abs() < 1e-6);
        }

        #[test]
        fn any_scores_have_bins(values in prop::collection::vec(100u32..100_000, 0..300)) {
            let bins = bins(&values, Bins::Auto);
            prop_assert!(bins.len() <= BINS_MAX && bins.is_empty() == values.is_empty());
            prop_assert!(bins.windows(2).all(|pair| pair[0].top_milli < pair[1].top_milli && pair[0].score_milli < pair[1].score_milli));
            prop_assert_eq!(bins.last().map(|bin| bin.top_milli), values.iter().copied().max());
        }
    }
}
