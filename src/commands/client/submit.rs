//! `submit`: a file or a command becomes a job.

use std::path::PathBuf;

use executor::api::answers::Submitted;
use executor::api::client::{Call, ClientError};
use executor::job_file::JobFile;

use super::{Server, job_file, refused, wait};
use crate::cli::{Format, SubmitArgs};
use crate::error::Error;
use crate::stdout;

/// Runs the command.
pub(super) fn run(mut args: SubmitArgs) -> Result<(), Error> {
    if args.schema {
        return stdout::show_json(&executor::job_file::schema::schema());
    }
    let (mut file, text) = match &args.file {
        Some(path) => job_file::read(path)?,
        None => (JobFile::plain(std::mem::take(&mut args.command)), String::new()),
    };
    overrule(&mut file, &mut args);
    file.workdir = Some(workdir(file.workdir.take())?);
    let server = Server::new(&args.server)?;
    let target = if args.dry_run { "/v1/jobs?dry_run=true" } else { "/v1/jobs" };
    let call = Call::post(target, serde_json::to_vec(&file)?).with_key(args.key.clone());
    let submitted: Submitted = server.call(call).map_err(|error| match error {
        ClientError::Refused(status, problem) => {
            let line = problem.field.as_ref().and_then(|field| job_file::line_of(&text, field));
            let place = args.file.as_ref().zip(line).map(|(path, line)| format!("{}:{line}", path.display()));
            refused(status, &problem, place)
        }
        error => error.into(),
    })?;
    match (args.output, submitted.job) {
        (Format::Json, _) => stdout::show_json(&submitted)?,
        (Format::Table, Some(job)) => stdout::show(&format!("submitted job {job}\n"))?,
        (Format::Table, None) => stdout::show("the job would be accepted; nothing was submitted\n")?,
    }
    match submitted.job {
        Some(job) if args.wait => wait::until_ended(&server, &[job.to_string()], None),
        _ => Ok(()),
    }
}

/// Options go before what the file says.
fn overrule(file: &mut JobFile, args: &mut SubmitArgs) {
    file.gpus = args.gpus.unwrap_or(file.gpus);
    file.tasks = args.tasks.unwrap_or(file.tasks);
    file.name = args.name.take().or(file.name.take());
    file.tenant = args.tenant.take().or(file.tenant.take());
    file.priority = args.priority.unwrap_or(file.priority);
    file.time_limit = args.time_limit.or(file.time_limit);
    file.hold |= args.hold;
    file.env.extend(args.env.drain(..));
    if !args.after.is_empty() {
        file.after = std::mem::take(&mut args.after);
    }
}

/// Where the job runs: what the file says, from here; else here.
fn workdir(said: Option<PathBuf>) -> Result<PathBuf, Error> {
    let here = std::env::current_dir();
    let here =
        here.map_err(|error| Error::failed(format!("cannot say which folder this is: {error}"), "go to another"))?;
    Ok(said.map_or_else(|| here.clone(), |said| here.join(said)))
}
