//! Nodes that are added and taken away between two starts of a server.

use serde_json::Value;

use crate::server::{Server, worker};
use crate::support::Yard;

fn config(nodes: &[(&str, u32)]) -> String {
    let node = |(name, gpus): &(&str, u32)| format!("[[nodes]]\nname = \"{name}\"\ngpus = {gpus}");
    nodes.iter().map(node).collect::<Vec<_>>().join("\n")
}

fn start<'a>(yard: &'a Yard, nodes: &[(&str, u32)]) -> Server<'a> {
    yard.write("trainyard.toml", config(nodes));
    Server::start(yard, "--config trainyard.toml --policy priority")
}

/// Name, state and reason of each node.
fn nodes(server: &Server<'_>) -> Vec<(String, String, String)> {
    let answer: Value = serde_json::from_str(&server.ask(&["nodes", "-o", "json"]).stdout).unwrap();
    let text = |node: &Value, key: &str| node[key].as_str().unwrap_or_default().to_owned();
    let row = |node: &Value| (text(node, "node"), text(node, "state"), text(node, "reason"));
    answer["nodes"].as_array().unwrap().iter().map(row).collect()
}

fn node(name: &str, state: &str, reason: &str) -> (String, String, String) {
    (name.to_owned(), state.to_owned(), reason.to_owned())
}

#[test]
fn nodes_come_and_go_and_the_journal_is_one() {
    let yard = Yard::new();
    let server = start(&yard, &[("a", 2), ("b", 2)]);
    server.submit("--gpus 2", &worker(30));
    server.submit("--gpus 2", &worker(30));
    server.submit("--gpus 2", &worker(5));
    assert_ne!(server.ask(&["submit", "--gpus", "4", "--", "true"]).code, 0);
    server.stop();
    // One node more: what waited runs there at once, and a gang is accepted that no node could hold.
    let server = start(&yard, &[("c", 4), ("b", 2), ("a", 2)]);
    assert_eq!(nodes(&server), [node("a", "up", ""), node("b", "up", ""), node("c", "up", "")]);
    server.submit("--gpus 4", "true");
    server.until_open(2);
    server.kill();
    // Node a is gone, and what ran there goes on elsewhere.
    let server = start(&yard, &[("b", 2), ("c", 4)]);
    let gone = node("a", "down", "not in the configuration any more");
    assert_eq!(nodes(&server), [gone, node("b", "up", ""), node("c", "up", "")]);
    server.until_open(0);
    server.stop();
    let server = start(&yard, &[("a", 2), ("b", 2), ("c", 4)]);
    assert_eq!(nodes(&server), [node("a", "up", ""), node("b", "up", ""), node("c", "up", "")]);
    server.submit("--gpus 1", "true");
    server.until_open(0);
    let all: Value = serde_json::from_str(&server.ask(&["queue", "--state", "all", "-o", "json"]).stdout).unwrap();
    let finished = all["jobs"].as_array().unwrap().iter().filter(|job| job["state"] == "finished").count();
    assert_eq!(finished, 5, "{all}");
    server.stop();
    assert!(yard.good("verify state").starts_with("identical: "));
    let found: Value = serde_json::from_str(&yard.good("fidelity state --format json")).unwrap();
    assert_eq!((found["jobs"].as_u64(), found["finished_jobs"].as_u64()), (Some(5), Some(5)), "{found}");
    assert!(found["jct_error_mean_share"].as_f64().unwrap() < 0.05, "{found}");
    yard.good("what-if state --policy fifo --policy easy");
}
