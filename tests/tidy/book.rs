//! The user's book names everything that the code offers: policies and knobs, columns of traces, keys of results.

use std::path::Path;

use policies::registry::{self, Entry};

use crate::finding::Finding;
use crate::tree::Tree;

/// Names in the source, each after one of `marks` and up to the next `end`, that a page of the book must name.
struct Coverage {
    source: &'static str,
    /// Only what stands between these two texts counts.
    between: (&'static str, &'static str),
    marks: &'static [&'static str],
    end: char,
    page: &'static str,
}

const COVERAGES: [Coverage; 19] = [
    Coverage {
        source: "traces/src/schema.rs",
        between: ("COLUMNS: [Column", "];"),
        marks: &["Column::required(\"", "Column::optional(\""],
        end: '"',
        page: "docs/traces.md",
    },
    Coverage {
        source: "simulator/src/result.rs",
        between: ("pub struct Summary {", "\n}"),
        marks: &["    pub "],
        end: ':',
        page: "docs/metrics.md",
    },
    Coverage {
        source: "simulator/src/stats/difference.rs",
        between: ("pub struct Difference {", "\n}"),
        marks: &["    pub "],
        end: ':',
        page: "docs/metrics.md",
    },
    Coverage {
        source: "simulator/src/fidelity.rs",
        between: ("pub struct Overheads {", "\n}"),
        marks: &["    pub "],
        end: ':',
        page: "docs/what-if.md",
    },
    Coverage {
        source: "simulator/src/fidelity.rs",
        between: ("pub struct Divergence {", "\n}"),
        marks: &["    pub "],
        end: ':',
        page: "docs/what-if.md",
    },
    Coverage {
        source: "simulator/src/whatif/figures.rs",
        between: ("pub struct Figures {", "\n}"),
        marks: &["    pub "],
        end: ':',
        page: "docs/what-if.md",
    },
    Coverage {
        source: "simulator/src/whatif/differences.rs",
        between: ("pub struct PairedDifference {", "\n}"),
        marks: &["    pub "],
        end: ':',
        page: "docs/what-if.md",
    },
    Coverage {
        source: "simulator/src/whatif.rs",
        between: ("pub struct WhatIf {", "\n}"),
        marks: &["    pub "],
        end: ':',
        page: "docs/what-if.md",
    },
    Coverage {
        source: "simulator/src/fidelity/errors.rs",
        between: ("keys! {\n    start", "\n}"),
        marks: &[": \"", ", \""],
        end: '"',
        page: "docs/what-if.md",
    },
    Coverage {
        source: "simulator/src/physics.rs",
        between: ("SETTINGS: [", "];"),
        marks: &["\n    (\""],
        end: '"',
        page: "docs/physics.md",
    },
    Coverage {
        source: "traces/src/synthetic/request.rs",
        between: ("const KEYS", "];"),
        marks: &["[\"", " \""],
        end: '"',
        page: "docs/generate.md",
    },
    Coverage {
        source: "traces/src/transform/parse.rs",
        between: ("const KEYS", "];"),
        marks: &["\n    (\""],
        end: '"',
        page: "docs/transformations.md",
    },
    Coverage {
        source: "traces/src/clusters/toml_file.rs",
        between: ("struct Model {", "\n}"),
        marks: &["\n    "],
        end: ':',
        page: "docs/clusters.md",
    },
    Coverage {
        source: "traces/src/clusters/toml_file.rs",
        between: ("struct Pool {", "\n}"),
        marks: &["\n    "],
        end: ':',
        page: "docs/clusters.md",
    },
    Coverage {
        source: "traces/src/info.rs",
        between: ("pub struct Info {", "\n}"),
        marks: &["    pub "],
        end: ':',
        page: "docs/trace-info.md",
    },
    Coverage {
        source: "traces/src/clusters/describe.rs",
        between: ("pub struct ClusterInfo {", "\n}"),
        marks: &["    pub "],
        end: ':',
        page: "docs/trace-info.md",
    },
    Coverage {
        source: "traces/src/profiles/describe.rs",
        between: ("pub struct ProfileInfo {", "\n}"),
        marks: &["    pub "],
        end: ':',
        page: "docs/trace-info.md",
    },
    Coverage {
        source: "traces/src/capacity.rs",
        between: ("pub struct CapacityInfo {", "\n}"),
        marks: &["    pub "],
        end: ':',
        page: "docs/trace-info.md",
    },
    Coverage {
        source: "engine/src/reason.rs",
        between: ("pub fn code(&self)", "\n    }\n"),
        marks: &["=> \""],
        end: '"',
        page: "docs/api.md",
    },
];

/// Names that the book does not explain.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    COVERAGES.iter().flat_map(|coverage| coverage.check(tree)).chain(policies(tree)).collect()
}

/// Policies without a page, and what their page does not name: the page of a policy has it in a heading, and names its
/// knobs and presets.
fn policies(tree: &Tree) -> Vec<Finding> {
    let pages: Vec<(&str, &str)> = tree
        .files()
        .map(|file| (file.path.as_str(), file.text.as_str()))
        .filter(|(path, _)| {
            path.starts_with("docs/policies") && Path::new(path).extension().is_some_and(|end| end == "md")
        })
        .collect();
    registry::all().iter().flat_map(|entry| missing_of_policy(entry, &pages)).collect()
}

fn missing_of_policy(entry: &Entry, pages: &[(&str, &str)]) -> Vec<Finding> {
    let name = format!("`{}`", entry.name);
    let heads = |text: &str| text.lines().any(|line| line.starts_with('#') && line.contains(&name));
    let Some((page, text)) = pages.iter().find(|(_, text)| heads(text)) else {
        let mend = "give it a heading in a page of docs/policies/, with its name in backticks";
        return vec![Finding::new(
            "docs/policies.md",
            0,
            format!("the policy {name} has no heading in any page"),
            mend,
        )];
    };
    let knobs = entry.knobs.iter().map(|knob| knob.name);
    let names = knobs.chain(entry.presets.iter().map(|preset| preset.name));
    let missing = names.filter(|name| !text.contains(&format!("`{name}`")));
    let finding = |knob| {
        let mend = format!("explain it, as `{knob}` in backticks; it is a knob or preset of {name}");
        Finding::new(page, 0, format!("does not name `{knob}`"), mend)
    };
    missing.map(finding).collect()
}

impl Coverage {
    fn check(&self, tree: &Tree) -> Vec<Finding> {
        let names = names(tree.text(self.source).unwrap_or_default(), self);
        if names.is_empty() {
            let mend = "the code has moved: tell COVERAGES in tests/tidy/book.rs where it is now";
            return vec![Finding::new(self.source, 0, "no names that the book should explain were found here", mend)];
        }
        let page = tree.text(self.page).unwrap_or_default();
        let missing = names.into_iter().filter(|name| !page.contains(&format!("`{name}`")));
        let finding = |name| {
            let mend = format!("explain it, as `{name}` in backticks; it stands in {}", self.source);
            Finding::new(self.page, 0, format!("does not name `{name}`"), mend)
        };
        missing.map(finding).collect()
    }
}

fn names<'a>(source: &'a str, coverage: &Coverage) -> Vec<&'a str> {
    let (from, to) = coverage.between;
    let Some((_, rest)) = source.split_once(from) else { return Vec::new() };
    let (part, _) = rest.split_once(to).unwrap_or((rest, ""));
    let after = coverage.marks.iter().flat_map(|mark| part.split(mark).skip(1));
    after.filter_map(|text| text.split_once(coverage.end)).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_book_leaves_out_is_found() {
        let source = "pub struct Summary {\n    /// A.\n    pub jobs: u64,\n    pub wall_s: f64,\n}\npub struct Other {\n    pub x: u8,\n}\n";
        let tree = Tree::made_of(&[("simulator/src/result.rs", source), ("docs/metrics.md", "| `jobs` | all |")]);
        let shown: Vec<String> = COVERAGES[1].check(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(shown.len(), 1, "{shown:?}");
        assert!(shown[0].starts_with("docs/metrics.md: does not name `wall_s`"), "{shown:?}");
    }

    #[test]
    fn code_that_moved_is_found() {
        assert!(COVERAGES[0].check(&Tree::made_of(&[]))[0].to_string().contains("the code has moved"));
    }
}
