//! Dependencies have one place for their version, and one line that says why they are there.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use crate::arrows::{dependencies, manifest, member_files};
use crate::finding::Finding;
use crate::tree::Tree;

const REASONS: &str = "ARCHITECTURE.md";
const HEADING: &str = "## Dependencies";

/// Every breach, over all manifests and the table of reasons.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut used = BTreeSet::new();
    let mut declared = BTreeSet::new();
    for file in member_files(tree) {
        let manifest = match manifest(file) {
            Ok(manifest) => manifest,
            Err(finding) => return vec![finding],
        };
        for dependency in dependencies(&manifest, &file.text) {
            used.insert(dependency.name.to_owned());
            if dependency.value.get("workspace") != Some(&Value::Boolean(true)) {
                let what = format!("`{}` does not take its version from the workspace", dependency.name);
                let mend = format!(
                    "write `{}.workspace = true` and put the version under [workspace.dependencies]",
                    dependency.name
                );
                findings.push(Finding::new(&file.path, dependency.line, what, mend));
            }
        }
        declared.extend(third_parties(&manifest));
    }
    for name in declared.difference(&used) {
        let what = format!("no crate uses `{name}`");
        findings.push(Finding::new("Cargo.toml", 0, what, "take it out of [workspace.dependencies]"));
    }
    findings.extend(check_reasons(tree.text(REASONS).unwrap_or_default(), &declared));
    findings
}

/// Names under `[workspace.dependencies]` that are not our own crates.
fn third_parties(manifest: &Table) -> Vec<String> {
    let table = manifest.get("workspace").and_then(|w| w.get("dependencies")).and_then(Value::as_table);
    let foreign = |(_, value): &(&String, &Value)| value.get("path").is_none();
    table.into_iter().flatten().filter(foreign).map(|(name, _)| name.clone()).collect()
}

fn check_reasons(text: &str, declared: &BTreeSet<String>) -> Vec<Finding> {
    let rows = reasons(text);
    let mut findings = Vec::new();
    for name in declared.iter().filter(|name| !rows.contains_key(name.as_str())) {
        let what = format!("no reason for the dependency `{name}`");
        let mend = format!("add a row | `{name}` | why it is worth its build time | to the table under `{HEADING}`");
        findings.push(Finding::new(REASONS, 0, what, mend));
    }
    for (name, (line, reason)) in rows {
        if !declared.contains(name) {
            let what = format!("`{name}` is explained but not in [workspace.dependencies]");
            findings.push(Finding::new(REASONS, line, what, "take the row out"));
        } else if reason.is_empty() {
            findings.push(Finding::new(REASONS, line, format!("`{name}` has no reason"), "say why it is there"));
        }
    }
    findings
}

/// Rows of the table: name, then line and reason.
fn reasons(text: &str) -> BTreeMap<&str, (usize, &str)> {
    let lines = text.lines().enumerate().skip_while(|(_, line)| line.trim_end() != HEADING).skip(1);
    let section = lines.take_while(|(_, line)| !line.starts_with("## "));
    let cells = section.filter_map(|(at, line)| {
        let (name, reason) = line.strip_prefix("| `")?.split_once("` |")?;
        Some((name, (at + 1, reason.trim_end().trim_end_matches('|').trim())))
    });
    cells.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "[workspace.dependencies]\nengine = { path = \"engine\" }\ncsv = \"1\"\nserde = \"1\"\n\
                            [package]\nname = \"trainyard\"\n[dependencies]\ncsv.workspace = true\n";

    #[test]
    fn each_fault_is_found() {
        let table = "# A\n\n## Dependencies\n\n| crate | why |\n|---|---|\n| `csv` | rows |\n| `old` | gone |\n";
        let findings = check(&Tree::made_of(&[("Cargo.toml", MANIFEST), (REASONS, table)]));
        let shown: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(shown.len(), 3, "{shown:?}");
        assert!(shown[0].starts_with("Cargo.toml: no crate uses `serde`"), "{shown:?}");
        assert!(shown[1].starts_with("ARCHITECTURE.md: no reason for the dependency `serde`"), "{shown:?}");
        assert!(shown[2].starts_with("ARCHITECTURE.md:8: `old` is explained but"), "{shown:?}");
    }

    #[test]
    fn versions_stand_in_one_place() {
        let own = "[package]\nname = \"engine\"\n[dependencies]\ncsv = \"1\"\n";
        let findings = check(&Tree::made_of(&[("engine/Cargo.toml", own)]));
        assert!(findings[0].to_string().starts_with("engine/Cargo.toml:4: `csv` does not take"), "{findings:?}");
    }
}
