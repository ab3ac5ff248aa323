//! A server as `trainyard serve` makes it, with its doors open, on threads of its own.

use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use executor::access::{Role, Secret, Token, TokensError, change, now_s};
use executor::api::client::{Call, Client, ClientError};
use executor::api::doors::Doors;
use executor::api::server::{Limits, Shutdown};
use executor::api::{router, watch};
use executor::config::Config;
use executor::machine;
use executor::server::{Ready, ServeError, Setup, serve};
use executor::store::Start;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;

/// Far beyond what anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server of four declared GPUs.
pub(crate) struct House {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) ready: Ready,
    pub(crate) runtime: Runtime,
    pub(crate) url: String,
    shutdown: Shutdown,
    thread: JoinHandle<Result<(), ServeError>>,
    doors: JoinHandle<()>,
}

/// What a refusal was.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl House {
    /// With `listen` at any free port.
    pub(crate) fn new(api: &str, rest: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Users of the machine get through to what is theirs.
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
        Self::at(folder, api, rest).unwrap()
    }

    /// In a folder that may have a state already.
    pub(crate) fn at(folder: tempfile::TempDir, api: &str, rest: &str) -> Result<Self, ServeError> {
        Self::with_limits(folder, api, rest, |_| {})
    }

    pub(crate) fn with_limits(
        folder: tempfile::TempDir,
        api: &str,
        rest: &str,
        alter: fn(&mut Limits),
    ) -> Result<Self, ServeError> {
        let path = folder.path().join("trainyard.toml");
        std::fs::write(&path, format!("policy = \"priority\"\n{rest}\n[api]\nlisten = \"127.0.0.1:0\"\n{api}"))
            .unwrap();
        let setup = Setup {
            state: folder.path().join("state"),
            config: Config::read(&path).unwrap(),
            machines: machine::declared(4, "declared"),
            shim: vec![env!("CARGO_BIN_EXE_trainyard-shim").into()],
            start: Start::Newest,
        };
        let (sender, receiver) = channel();
        let shutdown = Shutdown::default();
        let ended = shutdown.clone();
        let thread = thread::spawn(move || {
            serve(&setup, |ready| {
                let runtime = Runtime::new().unwrap();
                // Sockets belong to the runtime.
                let inside = runtime.enter();
                let doors = Doors::open(&ready, &setup.config)?.with_limits(alter);
                drop(inside);
                let url = doors.port().unwrap().url().unwrap();
                let settings = doors.settings().clone();
                let (handle, access) = (ready.handle.clone(), settings.access.clone());
                let router = router(handle.clone(), settings, ended.clone());
                let serving = thread::spawn(move || {
                    runtime.block_on(async {
                        tokio::join!(doors.serve(router, ended.clone()), watch(handle, access, ended))
                    });
                });
                sender.send((ready, url, serving)).unwrap();
                Ok(())
            })
        });
        match receiver.recv() {
            Ok((ready, url, doors)) => {
                let runtime = Runtime::new().unwrap();
                Ok(Self { folder, ready, runtime, url, shutdown, thread, doors })
            }
            Err(_) => Err(thread.join().unwrap().unwrap_err()),
        }
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Somebody with a new token.
    pub(crate) fn holder(&self, name: &str, tenant: &str, role: Role) -> Client {
        self.client(Some(&self.token(name, tenant, role, None)))
    }

    pub(crate) fn token(&self, name: &str, tenant: &str, role: Role, expires_s: Option<u64>) -> String {
        let secret = Secret::random().unwrap();
        let token = Token {
            id: name.to_owned(),
            name: name.to_owned(),
            tenant: tenant.to_owned(),
            role,
            digest: secret.digest(),
            created_s: now_s(),
            expires_s,
            revoked_s: None,
        };
        self.alter(|tokens| tokens.push(token));
        secret.text().to_owned()
    }

    pub(crate) fn alter(&self, alter: impl FnOnce(&mut Vec<Token>)) {
        let done: Result<(), TokensError> = change(&self.state(), |tokens| {
            alter(&mut tokens.tokens);
            Ok(())
        });
        done.unwrap();
    }

    /// Somebody at the port.
    pub(crate) fn client(&self, token: Option<&str>) -> Client {
        Client::at(self.url.parse().unwrap(), None).unwrap().with_token(token)
    }

    /// Who runs the server.
    pub(crate) fn owner(&self) -> Client {
        Client::new(self.ready.folders.socket())
    }

    pub(crate) fn call(&self, client: &Client, call: Call) -> Result<Value, ClientError> {
        self.runtime.block_on(client.call(call))
    }

    pub(crate) fn get(&self, client: &Client, target: &str) -> Result<Value, ClientError> {
        self.call(client, Call::get(target))
    }

    pub(crate) fn post(&self, client: &Client, target: &str, body: &Value) -> Result<Value, ClientError> {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.call(client, Call::post(target, body))
    }

    /// Submits a shell script, and gives the number of the job.
    pub(crate) fn submit(&self, client: &Client, script: &str, more: &Value) -> u64 {
        let mut file = json!({"command": ["sh", "-c", script]});
        file.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.post(client, "/v1/jobs", &file).unwrap()["job"].as_u64().unwrap()
    }

    /// Waits until the owner sees a job in this state.
    pub(crate) fn until(&self, job: u64, state: &str) -> Value {
        let begun = Instant::now();
        loop {
            let info = self.get(&self.owner(), &format!("/v1/jobs/{job}")).unwrap();
            if info["job"]["state"] == state {
                return info;
            }
            assert!(begun.elapsed() < PATIENCE, "job {job} is not {state}: {info}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// What the audit log says, the newest first.
    pub(crate) fn audit(&self, filter: &str) -> Vec<Value> {
        let page = self.get(&self.owner(), &format!("/v1/audit?limit=10000{filter}")).unwrap();
        page["lines"].as_array().unwrap().clone()
    }

    /// Waits until the audit log has so many lines like this, and no more.
    pub(crate) fn audited(&self, who: &str, outcome: &str, count: usize) -> Vec<Value> {
        let begun = Instant::now();
        loop {
            let lines = self.audit(&format!("&who={}&outcome={outcome}", executor::api::client::encoded(who)));
            if lines.len() == count {
                return lines;
            }
            let waited = begun.elapsed();
            assert!(waited < PATIENCE, "{} lines and not {count} with {who} {outcome}: {lines:?}", lines.len());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends bytes to the port as they are, and gives all that comes back.
    pub(crate) fn raw(&self, request: &[u8]) -> String {
        let address = self.url.split_once("://").unwrap().1.to_owned();
        self.runtime.block_on(async {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            // The server may answer and close before it has read all.
            let _ = stream.write_all(request).await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            String::from_utf8_lossy(&answer).into_owned()
        })
    }

    pub(crate) fn stop(self) -> tempfile::TempDir {
        self.shutdown.begin();
        self.doors.join().unwrap();
        self.ready.handle.stop().unwrap();
        self.thread.join().unwrap().unwrap();
        self.folder
    }
}

/// What the server refused.
pub(crate) fn refusal(answer: Result<Value, ClientError>) -> Refusal {
    match answer {
        Err(ClientError::Refused(status, problem)) => {
            assert!(!problem.message.is_empty() && !problem.hint.is_empty(), "{problem:?}");
            Refusal { status, code: problem.code, message: problem.message, hint: problem.hint }
        }
        other => panic!("no refusal: {other:?}"),
    }
}

/// How programs of tokens run, where the tests run as root.
pub(crate) const AS_NOBODY: &str = "[[run_as]]\nuser = \"nobody\"\n";

/// Text of a file, once it has this part.
pub(crate) fn text_with(path: &Path, part: &str) -> String {
    let begun = Instant::now();
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if text.contains(part) {
            return text;
        }
        assert!(begun.elapsed() < PATIENCE, "{} has no {part}: {text}", path.display());
        thread::sleep(Duration::from_millis(10));
    }
}
