//! The figures of a trace as text.

use std::fmt::Write as _;

use simulator::report::fmt;
use traces::{Info, Quantiles};

use crate::table;

pub(super) fn table(info: &Info) -> String {
    let mut rows = vec![
        ("trace", format!("{} (format {})", info.source, info.format)),
        ("jobs", fmt::thousands(info.jobs)),
        ("tenants", fmt::thousands(info.tenants)),
        ("time zero", info.origin.clone().unwrap_or_else(|| "not known".to_owned())),
        ("submitted over", fmt::seconds(info.span_s)),
        ("work", format!("{} GPU-h", fmt::number(info.gpu_hours))),
    ];
    if let Some(gpus) = info.cluster_gpus {
        let load = info.offered_load.map_or_else(|| fmt::NOTHING.to_owned(), fmt::share);
        rows.push(("offered load", format!("{load} of {} GPUs while jobs are submitted", fmt::thousands(gpus))));
    }
    if let Some(above) = info.jobs_above_cluster.filter(|above| *above > 0) {
        rows.push(("too large", format!("{} jobs ask for more GPUs than the cluster has", fmt::thousands(above))));
    }
    rows.push(("run time", quantiles(info.run_time_s)));
    rows.push(("between arrivals", quantiles(info.inter_arrival_s)));
    rows.push(("estimates", format!("{} of the jobs", fmt::share(info.estimate_share))));
    rows.push(("recorded ends", recorded(info)));
    rows.push(("rows read", fmt::thousands(info.rows)));
    table::facts(&rows) + &ledger(info) + "\n" + &gangs(info) + "\n" + &hours(info)
}

fn quantiles(quantiles: Option<Quantiles>) -> String {
    let Some(q) = quantiles else { return fmt::NOTHING.to_owned() };
    let named = [("mean", q.mean), ("p10", q.p10), ("p50", q.p50), ("p90", q.p90), ("p99", q.p99), ("max", q.max)];
    named.map(|(name, value)| format!("{name} {}", fmt::seconds(value))).join(", ")
}

fn recorded(info: &Info) -> String {
    let part = |(word, share): (&&str, &f64)| format!("{word} {}", fmt::share(*share));
    info.recorded_share.iter().map(part).collect::<Vec<_>>().join(", ")
}

/// What was done to rows, a line each.
fn ledger(info: &Info) -> String {
    super::counts("rows left out", &info.dropped)
        + &super::counts("rows changed", &info.changed)
        + &super::ignored(&info.ignored_columns)
}

fn gangs(info: &Info) -> String {
    let total: f64 = info.gpu_hours;
    let row = |gang: &traces::Gang| {
        let work = if total > 0.0 { fmt::share(gang.gpu_hours / total) } else { fmt::NOTHING.to_owned() };
        vec![fmt::number(gang.gpus), fmt::thousands(gang.jobs), fmt::share(gang.share), work]
    };
    let rows: Vec<Vec<String>> = info.gangs.iter().map(row).collect();
    table::figures(&["GPUs", "jobs", "of all jobs", "of all GPU-time"], &rows)
}

fn hours(info: &Info) -> String {
    let most = info.hour_of_day.iter().copied().max().unwrap_or(0).max(1);
    let width = fmt::thousands(most).len();
    let clock = if info.origin.is_some() { "of the day" } else { "since time zero, modulo 24: the trace has no clock" };
    let mut text = format!("submissions by hour {clock}\n");
    for (hour, count) in info.hour_of_day.iter().enumerate() {
        let bar = "#".repeat((count * 40).div_ceil(most) as usize);
        let line = format!("{hour:02}  {:>width$}  {bar}", fmt::thousands(*count));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}
