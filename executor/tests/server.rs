//! A whole server on a thread: real processes, a real journal, restarts.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that drives programs, says what it measured, and ends where something is wrong"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use engine::{Command, Event, JobId, NodeId, Span};
use executor::config::Config;
use executor::job_file::{JobFile, Spoken};
use executor::machine;
use executor::note::Audit;
use executor::server::{Ready, ServeError, Setup, serve};
use executor::store::records::{Reader, UsageFilter, UsageKey};
use executor::store::{Start, read_local};
use executor::view::{self, JobView};
use executor::world::{Done, Wish};
use tokio::runtime::{Builder, Runtime};

/// A server with four declared GPUs, on a thread of its own.
struct Server {
    ready: Ready,
    thread: JoinHandle<Result<(), ServeError>>,
    runtime: Runtime,
}

fn setup(state: &Path, policy: &str) -> Setup {
    Setup {
        state: state.to_owned(),
        config: Config { policy: policy.to_owned(), grace: Spoken(Span::secs(5)), ..Config::default() },
        machines: machine::declared(4, "declared"),
        shim: vec![env!("CARGO_BIN_EXE_trainyard-shim").into()],
        start: Start::Newest,
    }
}

impl Server {
    fn start(setup: Setup) -> Result<Self, ServeError> {
        let (sender, receiver) = channel();
        let thread = thread::spawn(move || {
            serve(&setup, |ready| {
                sender.send(ready).unwrap();
                Ok(())
            })
        });
        match receiver.recv() {
            Ok(ready) => Ok(Self { ready, thread, runtime: Builder::new_current_thread().build().unwrap() }),
            Err(_) => Err(thread.join().unwrap().unwrap_err()),
        }
    }

    fn ask(&self, wish: Wish) -> Done {
        let audit = Audit { who: "ada".to_owned(), from: "unix".to_owned(), ..Audit::default() };
        self.runtime.block_on(self.ready.handle.ask(wish, audit)).unwrap()
    }

    fn submit(&self, file: JobFile) -> JobId {
        match self.ask(Wish::Submit { file: Box::new(file), key: None, user: None }) {
            Done::Job(job) => job,
            other => panic!("{other:?}"),
        }
    }

    fn job(&self, id: JobId) -> JobView {
        self.runtime.block_on(self.ready.handle.look(move |core, book| view::job(core, book, id))).unwrap().unwrap()
    }

    /// Waits until the job is in this state.
    fn until(&self, id: JobId, state: &str) -> JobView {
        let begun = Instant::now();
        loop {
            let job = self.job(id);
            if job.state == state {
                return job;
            }
            assert!(begun.elapsed() < Duration::from_mins(1), "job {} is {} and not {state}: {job:?}", id.0, job.state);
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn stop(self) {
        self.ready.handle.stop().unwrap();
        self.thread.join().unwrap().unwrap();
    }
}

fn shell(script: &str, gpus: f64) -> JobFile {
    JobFile { gpus, ..JobFile::plain(vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()]) }
}

#[test]
fn jobs_run_and_end_and_are_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(setup(folder.path(), "fifo")).unwrap();
    let good = server.submit(JobFile { name: Some("good".to_owned()), ..shell("echo $CUDA_VISIBLE_DEVICES", 2.0) });
    let bad = server.submit(shell("exit 3", 1.0));
    server.until(good, "finished");
    server.until(bad, "failed");
    let log = folder.path().join("runs/0-1/task-0/stdout");
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "0,1\n");
    let records = server.ready.folders.records();
    server.stop();
    let reader = Reader::open(&records).unwrap();
    let job = reader.job(1).unwrap().unwrap();
    assert_eq!((job.job.state.as_str(), job.job.exit_code), ("failed", Some(3)));
}

#[test]
fn a_job_of_a_higher_priority_takes_the_gpus_of_one_that_saves_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(setup(folder.path(), "priority")).unwrap();
    let script = "if [ -n \"$TRAINYARD_CHECKPOINT\" ]; then echo resumed from $TRAINYARD_CHECKPOINT; exit 0; fi
        trap 'echo step-7 >&\"$TRAINYARD_SAVED_FD\"; exit 0' TERM
        echo ready; while :; do sleep 0.05; done";
    let low = server.submit(shell(script, 4.0));
    server.until(low, "running");
    let log = folder.path().join("runs/0-1/task-0/stdout");
    let begun = Instant::now();
    while !std::fs::read_to_string(&log).is_ok_and(|text| text.contains("ready")) {
        assert!(begun.elapsed() < Duration::from_secs(30));
        thread::sleep(Duration::from_millis(10));
    }
    let high = server.submit(JobFile { priority: 10, ..shell("true", 3.0) });
    server.until(high, "finished");
    let low = server.until(low, "finished");
    assert_eq!((low.preemptions, low.attempts, low.checkpoint.as_deref()), (1, 2, Some("step-7")));
    let again = std::fs::read_to_string(folder.path().join("runs/0-2/task-0/stdout")).unwrap();
    assert_eq!(again, "resumed from step-7\n");
    server.stop();
}

#[test]
fn programs_go_on_while_no_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(setup(folder.path(), "fifo")).unwrap();
    let done = folder.path().join("done");
    let script = format!("while [ ! -e {0}/go ]; do sleep 0.02; done; echo once >> {0}/done", folder.path().display());
    let job = server.submit(shell(&script, 4.0));
    let waiting = server.submit(shell("true", 1.0));
    server.until(job, "running");
    assert_eq!(server.job(waiting).state, "pending");
    assert!(server.job(waiting).reason.is_some());
    server.stop();
    std::fs::write(folder.path().join("go"), "").unwrap();
    let begun = Instant::now();
    while !done.exists() {
        assert!(begun.elapsed() < Duration::from_secs(30));
        thread::sleep(Duration::from_millis(10));
    }
    let server = Server::start(setup(folder.path(), "fifo")).unwrap();
    server.until(job, "finished");
    server.until(waiting, "finished");
    server.stop();
    assert_eq!(std::fs::read_to_string(done).unwrap(), "once\n");
}

#[test]
fn what_operators_do_holds_after_a_restart_and_under_another_policy() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(setup(folder.path(), "fifo")).unwrap();
    assert_eq!(server.ask(Wish::Drain { node: NodeId(0), reason: "new fan".to_owned() }), Done::Done);
    let held = server.submit(JobFile { hold: true, ..shell("true", 1.0) });
    let waits = server.submit(shell("true", 1.0));
    server.stop();
    let server = Server::start(setup(folder.path(), "las")).unwrap();
    assert!(server.ready.warnings.iter().any(|warning| warning.contains("policy")), "{:?}", server.ready.warnings);
    let nodes = server.runtime.block_on(server.ready.handle.look(view::nodes)).unwrap();
    assert_eq!((nodes[0].state.as_str(), nodes[0].reason.as_deref()), ("draining", Some("new fan")));
    assert_eq!((server.job(held).state.as_str(), server.job(waits).state.as_str()), ("held", "pending"));
    assert_eq!(server.ask(Wish::Resume(NodeId(0))), Done::Done);
    server.until(waits, "finished");
    assert_eq!(server.ask(Wish::Cancel(held)), Done::Done);
    assert_eq!(server.job(held).state, "cancelled");
    server.stop();
}

#[test]
fn a_submission_with_the_same_key_is_the_same_job_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let wish = || Wish::Submit { file: Box::new(shell("true", 0.0)), key: Some("k".to_owned()), user: None };
    let server = Server::start(setup(folder.path(), "fifo")).unwrap();
    assert_eq!(server.ask(wish()), Done::Job(JobId(0)));
    assert_eq!(server.ask(wish()), Done::Again(JobId(0)));
    server.stop();
    let server = Server::start(setup(folder.path(), "fifo")).unwrap();
    assert_eq!(server.ask(wish()), Done::Again(JobId(0)));
    server.stop();
}

#[test]
fn what_cannot_be_is_refused_with_its_field() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(setup(folder.path(), "fifo")).unwrap();
    for (file, field) in [
        (shell("true", 5.0), "gpus"),
        (shell("true", 1.5), "gpus"),
        (JobFile { tasks: 0, ..shell("true", 1.0) }, "tasks"),
        (JobFile { tasks: 5, ..shell("true", 1.0) }, "tasks"),
        (JobFile::plain(Vec::new()), "command"),
        (JobFile { gpu_models: vec!["H100".to_owned()], ..shell("true", 1.0) }, "gpu_models"),
        (JobFile { signal: "KILL".to_owned(), ..shell("true", 1.0) }, "signal"),
        (JobFile { after: vec!["nobody".to_owned()], ..shell("true", 1.0) }, "after"),
        (JobFile { tenant: Some("a/../b".to_owned()), ..shell("true", 1.0) }, "tenant"),
        (JobFile { required: Some("rack".to_owned()), ..shell("true", 1.0) }, "required"),
    ] {
        match server.ask(Wish::Submit { file: Box::new(file), key: None, user: None }) {
            Done::Refused(refused) => assert_eq!(refused.field, field, "{refused}"),
            other => panic!("{field}: {other:?}"),
        }
    }
    assert!(matches!(server.ask(Wish::Cancel(JobId(7))), Done::Unknown(_)));
    server.stop();
}

#[test]
fn a_second_server_and_a_clairvoyant_policy_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(setup(folder.path(), "fifo")).unwrap();
    let all_knowing = Server::start(setup(&folder.path().join("other"), "srtf")).err().unwrap();
    assert!(matches!(all_knowing, ServeError::Policy(_)), "{all_knowing}");
    let second = Server::start(setup(folder.path(), "fifo")).err().unwrap();
    assert!(matches!(second, ServeError::Store(_)), "{second}");
    server.stop();
}

#[test]
fn a_node_may_get_more_gpus_and_may_not_lose_those_that_jobs_hold() {
    let folder = tempfile::tempdir().unwrap();
    let with = |gpus| Setup { machines: machine::declared(gpus, "declared"), ..setup(folder.path(), "fifo") };
    let server = Server::start(with(4)).unwrap();
    let held = server.submit(shell("sleep 300", 4.0));
    server.until(held, "running");
    let too_large = Wish::Submit { file: Box::new(shell("true", 8.0)), key: None, user: None };
    assert!(matches!(server.ask(too_large), Done::Refused(_)));
    server.stop();
    let refused = Server::start(with(2)).err().unwrap();
    assert!(matches!(refused, ServeError::ClusterChanged { .. }), "{refused}");
    // The refusal has changed nothing: twice, and then as it was.
    assert!(Server::start(with(2)).is_err());
    Server::start(with(4)).unwrap().stop();
    let server = Server::start(with(8)).unwrap();
    let beside = server.submit(shell("true", 4.0));
    server.until(beside, "finished");
    let large = server.submit(shell("true", 8.0));
    server.ask(Wish::Cancel(held));
    server.until(large, "finished");
    server.stop();
    // Nothing runs any more that holds what would be missing.
    Server::start(with(2)).unwrap().stop();
}

/// Thousandths of GPUs times microseconds of each job, by the journal alone.
fn held_by_journal(state: &Path) -> BTreeMap<JobId, u128> {
    let (mut held, mut open, mut now) = (BTreeMap::new(), BTreeMap::new(), 0);
    for segment in &read_local(state, Start::Snapshot(1)).unwrap().segments {
        for entry in segment.entries() {
            let (_, entry) = entry.unwrap();
            for fact in entry.facts {
                now = fact.at.0;
                if let Event::Ended { run, .. } = fact.event
                    && let Some((milli, from)) = open.remove(&run)
                {
                    *held.entry(run.job).or_insert(0) += u128::from(now - from) * milli;
                }
            }
            for order in entry.orders {
                if let Command::Launch { run, placement, .. } = order {
                    let milli: u64 = placement.iter().map(engine::Slice::gpu_milli).sum();
                    open.insert(run, (u128::from(milli), now));
                }
            }
        }
    }
    assert!(open.is_empty(), "all have ended");
    held
}

#[test]
fn usage_is_what_the_journal_says_also_when_records_are_old_or_gone() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let server = Server::start(setup(state, "fifo")).unwrap();
    let records = server.ready.folders.records();
    let job = |tenant: &str, script: &str, gpus| JobFile { tenant: Some(tenant.to_owned()), ..shell(script, gpus) };
    let first = [server.submit(job("a/b", "sleep 0.1", 2.0)), server.submit(job("c", "exit 3", 0.5))];
    server.until(first[0], "finished");
    server.until(first[1], "failed");
    server.stop();
    let old = state.join("old.sqlite");
    std::fs::copy(&records, &old).unwrap();
    let server = Server::start(setup(state, "fifo")).unwrap();
    let second = [server.submit(job("a/b", "sleep 0.2", 3.0)), server.submit(job("a", "true", 1.0))];
    for job in second {
        server.until(job, "finished");
    }
    server.stop();
    let held = held_by_journal(state);
    let expected: BTreeMap<String, u128> =
        [("a", held[&JobId(3)]), ("a/b", held[&JobId(0)] + held[&JobId(2)]), ("c", held[&JobId(1)])]
            .map(|(tenant, held)| (tenant.to_owned(), held))
            .into();
    let usage = || {
        let filter =
            UsageFilter { first: 0, last: 2_000_000, below: None, by: UsageKey::Tenant, now_us: u64::MAX >> 12 };
        let usage = Reader::open(&records).unwrap().usage(&filter).unwrap();
        assert_eq!((usage["c"].failed, usage["c"].jobs, usage["a/b"].runs), (usage["c"].held, 1, 2));
        usage.into_iter().map(|(tenant, usage)| (tenant, usage.held)).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(usage(), expected);
    // Records that are behind, and none at all.
    for remains in [Some(&old), None] {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(state.join(format!("records.sqlite{end}")));
        }
        if let Some(old) = remains {
            std::fs::copy(old, &records).unwrap();
        }
        Server::start(setup(state, "fifo")).unwrap().stop();
        assert_eq!(usage(), expected, "{remains:?}");
    }
}
