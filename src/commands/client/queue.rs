//! `queue`: jobs as a table.

use std::time::{SystemTime, UNIX_EPOCH};

use executor::api::answers::Jobs;
use executor::api::client::encoded;
use executor::view::JobView;

use super::Server;
use super::watch::{List, watch};
use crate::cli::{Output, QueueArgs};
use crate::error::Error;
use crate::{stdout, table, warnings};

/// Jobs of a page.
const PAGE: usize = 10_000;
/// Most jobs that people are shown where they do not say.
const SHOWN: usize = 1000;

/// Runs the command.
pub(super) fn run(args: &QueueArgs) -> Result<(), Error> {
    let server = Server::new(&args.server)?;
    let usual = if args.output == Output::Json { 0 } else { SHOWN };
    let limit = args.limit.unwrap_or(usual);
    let look = || some(&server, [("state", &args.state), ("tenant", &args.tenant)], limit);
    if args.watch {
        return watch(&server, || Ok(list(&look()?))).map(|never| match never {});
    }
    let all = look()?;
    match args.output {
        Output::Json => stdout::show_json(&all),
        Output::Table => stdout::show(&list(&all).text()),
        Output::Wide => stdout::show(&wide(&all)),
    }?;
    if all.next.is_some() {
        let shown = all.jobs.len();
        warnings::note(&format!("the first {shown} jobs; --limit 0 shows all, --state and --tenant narrow it"));
    }
    Ok(())
}

/// All jobs of a selection.
pub(super) fn all(server: &Server, selection: [(&str, &Option<String>); 2]) -> Result<Jobs, Error> {
    some(server, selection, 0)
}

/// The first jobs of a selection, page after page; 0: all of them.
fn some(server: &Server, selection: [(&str, &Option<String>); 2], limit: usize) -> Result<Jobs, Error> {
    let mut query = String::new();
    for (key, value) in selection {
        query += &value.as_ref().map(|value| format!("&{key}={}", encoded(value))).unwrap_or_default();
    }
    let page = |shown: usize| if limit == 0 { PAGE } else { PAGE.min(limit - shown) };
    let mut all: Jobs = server.get(format!("/v1/jobs?limit={}{query}", page(0)))?;
    while let Some(next) = all.next.filter(|_| limit == 0 || all.jobs.len() < limit) {
        let more: Jobs = server.get(format!("/v1/jobs?limit={}{query}&after={next}", page(all.jobs.len())))?;
        all.jobs.extend(more.jobs);
        (all.now_s, all.next) = (more.now_s, more.next);
    }
    Ok(all)
}

fn list(all: &Jobs) -> List {
    let rows: Vec<Vec<String>> = all.jobs.iter().map(|job| row(job, age_s(all.origin_us, all.now_s))).collect();
    let head = vec!["JOB", "NAME", "TENANT", "STATE", "TIME", "GPUS", "NODES(REASON)"];
    List { head, rows, clock: Some(4) }
}

fn wide(all: &Jobs) -> String {
    let more = |job: &JobView| {
        let mut row = row(job, age_s(all.origin_us, all.now_s));
        let place = row.pop().unwrap_or_default();
        let queue = if job.queue.is_empty() { "-" } else { &job.queue };
        let text = job.reason_text.clone().unwrap_or_default();
        let place = if job.nodes.is_empty() && !text.is_empty() { text } else { place };
        row.extend([job.owner.clone(), queue.to_owned(), job.priority.to_string(), job.attempts.to_string(), place]);
        row
    };
    let rows: Vec<Vec<String>> = all.jobs.iter().map(more).collect();
    let head =
        ["JOB", "NAME", "TENANT", "STATE", "TIME", "GPUS", "OWNER", "QUEUE", "PRIORITY", "ATTEMPTS", "NODES(REASON)"];
    table::words(&head, &rows)
}

fn row(job: &JobView, age_s: f64) -> Vec<String> {
    let name = job.name.clone().unwrap_or_else(|| "-".to_owned());
    let nodes: Vec<&str> = job.nodes.iter().map(|(node, _)| node.as_str()).collect();
    let place = match &job.reason {
        Some(code) => format!("({code})"),
        None => runs(&nodes),
    };
    vec![
        job.job.to_string(),
        name,
        job.tenant.clone(),
        job.state.clone(),
        clock(ran_s(job, age_s)),
        job.gpus.to_string(),
        place,
    ]
}

/// Names one after the other, without repeating one that follows itself.
fn runs(nodes: &[&str]) -> String {
    let mut names = nodes.to_vec();
    names.dedup();
    names.join(",")
}

/// Seconds that a job has made progress, over all its runs. An answer is as old as the last fact that the scheduler knows.
pub(super) fn ran_s(job: &JobView, age_s: f64) -> f64 {
    let runs = matches!(job.state.as_str(), "running" | "stopping") && job.running_s.is_some();
    job.ran_s + if runs { age_s } else { 0.0 }
}

/// Seconds since the last fact that an answer knows.
pub(super) fn age_s(origin_us: u64, now_s: f64) -> f64 {
    let wall_us = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64);
    (wall_us.saturating_sub(origin_us) as f64 / 1e6 - now_s).max(0.0)
}

/// A length of time as Slurm writes it: `1-02:03:04`, `2:03:04`, `3:04`.
pub(super) fn clock(secs: f64) -> String {
    let secs = secs as u64;
    let (days, hours, minutes, secs) = (secs / 86_400, secs / 3600 % 24, secs / 60 % 60, secs % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes}:{secs:02}"),
        (0, _) => format!("{hours}:{minutes:02}:{secs:02}"),
        _ => format!("{days}-{hours:02}:{minutes:02}:{secs:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_look_as_in_slurm() {
        let shown = [0.0, 59.9, 184.0, 7384.0, 93_784.0].map(clock);
        assert_eq!(shown, ["0:00", "0:59", "3:04", "2:03:04", "1-02:03:04"]);
    }
}
