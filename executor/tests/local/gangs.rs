//! A gang starts, fails and ends as one.

use std::fs;
use std::time::{Duration, Instant};

use executor::job_file::{JobFile, Spoken};
use executor::launcher::{End, Launcher, Seen};
use executor::runs::name;

use super::harness::{Yard, gang, sh, text_with};

#[test]
fn a_gang_has_started_when_its_last_task_has_and_ended_when_none_lives() {
    let mut yard = Yard::new();
    let script = "test $RANK = 0 && exit 0; echo up; until test -e go; do sleep 0.02; done; exit 0";
    let workdir = Some(yard.folder.path().to_owned());
    let run = yard.launch(&gang(1, JobFile { tasks: 3, workdir, ..sh(script) }));
    yard.wait_started(run);
    text_with(&yard.task(run, 2).join(name::STDOUT), "up");
    yard.poll();
    assert_eq!(yard.seen[&run], [Seen::Started]);
    fs::write(yard.beside("go"), "").unwrap();
    assert_eq!(yard.wait(run), (vec![Seen::Started], End::Exited(0)));
}

#[test]
fn the_first_failure_stops_the_others_and_is_the_end_of_the_gang() {
    let mut yard = Yard::new();
    // The others would fail in ways of their own after they were told to stop.
    let script = "trap 'echo told; exit 9' TERM; echo up; test $RANK = 1 && { until grep -q up ../../*/1-1/task-2/stdout; \
                  do sleep 0.02; done; exit 5; }; while :; do sleep 0.02; done";
    let workdir = Some(yard.runs.run(gang(1, sh("")).run));
    fs::create_dir_all(workdir.as_ref().unwrap()).unwrap();
    let run = yard.launch(&gang(1, JobFile { tasks: 3, workdir, ..sh(script) }));
    assert_eq!(yard.wait(run), (vec![Seen::Started], End::Exited(5)));
    assert!(yard.output_of(run, 2).contains("told"));
    yard.assert_nothing_left();
}

#[test]
fn who_does_not_stop_is_killed_after_the_grace_of_the_job() {
    let mut yard = Yard::new();
    let script = "trap '' TERM; echo up; test $RANK = 1 && { until grep -q up $(dirname $TRAINYARD_HOSTFILE)/task-0/stdout; \
                  do sleep 0.02; done; exit 5; }; sleep 1000";
    let grace = Some("300ms".parse::<Spoken>().unwrap());
    let began = Instant::now();
    let run = yard.launch(&gang(1, JobFile { tasks: 2, grace, ..sh(script) }));
    assert_eq!(yard.wait(run).1, End::Exited(5));
    assert!(began.elapsed() >= Duration::from_millis(300));
    yard.assert_nothing_left();
}

#[test]
fn a_gang_of_which_a_task_cannot_start_ends() {
    let mut yard = Yard::new();
    let run = yard.launch(&{
        // Task 1 finds a folder in place of its log.
        let gang = gang(1, JobFile { tasks: 2, ..sh("sleep 1000") });
        fs::create_dir_all(yard.task(gang.run, 1).join(name::STDOUT)).unwrap();
        gang
    });
    let (seen, end) = yard.wait(run);
    assert_eq!(seen, []);
    assert!(matches!(&end, End::NotStarted(why) if why.contains("stdout")), "{end:?}");
    yard.assert_nothing_left();
}

#[test]
fn checkpoints_of_tasks_are_numbered_each() {
    let mut yard = Yard::new();
    let file = JobFile {
        tasks: 2,
        command: ["bash", "-c", "echo c$RANK >&$TRAINYARD_SAVED_FD"].map(str::to_owned).to_vec(),
        ..sh("")
    };
    let run = yard.launch(&gang(1, file));
    let (mut seen, end) = yard.wait(run);
    seen.retain(|seen| *seen != Seen::Started);
    seen.sort_by_key(|seen| format!("{seen:?}"));
    let saved = |task| Seen::Saved { checkpoint: format!("c{task}"), task, number: 1 };
    assert_eq!((seen, end), (vec![saved(0), saved(1)], End::Exited(0)));
}

#[test]
fn a_kill_ends_all_tasks() {
    let mut yard = Yard::new();
    let run = yard.launch(&gang(1, JobFile { tasks: 4, ..sh("sleep 1000") }));
    yard.wait_started(run);
    yard.local().kill(run);
    assert_eq!(yard.wait(run).1, End::Signalled(9));
    yard.assert_nothing_left();
}
