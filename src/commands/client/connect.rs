//! Where the server is and what opens it: options, else variables, else the usual place.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use executor::api::client::{Client, ClientError, Place};

use crate::cli::ServerArgs;
use crate::error::Error;

const SERVER: &str = "TRAINYARD_SERVER";
const TOKEN: &str = "TRAINYARD_TOKEN";
const TOKEN_FILE: &str = "TRAINYARD_TOKEN_FILE";
const CA: &str = "TRAINYARD_CA";
const SOCKET: &str = "trainyard.sock";
/// No file with a token is longer, in bytes.
const TOKEN_MAX: usize = 4096;

/// A client of the server that is meant.
pub(super) fn client(args: &ServerArgs) -> Result<Client, Error> {
    let ca = variable(CA).map(PathBuf::from);
    let client = Client::at(place(args)?, ca.as_deref())?;
    Ok(client.with_token(token(args)?.as_deref()))
}

/// A variable that is set, and not to nothing.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn place(args: &ServerArgs) -> Result<Place, Error> {
    let said = args.server.clone().map(|text| (text, "--server"));
    let Some((text, from)) = said.or_else(|| Some((variable(SERVER)?, SERVER))) else {
        return Ok(Place::Unix(["state", SOCKET].iter().collect()));
    };
    text.parse().map_err(|why| {
        let hint =
            "write unix:PATH, with the path of trainyard.sock in the state folder of the server, or https://HOST:PORT";
        Error::input(format!("{from}: `{text}` is no server: {why}"), hint)
    })
}

fn token(args: &ServerArgs) -> Result<Option<String>, Error> {
    let named = args.token_file.clone().map(|path| (path, "--token-file"));
    if named.is_none()
        && let Some(token) = variable(TOKEN)
    {
        return one_line(&token, TOKEN).map(Some);
    }
    let named = named.or_else(|| Some((PathBuf::from(variable(TOKEN_FILE)?), TOKEN_FILE)));
    let Some((path, from)) = named else { return Ok(None) };
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Error::input(format!("{from}: {}: {error}", path.display()), "name a file with nothing but the token")
    })?;
    one_line(&text, from).map(Some)
}

fn one_line(text: &str, from: &str) -> Result<String, Error> {
    let token = text.trim();
    if token.is_empty() || token.len() > TOKEN_MAX || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let hint = "a token begins with ty_ and stands alone on a line, as `trainyard token create` prints it";
        return Err(Error::input(format!("{from}: there is no token"), hint));
    }
    Ok(token.to_owned())
}

impl From<ClientError> for Error {
    fn from(error: ClientError) -> Self {
        match &error {
            ClientError::Connect { path, source } => unreachable(path, source),
            ClientError::Unreachable { .. } => Self::failed(
                error,
                format!("check the name, the port, and [api] listen of the server; {SERVER} names one"),
            ),
            ClientError::Untrusted { .. } => {
                let hint = format!(
                    "name the certificate that it goes back to, a file in PEM, with {CA}; the name of the server must be in it"
                );
                Self::failed(error, hint)
            }
            ClientError::Refused(status, problem) => super::refused(*status, problem, None),
            ClientError::Broken(_) => {
                Self::failed(error, "the server has gone or was restarted: `trainyard queue` shows what it knows")
            }
            ClientError::Unreadable(_) => Self::failed(error, "use the same version of trainyard as the server"),
        }
    }
}

fn unreachable(path: &Path, source: &std::io::Error) -> Error {
    let shown = path.display();
    match source.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => Error::failed(
            format!("no server listens at {shown}"),
            format!(
                "start one with `trainyard serve --state DIR`, or name its socket, DIR/{SOCKET}, with --server or {SERVER}"
            ),
        ),
        ErrorKind::PermissionDenied => Error::failed(
            format!("cannot connect to {shown}: {source}"),
            "the socket is for the user that runs the server, unless [[users]] of its configuration name others",
        ),
        _ => Error::failed(format!("cannot connect to {shown}: {source}"), "check the path and the server"),
    }
}
