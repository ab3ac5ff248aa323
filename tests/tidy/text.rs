//! Words that must not stand in certain places.

use std::collections::BTreeSet;

use crate::arrows::PURE;
use crate::finding::Finding;
use crate::rust::{bare, is_word, line_of, places_of, test_modules, without_tests};
use crate::tree::{File, Tree};

/// A banned word and what to do instead.
type Ban = (&'static str, &'static str);

/// Absent from pure crates. clippy.toml bans the calls; this also sees imports and what clippy cannot resolve.
const IMPURE: [Ban; 24] = [
    ("std::fs", "take `impl Read`, `impl Write` or bytes from the caller"),
    ("fs::", "take `impl Read`, `impl Write` or bytes from the caller"),
    ("std::net", "the network lives in the executor"),
    ("std::process", "return an error; the caller decides"),
    ("std::env", "take the value as an argument"),
    ("env::", "take the value as an argument"),
    ("std::thread", "whole replays run side by side, never parts of a step"),
    ("thread::", "whole replays run side by side, never parts of a step"),
    ("thread_local", "state belongs to the engine, or to the policy as a cache"),
    ("Mutex", "one writer owns the state"),
    ("RwLock", "one writer owns the state"),
    ("Instant", "time is the `now` that the caller gives"),
    ("SystemTime", "time is the `now` that the caller gives"),
    ("HashMap", "it iterates in random order: use BTreeMap, or a Vec indexed by a dense id"),
    ("HashSet", "it iterates in random order: use BTreeSet, or a bitmap"),
    ("RandomState", "use a hash of (seed, step, id)"),
    ("rand::", "use a hash of (seed, step, id)"),
    ("f32", "use integers; or f64 where it never decides anything"),
    ("exp2", "its last bits differ from platform to platform: use fixed point"),
    (".exp(", "its last bits differ from platform to platform: use fixed point"),
    (".powf(", "its last bits differ from platform to platform: use fixed point"),
    (".ln(", "its last bits differ from platform to platform: use fixed point"),
    ("mul_add", "it rounds differently where the processor lacks it"),
    ("allow(clippy::disallowed", "a pure crate makes no exception from its bans"),
];

/// Absent everywhere, inside longer names too: the world is swapped, the loop is the same.
const WORLD_QUESTIONS: [&str; 5] = ["is_simulat", "simulating", "in_simulation", "is_live_world", "is_replaying"];

/// Absent everywhere.
const LEFTOVERS: [Ban; 4] = [
    ("todo!", "write it, or open an issue and return an error with a hint"),
    ("unimplemented!", "write it, or open an issue and return an error with a hint"),
    ("dbg!", "take it out"),
    ("#[ignore]", "say why: `#[ignore = \"reason\"]`, or mend the test"),
];

/// Places outside the project that exist on one machine only. Split, so that this file does not name them.
const MACHINE_PLACES: [&str; 4] =
    [concat!("/", "work"), concat!("/", "root"), concat!("/", "home/"), concat!("/", "Users/")];

/// Kinds of files that are read for absolute paths.
const TEXT_FILES: [&str; 12] = ["rs", "toml", "md", "sh", "py", "ipynb", "txt", "yml", "yaml", "json", "csv", "html"];

/// Banned words in the pure crates, outside their tests.
pub(crate) fn check_pure_crates(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in PURE {
        let source = format!("{package}/src/");
        let files: Vec<&File> = tree.with_extension("rs").filter(|file| file.path.starts_with(&source)).collect();
        let tests: BTreeSet<String> = files.iter().flat_map(|file| test_paths(file)).collect();
        for file in files.into_iter().filter(|file| !is_test(&file.path, &tests)) {
            findings.extend(find_bans(file, &without_tests(&bare(&file.text)), &IMPURE));
        }
    }
    findings
}

/// Paths, without `.rs`, of the modules that `file` declares for tests only.
fn test_paths(file: &File) -> Vec<String> {
    let stem = file.path.trim_end_matches(".rs");
    let folder = match stem.rsplit_once('/') {
        Some((folder, "lib" | "main" | "mod")) => folder,
        _ => stem,
    };
    test_modules(&bare(&file.text)).iter().map(|name| format!("{folder}/{name}")).collect()
}

fn is_test(path: &str, tests: &BTreeSet<String>) -> bool {
    tests.iter().any(|test| path.strip_prefix(test).is_some_and(|rest| rest == ".rs" || rest.starts_with('/')))
}

fn find_bans(file: &File, code: &str, bans: &[Ban]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (word, mend) in bans {
        let places = places_of(code, word);
        findings.extend(places.map(|at| Finding::new(&file.path, line_of(code, at), format!("`{word}`"), *mend)));
    }
    findings
}

/// Names that ask which world this is.
pub(crate) fn check_worlds(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.with_extension("rs") {
        let code = bare(&file.text);
        for word in WORLD_QUESTIONS {
            findings.extend(code.match_indices(word).map(|(at, _)| {
                let mend = "let the World answer by what it does; code never branches on which world it is in";
                Finding::new(&file.path, line_of(&code, at), format!("`{word}`"), mend)
            }));
        }
    }
    findings
}

/// Macros and attributes of unfinished work.
pub(crate) fn check_leftovers(tree: &Tree) -> Vec<Finding> {
    tree.with_extension("rs").flat_map(|file| find_bans(file, &bare(&file.text), &LEFTOVERS)).collect()
}

/// Source files that do not begin with their purpose.
pub(crate) fn check_headers(tree: &Tree) -> Vec<Finding> {
    let nameless = |file: &&File| {
        let first = file.text.lines().next().unwrap_or_default();
        first.strip_prefix("//!").is_none_or(|purpose| purpose.trim().is_empty())
    };
    let finding = |file: &File| {
        Finding::new(
            &file.path,
            1,
            "does not say what it is",
            "begin it with `//! ` and a sentence on what it holds and why",
        )
    };
    tree.with_extension("rs").filter(nameless).map(finding).collect()
}

/// Paths that exist on one machine only.
pub(crate) fn check_absolute_paths(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_text = |file: &&File| {
        let extension = file.path.rsplit_once('.').map_or("", |(_, extension)| extension);
        TEXT_FILES.contains(&extension) || file.path == ".ci/run"
    };
    for file in tree.files().filter(is_text) {
        for place in MACHINE_PLACES {
            findings.extend(absolute_places(&file.text, place).map(|at| {
                let what = format!("names `{place}`, which exists on one machine only");
                Finding::new(
                    &file.path,
                    line_of(&file.text, at),
                    what,
                    "use a relative path or an environment variable",
                )
            }));
        }
    }
    findings
}

/// Places where `place` begins a path and is a whole part of it.
fn absolute_places<'a>(text: &'a str, place: &'a str) -> impl Iterator<Item = usize> + 'a {
    places_of(text, place).filter(move |at| {
        let before = text[..*at].chars().next_back();
        let after = text[at + place.len()..].chars().next();
        let inside = before.is_some_and(|c| is_word(c) || matches!(c, '.' | '-' | '~' | '}' | '*' | '<' | '/'));
        !inside && (place.ends_with('/') || !after.is_some_and(|c| is_word(c) || c == '-'))
    })
}

/// The bans of the pure crates are equal, and repeat the settings of the root, because the nearest file wins.
pub(crate) fn check_bans(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let of = |folder: &str| tree.text(&format!("{folder}clippy.toml")).unwrap_or_default();
    if of("engine/") != of("policies/") {
        findings.push(Finding::new("policies/clippy.toml", 0, "differs from engine/clippy.toml", "make both equal"));
    }
    let is_setting = |line: &&str| line.starts_with("allow-") || line.starts_with("too-many-");
    for line in of("").lines().filter(is_setting).filter(|line| !of("engine/").lines().any(|own| own == *line)) {
        let what = format!("lacks `{line}` of the root file, which it replaces");
        findings.push(Finding::new("engine/clippy.toml", 0, what, "repeat the line, in policies/clippy.toml too"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(findings: &[Finding]) -> Vec<String> {
        let first = |finding: &Finding| finding.to_string().lines().next().unwrap_or_default().to_owned();
        findings.iter().map(first).collect()
    }

    #[test]
    fn impure_words_are_found_in_code_only() {
        let code = "//! x\n// HashMap\nlet a = \"Instant\";\nuse std::collections::HashMap;\n#[cfg(test)]\nmod tests { use std::fs; }\n";
        let found = check_pure_crates(&Tree::made_of(&[("engine/src/a.rs", code), ("simulator/src/a.rs", code)]));
        assert_eq!(lines(&found), ["engine/src/a.rs:4: `HashMap`"]);
    }

    #[test]
    fn files_of_test_modules_are_tests() {
        let declaring = ("engine/src/core.rs", "#[cfg(test)]\nmod naive;\n");
        let files = [declaring, ("engine/src/core/naive.rs", "use std::fs;"), ("engine/src/naive.rs", "use std::fs;")];
        assert_eq!(lines(&check_pure_crates(&Tree::made_of(&files))), ["engine/src/naive.rs:1: `std::fs`"]);
    }

    #[test]
    fn leftovers_are_found() {
        let code = "fn f() {\n    todo!()\n}\n#[test]\n#[ignore]\nfn g() {}\n#[ignore = \"slow\"]\nfn h() {}\n";
        let found = check_leftovers(&Tree::made_of(&[("a.rs", code)]));
        assert_eq!(lines(&found), ["a.rs:2: `todo!`", "a.rs:5: `#[ignore]`"]);
    }

    #[test]
    fn absolute_paths_are_told_from_relative_ones() {
        let place = MACHINE_PLACES[0];
        for bad in [format!("see {place}/x"), format!("\"{place}\""), format!("cd {place}")] {
            assert_eq!(absolute_places(&bad, place).count(), 1, "{bad}");
        }
        for good in [format!("home{place}/x"), format!("~{place}"), format!("{place}er"), format!("..{place}")] {
            assert_eq!(absolute_places(&good, place).count(), 0, "{good}");
        }
    }

    #[test]
    fn a_file_begins_with_its_purpose() {
        let files = [("a.rs", "//! Purpose.\n"), ("b.rs", "use x;\n"), ("c.rs", "//!\n"), ("d.rs", "")];
        assert_eq!(check_headers(&Tree::made_of(&files)).len(), 3);
    }

    #[test]
    fn questions_about_the_world_are_found_in_longer_names() {
        let found = check_worlds(&Tree::made_of(&[("a.rs", "if self.is_simulated() {}\nlet simulation = 1;\n")]));
        assert_eq!(lines(&found), ["a.rs:1: `is_simulat`"]);
    }
}
