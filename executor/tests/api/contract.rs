//! The document of the API against the real router.

use serde_json::Value;

use crate::yard::Yard;

#[tokio::test]
async fn every_operation_is_served_and_no_other_method() {
    let yard = Yard::new();
    let document = yard.get("/v1/openapi.json").await.unwrap();
    assert_eq!(document, executor::api::openapi::document());
    for (path, item) in document["paths"].as_object().unwrap() {
        let item = item.as_object().unwrap();
        let target = path.replace("{job}", "77").replace("{node}", "none");
        for method in ["get", "post", "put", "patch", "delete"] {
            // What has no end is answered, and that is enough here.
            if path == "/v1/events" && method == "get" {
                continue;
            }
            let head = format!("{} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", method.to_uppercase());
            let (status, body) = yard.raw(head.as_bytes()).await;
            let code = body["code"].as_str().unwrap_or_default();
            if let Some(operation) = item.get(method) {
                assert!(!["unknown-route", "wrong-method"].contains(&code), "{method} {path}");
                assert!(operation["responses"].get(status.to_string()).is_some(), "{method} {path}: {status} {body}");
            } else {
                assert_eq!((status, code), (405, "wrong-method"), "{method} {path}");
            }
        }
    }
    yard.end().await;
}

#[tokio::test]
async fn a_request_keeps_its_number_or_gets_one() {
    let yard = Yard::new();
    let answer = async |header: &str| {
        let head = format!("GET /v1/nodes HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{header}\r\n");
        let text = yard.text(head.as_bytes()).await;
        let line = text.lines().find_map(|line| line.strip_prefix("x-request-id: "));
        line.unwrap().to_owned()
    };
    assert_eq!(answer("x-request-id: my-42.a\r\n").await, "my-42.a");
    for header in [String::new(), "x-request-id: a b\r\n".to_owned(), format!("x-request-id: {}\r\n", "x".repeat(65))] {
        let (one, two) = (answer(&header).await, answer(&header).await);
        assert!(one != two && one.len() == 16 && one.bytes().all(|byte| byte.is_ascii_hexdigit()), "{one}");
    }
    // Refusals and unknown routes have one too.
    let text = yard.text(b"GET /none HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(text.contains("x-request-id: "), "{text}");
    yard.end().await;
}

#[tokio::test]
async fn a_path_that_is_no_text_is_refused() {
    let yard = Yard::new();
    for target in ["/v1/jobs/%ff", "/v1/jobs/%ff/explain", "/v1/jobs/%fe/logs"] {
        let head = format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let (status, body) = yard.raw(head.as_bytes()).await;
        assert_eq!((status, &body["code"]), (400, &Value::from("bad-path")), "{target}");
    }
    yard.end().await;
}
