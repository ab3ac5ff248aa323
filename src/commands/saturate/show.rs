//! What was filled as tables for people: each seed, then means and differences.

use std::fmt::Write as _;

use simulator::report::fmt;
use simulator::saturate::{Filled, Saturation};
use simulator::stats::{Estimate, mean, standard_deviation};

use crate::table;

const HEAD: [&str; 8] = ["policy", "seed", "alloc % at 100", "at end", "F % at 100", "at end", "failed", "s"];
const MEANS: [&str; 7] = ["policy", "alloc % at 100", "sd", "at end", "sd", "F % at 100", "at end"];
const DIFFERENCES: [&str; 7] =
    ["against the first", "alloc at 100", "sd", "95 % interval", "at end", "sd", "95 % interval"];

/// A figure of a run.
type Figure = fn(&Filled) -> Option<f64>;

const AT_100: Figure = |filled| filled.allocated_share_at_100;
const AT_END: Figure = |filled| Some(filled.allocated_share_end);
const F_AT_100: Figure = |filled| filled.fragmentation_share_at_100;
const F_AT_END: Figure = |filled| Some(filled.fragmentation_share_end);

/// All tables.
pub(super) fn tables(asked: &Saturation, cluster: &str, filled: &[Filled]) -> String {
    let expected =
        asked.expect.as_ref().map_or_else(|| "the trace's own jobs".to_owned(), |other| other.source.clone());
    let mut text = table::facts(&[
        ("trace", format!("{}: {} jobs", asked.label, fmt::thousands(asked.trace.jobs.len() as u64))),
        ("cluster", format!("{cluster}: {} GPUs", fmt::thousands(asked.inventory.gpus()))),
        (
            "arrivals",
            format!("each job once in a random order, then drawn again, up to {} x the cluster", asked.target),
        ),
        ("expected", expected),
    ]);
    text.push('\n');
    text += &table::figures(&HEAD, &filled.iter().map(row).collect::<Vec<_>>());
    let of = |policy: &String| filled.iter().filter(|run| run.policy == *policy).collect::<Vec<_>>();
    let groups: Vec<Vec<&Filled>> = asked.policies.iter().map(of).collect();
    text.push('\n');
    text += &table::figures(&MEANS, &groups.iter().map(|runs| means(runs)).collect::<Vec<_>>());
    if let Some((first, others)) = groups.split_first().filter(|(_, others)| !others.is_empty()) {
        text.push('\n');
        text += &table::figures(&DIFFERENCES, &others.iter().map(|runs| differences(first, runs)).collect::<Vec<_>>());
    }
    let bounds: Vec<f64> = groups.first().map(|runs| values(runs, |run| run.bound_share_at_100)).unwrap_or_default();
    if let Some(bound) = mean(&bounds) {
        let _ = writeln!(
            text,
            "\nNo placement of what has arrived at 100 allocates more than {:.2} % (mean over seeds).",
            bound * 100.0
        );
    }
    let _ = writeln!(
        text,
        "\nShares are of all GPUs. At 100: when as much has arrived as the cluster has. F: idle GPU that the jobs\n\
         expected cannot use. Differences are in points, paired over {} seeds.",
        asked.seeds.len()
    );
    text
}

fn row(run: &Filled) -> Vec<String> {
    let mut cells = vec![run.policy.clone(), run.seed.to_string()];
    cells.extend([AT_100, AT_END, F_AT_100, F_AT_END].map(|figure| percent(figure(run))));
    cells.extend([fmt::thousands(run.failed), format!("{:.1}", run.wall_s)]);
    cells
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.2}", share * 100.0))
}

fn values(runs: &[&Filled], figure: Figure) -> Vec<f64> {
    runs.iter().filter_map(|run| figure(run)).collect()
}

fn means(runs: &[&Filled]) -> Vec<String> {
    let mut cells = vec![runs.first().map(|run| run.policy.clone()).unwrap_or_default()];
    for figure in [AT_100, AT_END] {
        let values = values(runs, figure);
        cells.extend([percent(mean(&values)), percent(standard_deviation(&values))]);
    }
    cells.extend([F_AT_100, F_AT_END].map(|figure| percent(mean(&values(runs, figure)))));
    cells
}

/// Differences to the first policy, in points, paired over seeds.
fn differences(first: &[&Filled], runs: &[&Filled]) -> Vec<String> {
    let mut cells = vec![runs.first().map(|run| run.policy.clone()).unwrap_or_default()];
    for figure in [AT_100, AT_END] {
        let pairs = first.iter().zip(runs);
        let gaps: Vec<f64> = pairs.filter_map(|(base, run)| Some((figure(run)? - figure(base)?) * 100.0)).collect();
        let estimate = Estimate::of(&gaps);
        let interval = estimate.and_then(|e| e.half_width.map(|width| (e.mean - width, e.mean + width)));
        cells.push(estimate.map_or_else(|| "-".to_owned(), |e| format!("{:+.2}", e.mean)));
        cells.push(standard_deviation(&gaps).map_or_else(|| "-".to_owned(), |deviation| format!("{deviation:.2}")));
        cells.push(interval.map_or_else(|| "one sample".to_owned(), |(low, high)| format!("{low:+.2} to {high:+.2}")));
    }
    cells
}
