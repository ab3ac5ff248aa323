//! Each route does what it says.

use executor::api::client::{Call, encoded};
use serde_json::{Value, json};

use crate::yard::{Yard, refusal};

fn numbers(page: &Value) -> Vec<u64> {
    page["jobs"].as_array().unwrap().iter().map(|job| job["job"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_job_from_its_submission_to_its_end() {
    let yard = Yard::new();
    let file = json!({"command": ["run"], "name": "train me", "gpus": 2, "tasks": 2, "tenant": "research/vision"});
    let job = yard.post("/v1/jobs", &file).await.unwrap();
    assert_eq!(job, json!({"schema": 1, "job": 0}));
    let info = yard.until(0, "running").await;
    assert_eq!((&info["file"]["name"], &info["job"]["gpus"]), (&json!("train me"), &json!(4.0)));
    let by_name = yard.get(&format!("/v1/jobs/{}", encoded("train me"))).await.unwrap();
    assert_eq!(by_name["job"]["job"], 0);
    yard.post("/v1/runs/saved", &json!({"job": 0, "attempt": 1, "checkpoint": "s3://b/7"})).await.unwrap();
    assert_eq!(yard.get("/v1/jobs/0").await.unwrap()["job"]["checkpoint"], "s3://b/7");
    assert_eq!(yard.post("/v1/jobs/0/cancel", &Value::Null).await.unwrap()["job"], 0);
    let info = yard.until(0, "cancelled").await;
    assert_eq!(info["end"], "killed by signal 15");
    let verbs: Vec<String> = yard.audit().iter().map(|line| format!("{} {}", line.verb, line.outcome)).collect();
    assert_eq!(verbs, ["job.submit done", "job.saved done", "job.cancel done"]);
    assert!(yard.audit().iter().all(|line| line.from == "unix" && line.role == "admin" && !line.who.is_empty()));
    yard.end().await;
}

#[tokio::test]
async fn a_key_submits_once() {
    let yard = Yard::new();
    let call = |key: &str| Call::post("/v1/jobs", br#"{"command":["true"]}"#.to_vec()).with_key(Some(key.to_owned()));
    for (key, expected) in [("one", 0), ("two", 1), ("one", 0), ("two", 1)] {
        let answer: Value = yard.client.call(call(key)).await.unwrap();
        assert_eq!(answer["job"], expected, "{key}");
    }
    let request = "POST /v1/jobs HTTP/1.1\r\nhost: x\r\nconnection: close\r\nidempotency-key: one\r\ncontent-length: 20\r\n\r\n{\"command\":[\"true\"]}";
    assert_eq!(yard.raw(request.as_bytes()).await, (200, json!({"schema": 1, "job": 0})));
    let other = request.replace("key: one", "key: three");
    assert_eq!(yard.raw(other.as_bytes()).await, (201, json!({"schema": 1, "job": 2})));
    let long = "k".repeat(201);
    let answer: Result<Value, _> = yard.client.call(call(&long)).await;
    assert_eq!(refusal(answer), (400, "bad-key".into(), Some("Idempotency-Key".into())));
    yard.end().await;
}

#[tokio::test]
async fn a_dry_run_checks_and_submits_nothing() {
    let yard = Yard::new();
    let target = "/v1/jobs?dry_run=true";
    let tried = yard.post(target, &json!({"command": ["true"], "gpus": 4, "tenant": "new"})).await.unwrap();
    assert_eq!(tried, json!({"schema": 1, "job": null}));
    let (status, code, field) = refusal(yard.post(target, &json!({"command": ["true"], "gpus": 5})).await);
    assert_eq!((status, code.as_str(), field.as_deref()), (422, "refused", Some("gpus")));
    assert_eq!(numbers(&yard.get("/v1/jobs?state=all").await.unwrap()), Vec::<u64>::new());
    assert_eq!(yard.job("true", 1.0).await, 0);
    yard.end().await;
}

#[tokio::test]
async fn lists_by_state_tenant_and_name_and_in_pages() {
    let yard = Yard::new();
    for (at, tenant) in ["a", "a/b", "ab", "a", "c"].iter().enumerate() {
        let command = if at == 3 { "true" } else { "run" };
        yard.post("/v1/jobs", &json!({"command": [command], "tenant": tenant, "name": format!("n{at}"), "gpus": 2}))
            .await
            .unwrap();
    }
    yard.until(3, "finished").await;
    let list = async |query: &str| numbers(&yard.get(&format!("/v1/jobs{query}")).await.unwrap());
    assert_eq!(list("").await, [0, 1, 2, 4]);
    assert_eq!(list("?state=all").await, [0, 1, 2, 3, 4]);
    assert_eq!(list("?state=finished,held").await, [3]);
    assert_eq!(list("?tenant=a").await, [0, 1]);
    assert_eq!(list("?tenant=a&state=all").await, [0, 1, 3]);
    assert_eq!(list("?name=n2").await, [2]);
    assert_eq!(list("?after=1&limit=1").await, [2]);
    let (mut after, mut seen) = (String::new(), Vec::new());
    loop {
        let page = yard.get(&format!("/v1/jobs?state=all&limit=2{after}")).await.unwrap();
        seen.extend(numbers(&page));
        let Some(next) = page["next"].as_u64() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(seen, [0, 1, 2, 3, 4]);
    yard.end().await;
}

#[tokio::test]
async fn hold_and_release() {
    let yard = Yard::new();
    let held = json!({"command": ["run"], "hold": true});
    yard.post("/v1/jobs", &held).await.unwrap();
    let explained = yard.get("/v1/jobs/0/explain").await.unwrap();
    assert_eq!(explained["job"]["reason"], "on-hold");
    yard.post("/v1/jobs/0/release", &Value::Null).await.unwrap();
    yard.until(0, "running").await;
    assert_eq!(refusal(yard.post("/v1/jobs/0/release", &Value::Null).await).1, "not-held");
    yard.post("/v1/jobs/0/hold", &Value::Null).await.unwrap();
    yard.until(0, "held").await;
    yard.end().await;
}

#[tokio::test]
async fn nodes_drain_with_a_reason_and_resume() {
    let yard = Yard::new();
    yard.post("/v1/nodes/node-0001/drain", &json!({"reason": "fan"})).await.unwrap();
    let nodes = yard.get("/v1/nodes").await.unwrap()["nodes"].clone();
    assert_eq!((&nodes[0]["state"], &nodes[1]["state"]), (&json!("up"), &json!("draining")));
    assert_eq!(
        (&nodes[1]["reason"], &nodes[1]["gpus"], &nodes[1]["model"]),
        (&json!("fan"), &json!(4), &json!("A100"))
    );
    yard.post("/v1/nodes/node-0001/resume", &Value::Null).await.unwrap();
    assert_eq!(yard.get("/v1/nodes").await.unwrap()["nodes"][1]["state"], "up");
    yard.end().await;
}

#[tokio::test]
async fn explain_says_what_is_short_and_where_it_is_idle() {
    let yard = Yard::new();
    // Three GPUs of each node are taken: two GPUs are idle, one on each.
    yard.job("run", 3.0).await;
    yard.job("run", 3.0).await;
    yard.job("run", 4.0).await;
    yard.job("run", 2.0).await;
    yard.until(1, "running").await;
    let short = yard.get("/v1/jobs/2/explain").await.unwrap();
    assert_eq!(
        (&short["job"]["reason"], &short["position"], &short["pending"]),
        (&json!("too-few-gpus"), &json!(1), &json!(2))
    );
    assert_eq!((&short["shortage"]["gpus_needed"], &short["shortage"]["gpus_free"]), (&json!(4.0), &json!(2.0)));
    let torn = yard.get("/v1/jobs/3/explain").await.unwrap();
    assert_eq!((&torn["job"]["reason"], &torn["position"]), (&json!("no-placement"), &json!(2)));
    assert_eq!(torn["shortage"]["idle"], json!([[1, 2]]));
    let lines: Vec<&str> = torn["lines"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    assert_eq!(lines[0], "job 3 is pending");
    assert_eq!(
        lines.last().unwrap(),
        &"fragmentation: 2 GPUs idle on 2 nodes, at most 1 on one; the job needs 2 on one node: room for 0 of 1 tasks"
    );
    yard.end().await;
}

#[tokio::test]
async fn the_server_says_how_it_is() {
    let yard = Yard::new();
    assert_eq!(yard.get("/healthz").await.unwrap()["status"], "alive");
    assert_eq!(yard.get("/readyz").await.unwrap()["status"], "ready");
    yard.handle.stop().unwrap();
    // The thread ends after its present batch; from then on nothing is accepted.
    let refused = loop {
        let answer = yard.get("/readyz").await;
        if answer.is_err() {
            break refusal(answer);
        }
    };
    assert_eq!((refused.0, refused.1.as_str()), (503, "down"));
    assert_eq!(refusal(yard.post("/v1/jobs", &json!({"command": ["true"]})).await).0, 503);
}
