//! Waiting jobs in the order of a policy, as a cache that follows the change log of the engine.
//!
//! Jobs are kept in lanes: one class, one tenant (where the order needs it), one bucket. Inside a lane the order never
//! changes while jobs wait, and what does not fit for one does not fit for the others, so that a round looks at the
//! heads of lanes, not at jobs.

use std::collections::{BTreeMap, BTreeSet};

use engine::{Changes, ClassId, Draft, JobId, Phase, TenantId};

/// What two jobs of one lane have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LaneKey {
    pub(crate) class: ClassId,
    pub(crate) tenant: TenantId,
    pub(crate) bucket: u8,
}

/// Jobs of one lane, best first.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) key: LaneKey,
    pub(crate) jobs: BTreeSet<(u64, JobId)>,
    /// Place in the list of lanes that have jobs; `u32::MAX` when it has none.
    active: u32,
}

/// How a policy files a waiting job.
pub(crate) trait Filing {
    /// Smaller goes first; constant while the job waits. Ties go to the earlier submission.
    fn rank(&self, draft: &Draft<'_>, job: JobId) -> u64;
    /// The lane.
    fn lane(&self, draft: &Draft<'_>, job: JobId) -> LaneKey;
}

#[derive(Clone, Copy, Debug)]
struct Filed {
    lane: u32,
    rank: u64,
}

const NOWHERE: Filed = Filed { lane: u32::MAX, rank: 0 };

/// All waiting jobs.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    seen: u64,
    lanes: Vec<Lane>,
    by_key: BTreeMap<LaneKey, u32>,
    active: Vec<u32>,
    filed: Vec<Filed>,
    /// Lanes that got a job since they were last asked for.
    touched: Vec<u32>,
}

impl Ready {
    /// Catches up with the engine.
    pub(crate) fn sync(&mut self, draft: &Draft<'_>, filing: &impl Filing) {
        let (changes, end) = draft.state().changes_since(self.seen);
        match changes {
            Changes::Jobs(jobs) => jobs.iter().for_each(|job| self.refile(draft, filing, *job)),
            Changes::Everything => {
                *self = Self::default();
                for index in 0..draft.state().jobs().len() {
                    self.refile(draft, filing, JobId::new(index));
                }
            }
        }
        self.seen = end;
    }

    fn refile(&mut self, draft: &Draft<'_>, filing: &impl Filing, job: JobId) {
        if self.filed.len() <= job.index() {
            self.filed.resize(job.index() + 1, NOWHERE);
        }
        let ready = draft.state().job(job).phase == Phase::Ready;
        let filed = self.filed[job.index()];
        match (filed.lane != u32::MAX, ready) {
            (false, true) => self.insert(job, filing.lane(draft, job), filing.rank(draft, job)),
            (true, false) => self.remove(job),
            _ => {}
        }
    }

    fn insert(&mut self, job: JobId, key: LaneKey, rank: u64) {
        let lanes = &mut self.lanes;
        let lane = *self.by_key.entry(key).or_insert_with(|| {
            lanes.push(Lane { key, jobs: BTreeSet::new(), active: u32::MAX });
            lanes.len() as u32 - 1
        });
        let entry = &mut self.lanes[lane as usize];
        entry.jobs.insert((rank, job));
        if entry.active == u32::MAX {
            entry.active = self.active.len() as u32;
            self.active.push(lane);
        }
        self.filed[job.index()] = Filed { lane, rank };
        self.touched.push(lane);
    }

    /// Takes a job out, when it is started or no longer waits.
    pub(crate) fn remove(&mut self, job: JobId) {
        let Filed { lane, rank } = std::mem::replace(&mut self.filed[job.index()], NOWHERE);
        if lane == u32::MAX {
            return;
        }
        let entry = &mut self.lanes[lane as usize];
        entry.jobs.remove(&(rank, job));
        if entry.jobs.is_empty() {
            let at = std::mem::replace(&mut entry.active, u32::MAX) as usize;
            self.active.swap_remove(at);
            if let Some(moved) = self.active.get(at) {
                self.lanes[*moved as usize].active = at as u32;
            }
        }
    }

    pub(crate) fn lane(&self, lane: u32) -> &Lane {
        &self.lanes[lane as usize]
    }

    /// Lanes that have jobs, in no particular order.
    pub(crate) fn active(&self) -> &[u32] {
        &self.active
    }

    /// Lanes that got a job since the last call, possibly more than once, possibly empty again.
    pub(crate) fn take_touched(&mut self, into: &mut Vec<u32>) {
        into.clear();
        into.append(&mut self.touched);
    }
}
