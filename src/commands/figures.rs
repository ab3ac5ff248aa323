//! Figures of replays as tables for people.

use std::fmt::Write as _;

use simulator::output::Comparison;
use simulator::report::{self, fmt};
use simulator::result::{Replay, Summary};
use simulator::stats::{Difference, Metric, Sampling};

use crate::table;

/// Columns of a comparison, by metric.
const COLUMNS: [&str; 10] = [
    "jct_mean_s",
    "jct_p50_s",
    "jct_p99_s",
    "queue_mean_s",
    "queue_p99_s",
    "gpu_allocated_share",
    "fragmentation_share",
    "largest_gang_mean_gpus",
    "jain_index",
    "preemptions",
];
/// Columns that are shown only where they are not zero.
const SELDOM: [&str; 8] = [
    "blocked_by_fragmentation_jobs",
    "restarts",
    "lost_gpu_s",
    "preempted_gpu_s",
    "deadline_missed_share",
    "failed",
    "unfinished",
    "rejected",
];

/// The physics for people.
pub(crate) fn physics_words(physics: &str) -> &str {
    if physics == "default" {
        "default (no restart cost, no lost work, no spread penalty, no failures)"
    } else {
        physics
    }
}

/// A policy, marked where it is clairvoyant.
fn marked(policy: &str, clairvoyant: bool) -> String {
    if clairvoyant { format!("{policy} *") } else { policy.to_owned() }
}

const CLAIRVOYANT: &str = "* clairvoyant: it saw the true durations\n";

/// A comparison: a table a load, how to read it, and the differences in words.
pub(crate) fn compared(comparison: &Comparison<'_>, differences: &[Difference]) -> String {
    let mut text = String::new();
    let loads = comparison.loads();
    for load in &loads {
        if loads.len() > 1 {
            let _ = writeln!(text, "load {}", fmt::number(*load));
        }
        text += &summary_table(comparison, *load);
        text.push('\n');
    }
    text += &how_to_read(comparison);
    for load in &loads {
        text += &differences_at(comparison, differences, *load);
    }
    text
}

fn summary_table(comparison: &Comparison<'_>, load: f64) -> String {
    let seldom = SELDOM.iter().filter(|key| {
        let value = |summary: &&Summary| Metric::by_key(key).and_then(|metric| metric.of(summary));
        comparison.summaries().iter().filter_map(value).any(|value| value > 0.0)
    });
    let keys: Vec<&'static str> = COLUMNS.iter().chain(seldom).copied().collect();
    let label = |key: &&'static str| Metric::by_key(key).map_or(*key, |metric| metric.label);
    let head: Vec<&str> = std::iter::once("policy").chain(keys.iter().map(label)).collect();
    let mut rows = report::table_rows(comparison, load, &keys);
    for (row, policy) in rows.iter_mut().zip(comparison.policies()) {
        row[0] = marked(policy, is_clairvoyant(comparison, policy));
    }
    table::figures(&head, &rows)
}

fn is_clairvoyant(comparison: &Comparison<'_>, policy: &str) -> bool {
    comparison.replays.iter().any(|replay| replay.summary.policy == policy && replay.summary.clairvoyant)
}

fn how_to_read(comparison: &Comparison<'_>) -> String {
    let seeds = comparison.replays.iter().map(|replay| replay.summary.seed);
    let seeds = seeds.collect::<std::collections::BTreeSet<_>>().len();
    let mut text = match comparison.sampling {
        Sampling::Seeds => format!("means over {seeds} seeds\n"),
        Sampling::OneSample => "one sample: no intervals\n".to_owned(),
    };
    let physics = comparison.replays.first().map_or("default", |replay| replay.summary.physics.as_str());
    let _ = writeln!(text, "physics: {}", physics_words(physics));
    if comparison.replays.iter().any(|replay| replay.summary.clairvoyant) {
        text += CLAIRVOYANT;
    }
    text
}

fn differences_at(comparison: &Comparison<'_>, differences: &[Difference], load: f64) -> String {
    let policies = comparison.policies();
    let Some((baseline, others)) = policies.split_first() else { return String::new() };
    let mut text = String::new();
    for policy in others {
        let of = |row: &&Difference| row.policy == *policy && row.load.total_cmp(&load).is_eq();
        let rows: Vec<&Difference> = differences.iter().filter(of).collect();
        let at = if comparison.loads().len() > 1 { format!(" at load {}", fmt::number(load)) } else { String::new() };
        let _ = writeln!(text, "\n{} against {baseline}{at}", marked(policy, is_clairvoyant(comparison, policy)));
        text += &told(report::sentences(&rows));
    }
    text
}

/// Sentences, a line each; what is the same for both stands together on the last.
fn told(sentences: Vec<String>) -> String {
    let same = |sentence: &String| sentence.split_once(": the same").map(|(subject, _)| subject.to_owned());
    let (equal, other): (Vec<String>, Vec<String>) =
        sentences.into_iter().partition(|sentence| same(sentence).is_some());
    let mut lines: Vec<String> = other.iter().map(|sentence| format!("  {sentence}\n")).collect();
    let subjects: Vec<String> = equal.iter().filter_map(same).collect();
    if !subjects.is_empty() {
        lines.push(format!("  the same: {}\n", subjects.join(", ")));
    }
    lines.concat()
}

/// The key figures of one replay, what preemption cost, and which targets were missed.
pub(crate) fn one(replay: &Replay, cluster: &str) -> String {
    let summary = &replay.summary;
    let seconds = |value: Option<f64>| value.map_or_else(|| fmt::NOTHING.to_owned(), fmt::seconds);
    let share = |value: Option<f64>| value.map_or_else(|| fmt::NOTHING.to_owned(), fmt::share);
    let number = |value: Option<f64>| value.map_or_else(|| fmt::NOTHING.to_owned(), fmt::number);
    let count = fmt::thousands;
    let s = summary;
    let mut rows = vec![
        ("policy", marked(&s.policy, s.clairvoyant)),
        ("trace", s.trace.clone()),
        ("cluster", format!("{cluster}, {} GPUs", count(s.cluster_gpus))),
        ("seed", s.seed.to_string()),
        ("jobs", ends(s)),
        ("completion time", quantiles(&[s.jct_mean_s, s.jct_p50_s, s.jct_p90_s, s.jct_p99_s], &["p50", "p90", "p99"])),
        ("waiting", quantiles(&[s.queue_mean_s, s.queue_p50_s, s.queue_p99_s], &["p50", "p99"])),
        ("slowdown", format!("mean {} (bounded at 10 s)", number(s.bsld_mean))),
        ("makespan", seconds(s.makespan_s)),
        ("GPUs", format!("{} allocated, goodput {}", share(s.gpu_allocated_share), share(s.goodput_share))),
        ("idle GPUs", idle(s)),
        ("runs stopped", stopped(s)),
        ("fairness", fairness(s)),
    ];
    rows.extend(s.deadline_missed_share.map(|missed| ("deadlines", format!("{} missed", fmt::share(missed)))));
    rows.extend(s.start_by_missed_share.map(|missed| ("latest starts", format!("{} missed", fmt::share(missed)))));
    rows.extend(report::solver_words(&[s]).map(|words| ("solver", words)));
    rows.extend(s.cost.map(|cost| ("cost", fmt::number(cost))));
    rows.push(("physics", physics_words(&s.physics).to_owned()));
    rows.push(("speed", speed(s)));
    let footnote = if s.clairvoyant { CLAIRVOYANT } else { "" };
    table::facts(&rows) + footnote + &bills(replay) + &targets(replay)
}

/// Who stopped whose runs, and at what cost; nothing where that cost nothing.
fn bills(replay: &Replay) -> String {
    let bills = report::bills(&[replay]);
    if bills.iter().all(|bill| bill.cost_gpu_s() <= 0.0) {
        return String::new();
    }
    let named = |name: &str| if name.is_empty() { fmt::NOTHING.to_owned() } else { name.to_owned() };
    let row = |bill: &report::Bill| [named(&bill.by), bill.victim_text()].into_iter().chain(bill.texts()).collect();
    let rows: Vec<Vec<String>> = bills.iter().map(row).collect();
    let head: Vec<&str> = ["for a job of", "stopped a job of"].into_iter().chain(report::BILL_HEADS).collect();
    format!("\n{}", table::figures(&head, &rows))
}

/// Which targets were missed, and why; nothing where none was.
fn targets(replay: &Replay) -> String {
    let Some((all, tenants)) = report::kept(&[replay]).filter(|(all, _)| all.misses() > 0.0) else {
        return String::new();
    };
    let row = |(name, kept): (&str, &report::Kept)| std::iter::once(name.to_owned()).chain(kept.texts()).collect();
    let mut rows: Vec<Vec<String>> = vec![row(("all", &all))];
    if tenants.len() > 1 {
        rows.extend(tenants.iter().map(|(name, kept)| row((name, kept))));
    }
    let head: Vec<&str> = ["tenant"].into_iter().chain(report::KEPT_HEADS).collect();
    format!("\n{}", table::figures(&head, &rows))
}

fn ends(s: &Summary) -> String {
    let parts =
        [(s.finished, "finished"), (s.failed, "failed"), (s.unfinished, "unfinished"), (s.rejected, "rejected")];
    let shown = parts.iter().enumerate().filter(|(index, (count, _))| *index == 0 || *count > 0);
    let parts: Vec<String> = shown.map(|(_, (count, what))| format!("{} {what}", fmt::thousands(*count))).collect();
    format!("{}: {}", fmt::thousands(s.jobs), parts.join(", "))
}

fn quantiles(values: &[Option<f64>], names: &[&str]) -> String {
    let text = |value: Option<f64>| value.map_or_else(|| fmt::NOTHING.to_owned(), fmt::seconds);
    let named = std::iter::once(&"mean").chain(names).zip(values);
    named.map(|(name, value)| format!("{name} {}", text(*value))).collect::<Vec<_>>().join(", ")
}

fn stopped(s: &Summary) -> String {
    let mut parts = vec![format!("{} preempted", fmt::thousands(s.preemptions))];
    if s.migrations > 0 {
        parts.push(format!("{} moved", fmt::thousands(s.migrations)));
    }
    if s.restarts > 0 {
        parts.push(format!("{} started again", fmt::thousands(s.restarts)));
    }
    if s.lost_gpu_s > 0.0 {
        parts.push(format!("{} of work lost", fmt::gpu_hours(s.lost_gpu_s)));
    }
    if s.preempted_gpu_s > 0.0 || s.preempted_gpu_s_predicted > 0.0 {
        let (cost, predicted) = (fmt::gpu_hours(s.preempted_gpu_s), fmt::gpu_hours(s.preempted_gpu_s_predicted));
        parts.push(format!("preemption cost {cost} (predicted {predicted})"));
    }
    if s.migrated_gpu_s > 0.0 || s.migrated_gpu_s_predicted > 0.0 {
        let (cost, predicted) = (fmt::gpu_hours(s.migrated_gpu_s), fmt::gpu_hours(s.migrated_gpu_s_predicted));
        parts.push(format!("moves cost {cost} (predicted {predicted})"));
    }
    parts.join(", ")
}

fn idle(s: &Summary) -> String {
    let share = |value: Option<f64>| value.map_or_else(|| fmt::NOTHING.to_owned(), fmt::share);
    let gang = s.largest_gang_mean_gpus.map_or_else(|| fmt::NOTHING.to_owned(), fmt::number);
    let text = format!(
        "fragmented {} of all, {} of the idle; largest gang on a node {gang} on average",
        share(s.fragmentation_share),
        share(s.fragmentation_idle_share)
    );
    if s.blocked_by_fragmentation_jobs == 0 {
        return text;
    }
    let (jobs, time) = (fmt::thousands(s.blocked_by_fragmentation_jobs), fmt::seconds(s.blocked_by_fragmentation_s));
    format!("{text}; {jobs} jobs without a place although enough were idle, for {time} together")
}

fn fairness(s: &Summary) -> String {
    let number = |value: Option<f64>| value.map_or_else(|| fmt::NOTHING.to_owned(), fmt::number);
    let share = s.ftf_unfair_share.map_or_else(|| fmt::NOTHING.to_owned(), fmt::share);
    format!(
        "Jain {} over tenants; finish-time fairness worst {}, above 1 for {share}",
        number(s.jain_index),
        number(s.ftf_worst)
    )
}

fn speed(s: &Summary) -> String {
    let micros =
        |value: Option<f64>| value.map_or_else(|| fmt::NOTHING.to_owned(), |us| format!("{} µs", fmt::number(us)));
    format!(
        "{} events in {}; a step of the core takes {} (p50), {} (p99)",
        fmt::thousands(s.events),
        fmt::seconds(s.wall_s),
        micros(s.decide_p50_us),
        micros(s.decide_p99_us)
    )
}
