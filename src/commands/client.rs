//! The commands that speak to a server: arguments become calls, answers become tables.

mod audit;
mod change;
mod connect;
mod job_file;
mod jobs;
mod logs;
mod nodes;
mod queue;
mod submit;
mod usage;
mod wait;
mod watch;

use executor::api::Problem;
use executor::api::client::{Call, Client, ClientError};
use serde::de::DeserializeOwned;
use tokio::runtime::{Builder, Runtime};

pub(crate) use self::audit::utc;
use crate::cli::{ClientCommand, ServerArgs};
use crate::error::Error;

/// Runs one of the commands.
pub(crate) fn run(command: ClientCommand) -> Result<(), Error> {
    match command {
        ClientCommand::Submit(args) => submit::run(args),
        ClientCommand::Queue(args) => queue::run(&args),
        ClientCommand::Info(args) => jobs::info(&args),
        ClientCommand::Explain(args) => jobs::explain(&args),
        ClientCommand::Logs(args) => logs::run(&args),
        ClientCommand::Cancel(args) => change::each(&args, "cancel", &[]),
        ClientCommand::Hold(args) => change::hold(args),
        ClientCommand::Release(args) => change::each(&args, "release", &[]),
        ClientCommand::TopPriority(args) => change::each(&args, "top-priority", &[]),
        ClientCommand::Nodes(args) => nodes::list(&args),
        ClientCommand::Drain(args) => nodes::drain(args),
        ClientCommand::Resume(args) => nodes::resume(&args),
        ClientCommand::Usage(args) => usage::run(&args),
        ClientCommand::Wait(args) => wait::run(&args),
        ClientCommand::Audit(args) => audit::run(&args),
        ClientCommand::Saved(args) => jobs::saved(args),
    }
}

/// A server, and what is needed to wait for its answers.
struct Server {
    client: Client,
    runtime: Runtime,
}

impl Server {
    fn new(args: &ServerArgs) -> Result<Self, Error> {
        let client = connect::client(args)?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| {
            Error::failed(format!("cannot prepare to wait for the server: {error}"), "close some files or programs")
        })?;
        Ok(Self { client, runtime })
    }

    fn get<T: DeserializeOwned>(&self, target: impl Into<String>) -> Result<T, Error> {
        Ok(self.call(Call::get(target))?)
    }

    fn post<T: DeserializeOwned>(&self, target: impl Into<String>, body: Vec<u8>) -> Result<T, Error> {
        Ok(self.call(Call::post(target, body))?)
    }

    fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T, ClientError> {
        self.runtime.block_on(self.client.call(call))
    }
}

/// What the server refused; `place` is the file and line of the field, where that is known.
fn refused(status: u16, problem: &Problem, place: Option<String>) -> Error {
    let field = problem.field.as_ref().map(|field| format!("field `{field}`: ")).unwrap_or_default();
    let place = place.map(|place| place + ": ").unwrap_or_default();
    let message = format!("{place}{field}{}", problem.message);
    // Bad input, as opposed to what cannot be done now.
    let bad = matches!(status, 400 | 404 | 405 | 413 | 422) && problem.code != "no-logs";
    if bad { Error::input(message, &problem.hint) } else { Error::failed(message, &problem.hint) }
}
