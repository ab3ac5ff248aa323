//! What operators do to jobs and nodes, and what they are told of it before.

use serde_json::{Value, json};

use super::yard::{Yard, refusal};

#[tokio::test]
async fn a_job_is_held_with_a_reason_that_everybody_sees() {
    let yard = Yard::new();
    yard.job("run", 1.0).await;
    yard.until(0, "running").await;
    yard.post("/v1/jobs/0/hold", &json!({"reason": "the data is wrong"})).await.unwrap();
    let info = yard.until(0, "held").await;
    let text = info["job"]["reason_text"].as_str().unwrap().to_owned();
    assert!(text.ends_with(": the data is wrong") && text.contains(", by "), "{text}");
    assert_eq!(info["job"]["reason"], "on-hold");
    let explained = yard.get("/v1/jobs/0/explain").await.unwrap();
    assert_eq!(explained["lines"][1], format!("{text} (on-hold)"));
    let audit = yard.audit();
    let hold = audit.iter().find(|line| line.verb == "job.hold").unwrap();
    assert_eq!((hold.subject.as_str(), hold.detail.as_str()), ("job 0", "the data is wrong"));
    // Without a reason it is still said who did it.
    yard.post("/v1/jobs/0/hold", &Value::Null).await.unwrap();
    let text = yard.until(0, "held").await["job"]["reason_text"].to_string();
    assert!(text.contains(", by ") && !text.contains("data"), "{text}");
    let long = "x".repeat(501);
    for wrong in [json!({"reason": "two\nlines"}), json!({"reason": long}), json!({"reason": " "})] {
        let refused = refusal(yard.post("/v1/jobs/0/hold", &wrong).await);
        assert_eq!(refused, (422, "refused".to_owned(), Some("reason".to_owned())), "{wrong}");
    }
    assert_eq!(refusal(yard.post("/v1/jobs/0/hold", &json!({"because": "x"})).await).1, "bad-body");
    yard.end().await;
}

#[tokio::test]
async fn a_job_that_is_put_first_goes_first_and_says_so() {
    let yard = Yard::new();
    for gpus in [4.0, 4.0, 4.0, 4.0, 4.0] {
        yard.job("run", gpus).await;
    }
    yard.until(1, "running").await;
    assert_eq!(refusal(yard.post("/v1/jobs/0/top-priority", &Value::Null).await).1, "not-waiting");
    yard.post("/v1/jobs/4/top-priority", &Value::Null).await.unwrap();
    let explained = yard.get("/v1/jobs/4/explain").await.unwrap();
    assert_eq!(explained["job"]["first"], true);
    let lines = explained["lines"].to_string();
    assert!(lines.contains("an operator put it first: it goes before all others"), "{lines}");
    yard.post("/v1/jobs/1/cancel", &Value::Null).await.unwrap();
    yard.until(4, "running").await;
    for waiting in [2, 3] {
        assert_eq!(yard.get(&format!("/v1/jobs/{waiting}")).await.unwrap()["job"]["state"], "pending");
    }
    assert!(yard.audit().iter().any(|line| line.verb == "job.top-priority" && line.subject == "job 4"));
    yard.post("/v1/jobs/4/cancel", &Value::Null).await.unwrap();
    yard.until(4, "cancelled").await;
    assert_eq!(refusal(yard.post("/v1/jobs/4/top-priority", &Value::Null).await).1, "ended");
    yard.end().await;
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_and_changes_nothing() {
    let yard = Yard::new();
    for gpus in [4.0, 4.0, 4.0] {
        yard.job("run", gpus).await;
    }
    yard.post("/v1/jobs", &json!({"command": ["run"], "hold": true})).await.unwrap();
    yard.until(1, "running").await;
    let before = (yard.get("/v1/jobs").await.unwrap()["jobs"].clone(), yard.get("/v1/nodes").await.unwrap());
    let states = |jobs: &Value| -> Vec<Value> {
        jobs.as_array().unwrap().iter().map(|job| json!([job["state"], job["reason"], job["first"]])).collect()
    };
    let audited = yard.audit().len();
    let tried = [
        ("jobs/0/cancel", json!(null), "job 0 is running and would be told to stop, and would end as cancelled"),
        ("jobs/2/cancel", json!(null), "job 2 is pending and would end as cancelled without another run"),
        (
            "jobs/0/hold",
            json!({"reason": "x"}),
            "job 0 is running and would be told to stop, and would stay out of the queue",
        ),
        ("jobs/2/hold", json!(null), "job 2 is pending and would stay out of the queue"),
        ("jobs/3/release", json!(null), "job 3 is held and would go back to the queue"),
        ("jobs/2/top-priority", json!(null), "job 2 is pending and would go before all others in the queue"),
        ("jobs/3/top-priority", json!(null), "job 3 is held and would go before all others once it is in the queue"),
        (
            "nodes/node-0000/drain",
            json!({"reason": "fan"}),
            "node node-0000 is up; it then takes no more work; job 0 goes on there",
        ),
        ("nodes/node-0001/resume", json!(null), "node node-0001 is up; it then takes work again; job 1 goes on there"),
    ];
    for (target, body, would) in tried {
        let answer = yard.post(&format!("/v1/{target}?dry_run=true"), &body).await.unwrap();
        assert_eq!(answer["would"], would, "{target}");
    }
    let after = (yard.get("/v1/jobs").await.unwrap()["jobs"].clone(), yard.get("/v1/nodes").await.unwrap());
    assert_eq!((states(&before.0), before.1), (states(&after.0), after.1));
    assert_eq!(yard.audit().len(), audited, "what was only asked is no act");
    // What would be refused is refused.
    assert_eq!(refusal(yard.post("/v1/jobs/2/release?dry_run=true", &Value::Null).await).1, "not-held");
    assert_eq!(refusal(yard.post("/v1/jobs/9/cancel?dry_run=true", &Value::Null).await).1, "unknown-job");
    let empty = yard.post("/v1/nodes/node-0000/drain?dry_run=true", &json!({"reason": ""})).await;
    assert_eq!(refusal(empty).2.as_deref(), Some("reason"));
    assert_eq!(refusal(yard.post("/v1/jobs/0/cancel?dryrun=true", &Value::Null).await).1, "bad-query");
    yard.end().await;
}

#[tokio::test]
async fn nodes_that_take_no_work_are_named_to_who_waits() {
    let yard = Yard::new();
    for node in ["node-0000", "node-0001"] {
        yard.post(&format!("/v1/nodes/{node}/drain"), &json!({"reason": "new fans"})).await.unwrap();
    }
    yard.job("run", 1.0).await;
    let lines = yard.get("/v1/jobs/0/explain").await.unwrap()["lines"].to_string();
    assert!(
        lines.contains("node node-0001 takes no work: it is draining, by ") && lines.contains(": new fans"),
        "{lines}"
    );
    yard.end().await;
}

#[tokio::test]
async fn logs_that_were_deleted_are_gone() {
    let yard = Yard::new();
    yard.job("true", 0.0).await;
    yard.until(0, "finished").await;
    assert_eq!(refusal(yard.get("/v1/jobs/0/logs").await.map(|_: Value| Value::Null)).0, 410);
    let gone = refusal(yard.get("/v1/jobs/0/logs?follow=true").await);
    assert_eq!((gone.0, gone.1.as_str()), (410, "gone"));
    // A job that was never placed has no logs, and had none.
    yard.post("/v1/jobs", &json!({"command": ["run"], "hold": true})).await.unwrap();
    yard.post("/v1/jobs/1/cancel", &Value::Null).await.unwrap();
    yard.until(1, "cancelled").await;
    assert_eq!(refusal(yard.get("/v1/jobs/1/logs").await).1, "no-logs");
    yard.log("0-1/task-0", "stderr", "only this");
    assert_eq!(refusal(yard.get("/v1/jobs/0/logs").await).1, "no-logs");
    yard.end().await;
}
