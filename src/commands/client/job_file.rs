//! A job file, or the command line, as what is submitted.

use std::path::Path;

use executor::job_file::{JobFile, Spoken};

use crate::cli::SubmitArgs;
use crate::error::Error;

/// The job that the arguments ask for.
pub(super) fn job(args: &SubmitArgs) -> Result<JobFile, Error> {
    let mut job = match &args.file {
        Some(path) => read(path)?,
        None => JobFile::plain(args.command.clone()),
    };
    job.gpus = args.gpus.unwrap_or(job.gpus);
    job.tasks = args.tasks.unwrap_or(job.tasks);
    job.priority = args.priority.unwrap_or(job.priority);
    job.hold |= args.hold;
    job.name = args.name.clone().or(job.name);
    job.tenant = args.tenant.clone().or(job.tenant);
    if let Some(limit) = &args.time_limit {
        job.time_limit = Some(spoken("--time-limit", limit)?);
    }
    for pair in &args.env {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| Error::input(format!("--env {pair}: there is no `=`"), "write KEY=VALUE"))?;
        job.env.insert(key.to_owned(), value.to_owned());
    }
    job.after.extend(args.after.iter().cloned());
    // The server runs in another folder.
    let here = std::env::current_dir().map_err(|error| Error::failed(error, "go to a folder that is there"))?;
    job.workdir = Some(job.workdir.map_or_else(|| here.clone(), |folder| here.join(folder)));
    Ok(job)
}

/// A length of time.
pub(super) fn spoken(option: &str, text: &str) -> Result<Spoken, Error> {
    text.parse().map_err(|error| Error::input(format!("{option}: {error}"), "such as 90s, 15m, 2h30m, 1d"))
}

fn read(path: &Path) -> Result<JobFile, Error> {
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::input(format!("{name}: {error}"), "name a job file, or a command behind `--`"))?;
    let hint = "docs/job-files.md lists the keys; only `command` is needed";
    let wrong = |message: String| Error::input(format!("{name}: {message}"), hint);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("toml") => toml::from_str(&text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = text[..at.min(text.len())].matches('\n').count() + 1;
            wrong(format!("line {line}: {}", error.message()))
        }),
        Some("json") => serde_json::from_str(&text).map_err(|error| wrong(error.to_string())),
        Some("yaml" | "yml") => serde_saphyr::from_str(&text).map_err(|error| wrong(error.to_string())),
        _ => Err(Error::input(format!("{name}: a job file ends in .yaml, .toml or .json"), "rename it")),
    }
}
