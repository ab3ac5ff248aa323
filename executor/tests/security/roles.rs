//! What each role may do, and no more.

use executor::access::Role;
use executor::api::client::{Call, Client};
use serde_json::{Value, json};

use super::house::{AS_NOBODY, House, refusal};

/// Status of an answer.
fn status(house: &House, client: &Client, call: Call) -> u16 {
    match house.call(client, call) {
        Ok(_) => 200,
        refused => refusal(refused).status,
    }
}

#[test]
fn a_role_may_do_what_the_table_says_and_nothing_else() {
    let house = House::new("", AS_NOBODY);
    let roles = [Role::Viewer, Role::Submitter, Role::Operator, Role::Admin];
    let holders = roles.map(|role| house.holder(role.name(), "a", role));
    let own = house.submit(&holders[1], "sleep 1000", &json!({"hold": true}));
    let foreign = house.submit(&house.owner(), "sleep 1000", &json!({"tenant": "b", "hold": true}));
    let post = |target: String, body: Value| {
        Call::post(target, if body.is_null() { Vec::new() } else { body.to_string().into_bytes() })
    };
    let submit =
        |tenant: &str| post("/v1/jobs?dry_run=true".to_owned(), json!({"command": ["true"], "tenant": tenant}));
    // The page docs/access.md has the same table.
    let table: [(Call, [u16; 4]); 16] = [
        (Call::get(format!("/v1/jobs/{own}")), [200, 200, 200, 200]),
        (Call::get(format!("/v1/jobs/{foreign}")), [404, 404, 200, 200]),
        (Call::get("/v1/nodes"), [200, 200, 200, 200]),
        (submit("a"), [403, 200, 200, 200]),
        (submit("a/below"), [403, 200, 200, 200]),
        (submit("b"), [403, 403, 403, 200]),
        (post(format!("/v1/jobs/{own}/hold"), Value::Null), [403, 200, 200, 200]),
        (post(format!("/v1/jobs/{foreign}/hold"), Value::Null), [403, 404, 200, 200]),
        (post("/v1/nodes/nowhere/drain".to_owned(), json!({"reason": "x"})), [403, 403, 404, 404]),
        (post("/v1/nodes/nowhere/resume".to_owned(), Value::Null), [403, 403, 404, 404]),
        (post(format!("/v1/jobs/{own}/top-priority?dry_run=true"), Value::Null), [403, 403, 200, 200]),
        (Call::get("/v1/usage"), [200, 200, 200, 200]),
        (Call::get("/v1/usage?tenant=a/below"), [200, 200, 200, 200]),
        (Call::get("/v1/usage?tenant=b"), [403, 403, 200, 200]),
        (Call::get("/v1/audit"), [403, 403, 403, 200]),
        (post("/v1/nothing".to_owned(), Value::Null), [403, 404, 404, 404]),
    ];
    for (call, expected) in &table {
        let found = [0, 1, 2, 3].map(|at| status(&house, &holders[at], call.clone()));
        assert_eq!(found, *expected, "{call:?}");
    }
    for (at, role) in roles.into_iter().enumerate() {
        let count = |wanted: u16| table.iter().filter(|(_, expected)| expected[at] == wanted).count();
        let lines = house.audited(role.name(), "forbidden", count(403));
        assert!(lines.iter().all(|line| line["role"] == role.name()), "{lines:?}");
    }
    house.audited("viewer", "foreign-tenant", 1);
    house.audited("submitter", "foreign-tenant", 2);
    house.post(&holders[2], &format!("/v1/jobs/{foreign}/cancel"), &Value::Null).unwrap();
    house.until(foreign, "cancelled");
    let name = house.get(&house.owner(), "/v1/nodes").unwrap()["nodes"][0]["node"].as_str().unwrap().to_owned();
    house.post(&holders[2], &format!("/v1/nodes/{name}/drain"), &json!({"reason": "fan"})).unwrap();
    house.post(&holders[2], &format!("/v1/nodes/{name}/resume"), &Value::Null).unwrap();
    house.audited("operator", "done", 5);
    house.stop();
}
