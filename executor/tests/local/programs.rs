//! One program from its start to its end.

use std::fs;

use executor::job_file::JobFile;
use executor::launcher::{End, Launcher, Seen};
use executor::runs::name;

use super::harness::{Yard, gang, quick, sh};

#[test]
fn a_program_starts_writes_and_ends() {
    let mut yard = Yard::new();
    let gang = gang(1, sh("echo out; echo err >&2"));
    assert_eq!(yard.run(&gang), (vec![Seen::Started], End::Exited(0)));
    assert_eq!(yard.output(gang.run), "out\n");
    assert_eq!(fs::read_to_string(yard.task(gang.run, 0).join(name::STDERR)).unwrap(), "err\n");
    yard.assert_nothing_left();
}

#[test]
fn exit_codes_and_signals_are_told_apart() {
    let mut yard = Yard::new();
    assert_eq!(yard.run(&gang(1, sh("exit 3"))).1, End::Exited(3));
    assert_eq!(yard.run(&gang(2, sh("kill -9 $$"))).1, End::Signalled(9));
    assert_eq!(yard.run(&gang(3, sh("exit 137"))).1, End::Exited(137));
}

#[test]
fn what_cannot_be_started_says_why_and_was_never_started() {
    let mut yard = Yard::new();
    let missing = JobFile::plain(vec!["/nowhere/train".to_owned()]);
    let no_folder = JobFile { workdir: Some("/nowhere".into()), ..sh("true") };
    let no_signal = JobFile { signal: "TREM".to_owned(), ..sh("true") };
    let no_name = JobFile { env: [("A=B".to_owned(), "c".to_owned())].into(), ..sh("true") };
    let nothing = JobFile::plain(Vec::new());
    let cases = [
        (missing, "cannot execute `/nowhere/train`: No such file"),
        (no_folder, "cannot enter `/nowhere`: No such file"),
        (no_signal, "there is no signal named `SIGTREM`"),
        (no_name, "cannot hold a variable named `A=B`"),
        (nothing, "the command is empty"),
    ];
    for (job, (file, why)) in (1..).zip(cases) {
        let (before, end) = yard.run(&gang(job, file));
        assert_eq!(before, []);
        let End::NotStarted(reason) = end else { panic!("{end:?}") };
        assert!(reason.contains(why), "{reason}");
    }
    yard.assert_nothing_left();
}

#[test]
fn a_program_of_the_working_folder_is_found_and_stdin_is_empty() {
    let mut yard = Yard::new();
    let script = yard.beside("train.sh");
    fs::write(&script, "#!/bin/sh\npwd; wc -c; trap\n").unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let workdir = fs::canonicalize(yard.folder.path()).unwrap();
    let file = JobFile { workdir: Some(workdir.clone()), ..JobFile::plain(vec!["./train.sh".to_owned()]) };
    let gang = gang(1, file);
    assert_eq!(yard.run(&gang).1, End::Exited(0));
    assert_eq!(yard.output(gang.run), format!("{}\n0\n", workdir.display()));
}

#[test]
fn nothing_of_the_shim_is_passed_on() {
    let mut yard = Yard::new();
    let script = "ls -l /proc/self/fd | grep -c -- '->'; grep -E 'SigBlk|SigIgn' /proc/self/status; ulimit -c";
    let gang = gang(1, sh(script));
    yard.run(&gang);
    let output = yard.output(gang.run);
    // Three of its own, the descriptor for checkpoints, and the folder that `ls` reads.
    assert_eq!(output.lines().next(), Some("5"), "{output}");
    let mask = |name: &str| {
        let line = output.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        u64::from_str_radix(line.trim(), 16).unwrap()
    };
    assert_eq!(mask("SigBlk:"), 0, "{output}");
    // Whoever started the test may ignore signals of the C library; none with a name is ignored, SIGPIPE least of all.
    assert_eq!(mask("SigIgn:") & 0x7fff_ffff, 0, "{output}");
    assert!(output.ends_with("\n0\n"), "{output}");
}

#[test]
fn checkpoints_are_seen_in_order_before_the_end() {
    let mut yard = Yard::new();
    let script = "echo s3://a/1 >&$TRAINYARD_SAVED_FD; sleep 0.2; echo >&$TRAINYARD_SAVED_FD; \
                  sleep 0.2; printf s3://a/3 >&$TRAINYARD_SAVED_FD";
    let (seen, end) = yard.run(&gang(1, JobFile { command: bash(script), ..sh("") }));
    let saved = |checkpoint: &str, number| Seen::Saved { checkpoint: checkpoint.to_owned(), task: 0, number };
    assert_eq!(seen, [Seen::Started, saved("s3://a/1", 1), saved("", 2), saved("s3://a/3", 3)]);
    assert_eq!(end, End::Exited(0));
}

#[test]
fn a_flood_of_checkpoints_keeps_the_newest() {
    let mut yard = Yard::new();
    let script = "for i in $(seq 5000); do echo $i; done >&$TRAINYARD_SAVED_FD";
    let (seen, end) = yard.run(&gang(1, JobFile { command: bash(script), ..sh("") }));
    assert_eq!(end, End::Exited(0));
    let Some(Seen::Saved { checkpoint, .. }) = seen.last() else { panic!("{seen:?}") };
    assert_eq!(checkpoint, "5000");
}

#[test]
fn a_link_in_place_of_a_log_is_refused() {
    let mut yard = Yard::new();
    let gang = gang(1, sh("echo mine"));
    let folder = yard.task(gang.run, 0);
    fs::create_dir_all(&folder).unwrap();
    let victim = yard.beside("victim");
    fs::write(&victim, "precious").unwrap();
    std::os::unix::fs::symlink(&victim, folder.join(name::STDOUT)).unwrap();
    let (_, end) = yard.run(&gang);
    assert!(matches!(&end, End::NotStarted(why) if why.contains("cannot write stdout")), "{end:?}");
    assert_eq!(fs::read_to_string(victim).unwrap(), "precious");
}

#[test]
fn logs_give_back_what_is_beyond_their_limit() {
    let mut settings = quick();
    settings.log_bytes_max = 1 << 16;
    let mut yard = Yard::with(settings);
    let gang = gang(1, sh("head -c 8000000 /dev/zero | tr '\\0' x; sleep 1.5; echo end"));
    assert_eq!(yard.run(&gang).1, End::Exited(0));
    let log = yard.task(gang.run, 0).join(name::STDOUT);
    let blocks = std::os::unix::fs::MetadataExt::blocks(&fs::metadata(&log).unwrap());
    assert!(blocks * 512 <= (1 << 16) + 3 * 4096, "{blocks}");
    assert!(fs::read_to_string(log).unwrap().ends_with("xend\n"));
}

#[test]
fn an_order_given_twice_is_one_run() {
    let mut yard = Yard::new();
    let log = yard.beside("log");
    let gang = gang(1, sh(&format!("echo once >> {}; sleep 0.3", log.display())));
    yard.launch(&gang);
    yard.local().reattach(gang.clone());
    yard.wait(gang.run);
    // And once more after its end.
    yard.seen.clear();
    yard.launch(&gang);
    assert_eq!(yard.wait(gang.run), (vec![Seen::Started], End::Exited(0)));
    assert_eq!(fs::read_to_string(log).unwrap(), "once\n");
}

fn bash(script: &str) -> Vec<String> {
    ["bash", "-c", script].map(str::to_owned).to_vec()
}
