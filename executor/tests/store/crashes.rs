//! Failures and crashes at every operation: what was acknowledged is there after a restart, in order, and nothing else
//! than what was appended.

use std::io::ErrorKind;
use std::path::Path;

use executor::store::{Start, Store, StoreError};
use proptest::prelude::*;

use crate::disk::{Crash, Failure, SimDisk};
use crate::support::{STATE, acknowledge, entry, header, history, snapshot};

/// A server and what it promised.
struct Server {
    disk: SimDisk,
    store: Option<Store<SimDisk>>,
    /// Entries that were ever handed over, in order; after a restart those that were found.
    appended: Vec<u64>,
    /// How many of them were acknowledged.
    acknowledged: usize,
    next: u64,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Append,
    Commit,
    Rotate,
    Restart(Crash),
}

impl Server {
    fn new() -> Self {
        Self { disk: SimDisk::default(), store: None, appended: Vec::new(), acknowledged: 0, next: 0 }
    }

    fn policy(&self) -> String {
        // It changes now and then, as after an edit of the configuration.
        format!("fifo[{}]", self.next / 8)
    }

    /// Starts, and compares what is there with what was promised.
    fn start(&mut self) -> Result<(), StoreError> {
        let header = header(&self.policy());
        let state = Path::new(STATE);
        let (mut store, recovered) = Store::open_on(self.disk.clone(), state, &header, Start::Newest)?;
        let found = if recovered.segments.is_empty() { Vec::new() } else { history(&self.disk, state, &recovered) };
        assert!(found.len() >= self.acknowledged, "{} of {} are there", found.len(), self.acknowledged);
        assert_eq!(found[..], self.appended[..found.len()]);
        // A segment never appears without the snapshot that it begins from: its header may be another.
        assert!(recovered.segments.len() <= 1);
        assert_eq!(recovered.end().unwrap_or(store.position()), store.position());
        self.acknowledged = found.len();
        self.appended = found;
        if !store.changed().is_empty() {
            assert!(matches!(store.append(&entry(0)), Err(StoreError::HeaderChanged { .. })));
            store.rotate(&snapshot(self.appended.len() as u64), &header)?;
        }
        self.store = Some(store);
        Ok(())
    }

    fn take(&mut self, step: Step, seed: u64) -> Result<(), StoreError> {
        let Some(store) = self.store.as_mut() else { return self.start() };
        match step {
            Step::Append => {
                store.append(&entry(self.next))?;
                self.appended.push(self.next);
                self.next += 1;
            }
            Step::Commit => {
                store.commit()?;
                self.acknowledged = self.appended.len();
            }
            Step::Rotate => {
                let header = header(&format!("fifo[{}]", self.next / 8));
                store.rotate(&snapshot(self.appended.len() as u64), &header)?;
                self.acknowledged = self.appended.len();
            }
            Step::Restart(crash) => {
                self.store = None;
                self.disk.restart(crash, seed);
                return self.start();
            }
        }
        Ok(())
    }

    /// Starts again on a disk that works, and takes a few steps to see that all is well.
    fn survive(&mut self, crash: Crash, seed: u64) {
        self.store = None;
        self.disk.heal();
        self.disk.restart(crash, seed);
        self.start().unwrap();
        for step in [Step::Append, Step::Commit, Step::Rotate, Step::Append, Step::Commit] {
            self.take(step, seed).unwrap();
        }
        self.take(Step::Restart(Crash::Power), seed).unwrap();
        assert_eq!(self.acknowledged, self.appended.len());
    }
}

const SCRIPT: [Step; 15] = [
    Step::Append,
    Step::Commit,
    Step::Append,
    Step::Append,
    Step::Commit,
    Step::Append,
    Step::Rotate,
    Step::Append,
    Step::Commit,
    Step::Restart(Crash::Process),
    Step::Append,
    Step::Rotate,
    Step::Append,
    Step::Restart(Crash::Power),
    Step::Append,
];

const FAILURES: [Failure; 3] =
    [Failure::Death, Failure::Error(ErrorKind::StorageFull), Failure::Error(ErrorKind::Interrupted)];

/// Plays the script with one failure at an operation. A server that lives goes on as if nothing had happened.
fn play(operation: usize, failure: Failure, crash: Crash, seed: u64) -> usize {
    let mut server = Server::new();
    server.disk.fail(operation, failure, seed);
    // A step that fails promises nothing.
    let _ = server.start();
    for step in SCRIPT {
        if server.disk.is_dead() {
            break;
        }
        let _ = server.take(step, seed);
    }
    let operations = server.disk.operations();
    server.survive(crash, seed);
    operations
}

#[test]
fn a_failure_of_any_operation_loses_nothing_that_was_acknowledged() {
    let operations = play(usize::MAX - 1, Failure::Death, Crash::Process, 0);
    assert!(operations > 50, "{operations}");
    for operation in 0..operations {
        for failure in FAILURES {
            for crash in [Crash::Process, Crash::Power] {
                for seed in 0..6 {
                    play(operation, failure, crash, seed);
                }
            }
        }
    }
}

#[test]
fn a_start_that_dies_while_it_finishes_a_rotation_leaves_it_to_be_finished() {
    for (killed_at, dies_at) in (0..10).flat_map(|killed_at| (0..10).map(move |dies_at| (killed_at, dies_at))) {
        for seed in 0..20 {
            let mut server = Server::new();
            server.start().unwrap();
            for step in [Step::Append, Step::Commit] {
                server.take(step, seed).unwrap();
            }
            server.disk.fail(killed_at, Failure::Death, seed);
            let _ = server.take(Step::Rotate, seed);
            server.store = None;
            server.disk.restart(Crash::Process, seed);
            server.disk.fail(dies_at, Failure::Death, seed);
            let _ = server.start();
            server.survive(Crash::Power, seed);
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Append),
        4 => Just(Step::Commit),
        1 => Just(Step::Rotate),
        1 => prop::sample::select(vec![Step::Restart(Crash::Process), Step::Restart(Crash::Power)]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn many_failures_in_a_row_lose_nothing_either(
        steps in prop::collection::vec(step(), 1..40),
        failures in prop::collection::vec((0_usize..40, 0_usize..3, any::<bool>(), any::<u64>()), 1..12),
    ) {
        let mut server = Server::new();
        let mut steps = steps.into_iter().cycle();
        for (operation, failure, power, seed) in failures {
            server.disk.fail(operation, FAILURES[failure], seed);
            for _ in 0..40 {
                let _ = server.take(steps.next().unwrap(), seed);
                if server.disk.is_dead() {
                    break;
                }
            }
            server.store = None;
            server.disk.restart(if power { Crash::Power } else { Crash::Process }, seed);
        }
        server.survive(Crash::Power, 1);
    }
}

#[test]
fn after_a_full_disk_nothing_more_is_written_and_nothing_unacknowledged_comes_back() {
    for (operation, name) in [(0, "write"), (1, "sync")] {
        let disk = SimDisk::default();
        let state = Path::new(STATE);
        let (mut store, _) = Store::open_on(disk.clone(), state, &header("fifo"), Start::Newest).unwrap();
        acknowledge(&mut store, 0).unwrap();
        disk.fail(operation, Failure::Error(ErrorKind::StorageFull), 3);
        let error = acknowledge(&mut store, 1).unwrap_err();
        assert!(error.to_string().starts_with(&format!("cannot {name}")), "{error}");
        assert!(error.hint().contains("make room"), "{}", error.hint());
        for _ in 0..2 {
            assert!(matches!(store.append(&entry(2)), Err(StoreError::Poisoned { .. })));
            assert!(matches!(store.commit(), Err(StoreError::Poisoned { .. })));
            assert!(matches!(store.rotate(&snapshot(1), &header("fifo")), Err(StoreError::Poisoned { .. })));
        }
        drop(store);
        let (_, recovered) = Store::open_on(disk.clone(), state, &header("fifo"), Start::Newest).unwrap();
        assert_eq!(history(&disk, state, &recovered), [0], "{name}");
        assert_eq!(recovered.warnings, []);
    }
}

#[test]
fn a_snapshot_that_cannot_be_written_leaves_the_journal_as_it_was() {
    let state = Path::new(STATE);
    // The operations of a rotation before its point of no return.
    for operation in 0..6 {
        let disk = SimDisk::default();
        let (mut store, _) = Store::open_on(disk.clone(), state, &header("fifo"), Start::Newest).unwrap();
        acknowledge(&mut store, 0).unwrap();
        disk.fail(operation, Failure::Error(ErrorKind::StorageFull), 1);
        store.rotate(&snapshot(1), &header("fifo")).unwrap_err();
        acknowledge(&mut store, 1).unwrap();
        store.rotate(&snapshot(2), &header("fifo")).unwrap();
        acknowledge(&mut store, 2).unwrap();
        disk.restart(Crash::Power, operation as u64);
        let (store, recovered) = Store::open_on(disk.clone(), state, &header("fifo"), Start::Newest).unwrap();
        assert_eq!((store.position().segment, store.position().record), (2, 1));
        assert_eq!(history(&disk, state, &recovered), [0, 1, 2]);
    }
}
