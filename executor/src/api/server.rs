//! The socket: who may connect, how many at a time, how long they may take for their headers, and the end.

use std::future::poll_fn;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::peers::{Caller, Door, Peers};

/// Longest path of a unix socket on Linux, in bytes.
const PATH_MAX: usize = 107;
/// Most bytes of the headers of a request.
const HEADERS_MAX: usize = 64 << 10;
/// Pause after the system refused a connection, for want of descriptors as a rule.
const PAUSE: Duration = Duration::from_millis(100);

/// What connections may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time; more wait.
    pub connections_max: u32,
    /// Longest time for the headers of a request, and between two requests.
    pub header_timeout: Duration,
    /// Longest wait for open answers at the end.
    pub shutdown_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let (header_timeout, shutdown_timeout) = (Duration::from_secs(10), Duration::from_secs(5));
        Self { connections_max: 1024, header_timeout, shutdown_timeout }
    }
}

/// The end of the API, once it is begun.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Sender<bool>);

impl Default for Shutdown {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Shutdown {
    /// No more connections; open answers end.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Waits until it is begun.
    pub async fn begun(&self) {
        // The sender lives as long as `self`.
        let _ = self.0.subscribe().wait_for(|begun| *begun).await;
    }
}

/// Listens at `path`, for the user of this process alone. A socket that a dead server left is replaced; a live one is not.
pub fn listen(path: &Path) -> io::Result<UnixListener> {
    listen_for(path, Door::Own)
}

/// Listens at `path`, for those whom the door lets in.
pub fn listen_for(path: &Path, door: Door) -> io::Result<UnixListener> {
    if path.as_os_str().len() > PATH_MAX {
        let message =
            format!("the path of a socket may have {PATH_MAX} bytes, this one has {}", path.as_os_str().len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    if path.symlink_metadata().is_ok_and(|found| found.file_type().is_socket()) {
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another server listens there"));
        }
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    // Until here whoever connects is checked by the number of its user all the same.
    let mode = match door {
        Door::Own => 0o600,
        Door::Everybody => 0o666,
    };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    Ok(listener)
}

/// Serves until `shutdown` begins, and then waits for open answers, though not for ever.
pub async fn serve(listener: UnixListener, router: Router, peers: Peers, limits: Limits, shutdown: Shutdown) {
    let begin = |stream: UnixStream, permit| {
        let caller = peers.caller(stream.peer_cred().ok().map(|peer| peer.uid()));
        let (router, shutdown) = (router.clone(), shutdown.clone());
        tokio::spawn(async move {
            // Held until the connection ends.
            let _permit = permit;
            connection(stream, router, caller, limits, shutdown).await;
        });
    };
    let permits = accept_all(listener, begin, limits, &shutdown).await;
    drain(&permits, limits).await;
}

/// Where connections come in.
pub(super) trait Entrance {
    /// One of them, and what is known of its other end.
    type Guest;

    /// The next one.
    fn poll_next(&self, context: &mut Context<'_>) -> Poll<io::Result<Self::Guest>>;
}

impl Entrance for UnixListener {
    type Guest = UnixStream;

    fn poll_next(&self, context: &mut Context<'_>) -> Poll<io::Result<UnixStream>> {
        self.poll_accept(context).map_ok(|(stream, _)| stream)
    }
}

/// Begins a connection whenever there is room for one, until `shutdown` begins, and closes the entrance then. Gives what the
/// open connections hold.
pub(super) async fn accept_all<E: Entrance>(
    entrance: E,
    begin: impl Fn(E::Guest, OwnedSemaphorePermit),
    limits: Limits,
    shutdown: &Shutdown,
) -> Arc<Semaphore> {
    let permits = Arc::new(Semaphore::new(limits.connections_max as usize));
    loop {
        let next = async {
            // Never closed.
            let permit = Arc::clone(&permits).acquire_owned().await.ok()?;
            Some((poll_fn(|context| entrance.poll_next(context)).await, permit))
        };
        let accepted = tokio::select! {
            accepted = next => accepted,
            () = shutdown.begun() => break,
        };
        match accepted {
            Some((Ok(stream), permit)) => begin(stream, permit),
            Some((Err(_), _)) => tokio::time::sleep(PAUSE).await,
            None => break,
        }
    }
    permits
}

/// Waits until the open connections have ended, though not for ever.
pub(super) async fn drain(permits: &Semaphore, limits: Limits) {
    let _ = tokio::time::timeout(limits.shutdown_timeout, permits.acquire_many(limits.connections_max)).await;
}

/// Serves one connection to its end.
pub(super) async fn connection<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    router: Router,
    caller: Caller,
    limits: Limits,
    shutdown: Shutdown,
) {
    let router = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(caller.clone());
        router.call(request.map(Body::new))
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.header_timeout).max_buf_size(HEADERS_MAX);
    let mut serving = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
    // A client that went away, or that speaks no HTTP, is nobody's fault here.
    tokio::select! {
        _ = serving.as_mut() => return,
        () = shutdown.begun() => serving.as_mut().graceful_shutdown(),
    }
    let _ = serving.await;
}
