//! On the disk of this machine: one server at a time, files for their owner, a killed process.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use executor::store::records::{AuditFilter, JobFilter, Projected, Reader, Records, Row, Writer};
use executor::store::{Folders, LocalDisk, Position, Start, Store, StoreError, read_local};

use crate::records::{file, job};
use crate::support::{acknowledge, header, history, numbers, snapshot};

fn open(state: &Path) -> Result<Store, StoreError> {
    Store::open(state, &header("fifo"), Start::Newest).map(|(store, _)| store)
}

#[test]
fn a_second_server_is_refused_and_told_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let store = open(&state).unwrap();
    let error = open(&state).unwrap_err();
    let holder = std::process::id();
    let lock = state.join("lock");
    let expected = format!("another server uses this state folder: {} is locked by process {holder}", lock.display());
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.hint(), "stop that server, or choose another folder with --state");
    // Who only reads needs no lock.
    assert_eq!(read_local(&state, Start::Newest).unwrap().end(), Some(store.position()));
    drop(store);
    open(&state).unwrap();
}

#[test]
fn files_and_folders_are_for_their_owner() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let mut store = open(&state).unwrap();
    acknowledge(&mut store, 0).unwrap();
    store.rotate(&snapshot(1), &header("fifo")).unwrap();
    let folders = Folders::of(&state);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for path in [folders.state(), &folders.journal(), &folders.snapshots()] {
        assert_eq!(mode(path), 0o700, "{}", path.display());
    }
    for path in [folders.lock(), folders.segment(1), folders.segment(2), folders.snapshot(2)] {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn links_and_files_in_the_place_of_folders_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let folders = Folders::of(&state);
    drop(open(&state).unwrap());
    let elsewhere = folder.path().join("elsewhere");
    for path in [folders.segment(1), folders.lock(), folders.journal()] {
        fs::rename(&path, &elsewhere).unwrap();
        symlink(&elsewhere, &path).unwrap();
        let error = open(&state).unwrap_err();
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        assert!(error.hint().contains("not a link"), "{error}: {}", error.hint());
        fs::remove_file(&path).unwrap();
        fs::rename(&elsewhere, &path).unwrap();
    }
    open(&state).unwrap();
    let error = open(&folders.segment(1)).unwrap_err();
    assert!(error.to_string().starts_with("cannot make the folder"), "{error}");
    let error = open(&folder.path().join("no/such")).unwrap_err();
    assert_eq!(error.hint(), "make the folder above it first, or choose another with --state");
}

const CHILD: &str = "STORE_TEST_STATE";

fn start_child(name: &str, state: &Path) -> (Child, impl Iterator<Item = String>) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture"]).env(CHILD, state).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    (child, lines)
}

/// Not a test by itself: what the next one starts and kills. It says which entries are acknowledged.
#[test]
fn child_that_is_killed() {
    let Some(state) = std::env::var_os(CHILD) else { return };
    let (mut store, recovered) = Store::open(Path::new(&state), &header("fifo"), Start::Newest).unwrap();
    let mut next = match recovered.end() {
        Some(_) => history(&LocalDisk, Path::new(&state), &recovered).len() as u64,
        None => 0,
    };
    println!("\nstart {next}");
    loop {
        acknowledge(&mut store, next).unwrap();
        println!("done {next}");
        next += 1;
        if next.is_multiple_of(20) {
            store.rotate(&snapshot(next), &header("fifo")).unwrap();
        }
    }
}

#[test]
fn a_killed_server_loses_nothing_that_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let mut acknowledged = 0;
    for round in 0..12_u64 {
        let (mut child, mut lines) = start_child("local::child_that_is_killed", &state);
        let start: u64 = lines.find_map(|line| line.strip_prefix("start ").map(|n| n.parse().unwrap())).unwrap();
        assert!(start >= acknowledged, "{start} of {acknowledged} are there");
        // What it says until it is killed, at a moment that is nowhere in particular.
        for line in lines.by_ref().take(1 + (round * 7 % 31) as usize) {
            acknowledged = line.strip_prefix("done ").unwrap().parse::<u64>().unwrap() + 1;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let said = lines.filter_map(|line| line.strip_prefix("done ").and_then(|n| n.parse::<u64>().ok()));
        acknowledged = said.last().map_or(acknowledged, |last| last + 1);
    }
    let (store, recovered) = Store::open(&state, &header("fifo"), Start::Newest).unwrap();
    let all = history(&LocalDisk, &state, &recovered);
    assert!(all.len() as u64 >= acknowledged && acknowledged > 12);
    assert_eq!(all, (0..all.len() as u64).collect::<Vec<_>>());
    assert!(store.position().segment > 1);
    assert!(numbers(&recovered).len() <= 20);
}

/// Not a test by itself: what the next one starts and kills. Record n of its journal submits job n.
#[test]
fn child_that_is_killed_while_it_projects() {
    let Some(state) = std::env::var_os(CHILD) else { return };
    let records = Records::open(Path::new(&state), Position { segment: 9, record: 0 }).unwrap().0;
    let first = records.watermark().record as u32 + 1;
    let writer = Writer::start(records, 8).unwrap();
    println!("\nstart {first}");
    for number in first.. {
        let row = Row::Submitted { job: Box::new(job(number)), job_file: "{}".to_owned() };
        let audit = Row::Audit(Box::default());
        let position = Position { segment: 1, record: u64::from(number) };
        writer.send(Projected { position, rows: vec![row, audit] }).unwrap();
        println!("sent {number}");
    }
}

#[test]
fn records_of_a_killed_server_are_exactly_those_up_to_the_watermark() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let mut watermark = Position::START;
    for round in 0..8 {
        let (mut child, mut lines) = start_child("local::child_that_is_killed_while_it_projects", &path);
        lines.nth(5 + round * 331 % 500).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let (records, warnings) = Records::open(&path, Position { segment: 9, record: 0 }).unwrap();
        assert_eq!(warnings, []);
        assert!(records.watermark() >= watermark);
        watermark = records.watermark();
        let reader = Reader::open(&path).unwrap();
        let jobs = reader.jobs(&JobFilter { limit: u32::MAX, ..JobFilter::default() }).unwrap();
        let audit = reader.audit(&AuditFilter { limit: u32::MAX, ..AuditFilter::default() }).unwrap();
        assert_eq!((jobs.len() as u64, audit.len() as u64), (watermark.record, watermark.record));
        assert_eq!(jobs.last().map_or(0, |job| u64::from(job.number)), watermark.record);
    }
    assert!(watermark.record > 100);
}
