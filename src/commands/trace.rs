//! `trace`: describe, generate and convert.

use std::fmt::Write as _;

use simulator::report::fmt;
use traces::{Info, Quantiles};

use crate::cli::{Format, TraceConvertArgs, TraceGenerateArgs, TraceInfoArgs};
use crate::error::Error;
use crate::target::TraceTarget;
use crate::{progress, stdout, table, warnings};

/// `trace info`.
pub(crate) fn info(args: &TraceInfoArgs) -> Result<(), Error> {
    let cluster = args.cluster.as_deref().map(traces::load_cluster).transpose()?;
    let reading = progress::spinner("reading");
    let trace = traces::load(&args.trace)?;
    reading.finish_and_clear();
    let info = traces::describe(&trace, cluster.as_ref());
    match args.format {
        Format::Json => stdout::show_json(&info),
        Format::Table => stdout::show(&info_table(&info)),
    }
}

/// `trace generate`.
pub(crate) fn generate(args: &TraceGenerateArgs) -> Result<(), Error> {
    let target = TraceTarget::of(&args.out)?;
    let model = args.model.strip_prefix("synthetic:").unwrap_or(&args.model);
    target.write(&traces::synthetic::generate_text(model)?)
}

/// `trace convert`.
pub(crate) fn convert(args: &TraceConvertArgs) -> Result<(), Error> {
    let target = TraceTarget::of(&args.out)?;
    let trace = traces::load(&args.trace)?;
    trace.check_run_times()?;
    warnings::about_trace(&trace);
    target.write(&trace)
}

fn info_table(info: &Info) -> String {
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
    let mut text = String::new();
    for (counts, what) in [(&info.dropped, "left out"), (&info.changed, "changed")] {
        for (cause, count) in counts {
            let _ = writeln!(text, "rows {what}: {} ({cause})", fmt::thousands(*count));
        }
    }
    if !info.ignored_columns.is_empty() {
        let _ = writeln!(text, "columns not used: {}", info.ignored_columns.join(", "));
    }
    text
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
