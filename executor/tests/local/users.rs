//! Jobs of other users, where the tests run as root.

use std::fs;
use std::os::unix::fs::MetadataExt;

use executor::launcher::{End, Gang};
use executor::runs::name;
use nix::unistd::{User, geteuid};

use super::harness::{Yard, gang, sh};

#[test]
fn a_job_runs_as_its_user_and_reaches_only_what_it_needs() {
    let Some(nobody) = User::from_name("nobody").unwrap().filter(|_| geteuid().is_root()) else {
        eprintln!("skipped: needs root and the user nobody");
        return;
    };
    let mut yard = Yard::new();
    let script = "id -u; id -G; echo again >> /dev/stdout; touch $TRAINYARD_CHECKPOINT_DIR/a && echo saved; \
                  cat $TRAINYARD_RUN_DIR/spec.json || echo hidden; touch $TRAINYARD_RUN_DIR/ended.json || echo kept; \
                  test -w $TRAINYARD_RUN_DIR/../../../shims.sock || echo quiet; cat $TRAINYARD_HOSTFILE; umask";
    let mut gang = Gang { user: Some("nobody".to_owned()), ..gang(1, sh(script)) };
    gang.tasks = vec![super::harness::task(0, "a", &[]), super::harness::task(1, "a", &[])];
    assert_eq!(yard.run(&gang).1, End::Exited(0));
    let groups = format!("{}\n{}\n", nobody.uid, nobody.gid);
    let rest = "again\nsaved\nhidden\nkept\nquiet\n127.0.0.1 slots=2\n0022\n";
    assert_eq!(yard.output(gang.run), format!("{groups}{rest}"));
    let log = fs::metadata(yard.task(gang.run, 0).join(name::STDOUT)).unwrap();
    assert_eq!((log.uid(), log.mode() & 0o777), (nobody.uid.as_raw(), 0o600));
    yard.assert_nothing_left();
}

#[test]
fn the_program_of_another_user_dies_with_its_shim() {
    if !geteuid().is_root() || User::from_name("nobody").unwrap().is_none() {
        eprintln!("skipped: needs root and the user nobody");
        return;
    }
    let mut yard = Yard::new();
    // Asked for before the change of user, the kernel would forget the death signal.
    let gang = Gang { user: Some("nobody".to_owned()), ..gang(1, sh("exec sleep 1000")) };
    yard.launch(&gang);
    yard.wait_started(gang.run);
    yard.crash();
    let started = yard.started(gang.run);
    super::harness::kill(started.shim.pid, nix::sys::signal::Signal::SIGKILL);
    super::harness::eventually("the program is dead", || !executor::runs::process::lives(started.program));
}

#[test]
fn a_user_that_is_not_there_is_named() {
    let mut yard = Yard::new();
    let gang = Gang { user: Some("no-such-user".to_owned()), ..gang(1, sh("true")) };
    let (_, end) = yard.run(&gang);
    assert_eq!(end, End::NotStarted("there is no user `no-such-user` on this machine".to_owned()));
}
