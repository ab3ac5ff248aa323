//! What became of the programs that policies had solved.

use super::fmt;
use super::html::list;
use super::tables::policy_cell;
use crate::output::Comparison;
use crate::result::{Replay, Summary};

/// What became of the programs of one replay, or of several together; `None` where there were none.
pub fn solver_words(summaries: &[&Summary]) -> Option<String> {
    let sum = |of: fn(&Summary) -> u64| summaries.iter().map(|summary| of(summary)).sum::<u64>();
    let (solves, cut_off, failed) = (sum(|s| s.solves), sum(|s| s.solves_cut_off), sum(|s| s.solves_failed));
    if solves == 0 {
        return None;
    }
    let many =
        |count: u64, thing: &str| format!("{} {thing}{}", fmt::thousands(count), if count == 1 { "" } else { "s" });
    let gap = summaries.iter().filter_map(|summary| summary.solver_gap_max).reduce(f64::max);
    let gap = gap.map_or_else(|| "no gap is known".to_owned(), |gap| format!("largest gap {}", fmt::share(gap)));
    let words = format!("{} solved, {} cut off by a limit, {gap}", many(solves, "program"), fmt::thousands(cut_off));
    if failed == 0 {
        return Some(words);
    }
    Some(format!("{words}; the greedy plan ran {} because the solver failed", many(failed, "time")))
}

/// The section; empty where no policy solved anything.
pub(super) fn section(comparison: &Comparison<'_>) -> String {
    let loads = comparison.loads();
    let mut items = Vec::new();
    for policy in comparison.policies() {
        for load in &loads {
            let group: Vec<&Replay> = comparison.group(policy, *load);
            let summaries: Vec<&Summary> = group.iter().map(|replay| &replay.summary).collect();
            let at = if loads.len() > 1 { format!(" at load {}", fmt::number(*load)) } else { String::new() };
            let words = solver_words(&summaries);
            items.extend(words.map(|words| format!("{}{at}: {words}.", policy_cell(comparison, policy))));
        }
    }
    if items.is_empty() {
        return String::new();
    }
    let intro = "<h2>What was solved</h2>\n<p>Programs that the policies gave to their solver, over all seeds. The gap is how \
                 much better than the answer the best could still be. An answer that fails or does not hold never reaches the \
                 cluster.</p>\n";
    intro.to_owned() + &list(&items)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::summary;

    #[test]
    fn failures_are_told_in_plain_words() {
        let none = summary("milp", 1.0, 0);
        assert_eq!(solver_words(&[&none]), None);
        let some = Summary { solves: 1200, solves_cut_off: 4, solver_gap_max: Some(0.0123), ..none.clone() };
        let told = solver_words(&[&some]).unwrap();
        assert_eq!(told, "1,200 programs solved, 4 cut off by a limit, largest gap 1.2 %");
        let failing = Summary { solves: 3, solves_failed: 3, ..none.clone() };
        let told = solver_words(&[&failing]).unwrap();
        let expected = "3 programs solved, 0 cut off by a limit, no gap is known; the greedy plan ran 3 times because the \
                        solver failed";
        assert_eq!(told, expected);
        assert!(solver_words(&[&some, &failing]).unwrap().starts_with("1,203 programs solved, 4 cut off"));
    }
}
