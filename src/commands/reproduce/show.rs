//! What was reproduced as a table, as Markdown for the book, and as JSON.

use std::fmt::Write as _;

use serde::Serialize;
use simulator::report::fmt;

use super::replayed::{Measure, Reproduced, Verdict};
use crate::table;

/// Version of the JSON.
const SCHEMA: u32 = 1;

/// The JSON.
#[derive(Serialize)]
pub(crate) struct Report<'a> {
    schema: u32,
    trainyard_version: &'static str,
    within: usize,
    beyond: usize,
    not_covered: usize,
    cases: &'a [Reproduced],
}

/// The JSON.
pub(crate) fn json(found: &[Reproduced]) -> Report<'_> {
    let [within, beyond, not_covered] = counts(found);
    Report { schema: SCHEMA, trainyard_version: env!("CARGO_PKG_VERSION"), within, beyond, not_covered, cases: found }
}

fn counts(found: &[Reproduced]) -> [usize; 3] {
    let verdicts = [Verdict::Within, Verdict::Beyond, Verdict::NotCovered];
    verdicts.map(|verdict| found.iter().filter(|one| one.verdict == verdict).count())
}

const HEAD: [&str; 10] = [
    "case",
    "jobs",
    "JCT theirs s",
    "JCT ours s",
    "differs",
    "makespan theirs s",
    "makespan ours s",
    "differs",
    "equal ends",
    "verdict",
];

/// Of clusters that were filled: means in per cent of all GPU, standard deviations in brackets.
const HEAD_FILLED: [&str; 12] = [
    "case",
    "jobs",
    "seeds",
    "alloc at 100 theirs",
    "ours",
    "alloc at 130 theirs",
    "ours",
    "F at 100 theirs",
    "ours",
    "F at 130 theirs",
    "ours",
    "verdict",
];
/// What it shows, in this order.
const SHARES: [&str; 4] =
    ["allocated_share_at_100", "allocated_share_at_130", "fragmentation_share_at_100", "fragmentation_share_at_130"];

/// The table for people.
pub(crate) fn table(found: &[Reproduced]) -> String {
    let mut text = String::new();
    let rows: Vec<Vec<String>> = replayed(found).map(|one| cells(one).into()).collect();
    if !rows.is_empty() {
        text += &table::figures(&HEAD, &rows);
    }
    let rows: Vec<Vec<String>> = filled(found).map(cells_filled).collect();
    if !rows.is_empty() {
        text += if text.is_empty() { "" } else { "\n" };
        text += &table::figures(&HEAD_FILLED, &rows);
    }
    let rows: Vec<Vec<String>> =
        not_covered(found).map(|(case, reason)| vec![case.to_owned(), reason.to_owned()]).collect();
    if !rows.is_empty() {
        text += if text.is_empty() { "" } else { "\n" };
        text += &table::words(&["not covered", "because"], &rows);
    }
    let _ = writeln!(text, "\n{}", summary(found));
    text
}

/// The tables for the book.
pub(crate) fn markdown(found: &[Reproduced]) -> String {
    let code = |text: &str| if text.is_empty() { String::new() } else { format!("`{text}`") };
    let mapped = covered(found).map(|one| {
        let (cluster, policy) = (one.cluster.clone().unwrap_or_default(), one.policy.as_deref().unwrap_or_default());
        vec![one.case.clone(), cluster, code(policy), code(&one.settings.join(" "))]
    });
    let missing = not_covered(found).map(|(case, reason)| vec![case.to_owned(), reason.to_owned()]);
    let mut text = markdown_table(&HEAD, Cells::Figures, replayed(found).map(|one| cells(one).into()));
    text += &markdown_table(&HEAD_FILLED, Cells::Figures, filled(found).map(cells_filled));
    text += &markdown_table(&["case", "cluster", "policy", "physics"], Cells::Words, mapped);
    text += &markdown_table(&["not covered", "because"], Cells::Words, missing);
    let _ = writeln!(text, "{}", summary(found));
    text
}

/// What stands between the first and the last column.
#[derive(Clone, Copy)]
enum Cells {
    Figures,
    Words,
}

/// A table and an empty line; nothing where there is no row.
fn markdown_table(head: &[&str], cells: Cells, rows: impl Iterator<Item = Vec<String>>) -> String {
    let inner = match cells {
        Cells::Figures => "---:",
        Cells::Words => "---",
    };
    let rules = (0..head.len()).map(|at| if at == 0 || at + 1 == head.len() { "---" } else { inner });
    let rows: Vec<String> = rows.map(|row| format!("| {} |\n", row.join(" | "))).collect();
    if rows.is_empty() {
        return String::new();
    }
    format!("| {} |\n|{}|\n{}\n", head.join(" | "), rules.collect::<Vec<_>>().join("|"), rows.concat())
}

fn covered(found: &[Reproduced]) -> impl Iterator<Item = &Reproduced> {
    found.iter().filter(|one| one.verdict != Verdict::NotCovered)
}

fn replayed(found: &[Reproduced]) -> impl Iterator<Item = &Reproduced> {
    covered(found).filter(|one| one.seeds.is_none())
}

fn filled(found: &[Reproduced]) -> impl Iterator<Item = &Reproduced> {
    covered(found).filter(|one| one.seeds.is_some())
}

fn not_covered(found: &[Reproduced]) -> impl Iterator<Item = (&str, &str)> {
    let missing = found.iter().filter(|one| one.verdict == Verdict::NotCovered);
    missing.map(|one| (one.case.as_str(), one.reason.as_deref().unwrap_or("")))
}

fn summary(found: &[Reproduced]) -> String {
    let [within, beyond, not_covered] = counts(found);
    format!("{within} within the limits, {beyond} beyond, {not_covered} not covered.")
}

/// A case in a line: see [`HEAD`].
fn cells(one: &Reproduced) -> [String; HEAD.len()] {
    let [jct_theirs, jct_ours, jct_differs] = figures(one.measure("jct_mean_s"));
    let [makespan_theirs, makespan_ours, makespan_differs] = figures(one.measure("makespan_s"));
    let equal = one.measure("equal_finish_share").and_then(|measure| measure.ours);
    [
        one.case.clone(),
        one.jobs.map(fmt::thousands).unwrap_or_default(),
        jct_theirs,
        jct_ours,
        jct_differs,
        makespan_theirs,
        makespan_ours,
        makespan_differs,
        equal.map_or_else(|| "-".to_owned(), |share| equal_ends(share, one.compared.unwrap_or(0))),
        verdict(one).to_owned(),
    ]
}

fn verdict(one: &Reproduced) -> &'static str {
    if one.verdict == Verdict::Within { "within" } else { "BEYOND" }
}

/// A cluster that was filled in a line: see [`HEAD_FILLED`].
fn cells_filled(one: &Reproduced) -> Vec<String> {
    let mut cells = vec![one.case.clone()];
    cells.extend([one.jobs, one.seeds].map(|count| count.map(fmt::thousands).unwrap_or_default()));
    for share in SHARES {
        let measure = one.measure(share);
        cells.push(measure.map_or_else(String::new, |measure| percent(Some(measure.published), measure.published_sd)));
        cells.push(measure.map_or_else(String::new, |measure| percent(measure.ours, measure.ours_sd)));
    }
    cells.push(verdict(one).to_owned());
    cells
}

/// A mean and its standard deviation in per cent.
fn percent(mean: Option<f64>, deviation: Option<f64>) -> String {
    let mean = mean.map_or_else(|| "-".to_owned(), |mean| format!("{:.2}", mean * 100.0));
    mean + &deviation.map(|deviation| format!(" ({:.2})", deviation * 100.0)).unwrap_or_default()
}

/// Theirs, ours, and the difference.
fn figures(measure: Option<&Measure>) -> [String; 3] {
    let none = || "-".to_owned();
    let Some(measure) = measure else { return [none(), none(), none()] };
    let seconds = |value: f64| format!("{value:.3}");
    // Without the sign of a zero.
    let percent =
        |relative: f64| format!("{:+.3} %", relative * 100.0).replace("-0.000", "+0.000").replace("+0.000", "0.000");
    [seconds(measure.published), measure.ours.map_or_else(none, seconds), measure.relative.map_or_else(none, percent)]
}

fn equal_ends(share: f64, compared: u64) -> String {
    let equal = (share * compared as f64).round() as u64;
    format!("{} of {}", fmt::thousands(equal), fmt::thousands(compared))
}
