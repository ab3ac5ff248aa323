//! Placed jobs that may be evicted, by level, and when each leaves its level.
//!
//! A cache: what is in it follows from the state and the time alone.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use engine::{JobId, Time};

/// Where a placed job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) level: u64,
    /// Place in the line of its level: the last is the first victim.
    pub(crate) line: u64,
    /// Thousandths of a GPU that it holds.
    pub(crate) milli: u64,
    /// When it leaves its level, if it ever does and already makes progress.
    pub(crate) leaves: Option<Time>,
}

/// The jobs of one level.
#[derive(Debug, Default)]
struct Level {
    victims: BTreeSet<(Reverse<u64>, Reverse<JobId>)>,
    times: BTreeSet<(Time, JobId)>,
    milli: u64,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Placed {
    levels: BTreeMap<u64, Level>,
    standings: Vec<Option<Standing>>,
}

impl Placed {
    /// Files a job anew, or takes it out. Whether it has come to a later level.
    pub(crate) fn set(&mut self, job: JobId, standing: Option<Standing>) -> bool {
        if self.standings.len() <= job.index() {
            self.standings.resize(job.index() + 1, None);
        }
        let before = std::mem::replace(&mut self.standings[job.index()], standing);
        if let Some(old) = before {
            self.take_out(job, old);
        }
        if let Some(new) = standing {
            let level = self.levels.entry(new.level).or_default();
            level.victims.insert((Reverse(new.line), Reverse(job)));
            level.milli += new.milli;
            level.times.extend(new.leaves.map(|time| (time, job)));
        }
        before.zip(standing).is_some_and(|(before, after)| after.level > before.level)
    }

    fn take_out(&mut self, job: JobId, old: Standing) {
        let Some(level) = self.levels.get_mut(&old.level) else { return };
        level.victims.remove(&(Reverse(old.line), Reverse(job)));
        level.milli -= old.milli;
        if let Some(time) = old.leaves {
            level.times.remove(&(time, job));
        }
        if level.victims.is_empty() {
            self.levels.remove(&old.level);
        }
    }

    /// A job that has left its level by `now`.
    pub(crate) fn has_left(&self, now: Time) -> Option<JobId> {
        let firsts = self.levels.values().filter_map(|level| level.times.first());
        firsts.filter(|(time, _)| *time <= now).map(|(_, job)| *job).next()
    }

    /// When a job next leaves its level.
    pub(crate) fn next_leave(&self) -> Option<Time> {
        self.levels.values().filter_map(|level| level.times.first()).map(|(time, _)| *time).min()
    }

    /// The jobs of levels from `lowest` on, the last of the last level first.
    pub(crate) fn victims(&self, lowest: u64) -> impl Iterator<Item = (u64, JobId)> + '_ {
        let levels = self.levels.range(lowest..).rev();
        levels.flat_map(|(number, level)| level.victims.iter().map(|(_, job)| (*number, job.0)))
    }

    /// Thousandths of a GPU that they hold.
    pub(crate) fn milli(&self, lowest: u64) -> u64 {
        self.levels.range(lowest..).map(|(_, level)| level.milli).sum()
    }
}
