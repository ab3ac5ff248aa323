//! The port: TLS, those who speak something else, and those who never finish.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use executor::access::Role;
use executor::api::client::{Client, ClientError, Place};
use rcgen::generate_simple_self_signed;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::house::{AS_NOBODY, House, refusal};

/// A folder with a certificate for `localhost`, and its key.
fn certified() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
    let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.path().join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::set_permissions(folder.path().join("key.pem"), std::fs::Permissions::from_mode(0o600)).unwrap();
    folder
}

const WITH_TLS: &str = "cert = \"cert.pem\"\nkey = \"key.pem\"\n";

#[test]
fn tls_works_with_a_certificate_that_is_trusted_and_not_without() {
    let house = House::at(certified(), WITH_TLS, AS_NOBODY).unwrap();
    let token = house.token("ada", "a", Role::Viewer, None);
    let port = house.url.rsplit(':').next().unwrap().to_owned();
    let ca = house.folder.path().join("cert.pem");
    let at = |host: &str, ca: Option<&std::path::Path>| {
        let place: Place = format!("https://{host}:{port}").parse().unwrap();
        Client::at(place, ca).map(|client| client.with_token(Some(&token)))
    };
    let trusting = at("localhost", Some(ca.as_path())).unwrap();
    assert_eq!(house.get(&trusting, "/v1/jobs").unwrap()["schema"], 1);
    assert_eq!(refusal(house.get(&trusting.clone().with_token(None), "/v1/jobs")).code, "no-token");
    // The name is not in the certificate; another certificate is trusted; that file has none.
    let misnamed = house.get(&at("127.0.0.1", Some(ca.as_path())).unwrap(), "/v1/jobs");
    assert!(matches!(misnamed, Err(ClientError::Untrusted { .. })), "{misnamed:?}");
    let other = certified();
    let stranger = house.get(&at("localhost", Some(&other.path().join("cert.pem"))).unwrap(), "/v1/jobs");
    assert!(matches!(stranger, Err(ClientError::Untrusted { .. })), "{stranger:?}");
    assert!(matches!(at("localhost", Some(&other.path().join("key.pem"))), Err(ClientError::Untrusted { .. })));
    house.stop();
}

#[test]
fn plain_http_to_a_port_with_tls_fails_cleanly_and_reveals_nothing() {
    let house = House::at(certified(), WITH_TLS, AS_NOBODY).unwrap();
    let plain: Place = house.url.replace("https", "http").parse().unwrap();
    let refused = refusal(house.get(&Client::at(plain, None).unwrap(), "/v1/jobs"));
    assert_eq!((refused.status, refused.code.as_str()), (400, "tls-only"));
    for noise in [&b"\x16\x03\x01garbage that is no handshake"[..], b"\x16", b"\0\0\0\0", b""] {
        let address = house.url.split_once("://").unwrap().1.to_owned();
        house.runtime.block_on(async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(noise).await.unwrap();
            stream.shutdown().await.unwrap();
            let _ = stream.read_to_end(&mut Vec::new()).await;
        });
    }
    let ca = house.folder.path().join("cert.pem");
    let port = house.url.rsplit(':').next().unwrap();
    let client = Client::at(format!("https://localhost:{port}").parse().unwrap(), Some(&ca)).unwrap();
    house.get(&client, "/healthz").unwrap();
    house.stop();
}

#[test]
fn a_key_that_all_may_read_and_files_that_are_none_start_nothing() {
    let folder = certified();
    std::fs::set_permissions(folder.path().join("key.pem"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = House::at(folder, WITH_TLS, AS_NOBODY).err().unwrap().to_string();
    assert!(error.contains("everybody may read the private key"), "{error}");
    let folder = certified();
    std::fs::write(folder.path().join("cert.pem"), "x").unwrap();
    assert!(House::at(folder, WITH_TLS, AS_NOBODY).err().unwrap().to_string().contains("cert.pem"));
    // The key of another certificate.
    let (folder, other) = (certified(), certified());
    std::fs::copy(other.path().join("key.pem"), folder.path().join("key.pem")).unwrap();
    assert!(House::at(folder, WITH_TLS, AS_NOBODY).is_err());
}

#[test]
fn those_who_never_finish_their_headers_keep_nobody_out() {
    for tls in ["", WITH_TLS] {
        let folder = certified();
        let quick = |limits: &mut executor::api::server::Limits| limits.header_timeout = Duration::from_millis(400);
        let api = format!("connections_max = 4\n{tls}");
        let house = House::with_limits(folder, &api, AS_NOBODY, quick).unwrap();
        let (scheme, address) = house.url.split_once("://").unwrap();
        // More than there are places, each with a byte now and then, for as long as it takes.
        let slow: Vec<_> = (0..12)
            .map(|_| {
                let address = address.to_owned();
                house.runtime.spawn(async move {
                    let mut stream = TcpStream::connect(address).await.unwrap();
                    let begun = Instant::now();
                    for byte in b"GET /v1/jobs HTTP/1.1\r\nx-slow: ".iter().chain(std::iter::repeat(&b'y')) {
                        if begun.elapsed() > Duration::from_mins(1) || stream.write_all(&[*byte]).await.is_err() {
                            return begun.elapsed();
                        }
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                    begun.elapsed()
                })
            })
            .collect();
        let port = address.rsplit(':').next().unwrap();
        let ca = house.folder.path().join("cert.pem");
        let client = Client::at(format!("{scheme}://localhost:{port}").parse().unwrap(), Some(&ca)).unwrap();
        assert_eq!(refusal(house.get(&client, "/v1/jobs")).code, "no-token");
        // The socket has places of its own.
        house.get(&house.owner(), "/v1/jobs").unwrap();
        house.audited("", "no-token", 1);
        for task in slow {
            assert!(house.runtime.block_on(task).unwrap() < Duration::from_secs(50));
        }
        house.stop();
    }
}
