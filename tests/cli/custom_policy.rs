//! The example of a custom policy, as `cargo run --example custom_policy` runs it.

#[allow(dead_code, reason = "its `main` is not run here")]
#[path = "../../policies/examples/custom_policy.rs"]
mod example;

#[test]
fn a_custom_policy_beside_three_built_in_ones() {
    insta::assert_snapshot!(example::compared().unwrap());
}

/// The page shows the example as it stands.
#[test]
fn the_book_shows_the_example() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let read = |path: &str| std::fs::read_to_string(format!("{folder}/{path}")).unwrap();
    let (page, source) = (read("docs/custom-policy.md"), read("policies/examples/custom_policy.rs"));
    let shown: Vec<&str> = page.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(shown.len() >= 3, "the page shows the order, the entry and the experiment");
    for part in shown {
        assert!(source.contains(part), "not in the example:\n{part}");
    }
}
