//! Waiting jobs in the order of a policy, as a cache that follows the change log of the engine.
//!
//! Jobs are kept in lanes: one class, one tenant (where the order needs it), one bucket, one stage of waiting. Inside a
//! lane the order stands still while jobs wait, and what does not fit for one does not fit for the others, so that a
//! round looks at the heads of lanes, not at jobs. Where waiting changes the order, it does so in one of two ways:
//! a job moves to the lane of its next stage when its time comes, or a lane is a [`Race`].

mod race;

use std::collections::{BTreeMap, BTreeSet};

use engine::{ClassId, Draft, Job, JobId, Phase, QueueId, TenantId, Time};

use self::race::Race;
pub use self::race::{Line, Score};
use crate::order::by_priority;

/// What two jobs of one lane have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LaneKey {
    pub(crate) class: ClassId,
    pub(crate) tenant: TenantId,
    /// The queue, where queues wait apart.
    pub(crate) queue: QueueId,
    pub(crate) bucket: u8,
    /// How far the wait has come, where that changes the order.
    pub(crate) stage: u8,
    /// The tier of the queue, which goes before all of the order; smaller goes first.
    pub(crate) tier: u16,
    /// Place among the jobs that an operator put first: each of them has a lane of its own. [`Ready`] fills it in.
    pub(crate) first_place: u32,
}

/// A rank behind those of all jobs that an operator put first, or among them: for orders that only compare.
pub(crate) fn behind_first(job: &Job, rank: u64) -> u64 {
    if job.is_first() { u64::from(job.first_place) } else { rank.saturating_add(1 << 32) }
}

/// Jobs of one lane, best first.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) key: LaneKey,
    pub(crate) jobs: BTreeSet<(u64, JobId)>,
    /// The same jobs, where they overtake each other.
    race: Race,
    /// Place in the list of lanes that have jobs; `u32::MAX` when it has none.
    active: u32,
}

impl Lane {
    /// The job that goes first now, and its rank.
    pub(crate) fn head(&self) -> Option<(u64, JobId)> {
        self.race.leader().or_else(|| self.jobs.first().copied())
    }
}

/// How a policy files a waiting job.
pub(crate) trait Filing {
    /// Whether the ranks in the lanes are those of [`Filing::rank`]: who compares them looks at [`LaneKey::first_place`]
    /// first. Otherwise jobs that an operator put first rank before all others.
    const PLAIN_RANKS: bool = false;

    /// Smaller goes first; constant while the job waits in one stage. Ties go to the earlier submission. By default the
    /// higher priority goes first.
    fn rank(&self, draft: &Draft<'_>, job: JobId) -> u64 {
        by_priority(draft.state().job(job))
    }

    /// The lane.
    fn lane(&self, draft: &Draft<'_>, job: JobId) -> LaneKey;
    /// When its stage ends, later than now; by default never.
    fn until(&self, _draft: &Draft<'_>, _job: JobId) -> Time {
        Time::NEVER
    }
    /// Its line, where the jobs of a lane overtake each other; by default they do not.
    fn line(&self, _draft: &Draft<'_>, _job: JobId) -> Option<Line> {
        None
    }
}

#[derive(Clone, Copy, Debug)]
struct Filed {
    lane: u32,
    rank: u64,
    /// Place in the race.
    place: u32,
    /// When the stage ends.
    until: Time,
}

const NOWHERE: Filed = Filed { lane: u32::MAX, rank: 0, place: u32::MAX, until: Time::NEVER };

/// All waiting jobs.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    seen: u64,
    now: Time,
    lanes: Vec<Lane>,
    by_key: BTreeMap<LaneKey, u32>,
    active: Vec<u32>,
    filed: Vec<Filed>,
    /// Lanes that got a job since they were last asked for.
    touched: Vec<u32>,
    /// Ends of stages.
    due: BTreeSet<(Time, JobId)>,
    /// When somebody is overtaken in a lane.
    overtakings: BTreeSet<(Time, u32)>,
}

impl Ready {
    /// Catches up with the engine.
    pub(crate) fn sync(&mut self, draft: &Draft<'_>, filing: &impl Filing) {
        let changes = draft.state().changes_since(self.seen);
        self.now = draft.now();
        self.overtake();
        if changes.anew {
            *self = Self { now: self.now, ..Self::default() };
        }
        for job in changes.jobs {
            self.refile(draft, filing, job);
        }
        while let Some((until, job)) = self.due.first().copied()
            && until <= self.now
        {
            self.refile(draft, filing, job);
        }
        self.seen = changes.end;
    }

    /// Brings the races up to now.
    fn overtake(&mut self) {
        while let Some((until, lane)) = self.overtakings.first().copied()
            && until <= self.now
        {
            self.overtakings.remove(&(until, lane));
            let race = &mut self.lanes[lane as usize].race;
            race.advance(self.now);
            self.overtakings.insert((race.until(), lane));
        }
    }

    fn refile(&mut self, draft: &Draft<'_>, filing: &impl Filing, job: JobId) {
        if self.filed.len() <= job.index() {
            self.filed.resize(job.index() + 1, NOWHERE);
        }
        // A job can have left and come back between two looks: it is filed anew.
        self.remove(job);
        if draft.state().job(job).phase == Phase::Ready {
            self.insert(draft, filing, job);
        }
    }

    fn insert<F: Filing>(&mut self, draft: &Draft<'_>, filing: &F, job: JobId) {
        let (rank, until) = (filing.rank(draft, job), filing.until(draft, job));
        let facts = draft.state().job(job);
        let key = LaneKey { first_place: facts.first_place, ..filing.lane(draft, job) };
        let rank = if F::PLAIN_RANKS { rank } else { behind_first(facts, rank) };
        let lane = self.lane_of(key);
        let entry = &mut self.lanes[lane as usize];
        entry.jobs.insert((rank, job));
        if entry.active == u32::MAX {
            entry.active = self.active.len() as u32;
            self.active.push(lane);
        }
        if until != Time::NEVER {
            self.due.insert((until, job));
        }
        let place = match filing.line(draft, job) {
            Some(line) => self.in_race(lane, |race, now| race.enter(job, line, now)),
            None => u32::MAX,
        };
        self.filed[job.index()] = Filed { lane, rank, place, until };
        self.touched.push(lane);
    }

    fn lane_of(&mut self, key: LaneKey) -> u32 {
        let lanes = &mut self.lanes;
        *self.by_key.entry(key).or_insert_with(|| {
            lanes.push(Lane { key, jobs: BTreeSet::new(), race: Race::default(), active: u32::MAX });
            lanes.len() as u32 - 1
        })
    }

    /// Changes the race of a lane, and remembers when it is to be looked at again.
    fn in_race<T>(&mut self, lane: u32, change: impl FnOnce(&mut Race, Time) -> T) -> T {
        let race = &mut self.lanes[lane as usize].race;
        let before = race.until();
        let result = change(race, self.now);
        let after = race.until();
        if before != after {
            self.overtakings.remove(&(before, lane));
            if after != Time::NEVER {
                self.overtakings.insert((after, lane));
            }
        }
        result
    }

    /// Takes a job out, when it is started or no longer waits.
    pub(crate) fn remove(&mut self, job: JobId) {
        let Filed { lane, rank, place, until } = std::mem::replace(&mut self.filed[job.index()], NOWHERE);
        if lane == u32::MAX {
            return;
        }
        if until != Time::NEVER {
            self.due.remove(&(until, job));
        }
        if place != u32::MAX {
            self.in_race(lane, |race, now| race.leave(place, now));
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
