//! After a restart of the server: whatever became of a run is found out, and nothing runs twice.

use std::fs;
use std::process::{Command, Stdio};

use executor::job_file::JobFile;
use executor::launcher::{End, Gang, Launcher, Seen};
use executor::runs::record::{Ended, Started};
use executor::runs::{Sync, lock, name, read_json, write_json};
use nix::sys::signal::Signal;

use super::harness::{Stranger, Yard, eventually, gang, kill, sh, text_with};

/// A run that says that it ran, and goes on until the file `go` is there.
fn waiting(yard: &Yard) -> Gang {
    let workdir = Some(yard.folder.path().to_owned());
    gang(1, JobFile { workdir, ..sh("echo ran >> ran; until test -e go; do sleep 0.02; done; exit 4") })
}

fn assert_ran_once(yard: &Yard) {
    assert_eq!(fs::read_to_string(yard.beside("ran")).unwrap(), "ran\n");
    yard.assert_nothing_left();
}

fn go(yard: &Yard) {
    fs::write(yard.beside("go"), "").unwrap();
}

#[test]
fn a_run_that_lives_is_watched_again() {
    let mut yard = Yard::new();
    let gang = waiting(&yard);
    yard.launch(&gang);
    text_with(&yard.beside("ran"), "ran");
    yard.crash();
    yard.serve();
    yard.local().reattach(gang.clone());
    yard.wait_started(gang.run);
    go(&yard);
    assert_eq!(yard.wait(gang.run), (vec![Seen::Started], End::Exited(4)));
    assert_ran_once(&yard);
}

#[test]
fn an_end_while_the_server_was_away_is_reported_with_its_time() {
    let mut yard = Yard::new();
    let gang = waiting(&yard);
    yard.launch(&gang);
    text_with(&yard.beside("ran"), "ran");
    yard.crash();
    go(&yard);
    let folder = yard.task(gang.run, 0);
    eventually("it has ended", || folder.join(name::ENDED).exists());
    let ended: Ended = read_json(&folder, name::ENDED).unwrap().unwrap();
    assert!(ended.at.ago() < engine::Span(60_000_000) && ended.at.of_this_boot());
    yard.serve();
    yard.local().reattach(gang.clone());
    assert_eq!(yard.wait(gang.run).1, End::Exited(4));
    assert_ran_once(&yard);
}

#[test]
fn a_killed_shim_is_noticed_and_its_program_is_dead_before_that_is_said() {
    for restart in [false, true] {
        let mut yard = Yard::new();
        // A grandchild that outlives the program: the kernel kills only the child of the shim.
        let script = "echo ran >> ran; setsid sleep 1000 & sleep 1000";
        let workdir = Some(yard.folder.path().to_owned());
        let gang = gang(1, JobFile { workdir, ..sh(script) });
        yard.launch(&gang);
        yard.wait_started(gang.run);
        text_with(&yard.beside("ran"), "ran");
        if restart {
            yard.crash();
        }
        kill(yard.started(gang.run).shim.pid, Signal::SIGKILL);
        if restart {
            yard.serve();
            yard.local().reattach(gang.clone());
        }
        let (_, end) = yard.wait(gang.run);
        let state = fs::canonicalize(&yard.state).unwrap();
        assert!(super::harness::marked(&state).is_empty(), "said to be lost, but it lives");
        assert_eq!(end, End::Lost("its shim was killed".to_owned()));
        assert_ran_once(&yard);
    }
}

#[test]
fn a_run_that_never_began_is_started_as_the_same_attempt() {
    let mut yard = Yard::new();
    let gang = waiting(&yard);
    go(&yard);
    yard.local().reattach(gang.clone());
    assert_eq!(yard.wait(gang.run), (vec![Seen::Started], End::Exited(4)));
    assert_ran_once(&yard);
}

#[test]
fn a_late_shim_of_an_older_generation_starts_nothing() {
    let mut yard = Yard::new();
    let gang = waiting(&yard);
    yard.launch(&gang);
    text_with(&yard.beside("ran"), "ran");
    // As if the shim of generation 1 came only now, while generation 2 has the task and after it: first it waits for the
    // lock, then it finds what was written.
    let folder = yard.task(gang.run, 0);
    write_json(&folder, name::GENERATION, &2, Sync::Later).unwrap();
    let mut late = Command::new(env!("CARGO_BIN_EXE_trainyard-shim"))
        .arg(&folder)
        .arg("1")
        .env_clear()
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    go(&yard);
    assert_eq!(yard.wait(gang.run).1, End::Exited(4));
    assert!(late.wait().unwrap().success());
    assert_ran_once(&yard);
}

#[test]
fn of_two_shims_only_the_expected_one_starts_though_nothing_was_started_yet() {
    let mut yard = Yard::new();
    let gang = waiting(&yard);
    go(&yard);
    yard.launch(&gang);
    yard.wait(gang.run);
    // All traces of the start are taken away: the generation alone decides.
    let folder = yard.task(gang.run, 0);
    for file in [name::STARTED, name::ENDED, name::RUNNING] {
        fs::remove_file(folder.join(file)).unwrap();
    }
    write_json(&folder, name::GENERATION, &2, Sync::Later).unwrap();
    let late = Command::new(env!("CARGO_BIN_EXE_trainyard-shim")).arg(&folder).arg("1").status().unwrap();
    assert!(late.success() && !folder.join(name::STARTED).exists());
    assert_ran_once(&yard);
}

#[test]
fn a_second_shim_of_the_same_generation_finds_that_it_was_started() {
    let mut yard = Yard::new();
    let gang = waiting(&yard);
    yard.launch(&gang);
    text_with(&yard.beside("ran"), "ran");
    yard.crash();
    let started = yard.started(gang.run);
    kill(started.shim.pid, Signal::SIGKILL);
    eventually("the shim is dead", || !executor::runs::process::lives(started.shim));
    // No end was written and the generation is right: the record of the start alone decides.
    let folder = yard.task(gang.run, 0);
    assert!(!folder.join(name::ENDED).exists());
    go(&yard);
    let second = Command::new(env!("CARGO_BIN_EXE_trainyard-shim")).arg(&folder).arg("1").status().unwrap();
    assert!(second.success());
    assert_ran_once(&yard);
}

#[test]
fn a_start_of_another_boot_is_lost_and_an_end_is_not() {
    let mut yard = Yard::new();
    let gang = waiting(&yard);
    go(&yard);
    yard.launch(&gang);
    yard.wait(gang.run);
    yard.crash();
    yard.seen.clear();
    let folder = yard.task(gang.run, 0);
    let mut started: Started = read_json(&folder, name::STARTED).unwrap().unwrap();
    started.at.boot_id = "before".to_owned();
    // A process that has the number of the program now is not touched.
    let mut stranger = Stranger::new();
    started.program = executor::runs::process::find(stranger.pid()).unwrap();
    write_json(&folder, name::STARTED, &started, Sync::Later).unwrap();
    yard.serve();
    yard.local().reattach(gang.clone());
    assert_eq!(yard.wait(gang.run).1, End::Exited(4));

    yard.crash();
    yard.seen.clear();
    fs::remove_file(folder.join(name::ENDED)).unwrap();
    yard.serve();
    yard.local().reattach(gang.clone());
    assert_eq!(yard.wait(gang.run).1, End::Lost("the machine was restarted while it ran".to_owned()));
    stranger.assert_lives();
    assert_ran_once(&yard);
}

#[test]
fn a_number_that_was_given_again_is_not_killed() {
    let mut yard = Yard::new();
    let gang = waiting(&yard);
    go(&yard);
    yard.launch(&gang);
    yard.wait(gang.run);
    yard.crash();
    yard.seen.clear();
    // The shim was killed, its program ended, and another process got its number.
    // Starts are told apart by clock ticks of 10 ms; numbers come round again only after thousands of processes.
    std::thread::sleep(std::time::Duration::from_millis(30));
    let mut stranger = Stranger::new();
    let folder = yard.task(gang.run, 0);
    let mut started: Started = read_json(&folder, name::STARTED).unwrap().unwrap();
    started.program.pid = stranger.pid();
    write_json(&folder, name::STARTED, &started, Sync::Later).unwrap();
    fs::remove_file(folder.join(name::ENDED)).unwrap();
    yard.serve();
    yard.local().reattach(gang.clone());
    assert_eq!(yard.wait(gang.run).1, End::Lost("its shim was killed".to_owned()));
    stranger.assert_lives();
}

#[test]
fn nothing_is_started_while_a_shim_may_be_about_to() {
    let mut yard = Yard::new();
    let gang = waiting(&yard);
    go(&yard);
    let folder = yard.task(gang.run, 0);
    fs::create_dir_all(&folder).unwrap();
    let held = lock(&folder.join(name::LOCK)).unwrap().unwrap();
    yard.local().reattach(gang.clone());
    std::thread::sleep(std::time::Duration::from_millis(700));
    yard.poll();
    assert!(!folder.join(name::SPEC).exists() && !yard.seen.contains_key(&gang.run));
    drop(held);
    assert_eq!(yard.wait(gang.run).1, End::Exited(4));
    assert_ran_once(&yard);
}

#[test]
fn the_rest_of_a_gang_that_failed_while_the_server_was_away_is_not_started() {
    let mut yard = Yard::new();
    let workdir = Some(yard.folder.path().to_owned());
    let gang = gang(1, JobFile { tasks: 3, workdir, ..sh("echo $RANK >> ran; test $RANK = 0 && exit 6; sleep 1000") });
    yard.launch(&gang);
    yard.wait(gang.run);
    yard.crash();
    yard.seen.clear();
    // The crash came before the third task was launched.
    fs::remove_dir_all(yard.task(gang.run, 2)).unwrap();
    fs::remove_file(yard.beside("ran")).unwrap();
    yard.serve();
    yard.local().reattach(gang.clone());
    assert_eq!(yard.wait(gang.run).1, End::Exited(6));
    assert!(!yard.beside("ran").exists());
    yard.assert_nothing_left();
}

#[test]
fn damaged_records_are_told_as_what_they_are() {
    for record in [name::ENDED, name::STARTED] {
        let mut yard = Yard::new();
        let gang = waiting(&yard);
        go(&yard);
        yard.launch(&gang);
        yard.wait(gang.run);
        yard.crash();
        yard.seen.clear();
        let folder = yard.task(gang.run, 0);
        fs::remove_file(folder.join(name::ENDED)).unwrap();
        fs::write(folder.join(record), "{\"end\": ").unwrap();
        yard.serve();
        yard.local().reattach(gang.clone());
        let (_, end) = yard.wait(gang.run);
        assert!(matches!(end, End::Lost(_)), "{end:?}");
        assert_ran_once(&yard);
    }
}
