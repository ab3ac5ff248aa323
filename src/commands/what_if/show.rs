//! The answer as text.

use std::fmt::Write as _;

use simulator::fidelity::Spread;
use simulator::report::fmt;
use simulator::whatif::{Alternative, Figures, Outlook, PairedDifference, TenantDifferences, Verdict, WhatIf};

use super::super::figures::physics_words;
use super::super::recorded::{self, seconds, share};
use crate::table;

const NO_INTERVAL: &str =
    "\nno interval: jobs that wait together count as one block, and there are fewer than ten blocks\n";
/// Tenants that are shown; JSON has all.
const TENANTS: usize = 12;

pub(super) fn table(answer: &WhatIf) -> String {
    let mut rows = vec![
        ("journal", format!("{}, {} GPUs", answer.journal, fmt::thousands(answer.cluster_gpus))),
        ("policy", answer.yesterday.policy.clone()),
    ];
    rows.extend(recorded::overheads(&answer.fidelity.overheads));
    rows.push(("physics", physics_words(&answer.physics).to_owned()));
    let mut text = table::facts(&rows) + "\n" + &days(answer) + "\n" + &error(answer);
    for alternative in &answer.policies {
        text += &compared(alternative, &answer.simulated);
    }
    let differences = answer.policies.iter().flat_map(|policy| &policy.differences);
    if differences.into_iter().any(|difference| difference.verdict == Verdict::NoInterval) {
        text += NO_INTERVAL;
    }
    text
}

/// How far the simulator is from what happened, beside every answer.
fn error(answer: &WhatIf) -> String {
    let told = |Spread { mean, p90, worst }: Spread| {
        let [mean, p90, worst] = [mean, p90, worst].map(share);
        format!("mean {mean}, p90 {p90}, worst {worst}")
    };
    let own = told(answer.fidelity.jct_error_share);
    let typical = answer.fidelity.typical.as_ref().map(|typical| told(typical.jct_error_share));
    let typical = typical.map_or_else(String::new, |typical| format!("  with typical times alone: {typical}\n"));
    let clairvoyant = answer.policies.iter().any(|policy| policy.outlook.clairvoyant);
    let note = if clairvoyant { "* clairvoyant: it saw the true durations\n" } else { "" };
    format!("{note}JCT error of the simulator on this journal: {own}\n{typical}")
}

fn days(answer: &WhatIf) -> String {
    let head =
        ["", "jobs", "finished", "JCT mean", "p50", "p90", "p99", "wait mean", "p50", "p99", "GPUs", "preempted"];
    let row = |name: String, of: &Figures| {
        let mut cells = vec![name, fmt::thousands(of.jobs), fmt::thousands(of.finished)];
        let times = [of.jct_mean_s, of.jct_p50_s, of.jct_p90_s, of.jct_p99_s];
        cells.extend(times.map(seconds));
        cells.extend([of.queue_mean_s, of.queue_p50_s, of.queue_p99_s].map(seconds));
        cells.extend([share(of.gpu_allocated_share), fmt::thousands(of.preemptions)]);
        cells
    };
    let simulated = &answer.simulated;
    let mut rows = vec![
        row("as it happened".to_owned(), &answer.yesterday.figures),
        row(format!("{} simulated", simulated.policy), &simulated.figures),
    ];
    rows.extend(answer.policies.iter().map(|policy| row(marked(&policy.outlook), &policy.outlook.figures)));
    table::figures(&head, &rows)
}

fn marked(of: &Outlook) -> String {
    if of.clairvoyant { format!("{} *", of.policy) } else { of.policy.clone() }
}

/// A policy against the simulation of yesterday, of all jobs and of each tenant.
fn compared(alternative: &Alternative, base: &Outlook) -> String {
    let mut text = format!("\n{} against {} simulated\n", marked(&alternative.outlook), base.policy);
    let mut rows = vec![row("all", &alternative.differences)];
    let mut tenants: Vec<_> = alternative.tenant_differences.iter().collect();
    let pairs = |of: &TenantDifferences| of.differences.first().map_or(0, |difference| difference.pairs);
    tenants.sort_by_key(|of| std::cmp::Reverse(pairs(of)));
    if tenants.len() > 1 {
        rows.extend(tenants.iter().take(TENANTS).map(|tenant| row(&tenant.tenant, &tenant.differences)));
    }
    text += &table::figures(&["tenant", "jobs", "JCT", "95 % interval", "", "wait", "95 % interval", ""], &rows);
    if tenants.len() > TENANTS {
        let _ = writeln!(text, "and {} more tenants", fmt::thousands((tenants.len() - TENANTS) as u64));
    }
    text
}

fn row(name: &str, differences: &[PairedDifference]) -> Vec<String> {
    let pairs = differences.first().map_or(0, |difference| difference.pairs);
    let mut cells = vec![name.to_owned(), fmt::thousands(pairs)];
    for of in differences {
        let interval = of.ci_low.zip(of.ci_high).filter(|_| of.verdict != Verdict::Same);
        let interval = interval.map(|(low, high)| format!("{} to {}", signed(low), signed(high)));
        cells.push(difference(of));
        cells.push(interval.unwrap_or_else(|| fmt::NOTHING.to_owned()));
        cells.push(verdict(of.verdict).to_owned());
    }
    cells
}

/// The mean difference, with its share of what it was.
fn difference(of: &PairedDifference) -> String {
    let Some(difference) = of.difference else { return fmt::NOTHING.to_owned() };
    match of.baseline_mean {
        Some(base) if base > 0.0 && of.verdict != Verdict::Same => {
            format!("{} ({:+.1} %)", signed(difference), difference / base * 100.0)
        }
        _ => signed(difference),
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Same => "the same",
        Verdict::Better => "better",
        Verdict::Worse => "worse",
        Verdict::NoDifference => "no difference",
        Verdict::NoInterval => "no interval",
        Verdict::NoData => "no job",
    }
}

/// Seconds with their sign.
fn signed(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "+" };
    if value == 0.0 { fmt::seconds(0.0) } else { format!("{sign}{}", fmt::seconds(value.abs())) }
}
