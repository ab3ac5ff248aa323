//! Answers that go on: logs and events.

use std::io::Write;

use executor::api::client::{Call, ClientError};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use crate::yard::Yard;

async fn text(yard: &Yard, target: &str) -> String {
    let mut all = Vec::new();
    let take = |piece: &[u8]| {
        all.extend_from_slice(piece);
        Ok::<(), ClientError>(())
    };
    yard.client.stream(Call::get(target), take).await.unwrap();
    String::from_utf8(all).unwrap()
}

#[tokio::test]
async fn logs_by_task_stream_and_offset() {
    let yard = Yard::new();
    yard.job("run", 1.0).await;
    yard.until(0, "running").await;
    yard.log("0-1/task-0", "stdout", "out\n");
    yard.log("0-1/task-0", "stderr", "complaint\n");
    assert_eq!(text(&yard, "/v1/jobs/0/logs").await, "out\n");
    assert_eq!(text(&yard, "/v1/jobs/0/logs?stream=stderr&attempt=1&task=0").await, "complaint\n");
    assert_eq!(text(&yard, "/v1/jobs/0/logs?stream=stderr&offset=4").await, "laint\n");
    assert_eq!(text(&yard, "/v1/jobs/0/logs?offset=400").await, "");
    let large = (0..60_000).map(|line| line.to_string()).collect::<Vec<_>>().join("\n");
    yard.log("0-1/task-0", "stdout", &large);
    assert!(text(&yard, "/v1/jobs/0/logs").await == large);
    yard.end().await;
}

#[tokio::test]
async fn a_log_is_followed_from_before_the_start_until_the_end() {
    let yard = Yard::new();
    let first = yard.job("run", 4.0).await;
    yard.job("run", 4.0).await;
    let waiting = yard.job("run", 4.0).await;
    assert_eq!(waiting, 2);
    let (client, call) = (yard.client.clone(), Call::get("/v1/jobs/2/logs?follow=true"));
    let (sender, mut pieces) = tokio::sync::mpsc::unbounded_channel();
    let following = tokio::spawn(async move {
        let take = |piece: &[u8]| {
            sender.send(piece.to_vec()).unwrap();
            Ok::<(), ClientError>(())
        };
        client.stream(call, take).await
    });
    yard.post(&format!("/v1/jobs/{first}/cancel"), &Value::Null).await.unwrap();
    yard.until(2, "running").await;
    let folder = yard.log("2-1/task-0", "stdout", "one\n");
    assert_eq!(pieces.recv().await.unwrap(), b"one\n");
    let mut file = std::fs::File::options().append(true).open(folder.join("stdout")).unwrap();
    file.write_all(b"two\n").unwrap();
    assert_eq!(pieces.recv().await.unwrap(), b"two\n");
    // The last words are not lost.
    file.write_all(b"last\n").unwrap();
    yard.post("/v1/jobs/2/cancel", &Value::Null).await.unwrap();
    following.await.unwrap().unwrap();
    let mut rest = Vec::new();
    while let Ok(piece) = pieces.try_recv() {
        rest.extend(piece);
    }
    assert_eq!(rest, b"last\n");
    yard.end().await;
}

#[tokio::test]
async fn events_tell_each_change_in_order() {
    let yard = Yard::new();
    let stream = UnixStream::connect(yard.client.path()).await.unwrap();
    let (reader, mut writer) = stream.into_split();
    writer.write_all(b"GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut lines = BufReader::new(reader).lines();
    while lines.next_line().await.unwrap().unwrap() != ": following" {}
    let job = yard.job("run", 1.0).await;
    yard.until(job, "running").await;
    yard.post("/v1/jobs/0/cancel", &Value::Null).await.unwrap();
    let mut states = Vec::new();
    while states.last().is_none_or(|state| state != "cancelled") {
        let line = lines.next_line().await.unwrap().unwrap();
        if let Some(data) = line.strip_prefix("data: ") {
            let change: Value = serde_json::from_str(data).unwrap();
            assert_eq!((&change["kind"], &change["job"]), (&"job".into(), &0.into()));
            states.push(change["state"].as_str().unwrap().to_owned());
        }
    }
    states.dedup();
    assert_eq!(states, ["launching", "running", "stopping", "cancelled"]);
    // The end of the server ends the stream.
    yard.end().await;
    let mut rest = Vec::new();
    lines.into_inner().read_to_end(&mut rest).await.unwrap();
}

#[tokio::test]
async fn a_follower_that_is_too_slow_is_told_how_much_it_missed() {
    let yard = Yard::new();
    let mut stream = UnixStream::connect(yard.client.path()).await.unwrap();
    stream.write_all(b"GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut head = [0; 16];
    stream.read_exact(&mut head).await.unwrap();
    // More than the buffers of the socket and the lag together hold, and nobody reads.
    let change = executor::handle::Change::Node { node: "n".repeat(10_000), state: "up" };
    for at in 0..6000 {
        yard.handle.tell(change.clone());
        if at % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let mut lines = BufReader::new(stream).lines();
    while lines.next_line().await.unwrap().unwrap() != "event: missed" {}
    yard.end().await;
}
