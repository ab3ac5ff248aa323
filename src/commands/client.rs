//! Commands that talk to a server.

mod act;
mod job_file;
mod show;

use std::path::PathBuf;

use executor::api::client::{Call, Client, ClientError};
use serde::de::DeserializeOwned;
use tokio::runtime::{Builder, Runtime};

pub(crate) use self::act::{cancel, drain, hold, logs, release, resume, saved, submit, wait};
pub(crate) use self::show::{explain, info, nodes, queue};
use crate::cli::ServerArgs;
use crate::error::Error;

/// Where a server is sought when nobody says.
const DEFAULT: &str = "unix:state/trainyard.sock";

/// A server to talk to.
struct Server {
    client: Client,
    runtime: Runtime,
}

impl Server {
    fn of(args: &ServerArgs) -> Result<Self, Error> {
        let named = args.server.clone().or_else(|| std::env::var("TRAINYARD_SERVER").ok());
        let text = named.unwrap_or_else(|| DEFAULT.to_owned());
        let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) else {
            return Err(Error::input(
                format!("server `{text}`"),
                "write unix:PATH, the socket in the state folder of the server",
            ));
        };
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Error::failed(error, "raise the limits of this process"))?;
        Ok(Self { client: Client::new(PathBuf::from(path)), runtime })
    }

    fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        Ok(self.runtime.block_on(self.client.call(call))?)
    }
}

impl From<ClientError> for Error {
    fn from(error: ClientError) -> Self {
        let message = error.to_string();
        match error {
            ClientError::Connect { .. } => {
                let hint = "start one with `trainyard serve --state DIR`, and name its socket with --server unix:DIR/trainyard.sock or \
                            TRAINYARD_SERVER";
                Self::failed(message, hint)
            }
            ClientError::Refused(status, problem) => {
                let field = problem.field.map(|field| format!("{field}: ")).unwrap_or_default();
                let message = format!("{field}{}", problem.message);
                if status >= 500 { Self::failed(message, problem.hint) } else { Self::input(message, problem.hint) }
            }
            ClientError::Broken(_) => Self::failed(message, "see what the server says on its stderr, and ask again"),
            ClientError::Unreadable(_) => Self::failed(message, "use the version of trainyard that the server runs"),
        }
    }
}
