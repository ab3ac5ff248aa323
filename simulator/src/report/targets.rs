//! Deadlines and latest starts that were missed, and why.

use std::collections::BTreeMap;

use super::html::{escape, table};
use super::preemption::tenant;
use super::tables::policy_cell;
use super::{fmt, parts};
use crate::output::Comparison;
use crate::result::{JobRow, Miss, Replay};

/// Jobs with a target and what became of it, as means over replays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// Jobs with a deadline or a latest start.
    pub jobs: f64,
    /// Those that missed it, by cause, in the order of [`Miss::ALL`].
    pub missed: [f64; Miss::ALL.len()],
}

impl Kept {
    /// Those that missed it.
    pub fn misses(&self) -> f64 {
        self.missed.iter().sum()
    }

    fn add(&mut self, row: &JobRow, share: f64) {
        self.jobs += share;
        if let Some(at) = row.missed.and_then(|miss| Miss::ALL.iter().position(|cause| *cause == miss)) {
            self.missed[at] += share;
        }
    }

    fn sum<'a>(all: impl Iterator<Item = &'a Self>) -> Self {
        all.fold(Self::default(), |sum, more| Self {
            jobs: sum.jobs + more.jobs,
            missed: std::array::from_fn(|cause| sum.missed[cause] + more.missed[cause]),
        })
    }

    /// The texts of a row: jobs, missed, share, and each cause.
    pub fn texts(&self) -> Vec<String> {
        let share = if self.jobs > 0.0 { fmt::share(self.misses() / self.jobs) } else { fmt::NOTHING.to_owned() };
        let mut texts = vec![fmt::number(self.jobs), fmt::number(self.misses()), share];
        texts.extend(self.missed.map(fmt::number));
        texts
    }
}

/// Heads of [`Kept::texts`].
pub const KEPT_HEADS: [&str; 8] =
    ["with a target", "missed", "share", "rejected", "never finished", "started late", "preempted", "ran long"];

/// What became of targets: all together, and by tenant, those with most misses first; at most a dozen, the others as
/// one. `None` where no job has a target.
pub fn kept(replays: &[&Replay]) -> Option<(Kept, Vec<(String, Kept)>)> {
    let share = 1.0 / replays.len().max(1) as f64;
    let mut tenants: BTreeMap<&str, Kept> = BTreeMap::new();
    for replay in replays {
        for (at, row) in replay.jobs.iter().enumerate() {
            if row.deadline.is_some() || row.start_by.is_some() {
                tenants.entry(tenant(replay, at as u32)).or_default().add(row, share);
            }
        }
    }
    let all = Kept::sum(tenants.values());
    let mut rows: Vec<(String, Kept)> = tenants.into_iter().map(|(name, kept)| (name.to_owned(), kept)).collect();
    rows.sort_by(|(_, a), (_, b)| b.misses().total_cmp(&a.misses()));
    parts::fold(&mut rows, |rest| ("others".to_owned(), Kept::sum(rest.iter().map(|(_, kept)| kept))));
    (all.jobs > 0.0).then_some((all, rows))
}

/// The section; empty where no job has a target.
pub(super) fn section(comparison: &Comparison<'_>) -> String {
    if comparison.replays.iter().flat_map(|replay| &replay.jobs).all(|row| row.deadline.or(row.start_by).is_none()) {
        return String::new();
    }
    let intro = "<h2>Deadlines and latest starts</h2>\n<p>Jobs with a deadline or a latest start, means over the replays, and why \
                    they missed it: turned away; failed, cancelled or not ended; started too late to make it; started in time \
                    and was stopped for another job; started in time and took longer than its run time in the trace. The first that \
                    holds counts.</p>\n";
    parts::by_load(comparison, intro, |load| at_load(comparison, load))
}

fn at_load(comparison: &Comparison<'_>, load: f64) -> String {
    let mut rows = Vec::new();
    for policy in comparison.policies() {
        let Some((all, tenants)) = kept(&comparison.group(policy, load)) else { continue };
        let row = |first: [String; 2], kept: &Kept| first.into_iter().chain(kept.texts()).collect::<Vec<_>>();
        rows.push(row([policy_cell(comparison, policy), "all".to_owned()], &all));
        if tenants.len() > 1 {
            rows.extend(tenants.iter().map(|(name, kept)| row([String::new(), escape(name)], kept)));
        }
    }
    let head: Vec<String> = ["policy", "tenant"].into_iter().chain(KEPT_HEADS).map(str::to_owned).collect();
    table(&head, &rows)
}
