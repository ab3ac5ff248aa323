//! Help texts, whole.

use crate::support::Yard;

#[test]
fn help_texts() {
    let yard = Yard::new();
    for command in [
        "",
        "simulate",
        "compare",
        "saturate",
        "trace",
        "trace info",
        "trace generate",
        "trace convert",
        "policies",
        "reproduce",
        "verify",
        "what-if",
        "fidelity",
        "submit",
        "queue",
        "info",
        "logs",
        "cancel",
        "drain",
        "usage",
        "wait",
        "saved",
        "audit",
        "token",
        "token create",
    ] {
        let name = format!("help {command}").trim_end().replace(' ', "-");
        insta::assert_snapshot!(name, yard.good(&format!("{command} --help")));
    }
}

#[test]
fn no_command_shows_the_help_and_is_bad_usage() {
    let done = Yard::new().run("");
    assert_eq!((done.code, done.stdout.as_str()), (2, ""));
    assert!(done.stderr.contains("Commands:"), "{}", done.stderr);
}

#[test]
fn the_version_is_that_of_the_package() {
    assert_eq!(Yard::new().good("--version"), format!("trainyard {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn policies_are_listed_and_described() {
    let yard = Yard::new();
    insta::assert_snapshot!("policies", yard.good("policies"));
    insta::assert_snapshot!("policies-fair-share", yard.good("policies fair-share"));
    insta::assert_snapshot!("policies-fifo-json", yard.good("policies fifo --format json"));
    let all: serde_json::Value = serde_json::from_str(&yard.good("policies --format json")).unwrap();
    let names: Vec<&str> = all.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    let known: Vec<&str> = policies::registry::all().iter().map(|entry| entry.name).collect();
    assert_eq!(names, known);
    for name in names {
        assert!(yard.good(&format!("policies {name}")).starts_with(&format!("{name}: ")));
    }
}
