//! Commands that only look.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use executor::api::answers::{Explanation, JobInfo, Jobs, Nodes};
use executor::api::client::{Call, encoded};
use executor::view::JobView;
use serde_json::json;

use super::Server;
use crate::cli::{JobArgs, NodesArgs, Output, QueueArgs};
use crate::error::Error;
use crate::{stdout, table};

/// Jobs that one call fetches.
const PAGE: u32 = 10_000;

/// `queue`.
pub(crate) fn queue(args: &QueueArgs) -> Result<(), Error> {
    let server = Server::of(&args.server)?;
    let mut page: Jobs = server.call(Call::get(target(args, None)))?;
    let mut jobs: Vec<JobView> = std::mem::take(&mut page.jobs);
    while let Some(after) = page.next {
        page = server.call(Call::get(target(args, Some(after))))?;
        jobs.append(&mut page.jobs);
    }
    let (origin_us, now_s) = (page.origin_us, page.now_s);
    match args.output {
        Output::Json => stdout::show_json(
            &json!({ "schema": executor::api::SCHEMA, "origin_us": origin_us, "now_s": now_s, "jobs": jobs }),
        ),
        Output::Table => stdout::show(&short(&jobs, since(origin_us, now_s))),
        Output::Wide => stdout::show(&wide(&jobs, since(origin_us, now_s))),
    }
}

fn target(args: &QueueArgs, after: Option<u32>) -> String {
    let mut target = format!("/v1/jobs?limit={PAGE}");
    let after = after.map(|after| after.to_string());
    for (key, value) in [("state", &args.state), ("tenant", &args.tenant), ("after", &after)] {
        if let Some(value) = value {
            let _ = write!(target, "&{key}={}", encoded(value));
        }
    }
    target
}

const SHORT: [&str; 7] = ["JOB", "NAME", "TENANT", "STATE", "TIME", "GPUS", "NODES(REASON)"];
const WIDE: [&str; 11] =
    ["JOB", "NAME", "TENANT", "OWNER", "QUEUE", "PRIORITY", "STATE", "TIME", "GPUS", "ATTEMPTS", "NODES(REASON)"];

fn short(jobs: &[JobView], since_s: f64) -> String {
    let row = |job: &JobView| {
        vec![
            job.job.to_string(),
            name(job),
            job.tenant.clone(),
            job.state.clone(),
            time(job, since_s),
            job.gpus.to_string(),
            place(job),
        ]
    };
    table::words(&SHORT, &jobs.iter().map(row).collect::<Vec<_>>())
}

fn wide(jobs: &[JobView], since_s: f64) -> String {
    let row = |job: &JobView| {
        vec![
            job.job.to_string(),
            name(job),
            job.tenant.clone(),
            job.owner.clone(),
            job.queue.clone(),
            job.priority.to_string(),
            job.state.clone(),
            time(job, since_s),
            job.gpus.to_string(),
            job.attempts.to_string(),
            place(job),
        ]
    };
    table::words(&WIDE, &jobs.iter().map(row).collect::<Vec<_>>())
}

fn name(job: &JobView) -> String {
    job.name.clone().unwrap_or_else(|| "-".to_owned())
}

/// Nodes with the indices of GPUs, or why it does not run.
fn place(job: &JobView) -> String {
    if let Some(reason) = &job.reason_text {
        return format!("({reason})");
    }
    let node = |(name, gpus): &(String, Vec<u32>)| {
        let gpus: Vec<String> = gpus.iter().map(u32::to_string).collect();
        if gpus.is_empty() { name.clone() } else { format!("{name}[{}]", gpus.join(",")) }
    };
    job.nodes.iter().map(node).collect::<Vec<_>>().join(" ")
}

/// How long it has run, over all its runs.
fn time(job: &JobView, since_s: f64) -> String {
    let runs = job.running_s.is_some() && job.ended_s.is_none();
    clock(job.ran_s + if runs { since_s } else { 0.0 })
}

/// Seconds since the instant of an answer: the last fact that the scheduler knows.
fn since(origin_us: u64, now_s: f64) -> f64 {
    let wall_us = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64);
    (wall_us.saturating_sub(origin_us) as f64 / 1e6 - now_s).max(0.0)
}

/// `1-02:03:04`, as squeue writes it.
pub(super) fn clock(secs: f64) -> String {
    let secs = secs.max(0.0) as u64;
    let (days, hours, minutes, secs) = (secs / 86_400, secs / 3600 % 24, secs / 60 % 60, secs % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes}:{secs:02}"),
        (0, _) => format!("{hours}:{minutes:02}:{secs:02}"),
        _ => format!("{days}-{hours:02}:{minutes:02}:{secs:02}"),
    }
}

/// `info`.
pub(crate) fn info(args: &JobArgs) -> Result<(), Error> {
    let server = Server::of(&args.server)?;
    let info: JobInfo = server.call(Call::get(format!("/v1/jobs/{}", encoded(&args.job))))?;
    if args.output == Output::Json {
        return stdout::show_json(&info);
    }
    let job = &info.job;
    let since_s = since(info.origin_us, info.now_s);
    let mut facts = vec![
        ("job", job.job.to_string()),
        ("name", name(job)),
        ("tenant", job.tenant.clone()),
        ("owner", job.owner.clone()),
        ("state", job.state.clone()),
        ("command", info.file.command.join(" ")),
        ("gang", format!("{} tasks, {} GPUs in all", job.tasks, job.gpus)),
        ("priority", job.priority.to_string()),
        ("time", time(job, since_s)),
        ("waited", clock(job.launched_s.unwrap_or(info.now_s + since_s) - job.submitted_s)),
        ("attempts", format!("{}, preempted {} times", job.attempts, job.preemptions)),
        ("place", place(job)),
    ];
    for (label, text) in [("checkpoint", &job.checkpoint), ("last end", &info.end)] {
        facts.extend(text.clone().map(|text| (label, text)));
    }
    stdout::show(&table::facts(&facts))
}

/// `explain`.
pub(crate) fn explain(args: &JobArgs) -> Result<(), Error> {
    let server = Server::of(&args.server)?;
    let explanation: Explanation = server.call(Call::get(format!("/v1/jobs/{}/explain", encoded(&args.job))))?;
    match args.output {
        Output::Json => stdout::show_json(&explanation),
        _ => stdout::show(&(explanation.lines.join("\n") + "\n")),
    }
}

/// `nodes`.
pub(crate) fn nodes(args: &NodesArgs) -> Result<(), Error> {
    let server = Server::of(&args.server)?;
    let nodes: Nodes = server.call(Call::get("/v1/nodes"))?;
    if args.output == Output::Json {
        return stdout::show_json(&nodes);
    }
    let rows = nodes.nodes.iter().map(|node| {
        let jobs: Vec<String> = node.jobs.iter().map(u32::to_string).collect();
        let free = format!("{}/{}", node.gpus_free, node.gpus);
        vec![
            node.node.clone(),
            node.state.clone(),
            node.model.clone(),
            free,
            jobs.join(","),
            node.reason.clone().unwrap_or_default(),
        ]
    });
    stdout::show(&table::words(&["NODE", "STATE", "MODEL", "FREE/GPUS", "JOBS", "REASON"], &rows.collect::<Vec<_>>()))
}
