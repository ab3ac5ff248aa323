//! Where a server is, and the way to it.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use super::ClientError;
use crate::api::tls;

/// Pause before a server that has more connections than it takes is tried again.
const PAUSE: Duration = Duration::from_millis(20);
/// Times that it is tried.
const TRIES: u32 = 250;
/// Longest wait for a connection to a port.
const CONNECT_WAIT: Duration = Duration::from_secs(10);

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A unix socket.
    Unix(PathBuf),
    /// A port, without TLS, of this machine.
    Http(String, u16),
    /// A port with TLS.
    Https(String, u16),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Http(host, port) => write!(f, "http://{}:{port}", bracketed(host)),
            Self::Https(host, port) => write!(f, "https://{}:{port}", bracketed(host)),
        }
    }
}

/// Addresses of IPv6 stand in brackets before a port.
fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(rest) = text.strip_prefix("https://") {
            let (host, port) = authority(rest)?;
            return Ok(Self::Https(host, port));
        }
        if let Some(rest) = text.strip_prefix("http://") {
            let (host, port) = authority(rest)?;
            if !is_loopback(&host) {
                return Err("tokens do not travel in the open: another machine needs https://".to_owned());
            }
            return Ok(Self::Http(host, port));
        }
        let path = text.strip_prefix("unix:").unwrap_or(text);
        if path.is_empty() || path.contains("://") {
            return Err("it is neither unix:PATH nor https://HOST:PORT nor http://127.0.0.1:PORT".to_owned());
        }
        Ok(Self::Unix(PathBuf::from(path)))
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn authority(text: &str) -> Result<(String, u16), String> {
    let text = text.strip_suffix('/').unwrap_or(text);
    let (host, port) = text.rsplit_once(':').ok_or("it names no port")?;
    let port = port.parse().map_err(|_| format!("`{port}` is no port"))?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:_".contains(&byte);
    if host.is_empty() || !host.bytes().all(sound) {
        return Err(format!("`{host}` is no name of a machine"));
    }
    Ok((host.to_owned(), port))
}

/// Both directions of a connection.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Whom a client trusts.
#[derive(Clone)]
pub(super) struct Trust(TlsConnector);

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trust")
    }
}

impl Trust {
    /// The certificates of a file in PEM, or those of the system.
    pub(super) fn of(ca: Option<&Path>) -> io::Result<Self> {
        tls::connector(ca).map(Self)
    }
}

impl Place {
    /// The name for the header `Host`.
    pub(super) fn host(&self) -> String {
        match self {
            Self::Unix(_) => "trainyard".to_owned(),
            Self::Http(host, port) | Self::Https(host, port) => format!("{}:{port}", bracketed(host)),
        }
    }

    pub(super) async fn connect(&self, trust: Option<&Trust>) -> Result<Box<dyn Stream>, ClientError> {
        match self {
            Self::Unix(path) => Ok(Box::new(unix(path).await?)),
            Self::Http(host, port) => Ok(Box::new(self.tcp(host, *port).await?)),
            Self::Https(host, port) => {
                let untrusted = |source| ClientError::Untrusted { server: self.to_string(), source };
                let Some(Trust(connector)) = trust else {
                    return Err(untrusted(io::Error::other("nobody is trusted")));
                };
                let name = ServerName::try_from(host.clone()).map_err(|error| untrusted(io::Error::other(error)))?;
                let stream = self.tcp(host, *port).await?;
                Ok(Box::new(connector.connect(name, stream).await.map_err(untrusted)?))
            }
        }
    }

    async fn tcp(&self, host: &str, port: u16) -> Result<TcpStream, ClientError> {
        let connected = tokio::time::timeout(CONNECT_WAIT, TcpStream::connect((host, port))).await;
        let connected = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let stream = connected.map_err(|source| ClientError::Unreachable { server: self.to_string(), source })?;
        // Requests are small, and each is complete.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }
}

async fn unix(path: &Path) -> Result<UnixStream, ClientError> {
    let mut tries = 0;
    loop {
        match UnixStream::connect(path).await {
            // Its queue is full.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && tries < TRIES => {
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
            connected => {
                return connected.map_err(|source| ClientError::Connect { path: path.to_owned(), source });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_and_written() {
        for text in [
            "unix:a/b.sock",
            "http://127.0.0.1:70",
            "http://localhost:70",
            "https://yard.example:7070",
            "http://[::1]:7",
        ] {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
        assert_eq!("a/b.sock".parse(), Ok(Place::Unix("a/b.sock".into())));
        assert_eq!("https://h:1/".parse(), Ok(Place::Https("h".to_owned(), 1)));
        for (text, word) in [
            ("http://10.0.0.1:70", "https"),
            ("http://127.0.0.1.example:70", "https"),
            ("https://yard", "no port"),
            ("https://yard:x", "no port"),
            ("https://a/b:1", "no name"),
            ("https://:1", "no name"),
            ("ftp://x:1", "neither"),
            ("unix:", "neither"),
        ] {
            let error = text.parse::<Place>().unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
