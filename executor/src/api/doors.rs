//! All ways into a server, as its configuration says: the unix socket and a port.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use nix::unistd::geteuid;
use tokio::net::UnixListener;

use super::admit::Access;
use super::peers::Peers;
use super::server::{self, Limits, Shutdown};
use super::tcp::Port;
use super::{Settings, tls};
use crate::access::{Rates, RunAs, TokenFile};
use crate::config::Config;
use crate::server::{Ready, ServeError};

/// The open doors of a server.
#[derive(Debug)]
pub struct Doors {
    unix: UnixListener,
    port: Option<Port>,
    peers: Peers,
    limits: Limits,
    settings: Settings,
}

impl Doors {
    /// Opens them. Needs a runtime. Nobody is let in before [`Doors::serve`].
    pub fn open(ready: &Ready, config: &Config) -> Result<Self, ServeError> {
        let peers = Peers::of_this_process().with_users(&config.users).map_err(ServeError::Access)?;
        let access = access(ready, config)?;
        let api = &config.api;
        let limits = Limits { connections_max: api.connections_max, ..Limits::default() };
        let tls = match (&api.cert, &api.key) {
            (Some(cert), Some(key)) => Some(tls::acceptor(cert, key).map_err(ServeError::Access)?),
            _ => None,
        };
        let refused =
            |what: String| move |source| ServeError::Listen { what: format!("cannot listen at {what}"), source };
        let port = api.listen.map(|address| Port::listen(address, tls).map_err(refused(address.to_string())));
        let socket = ready.folders.socket();
        let unix = server::listen_for(&socket, peers.door()).map_err(refused(socket.display().to_string()))?;
        let settings =
            Settings { body_max: api.body_max, access, ..Settings::new(ready.origin_us, ready.folders.runs()) }
                .with_records(ready.folders.records())
                .with_devices(std::sync::Arc::clone(&ready.devices));
        Ok(Self { unix, port: port.transpose()?, peers, limits, settings })
    }

    /// Connections may take less than they do by default.
    #[must_use]
    pub fn with_limits(mut self, alter: impl FnOnce(&mut Limits)) -> Self {
        alter(&mut self.limits);
        self
    }

    /// What the router must know.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The port, if there is one.
    pub fn port(&self) -> Option<&Port> {
        self.port.as_ref()
    }

    /// Lets people in until `shutdown` begins.
    pub async fn serve(self, router: Router, shutdown: Shutdown) {
        let Self { unix, port, peers, limits, .. } = self;
        let at_port = async {
            if let Some(port) = port {
                port.serve(router.clone(), limits, shutdown.clone()).await;
            }
        };
        tokio::join!(at_port, server::serve(unix, router.clone(), peers, limits, shutdown.clone()));
    }
}

fn access(ready: &Ready, config: &Config) -> Result<Access, ServeError> {
    let state = ready.folders.state();
    let run_as = RunAs::new(&config.run_as, config.run_as_root).map_err(ServeError::Access)?;
    let tokens = TokenFile::of(state);
    // Better no server than one that lets in whom it should not, or nobody.
    tokens.current().map_err(ServeError::Tokens)?;
    let others = !config.users.is_empty() || (run_as.switches() && !config.run_as.is_empty());
    prepare(state, others).map_err(ServeError::Access)?;
    let rates = Rates::new(config.api.requests_per_s, config.api.requests_burst);
    Ok(Access {
        tokens: Some(Arc::new(tokens)),
        rates: Some(Arc::new(rates)),
        run_as: Arc::new(run_as),
        ..Access::default()
    })
}

/// A state folder is of the user of the server: whoever else it belonged to could put links where root writes. Programs of other
/// users pass through it on the way to their own folders, and cannot read it.
fn prepare(state: &Path, others: bool) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", state.display());
    let metadata = fs::metadata(state).map_err(failed)?;
    if geteuid().is_root() && metadata.uid() != 0 {
        return Err(format!("{} belongs to user {}, and this server runs as root", state.display(), metadata.uid()));
    }
    let mode = metadata.mode() & 0o7777;
    if others && mode & 0o011 != 0o011 {
        fs::set_permissions(state, fs::Permissions::from_mode(mode | 0o011)).map_err(failed)?;
    }
    Ok(())
}
