//! What a server keeps and what it lets go: run folders, checkpoints after a restart, the order of operators, and nodes whose
//! GPUs fail.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that drives programs, and ends where something is wrong"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use engine::{Event, JobId, NodeId, Span};
use executor::config::Config;
use executor::health::{DeviceView, Devices, Gpus, Monitor, Sign, Symptom, watch};
use executor::job_file::{JobFile, Spoken};
use executor::machine;
use executor::note::{Audit, Note};
use executor::server::{Ready, ServeError, Setup, serve};
use executor::store::Start;
use executor::view::{self, JobView, NodeView};
use executor::world::{Done, Wish};
use tokio::runtime::{Builder, Runtime};

const PATIENCE: Duration = Duration::from_mins(1);

/// A server with four declared GPUs, on a thread of its own.
struct Server {
    state: PathBuf,
    ready: Ready,
    thread: JoinHandle<Result<(), ServeError>>,
    runtime: Runtime,
}

fn config() -> Config {
    Config { policy: "fifo".to_owned(), grace: Spoken(Span::secs(5)), ..Config::default() }
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

impl Server {
    fn start(state: &Path, config: Config) -> Self {
        let setup = Setup {
            state: state.to_owned(),
            config,
            machines: machine::declared(4, "declared"),
            shim: vec![env!("CARGO_BIN_EXE_trainyard-shim").into()],
            start: Start::Newest,
        };
        let (sender, receiver) = channel();
        let attend = move |ready| {
            sender.send(ready).unwrap();
            Ok(())
        };
        let thread = thread::spawn(move || serve(&setup, attend));
        let ready = receiver.recv().unwrap();
        let runtime = Builder::new_current_thread().build().unwrap();
        Self { state: state.to_owned(), ready, thread, runtime }
    }

    fn ask(&self, wish: Wish) -> Done {
        let audit = Audit { who: "ada".to_owned(), from: "unix".to_owned(), ..Audit::default() };
        self.runtime.block_on(self.ready.handle.ask(wish, audit)).unwrap()
    }

    fn submit(&self, script: &str, gpus: f64) -> JobId {
        let command = vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()];
        let file = Box::new(JobFile { gpus, ..JobFile::plain(command) });
        match self.ask(Wish::Submit { file, key: None, user: None }) {
            Done::Job(job) => job,
            other => panic!("{other:?}"),
        }
    }

    fn job(&self, id: JobId) -> JobView {
        self.runtime.block_on(self.ready.handle.look(move |core, book| view::job(core, book, id))).unwrap().unwrap()
    }

    fn until(&self, id: JobId, state: &str) -> JobView {
        eventually(&format!("job {} is {state}", id.0), || self.job(id).state == state);
        self.job(id)
    }

    fn node(&self) -> NodeView {
        self.runtime.block_on(self.ready.handle.look(view::nodes)).unwrap().remove(0)
    }

    fn run(&self, name: &str) -> PathBuf {
        self.state.join("runs").join(name)
    }

    fn stop(self) {
        self.ready.handle.stop().unwrap();
        self.thread.join().unwrap().unwrap();
    }
}

/// All facts and notes of the journal.
fn journal(state: &Path) -> (Vec<Event>, Vec<Note>) {
    let (mut facts, mut notes) = (Vec::new(), Vec::new());
    let mut segments: Vec<PathBuf> =
        std::fs::read_dir(state.join("journal")).unwrap().map(|entry| entry.unwrap().path()).collect();
    segments.sort();
    for segment in segments {
        let bytes = std::fs::read(segment).unwrap();
        let (_, mut reader) = engine::journal::Reader::new(&bytes).unwrap();
        while let Some(entry) = reader.next_entry().unwrap() {
            facts.extend(entry.facts.into_iter().map(|input| input.event));
            notes.extend(entry.notes.iter().map(|note| Note::read(note).unwrap()));
        }
    }
    (facts, notes)
}

#[test]
fn folders_of_ended_runs_go_by_age_and_those_of_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    std::fs::create_dir_all(state.join("runs/.going-9-1/task-0")).unwrap();
    std::fs::create_dir_all(state.join("runs/77-1/task-0")).unwrap();
    let keep_runs = Spoken(Span(500_000));
    let server = Server::start(&state, Config { keep_runs, ..config() });
    let brief = server.submit("echo brief", 0.0);
    let saved = server.submit("echo weights > $TRAINYARD_CHECKPOINT_DIR/model", 0.0);
    let stays = server.submit("echo stays; sleep 1000", 1.0);
    // A run of a job that has not ended.
    let again = server.submit("echo again; sleep 1000", 1.0);
    server.until(again, "running");
    server.ask(Wish::Hold { job: again, reason: String::new() });
    server.until(again, "held");
    server.until(brief, "finished");
    server.until(saved, "finished");
    server.until(stays, "running");
    eventually("ended runs are gone", || ["0-1", "1-1", "3-1"].iter().all(|run| !server.run(run).exists()));
    assert!(server.run("2-1").join("task-0/stdout").exists(), "it runs");
    assert!(server.run("77-1").exists(), "nobody knows whose it is");
    assert!(!server.run(".going-9-1").exists(), "an earlier server had begun with it");
    eventually("an empty place for checkpoints is gone", || !state.join("checkpoints/0").exists());
    assert!(state.join("checkpoints/1/model").exists(), "what a job saved is its owner's");
    assert!(state.join("checkpoints/3").exists(), "the job has not ended");
    // The job goes on in a run of its own, also under a server that finds nothing of the runs before.
    server.stop();
    let server = Server::start(&state, Config { keep_runs, ..config() });
    assert_eq!(server.job(stays).attempts, 1);
    server.ask(Wish::Release(again));
    server.until(again, "running");
    assert!(server.run("3-2").exists());
    for job in [stays, again] {
        server.ask(Wish::Cancel(job));
        server.until(job, "cancelled");
    }
    server.stop();
    let (_, notes) = journal(&state);
    let removed =
        |note: &Note| matches!(note, Note::Audit(audit) if audit.verb == "run.remove" && audit.who == "server");
    assert!(notes.iter().any(removed), "removals are in the audit log");
}

#[test]
fn the_oldest_run_goes_when_all_hold_too_much() {
    let folder = tempfile::tempdir().unwrap();
    // The age only sets how often somebody looks.
    let keep = Config { keep_runs: Spoken(Span::secs(2)), keep_runs_bytes: 300_000, ..config() };
    let server = Server::start(folder.path(), Config { keep_runs: Spoken(Span::secs(0)), ..keep.clone() });
    for _ in 0..3 {
        let job = server.submit("head -c 200000 /dev/zero", 0.0);
        server.until(job, "finished");
    }
    server.stop();
    let server = Server::start(folder.path(), Config { keep_runs: Spoken(Span::secs(3600)), ..keep.clone() });
    assert!(server.run("0-1").exists());
    server.stop();
    let server = Server::start(folder.path(), keep);
    eventually("the oldest are gone", || !server.run("0-1").exists() && !server.run("1-1").exists());
    server.stop();
}

#[test]
fn a_checkpoint_that_is_in_the_journal_is_not_written_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), config());
    let go = folder.path().join("go");
    let script = format!(
        "echo >&$TRAINYARD_SAVED_FD; echo one >&$TRAINYARD_SAVED_FD
         while [ ! -e {} ]; do sleep 0.02; done; echo three >&$TRAINYARD_SAVED_FD; sleep 1000",
        go.display()
    );
    let job = server.submit(&script, 1.0);
    let saves = |state: &Path| journal(state).0.iter().filter(|event| matches!(event, Event::Saved { .. })).count();
    eventually("both were seen", || server.job(job).checkpoint.as_deref() == Some("one"));
    server.stop();
    assert_eq!(saves(folder.path()), 2);
    for _ in 0..2 {
        let server = Server::start(folder.path(), config());
        // A run that starts after the restart is seen after all that the launcher tells of runs before.
        let after = server.submit("true", 0.0);
        server.until(after, "finished");
        thread::sleep(Duration::from_millis(100));
        server.stop();
        assert_eq!(saves(folder.path()), 2);
    }
    let server = Server::start(folder.path(), config());
    std::fs::write(go, "").unwrap();
    eventually("a new one is told", || server.job(job).checkpoint.as_deref() == Some("three"));
    server.ask(Wish::Cancel(job));
    server.until(job, "cancelled");
    server.stop();
    assert_eq!(saves(folder.path()), 3);
}

#[test]
fn a_job_that_was_put_first_is_first_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), config());
    let running = server.submit("sleep 1000", 4.0);
    let (earlier, first) = (server.submit("sleep 1000", 4.0), server.submit("sleep 1000", 4.0));
    server.until(running, "running");
    assert_eq!(server.ask(Wish::PutFirst(first)), Done::Done);
    assert_eq!(server.ask(Wish::PutFirst(JobId(9))), Done::Unknown("there is no job 9".to_owned()));
    server.stop();
    let server = Server::start(folder.path(), config());
    assert!(server.job(first).first && !server.job(earlier).first);
    server.ask(Wish::Cancel(running));
    server.until(first, "running");
    assert_eq!(server.job(earlier).state, "pending");
    for job in [first, earlier] {
        server.ask(Wish::Cancel(job));
        server.until(job, "cancelled");
    }
    server.stop();
}

/// GPUs that are as sick as a test wants them.
struct Pretended(Receiver<Vec<Symptom>>);

impl Gpus for Pretended {
    fn wait(&mut self, _: Duration) -> Option<Vec<Symptom>> {
        self.0.recv().ok()
    }
}

fn monitored(server: &Server) -> (Sender<Vec<Symptom>>, Arc<Devices>, JoinHandle<()>) {
    let view = |index| DeviceView {
        index,
        uuid: format!("GPU-{index}"),
        model: "H100".to_owned(),
        memory_mib: 81_559,
        driver: "570".to_owned(),
        health: "ok".to_owned(),
        note: None,
    };
    let devices = Arc::new(Devices::new("node-0000", (0..4).map(view).collect()));
    let monitor = Monitor {
        handle: server.ready.handle.clone(),
        node: NodeId(0),
        boards: vec![0, 1, 2, 3],
        devices: Arc::clone(&devices),
        pause: Duration::from_secs(1),
    };
    let (sender, receiver) = channel();
    let runtime = Builder::new_current_thread().build().unwrap();
    let thread = thread::spawn(move || watch(&monitor, &mut Pretended(receiver), &runtime));
    (sender, devices, thread)
}

#[test]
fn a_gpu_that_fails_drains_its_node_until_an_operator_gives_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), config());
    let (hit, spared) = (server.submit("sleep 1000", 2.0), server.submit("sleep 1000", 2.0));
    server.until(hit, "running");
    server.until(spared, "running");
    assert_eq!(server.job(hit).nodes[0].1, [0, 1]);
    let (symptoms, devices, thread) = monitored(&server);
    let see = |board, sign| symptoms.send(vec![Symptom { board, sign }]).unwrap();
    let resume = || {
        assert_eq!(server.ask(Wish::Resume(NodeId(0))), Done::Done);
        assert_eq!(server.node().state, "up");
    };
    // An error of an application is shown, and no more.
    see(3, Sign::Xid(31));
    eventually("it is shown", || devices.all()[3].note.as_deref().is_some_and(|note| note.starts_with("XID 31")));
    assert_eq!((server.node().state.as_str(), devices.all()[3].health.as_str()), ("up", "ok"));
    // A fault of the GPU: no more work, what runs goes on.
    see(3, Sign::Xid(74));
    eventually("the node drains", || server.node().state == "draining");
    let node = server.node();
    assert_eq!((node.reason.as_deref(), node.by.as_deref()), (Some("GPU 3: XID 74, NVLink error"), Some("health")));
    assert_eq!(devices.all()[3].health, "XID 74, NVLink error");
    assert_eq!((server.job(hit).state.as_str(), server.job(spared).state.as_str()), ("running", "running"));
    resume();
    // A lost GPU: its run cannot go on, and its job waits for another; that is no failure of it.
    see(1, Sign::Lost);
    server.until(hit, "pending");
    assert_eq!((server.job(spared).state.as_str(), server.job(spared).attempts), ("running", 1));
    assert_eq!(server.node().reason.as_deref(), Some("GPU 1: it is lost: it has fallen off the bus"));
    resume();
    assert_eq!(server.until(hit, "running").attempts, 2);
    // What an operator has seen drains nothing again; what is new does.
    see(1, Sign::Lost);
    see(0, Sign::Uncorrected(0));
    see(0, Sign::Strangers(vec![4711]));
    eventually("all was seen", || devices.all()[0].note.is_some());
    assert_eq!(server.node().state, "up");
    server.ask(Wish::Drain { node: NodeId(0), reason: "new fan".to_owned() });
    see(0, Sign::Uncorrected(2));
    eventually("both reasons are kept", || {
        server
            .node()
            .reason
            .is_some_and(|reason| reason.starts_with("GPU 0: 2 memory errors") && reason.ends_with("by ada: new fan"))
    });
    for job in [hit, spared] {
        server.ask(Wish::Cancel(job));
        server.until(job, "cancelled");
    }
    drop(symptoms);
    thread.join().unwrap();
    server.stop();
    let (_, notes) = journal(folder.path());
    let by_health = |note: &&Note| matches!(note, Note::Audit(audit) if audit.who == "health");
    let verbs: Vec<String> = notes
        .iter()
        .filter(by_health)
        .map(|note| if let Note::Audit(audit) = note { audit.verb.clone() } else { String::new() })
        .collect();
    assert_eq!(verbs, ["node.drain", "node.drain", "job.requeue", "node.drain"]);
}
