//! TLS by rustls, on ring: TLS 1.2 and 1.3 with the suites that rustls holds safe.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Where systems keep the certificates that they trust.
const SYSTEM: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// The server's side, with the certificates and the key of these files in PEM.
pub(super) fn acceptor(cert: &Path, key: &Path) -> Result<TlsAcceptor, String> {
    let certificates = certificates(cert)?;
    let mode = std::fs::metadata(key).map_err(|error| format!("{}: {error}", key.display()))?.mode();
    if mode & 0o007 != 0 {
        return Err(format!("{}: everybody may read the private key: its mode is {:03o}", key.display(), mode & 0o777));
    }
    let private = PrivateKeyDer::from_pem_file(key);
    let private = private.map_err(|error| format!("{}: no private key in PEM: {error}", key.display()))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    let config = builder.with_no_client_auth().with_single_cert(certificates, private);
    let mut config = config.map_err(|error| format!("{} and {}: {error}", cert.display(), key.display()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The client's side, which trusts the certificates of `ca`, or those that the system does.
pub(super) fn connector(ca: Option<&Path>) -> io::Result<TlsConnector> {
    let system = || SYSTEM.iter().map(Path::new).find(|path| path.exists());
    let Some(ca) = ca.or_else(system) else {
        return Err(io::Error::new(io::ErrorKind::NotFound, "no certificates to trust are known"));
    };
    let mut roots = RootCertStore::empty();
    // A system may trust some that rustls does not read.
    let (added, _) = roots.add_parsable_certificates(certificates(ca).map_err(io::Error::other)?);
    if added == 0 {
        return Err(io::Error::other(format!("{}: no certificate that can be trusted", ca.display())));
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    Ok(TlsConnector::from(Arc::new(builder.with_root_certificates(roots).with_no_client_auth())))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let wrong = |error: rustls_pki_types::pem::Error| format!("{}: {error}", path.display());
    let all: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(wrong)?.collect();
    let all = all.map_err(wrong)?;
    if all.is_empty() { Err(format!("{}: no certificate in PEM", path.display())) } else { Ok(all) }
}
