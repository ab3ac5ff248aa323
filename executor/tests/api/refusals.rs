//! Each refusal has a stable code, a message and a hint; those of changes are in the audit log.

use std::os::unix::fs::{PermissionsExt, symlink};

use executor::api::Peers;
use executor::api::client::Call;
use executor::api::server::{Limits, listen};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::yard::{Yard, refusal};

async fn sent(yard: &Yard, body: &[u8]) -> (u16, String, Option<String>, String) {
    let answer: Result<Value, _> = yard.client.call(Call::post("/v1/jobs", body.to_vec())).await;
    let text = answer.as_ref().unwrap_err().to_string();
    let (status, code, field) = refusal(answer);
    (status, code, field, text)
}

#[tokio::test]
async fn bad_bodies_are_refused_with_the_place_or_the_field() {
    let yard = Yard::new();
    let (status, code, _, text) = sent(&yard, b"{\n  \"command\": [\"x\"\n").await;
    assert_eq!((status, code.as_str()), (400, "bad-json"));
    assert!(text.contains("line 3 column 0"), "{text}");
    let (status, code, field, text) = sent(&yard, b"{\"command\": [\"x\"], \"gpu\": 1}").await;
    assert_eq!((status, code.as_str(), field.as_deref()), (422, "bad-body", Some("gpu")));
    assert!(text.contains("expected one of") && text.contains("column"), "{text}");
    assert_eq!(sent(&yard, b"{}").await.2.as_deref(), Some("command"));
    assert_eq!(sent(&yard, b"").await.1, "bad-json");
    assert_eq!(sent(&yard, b"{\"command\": \"x\"}").await.0, 422);
    for (file, field) in [
        (json!({"command": []}), "command"),
        (json!({"command": ["x"], "tasks": 3, "gpus": 4}), "tasks"),
        (json!({"command": ["x"], "env": {"A=B": "c"}}), "env"),
        (json!({"command": ["x"], "tenant": "a/../b"}), "tenant"),
        (json!({"command": ["x"], "after": ["77"]}), "after"),
        (json!({"command": ["x"], "workdir": "here"}), "workdir"),
    ] {
        let (status, code, found) = refusal(yard.post("/v1/jobs", &file).await);
        assert_eq!((status, code.as_str(), found.as_deref()), (422, "refused", Some(field)), "{file}");
    }
    // Nothing was submitted, and every refusal is written down, once.
    assert_eq!(yard.get("/v1/jobs?state=all").await.unwrap()["jobs"], json!([]));
    let outcomes: Vec<String> = yard.audit().into_iter().map(|line| line.outcome).collect();
    let expected = ["bad-json", "bad-body", "bad-body", "bad-json", "bad-body"].into_iter().chain(["refused"; 6]);
    assert_eq!(outcomes, expected.collect::<Vec<_>>());
    yard.end().await;
}

#[tokio::test]
async fn an_oversized_body_is_refused_and_the_server_goes_on() {
    let yard = Yard::new();
    let (status, code, ..) = sent(&yard, &vec![b' '; (1 << 20) + 1]).await;
    assert_eq!((status, code.as_str()), (413, "too-large"));
    // One that does not say how long it is, too.
    let mut request =
        b"POST /v1/jobs HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..33 {
        request.extend(b"8000\r\n");
        request.extend(vec![b' '; 0x8000]);
        request.extend(b"\r\n");
    }
    request.extend(b"0\r\n\r\n");
    let (status, body) = yard.raw(&request).await;
    assert_eq!((status, &body["code"]), (413, &json!("too-large")));
    assert_eq!(yard.job("true", 0.0).await, 0);
    yard.end().await;
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let yard = Yard::new();
    yard.job("true", 1.0).await;
    yard.until(0, "finished").await;
    let none = Value::Null;
    for (status, code, answer) in [
        (404, "unknown-job", yard.get("/v1/jobs/9").await),
        (404, "unknown-job", yard.get("/v1/jobs/nobody/explain").await),
        (404, "unknown-job", yard.get("/v1/jobs/4294967296/logs").await),
        (404, "unknown-job", yard.post("/v1/jobs/-1/cancel", &none).await),
        (404, "unknown-node", yard.post("/v1/nodes/x/drain", &json!({"reason": "y"})).await),
        (404, "unknown-node", yard.post("/v1/nodes/x/resume", &none).await),
        (404, "unknown", yard.post("/v1/runs/saved", &json!({"job": 0, "attempt": 1})).await),
        (404, "unknown", yard.post("/v1/runs/saved", &json!({"job": 4_000_000_000_u32, "attempt": 1})).await),
        (404, "unknown-route", yard.get("/v1/nothing").await),
        (405, "wrong-method", yard.post("/v1/nodes", &none).await),
        (409, "ended", yard.post("/v1/jobs/0/cancel", &none).await),
        (409, "ended", yard.post("/v1/jobs/0/hold", &none).await),
        (422, "refused", yard.post("/v1/nodes/node-0000/drain", &json!({"reason": "  "})).await),
        (422, "bad-body", yard.post("/v1/nodes/node-0000/drain", &json!({})).await),
        (400, "bad-query", yard.get("/v1/jobs?state=sleeping").await),
        (400, "bad-query", yard.get("/v1/jobs?sort=up").await),
        (400, "bad-query", yard.get("/v1/jobs/0/logs?task=-1").await),
        (404, "no-logs", yard.get("/v1/jobs/0/logs?task=1").await),
        (404, "no-logs", yard.get("/v1/jobs/0/logs?attempt=2").await),
        (404, "no-logs", yard.get("/v1/jobs/0/logs?attempt=0").await),
        (410, "gone", yard.get("/v1/jobs/0/logs").await),
    ] {
        let (found, name, _) = refusal(answer);
        assert_eq!((found, name.as_str()), (status, code));
    }
    yard.end().await;
}

#[tokio::test]
async fn no_path_and_no_link_leads_out_of_the_runs_folder() {
    let yard = Yard::new();
    for _ in 0..4 {
        yard.job("run", 0.0).await;
    }
    yard.until(3, "running").await;
    std::fs::write(yard.folder.path().join("secret"), "secret").unwrap();
    for target in [
        "/v1/jobs/..%2f..%2fsecret/logs",
        "/v1/jobs/0/logs?stream=..%2f..%2f..%2fsecret",
        "/v1/jobs/0/logs?stream=%2Fetc%2Fpasswd",
        "/v1/jobs/0/logs?task=0%2F..%2F..",
        "/v1/jobs/0/logs?attempt=1%2F..%2F..",
        "/v1/jobs/0/../../secret",
        "/v1/jobs/0%00/logs",
    ] {
        assert!(matches!(refusal(yard.get(target).await).0, 400 | 404), "{target}");
    }
    // A job may put links into its folders: the file, the folder of the task, that of the run.
    let secrets = yard.log("elsewhere/task-0", "stdout", "secret");
    symlink(yard.folder.path().join("secret"), yard.log("0-1/task-0", "stderr", "").join("stdout")).unwrap();
    yard.log("1-1", "other", "");
    symlink(&secrets, yard.folder.path().join("runs/1-1/task-0")).unwrap();
    symlink(secrets.parent().unwrap(), yard.folder.path().join("runs/2-1")).unwrap();
    let pipe = yard.log("3-1/task-0", "stderr", "").join("stdout");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    for job in 0..4 {
        let (status, code, _) = refusal(yard.get(&format!("/v1/jobs/{job}/logs")).await);
        assert_eq!((status, code.as_str()), (404, "no-logs"), "{job}");
    }
    yard.end().await;
}

#[tokio::test]
async fn strangers_are_refused_and_written_down() {
    let me = nix::unistd::Uid::effective().as_raw();
    let yard = Yard::with(Peers::new([me + 1]), Limits::default());
    for answer in [yard.get("/v1/jobs").await, yard.post("/v1/jobs", &json!({"command": ["true"]})).await] {
        assert_eq!(refusal(answer), (403, "forbidden".into(), None));
    }
    let lines = yard.audit();
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|line| line.who == format!("uid-{me}") && line.outcome == "forbidden"));
    yard.end().await;
}

#[tokio::test]
async fn the_socket_is_for_one_user_and_one_server() {
    let yard = Yard::new();
    let socket = yard.client.path().to_owned();
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(listen(&socket).unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
    let folder = yard.end().await;
    // What a dead server left is replaced; what is no socket is not.
    assert!(socket.exists());
    drop(listen(&socket).unwrap());
    let file = folder.path().join("file");
    std::fs::write(&file, "mine").unwrap();
    assert!(listen(&file).is_err());
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    assert!(listen(&folder.path().join("x".repeat(120))).unwrap_err().to_string().contains("107 bytes"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever comes is answered with a refusal of the client's making, and the server lives.
    #[test]
    fn no_request_makes_the_server_fail(
        bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 10),
        paths in prop::collection::vec("[a-z0-9%./?=&]{0,40}", 10),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let yard = Yard::new();
            for (body, path) in bodies.iter().zip(&paths) {
                for target in ["jobs", "jobs/0/cancel", "runs/saved", "nodes/node-0000/drain", path] {
                    let head = format!("POST /v1/{target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
                    let (status, _) = yard.raw(&[head.as_bytes(), body].concat()).await;
                    assert!((400..500).contains(&status), "{status} for {target}");
                }
            }
            yard.get("/readyz").await.unwrap();
            yard.end().await;
        });
    }
}
