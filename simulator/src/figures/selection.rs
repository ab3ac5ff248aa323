//! Which replays a figure shows.

use engine::Time;

use crate::output::Comparison;
use crate::report::fmt;
use crate::result::{JobRow, Replay};
use crate::stats::same;

/// The replays of one load, by policy.
pub(super) struct Selection<'a> {
    /// The policies in order; the first is the baseline.
    pub(super) policies: Vec<&'a str>,
    /// The load: 1 where it was replayed, else the first.
    pub(super) load: f64,
    /// The replays of each policy, by seed.
    pub(super) groups: Vec<Vec<&'a Replay>>,
    loads: usize,
}

impl<'a> Selection<'a> {
    /// The load that figures show: 1 where it was replayed, else the first.
    pub(super) fn of(comparison: &'a Comparison<'_>) -> Self {
        let loads = comparison.loads();
        let load = loads.iter().copied().find(|load| same(*load, 1.0)).or(loads.first().copied()).unwrap_or(1.0);
        let policies = comparison.policies();
        let groups = policies.iter().map(|policy| comparison.group(policy, load)).collect();
        Self { policies, load, groups, loads: loads.len() }
    }

    /// Policies with the replay of their first seed.
    pub(super) fn first_seeds(&self) -> impl Iterator<Item = (usize, &'a str, &'a Replay)> + '_ {
        let first = |(index, group): (usize, &Vec<&'a Replay>)| Some((index, self.policies[index], *group.first()?));
        self.groups.iter().enumerate().filter_map(first)
    }

    /// All jobs of a policy, over seeds.
    pub(super) fn jobs(&self, policy: usize) -> impl Iterator<Item = &'a JobRow> + '_ {
        self.groups[policy].iter().flat_map(|replay| replay.jobs.iter())
    }

    /// What is shown when all seeds are: empty when there is nothing to choose from.
    pub(super) fn all_seeds_words(&self) -> String {
        let seeds = self.groups.first().map_or(0, Vec::len);
        let seeds = (seeds > 1).then(|| format!("all {seeds} seeds together"));
        self.words(seeds)
    }

    /// What is shown when only the first seed is.
    pub(super) fn first_seed_words(&self) -> String {
        let group = self.groups.first();
        let several = group.filter(|group| group.len() > 1);
        let seed = several.map(|group| format!("seed {} of {} seeds", group[0].summary.seed, group.len()));
        self.words(seed)
    }

    fn words(&self, seeds: Option<String>) -> String {
        let load = (self.loads > 1).then(|| format!("load {}", fmt::number(self.load)));
        let parts: Vec<String> = load.into_iter().chain(seeds).collect();
        if parts.is_empty() { String::new() } else { format!(" Shown: {}.", parts.join(", ")) }
    }
}

/// First start minus submission in seconds; `None` if it never started.
pub(super) fn waiting_s(job: &JobRow) -> Option<f64> {
    job.start.known().map(|start| start.since(job.submit).secs_f64())
}

/// Finish minus submission in seconds of a finished job.
pub(super) fn completion_s(job: &JobRow) -> Option<f64> {
    let finished = job.outcome == Some(engine::Outcome::Finished);
    job.finish.known().filter(|_| finished).map(|finish: Time| finish.since(job.submit).secs_f64())
}
