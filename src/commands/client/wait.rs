//! `wait`: until jobs have ended.

use std::time::{Duration, Instant};

use executor::api::answers::JobInfo;
use executor::api::client::{Call, ClientError, encoded};

use super::Server;
use crate::cli::WaitArgs;
use crate::error::Error;

/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(200);
/// A server that is away for longer is given up: it may be restarted meanwhile.
const AWAY_MAX: Duration = Duration::from_secs(30);

/// Runs the command.
pub(super) fn run(args: &WaitArgs) -> Result<(), Error> {
    let timeout = args.timeout.map(|spoken| Duration::from_micros(spoken.0.0));
    until_ended(&Server::new(&args.server)?, &args.jobs, timeout)
}

/// Waits until all have ended, and fails where one has not finished.
pub(super) fn until_ended(server: &Server, jobs: &[String], timeout: Option<Duration>) -> Result<(), Error> {
    let begin = Instant::now();
    let mut others = Vec::new();
    for job in jobs {
        let ended = ended(server, job, begin, timeout)?;
        if ended.job.state != "finished" {
            let how = ended.end.map(|end| format!(" ({end})")).unwrap_or_default();
            others.push(format!("job {}: {}{how}", ended.job.job, ended.job.state));
        }
    }
    if others.is_empty() {
        return Ok(());
    }
    Err(Error::failed(others.join("\n"), "`trainyard logs --stderr JOB` shows what it complained about"))
}

fn ended(server: &Server, job: &str, begin: Instant, timeout: Option<Duration>) -> Result<JobInfo, Error> {
    let target = format!("/v1/jobs/{}", encoded(job));
    let mut seen: Option<Instant> = None;
    loop {
        match server.call::<JobInfo>(Call::get(&target)) {
            Ok(info) if info.job.ended_s.is_some() => return Ok(info),
            Ok(_) => seen = Some(Instant::now()),
            // A server that was there may come back.
            Err(ClientError::Connect { .. } | ClientError::Unreachable { .. } | ClientError::Broken(_))
                if seen.is_some_and(|at| at.elapsed() < AWAY_MAX) => {}
            Err(error) => return Err(error.into()),
        }
        if timeout.is_some_and(|timeout| begin.elapsed() >= timeout) {
            let hint = "it goes on: wait again, or look with `trainyard info`";
            return Err(Error::failed(format!("job `{job}` has not ended in time"), hint));
        }
        std::thread::sleep(PAUSE);
    }
}
