//! What preemption cost, and who caused it.

use std::collections::BTreeMap;

use super::html::{escape, table};
use super::tables::policy_cell;
use super::{fmt, parts};
use crate::output::Comparison;
use crate::result::{EvictionRow, Replay, StopCause};

/// Evictions of one tenant's jobs for another's, as means over replays.
#[derive(Clone, Debug, PartialEq)]
pub struct Bill {
    /// What the runs were stopped for.
    pub cause: StopCause,
    /// The tenant whose job got the GPUs; empty where no job is named, or where tenants have no names.
    pub by: String,
    /// The tenant whose job was stopped.
    pub victim: String,
    /// Runs that were stopped.
    pub evictions: f64,
    /// What the policy expected it to cost, GPU-seconds.
    pub predicted_gpu_s: f64,
    /// Work done again, GPUs held until they were free, and the next run before it made progress, GPU-seconds.
    pub parts_gpu_s: [f64; 3],
}

impl Bill {
    /// What it cost, GPU-seconds.
    pub fn cost_gpu_s(&self) -> f64 {
        self.parts_gpu_s.iter().sum()
    }

    /// The tenant whose job was stopped, as people read it.
    pub fn victim_text(&self) -> String {
        let name = if self.victim.is_empty() { fmt::NOTHING } else { &self.victim };
        match self.cause {
            StopCause::Preemption => name.to_owned(),
            StopCause::Migration => format!("{name} (moved)"),
        }
    }

    fn add(&mut self, other: &Self) {
        self.evictions += other.evictions;
        self.predicted_gpu_s += other.predicted_gpu_s;
        for (sum, part) in self.parts_gpu_s.iter_mut().zip(other.parts_gpu_s) {
            *sum += part;
        }
    }

    /// The texts of a row: evictions, predicted, actual, and its three parts.
    pub fn texts(&self) -> Vec<String> {
        let mut texts = vec![fmt::number(self.evictions), fmt::gpu_hours(self.predicted_gpu_s)];
        texts.push(fmt::gpu_hours(self.cost_gpu_s()));
        texts.extend(self.parts_gpu_s.map(fmt::gpu_hours));
        texts
    }
}

/// Heads of [`Bill::texts`].
pub const BILL_HEADS: [&str; 6] = ["evictions", "predicted", "actual", "done again", "draining", "restarting"];

/// The bills of some replays: preemptions, then migrations, of each the dearest first and at most a dozen, the others as one.
pub fn bills(replays: &[&Replay]) -> Vec<Bill> {
    CAUSES.into_iter().flat_map(|cause| bills_of(replays, cause)).collect()
}

const CAUSES: [StopCause; 2] = [StopCause::Preemption, StopCause::Migration];

fn bills_of(replays: &[&Replay], cause: StopCause) -> Vec<Bill> {
    let mut pairs: BTreeMap<(&str, &str), Bill> = BTreeMap::new();
    let share = 1.0 / replays.len().max(1) as f64;
    for replay in replays {
        for row in replay.evictions.iter().filter(|row| row.cause == cause) {
            let (by, victim) = (row.by.map_or("", |by| tenant(replay, by)), tenant(replay, row.job));
            let bill = pairs.entry((by, victim)).or_insert_with(|| empty(cause, by, victim));
            bill.add(&one(row, share));
        }
    }
    let mut bills: Vec<Bill> = pairs.into_values().collect();
    bills.sort_by(|a, b| b.cost_gpu_s().total_cmp(&a.cost_gpu_s()).then(b.evictions.total_cmp(&a.evictions)));
    parts::fold(&mut bills, |rest| sum(cause, "others", &rest));
    bills
}

fn empty(cause: StopCause, by: &str, victim: &str) -> Bill {
    let (by, victim) = (by.to_owned(), victim.to_owned());
    Bill { cause, by, victim, evictions: 0.0, predicted_gpu_s: 0.0, parts_gpu_s: [0.0; 3] }
}

fn sum(cause: StopCause, name: &str, bills: &[Bill]) -> Bill {
    let mut sum = empty(cause, name, name);
    for bill in bills {
        sum.add(bill);
    }
    sum
}

fn one(row: &EvictionRow, share: f64) -> Bill {
    Bill {
        evictions: share,
        predicted_gpu_s: row.predicted * share,
        parts_gpu_s: [row.lost, row.drained, row.restarted].map(|part| part * share),
        ..empty(row.cause, "", "")
    }
}

/// The tenant of a job of a replay; empty where the trace has none.
pub(crate) fn tenant(replay: &Replay, job: u32) -> &str {
    let row = replay.jobs.get(job as usize).and_then(|row| replay.trace.jobs.get(row.trace_index as usize));
    row.and_then(|job| replay.trace.tenants.get(job.tenant as usize)).map_or("", String::as_str)
}

/// The section; empty where nobody was stopped.
pub(super) fn section(comparison: &Comparison<'_>) -> String {
    if comparison.replays.iter().all(|replay| replay.evictions.is_empty()) {
        return String::new();
    }
    let intro = "<h2>What preemption cost, and who caused it</h2>\n<p>GPU-time by the tenant whose job got the GPUs and the tenant \
                    whose job was stopped, or moved elsewhere, means over the replays. Predicted: what the policy expected when it stopped the run. \
                    Actual: work done again, GPUs held from the order to stop until they were free, and the next run before it \
                    made progress.</p>\n";
    parts::by_load(comparison, intro, |load| at_load(comparison, load))
}

fn at_load(comparison: &Comparison<'_>, load: f64) -> String {
    let mut rows = Vec::new();
    for policy in comparison.policies() {
        let replays = comparison.group(policy, load);
        let mut cell = policy_cell(comparison, policy);
        for cause in CAUSES {
            let bills = bills_of(&replays, cause);
            if bills.is_empty() {
                continue;
            }
            rows.push(row(std::mem::take(&mut cell), &sum(cause, "all", &bills)));
            if bills.len() > 1 {
                rows.extend(bills.iter().map(|bill| row(String::new(), bill)));
            }
        }
    }
    let head: Vec<String> =
        ["policy", "for a job of", "stopped a job of"].into_iter().chain(BILL_HEADS).map(str::to_owned).collect();
    table(&head, &rows)
}

fn row(policy: String, bill: &Bill) -> Vec<String> {
    let by = if bill.by.is_empty() { fmt::NOTHING.to_owned() } else { escape(&bill.by) };
    [policy, by, escape(&bill.victim_text())].into_iter().chain(bill.texts()).collect()
}
