//! What the user should know beside the result: on stderr, a line each, once.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use engine::{Inventory, Outcome};
use simulator::report::fmt;
use simulator::result::{JobRow, Replay};
use simulator::tenants::TenantTerms;
use traces::{Ledger, Trace};

/// Says something on stderr.
pub(crate) fn note(text: &str) {
    // Where stderr is closed there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

fn warn(text: &str) {
    note(&format!("warning: {text}"));
}

/// What was done to the rows of a trace, and which of its columns were not used.
pub(crate) fn about_trace(trace: &Trace) {
    let ledger = &trace.ledger;
    if !ledger.ignored_columns.is_empty() {
        warn(&format!("{}: columns not used: {}", trace.source, ledger.ignored_columns.join(", ")));
    }
    let rows = fmt::thousands(ledger.rows);
    for (what, causes) in told(ledger) {
        warn(&format!("{}: rows {what}, of {rows} read: {causes}", trace.source));
    }
    for step in trace.other_steps() {
        note(&format!("{}: {step}", trace.source));
    }
}

/// What was done to rows, and why, where something was.
fn told(ledger: &Ledger) -> impl Iterator<Item = (&'static str, String)> {
    let counts = [("left out", &ledger.dropped), ("changed", &ledger.changed)];
    counts.into_iter().filter(|(_, counts)| !counts.is_empty()).map(|(what, counts)| {
        let counted = |(cause, count): (&String, &u64)| format!("{cause} ({})", fmt::thousands(*count));
        (what, counts.iter().map(counted).collect::<Vec<_>>().join(", "))
    })
}

/// Launches that a table of throughput said nothing about.
pub(crate) fn about_throughput(replays: &[Replay]) {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for (cause, count) in replays.iter().flat_map(|replay| &replay.unprofiled) {
        *counts.entry((*cause).to_owned()).or_default() += count;
    }
    if !counts.is_empty() {
        let launches = fmt::thousands(counts.values().sum());
        warn(&format!(
            "{launches} launches are not in the table of throughput and ran by the spread penalty: {}",
            causes(&counts)
        ));
    }
}

fn causes(counts: &BTreeMap<String, u64>) -> String {
    let cause = |(cause, count): (&String, &u64)| match counts.len() {
        1 => cause.clone(),
        _ => format!("{cause} ({})", fmt::thousands(*count)),
    };
    counts.iter().map(cause).collect::<Vec<_>>().join(", ")
}

/// What the Standard Workload Format cannot hold.
pub(crate) fn about_swf(path: &std::path::Path, lost: &Ledger) {
    let path = path.display();
    if !lost.ignored_columns.is_empty() {
        warn(&format!("{path}: SWF has no place for {}", lost.ignored_columns.join(", ")));
    }
    let jobs = fmt::thousands(lost.rows);
    for (what, causes) in told(lost) {
        warn(&format!("{path}: jobs {what}, of {jobs}: {causes}"));
    }
}

/// Terms of tenants that submit nothing, nor does anybody below them.
pub(crate) fn about_terms(terms: &TenantTerms, trace: &Trace) {
    let known = |path: &&str| {
        let below = format!("{path}/");
        trace.tenants.iter().any(|tenant| tenant == path || tenant.starts_with(&below))
    };
    let unknown: Vec<&str> = terms.paths().into_iter().filter(|path| !known(path)).collect();
    if !unknown.is_empty() {
        warn(&format!("terms of tenants that are not in the trace: {}", unknown.join(", ")));
    }
}

/// Jobs that can never run on the cluster, of the replay that has most of them.
pub(crate) fn about_rejected(replays: &[Replay], inventory: &Inventory) {
    let Some(worst) = replays.iter().max_by_key(|replay| replay.summary.rejected) else { return };
    let rows: Vec<&JobRow> = worst.jobs.iter().filter(|row| row.outcome == Some(Outcome::Rejected)).collect();
    if rows.is_empty() {
        return;
    }
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    for row in &rows {
        *reasons.entry(why(row, &worst.trace, inventory)).or_default() += 1;
    }
    let (rejected, jobs) = (fmt::thousands(rows.len() as u64), fmt::thousands(worst.summary.jobs));
    let largest = rows.iter().map(|row| row.gpu_milli).max().unwrap_or(0);
    let largest = fmt::number(largest as f64 / 1000.0);
    warn(&format!(
        "{rejected} of {jobs} jobs rejected, as they can never run on this cluster of {} GPUs: {}; the largest gang of \
         them has {largest} GPUs",
        fmt::thousands(inventory.gpus()),
        causes(&reasons)
    ));
}

fn why(row: &JobRow, trace: &Trace, inventory: &Inventory) -> String {
    let job = trace.jobs.get(row.trace_index as usize);
    let models = job.and_then(|job| job.models).and_then(|set| trace.model_sets.get(set as usize));
    match models {
        _ if row.gpu_milli > inventory.gpus() * 1000 => "larger than the cluster".to_owned(),
        Some(names) if names.iter().all(|name| inventory.model(name).is_none()) => {
            format!("no GPU model {}", names.join(" or "))
        }
        Some(names) => format!("not enough room on nodes with {}", names.join(" or ")),
        None => "not enough room on any nodes (GPUs, CPU or memory)".to_owned(),
    }
}
