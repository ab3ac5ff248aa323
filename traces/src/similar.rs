//! "Did you mean": the name that is nearest to a mistyped one.

/// The candidate that is near enough to `name` to be what was meant.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let limit = (name.chars().count() * 2 / 5).max(1);
    let scored = candidates.into_iter().map(|candidate| (score(&name, &candidate.to_lowercase()), candidate));
    scored.filter(|(score, _)| *score <= limit).min_by_key(|(score, _)| *score).map(|(_, candidate)| candidate)
}

/// Edit distance; a name that contains the other whole counts as one edit.
fn score(name: &str, candidate: &str) -> usize {
    let contained = name.len() >= 3 && candidate.len() >= 3 && (name.contains(candidate) || candidate.contains(name));
    let distance = distance(name, candidate);
    if contained { distance.min(1) } else { distance }
}

/// Levenshtein distance in characters, over at most the first 64 of each.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(64).enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        row[0] = left;
        for (cell, y) in row[1..].iter_mut().zip(&b) {
            let here = (diagonal + usize::from(x != *y)).min(*cell + 1).min(left + 1);
            diagonal = *cell;
            *cell = here;
            left = here;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in [("", "", 0), ("abc", "", 3), ("", "abc", 3), ("kitten", "sitting", 3), ("ab", "ba", 2)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn finds_what_was_meant() {
        assert_eq!(nearest("phily", ["canonical", "openb", "philly"]), Some("philly"));
        assert_eq!(nearest("duration", ["submit_s", "duration_s"]), Some("duration_s"));
        assert_eq!(nearest("num_gpus", ["gpus", "job_id"]), Some("gpus"));
        assert_eq!(nearest("zzz", ["gpus", "job_id"]), None);
    }
}
