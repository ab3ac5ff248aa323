//! `logs`: what a job wrote, as it comes.

use std::io;

use executor::api::client::{Call, ClientError, encoded};

use super::Server;
use crate::cli::LogsArgs;
use crate::error::Error;
use crate::stdout;

/// Why a stream ended early.
enum Broken {
    /// Stdout takes no more.
    Stdout(io::Error),
    /// The server says no more.
    Server(ClientError),
}

impl From<ClientError> for Broken {
    fn from(error: ClientError) -> Self {
        Self::Server(error)
    }
}

/// Runs the command.
pub(super) fn run(args: &LogsArgs) -> Result<(), Error> {
    let server = Server::new(&args.server)?;
    let stream = if args.stderr { "stderr" } else { "stdout" };
    let attempt = args.attempt.map(|attempt| format!("&attempt={attempt}")).unwrap_or_default();
    let (job, task, follow) = (encoded(&args.job), args.task, args.follow);
    let call = Call::get(format!("/v1/jobs/{job}/logs?stream={stream}&task={task}&follow={follow}{attempt}"));
    let mut refused = None;
    stdout::write_with(|out| {
        let take = |piece: &[u8]| out.write_all(piece).and_then(|()| out.flush()).map_err(Broken::Stdout);
        match server.runtime.block_on(server.client.stream(call, take)) {
            Ok(()) => Ok(()),
            Err(Broken::Stdout(error)) => Err(error),
            Err(Broken::Server(error)) => {
                refused = Some(error);
                Ok(())
            }
        }
    })?;
    refused.map_or(Ok(()), |error| Err(error.into()))
}
