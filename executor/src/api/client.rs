//! A client of the API: one connection a request.

use std::io;
use std::path::{Path, PathBuf};

use axum::body::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;

use self::place::Trust;
use super::error::Problem;
use crate::access::Secret;

mod place;

pub use self::place::Place;

/// Why there is no answer, or not the one that was wanted.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("cannot connect to {}: {source}", path.display())]
    Connect {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nobody listens at a port.
    #[error("cannot connect to {server}: {source}")]
    Unreachable {
        /// Where.
        server: String,
        /// Why.
        source: io::Error,
    },
    /// The server is not known to be the one that it should be.
    #[error("cannot trust {server}: {source}")]
    Untrusted {
        /// Where.
        server: String,
        /// Why.
        source: io::Error,
    },
    /// The connection broke.
    #[error("the server did not answer: {0}")]
    Broken(String),
    /// The server refused.
    #[error("{}", .1.message)]
    Refused(u16, Box<Problem>),
    /// The answer is not what this version expects.
    #[error("the answer of the server cannot be read: {0}")]
    Unreadable(String),
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Call {
    method: Method,
    /// Path and query.
    target: String,
    body: Vec<u8>,
    key: Option<String>,
}

impl Call {
    /// Looks.
    pub fn get(target: impl Into<String>) -> Self {
        Self { method: Method::GET, target: target.into(), body: Vec::new(), key: None }
    }

    /// Changes something.
    pub fn post(target: impl Into<String>, body: Vec<u8>) -> Self {
        Self { method: Method::POST, target: target.into(), body, key: None }
    }

    /// With an idempotency key.
    #[must_use]
    pub fn with_key(mut self, key: Option<String>) -> Self {
        self.key = key;
        self
    }
}

/// Text as one part of a path or a value of a query.
pub fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let part = |byte: u8| if plain(byte) { (byte as char).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(part).collect()
}

/// A server, and what opens it.
#[derive(Clone, Debug)]
pub struct Client {
    place: Place,
    token: Option<Secret>,
    trust: Option<Trust>,
}

impl Client {
    /// The server that listens at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { place: Place::Unix(path.into()), token: None, trust: None }
    }

    /// The server at a place. With TLS, its certificate must go back to one of `ca`, a file in PEM, or to one that the system
    /// trusts.
    pub fn at(place: Place, ca: Option<&Path>) -> Result<Self, ClientError> {
        let trust = match &place {
            Place::Https(..) => {
                let untrusted = |source| ClientError::Untrusted { server: place.to_string(), source };
                Some(Trust::of(ca).map_err(untrusted)?)
            }
            Place::Unix(_) | Place::Http(..) => None,
        };
        Ok(Self { place, token: None, trust })
    }

    /// Shows this token with each request.
    #[must_use]
    pub fn with_token(mut self, token: Option<&str>) -> Self {
        self.token = token.map(Secret::shown);
        self
    }

    /// Where the server is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The socket; empty where it is none.
    pub fn path(&self) -> &Path {
        match &self.place {
            Place::Unix(path) => path,
            Place::Http(..) | Place::Https(..) => Path::new(""),
        }
    }

    /// Asks, and gives the answer as `T`.
    pub async fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T, ClientError> {
        let response = self.send(call).await?;
        let body = response.into_body().collect().await.map_err(broken)?.to_bytes();
        serde_json::from_slice(&body).map_err(|error| ClientError::Unreadable(error.to_string()))
    }

    /// Asks, and gives `take` the answer piece by piece, until it ends or `take` says so by `Err`.
    pub async fn stream<E: From<ClientError>>(
        &self,
        call: Call,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut body = self.send(call).await?.into_body();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.map_err(broken)?.into_data() {
                take(&data)?;
            }
        }
        Ok(())
    }

    async fn send(&self, call: Call) -> Result<Response<Incoming>, ClientError> {
        let stream = self.place.connect(self.trust.as_ref()).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // It ends with the answer.
        tokio::spawn(connection);
        let mut request = Request::builder().method(call.method).uri(call.target).header("host", self.place.host());
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {}", token.text()));
        }
        if !call.body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        if let Some(key) = call.key {
            request = request.header("idempotency-key", key);
        }
        let request = request.body(Full::new(Bytes::from(call.body))).map_err(broken)?;
        let response = sender.send_request(request).await.map_err(broken)?;
        if response.status().is_success() { Ok(response) } else { Err(refused(response).await) }
    }
}

async fn refused(response: Response<Incoming>) -> ClientError {
    let status: StatusCode = response.status();
    match response.into_body().collect().await {
        Err(error) => broken(error),
        Ok(body) => match serde_json::from_slice(&body.to_bytes()) {
            Ok(problem) => ClientError::Refused(status.as_u16(), Box::new(problem)),
            Err(_) => ClientError::Unreadable(format!("status {status} without a reason")),
        },
    }
}

fn broken(error: impl std::fmt::Display) -> ClientError {
    ClientError::Broken(error.to_string())
}
