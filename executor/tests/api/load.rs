//! Many at a time, and some that go away.

use std::collections::BTreeSet;
use std::time::Duration;

use executor::api::Peers;
use executor::api::client::{Call, Client};
use executor::api::server::Limits;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::yard::Yard;

async fn submitted(client: Client, at: usize) -> (u64, String) {
    let name = format!("job-{at}");
    let body = json!({"command": ["true"], "name": name}).to_string().into_bytes();
    let answer: Value = client.call(Call::post("/v1/jobs", body).with_key(Some(name.clone()))).await.unwrap();
    (answer["job"].as_u64().unwrap(), name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_at_a_time_each_get_their_own_answer() {
    // Fewer connections than clients: the others wait for their turn.
    let yard = Yard::with(Peers::of_this_process(), Limits { connections_max: 64, ..Limits::default() });
    let submissions: Vec<_> = (0..1000).map(|at| tokio::spawn(submitted(yard.client.clone(), at))).collect();
    let mut numbers = BTreeSet::new();
    for submission in submissions {
        let (job, name) = submission.await.unwrap();
        assert!(numbers.insert(job), "job {job} was given twice");
        let info = yard.get(&format!("/v1/jobs/{job}")).await.unwrap();
        assert_eq!(info["file"]["name"], name);
    }
    assert_eq!(numbers, (0..1000).collect());
    // And none twice, had they all been sent again.
    assert_eq!(submitted(yard.client.clone(), 7).await.0, submitted(yard.client.clone(), 7).await.0);
    assert!(yard.get("/v1/jobs?name=job-7&state=all").await.unwrap()["jobs"].as_array().unwrap().len() == 1);
    yard.end().await;
}

#[tokio::test]
async fn clients_that_go_away_or_say_nothing_leave_nothing_behind() {
    let limits = Limits { connections_max: 2, header_timeout: Duration::from_millis(300), ..Limits::default() };
    let yard = Yard::with(Peers::of_this_process(), limits);
    let body = json!({"command": ["true"], "name": "mine"}).to_string();
    let head = format!("POST /v1/jobs HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    for cut in [head.len() / 2, head.len(), head.len() + body.len() / 2] {
        let mut stream = UnixStream::connect(yard.client.path()).await.unwrap();
        stream.write_all(&(head.clone() + &body).as_bytes()[..cut]).await.unwrap();
    }
    // Followers that go away free their places, too.
    for target in ["events", "jobs/0/logs?follow=true"] {
        yard.job("run", 0.0).await;
        let mut stream = UnixStream::connect(yard.client.path()).await.unwrap();
        stream.write_all(format!("GET /v1/{target} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
        let mut begin = [0; 12];
        stream.read_exact(&mut begin).await.unwrap();
        assert_eq!(&begin, b"HTTP/1.1 200");
    }
    // Two that say nothing hold both places until they are sent away.
    let _silent = [
        UnixStream::connect(yard.client.path()).await.unwrap(),
        UnixStream::connect(yard.client.path()).await.unwrap(),
    ];
    let jobs = yard.get("/v1/jobs?state=all").await.unwrap();
    assert_eq!(jobs["jobs"].as_array().unwrap().len(), 2);
    yard.end().await;
}
