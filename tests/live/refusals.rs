//! What a server says when its state folder cannot be used, and that it changes nothing then.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::rotations::without_numbers;
use crate::server::Server;
use crate::support::{Done, Yard};

const CONFIG: &str = "segment_bytes_max = 1500\n[[nodes]]\nname = \"n\"\ngpus = 4\n";
const SERVE: &str = "serve --state state --config trainyard.toml";

/// A state folder with three segments or more, and nothing that runs.
fn served() -> Yard {
    let yard = Yard::new();
    yard.write("trainyard.toml", CONFIG);
    let server = Server::start(&yard, "--config trainyard.toml");
    for job in 0..8 {
        server.submit("--gpus 1 --tenant t", &format!("echo {job}"));
    }
    server.until_open(0);
    server.stop();
    yard
}

/// Content of all files of journal and snapshots.
fn truth(yard: &Yard) -> BTreeMap<String, Vec<u8>> {
    let files = ["state/journal", "state/snapshot"].map(|folder| std::fs::read_dir(yard.path(folder)).unwrap());
    let paths = files.into_iter().flatten().map(|entry| entry.unwrap().path());
    paths.map(|path| (path.display().to_string(), std::fs::read(&path).unwrap())).collect()
}

fn last(yard: &Yard, folder: &str) -> String {
    let names = std::fs::read_dir(yard.path(folder)).unwrap().map(|entry| entry.unwrap().file_name());
    format!("{folder}/{}", names.max().unwrap().to_str().unwrap())
}

fn shown(about: &str, done: &Done) -> String {
    format!("# {about}\n{}\n", without_numbers(&done.shown()))
}

#[test]
fn damage_is_refused_with_file_and_record_and_nothing_is_changed() {
    let yard = served();
    let (segment, snapshot) = (last(&yard, "state/journal"), last(&yard, "state/snapshot"));
    let mut said = String::new();
    for (about, file) in [("a flipped byte in the journal", &segment), ("a flipped byte in the snapshot", &snapshot)] {
        let sound = yard.read(file);
        let mut damaged = sound.clone();
        damaged[sound.len() - 5] ^= 0x20;
        yard.write(file, damaged);
        let before = truth(&yard);
        said += &shown(about, &yard.run(SERVE));
        assert_eq!(truth(&yard), before, "{about}");
        yard.write(file, sound);
    }
    let (path, away) = (yard.path(&segment), yard.path("away"));
    std::fs::rename(&path, &away).unwrap();
    said += &shown("the last segment is gone", &yard.run(SERVE));
    std::fs::rename(&away, &path).unwrap();
    let mut torn = yard.read(&segment);
    torn.extend_from_slice(&[7, 0, 0]);
    yard.write(&segment, torn);
    said += &shown("what is read of a torn last record", &yard.run("verify state"));
    // A server cuts it off and says so.
    let server = Server::start(&yard, "--config trainyard.toml");
    said += &shown("a second server", &yard.run(SERVE));
    server.stop();
    assert!(yard.good("verify state").starts_with("identical: "));
    insta::assert_snapshot!(said);
}

#[test]
fn a_folder_that_cannot_be_one_is_refused() {
    let yard = Yard::new();
    yard.write("trainyard.toml", CONFIG);
    yard.write("file", "mine");
    std::os::unix::fs::symlink("elsewhere", yard.path("link")).unwrap();
    let serve = |state: &str| yard.run(&format!("serve --state {state} --config trainyard.toml"));
    let mut said = String::new();
    for state in ["file", "file/below", "link", "none/below"] {
        said += &shown(state, &serve(state));
    }
    assert_eq!(yard.text("file"), "mine");
    insta::assert_snapshot!(said);
}

/// Runs a script where it may mount, with the command as `$T`. `None` where this machine allows that to nobody.
fn in_mounts(yard: &Yard, script: &str) -> Option<Done> {
    let may = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
    if !may.is_ok_and(|output| output.status.success()) {
        println!("left out: mounts are not allowed here");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", script]).current_dir(yard.path("")).env("T", env!("CARGO_BIN_EXE_trainyard"));
    Some(Done::of(&command.output().unwrap()))
}

#[test]
fn a_folder_that_is_read_only_is_refused() {
    let yard = served();
    let before = truth(&yard);
    let script = format!("mount --bind state state && mount -o remount,bind,ro state && exec \"$T\" {SERVE}");
    let Some(done) = in_mounts(&yard, &script) else { return };
    insta::assert_snapshot!(without_numbers(&done.shown()));
    assert_eq!(truth(&yard), before);
}

/// The disk runs full while jobs are submitted: the server ends and says why; when there is room again it has every job that
/// it had answered for.
#[test]
fn a_full_disk_ends_the_server_and_loses_nothing() {
    let yard = Yard::new();
    yard.write("trainyard.toml", "[[nodes]]\nname = \"n\"\ngpus = 4\n");
    let script = "
mkdir -p state && mount -t tmpfs -o size=1500k tmpfs state || exit 77
serve() { \"$T\" serve --state state --config trainyard.toml 2>>\"$1\" & server=$!
  for wait in $(seq 600); do grep -q ready: \"$1\" && return; sleep 0.05; done; exit 78; }
submit() { \"$T\" submit --server unix:state/trainyard.sock --hold --env LONG=\"$(printf %030000d 7)\" -- true; }
touch first second; serve first
while submit >>acked 2>refused; do :; done
wait $server; echo \"the server ended with $?\"
cat first >&2
mount -o remount,size=20m state; serve second
\"$T\" queue --server unix:state/trainyard.sock --state all -o json >all
kill -TERM $server; wait $server; echo \"the next ended with $?\"
\"$T\" verify state >verified || cat verified";
    let Some(done) = in_mounts(&yard, script) else { return };
    assert_eq!(done.code, 0, "{}", done.shown());
    let acked = yard.text("acked").lines().count();
    let all: serde_json::Value = serde_json::from_str(&yard.text("all")).unwrap();
    let kept = all["jobs"].as_array().unwrap().len();
    // The one that was refused may be there or not: nobody was told.
    assert!(acked >= 3 && (acked..=acked + 1).contains(&kept), "{acked} acknowledged, {kept} kept\n{}", done.shown());
    assert!(yard.text("verified").starts_with("identical: "));
    assert!(Path::new(&yard.path("refused")).metadata().unwrap().len() > 0);
    let begin = done.stderr.find("error: ").unwrap();
    insta::assert_snapshot!(without_numbers(&format!("{}{}", done.stdout, &done.stderr[begin..])));
}
