//! The server is killed at random moments, again and again, while jobs are submitted and run: nothing that was acknowledged is
//! lost, nothing runs twice, no GPU is held twice, nothing is left over.
//!
//! `TRAINYARD_CRASH_KILLS=200 TRAINYARD_CRASH_SEED=7 cargo test -p executor --test crash -- --nocapture` kills it 200 times.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that drives programs, says what it measured, and ends where something is wrong"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use engine::journal::Reader;
use engine::replay::{Verdict, verify};
use engine::{Core, JobId, RunId};
use executor::config::Config;
use executor::handle::Handle;
use executor::job_file::JobFile;
use executor::machine;
use executor::note::Audit;
use executor::runs::record::{Ended, Started};
use executor::runs::{self, Runs, name, process};
use executor::server::{Setup, serve};
use executor::store::{Start, read_local};
use executor::view;
use executor::world::{Done, Wish};
use policies::Context;

const STATE: &str = "TRAINYARD_CRASH_STATE";
const GPUS: u32 = 8;

/// The server, in a process of its own: this test binary with the variable set. Lines in: `submit KEY GPUS MILLIS`, `open`.
/// Lines out: `ready`, `ack KEY JOB`, `open N`.
#[test]
fn server() {
    let Some(state) = std::env::var_os(STATE) else { return };
    let setup = Setup {
        state: state.into(),
        // Rotations are killed, too.
        config: Config { policy: "fifo[skip=true]".to_owned(), segment_bytes_max: 20_000, ..Config::default() },
        machines: machine::declared(GPUS, "declared"),
        shim: vec![env!("CARGO_BIN_EXE_trainyard-shim").into()],
        start: Start::Newest,
    };
    let done = serve(&setup, |ready| {
        // The line that the test harness has begun ends here.
        println!();
        for warning in &ready.warnings {
            println!("warning {warning}");
        }
        println!("ready");
        thread::spawn(move || attend(&ready.handle));
        Ok(())
    });
    println!("ended {done:?}");
}

fn attend(handle: &Handle) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let handle = handle.clone();
        runtime.spawn(async move {
            if words[0] == "submit" {
                let wish =
                    Wish::Submit { file: Box::new(job(&words[2], &words[3])), key: Some(words[1].clone()), user: None };
                let audit = Audit { who: "ada".to_owned(), ..Audit::default() };
                match handle.ask(wish, audit).await {
                    Ok(Done::Job(job) | Done::Again(job)) => println!("ack {} {}", words[1], job.0),
                    other => println!("refused {other:?}"),
                }
                return;
            }
            let open = handle.look(|core, book| view::open_jobs(core, book, JobId(0), usize::MAX).len()).await;
            println!("open {}", open.unwrap());
        });
    }
}

fn job(gpus: &str, millis: &str) -> JobFile {
    let script = format!(
        "echo $TRAINYARD_JOB $TRAINYARD_ATTEMPT >> ../../../ran; sleep {}",
        millis.parse::<f64>().unwrap() / 1e3
    );
    let state = std::env::var(STATE).unwrap();
    let script = script.replace("../../../ran", &format!("{state}/ran"));
    let mut file = JobFile::plain(vec!["sh".to_owned(), "-c".to_owned(), script]);
    file.gpus = gpus.parse().unwrap();
    file
}

struct Killed {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Killed {
    fn start(state: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["server", "--exact", "--nocapture", "--test-threads=1"])
            .env(STATE, state)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let input = child.stdin.take().unwrap();
        Self { child, input, lines }
    }

    fn until(&self, what: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(Duration::from_mins(1)).expect("the server says something");
            if line.starts_with(what) {
                return line;
            }
            assert!(!line.starts_with("ended") && !line.starts_with("refused"), "{line}");
        }
    }
}

/// A small deterministic source of chance.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

#[derive(Default)]
struct Tally {
    /// Job by key, as acknowledged.
    acked: BTreeMap<String, u32>,
    asked: Vec<String>,
    slowest_ready: Duration,
}

impl Tally {
    fn hear(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        if let ["ack", key, job] = words[..] {
            let job = job.parse().unwrap();
            let before = self.acked.insert(key.to_owned(), job);
            assert!(before.is_none_or(|before| before == job), "key {key} is job {before:?} and job {job}");
        }
        assert!(!line.starts_with("refused") && !line.starts_with("ended"), "{line}");
    }
}

fn kills() -> u64 {
    std::env::var("TRAINYARD_CRASH_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(12)
}

#[test]
fn a_server_that_is_killed_loses_nothing_and_runs_nothing_twice() {
    let seed = std::env::var("TRAINYARD_CRASH_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut chance = Chance(seed * 2_654_435_769 + 1);
    let folder = tempfile::tempdir().unwrap();
    let state = std::fs::canonicalize(folder.path()).unwrap().join("state");
    let mut tally = Tally::default();
    for round in 0..kills() {
        kill_once(&state, round, &mut chance, &mut tally);
    }
    finish(&state, &mut tally);
    println!(
        "{} kills, {} jobs, every one acknowledged; ready within {:?} at the slowest",
        kills(),
        tally.acked.len(),
        tally.slowest_ready
    );
    assert_eq!(tally.acked.len(), tally.asked.len());
    check(&state, &tally);
}

/// A server comes up, jobs are submitted, and at a random moment it is killed.
fn kill_once(state: &Path, round: u64, chance: &mut Chance, tally: &mut Tally) {
    let begun = Instant::now();
    let mut server = Killed::start(state);
    // One in four is killed before it is ready.
    let early = round > 0 && chance.below(4) == 0;
    if early {
        thread::sleep(Duration::from_millis(chance.below(60)));
    } else {
        server.until("ready");
        tally.slowest_ready = tally.slowest_ready.max(begun.elapsed());
        let again: Vec<String> = tally.asked.iter().filter(|key| !tally.acked.contains_key(*key)).cloned().collect();
        for key in again {
            let (gpus, millis) = (1 + chance.below(2), chance.below(60));
            writeln!(server.input, "submit {key} {gpus} {millis}").unwrap();
        }
        for at in 0..chance.below(20) {
            let key = format!("{round}-{at}");
            let (gpus, millis) = (1 + chance.below(4), chance.below(120));
            tally.asked.push(key.clone());
            writeln!(server.input, "submit {key} {gpus} {millis}").unwrap();
        }
        let deadline = Instant::now() + Duration::from_millis(chance.below(250));
        while let Some(left) = deadline.checked_duration_since(Instant::now()) {
            match server.lines.recv_timeout(left) {
                Ok(line) => tally.hear(&line),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => panic!("the server ended by itself"),
            }
        }
    }
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    while let Ok(line) = server.lines.recv() {
        tally.hear(&line);
    }
}

/// The last server brings all jobs to their end.
fn finish(state: &Path, tally: &mut Tally) {
    let mut server = Killed::start(state);
    server.until("ready");
    for key in tally.asked.clone().iter().filter(|key| !tally.acked.contains_key(*key)) {
        writeln!(server.input, "submit {key} 1 1").unwrap();
    }
    let begun = Instant::now();
    loop {
        writeln!(server.input, "open").unwrap();
        let open = loop {
            let line = server.lines.recv_timeout(Duration::from_mins(1)).expect("the server says something");
            match line.strip_prefix("open ") {
                Some(open) => break open.parse::<usize>().unwrap(),
                None => tally.hear(&line),
            }
        };
        if open == 0 && tally.acked.len() == tally.asked.len() {
            break;
        }
        assert!(begun.elapsed() < Duration::from_mins(2), "{open} jobs are still open");
        thread::sleep(Duration::from_millis(50));
    }
    server.child.kill().unwrap();
    server.child.wait().unwrap();
}

fn check(state: &Path, tally: &Tally) {
    let jobs: BTreeSet<u32> = tally.acked.values().copied().collect();
    assert_eq!(jobs.len(), tally.acked.len(), "two keys are one job");
    // Each job ran, and ran once.
    let ran = std::fs::read_to_string(state.join("ran")).unwrap_or_default();
    let mut counts: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    for line in ran.lines() {
        let (job, attempt) = line.split_once(' ').unwrap();
        *counts.entry((job.parse().unwrap(), attempt.parse().unwrap())).or_default() += 1;
    }
    let twice: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "ran twice: {twice:?}");
    for job in &jobs {
        assert!(counts.contains_key(&(*job, 1)), "job {job} never ran");
    }
    assert!(
        counts.keys().all(|(_, attempt)| *attempt == 1),
        "nothing failed, so nothing has a second attempt: {counts:?}"
    );
    no_gpu_is_held_twice(state);
    let (segments, records) = verified(state);
    println!("{records} records in {segments} segments verify");
    let left = process::marked(&state.join("runs")).unwrap();
    assert!(left.is_empty(), "processes are left over: {left:?}");
}

/// Replays all segments of the journal from the very first fact; every order must be the recorded one.
fn verified(state: &Path) -> (usize, u64) {
    let recovered = read_local(state, Start::Snapshot(1)).unwrap();
    assert!(recovered.snapshot.is_none() && recovered.warnings.is_empty(), "{:?}", recovered.warnings);
    let mut core: Option<Core> = None;
    let mut sound = 0;
    for segment in &recovered.segments {
        let (header, mut reader) = Reader::new(segment.bytes()).unwrap();
        let policy = policies::build(&header.policy, Context { estimates: true, seed: header.seed }).unwrap().policy;
        let mut next = match core {
            None => Core::new(header.inventory.clone(), policy),
            Some(before) => Core::restore_on(&before.snapshot(&[]), &header.inventory, policy).unwrap().0,
        };
        match verify(&mut next, &mut reader) {
            Ok(Verdict::Identical { records, .. }) => sound += records,
            other => panic!("segment {}: {other:?}", segment.number),
        }
        core = Some(next);
    }
    (recovered.segments.len(), sound)
}

/// By what the shims wrote down, on the clock since boot.
fn no_gpu_is_held_twice(state: &Path) {
    let runs = Runs::open(state).unwrap();
    let mut held: BTreeMap<u32, Vec<(u64, u64, RunId)>> = BTreeMap::new();
    for task in runs.tasks().unwrap() {
        let folder = runs.task(task);
        let started: Option<Started> = runs::read_json(&folder, name::STARTED).unwrap();
        let Some(started) = started else { continue };
        let ended: Ended = runs::read_json(&folder, name::ENDED).unwrap().expect("what started has ended");
        for gpu in &started.gpus {
            held.entry(gpu.index).or_default().push((started.at.boot_us, ended.at.boot_us, task.run));
        }
    }
    assert!(held.len() <= GPUS as usize);
    for (gpu, mut times) in held {
        times.sort_unstable_by_key(|(from, to, _)| (*from, *to));
        for pair in times.windows(2) {
            assert!(pair[0].1 <= pair[1].0, "GPU {gpu} is held twice: {:?} and {:?}", pair[0], pair[1]);
        }
    }
}
