//! `[api]` and `[[users]]`: where the server listens, for whom, and how much it takes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::access::{Role, sound_tenant};

/// `[api]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiConfig {
    /// Address and port for callers with tokens. None: only the unix socket.
    pub listen: Option<SocketAddr>,
    /// Certificates in PEM, the server's first. Relative to the folder of the configuration.
    pub cert: Option<PathBuf>,
    /// Its private key in PEM.
    pub key: Option<PathBuf>,
    /// Longest body of a request, in bytes.
    pub body_max: usize,
    /// Connections at a time, to each of socket and port.
    pub connections_max: u32,
    /// Requests of a caller for long, a second.
    pub requests_per_s: f64,
    /// Requests of a caller at once.
    pub requests_burst: u32,
    /// Jobs that have not ended, of all tenants. 0: no limit.
    pub jobs_max: u32,
    /// Jobs that have not ended, of a tenant with those below it. 0: no limit.
    pub tenant_jobs_max: u32,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            listen: None,
            cert: None,
            key: None,
            body_max: 1 << 20,
            connections_max: 1024,
            requests_per_s: 200.0,
            requests_burst: 1000,
            jobs_max: 1_000_000,
            tenant_jobs_max: 200_000,
        }
    }
}

/// A user of this machine who may use the unix socket beside root and the user of the server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserConfig {
    /// The user.
    pub name: String,
    /// The tenant, with those below it.
    pub tenant: String,
    /// What the user may do.
    pub role: Role,
}

impl ApiConfig {
    /// Makes the names of files independent of where the server is started.
    pub(super) fn beside(&mut self, config: &Path) {
        let folder = config.parent().unwrap_or(Path::new(""));
        for path in [&mut self.cert, &mut self.key].into_iter().flatten() {
            *path = folder.join(&path);
        }
    }

    /// What is wrong with it.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.cert.is_some() != self.key.is_some() {
            return Err("api: cert and key go together".to_owned());
        }
        match self.listen {
            None if self.cert.is_some() => return Err("api: cert and key are of no use without listen".to_owned()),
            Some(address) if !address.ip().is_loopback() && self.cert.is_none() => {
                return Err(format!(
                    "api: listen = \"{address}\" can be reached from other machines and needs cert and key: tokens must not \
                     travel in the open"
                ));
            }
            _ => {}
        }
        if self.body_max < 1024 || self.connections_max == 0 || self.requests_burst == 0 {
            return Err("api: body_max is at least 1024, connections_max and requests_burst at least 1".to_owned());
        }
        if !(0.001..=1e9).contains(&self.requests_per_s) {
            return Err(format!("api: requests_per_s = {} is out of range", self.requests_per_s));
        }
        Ok(())
    }
}

/// What is wrong with the users.
pub(super) fn check_users(users: &[UserConfig]) -> Result<(), String> {
    for (at, user) in users.iter().enumerate() {
        if !sound_tenant(&user.tenant) {
            return Err(format!("users: `{}` is no path of tenants", user.tenant));
        }
        if users[..at].iter().any(|other| other.name == user.name) {
            return Err(format!("users: `{}` is there twice", user.name));
        }
    }
    Ok(())
}
