//! Jobs of another tenant look as if they were not there.

use executor::access::Role;
use executor::api::client::Call;
use serde_json::{Value, json};

use super::house::{AS_NOBODY, House, refusal};

/// The same refusal, but for the name of the job.
fn same_as_unknown(house: &House, thief: &executor::api::client::Client, ask: impl Fn(&str) -> Call, job: &str) {
    let of = |job: &str| {
        let refused = refusal(house.call(thief, ask(job)));
        (refused.status, refused.code, refused.message.replace(job, "JOB"), refused.hint)
    };
    assert_eq!(of(job), of("4711"), "{job}");
}

#[test]
fn nothing_of_another_tenant_is_seen_or_changed() {
    let house = House::new("", AS_NOBODY);
    let (thief, victim) = (house.holder("thief", "a", Role::Submitter), house.holder("victim", "b", Role::Submitter));
    let script = "echo secret; sleep 1000";
    let job = house.submit(&victim, script, &json!({"name": "vault", "gpus": 4}));
    house.until(job, "running");
    let attempts: [fn(&str) -> Call; 7] = [
        |job| Call::get(format!("/v1/jobs/{job}")),
        |job| Call::get(format!("/v1/jobs/{job}/explain")),
        |job| Call::get(format!("/v1/jobs/{job}/logs")),
        |job| Call::get(format!("/v1/jobs/{job}/logs?follow=true")),
        |job| Call::post(format!("/v1/jobs/{job}/cancel"), Vec::new()),
        |job| Call::post(format!("/v1/jobs/{job}/hold"), Vec::new()),
        |job| Call::post(format!("/v1/jobs/{job}/release"), Vec::new()),
    ];
    for attempt in attempts {
        for text in ["0", "vault"] {
            same_as_unknown(&house, &thief, attempt, text);
        }
    }
    let saved = |job: &str| Call::post("/v1/runs/saved", format!("{{\"job\": {job}, \"attempt\": 1}}").into_bytes());
    same_as_unknown(&house, &thief, saved, "0");
    let after =
        |job: &str| Call::post("/v1/jobs", json!({"command": ["true"], "after": [job]}).to_string().into_bytes());
    same_as_unknown(&house, &thief, after, "0");
    same_as_unknown(&house, &thief, after, "vault");
    house.audited("thief", "foreign-tenant", 2 * attempts.len() + 3);
    for tenant in ["b", "b/c", "ab", ""] {
        let refused = refusal(house.post(&thief, "/v1/jobs", &json!({"command": ["true"], "tenant": tenant})));
        assert_eq!((refused.status, refused.code.as_str()), (403, "forbidden"), "{tenant}");
    }
    house.audited("thief", "forbidden", 4);
    // A tenant that only looks as if it were below.
    let refused = refusal(house.post(&thief, "/v1/jobs", &json!({"command": ["true"], "tenant": "a/../b"})));
    assert_eq!((refused.status, refused.code.as_str()), (422, "refused"));
    for target in ["/v1/jobs?state=all", "/v1/jobs?state=all&tenant=b", "/v1/jobs?name=vault"] {
        assert_eq!(house.get(&thief, target).unwrap()["jobs"], json!([]), "{target}");
        assert_eq!(house.get(&victim, target).unwrap()["jobs"].as_array().unwrap().len(), 1, "{target}");
    }
    assert_eq!(house.get(&thief, "/v1/nodes").unwrap()["nodes"][0]["jobs"], json!([]));
    assert_eq!(house.get(&victim, "/v1/nodes").unwrap()["nodes"][0]["jobs"], json!([0]));
    assert_eq!(house.until(job, "running")["job"]["attempts"], 1);
    house.get(&victim, "/v1/jobs/vault").unwrap();
    house.post(&victim, "/v1/jobs/vault/cancel", &Value::Null).unwrap();
    house.until(job, "cancelled");
    house.stop();
}

#[test]
fn who_took_the_gpus_is_not_named_to_another_tenant() {
    let house = House::new("", AS_NOBODY);
    let (small, large) = (house.holder("small", "a", Role::Submitter), house.holder("large", "b", Role::Submitter));
    let first = house.submit(&small, "sleep 1000", &json!({"gpus": 4, "grace": "1s"}));
    house.until(first, "running");
    let second = house.submit(&large, "sleep 1000", &json!({"gpus": 4, "priority": 9}));
    house.until(second, "running");
    house.until(first, "pending");
    let seen = |client| house.get(client, "/v1/jobs/0/explain").unwrap();
    let (own, owner) = (seen(&small), seen(&house.owner()));
    assert_eq!((&own["evictions"][0]["by"], &owner["evictions"][0]["by"]), (&Value::Null, &json!(1)));
    assert!(owner["lines"].to_string().contains("for job 1"), "{owner}");
    for text in [own.to_string(), house.get(&small, "/v1/jobs/0").unwrap().to_string()] {
        assert!(!text.contains("job 1") && !text.contains("large"), "{text}");
    }
    house.post(&house.owner(), "/v1/jobs/0/cancel", &Value::Null).unwrap();
    house.post(&house.owner(), "/v1/jobs/1/cancel", &Value::Null).unwrap();
    house.until(second, "cancelled");
    house.stop();
}

#[test]
fn followers_hear_of_their_own_jobs_alone() {
    let house = House::new("", AS_NOBODY);
    let (follower, other) = (house.holder("follower", "a", Role::Viewer), house.holder("other", "b", Role::Submitter));
    let own = house.holder("own", "a/x", Role::Submitter);
    let (begun, begins) = std::sync::mpsc::channel();
    let heard = house.runtime.spawn(async move {
        let mut text = String::new();
        let take = |piece: &[u8]| {
            text.push_str(&String::from_utf8_lossy(piece));
            begun.send(()).unwrap();
            if text.contains("finished") {
                Err(executor::api::client::ClientError::Broken("enough".to_owned()))
            } else {
                Ok(())
            }
        };
        let _ = follower.stream(Call::get("/v1/events"), take).await;
        text
    });
    begins.recv().unwrap();
    let foreign = house.submit(&other, "true", &json!({}));
    house.until(foreign, "finished");
    let mine = house.submit(&own, "true", &json!({}));
    house.until(mine, "finished");
    let text = house.runtime.block_on(heard).unwrap();
    assert!(text.contains("\"job\":1") && !text.contains("\"job\":0"), "{text}");
    house.stop();
}

#[test]
fn a_name_that_others_use_too_still_finds_ones_own_job() {
    let house = House::new("", AS_NOBODY);
    let (a, b) = (house.holder("ann", "a", Role::Submitter), house.holder("bob", "b", Role::Submitter));
    let mine = house.submit(&a, "true", &json!({"name": "train"}));
    let theirs = house.submit(&b, "true", &json!({"name": "train"}));
    assert_eq!(house.get(&a, "/v1/jobs/train").unwrap()["job"]["job"], mine);
    assert_eq!(house.get(&b, "/v1/jobs/train").unwrap()["job"]["job"], theirs);
    // Parents are those that the name means to whoever submits.
    let child = house.submit(&a, "true", &json!({"after": ["train"]}));
    assert_eq!(house.get(&a, &format!("/v1/jobs/{child}")).unwrap()["file"]["after"], json!([mine.to_string()]));
    house.until(child, "finished");
    // A key of another tenant is not answered with his job, even where the names on the tokens are equal.
    let key = |client, text: &str| {
        house.call(client, Call::post("/v1/jobs", br#"{"command":["true"]}"#.to_vec()).with_key(Some(text.to_owned())))
    };
    let twin = house.token("twin", "b", Role::Submitter, None);
    house.alter(|tokens| tokens.last_mut().unwrap().name = "ann".to_owned());
    let first = key(&a, "k").unwrap();
    assert_eq!(key(&a, "k").unwrap(), first);
    assert_eq!(refusal(key(&house.client(Some(&twin)), "k")).code, "bad-key");
    house.stop();
}
