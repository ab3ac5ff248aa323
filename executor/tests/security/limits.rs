//! Too much, too often, too many.

use std::time::{Duration, Instant};

use executor::access::Role;
use executor::api::client::Call;
use serde_json::{Value, json};

use super::house::{AS_NOBODY, House, refusal};

#[test]
fn a_body_that_is_too_long_is_refused_before_it_is_read() {
    let house = House::new("body_max = 4096\n", AS_NOBODY);
    let token = house.token("ada", "a", Role::Submitter, None);
    let long = json!({"command": ["true", "x".repeat(5000)]});
    let refused = refusal(house.post(&house.client(Some(&token)), "/v1/jobs", &long));
    assert_eq!((refused.status, refused.code.as_str()), (413, "too-large"));
    // One that does not say how long it is; and one that says that it is endless.
    let head = format!("POST /v1/jobs HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nconnection: close\r\n");
    let piece = format!("1000\r\n{}\r\n", " ".repeat(4096));
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n{}0\r\n\r\n", piece.repeat(3));
    assert!(house.raw(chunked.as_bytes()).starts_with("HTTP/1.1 413"));
    let endless = format!("{head}content-length: 9999999999999\r\n\r\n{{");
    assert!(house.raw(endless.as_bytes()).starts_with("HTTP/1.1 413"));
    house.audited("ada", "too-large", 3);
    // Headers have a limit of their own.
    let answer = house.raw(format!("{head}x: {}\r\n\r\n", "y".repeat(200_000)).as_bytes());
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert_eq!(house.submit(&house.client(Some(&token)), "true", &json!({})), 0);
    house.stop();
}

#[test]
fn who_asks_too_often_is_told_when_to_come_again_and_keeps_nobody_else_out() {
    let house = House::new("requests_per_s = 0.5\nrequests_burst = 5\n", AS_NOBODY);
    let hasty = house.token("hasty", "a", Role::Viewer, None);
    let calm = house.holder("calm", "b", Role::Viewer);
    let client = house.client(Some(&hasty));
    let answers: Vec<_> = (0..8).map(|_| house.get(&client, "/v1/jobs")).collect();
    assert!(answers[..5].iter().all(Result::is_ok));
    let refused = refusal(answers.into_iter().last().unwrap());
    assert_eq!((refused.status, refused.code.as_str()), (429, "too-often"));
    let head =
        format!("GET /v1/jobs HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {hasty}\r\n\r\n");
    let answer = house.raw(head.as_bytes());
    let after = answer.split("retry-after: ").nth(1).unwrap().split('\r').next().unwrap().parse::<u64>().unwrap();
    assert!(answer.starts_with("HTTP/1.1 429") && (1..=3).contains(&after), "{answer}");
    house.get(&calm, "/v1/jobs").unwrap();
    for _ in 0..20 {
        house.get(&house.owner(), "/v1/jobs").unwrap();
    }
    assert!(house.audited("hasty", "too-often", 4).iter().all(|line| line["from_addr"] == "127.0.0.1"));
    // Whoever has no token is counted by his address.
    let codes: Vec<String> = (0..8).map(|_| refusal(house.get(&house.client(None), "/v1/jobs")).code).collect();
    assert_eq!((codes[0].as_str(), codes[7].as_str()), ("no-token", "too-often"));
    house.stop();
}

#[test]
fn refusals_do_not_flood_the_journal_and_none_is_forgotten() {
    const ATTEMPTS: usize = 1000;
    let house = House::new("requests_per_s = 1e6\nrequests_burst = 1000000\n", AS_NOBODY);
    let client = house.client(Some("ty_wrong"));
    for _ in 0..ATTEMPTS {
        assert_eq!(refusal(house.get(&client, "/v1/jobs")).status, 401);
    }
    let begun = Instant::now();
    loop {
        let (single, summed) = (house.audit("&outcome=bad-token"), house.audit("&outcome=left-out"));
        let count =
            |line: &Value| line["detail"].as_str().unwrap().split(' ').next().unwrap().parse::<usize>().unwrap();
        let all = single.len() + summed.iter().map(count).sum::<usize>();
        if all == ATTEMPTS {
            // A hundred at once, then one a second.
            assert!(single.len() < ATTEMPTS / 2 && !summed.is_empty(), "{} {}", single.len(), summed.len());
            break;
        }
        assert!(all < ATTEMPTS && begun.elapsed() < Duration::from_mins(1), "{all} of {ATTEMPTS}");
        std::thread::sleep(Duration::from_millis(50));
    }
    house.stop();
}

#[test]
fn a_tenant_has_so_many_jobs_and_no_more_also_after_a_restart() {
    let house = House::new("tenant_jobs_max = 3\njobs_max = 5\n", AS_NOBODY);
    let token = house.token("ada", "a", Role::Submitter, None);
    let other = house.token("bob", "b", Role::Submitter, None);
    let held = |tenant: &str| json!({"command": ["true"], "hold": true, "tenant": tenant});
    let sent: Vec<_> =
        (0..3).map(|at| house.post(&house.client(Some(&token)), "/v1/jobs", &held(&format!("a/{at}")))).collect();
    assert!(sent.iter().all(Result::is_ok), "{sent:?}");
    let full = |house: &House, token: &str, tenant: &str| {
        let refused = refusal(house.post(&house.client(Some(token)), "/v1/jobs", &held(tenant)));
        assert_eq!((refused.status, refused.code.as_str()), (409, "queue-full"));
        refused.message
    };
    assert!(full(&house, &token, "a/9").contains("tenant `a`"));
    house.audited("ada", "queue-full", 1);
    let house = House::at(house.stop(), "tenant_jobs_max = 3\njobs_max = 5\n", AS_NOBODY).unwrap();
    full(&house, &token, "a");
    for _ in 0..2 {
        house.post(&house.client(Some(&other)), "/v1/jobs", &held("b")).unwrap();
    }
    assert!(full(&house, &other, "b").contains("this server"));
    house.post(&house.client(Some(&token)), "/v1/jobs/0/cancel", &Value::Null).unwrap();
    house.post(&house.client(Some(&token)), "/v1/jobs", &held("a")).unwrap();
    full(&house, &token, "a");
    // The same submission again is no other job.
    let call = || Call::post("/v1/jobs", held("b").to_string().into_bytes()).with_key(Some("k".to_owned()));
    house.post(&house.client(Some(&other)), "/v1/jobs/3/cancel", &Value::Null).unwrap();
    let first = house.call(&house.client(Some(&other)), call()).unwrap();
    assert_eq!(house.call(&house.client(Some(&other)), call()).unwrap(), first);
    house.stop();
}
