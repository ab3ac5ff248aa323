//! Links between documents: the file exists in a clone, and so does the heading.

use std::path::Path;

use crate::finding::Finding;
use crate::tree::{File, Tree};

/// A link of a document to a file.
#[derive(Debug, PartialEq, Eq)]
struct Link<'a> {
    line: usize,
    /// Path before `#`; empty for a link within the document.
    path: &'a str,
    /// Heading after `#`; empty for none.
    heading: &'a str,
}

/// Every link that leads nowhere.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.with_extension("md")
        .flat_map(|file| links(&file.text).map(move |link| (file, link)))
        .filter_map(|(file, link)| check_link(tree, file, &link))
        .collect()
}

fn check_link(tree: &Tree, file: &File, link: &Link<'_>) -> Option<Finding> {
    let finding = |what: String, mend: &str| Some(Finding::new(&file.path, link.line, what, mend));
    let target = if link.path.is_empty() { Some(file.path.clone()) } else { resolve(&file.path, link.path) };
    let Some(target) = target else {
        return finding(
            format!("`{}` leads out of the project", link.path),
            "name what is meant: a clone has no such file",
        );
    };
    if !tree.has(&target) {
        return finding(format!("there is no `{target}`"), "mend the path, or write the file");
    }
    let is_document = Path::new(&target).extension().is_some_and(|extension| extension == "md");
    let headings = tree.text(&target).filter(|_| is_document)?;
    let known = link.heading.is_empty() || headings.lines().filter_map(heading_slug).any(|slug| slug == link.heading);
    if known { None } else { finding(format!("`{target}` has no heading `#{}`", link.heading), "mend the heading") }
}

/// `link` as seen from `file`, both from the root; `None` if it leads above the root.
fn resolve(file: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in link.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop()?;
        } else {
            parts.push(part);
        }
    }
    Some(parts.join("/"))
}

/// Links to files, outside code.
fn links(text: &str) -> impl Iterator<Item = Link<'_>> {
    let mut fenced = false;
    let prose = text.lines().enumerate().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    });
    prose.flat_map(|(at, line)| targets(line).map(move |target| (at + 1, target))).filter_map(|(line, target)| {
        let foreign = target.contains("://") || target.starts_with("mailto:");
        let (path, heading) = target.split_once('#').unwrap_or((target, ""));
        (!foreign).then_some(Link { line, path, heading })
    })
}

/// The targets of `[text](target)` in one line; inline code is left out.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("](").filter_map(|(at, _)| {
        let in_code = line[..at].matches('`').count() % 2 == 1;
        let (target, _) = line[at + 2..].split_once(')')?;
        (!in_code).then(|| target.split_whitespace().next().unwrap_or_default())
    })
}

/// The name that a heading has in links; `None` for other lines.
fn heading_slug(line: &str) -> Option<String> {
    let title = line.strip_prefix('#')?.trim_start_matches('#').strip_prefix(' ')?;
    let kept = title.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    Some(kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let tree =
            Tree::made_of(&[("docs/a.md", text), ("docs/b.md", "## Two words, `code`\n"), ("README.md", "# R\n")]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn good_links_are_good() {
        let good =
            "# Top\n[b](b.md) [r](../README.md#r) [h](b.md#two-words-code) [t](#top) [w](https://example.org/x)\n";
        assert_eq!(shown(good), Vec::<String>::new());
        assert_eq!(shown("```\n[x](none.md)\n```\nand `[x](none.md)`\n"), Vec::<String>::new());
    }

    #[test]
    fn bad_links_are_found() {
        assert!(shown("\n[x](none.md)")[0].starts_with("docs/a.md:2: there is no `docs/none.md`"));
        assert!(shown("[x](b.md#three)")[0].contains("has no heading `#three`"));
        assert!(shown("[x](../../else.md)")[0].contains("leads out of the project"));
    }
}
