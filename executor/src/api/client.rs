//! A client of the API: one connection a request, over a unix socket.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::error::Problem;

/// Pause before a server that has more connections than it takes is tried again.
const PAUSE: Duration = Duration::from_millis(20);
/// Times that it is tried.
const TRIES: u32 = 250;

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

/// A server that listens on a unix socket.
#[derive(Clone, Debug)]
pub struct Client {
    path: PathBuf,
}

impl Client {
    /// The server that listens at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The socket.
    pub fn path(&self) -> &Path {
        &self.path
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
        let stream = self.connect().await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // It ends with the answer.
        tokio::spawn(connection);
        let mut request = Request::builder().method(call.method).uri(call.target).header("host", "trainyard");
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

    async fn connect(&self) -> Result<UnixStream, ClientError> {
        let mut tries = 0;
        loop {
            match UnixStream::connect(&self.path).await {
                // Its queue is full.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && tries < TRIES => {
                    tries += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                connected => {
                    return connected.map_err(|source| ClientError::Connect { path: self.path.clone(), source });
                }
            }
        }
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
