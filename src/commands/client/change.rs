//! `cancel`, `hold`, `release`, `top-priority`: the same thing done to several jobs.

use executor::api::answers::{HoldReason, Submitted};
use executor::api::client::{Call, ClientError, encoded};

use super::{Server, queue};
use crate::cli::{HoldArgs, JobsArgs};
use crate::error::Error;
use crate::stdout;

/// Runs `hold`.
pub(super) fn hold(args: HoldArgs) -> Result<(), Error> {
    let body = serde_json::to_vec(&HoldReason { reason: args.reason })?;
    each(&args.jobs, "hold", &body)
}

/// Does `verb` to each job; one that cannot be done does not keep the others from it, and is told at the end.
pub(super) fn each(args: &JobsArgs, verb: &str, body: &[u8]) -> Result<(), Error> {
    let server = Server::new(&args.server)?;
    let jobs = if args.jobs.is_empty() { selected(&server, args)? } else { args.jobs.clone() };
    let query = if args.dry_run { "?dry_run=true" } else { "" };
    let mut failed = Vec::new();
    for job in &jobs {
        let call = Call::post(format!("/v1/jobs/{}/{verb}{query}", encoded(job)), body.to_vec());
        match server.call::<Submitted>(call) {
            Ok(Submitted { would: Some(would), .. }) => stdout::show(&(would + "\n"))?,
            Ok(_) => {}
            Err(error @ ClientError::Refused(..)) => failed.push(Error::from(error)),
            Err(error) => return Err(error.into()),
        }
    }
    if args.jobs.is_empty() && !args.dry_run {
        stdout::show(&format!("{} of {} jobs\n", jobs.len() - failed.len(), jobs.len()))?;
    }
    let Some(last) = failed.pop() else { return Ok(()) };
    for error in failed {
        error.end();
    }
    Err(last)
}

/// The jobs of a tenant, or in some states, that have not ended.
fn selected(server: &Server, args: &JobsArgs) -> Result<Vec<String>, Error> {
    let all = queue::all(server, [("state", &args.state), ("tenant", &args.tenant)])?;
    Ok(all.jobs.iter().map(|job| job.job.to_string()).collect())
}
