//! Stopping and killing.

use std::fs;
use std::time::Duration;

use executor::job_file::JobFile;
use executor::launcher::{End, Launcher, Seen};
use executor::runs::{mark, name};
use nix::sys::signal::Signal;

use super::harness::{Yard, eventually, gang, kill, quick, sh, text_with};

#[test]
fn a_program_that_is_stopped_saves_first() {
    let mut yard = Yard::new();
    let script = "trap 'echo ckpt-7 >&$TRAINYARD_SAVED_FD; exit 0' USR1; echo ready; while :; do sleep 0.05; done";
    let file = JobFile { signal: "USR1".to_owned(), command: bash(script), ..sh("") };
    let run = yard.launch(&gang(1, file));
    text_with(&yard.task(run, 0).join(name::STDOUT), "ready");
    yard.local().stop(run);
    let (seen, end) = yard.wait(run);
    assert_eq!(seen, [Seen::Started, Seen::Saved { checkpoint: "ckpt-7".to_owned(), task: 0, number: 1 }]);
    assert_eq!(end, End::Exited(0));
    yard.assert_nothing_left();
}

#[test]
fn the_signal_reaches_the_whole_group_once() {
    let mut yard = Yard::new();
    let script = "trap 'echo parent' TERM; (trap 'echo child; exit' TERM; echo ready; while :; do sleep 0.05; done) & \
                  wait; wait; sleep 0.3";
    let run = yard.launch(&gang(1, JobFile { command: bash(script), ..sh("") }));
    let log = yard.task(run, 0).join(name::STDOUT);
    text_with(&log, "ready");
    yard.local().stop(run);
    yard.local().stop(run);
    text_with(&log, "child");
    yard.local().stop(run);
    yard.wait(run);
    let output = fs::read_to_string(log).unwrap();
    assert_eq!((output.matches("parent").count(), output.matches("child").count()), (1, 1), "{output}");
}

#[test]
fn a_kill_reaches_those_that_left_the_group_and_ignore_signals() {
    let mut yard = Yard::new();
    let pids = yard.beside("pids");
    // A grandchild in a session of its own with a cleared environment, whose parent is gone.
    let away = format!("trap '' TERM HUP INT; echo $$ >> {}; while :; do sleep 1; done", pids.display());
    let script = format!(
        "trap '' TERM; (env -i setsid bash -c \"{}\" &) ; (env -i setsid bash -c \"{}\" &); echo ready; while :; do sleep 1; done",
        away.replace('$', "\\$"),
        away.replace('$', "\\$")
    );
    let run = yard.launch(&gang(1, JobFile { command: bash(&script), ..sh("") }));
    let mut away = Vec::new();
    eventually("both have left", || {
        let text = fs::read_to_string(&pids).unwrap_or_default();
        away = text.lines().filter_map(|line| line.parse::<i32>().ok()).collect();
        away.len() == 2
    });
    yard.wait_started(run);
    yard.local().stop(run);
    yard.local().kill(run);
    assert_eq!(yard.wait(run).1, End::Signalled(9));
    for pid in away {
        assert!(executor::runs::process::find(pid).is_none(), "{pid} lives");
    }
    yard.assert_nothing_left();
}

#[test]
fn who_is_left_behind_by_a_program_that_ends_is_killed() {
    let mut yard = Yard::new();
    let pid = yard.beside("pid");
    let script = format!("env -i setsid sleep 1000 & echo $! > {}; sleep 0.1", pid.display());
    assert_eq!(yard.run(&gang(1, sh(&script))).1, End::Exited(0));
    let pid = fs::read_to_string(pid).unwrap().trim().parse().unwrap();
    assert!(executor::runs::process::find(pid).is_none());
}

#[test]
fn a_run_that_is_killed_before_it_starts_never_runs() {
    for (wish, signal) in [(name::KILL, 9), (name::STOP, 15)] {
        let mut yard = Yard::new();
        let log = yard.beside("log");
        let gang = gang(1, sh(&format!("echo ran > {}", log.display())));
        // The wish is there when the shim looks.
        fs::create_dir_all(yard.task(gang.run, 0)).unwrap();
        mark(&yard.task(gang.run, 0), wish).unwrap();
        assert_eq!(yard.run(&gang), (vec![], End::Signalled(signal)));
        assert!(!log.exists());
    }
}

#[test]
fn a_kill_after_a_restart_needs_no_reattach() {
    let mut yard = Yard::new();
    let gang = gang(1, sh("sleep 1000"));
    yard.launch(&gang);
    yard.wait_started(gang.run);
    yard.crash();
    yard.serve();
    assert_eq!(yard.local().running().unwrap(), [gang.run]);
    yard.local().kill(gang.run);
    eventually("it is gone", || yard.local().running().unwrap().is_empty());
    yard.local().reattach(gang.clone());
    assert_eq!(yard.wait(gang.run).1, End::Signalled(9));
}

#[test]
fn a_shim_that_does_not_answer_is_killed_with_its_program() {
    let mut settings = quick();
    settings.patience = Duration::from_millis(300);
    let mut yard = Yard::with(settings);
    let run = yard.launch(&gang(1, sh("sleep 1000 & sleep 1000")));
    yard.wait_started(run);
    kill(yard.started(run).shim.pid, Signal::SIGSTOP);
    yard.local().kill(run);
    assert_eq!(yard.wait(run).1, End::Signalled(9));
    yard.assert_nothing_left();
}

fn bash(script: &str) -> Vec<String> {
    ["bash", "-c", script].map(str::to_owned).to_vec()
}
