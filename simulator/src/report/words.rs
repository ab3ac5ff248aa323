//! Differences in words.

use super::fmt;
use super::html::{escape, list, table};
use super::tables::value_text;
use crate::stats::{Difference, Direction, Metric, Unit, Verdict};

/// The metrics that are told in words; all others are in the table.
pub(super) const TOLD: &[&str] = &[
    "jct_mean_s",
    "jct_p99_s",
    "queue_mean_s",
    "queue_p99_s",
    "makespan_s",
    "goodput_share",
    "jain_index",
    "ftf_unfair_share",
];

/// The differences of one policy from the baseline at one load, as a list.
pub(super) fn told(differences: &[&Difference]) -> String {
    let told = TOLD.iter().filter_map(|key| differences.iter().find(|row| row.metric == *key));
    let items: Vec<String> = told.filter(|row| row.verdict != Verdict::NoData).map(|row| sentence(row)).collect();
    if items.is_empty() { "<p>Nothing to compare.</p>\n".to_owned() } else { list(&items) }
}

/// The differences that are told in words, as plain text.
pub fn sentences(differences: &[&Difference]) -> Vec<String> {
    let told = TOLD.iter().filter_map(|key| differences.iter().find(|row| row.metric == *key));
    told.filter(|row| row.verdict != Verdict::NoData).map(|row| unmarked(&sentence(row))).collect()
}

/// A sentence without its marks. Only phrases of our own and numbers stand between them.
fn unmarked(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, rest)| rest));
    }
    text.replace("&nbsp;", " ").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// One difference as a sentence, in HTML.
fn sentence(row: &Difference) -> String {
    let Some(metric) = Metric::by_key(row.metric) else { return String::new() };
    let (Some(difference), Some(baseline)) = (row.difference, row.baseline_mean) else { return String::new() };
    let subject = metric.phrase;
    let ends = format!("{} against {}", optional(metric, row.policy_mean), value_text(metric.unit, baseline));
    match row.verdict {
        Verdict::NoDifference if row.ci_low == Some(0.0) && row.ci_high == Some(0.0) => {
            format!("{subject}: the same in every seed ({ends})")
        }
        Verdict::NoDifference => {
            format!("{subject}: no difference ({ends}; {}{})", interval(metric, row, 1.0), p_words(row))
        }
        Verdict::Better | Verdict::Worse => {
            let class = if row.verdict == Verdict::Better { "better" } else { "worse" };
            let (amount, interval) = (amount(metric, row, difference), interval(metric, row, difference.signum()));
            let p = p_words(row);
            format!("{subject} <span class=\"{class}\">{amount}</span> ({ends}; {interval}{p})")
        }
        Verdict::OneSample | Verdict::NoData if difference == 0.0 => format!("{subject}: the same ({ends})"),
        Verdict::OneSample | Verdict::NoData => {
            format!("{subject} {} ({ends}; one sample: no interval)", amount(metric, row, difference))
        }
    }
}

/// How much, and which way: `38.0 % lower`, `2.1 points higher`.
fn amount(metric: &Metric, row: &Difference, difference: f64) -> String {
    let way = if difference < 0.0 { "lower" } else { "higher" };
    match Amount::of(metric, row, difference) {
        Amount::Times(times) => format!("{times} times as high"),
        Amount::By(amount) => format!("{amount} {way}"),
    }
}

/// How much a difference is, without its sign.
pub(super) enum Amount {
    /// So many times the baseline, at least twice.
    Times(String),
    /// So much: a part of the baseline, points of a share, or the plain difference.
    By(String),
}

impl Amount {
    pub(super) fn of(metric: &Metric, row: &Difference, difference: f64) -> Self {
        // The mean of log ratios can point the other way when seeds differ much: then the plain difference is told.
        let relative = row.relative.filter(|relative| relative.signum() == difference.signum());
        match relative.filter(|_| metric.unit != Unit::Share) {
            Some(relative) if relative >= 1.0 => Self::Times(fmt::number(1.0 + relative)),
            Some(relative) => Self::By(fmt::share(relative.abs())),
            None => Self::By(difference_text(metric.unit, difference.abs())),
        }
    }
}

/// The interval of the difference; `sign` -1 turns it around for a sentence that says `lower`.
fn interval(metric: &Metric, row: &Difference, sign: f64) -> String {
    let (Some(low), Some(high)) = (row.ci_low, row.ci_high) else { return "no interval".to_owned() };
    let (from, to) = if sign < 0.0 { (-high, -low) } else { (low, high) };
    let (from, to) = (difference_text(metric.unit, from), difference_text(metric.unit, to));
    match (row.verdict, sign < 0.0) {
        (Verdict::NoDifference, _) => format!("95 % CI of the difference {from} to {to}"),
        (_, true) => format!("95 % CI {from} to {to} lower"),
        (_, false) => format!("95 % CI {from} to {to} higher"),
    }
}

/// A difference of two values: of shares in percentage points.
pub(super) fn difference_text(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Share => format!("{} points", fmt::number(value * 100.0)),
        _ => value_text(unit, value),
    }
}

fn p_words(row: &Difference) -> String {
    row.p_holm.map_or_else(String::new, |p| format!("; p&nbsp;{}", p_text(p)))
}

fn p_text(p: f64) -> String {
    if p < 0.001 { "&lt; 0.001".to_owned() } else { format!("{p:.3}") }
}

fn optional(metric: &Metric, value: Option<f64>) -> String {
    value.map_or_else(|| fmt::NOTHING.to_owned(), |value| value_text(metric.unit, value))
}

/// All differences at one load as a table.
pub(super) fn full(differences: &[&Difference]) -> String {
    let zero = |row: &&Difference| row.baseline_mean == Some(0.0) && row.policy_mean == Some(0.0);
    let head =
        ["figure", "policy", "baseline", "value", "difference", "relative", "95 % CI", "p (Holm)", "pairs", "verdict"];
    let head = head.map(str::to_owned);
    let rows: Vec<Vec<String>> = differences
        .iter()
        .filter(|row| row.verdict != Verdict::NoData && !zero(row))
        .filter_map(|row| full_row(row))
        .collect();
    let note = "<p class=\"note\">Figures without meaning here, or that are zero for both, are left out. The relative difference is \
                the geometric mean over seeds of policy over baseline; when seeds differ much, it can point the other way than \
                the difference of the means.</p>\n";
    table(&head, &rows) + note
}

fn full_row(row: &Difference) -> Option<Vec<String>> {
    let metric = Metric::by_key(row.metric)?;
    let better = match metric.direction {
        Direction::Lower => "↓",
        Direction::Higher => "↑",
    };
    let ends = row.ci_low.zip(row.ci_high);
    let nothing = || fmt::NOTHING.to_owned();
    let interval =
        |(low, high)| format!("{} to {}", difference_text(metric.unit, low), difference_text(metric.unit, high));
    Some(vec![
        format!("{} {better}", escape(metric.label)),
        format!("<code>{}</code>", escape(&row.policy)),
        optional(metric, row.baseline_mean),
        optional(metric, row.policy_mean),
        row.difference.map_or_else(nothing, |value| difference_text(metric.unit, value)),
        row.relative.map_or_else(nothing, fmt::share),
        ends.map_or_else(nothing, interval),
        row.p_holm.map_or_else(nothing, p_text),
        row.pairs.to_string(),
        verdict_cell(row.verdict),
    ])
}

fn verdict_cell(verdict: Verdict) -> String {
    match verdict {
        Verdict::Better => "<span class=\"better\">better</span>".to_owned(),
        Verdict::Worse => "<span class=\"worse\">worse</span>".to_owned(),
        Verdict::NoDifference => "no difference".to_owned(),
        Verdict::OneSample => "one sample".to_owned(),
        Verdict::NoData => "no data".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::SCHEMA;

    fn row(metric: &'static str, ends: (f64, f64), interval: Option<(f64, f64)>, verdict: Verdict) -> Difference {
        Difference {
            schema: SCHEMA,
            load: 1.0,
            metric,
            baseline: "fifo".to_owned(),
            policy: "easy".to_owned(),
            pairs: 5,
            baseline_mean: Some(ends.0),
            policy_mean: Some(ends.1),
            difference: Some(ends.1 - ends.0),
            relative: Some(ends.1 / ends.0 - 1.0),
            ci_low: interval.map(|ends| ends.0),
            ci_high: interval.map(|ends| ends.1),
            p: interval.map(|_| 0.01),
            p_holm: interval.map(|_| 0.02),
            verdict,
        }
    }

    #[test]
    fn differences_are_told_in_words() {
        let lower = row("queue_mean_s", (7200.0, 3600.0), Some((-4500.0, -2700.0)), Verdict::Better);
        let more = row("goodput_share", (0.50, 0.55), Some((0.02, 0.08)), Verdict::Better);
        let triple = row("jct_p99_s", (3600.0, 10_800.0), Some((3600.0, 10_800.0)), Verdict::Worse);
        let none = row("jct_mean_s", (3600.0, 3000.0), Some((-1500.0, 300.0)), Verdict::NoDifference);
        let one = row("makespan_s", (3600.0, 2700.0), None, Verdict::OneSample);
        let told: Vec<String> = [lower, more, triple, none, one].iter().map(sentence).collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        mean waiting <span class="better">50.0 % lower</span> (1 h against 2 h; 95 % CI 45 min to 1 h 15 min lower; p&nbsp;0.020)
        goodput <span class="better">5 points higher</span> (55.0 % against 50.0 %; 95 % CI 2 points to 8 points higher; p&nbsp;0.020)
        p99 job completion time <span class="worse">3 times as high</span> (3 h against 1 h; 95 % CI 1 h to 3 h higher; p&nbsp;0.020)
        mean job completion time: no difference (50 min against 1 h; 95 % CI of the difference −25 min to 5 min; p&nbsp;0.020)
        makespan 25.0 % lower (45 min against 1 h; one sample: no interval)
        "#);
        let lower = row("queue_mean_s", (7200.0, 3600.0), Some((-4500.0, -2700.0)), Verdict::Better);
        assert_eq!(
            sentences(&[&lower]),
            ["mean waiting 50.0 % lower (1 h against 2 h; 95 % CI 45 min to 1 h 15 min lower; p 0.020)"]
        );
    }
}
