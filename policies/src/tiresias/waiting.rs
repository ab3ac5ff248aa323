//! Waiting jobs: one lane a class, the heads of all lanes in order, and when jobs are due for promotion.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use engine::{ClassId, JobId, Time};

/// Who goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    /// Place among the jobs that an operator put first.
    pub(crate) first_place: u32,
    pub(crate) level: u64,
    /// Gittins rank.
    pub(crate) index: u64,
    /// Place in the line of the level.
    pub(crate) line: u64,
    pub(crate) job: JobId,
}

/// A lane: one class.
#[derive(Debug, Default)]
struct Lane {
    jobs: BTreeSet<Rank>,
}

/// Where a waiting job is filed.
#[derive(Clone, Copy, Debug)]
struct Filed {
    class: ClassId,
    rank: Rank,
    due: Option<Time>,
}

/// All waiting jobs.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    lanes: Vec<Lane>,
    heads: BTreeMap<Rank, ClassId>,
    filed: Vec<Option<Filed>>,
    due: BTreeSet<(Time, JobId)>,
}

impl Waiting {
    /// Files a job, or files it anew; `due`: when it is due for promotion.
    pub(crate) fn insert(&mut self, class: ClassId, rank: Rank, due: Option<Time>) {
        let job = rank.job;
        self.remove(job);
        if self.lanes.len() <= class.index() {
            self.lanes.resize_with(class.index() + 1, Lane::default);
        }
        if self.filed.len() <= job.index() {
            self.filed.resize(job.index() + 1, None);
        }
        self.change(class, |jobs| {
            jobs.insert(rank);
        });
        self.filed[job.index()] = Some(Filed { class, rank, due });
        self.due.extend(due.map(|at| (at, job)));
    }

    /// Takes a job out, if it is in.
    pub(crate) fn remove(&mut self, job: JobId) {
        let Some(filed) = self.filed.get_mut(job.index()).and_then(Option::take) else { return };
        self.change(filed.class, |jobs| {
            jobs.remove(&filed.rank);
        });
        if let Some(at) = filed.due {
            self.due.remove(&(at, job));
        }
    }

    /// Changes a lane, and keeps its head among the heads.
    fn change(&mut self, class: ClassId, change: impl FnOnce(&mut BTreeSet<Rank>)) {
        let jobs = &mut self.lanes[class.index()].jobs;
        let before = jobs.first().copied();
        change(jobs);
        let after = jobs.first().copied();
        if before != after {
            before.map(|head| self.heads.remove(&head));
            after.map(|head| self.heads.insert(head, class));
        }
    }

    /// The first head of a lane behind `after`.
    pub(crate) fn next_head(&self, after: Option<Rank>) -> Option<(Rank, ClassId)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.heads.range((from, Bound::Unbounded)).next().map(|(rank, class)| (*rank, *class))
    }

    /// The job that goes first.
    pub(crate) fn first(&self) -> Option<Rank> {
        self.heads.first_key_value().map(|(rank, _)| *rank)
    }

    /// The next job that is due for promotion.
    pub(crate) fn first_due(&self) -> Option<(Time, JobId)> {
        self.due.first().copied()
    }

    /// All waiting jobs, in no order that means anything.
    pub(crate) fn jobs(&self) -> impl Iterator<Item = JobId> + '_ {
        self.lanes.iter().flat_map(|lane| lane.jobs.iter().map(|rank| rank.job))
    }
}
