//! Tokens that open nothing.

use std::os::unix::fs::PermissionsExt;

use executor::access::{FILE, Role, now_s};
use executor::api::client::Call;
use serde_json::{Value, json};

use super::house::{AS_NOBODY, House, refusal};

#[test]
fn without_a_valid_token_nothing_is_open() {
    let house = House::new("", AS_NOBODY);
    let (good, old) = (
        house.token("good", "a", Role::Admin, Some(now_s() + 3600)),
        house.token("old", "a", Role::Admin, Some(now_s())),
    );
    let digest = std::fs::read_to_string(house.state().join(FILE)).unwrap();
    let digest = digest.split("\"digest\": \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let cut = &good[..good.len() - 1];
    house.get(&house.client(Some(&good)), "/v1/jobs").unwrap();
    for (token, code) in [
        (None, "no-token"),
        (Some("ty_0000000000000000000000000000000000000000000000000000000000000000"), "bad-token"),
        (Some("x"), "bad-token"),
        (Some(cut), "bad-token"),
        (Some(digest.as_str()), "bad-token"),
        (Some(old.as_str()), "expired-token"),
    ] {
        let client = house.client(token);
        let calls = [Call::get("/v1/jobs"), Call::get("/v1/nothing"), Call::post("/v1/jobs", b"{}".to_vec())];
        for call in calls {
            let refused = refusal(house.call(&client, call));
            assert_eq!((refused.status, refused.code.as_str()), (401, code), "{token:?}");
        }
    }
    house.audited("", "no-token", 3);
    house.audited("", "bad-token", 12);
    let lines = house.audited("old", "expired-token", 3);
    assert!(lines.iter().all(|line| line["from_addr"] == "127.0.0.1" && line["role"] == "admin"), "{lines:?}");
    let head = "GET /v1/jobs HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    for headers in [
        format!("authorization: Basic {good}\r\n"),
        format!("authorization: {good}\r\n"),
        format!("authorization: Bearer {good}\r\nauthorization: Bearer {good}\r\n"),
        "x-forwarded-for: 127.0.0.1\r\nx-remote-user: root\r\n".to_owned(),
    ] {
        let answer = house.raw(format!("{head}{headers}\r\n").as_bytes());
        assert!(
            answer.starts_with("HTTP/1.1 401") && answer.contains("www-authenticate: Bearer"),
            "{headers}: {answer}"
        );
    }
    house.audited("", "bad-token", 15);
    // Nothing in the folder opens the server, and nothing that the server wrote holds the token.
    for file in ["journal/000001.tyj", "records.sqlite", "records.sqlite-wal", FILE] {
        let bytes = std::fs::read(house.state().join(file)).unwrap_or_default();
        assert!(!bytes.windows(good.len()).any(|window| window == good.as_bytes()), "{file}");
    }
    house.stop();
}

#[test]
fn a_token_that_is_revoked_is_void_at_once_and_both_are_in_the_audit_log() {
    let house = House::new("", AS_NOBODY);
    let token = house.token("ada", "a", Role::Viewer, None);
    let client = house.client(Some(&token));
    house.get(&client, "/v1/jobs").unwrap();
    house.alter(|tokens| tokens[0].revoked_s = Some(now_s()));
    let refused = refusal(house.get(&client, "/v1/jobs"));
    assert_eq!((refused.status, refused.code.as_str()), (401, "revoked-token"));
    house.audited("ada", "revoked-token", 1);
    let owner = nix::unistd::User::from_uid(nix::unistd::geteuid()).unwrap().unwrap().name;
    let verbs = |house: &House| -> Vec<String> {
        let begun = std::time::Instant::now();
        loop {
            let lines = house.audit("&subject=token%20ada");
            if lines.len() >= 2 || begun.elapsed().as_secs() > 60 {
                assert!(lines.iter().all(|line| line["who"] == owner), "{lines:?}");
                return lines.iter().map(|line| line["verb"].as_str().unwrap().to_owned()).collect();
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    };
    assert_eq!(verbs(&house), ["token.revoke", "token.create"]);
    // The next server knows that they are written down.
    let house = House::at(house.stop(), "", AS_NOBODY).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    assert_eq!(verbs(&house), ["token.revoke", "token.create"]);
    house.stop();
}

#[test]
fn a_file_of_tokens_that_cannot_be_trusted_opens_nothing_and_starts_nothing() {
    let house = House::new("", AS_NOBODY);
    let token = house.token("ada", "a", Role::Viewer, None);
    let (client, path) = (house.client(Some(&token)), house.state().join(FILE));
    house.get(&client, "/v1/jobs").unwrap();
    let sound = std::fs::read(&path).unwrap();
    std::fs::write(&path, &sound[..sound.len() / 2]).unwrap();
    assert_eq!(refusal(house.get(&client, "/v1/jobs")).code, "tokens-unusable");
    std::fs::write(&path, &sound).unwrap();
    house.get(&client, "/v1/jobs").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(refusal(house.get(&client, "/v1/jobs")).code, "tokens-unusable");
    let lines = house.audit("&outcome=tokens-unusable");
    assert!(lines.iter().any(|line| line["detail"].as_str().unwrap().contains("mode is 644")), "{lines:?}");
    // Who runs the server still gets in, and a server does not start so.
    house.get(&house.owner(), "/v1/jobs").unwrap();
    let error = House::at(house.stop(), "", AS_NOBODY).err().unwrap();
    assert!(error.to_string().contains("mode is 644") && error.hint().contains("0600"), "{error}");
}

#[test]
fn a_token_says_who_calls_on_the_socket_too() {
    let house = House::new("", AS_NOBODY);
    let viewer = house.token("ada", "a", Role::Viewer, None);
    let lesser = house.owner().with_token(Some(&viewer));
    assert_eq!(refusal(house.post(&lesser, "/v1/jobs", &json!({"command": ["true"]}))).code, "forbidden");
    assert_eq!(refusal(house.get(&house.owner().with_token(Some("x")), "/v1/jobs")).code, "bad-token");
    let lines = house.audited("ada", "forbidden", 1);
    assert_eq!((&lines[0]["from_addr"], &lines[0]["role"]), (&json!("unix"), &json!("viewer")));
    assert_eq!(house.get(&house.owner(), "/v1/jobs").unwrap()["next"], Value::Null);
    house.stop();
}
