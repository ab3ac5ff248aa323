//! The commands that speak to a server: arguments become calls, answers become tables.

mod change;
mod job_file;
mod jobs;
mod logs;
mod nodes;
mod queue;
mod submit;
mod usage;
mod wait;
mod watch;

use std::io::ErrorKind;
use std::path::PathBuf;

use executor::api::Problem;
use executor::api::client::{Call, Client, ClientError};
use serde::de::DeserializeOwned;
use tokio::runtime::{Builder, Runtime};

use crate::cli::{ClientCommand, ServerArgs};
use crate::error::Error;

const VARIABLE: &str = "TRAINYARD_SERVER";
const SOCKET: &str = "trainyard.sock";

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
        let client = Client::new(socket(args)?);
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

/// The socket of the server: the option, else the variable, else the usual place.
fn socket(args: &ServerArgs) -> Result<PathBuf, Error> {
    let said = args.server.clone().map(|text| (text, "--server"));
    let said =
        said.or_else(|| std::env::var(VARIABLE).ok().filter(|text| !text.is_empty()).map(|text| (text, VARIABLE)));
    let Some((text, from)) = said else { return Ok(["state", SOCKET].iter().collect()) };
    let path = text.strip_prefix("unix:").unwrap_or(&text);
    if path.is_empty() || path.contains("://") {
        let hint = "write unix:PATH, with the path of trainyard.sock in the state folder of the server";
        return Err(Error::input(format!("{from}: `{text}` is no unix socket"), hint));
    }
    Ok(PathBuf::from(path))
}

impl From<ClientError> for Error {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Connect { path, source } => unreachable(&path, &source),
            ClientError::Refused(status, problem) => refused(status, &problem, None),
            ClientError::Broken(_) => {
                Self::failed(error, "the server has gone or was restarted: `trainyard queue` shows what it knows")
            }
            ClientError::Unreadable(_) => Self::failed(error, "use the same version of trainyard as the server"),
        }
    }
}

fn unreachable(path: &std::path::Path, source: &std::io::Error) -> Error {
    let shown = path.display();
    match source.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => Error::failed(
            format!("no server listens at {shown}"),
            format!(
                "start one with `trainyard serve --state DIR`, or name its socket, DIR/{SOCKET}, with --server or {VARIABLE}"
            ),
        ),
        ErrorKind::PermissionDenied => Error::failed(
            format!("cannot connect to {shown}: {source}"),
            "the socket is for the user that runs the server",
        ),
        _ => Error::failed(format!("cannot connect to {shown}: {source}"), "check the path and the server"),
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
