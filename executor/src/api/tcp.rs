//! The port, with TLS or on loopback without.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::peers::Caller;
use super::server::{Entrance, Limits, Shutdown, accept_all, connection, drain};

/// The first byte of a TLS connection: a handshake record. Source: RFC 8446, section 5.1.
const HANDSHAKE: u8 = 22;
/// What somebody hears who speaks HTTP to a port with TLS.
const PLAIN: &str =
    "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ";
const PLAIN_BODY: &str = r#"{"schema":1,"code":"tls-only","message":"this port speaks TLS","hint":"write https://"}"#;
/// Longest wait until it is said.
const PLAIN_WAIT: Duration = Duration::from_secs(1);

/// A port on which the server listens.
#[derive(Debug)]
pub struct Port {
    listener: TcpListener,
    tls: Option<Tls>,
}

struct Tls(TlsAcceptor);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

impl Entrance for TcpListener {
    type Guest = (TcpStream, SocketAddr);

    fn poll_next(&self, context: &mut Context<'_>) -> Poll<io::Result<Self::Guest>> {
        self.poll_accept(context)
    }
}

impl Port {
    /// Listens at `address`.
    pub(super) fn listen(address: SocketAddr, tls: Option<TlsAcceptor>) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener: TcpListener::from_std(listener)?, tls: tls.map(Tls) })
    }

    /// Where it listens, as clients write it.
    pub fn url(&self) -> io::Result<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Ok(format!("{scheme}://{}", self.listener.local_addr()?))
    }

    /// Serves until `shutdown` begins, and then waits for open answers, though not for ever.
    pub(super) async fn serve(self, router: Router, limits: Limits, shutdown: Shutdown) {
        let Self { listener, tls } = self;
        let begin = |(stream, from): (TcpStream, SocketAddr), permit| {
            let (router, shutdown) = (router.clone(), shutdown.clone());
            let tls = tls.as_ref().map(|Tls(acceptor)| acceptor.clone());
            tokio::spawn(async move {
                // Held until the connection ends.
                let _permit = permit;
                let caller = Caller::Remote { from: from.ip().to_canonical() };
                // Answers are small, and each is complete.
                let _ = stream.set_nodelay(true);
                match tls {
                    None => connection(stream, router, caller, limits, shutdown).await,
                    Some(acceptor) => {
                        let greeted = tokio::time::timeout(limits.header_timeout, greet(stream, &acceptor)).await;
                        if let Ok(Ok(stream)) = greeted {
                            connection(stream, router, caller, limits, shutdown).await;
                        }
                    }
                }
            });
        };
        let permits = accept_all(listener, begin, limits, &shutdown).await;
        drain(&permits, limits).await;
    }
}

async fn greet(
    mut stream: TcpStream,
    acceptor: &TlsAcceptor,
) -> io::Result<tokio_rustls::server::TlsStream<TcpStream>> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 1 && first != [HANDSHAKE] {
        let answer = format!("{PLAIN}{}\r\n\r\n{PLAIN_BODY}", PLAIN_BODY.len());
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        // What was sent is read, or the answer would be lost with the connection.
        let mut nowhere = tokio::io::sink();
        let _ = tokio::time::timeout(PLAIN_WAIT, tokio::io::copy(&mut stream, &mut nowhere)).await;
        return Err(io::Error::other("no TLS"));
    }
    acceptor.accept(stream).await
}
