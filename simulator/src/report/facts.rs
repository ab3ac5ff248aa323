//! What was replayed: trace, cluster, physics.

use std::collections::BTreeMap;

use super::fmt;
use super::html::{escape, facts, list};
use crate::output::Comparison;
use crate::stats::{Sampling, distinct};

/// The section about the trace, the cluster and the physics.
pub(super) fn section(comparison: &Comparison<'_>) -> String {
    let mut rows = trace_rows(comparison.trace);
    rows.push(("cluster".to_owned(), cluster(comparison)));
    rows.extend(offered_load(comparison));
    let loads: Vec<String> = comparison.loads().into_iter().map(fmt::number).collect();
    rows.push(("load".to_owned(), format!("{} × the arrival rate of the trace", loads.join(", "))));
    rows.push(("seeds".to_owned(), seeds(comparison)));
    let physics = distinct(comparison.replays.iter().map(|replay| replay.summary.physics.as_str()));
    rows.push(("physics".to_owned(), escape(&physics_words(&physics))));
    rows.extend(unprofiled(comparison));
    let mut html = facts(&rows);
    html.push_str(&ledger(comparison.trace));
    html
}

fn trace_rows(trace: &traces::Trace) -> Vec<(String, String)> {
    let row = |name: &str, value: String| (name.to_owned(), value);
    let source = format!("{} (format {})", escape(&trace.source), escape(&trace.format));
    let mut rows = vec![row("trace", source), row("jobs", fmt::thousands(trace.jobs.len() as u64))];
    let (Some(first), Some(last)) = (trace.jobs.first(), trace.jobs.last()) else { return rows };
    let origin = trace.origin.as_ref().map(|origin| format!("; time zero is {}", escape(origin)));
    let span = fmt::seconds(last.submit.since(first.submit).secs_f64());
    rows.push(row("submitted over", format!("{span}{}", origin.unwrap_or_default())));
    rows.push(row("work", fmt::gpu_hours(gpu_seconds(trace))));
    rows.push(row("gangs", gangs(trace)));
    let used: std::collections::BTreeSet<u32> = trace.jobs.iter().map(|job| job.tenant).collect();
    rows.push(row("tenants", fmt::thousands(used.len() as u64)));
    rows
}

fn gpu_seconds(trace: &traces::Trace) -> f64 {
    trace.jobs.iter().map(|job| f64::from(job.gpu_milli) / 1000.0 * job.duration.secs_f64()).sum()
}

fn gangs(trace: &traces::Trace) -> String {
    let mut demands: Vec<u32> = trace.jobs.iter().map(|job| job.gpu_milli).collect();
    demands.sort_unstable();
    let at = |index: usize| fmt::number(f64::from(demands[index]) / 1000.0);
    let one = demands.iter().filter(|milli| **milli <= 1000).count() as f64 / demands.len() as f64;
    format!("{} to {} GPUs; {} ask for one GPU or less", at(0), at(demands.len() - 1), fmt::share(one))
}

fn cluster(comparison: &Comparison<'_>) -> String {
    let inventory = comparison.inventory;
    let mut models: BTreeMap<&str, u64> = BTreeMap::new();
    for node in inventory.nodes.iter().filter(|node| node.gpus > 0) {
        let name = inventory.models.get(node.model.index()).map_or("unknown", |model| model.name.as_str());
        *models.entry(name).or_default() += u64::from(node.gpus);
    }
    let models: Vec<String> =
        models.iter().map(|(name, gpus)| format!("{} × {}", fmt::thousands(*gpus), escape(name))).collect();
    format!(
        "{}: {} GPUs on {} nodes ({})",
        escape(&comparison.cluster_label),
        fmt::thousands(inventory.gpus()),
        fmt::thousands(inventory.nodes.len() as u64),
        if models.is_empty() { "no GPUs".to_owned() } else { models.join(", ") }
    )
}

/// Work over what the cluster could do while jobs were submitted.
fn offered_load(comparison: &Comparison<'_>) -> Option<(String, String)> {
    let jobs = &comparison.trace.jobs;
    let span = jobs.last()?.submit.since(jobs.first()?.submit).secs_f64();
    let room = comparison.inventory.gpus() as f64 * span;
    let share = (room > 0.0).then(|| gpu_seconds(comparison.trace) / room)?;
    let text = format!("{} of the cluster's GPU-time while jobs were submitted (at load 1)", fmt::share(share));
    Some(("offered".to_owned(), text))
}

fn seeds(comparison: &Comparison<'_>) -> String {
    let seeds: Vec<String> =
        distinct(comparison.replays.iter().map(|replay| replay.summary.seed)).iter().map(u64::to_string).collect();
    let shown =
        if seeds.len() > 12 { format!("{}, … ({})", seeds[..10].join(", "), seeds.len()) } else { seeds.join(", ") };
    match comparison.sampling {
        Sampling::Seeds => format!("{shown}; every policy sees the same ones, so differences are paired"),
        Sampling::OneSample => format!("{shown}; one sample: nothing varies with the seed, so there are no intervals"),
    }
}

/// What the table of throughput could not tell, over all replays.
fn unprofiled(comparison: &Comparison<'_>) -> Option<(String, String)> {
    let mut causes: BTreeMap<&str, u64> = BTreeMap::new();
    for (cause, count) in comparison.replays.iter().flat_map(|replay| &replay.unprofiled) {
        *causes.entry(cause).or_default() += count;
    }
    let causes: Vec<String> =
        causes.iter().map(|(cause, count)| format!("{cause} ({})", fmt::thousands(*count))).collect();
    let text = format!("launches at the speed of the spread penalty, over all replays: {}", causes.join(", "));
    (!causes.is_empty()).then(|| ("not in the table of throughput".to_owned(), text))
}

fn physics_words(physics: &[&str]) -> String {
    let word = |text: &&str| match *text {
        "default" => "default: no restart cost, no lost work, no spread penalty, no failures".to_owned(),
        other => other.to_owned(),
    };
    physics.iter().map(word).collect::<Vec<_>>().join(" | ")
}

/// What happened to rows on the way in, and to the trace before and after.
fn ledger(trace: &traces::Trace) -> String {
    let ledger = &trace.ledger;
    let lines = |what: &str, counts: &BTreeMap<String, u64>| {
        let line = |(cause, count): (&String, &u64)| {
            let rows = if *count == 1 { "row" } else { "rows" };
            format!("{} {rows} {what}: {}", fmt::thousands(*count), escape(cause))
        };
        counts.iter().map(line).collect::<Vec<_>>()
    };
    let mut items = lines("left out", &ledger.dropped);
    items.extend(lines("changed", &ledger.changed));
    if !ledger.ignored_columns.is_empty() {
        let columns: Vec<String> = ledger.ignored_columns.iter().map(|column| escape(column)).collect();
        items.push(format!("columns not used: {}", columns.join(", ")));
    }
    let read = match (items.is_empty(), ledger.rows) {
        (true, 0) => String::new(),
        (true, rows) => format!("<p>{} rows were read; none was left out or changed.</p>\n", fmt::thousands(rows)),
        (false, rows) => {
            format!("<p>{} rows were read. What was done to them:</p>\n{}", fmt::thousands(rows), list(&items))
        }
    };
    let steps: Vec<String> = trace.other_steps().map(|step| escape(&step.to_string())).collect();
    if steps.is_empty() {
        return read;
    }
    format!("{read}<p>Changes to the trace, jobs before and after, in their order:</p>\n{}", list(&steps))
}
