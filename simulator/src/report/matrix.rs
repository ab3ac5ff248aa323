//! Many policies against the baseline: a line each, with the difference in every figure that matters and its interval.

use super::fmt;
use super::html::{escape, table};
use super::tables::policy_cell;
use super::words::{Amount, TOLD, difference_text};
use crate::output::Comparison;
use crate::stats::{Difference, Metric, Verdict};

/// The policies `others` by `differences`, those with the lowest mean completion time first.
pub(super) fn at_load(comparison: &Comparison<'_>, others: &[&str], differences: &[&Difference]) -> String {
    let of =
        |policy: &str, key: &str| differences.iter().copied().find(|row| row.policy == policy && row.metric == key);
    let says = |key: &&&str| {
        let mut rows = differences.iter().filter(|row| row.metric == **key && row.verdict != Verdict::NoData);
        rows.any(|row| row.difference.is_some_and(|difference| difference != 0.0))
    };
    let metrics: Vec<&Metric> = TOLD.iter().filter(says).filter_map(|key| Metric::by_key(key)).collect();
    let mut policies = others.to_vec();
    let first = |policy: &str| of(policy, TOLD[0]).and_then(|row| row.policy_mean).unwrap_or(f64::INFINITY);
    policies.sort_by(|a, b| first(a).total_cmp(&first(b)));
    let head: Vec<String> =
        std::iter::once("policy").chain(metrics.iter().map(|metric| metric.label)).map(escape).collect();
    let row = |policy: &&str| {
        let cells = metrics.iter().map(|metric| of(policy, metric.key).map_or_else(nothing, |row| cell(metric, row)));
        std::iter::once(policy_cell(comparison, policy)).chain(cells).collect::<Vec<_>>()
    };
    table(&head, &policies.iter().map(row).collect::<Vec<_>>())
}

fn nothing() -> String {
    fmt::NOTHING.to_owned()
}

/// How much higher or lower, and below it the interval of the difference.
fn cell(metric: &Metric, row: &Difference) -> String {
    let Some(difference) = row.difference else { return nothing() };
    let amount = match Amount::of(metric, row, difference) {
        _ if difference == 0.0 => "the same".to_owned(),
        Amount::Times(times) => format!("{times} times"),
        Amount::By(amount) => signed(difference, &amount),
    };
    let amount = match row.verdict {
        Verdict::Better => format!("<span class=\"better\">{amount}</span>"),
        Verdict::Worse => format!("<span class=\"worse\">{amount}</span>"),
        Verdict::NoDifference => format!("<span class=\"soft\">{amount}</span>"),
        Verdict::OneSample | Verdict::NoData => amount,
    };
    let ends = row.ci_low.zip(row.ci_high).filter(|(low, high)| *low != 0.0 || *high != 0.0);
    let spread = ends.map(|(low, high)| {
        let [low, high] = [low, high].map(|end| signed(end, &difference_text(metric.unit, end.abs())));
        format!("<span class=\"spread\">{low} to {high}</span>")
    });
    amount + &spread.unwrap_or_default()
}

fn signed(value: f64, text: &str) -> String {
    if value < 0.0 { format!("−{text}") } else { format!("+{text}") }
}
