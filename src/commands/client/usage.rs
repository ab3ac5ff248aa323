//! `usage`: who has held how many GPUs for how long.

use executor::api::answers::{UsageReport, UsageView};
use executor::api::client::encoded;

use super::Server;
use crate::cli::{Output, UsageArgs, UsageBy};
use crate::error::Error;
use crate::{stdout, table};

/// Runs the command.
pub(super) fn run(args: &UsageArgs) -> Result<(), Error> {
    let (by, head) = match args.by {
        UsageBy::Tenant => ("tenant", "TENANT"),
        UsageBy::Owner => ("owner", "OWNER"),
        UsageBy::Model => ("model", "MODEL"),
        UsageBy::Day => ("day", "DAY"),
    };
    let mut query = format!("/v1/usage?by={by}");
    for (key, value) in [("since", &args.since), ("until", &args.until), ("tenant", &args.tenant)] {
        query += &value.as_ref().map(|value| format!("&{key}={}", encoded(value))).unwrap_or_default();
    }
    let report: UsageReport = Server::new(&args.server)?.get(query)?;
    match args.output {
        Output::Json => stdout::show_json(&report),
        Output::Table => stdout::show(&shown(&report, &[head, "GPU-HOURS", "LOST", "RUNS", "JOBS"], narrow)),
        Output::Wide => {
            let head = [head, "GPU-HOURS", "FINISHED", "FAILED", "STOPPED", "RUNNING", "LOST", "RUNS", "JOBS"];
            stdout::show(&shown(&report, &head, wide))
        }
    }
}

/// A line a key, and their sum where there are several.
fn shown(report: &UsageReport, head: &[&str], row: fn(&UsageView) -> Vec<String>) -> String {
    let total = UsageView { key: "total".to_owned(), ..report.total.clone() };
    let total = (report.rows.len() > 1).then_some(&total);
    let rows: Vec<Vec<String>> = report.rows.iter().chain(total).map(row).collect();
    table::figures(head, &rows)
}

fn hours(gpu_s: f64) -> String {
    format!("{:.2}", gpu_s / 3600.0)
}

fn key(view: &UsageView) -> String {
    if view.key.is_empty() { "-".to_owned() } else { view.key.clone() }
}

fn narrow(view: &UsageView) -> Vec<String> {
    vec![key(view), hours(view.gpu_s), hours(view.lost_gpu_s), view.runs.to_string(), view.jobs.to_string()]
}

fn wide(view: &UsageView) -> Vec<String> {
    let UsageView { gpu_s, finished_gpu_s, failed_gpu_s, stopped_gpu_s, running_gpu_s, lost_gpu_s, .. } = *view;
    let sums = [gpu_s, finished_gpu_s, failed_gpu_s, stopped_gpu_s, running_gpu_s, lost_gpu_s].map(hours);
    let mut row = vec![key(view)];
    row.extend(sums);
    row.extend([view.runs.to_string(), view.jobs.to_string()]);
    row
}
