//! Length of functions and files. What is longer stands in a list with its length and its reason; the list may only
//! shrink. Line format: `LINES | FILE | FUNCTION | REASON`, for files `LINES | FILE | REASON`.

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::rust::{bare, functions};
use crate::tree::Tree;

/// A limit on length and the list of what may exceed it.
struct Ratchet {
    what: &'static str,
    list: &'static str,
    lines_max: usize,
    /// An entry may be so much longer than the thing itself before it has to be tightened.
    slack: usize,
    how_to_split: &'static str,
}

const FUNCTIONS: Ratchet = Ratchet {
    what: "function",
    list: "tests/tidy/long-functions.txt",
    lines_max: 70,
    slack: 3,
    how_to_split: "split it where the comments are: ifs go up, loops go down, one concern a function",
};

const FILES: Ratchet = Ratchet {
    what: "file",
    list: "tests/tidy/long-files.txt",
    lines_max: 400,
    slack: 25,
    how_to_split: "split it by concept, so that a newcomer finds each concept by its file name",
};

/// Something that has a length: where it is, and how long.
struct Measured {
    /// What the list calls it: `FILE`, or `FILE | FUNCTION`.
    key: String,
    file: String,
    line: usize,
    lines: usize,
}

/// Functions over the limit, and entries of their list that are out of date.
pub(crate) fn check_functions(tree: &Tree) -> Vec<Finding> {
    let mut measured = Vec::new();
    for file in tree.with_extension("rs") {
        measured.extend(functions(&bare(&file.text)).into_iter().map(|function| Measured {
            key: format!("{} | {}", file.path, function.name),
            file: file.path.clone(),
            line: function.line,
            lines: function.lines,
        }));
    }
    FUNCTIONS.check(&measured, tree.text(FUNCTIONS.list).unwrap_or_default())
}

/// Files over the limit, and entries of their list that are out of date.
pub(crate) fn check_files(tree: &Tree) -> Vec<Finding> {
    let measure = |file: &crate::tree::File| Measured {
        key: file.path.clone(),
        file: file.path.clone(),
        line: 0,
        lines: file.text.lines().count(),
    };
    FILES.check(&tree.with_extension("rs").map(measure).collect::<Vec<_>>(), tree.text(FILES.list).unwrap_or_default())
}

/// One line of a list.
struct Entry {
    line: usize,
    lines: usize,
    longest_found: usize,
}

impl Ratchet {
    fn check(&self, measured: &[Measured], list: &str) -> Vec<Finding> {
        let (mut entries, mut findings) = self.parse(list);
        for thing in measured.iter().filter(|thing| thing.lines > self.lines_max) {
            match entries.get_mut(&thing.key) {
                None => findings.push(self.too_long(thing)),
                Some(entry) => {
                    entry.longest_found = entry.longest_found.max(thing.lines);
                    if thing.lines > entry.lines {
                        findings.push(self.grown(thing, entry.lines));
                    }
                }
            }
        }
        findings.extend(entries.iter().filter_map(|(key, entry)| self.stale(key, entry)));
        findings
    }

    fn too_long(&self, thing: &Measured) -> Finding {
        let what = format!("this {} has {} lines; the limit is {}", self.what, thing.lines, self.lines_max);
        let mend = format!("{}; if it must stay whole, list it with its reason in {}", self.how_to_split, self.list);
        Finding::new(&thing.file, thing.line, what, mend)
    }

    fn grown(&self, thing: &Measured, allowed: usize) -> Finding {
        let what = format!("this {} grew from {allowed} to {} lines", self.what, thing.lines);
        let mend = format!("{}; the entry in {} may only shrink", self.how_to_split, self.list);
        Finding::new(&thing.file, thing.line, what, mend)
    }

    fn stale(&self, key: &str, entry: &Entry) -> Option<Finding> {
        if entry.longest_found == 0 {
            let what = format!("`{key}` is gone or within {} lines: well done", self.lines_max);
            return Some(Finding::new(self.list, entry.line, what, "take the line out"));
        }
        if entry.longest_found + self.slack < entry.lines {
            let what = format!("`{key}` shrank from {} to {} lines: well done", entry.lines, entry.longest_found);
            return Some(Finding::new(self.list, entry.line, what, format!("write {}", entry.longest_found)));
        }
        None
    }

    fn parse(&self, list: &str) -> (BTreeMap<String, Entry>, Vec<Finding>) {
        let mut entries = BTreeMap::new();
        let mut findings = Vec::new();
        for (at, text) in list.lines().enumerate().filter(|(_, text)| !text.is_empty() && !text.starts_with('#')) {
            if let Some((lines, key)) = parse_entry(text) {
                entries.insert(key, Entry { line: at + 1, lines, longest_found: 0 });
            } else {
                let mend = "write `LINES | FILE | FUNCTION | REASON`, for files `LINES | FILE | REASON`";
                findings.push(Finding::new(self.list, at + 1, "this line cannot be read, or lacks a reason", mend));
            }
        }
        (entries, findings)
    }
}

/// Lines and key of an entry; `None` when something, the reason included, is missing.
fn parse_entry(text: &str) -> Option<(usize, String)> {
    let (lines, rest) = text.split_once(" | ")?;
    let (key, reason) = rest.rsplit_once(" | ")?;
    let key = key.trim();
    (!key.is_empty() && !reason.trim().is_empty()).then_some((lines.trim().parse().ok()?, key.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(lines: usize, list: &str) -> Vec<String> {
        let thing = Measured { key: "a.rs | f".into(), file: "a.rs".into(), line: 7, lines };
        FUNCTIONS.check(&[thing], list).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_limit_itself_is_fine() {
        assert!(shown(70, "").is_empty());
        let found = shown(71, "");
        assert!(
            found[0].starts_with("a.rs:7: this function has 71 lines; the limit is 70\n    mend: split"),
            "{found:?}"
        );
    }

    #[test]
    fn an_entry_allows_its_length_and_no_more() {
        assert!(shown(80, "# why\n\n80 | a.rs | f | one table").is_empty());
        assert!(shown(81, "80 | a.rs | f | one table")[0].contains("grew from 80 to 81"));
    }

    #[test]
    fn the_list_may_only_shrink() {
        assert!(shown(70, "80 | a.rs | f | one table")[0].contains(":1: `a.rs | f` is gone or within 70 lines"));
        assert!(shown(75, "80 | a.rs | f | one table")[0].contains("shrank from 80 to 75"));
        assert!(shown(77, "80 | a.rs | f | one table").is_empty());
    }

    #[test]
    fn an_entry_needs_a_reason() {
        for list in ["80 | a.rs | f | ", "80 | a.rs", "many | a.rs | f | one table"] {
            assert!(shown(10, list)[0].contains("cannot be read"), "{list}");
        }
    }
}
