//! Policies as file names.

/// The text with only `[A-Za-z0-9._-]`: each run of other characters becomes one `-`, none at the end.
pub fn safe_name(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars() {
        let c = if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
        if c != '-' || !name.ends_with('-') {
            name.push(c);
        }
    }
    let kept = name.trim_end_matches('-').len();
    name.truncate(kept);
    name
}

/// One safe name a text, all different: a name that is taken gets `-2`, `-3` and so on.
pub fn safe_names<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for text in texts {
        let base = safe_name(text);
        let numbered = (2..).map(|number| format!("{base}-{number}"));
        let name = std::iter::once(base.clone()).chain(numbered).find(|name| !names.contains(name));
        names.extend(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_and_different() {
        assert_eq!(safe_name("fifo[place=worst-fit]"), "fifo-place-worst-fit");
        assert_eq!(safe_name("../a b//c"), "..-a-b-c");
        assert_eq!(safe_names(["a[b]", "a-b", "a b", "a-b-2"]), ["a-b", "a-b-2", "a-b-3", "a-b-2-2"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_makes_different_safe_names(texts in proptest::collection::vec(".{0,12}", 0..6)) {
            let names = safe_names(texts.iter().map(String::as_str));
            let ok = |name: &String| name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
            assert!(names.iter().all(ok));
            let distinct: std::collections::BTreeSet<_> = names.iter().collect();
            assert_eq!(distinct.len(), texts.len());
        }
    }
}
