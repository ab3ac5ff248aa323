//! Similarity of names: the ratio of Ratcliff and Obershelp, as Python's `difflib` computes it.
//!
//! ratio = 2 M / T, T the letters of both names together, M those in matching blocks: the longest common block, then the
//! same to the left and to the right of it. Of equally long blocks the one that starts first in the first name counts, then
//! the one that starts first in the second. `difflib` leaves letters that fill more than a hundredth of a name out where
//! the name has 200 letters or more; here no letter is left out.

use std::cmp::Reverse;

/// The numbers of the at most `matches` names whose similarity with `name` is at least `cutoff`, closest first; of equally
/// close ones the name that sorts last (`difflib.get_close_matches`).
pub(super) fn closest<'a>(
    name: &str,
    names: impl Iterator<Item = (u32, &'a str)>,
    matches: usize,
    cutoff: f64,
) -> Vec<u32> {
    let mut search = Search::new(name);
    let mut found: Vec<(f64, &str, u32)> = Vec::new();
    for (number, other) in names {
        if let Some(ratio) = search.ratio_from(other, cutoff) {
            found.push((ratio, other, number));
            if found.len() > 4 * matches.max(16) {
                keep_best(&mut found, matches);
            }
        }
    }
    keep_best(&mut found, matches);
    found.into_iter().map(|(_, _, number)| number).collect()
}

fn keep_best(found: &mut Vec<(f64, &str, u32)>, matches: usize) {
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| Reverse(a.1).cmp(&Reverse(b.1))));
    found.truncate(matches);
}

/// One name that many are compared with; memory is reused.
struct Search {
    name: Vec<char>,
    counts: Counts,
    other: Vec<char>,
    /// Length of the common block that ends at a letter of the name and at the last letter looked at of the other.
    ends: Vec<u32>,
    open: Vec<[usize; 4]>,
}

/// How often each letter occurs, all but plain letters together.
type Counts = [u16; 129];

fn counts(letters: &[char]) -> Counts {
    let mut counts = [0; 129];
    for letter in letters {
        counts[(*letter as usize).min(128)] += 1;
    }
    counts
}

impl Search {
    fn new(name: &str) -> Self {
        let name: Vec<char> = name.chars().take(usize::from(u16::MAX)).collect();
        let (counts, ends) = (counts(&name), vec![0; name.len() + 1]);
        Self { name, counts, other: Vec::new(), ends, open: Vec::new() }
    }

    /// The ratio, if it is at least `cutoff`.
    fn ratio_from(&mut self, other: &str, cutoff: f64) -> Option<f64> {
        self.other.clear();
        self.other.extend(other.chars().take(usize::from(u16::MAX)));
        let letters = self.name.len() + self.other.len();
        let ratio = |matching: usize| if letters == 0 { 1.0 } else { 2.0 * matching as f64 / letters as f64 };
        // Two bounds that are quick to compute: the shorter name, and the letters that both have.
        if ratio(self.name.len().min(self.other.len())) < cutoff {
            return None;
        }
        let theirs = counts(&self.other);
        let common = self.counts.iter().zip(theirs).map(|(ours, theirs)| usize::from(*ours.min(&theirs))).sum();
        if ratio(common) < cutoff {
            return None;
        }
        Some(ratio(self.matching())).filter(|ratio| *ratio >= cutoff)
    }

    /// Letters in matching blocks.
    fn matching(&mut self) -> usize {
        let mut sum = 0;
        self.open.clear();
        self.open.push([0, self.other.len(), 0, self.name.len()]);
        while let Some([a_from, a_to, b_from, b_to]) = self.open.pop() {
            let (a, b, length) = self.longest([a_from, a_to, b_from, b_to]);
            if length > 0 {
                sum += length;
                self.open.push([a_from, a, b_from, b]);
                self.open.push([a + length, a_to, b + length, b_to]);
            }
        }
        sum
    }

    /// The longest block that is in the other name from `a_from` to `a_to` and in the name from `b_from` to `b_to`: its
    /// start in both, and its length.
    fn longest(&mut self, [a_from, a_to, b_from, b_to]: [usize; 4]) -> (usize, usize, usize) {
        let mut best = (a_from, b_from, 0);
        self.ends[b_from..=b_to].fill(0);
        for a in a_from..a_to {
            // `ends[b]` is of the letter before `b`; what it was in the last row is still needed one letter on.
            let mut diagonal = 0;
            for b in b_from..b_to {
                let above = self.ends[b + 1];
                let length = if self.other[a] == self.name[b] { diagonal + 1 } else { 0 };
                self.ends[b + 1] = length;
                diagonal = above;
                if length as usize > best.2 {
                    best = (a + 1 - length as usize, b + 1 - length as usize, length as usize);
                }
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(other: &str, name: &str) -> f64 {
        Search::new(name).ratio_from(other, 0.0).unwrap_or(0.0)
    }

    /// Blocks found by hand; 0.25, 0.5 and 0.866 are also examples in the documentation of `difflib`.
    #[test]
    fn ratios_by_hand() {
        for (other, name, matching) in [
            ("abcd", "bcde", 3),       // bcd
            ("train-a", "train-b", 6), // train-
            ("abc", "xyz", 0),         // nothing
            ("tide", "diet", 1),       // t; nothing is before it in one name, nothing after it in the other
            ("diet", "tide", 2),       // d first, then e
            ("private Thread currentThread;", "private volatile Thread currentThread;", 29),
            ("resnet50_bs32", "resnet18_bs64", 9), // resnet and _bs
            ("aXbXc", "abc", 3),                   // a, b, c
            ("abxcd", "cdxab", 2),                 // ab; all else is on the wrong side of it
        ] {
            let letters = other.len() + name.len();
            let expected = f64::from(2 * matching) / letters as f64;
            assert!((ratio(other, name) - expected).abs() < 1e-12, "{other} {name}");
        }
        assert!((ratio("", "") - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_closest_names_come_first_and_ties_sort_last_first() {
        let close = |name: &str, names: &[&str], matches| {
            let numbered = names.iter().enumerate().map(|(number, name)| (number as u32, *name));
            closest(name, numbered, matches, 0.6)
        };
        assert_eq!(close("train_v3", &["train_v1", "train_v2", "eval_v3", "bert"], 2), [1, 0]);
        assert_eq!(close("appel", &["ape", "apple", "peach", "puppy"], 3), [1, 0], "from the documentation of difflib");
        assert!(close("appel", &["zzz"], 2).is_empty());
        let many: Vec<String> = (0..500).map(|number| format!("job-{number:03}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(close("job-x", &many, 2), [499, 498], "what is cut on the way is never among the best");
    }
}
