//! What is around a server: its log, its documents, usage, and lists that follow it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::server;
use crate::support::{Done, Yard};

/// A server of its own, with what it has said so far.
struct Serving {
    child: Child,
    stderr: BufReader<std::process::ChildStderr>,
    said: Vec<String>,
}

impl Serving {
    /// Waits until it is ready.
    fn start(yard: &Yard, args: &str) -> Self {
        let mut command = yard.command(&format!("serve --state state --gpus 2 {args}"));
        let mut child = command.env_remove("TRAINYARD_LOG").stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = Vec::new();
        while !said.last().is_some_and(|line: &String| line.starts_with("ready: ")) {
            let mut line = String::new();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "{said:?}");
            said.push(line.trim_end().to_owned());
        }
        Self { child, stderr, said }
    }

    /// Tells it to stop; gives all that it said.
    fn end(mut self) -> Vec<String> {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).unwrap();
        assert!(self.child.wait().unwrap().success());
        self.said.extend(rest.lines().map(str::to_owned));
        self.said
    }
}

#[test]
fn the_log_has_events_with_fields_and_no_secrets() {
    let yard = Yard::new();
    let server = Serving::start(&yard, "--log-format json --log trainyard=debug");
    let job = "submit --wait --gpus 1.0 --tenant lab/ann --env TOKEN=s3cr3t --key k3y -- sh -c";
    let mut command = yard.command(job);
    let done = Done::of(&command.arg("echo s3cr3t-too").output().unwrap());
    assert_eq!(done.code, 0, "{}", done.stderr);
    let refused = yard.run("submit --gpus 9 -- true");
    assert_eq!(refused.code, 2);
    let usage = yard.good("usage --by owner -o json");
    let text = yard.good("usage");
    let said = server.end();
    let events: Vec<Value> = said
        .iter()
        .filter(|line| !line.starts_with("ready: "))
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect();
    for event in &events {
        let has = |key: &str| event.get(key).is_some_and(Value::is_string);
        assert!(has("timestamp") && has("level") && has("message"), "{event}");
        assert!(event["target"].as_str().unwrap().starts_with("trainyard"), "{event}");
    }
    let find =
        |message: &str| events.iter().find(|event| event["message"] == message).unwrap_or_else(|| panic!("{said:?}"));
    assert_eq!((&find("submitted")["job"], &find("submitted")["tenant"]), (&0.into(), &"lab/ann".into()));
    assert_eq!((&find("launched")["job"], &find("launched")["attempt"]), (&0.into(), &1.into()));
    assert!(find("launched")["node"].as_str().is_some_and(|node| !node.is_empty()));
    assert_eq!((&find("ended")["exit"], &find("ended")["state"]), (&"completed".into(), &"finished".into()));
    assert_eq!((&find("refused")["verb"], &find("refused")["outcome"]), (&"job.submit".into(), &"refused".into()));
    let answered = find("answered");
    assert_eq!(answered["span"]["route"], "/v1/jobs");
    assert_eq!(answered["span"]["id"].as_str().unwrap().len(), 16);
    assert!(answered["us"].is_u64() && answered["status"].is_u64());
    assert_eq!(events.last().unwrap()["message"], "the server ends; programs go on");
    assert!(
        !said.iter().any(|line| line.contains("s3cr3t") || line.contains("k3y") || line.contains("echo")),
        "{said:?}"
    );
    let usage: Value = serde_json::from_str(&usage).unwrap();
    let row = &usage["rows"][0];
    assert_eq!((&row["runs"], &row["jobs"], &row["running_gpu_s"]), (&1.into(), &1.into(), &0.0.into()));
    assert!(row["gpu_s"].as_f64().unwrap() > 0.0 && row["gpu_s"] == row["finished_gpu_s"], "{usage}");
    assert_eq!(usage["total"]["gpu_s"], row["gpu_s"]);
    assert!(text.starts_with("TENANT") && text.contains("lab/ann"), "{text}");
}

#[test]
fn the_log_is_filtered_and_a_bad_filter_is_refused() {
    let yard = Yard::new();
    let said = Serving::start(&yard, "--log off").end();
    assert_eq!(said.len(), 1, "{said:?}");
    let said = Serving::start(&yard, "").end();
    assert!(said.iter().any(|line| line.contains(" INFO trainyard: the state is read back ")), "{said:?}");
    let done = yard.run("serve --state other --gpus 1 --log trainyard=loud");
    assert_eq!((done.code, done.stdout.as_str()), (2, ""));
    assert!(
        done.stderr.contains("--log: `trainyard=loud` is no filter") && done.stderr.contains("hint: "),
        "{}",
        done.stderr
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn examples_of_the_book_are_accepted_and_fit_the_schema() {
    let (yard, server) = (Yard::new(), server::Yard::new());
    let schema: Value = serde_json::from_str(&yard.good("submit --schema")).unwrap();
    let properties = schema["properties"].as_object().unwrap();
    let book = include_str!("../../docs/job-files.md");
    let examples: Vec<&str> = book.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(!examples.is_empty());
    for example in examples {
        yard.write("job.yaml", example);
        let keys = example.lines().filter_map(|line| line.split_once(':').map(|(key, _)| key));
        for key in keys.filter(|key| !key.starts_with([' ', '#', '-'])) {
            assert!(properties.contains_key(key), "{key}");
        }
        let socket = server.client.path().display();
        // The cluster of this test is small.
        let text = yard.good(&format!("submit --server {socket} --dry-run --gpus 1 job.yaml"));
        assert_eq!(text, "the job would be accepted; nothing was submitted\n");
    }
    // The table of the book has a row a field, with the default of the schema.
    for (name, field) in properties {
        let row = book.lines().find(|line| line.starts_with("| ") && line.contains(&format!("`{name}`")));
        let row = row.unwrap_or_else(|| panic!("no row for {name}"));
        let default = field.get("default").map(|default| default.to_string().trim_matches('"').to_owned());
        assert!(default.is_none_or(|default| row.contains(&format!("| {default} |"))), "{name}: {row}");
    }
    server.end().await;
}

#[test]
fn the_document_of_the_api_needs_no_server() {
    let document: Value = serde_json::from_str(&Yard::new().good("serve --openapi")).unwrap();
    assert_eq!((&document["openapi"], &document["info"]["title"]), (&"3.1.0".into(), &"Trainyard".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_is_watched_has_a_line_for_each_change() {
    let (yard, server) = (Yard::new(), server::Yard::new());
    server.job("run", 4.0).await;
    server.until(0, "running").await;
    let socket = server.client.path().display().to_string();
    let mut command = yard.command(&format!("queue --watch --server {socket}"));
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || {
        let line = lines.next().unwrap().unwrap();
        line.split('\t').map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(next()[..4], ["JOB", "NAME", "TENANT", "STATE"]);
    assert_eq!((next()[0].as_str(), "running"), ("0", "running"));
    server.job("run", 4.0).await;
    let row = next();
    assert_eq!((row[0].as_str(), row[5].as_str()), ("1", "4"));
    server.post("/v1/nodes/node-0001/drain", &serde_json::json!({"reason": "fan"})).await.unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    server.end().await;
}
