//! Policies as rows, figures as columns.

use super::fmt;
use super::html::{escape, table};
use crate::output::Comparison;
use crate::result::Replay;
use crate::stats::{Direction, Estimate, Metric, Sampling, Unit, mean, same};

/// Columns of the table about time.
const TIMES: &[&str] =
    &["jct_mean_s", "jct_p50_s", "jct_p90_s", "jct_p99_s", "queue_mean_s", "queue_p99_s", "makespan_s", "bsld_mean"];
/// Columns of the table about use and fairness; left out where no policy has the figure.
const USES: &[&str] = &[
    "gpu_allocated_share",
    "goodput_share",
    "fragmentation_share",
    "fragmentation_idle_share",
    "largest_gang_mean_gpus",
    "blocked_by_fragmentation_jobs",
    "blocked_by_fragmentation_s",
    "jain_index",
    "ftf_worst",
    "ftf_unfair_share",
    "deadline_missed_share",
    "start_by_missed_share",
    "preemptions",
    "migrations",
    "restarts",
    "lost_gpu_s",
    "preempted_gpu_s",
    "preempted_gpu_s_predicted",
    "migrated_gpu_s",
    "migrated_gpu_s_predicted",
    "cost",
];
/// Columns that are left out when they are zero everywhere.
const SILENT_AT_ZERO: &[&str] = &[
    "blocked_by_fragmentation_jobs",
    "blocked_by_fragmentation_s",
    "migrations",
    "restarts",
    "lost_gpu_s",
    "preempted_gpu_s",
    "preempted_gpu_s_predicted",
    "migrated_gpu_s",
    "migrated_gpu_s_predicted",
];

/// A value as people read it.
pub fn value_text(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Seconds => fmt::seconds(value),
        Unit::Share => fmt::share(value),
        Unit::Count if value.fract() == 0.0 && value >= 0.0 => fmt::thousands(value as u64),
        Unit::Count | Unit::Ratio | Unit::Money => fmt::number(value),
        Unit::GpuSeconds => fmt::gpu_hours(value),
    }
}

/// One row a policy: its name and the texts of the figures that `keys` name, as means over seeds at one load.
/// For tables outside the report; unknown keys give empty cells.
pub fn table_rows(comparison: &Comparison<'_>, load: f64, keys: &[&str]) -> Vec<Vec<String>> {
    let row = |policy: &&str| {
        let group = comparison.group(policy, load);
        let cell = |key: &&str| Metric::by_key(key).map_or_else(String::new, |metric| mean_text(metric, &group));
        std::iter::once((*policy).to_owned()).chain(keys.iter().map(cell)).collect()
    };
    comparison.policies().iter().map(row).collect()
}

fn mean_text(metric: &Metric, group: &[&Replay]) -> String {
    estimate(metric, group).map_or_else(|| fmt::NOTHING.to_owned(), |e| value_text(metric.unit, e.mean))
}

/// The tables of the summary at one load.
pub(super) fn section(comparison: &Comparison<'_>, load: f64) -> String {
    let mut html = ends(comparison, load);
    html.push_str("<h3>Time</h3>\n");
    html.push_str(&figures(comparison, load, TIMES));
    html.push_str("<h3>Use and fairness</h3>\n");
    html.push_str(&figures(comparison, load, USES));
    html
}

/// How the jobs ended.
fn ends(comparison: &Comparison<'_>, load: f64) -> String {
    let row = |policy: &&str| {
        let group = comparison.group(policy, load);
        let count = |of: fn(&Replay) -> u64| {
            let values: Vec<f64> = group.iter().map(|replay| of(replay) as f64).collect();
            mean(&values).map_or_else(|| fmt::NOTHING.to_owned(), |value| value_text(Unit::Count, value))
        };
        vec![
            policy_cell(comparison, policy),
            count(|replay| replay.summary.jobs),
            count(|replay| replay.summary.finished),
            count(|replay| replay.summary.failed),
            count(|replay| replay.summary.unfinished),
            count(|replay| replay.summary.rejected),
        ]
    };
    let head = ["policy", "jobs", "finished", "failed", "unfinished", "rejected"].map(str::to_owned);
    let mut rows: Vec<Vec<String>> = comparison.policies().iter().map(row).collect();
    let alike = rows.windows(2).all(|pair| pair[0][1..] == pair[1][1..]);
    if rows.len() > 2 && alike {
        rows.truncate(1);
        "every policy".clone_into(&mut rows[0][0]);
    }
    let mut html = table(&head, &rows);
    let open = comparison.replays.iter().any(|replay| same(replay.summary.load, load) && replay.summary.unfinished > 0);
    if open {
        html.push_str(
            "<p class=\"note\">Some jobs had not ended when the replay did. Completion times are over finished jobs only: a \
             policy that leaves its slow jobs unfinished looks better there than it is.</p>\n",
        );
    }
    html
}

fn figures(comparison: &Comparison<'_>, load: f64, keys: &[&str]) -> String {
    let policies = comparison.policies();
    let groups: Vec<Vec<&Replay>> = policies.iter().map(|policy| comparison.group(policy, load)).collect();
    let metrics: Vec<&Metric> =
        keys.iter().filter_map(|key| Metric::by_key(key)).filter(|metric| says_something(metric, &groups)).collect();
    let head: Vec<String> =
        std::iter::once("policy").chain(metrics.iter().map(|metric| metric.label)).map(escape).collect();
    let mut rows: Vec<Vec<String>> = policies.iter().map(|policy| vec![policy_cell(comparison, policy)]).collect();
    for metric in metrics {
        let estimates: Vec<Option<Estimate>> = groups.iter().map(|group| estimate(metric, group)).collect();
        for (row, cell) in rows.iter_mut().zip(column(metric, &estimates, comparison.sampling)) {
            row.push(cell);
        }
    }
    table(&head, &rows)
}

fn says_something(metric: &Metric, groups: &[Vec<&Replay>]) -> bool {
    let mut values = groups.iter().flatten().filter_map(|replay| metric.of(&replay.summary)).peekable();
    values.peek().is_some() && (!SILENT_AT_ZERO.contains(&metric.key) || values.any(|value| value != 0.0))
}

fn estimate(metric: &Metric, group: &[&Replay]) -> Option<Estimate> {
    Estimate::of(&group.iter().filter_map(|replay| metric.of(&replay.summary)).collect::<Vec<_>>())
}

/// The cells of one figure; the best are marked unless they are more than half of all.
fn column(metric: &Metric, estimates: &[Option<Estimate>], sampling: Sampling) -> Vec<String> {
    let texts: Vec<Option<String>> = estimates.iter().map(|e| e.map(|e| value_text(metric.unit, e.mean))).collect();
    let means = estimates.iter().flatten().map(|e| e.mean);
    let best = match metric.direction {
        Direction::Lower => means.reduce(f64::min),
        Direction::Higher => means.reduce(f64::max),
    };
    let best_text = best.map(|best| value_text(metric.unit, best));
    let shown: Vec<&String> = texts.iter().flatten().collect();
    let are_best = shown.iter().filter(|text| best_text.as_ref() == Some(**text)).count();
    let tells = are_best * 2 <= shown.len();
    let cell = |(text, estimate): (&Option<String>, &Option<Estimate>)| {
        let Some(text) = text else { return fmt::NOTHING.to_owned() };
        let is_best = tells && best_text.as_ref() == Some(text);
        let value = if is_best { format!("<span class=\"best\">{text}</span>") } else { text.clone() };
        let spread = estimate.and_then(|e| e.half_width).filter(|width| sampling == Sampling::Seeds && *width > 0.0);
        let spread = spread.map(|width| format!("<span class=\"spread\">± {}</span>", value_text(metric.unit, width)));
        value + &spread.unwrap_or_default()
    };
    texts.iter().zip(estimates).map(cell).collect()
}

/// The policy's name, with a mark when it saw true durations.
pub(super) fn policy_cell(comparison: &Comparison<'_>, policy: &str) -> String {
    let seer = comparison.replays.iter().any(|replay| replay.summary.policy == policy && replay.summary.clairvoyant);
    let mark = if seer { " <span class=\"mark\">CLAIRVOYANT</span>" } else { "" };
    format!("<code>{}</code>{mark}", escape(policy))
}

/// How long the simulation itself took.
pub(super) fn speed(comparison: &Comparison<'_>) -> String {
    let row = |policy: &&str| {
        let of_policy = || comparison.replays.iter().filter(|replay| replay.summary.policy == **policy);
        let figure = |value: fn(&Replay) -> Option<f64>, text: fn(f64) -> String| {
            let values: Vec<f64> = of_policy().filter_map(value).collect();
            mean(&values).map_or_else(|| fmt::NOTHING.to_owned(), text)
        };
        vec![
            policy_cell(comparison, policy),
            figure(|replay| Some(replay.summary.events as f64), fmt::number),
            figure(|replay| Some(replay.summary.decisions as f64), fmt::number),
            figure(|replay| Some(replay.summary.wall_s), fmt::seconds),
            figure(|replay| replay.summary.decide_p50_us, |us| format!("{} µs", fmt::number(us))),
            figure(|replay| replay.summary.decide_p99_us, |us| format!("{} µs", fmt::number(us))),
        ]
    };
    let head = ["policy", "events", "decisions", "replay", "step p50", "step p99"].map(str::to_owned);
    table(&head, &comparison.policies().iter().map(row).collect::<Vec<_>>())
}
