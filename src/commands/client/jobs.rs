//! `info`, `explain`, `saved`.

use std::io::Write as _;

use executor::api::answers::{Explanation, JobInfo, Saved, Submitted};
use executor::api::client::encoded;

use super::Server;
use super::queue::{age_s, clock, ran_s};
use crate::cli::{Format, JobArgs, SavedArgs};
use crate::error::Error;
use crate::{stdout, table};

/// Runs `info`.
pub(super) fn info(args: &JobArgs) -> Result<(), Error> {
    let info: JobInfo = Server::new(&args.server)?.get(format!("/v1/jobs/{}", encoded(&args.job)))?;
    if args.output == Format::Json {
        return stdout::show_json(&info);
    }
    stdout::show(&table::facts(&facts(&info)))
}

fn facts(info: &JobInfo) -> Vec<(&'static str, String)> {
    let JobInfo { job, file, now_s, origin_us, end, .. } = info;
    let age_s = age_s(*origin_us, *now_s);
    let ago = |at_s: f64| format!("{} ago", clock((now_s + age_s - at_s).max(0.0)));
    let reason = job.reason_text.as_ref().zip(job.reason.as_ref()).map(|(text, code)| format!("{text} ({code})"));
    let nodes = job.nodes.iter().map(|(node, gpus)| {
        let gpus: Vec<String> = gpus.iter().map(u32::to_string).collect();
        if gpus.is_empty() { node.clone() } else { format!("{node} (GPU {})", gpus.join(",")) }
    });
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let rows = [
        ("job", Some(job.job.to_string())),
        ("name", job.name.clone()),
        ("tenant", Some(job.tenant.clone())),
        ("owner", Some(job.owner.clone())),
        ("queue", some(job.queue.clone())),
        ("state", Some(job.state.clone())),
        ("reason", reason),
        ("priority", Some(if job.first { format!("{}, put first", job.priority) } else { job.priority.to_string() })),
        ("GPUs", Some(format!("{} ({} x {})", job.gpus, job.tasks, file.gpus))),
        ("command", Some(file.command.join(" "))),
        ("workdir", file.workdir.as_ref().map(|folder| folder.display().to_string())),
        ("time limit", file.time_limit.map(|limit| limit.to_string())),
        ("after", some(file.after.join(", "))),
        ("submitted", Some(ago(job.submitted_s))),
        ("ended", job.ended_s.map(ago)),
        ("ran", job.running_s.map(|_| clock(ran_s(job, age_s)))),
        ("attempts", Some(job.attempts.to_string())),
        ("preemptions", Some(job.preemptions.to_string())),
        ("nodes", some(nodes.collect::<Vec<_>>().join(", "))),
        ("checkpoint", job.checkpoint.clone()),
        ("last run", end.clone()),
    ];
    rows.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))).collect()
}

/// Runs `explain`.
pub(super) fn explain(args: &JobArgs) -> Result<(), Error> {
    let answer: Explanation = Server::new(&args.server)?.get(format!("/v1/jobs/{}/explain", encoded(&args.job)))?;
    if args.output == Format::Json {
        return stdout::show_json(&answer);
    }
    stdout::show(&(answer.lines.join("\n") + "\n"))
}

/// Runs `saved`: by the descriptor that a program was given, else by asking the server.
pub(super) fn saved(args: SavedArgs) -> Result<(), Error> {
    let descriptor = std::env::var("TRAINYARD_SAVED_FD").ok().filter(|_| args.server.server.is_none());
    if let Some(descriptor) = descriptor.and_then(|text| text.parse::<u32>().ok()) {
        let line = args.checkpoint.replace(['\n', '\r'], " ") + "\n";
        let hint = "call it while the program runs, and keep the descriptor in TRAINYARD_SAVED_FD open";
        return std::fs::OpenOptions::new()
            .write(true)
            .open(format!("/proc/self/fd/{descriptor}"))
            .and_then(|mut file| file.write_all(line.as_bytes()))
            .map_err(|error| Error::failed(format!("what was saved cannot be told: {error}"), hint));
    }
    let number = |name: &str| {
        let value = std::env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
        let hint = "run it within a job, which has TRAINYARD_JOB and TRAINYARD_ATTEMPT, or set both";
        value.ok_or_else(|| Error::input(format!("{name} is not set to a number"), hint))
    };
    let (job, attempt) = (number("TRAINYARD_JOB")?, number("TRAINYARD_ATTEMPT")?);
    let body = serde_json::to_vec(&Saved { job, attempt, checkpoint: args.checkpoint })?;
    Server::new(&args.server)?.post::<Submitted>("/v1/runs/saved", body).map(drop)
}
