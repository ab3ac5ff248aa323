//! Commands that change something, and those that wait for what comes of it.

use std::io::Write as _;
use std::time::{Duration, Instant};

use executor::api::answers::{Drain, JobInfo, NodeDone, Submitted};
use executor::api::client::{Call, ClientError, encoded};

use super::Server;
use super::job_file::{job, spoken};
use crate::cli::{DrainArgs, JobsArgs, LogsArgs, ResumeArgs, SavedArgs, SubmitArgs, WaitArgs};
use crate::error::Error;
use crate::{stdout, warnings};

/// How often `wait` looks.
const LOOK: Duration = Duration::from_millis(200);

/// `submit`: the number of the job on stdout.
pub(crate) fn submit(args: &SubmitArgs) -> Result<(), Error> {
    let file = job(args)?;
    let server = Server::of(&args.server)?;
    let target = if args.dry_run { "/v1/jobs?dry_run=true" } else { "/v1/jobs" };
    let call = Call::post(target, serde_json::to_vec(&file)?).with_key(args.key.clone());
    let done: Submitted = server.call(call)?;
    if let Some(job) = done.job {
        return stdout::show(&format!("{job}\n"));
    }
    warnings::note("the job is good; nothing was submitted");
    Ok(())
}

/// `cancel`.
pub(crate) fn cancel(args: &JobsArgs) -> Result<(), Error> {
    each(args, "cancel")
}

/// `hold`.
pub(crate) fn hold(args: &JobsArgs) -> Result<(), Error> {
    each(args, "hold")
}

/// `release`.
pub(crate) fn release(args: &JobsArgs) -> Result<(), Error> {
    each(args, "release")
}

fn each(args: &JobsArgs, verb: &str) -> Result<(), Error> {
    let server = Server::of(&args.server)?;
    for job in &args.jobs {
        let _: Submitted = server.call(Call::post(format!("/v1/jobs/{}/{verb}", encoded(job)), Vec::new()))?;
    }
    Ok(())
}

/// `drain`.
pub(crate) fn drain(args: &DrainArgs) -> Result<(), Error> {
    let server = Server::of(&args.server)?;
    let body = serde_json::to_vec(&Drain { reason: args.reason.clone() })?;
    let _: NodeDone = server.call(Call::post(format!("/v1/nodes/{}/drain", encoded(&args.node)), body))?;
    Ok(())
}

/// `resume`.
pub(crate) fn resume(args: &ResumeArgs) -> Result<(), Error> {
    let server = Server::of(&args.server)?;
    let _: NodeDone = server.call(Call::post(format!("/v1/nodes/{}/resume", encoded(&args.node)), Vec::new()))?;
    Ok(())
}

/// `wait`: until all have ended. A failure where one has not finished.
pub(crate) fn wait(args: &WaitArgs) -> Result<(), Error> {
    let server = Server::of(&args.server)?;
    let limit = args.timeout.as_deref().map(|text| spoken("--timeout", text)).transpose()?;
    let deadline = limit.map(|limit| Instant::now() + Duration::from_micros(limit.0.0));
    let mut failed = Vec::new();
    for name in &args.jobs {
        loop {
            let info: JobInfo = server.call(Call::get(format!("/v1/jobs/{}", encoded(name))))?;
            let state = info.job.state.as_str();
            if info.job.ended_s.is_some() {
                if state != "finished" {
                    failed.push(format!("job {} is {state}", info.job.job));
                }
                break;
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(Error::failed(
                    format!("job {} is still {state}", info.job.job),
                    "wait longer, or see `trainyard explain`",
                ));
            }
            std::thread::sleep(LOOK);
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Error::failed(failed.join(", "), "see `trainyard info` and `trainyard logs`"))
    }
}

/// What ends a log before its end.
enum Cut {
    Client(ClientError),
    Stdout(std::io::Error),
}

impl From<ClientError> for Cut {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

/// `logs`.
pub(crate) fn logs(args: &LogsArgs) -> Result<(), Error> {
    let server = Server::of(&args.server)?;
    let stream = if args.stderr { "stderr" } else { "stdout" };
    let attempt = args.attempt.map(|attempt| format!("&attempt={attempt}")).unwrap_or_default();
    let target = format!(
        "/v1/jobs/{}/logs?task={}&stream={stream}&follow={}{attempt}",
        encoded(&args.job),
        args.task,
        args.follow
    );
    let mut out = std::io::stdout().lock();
    let taken = server.runtime.block_on(
        server
            .client
            .stream(Call::get(target), |piece| out.write_all(piece).and_then(|()| out.flush()).map_err(Cut::Stdout)),
    );
    match taken {
        Ok(()) => Ok(()),
        Err(Cut::Client(error)) => Err(error.into()),
        Err(Cut::Stdout(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Err(Error::NobodyReads),
        Err(Cut::Stdout(error)) => {
            Err(Error::failed(format!("cannot write to stdout: {error}"), "check where stdout goes"))
        }
    }
}

/// `saved`: inside a job, tells that all its work is safe.
pub(crate) fn saved(args: &SavedArgs) -> Result<(), Error> {
    let number = std::env::var("TRAINYARD_SAVED_FD").ok().and_then(|text| text.parse::<u32>().ok());
    let hint = "call it from a program that Trainyard runs";
    let number = number.ok_or_else(|| Error::input("TRAINYARD_SAVED_FD is not set: this is not a job", hint))?;
    if args.checkpoint.contains('\n') {
        return Err(Error::input("the checkpoint has a line break", "name it in one line"));
    }
    let written = std::fs::OpenOptions::new()
        .write(true)
        .open(format!("/proc/self/fd/{number}"))
        .and_then(|mut file| writeln!(file, "{}", args.checkpoint));
    written.map_err(|error| Error::failed(format!("cannot tell the server: {error}"), hint))
}
