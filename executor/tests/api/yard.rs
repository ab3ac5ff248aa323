//! A server in a folder of its own: a live world on a thread, a journal in memory, programs that are pretended.

use std::cell::RefCell;
use std::convert::Infallible;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use engine::journal::Entry;
use engine::{Command, Core, Input, Inventory, RunId, Span, drive};
use executor::api::client::{Call, Client, ClientError};
use executor::api::server::{Limits, Shutdown, listen, serve};
use executor::api::{Peers, Settings, router};
use executor::clock::Clock;
use executor::handle::{Change, Handle};
use executor::inbox::Channel;
use executor::launcher::{End, Gang, Launcher, Observation, Seen};
use executor::ledger::{Audience, Desk, Durable, Ledger};
use executor::metrics::Meter;
use executor::note::{Audit, Note};
use executor::submission::Defaults;
use executor::view::state_word;
use executor::world::{LiveWorld, Message, Shared};
use policies::Context;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A journal in memory, which others may read.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Entry>>>);

impl Durable for Kept {
    type Error = Infallible;

    fn append(&mut self, entry: &Entry) -> Result<(), Infallible> {
        self.0.lock().unwrap().push(entry.clone());
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Programs: `true` ends at once, all others run until they are stopped.
struct Pretended(Sender<Message>);

impl Pretended {
    fn see(&self, run: RunId, what: Seen) {
        let _ = self.0.send(Message::Observed(Observation { run, ago: Span::ZERO, what }));
    }
}

impl Launcher for Pretended {
    fn launch(&mut self, gang: Gang) {
        self.see(gang.run, Seen::Started);
        if gang.job.command == ["true"] {
            self.see(gang.run, Seen::Ended(End::Exited(0)));
        }
    }

    fn stop(&mut self, run: RunId) {
        self.see(run, Seen::Ended(End::Signalled(15)));
    }

    fn kill(&mut self, run: RunId) {
        self.stop(run);
    }

    fn reattach(&mut self, gang: Gang) {
        self.launch(gang);
    }

    fn running(&mut self) -> std::io::Result<Vec<RunId>> {
        Ok(Vec::new())
    }
}

/// Counts, and tells who follows.
struct Teller(Handle, Meter);

impl Audience for Teller {
    fn told(&mut self, core: &Core, shared: &Shared, batch: &[Input], commands: &[Command]) {
        self.1.told(core, shared, batch, commands);
        for job in core.state().changed_in_step().iter().copied() {
            self.0.tell(Change::Job { job, state: state_word(core.state().job(job).phase) });
        }
    }
}

/// A server.
pub(crate) struct Yard {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) handle: Handle,
    pub(crate) client: Client,
    pub(crate) shutdown: Shutdown,
    serving: tokio::task::JoinHandle<()>,
    core: JoinHandle<()>,
    journal: Kept,
}

impl Yard {
    /// Two nodes of four GPUs, first come, first served but who fits may pass.
    pub(crate) fn new() -> Self {
        Self::with(Peers::of_this_process(), Limits::default())
    }

    pub(crate) fn with(peers: Peers, limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (sender, receiver) = channel();
        let handle = Handle::new(sender.clone());
        let journal = Kept::default();
        let (clock, told, kept) = (Clock::begin(), handle.clone(), journal.clone());
        let settings = Settings::new(clock.origin_us(), folder.path().join("runs"));
        let core = std::thread::spawn(move || {
            let inventory = Inventory::uniform(2, 4, "A100");
            let shared = Rc::new(RefCell::new(Shared::default()));
            let (inbox, launcher) = (Channel::new(receiver, clock), Pretended(sender));
            let mut world = LiveWorld::new(inbox, launcher, Rc::clone(&shared), inventory.clone(), Defaults::default());
            let built = policies::build("fifo[skip=true]", Context { estimates: true, seed: 1 }).unwrap();
            let mut core = Core::new(inventory, built.policy);
            let metrics = Arc::clone(told.metrics());
            let mut ledger = Ledger::new(kept, Rc::clone(&shared)).with_metrics(&metrics);
            let meter = Meter::new(metrics, &core, &shared.borrow().book);
            let teller = Teller(told, meter);
            drive(&mut core, &mut world, &mut ledger, &mut Desk::new(shared, teller)).unwrap();
            core.check().unwrap();
        });
        let socket = folder.path().join("trainyard.sock");
        let shutdown = Shutdown::default();
        let router = router(handle.clone(), settings, shutdown.clone());
        let serving = tokio::spawn(serve(listen(&socket).unwrap(), router, peers, limits, shutdown.clone()));
        Self { folder, handle, client: Client::new(socket), shutdown, serving, core, journal }
    }

    pub(crate) async fn get(&self, target: &str) -> Result<Value, ClientError> {
        self.client.call(Call::get(target)).await
    }

    pub(crate) async fn post(&self, target: &str, body: &Value) -> Result<Value, ClientError> {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.client.call(Call::post(target, body)).await
    }

    /// Submits a job of so many GPUs, and gives its number.
    pub(crate) async fn job(&self, command: &str, gpus: f64) -> u64 {
        let answer = self.post("/v1/jobs", &json!({"command": [command], "gpus": gpus})).await.unwrap();
        answer["job"].as_u64().unwrap()
    }

    /// Waits until a job is in a state.
    pub(crate) async fn until(&self, job: u64, state: &str) -> Value {
        loop {
            let info = self.get(&format!("/v1/jobs/{job}")).await.unwrap();
            if info["job"]["state"] == state {
                return info;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Sends bytes as they are, and gives status and body of the answer.
    pub(crate) async fn raw(&self, request: &[u8]) -> (u16, Value) {
        let text = self.text(request).await;
        let status = text.split(' ').nth(1).unwrap().parse().unwrap();
        let body = text.split_once("\r\n\r\n").unwrap().1;
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// Sends bytes as they are, and gives the answer as it comes.
    pub(crate) async fn text(&self, request: &[u8]) -> String {
        let mut stream = tokio::net::UnixStream::connect(self.client.path()).await.unwrap();
        // The server may answer and close before it has read all.
        let _ = stream.write_all(request).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    /// A file that a run leaves.
    pub(crate) fn log(&self, run: &str, file: &str, content: &str) -> PathBuf {
        let folder = self.folder.path().join("runs").join(run);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(file), content).unwrap();
        folder
    }

    /// The audit log so far.
    pub(crate) fn audit(&self) -> Vec<Audit> {
        let journal = self.journal.0.lock().unwrap();
        let notes = journal.iter().flat_map(|entry| &entry.notes).map(|bytes| Note::read(bytes).unwrap());
        notes.filter_map(|note| if let Note::Audit(audit) = note { Some(audit) } else { None }).collect()
    }

    /// Ends the API and the world; both must.
    pub(crate) async fn end(self) -> tempfile::TempDir {
        self.shutdown.begin();
        self.serving.await.unwrap();
        self.handle.stop().unwrap();
        tokio::task::spawn_blocking(|| self.core.join().unwrap()).await.unwrap();
        self.folder
    }
}

/// Status, code and field of a refusal.
pub(crate) fn refusal(answer: Result<Value, ClientError>) -> (u16, String, Option<String>) {
    match answer {
        Err(ClientError::Refused(status, problem)) => {
            assert!(!problem.message.is_empty() && !problem.hint.is_empty(), "{problem:?}");
            (status, problem.code, problem.field)
        }
        other => panic!("no refusal: {other:?}"),
    }
}
