//! Which crate may import which, read from the manifests.

use toml::{Table, Value};

use crate::finding::Finding;
use crate::tree::{File, Tree};

/// A crate of the workspace and the crates of the workspace that it may import.
const ARROWS: [(&str, &[&str]); 6] = [
    ("engine", &[]),
    ("policies", &["engine"]),
    ("traces", &["engine"]),
    ("simulator", &["engine", "policies", "traces"]),
    ("executor", &["engine", "policies", "traces"]),
    ("trainyard", &["engine", "policies", "traces", "simulator", "executor"]),
];

/// Crates that hold no I/O, no clock, no threads and no chance, and that build in seconds.
pub(crate) const PURE: [&str; 2] = ["engine", "policies"];

/// What a pure crate must not pull in, with the reason.
const TOO_HEAVY: [(&str, &str); 5] = [
    ("polars", "it takes minutes to build"),
    ("plotters", "figures belong to the simulator"),
    ("rayon", "there are no threads in a pure crate"),
    ("tokio", "there is no clock and no network in a pure crate"),
    ("rand", "chance is a hash of (seed, step, id)"),
];

const SECTIONS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// A dependency as a manifest names it.
pub(crate) struct Dependency<'a> {
    /// The key.
    pub(crate) name: &'a str,
    /// What stands behind it.
    pub(crate) value: &'a Value,
    /// Line of the manifest, or 0.
    pub(crate) line: usize,
}

/// Parses a manifest, or says why not.
pub(crate) fn manifest(file: &File) -> Result<Table, Finding> {
    file.text.parse().map_err(|error: toml::de::Error| {
        Finding::new(&file.path, 0, format!("is not TOML: {}", error.message()), "mend the syntax")
    })
}

/// Manifests of the members of the workspace, the root package first.
pub(crate) fn member_files(tree: &Tree) -> impl Iterator<Item = &File> {
    let is_member = |file: &&File| {
        let folder = file.path.strip_suffix("/Cargo.toml");
        file.path == "Cargo.toml" || folder.is_some_and(|folder| !folder.contains('/') && folder != "fuzz")
    };
    tree.files().filter(is_member)
}

/// Dependencies of all three kinds, those of single targets included.
pub(crate) fn dependencies<'a>(manifest: &'a Table, text: &str) -> Vec<Dependency<'a>> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let tables = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
    let sections = tables.chain([manifest]).flat_map(|table| SECTIONS.iter().filter_map(|name| table.get(*name)));
    let entries = sections.filter_map(Value::as_table).flatten();
    entries.map(|(name, value)| Dependency { name, value, line: line_of_key(text, name) }).collect()
}

fn line_of_key(text: &str, key: &str) -> usize {
    let is_key = |line: &str| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(['.', ' ', '=']));
    text.lines().position(is_key).map_or(0, |at| at + 1)
}

/// Every import that is not an arrow.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in member_files(tree) {
        match manifest(file) {
            Ok(manifest) => check_manifest(file, &manifest, &mut findings),
            Err(finding) => findings.push(finding),
        }
    }
    findings
}

fn check_manifest(file: &File, manifest: &Table, findings: &mut Vec<Finding>) {
    let Some(package) = manifest.get("package").and_then(|p| p.get("name")).and_then(Value::as_str) else { return };
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == package) else {
        let mend =
            "add it, with the crates that it may import, to ARROWS in tests/tidy/arrows.rs and to ARCHITECTURE.md";
        return findings.push(Finding::new(&file.path, 0, format!("`{package}` is a crate without arrows"), mend));
    };
    for dependency in dependencies(manifest, &file.text) {
        let name = dependency.value.get("package").and_then(Value::as_str).unwrap_or(dependency.name);
        let ours = ARROWS.iter().any(|(member, _)| *member == name);
        if ours && !allowed.contains(&name) {
            let what = format!("`{package}` must not import `{name}`");
            let mend = format!("move the code: `{package}` may import only [{}]", allowed.join(", "));
            findings.push(Finding::new(&file.path, dependency.line, what, mend));
        }
        let heavy = TOO_HEAVY.iter().find(|(heavy, _)| name == *heavy || name.starts_with(&format!("{heavy}-")));
        if let Some((_, reason)) = heavy.filter(|_| PURE.contains(&package)) {
            let what = format!("`{package}` must not depend on `{name}`: {reason}");
            findings.push(Finding::new(
                &file.path,
                dependency.line,
                what,
                "move the code that needs it to another crate",
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_one(path: &str, text: &str) -> Vec<String> {
        check(&Tree::made_of(&[(path, text)])).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_arrow_is_fine_and_a_step_back_is_found() {
        let fine = "[package]\nname = \"policies\"\n[dependencies]\nengine.workspace = true\nserde = \"1\"\n";
        assert!(check_one("policies/Cargo.toml", fine).is_empty());
        let back = "[package]\nname = \"engine\"\n[dev-dependencies]\npolicies.workspace = true\n";
        let found = check_one("engine/Cargo.toml", back);
        assert!(found[0].starts_with("engine/Cargo.toml:4: `engine` must not import `policies`"), "{found:?}");
    }

    #[test]
    fn disguises_are_seen_through() {
        let renamed =
            "[package]\nname = \"engine\"\n[dependencies]\nframe = { package = \"polars\", version = \"1\" }\n";
        assert_eq!(check_one("engine/Cargo.toml", renamed).len(), 1);
        let target = "[package]\nname = \"policies\"\n[target.'cfg(unix)'.build-dependencies]\nrayon = \"1\"\n";
        assert_eq!(check_one("policies/Cargo.toml", target).len(), 1);
        let part = "[package]\nname = \"policies\"\n[dependencies]\npolars-lazy = \"1\"\n";
        assert_eq!(check_one("policies/Cargo.toml", part).len(), 1);
    }

    #[test]
    fn the_two_worlds_do_not_meet_and_strangers_are_found() {
        let met = "[package]\nname = \"simulator\"\n[dependencies]\nexecutor.workspace = true\n";
        assert_eq!(check_one("simulator/Cargo.toml", met).len(), 1);
        assert_eq!(check_one("extra/Cargo.toml", "[package]\nname = \"extra\"\n").len(), 1);
    }
}
