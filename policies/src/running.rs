//! Placed jobs in an order that a policy needs, as a cache that follows the change log of the engine.
//!
//! What changes with time changes for a whole group at once, so that inside a group the order stands still.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use engine::{Draft, JobId};

/// Where a placed job stands: its group, and its constant place in it, smaller first.
pub(crate) type Standing = (u64, i64);

/// How a policy sorts placed jobs.
pub(crate) trait Sorting {
    /// `None` leaves the job out.
    fn standing(&self, draft: &Draft<'_>, job: JobId) -> Option<Standing>;
}

/// Placed jobs by group, in order; ties put the later submission first.
#[derive(Debug, Default)]
pub(crate) struct Running {
    seen: u64,
    groups: BTreeMap<u64, BTreeSet<(i64, Reverse<JobId>)>>,
    standings: Vec<Option<Standing>>,
    version: u64,
}

impl Running {
    /// Catches up with the engine.
    pub(crate) fn sync(&mut self, draft: &Draft<'_>, sorting: &impl Sorting) {
        let changes = draft.state().changes_since(self.seen);
        if changes.anew {
            *self = Self { version: self.version + 1, ..Self::default() };
        }
        for job in changes.jobs {
            self.resort(draft, sorting, job);
        }
        self.seen = changes.end;
    }

    fn resort(&mut self, draft: &Draft<'_>, sorting: &impl Sorting, job: JobId) {
        if self.standings.len() <= job.index() {
            self.standings.resize(job.index() + 1, None);
        }
        let placed = draft.state().job(job).is_placed();
        let standing = if placed { sorting.standing(draft, job) } else { None };
        self.put(job, standing);
    }

    /// Enters a job where the change log does not tell of it yet, as it was started in this draft; or takes it out.
    pub(crate) fn enter(&mut self, job: JobId, standing: Standing) {
        if self.standings.len() <= job.index() {
            self.standings.resize(job.index() + 1, None);
        }
        self.put(job, Some(standing));
    }

    fn put(&mut self, job: JobId, standing: Option<Standing>) {
        let before = std::mem::replace(&mut self.standings[job.index()], standing);
        if before == standing {
            return;
        }
        self.version += 1;
        if let Some((group, place)) = before
            && let Some(members) = self.groups.get_mut(&group)
        {
            members.remove(&(place, Reverse(job)));
            if members.is_empty() {
                self.groups.remove(&group);
            }
        }
        if let Some((group, place)) = standing {
            self.groups.entry(group).or_default().insert((place, Reverse(job)));
        }
    }

    /// Grows with every change.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// The groups in rising order, each with its members in order.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (u64, impl Iterator<Item = (i64, JobId)> + '_)> + '_ {
        self.groups.iter().map(|(group, members)| (*group, members.iter().map(|(place, job)| (*place, job.0))))
    }
}
