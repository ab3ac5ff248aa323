//! Every policy against the first one, paired over seeds.

use serde::Serialize;

use super::holm;
use super::metric::{Direction, METRICS, Metric};
use super::sample::{Estimate, mean, standard_deviation, two_sided_p};
use crate::result::{SCHEMA, Summary};

/// Whether several seeds say more than one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// Nothing varies with the seed, or there is one seed: no interval has a meaning.
    OneSample,
    /// Seeds vary the workload or the world: they are independent samples.
    Seeds,
}

/// What may be said about a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The interval excludes zero on the good side, and so says the corrected p value.
    Better,
    /// The interval excludes zero on the bad side, and so says the corrected p value.
    Worse,
    /// The interval contains zero, or the corrected p value is above 0.05.
    NoDifference,
    /// Fewer than two paired seeds, or nothing varies: a difference without interval.
    OneSample,
    /// The figure has a meaning in no pair.
    NoData,
}

/// One policy against the baseline in one metric at one load.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Version of this object.
    pub schema: u32,
    /// Arrival rate as a multiple of the trace's own.
    pub load: f64,
    /// Key of the metric.
    pub metric: &'static str,
    /// The first policy.
    pub baseline: String,
    /// The policy compared with it.
    pub policy: String,
    /// Seeds in which both have the figure.
    pub pairs: usize,
    /// Mean of the baseline over the pairs.
    pub baseline_mean: Option<f64>,
    /// Mean of the policy over the pairs.
    pub policy_mean: Option<f64>,
    /// Mean of policy minus baseline, in the unit of the metric.
    pub difference: Option<f64>,
    /// exp(mean of ln(policy / baseline)) - 1 when all values are positive, else difference / baseline mean.
    pub relative: Option<f64>,
    /// Lower end of the 95 % t-interval of `difference`.
    pub ci_low: Option<f64>,
    /// Upper end.
    pub ci_high: Option<f64>,
    /// Two-sided p value of the paired t-test.
    pub p: Option<f64>,
    /// The same after Holm's correction over the policies compared in this metric at this load.
    pub p_holm: Option<f64>,
    /// What may be said.
    pub verdict: Verdict,
}

/// Compares each policy with the first one of `summaries`, by load and metric. Order: load, metric, policy.
pub fn differences(summaries: &[&Summary], sampling: Sampling) -> Vec<Difference> {
    let policies = distinct(summaries.iter().map(|summary| summary.policy.as_str()));
    let Some((baseline, others)) = policies.split_first() else { return Vec::new() };
    let mut all = Vec::new();
    for load in distinct(summaries.iter().map(|summary| summary.load)) {
        for metric in METRICS {
            let select = |policy: &str| -> Vec<&Summary> {
                summaries.iter().copied().filter(|s| s.policy == policy && same(s.load, load)).collect()
            };
            let base = select(baseline);
            let one_family = others.iter().map(|policy| compare(metric, &base, &select(policy), sampling));
            let mut family: Vec<Difference> = one_family.collect();
            for (row, policy) in family.iter_mut().zip(others) {
                row.load = load;
                (*baseline).clone_into(&mut row.baseline);
                (*policy).clone_into(&mut row.policy);
            }
            correct(&mut family, metric.direction);
            all.append(&mut family);
        }
    }
    all
}

/// Whether two numbers are the same to the bit. For labels such as a load, which are copied and never computed.
pub(crate) fn same(a: f64, b: f64) -> bool {
    a.total_cmp(&b).is_eq()
}

/// Distinct values in order of first appearance.
pub(crate) fn distinct<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen
}

/// One comparison, without the corrected p value and the verdict that follows from it.
fn compare(metric: &Metric, baseline: &[&Summary], policy: &[&Summary], sampling: Sampling) -> Difference {
    let pairs: Vec<(f64, f64)> = baseline
        .iter()
        .filter_map(|base| {
            let other = policy.iter().find(|other| other.seed == base.seed)?;
            Some((metric.of(base)?, metric.of(other)?))
        })
        .collect();
    let gaps: Vec<f64> = pairs.iter().map(|(base, other)| other - base).collect();
    let estimate = Estimate::of(&gaps);
    let baseline_mean = mean_of(&pairs, |pair| pair.0);
    let sampled = sampling == Sampling::Seeds && pairs.len() > 1 && says_something(&pairs);
    let half_width = estimate.and_then(|e| e.half_width).filter(|_| sampled);
    Difference {
        schema: SCHEMA,
        load: 0.0,
        metric: metric.key,
        baseline: String::new(),
        policy: String::new(),
        pairs: pairs.len(),
        baseline_mean,
        policy_mean: mean_of(&pairs, |pair| pair.1),
        difference: estimate.map(|e| e.mean),
        relative: relative(&pairs, estimate, baseline_mean),
        ci_low: estimate.zip(half_width).map(|(e, width)| e.mean - width),
        ci_high: estimate.zip(half_width).map(|(e, width)| e.mean + width),
        p: half_width.and_then(|_| p_value(&gaps)),
        p_holm: None,
        verdict: if pairs.is_empty() { Verdict::NoData } else { Verdict::OneSample },
    }
}

/// A constant difference is a finding only when the seeds move the figure itself, or when it is zero:
/// otherwise all seeds are one sample in this metric.
fn says_something(pairs: &[(f64, f64)]) -> bool {
    let (first_base, first_other) = pairs[0];
    same(first_base, first_other)
        || pairs.iter().any(|&(base, other)| !same(base, first_base) || !same(other, first_other))
}

fn mean_of(pairs: &[(f64, f64)], side: fn(&(f64, f64)) -> f64) -> Option<f64> {
    mean(&pairs.iter().map(side).collect::<Vec<_>>())
}

fn relative(pairs: &[(f64, f64)], estimate: Option<Estimate>, baseline_mean: Option<f64>) -> Option<f64> {
    if pairs.iter().all(|&(base, other)| base > 0.0 && other > 0.0) {
        return mean_of(pairs, |(base, other)| (other / base).ln()).map(f64::exp_m1);
    }
    let (estimate, base) = (estimate?, baseline_mean?);
    (base != 0.0).then(|| estimate.mean / base.abs())
}

/// Paired t-test against zero.
fn p_value(gaps: &[f64]) -> Option<f64> {
    let (center, deviation) = (mean(gaps)?, standard_deviation(gaps)?);
    if center == 0.0 && deviation == 0.0 {
        return Some(1.0);
    }
    two_sided_p(center / (deviation / (gaps.len() as f64).sqrt()), (gaps.len() - 1) as f64)
}

/// Corrects the p values of one metric at one load, and draws the verdicts.
fn correct(family: &mut [Difference], direction: Direction) {
    let tested: Vec<usize> = (0..family.len()).filter(|&i| family[i].p.is_some()).collect();
    let corrected = holm(&tested.iter().filter_map(|&i| family[i].p).collect::<Vec<_>>());
    for (&index, p_holm) in tested.iter().zip(corrected) {
        let row = &mut family[index];
        row.p_holm = Some(p_holm);
        row.verdict = verdict(row, p_holm, direction);
    }
}

fn verdict(row: &Difference, p_holm: f64, direction: Direction) -> Verdict {
    let lower = row.ci_high.is_some_and(|high| high < 0.0);
    let higher = row.ci_low.is_some_and(|low| low > 0.0);
    if p_holm > 0.05 || !(lower || higher) {
        return Verdict::NoDifference;
    }
    if lower == (direction == Direction::Lower) { Verdict::Better } else { Verdict::Worse }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::summary;

    fn with_jct(policy: &str, values: &[f64]) -> Vec<Summary> {
        let one = |(seed, &value): (usize, &f64)| {
            let mut summary = summary(policy, 1.0, seed as u64);
            summary.jct_mean_s = Some(value);
            summary.goodput_share = Some(value / 1000.0);
            summary
        };
        values.iter().enumerate().map(one).collect()
    }

    fn compared(groups: &[Vec<Summary>], sampling: Sampling, metric: &str) -> Vec<Difference> {
        let all: Vec<&Summary> = groups.iter().flatten().collect();
        differences(&all, sampling).into_iter().filter(|row| row.metric == metric).collect()
    }

    #[test]
    fn interval_by_hand() {
        // Differences -1, -2, -3, -4, -5: mean -3, half width 1.963243 (see `sample`), t = -3 / (1.5811 / 2.2361) = -4.2426.
        let groups =
            [with_jct("fifo", &[10.0, 20.0, 30.0, 40.0, 50.0]), with_jct("easy", &[9.0, 18.0, 27.0, 36.0, 45.0])];
        let row = compared(&groups, Sampling::Seeds, "jct_mean_s").remove(0);
        assert_eq!((row.pairs, row.difference, row.verdict), (5, Some(-3.0), Verdict::Better));
        assert!((row.ci_low.unwrap() + 4.963_243).abs() < 1e-5, "{row:?}");
        assert!((row.ci_high.unwrap() + 1.036_757).abs() < 1e-5, "{row:?}");
        assert!((row.p.unwrap() - 0.013_235).abs() < 1e-5, "{row:?}");
        assert!((row.relative.unwrap() + 0.1).abs() < 1e-12, "{row:?}");
        let goodput = compared(&groups, Sampling::Seeds, "goodput_share").remove(0);
        assert_eq!(goodput.verdict, Verdict::Worse, "less goodput is worse");
    }

    #[test]
    fn holm_can_take_a_verdict_back() {
        let base = with_jct("fifo", &[10.0, 20.0, 30.0, 40.0, 50.0]);
        let shifted = |name: &str, by: [f64; 5]| {
            let values: Vec<f64> = base.iter().zip(by).map(|(s, by)| s.jct_mean_s.unwrap() + by).collect();
            with_jct(name, &values)
        };
        // Differences 0 to -4: t = -2 / sqrt(0.5) = -2.83, p 0.047 alone; times two it is above 0.05.
        let near = shifted("near", [-1.0, -2.0, -3.0, -4.0, 0.0]);
        let noise = shifted("noise", [1.0, -1.0, 1.0, -1.0, 0.5]);
        let alone = compared(&[base.clone(), near.clone()], Sampling::Seeds, "jct_mean_s");
        assert_eq!(alone[0].verdict, Verdict::Better, "{alone:?}");
        let both = compared(&[base, near, noise], Sampling::Seeds, "jct_mean_s");
        assert!(both[0].p.unwrap() < 0.05 && both[0].p_holm.unwrap() > 0.05, "{both:?}");
        assert_eq!(both[0].verdict, Verdict::NoDifference);
        assert_eq!(both[1].verdict, Verdict::NoDifference);
    }

    #[test]
    fn one_sample_has_no_interval() {
        let groups = [with_jct("fifo", &[10.0, 20.0]), with_jct("easy", &[5.0, 10.0])];
        let row = compared(&groups, Sampling::OneSample, "jct_mean_s").remove(0);
        assert_eq!((row.verdict, row.ci_low, row.p), (Verdict::OneSample, None, None));
        assert!((row.relative.unwrap() + 0.5).abs() < 1e-12);
        let single = [with_jct("fifo", &[10.0]), with_jct("easy", &[5.0])];
        assert_eq!(compared(&single, Sampling::Seeds, "jct_mean_s")[0].verdict, Verdict::OneSample);
        let still = [with_jct("fifo", &[10.0, 10.0]), with_jct("easy", &[5.0, 5.0])];
        assert_eq!(compared(&still, Sampling::Seeds, "jct_mean_s")[0].verdict, Verdict::OneSample);
    }

    #[test]
    fn equal_is_no_difference_and_nothing_is_no_data() {
        let mut groups = [with_jct("fifo", &[10.0, 20.0]), with_jct("easy", &[10.0, 20.0])];
        let row = compared(&groups, Sampling::Seeds, "jct_mean_s").remove(0);
        assert_eq!((row.verdict, row.p, row.difference), (Verdict::NoDifference, Some(1.0), Some(0.0)));
        groups[1].iter_mut().for_each(|summary| summary.jct_mean_s = Some(f64::NAN));
        let row = compared(&groups, Sampling::Seeds, "jct_mean_s").remove(0);
        assert_eq!((row.verdict, row.pairs, row.difference), (Verdict::NoData, 0, None));
    }
}
