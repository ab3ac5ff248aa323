//! The commands that speak to a server: without one, with a bad file, and through a whole session.

use std::path::Path;

use crate::server;
use crate::support::{Done, Yard};

fn run(yard: &Yard, args: &[&str], env: &[(&str, &str)]) -> Done {
    let mut command = yard.command("");
    command.env_remove("TRAINYARD_SERVER").env_remove("TRAINYARD_JOB").env_remove("TRAINYARD_ATTEMPT");
    command.args(args).envs(env.iter().copied());
    Done::of(&command.output().unwrap())
}

/// A command and what came of it.
fn said(args: &str, shown: &str) -> String {
    format!("$ trainyard {args}\n{shown}\n")
}

#[test]
fn without_a_server_it_is_said_what_was_tried_and_what_to_do() {
    let yard = Yard::new();
    let mut shown = String::new();
    let job = [("TRAINYARD_JOB", "1"), ("TRAINYARD_ATTEMPT", "1")];
    for args in [
        "queue",
        "submit -- true",
        "info 1",
        "logs 1",
        "cancel 1 2",
        "nodes",
        "wait 1",
        "saved x",
        "queue --server unix:elsewhere/s.sock",
        "queue --server http://localhost:1",
        "queue --server jobs.csv",
    ] {
        let done = run(&yard, &args.split(' ').collect::<Vec<_>>(), &job);
        shown.push_str(&said(args, &done.shown()));
    }
    let done = run(&yard, &["queue"], &[("TRAINYARD_SERVER", "unix:from/variable.sock")]);
    shown.push_str(&said("queue (with TRAINYARD_SERVER=unix:from/variable.sock)", &done.shown()));
    let done = run(&yard, &["saved"], &[]);
    shown.push_str(&said("saved", &done.shown()));
    insta::assert_snapshot!(shown);
}

#[test]
fn what_is_wrong_in_a_job_file_is_named_with_line_and_field() {
    let yard = Yard::new();
    let files = [
        ("typo.yaml", "name: x\ncommand: [true]\ngpu: 4\n"),
        ("type.yaml", "command: [python]\ngpus: many\n"),
        ("span.yaml", "command: [python]\ntime_limit: 5 parsecs\n"),
        ("syntax.yaml", "command: [python\nname: x\n"),
        ("none.yaml", "name: x\n"),
        ("typo.toml", "command = ['x']\nprioritty = 3\n"),
        ("type.toml", "command = 'x'\n"),
        ("syntax.toml", "command = ['x'\n"),
        ("typo.json", "{\n  \"command\": [\"x\"],\n  \"taks\": 3\n}\n"),
        ("type.json", "{\n  \"command\": [\"x\"],\n  \"tasks\": \"three\"\n}\n"),
        ("syntax.json", "{\n  \"command\": [\"x\"]\n"),
        ("job.ini", "x"),
    ];
    let mut shown = String::new();
    for (name, content) in files {
        yard.write(name, content);
        shown.push_str(&said(&format!("submit {name}"), &run(&yard, &["submit", name], &[]).shown()));
    }
    for args in
        ["submit missing.yaml", "submit", "submit typo.yaml -- true", "submit --env A -- true", "wait --timeout x 1"]
    {
        shown.push_str(&said(args, &run(&yard, &args.split(' ').collect::<Vec<_>>(), &[]).shown()));
    }
    insta::assert_snapshot!(shown);
}

/// Times of the clock, such as `0:01`, all as `0:00`.
pub(crate) fn without_clock(text: &str) -> String {
    let word = |word: &str| {
        let clock = word.split(':').collect::<Vec<_>>();
        let is_clock =
            clock.len() == 2 && clock.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
        if is_clock { "0:00".to_owned() } else { word.to_owned() }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// A yard with a server, and what was said in it.
struct Session<'a> {
    yard: &'a Yard,
    socket: String,
    shown: String,
}

impl Session<'_> {
    fn say(&mut self, args: &str) -> Done {
        let words: Vec<&str> = args.split(' ').collect();
        let env = [("TRAINYARD_SERVER", self.socket.as_str()), ("TRAINYARD_JOB", "0"), ("TRAINYARD_ATTEMPT", "1")];
        let done = run(self.yard, &words, &env);
        let folder = self.yard.path("").canonicalize().unwrap();
        let shown = done.shown().replace(folder.to_str().unwrap(), "/yard");
        self.shown.push_str(&said(args, &without_clock(&shown)));
        done
    }
}

fn who() -> String {
    let id = std::process::Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(id.stdout).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session() {
    let (yard, server) = (Yard::new(), server::Yard::new());
    let socket = format!("unix:{}", server.client.path().display());
    let mut session = Session { yard: &yard, socket, shown: String::new() };
    yard.write("job.yaml", "command: [run, fast]\nname: resnet\ntenant: research/vision\ngpus: 3\ntime_limit: 2h\n");
    yard.write("large.yaml", "command: [run]\n\ngpus: 64\n");
    session.say("submit --priority 5 job.yaml");
    server.until(0, "running").await;
    for args in [
        "submit --gpus 3 --name other --env A=b -- run",
        "submit --gpus 2 -- run",
        "submit --hold --after resnet -- run",
        "submit --dry-run large.yaml",
        "submit --dry-run --gpus 1 large.yaml",
        "submit --tenant a//b -o json -- run",
        "submit --key k -o json -- true",
        "submit --key k -o json -- true",
    ] {
        session.say(args);
    }
    server.until(4, "finished").await;
    server.until(1, "running").await;
    server.log("0-1/task-0", "stdout", "epoch 1\n");
    for args in [
        "queue",
        "queue --limit 2",
        "queue --tenant research -o wide",
        "queue --state sleeping",
        "info resnet",
        "info 77",
        "explain 2",
        "explain 3",
        "logs resnet",
        "logs --stderr resnet",
        "saved s3://bucket/7",
        "nodes",
        "drain node-0001 --reason fan",
        "drain nowhere --reason fan",
        "nodes",
        "resume node-0001",
        "release 3 resnet",
        "wait --timeout 10ms resnet",
    ] {
        session.say(args);
    }
    session.say("cancel resnet 77 other");
    server.until(0, "cancelled").await;
    session.say("wait resnet");
    session.say("cancel 0");
    session.say("submit --wait -- true");
    let shown = session.shown.replace(&who(), "ada");
    insta::assert_snapshot!(shown);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_has_its_keys() {
    let (yard, server) = (Yard::new(), server::Yard::new());
    server.job("run", 1.0).await;
    server.until(0, "running").await;
    let socket = format!("unix:{}", server.client.path().display());
    let keys = |args: &[&str]| {
        let done = run(&yard, args, &[("TRAINYARD_SERVER", &socket)]);
        assert_eq!(done.code, 0, "{}", done.stderr);
        let value: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!(value["schema"], 1);
        value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(keys(&["queue", "-o", "json"]), "schema origin_us now_s jobs next");
    assert_eq!(keys(&["info", "0", "-o", "json"]), "schema origin_us now_s job end file");
    assert_eq!(keys(&["explain", "0", "-o", "json"]), "schema job waits_for position pending shortage evictions lines");
    assert_eq!(keys(&["nodes", "-o", "json"]), "schema nodes");
    assert!(Path::new(&socket["unix:".len()..]).exists());
    server.end().await;
}
