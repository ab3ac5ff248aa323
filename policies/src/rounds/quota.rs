//! Shortest remaining time first by a count of GPUs (the SRTF of the Helios and Lucid simulators, SC 2021, ASPLOS 2023).
//!
//! A round goes through all jobs, those with the least time left first, and lets each have its GPUs while the count lasts;
//! jobs that need more than is left are passed over. Runs that got none are stopped, then jobs that got some are placed. The
//! count knows no nodes: a job that got its GPUs may find no place for them, and they stay idle.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use engine::{Bill, Draft, Job, JobId, Needs, Phase, Policy, Rate, Reason, Span, Time};

use super::{Beat, Turn};
use crate::evict::at_risk;
use crate::place::{Placer, place};

/// How the time left changes while nothing happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// A job that waits: not at all.
    Waits,
    /// A placed job that makes no progress: not at all.
    Stands,
    /// A run: falls by so many parts per million of the time.
    Falls(u32),
}

/// Jobs that need the same number of GPUs (thousandths) and whose times left change alike.
type Key = (u64, Kind);

/// Place in a lane, smaller first: time left (or the instant at which it would be over), then what breaks ties.
type Place = (u64, Ties, JobId);

/// What breaks ties. Of jobs that wait: the one that has waited longer, a new one before one that was stopped, of those the
/// one that was stopped first. Of placed jobs: the one that was placed earlier, then as they waited; at last, since when
/// it makes progress.
type Ties = [u64; 4];

/// Where a job is filed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filed {
    Nowhere,
    /// It runs and may not be stopped.
    Fixed,
    In(Key, Place),
}

/// The best job of a lane: time left, then runs that have only begun, then jobs that wait, then other runs; ties as in
/// the lane.
type Head = (u64, u8, Ties, JobId);

/// Shortest remaining time first by a count of GPUs.
#[derive(Debug)]
pub struct QuotaSrtf {
    beat: Beat,
    placer: Placer,
    seen: u64,
    filed: Vec<Filed>,
    lanes: BTreeMap<Key, BTreeSet<Place>>,
    /// Thousandths of a GPU that placed jobs need, and of those the ones that may not be stopped.
    placed: u64,
    fixed: u64,
    chosen: Vec<JobId>,
    outside: Vec<Head>,
}

impl QuotaSrtf {
    /// Nothing seen yet.
    pub fn new(beat: Beat, placer: Placer) -> Self {
        Self {
            beat,
            placer,
            seen: 0,
            filed: Vec::new(),
            lanes: BTreeMap::new(),
            placed: 0,
            fixed: 0,
            chosen: Vec::new(),
            outside: Vec::new(),
        }
    }

    fn sync(&mut self, draft: &Draft<'_>) {
        let changes = draft.state().changes_since(self.seen);
        if changes.anew {
            *self = Self::new(self.beat, self.placer);
        }
        for job in changes.jobs {
            self.refile(draft, job);
        }
        self.seen = changes.end;
    }

    fn refile(&mut self, draft: &Draft<'_>, id: JobId) {
        let need = draft.state().class_of(id).gpu_milli_min;
        let filed = file(draft, id, need);
        if self.filed.len() <= id.index() {
            self.filed.resize(id.index() + 1, Filed::Nowhere);
        }
        let before = std::mem::replace(&mut self.filed[id.index()], filed);
        if before == filed {
            return;
        }
        self.placed = self.placed - if is_placed(before) { need } else { 0 } + if is_placed(filed) { need } else { 0 };
        let fixed = |filed: Filed| if filed == Filed::Fixed { need } else { 0 };
        self.fixed = self.fixed - fixed(before) + fixed(filed);
        if let Filed::In(key, place) = before
            && let Some(lane) = self.lanes.get_mut(&key)
        {
            lane.remove(&place);
            if lane.is_empty() {
                self.lanes.remove(&key);
            }
        }
        if let Filed::In(key, place) = filed {
            self.lanes.entry(key).or_default().insert(place);
        }
    }

    /// Goes through the jobs: those that wait and get their GPUs are `chosen`, runs that get none are `outside`.
    fn choose(&mut self, draft: &Draft<'_>) {
        self.chosen.clear();
        self.outside.clear();
        let mut quota = (draft.cluster().free_gpu_milli() + self.placed).saturating_sub(self.fixed);
        let mut lanes: Vec<_> = self.lanes.iter().map(|(key, lane)| (*key, lane.iter())).collect();
        let mut heads: BinaryHeap<Reverse<(Head, usize)>> = BinaryHeap::with_capacity(lanes.len());
        let now = draft.now();
        for (at, ((_, kind), jobs)) in lanes.iter_mut().enumerate() {
            heads.extend(jobs.next().map(|place| Reverse((head(*kind, *place, now), at))));
        }
        while let Some(Reverse((best, at))) = heads.pop() {
            let ((need, kind), jobs) = &mut lanes[at];
            if *need > quota {
                if *kind != Kind::Waits {
                    self.outside.push(best);
                    self.outside.extend(jobs.map(|place| head(*kind, *place, now)));
                }
                continue;
            }
            quota -= *need;
            if *kind == Kind::Waits {
                self.chosen.push(best.3);
            }
            heads.extend(jobs.next().map(|place| Reverse((head(*kind, *place, now), at))));
        }
        self.outside.sort_unstable();
    }

    fn stop_outside(&self, draft: &mut Draft<'_>) {
        for (number, (.., victim)) in self.outside.iter().enumerate() {
            let predicted = at_risk(draft, *victim, Span::ZERO);
            if draft.preempt_for(*victim, Bill { by: self.chosen.first().copied(), predicted }).is_ok() {
                draft.set_memo(*victim, [number as u64 + 1, 0, 0, 0]);
            }
        }
    }

    /// Places the chosen, best first. What found no place for its class finds none for the next job of it.
    fn place_chosen(&self, draft: &mut Draft<'_>) {
        let mut failed = vec![false; draft.state().classes()];
        for &job in &self.chosen {
            let class = draft.state().job(job).spec.class;
            if failed[class.index()] || !place(self.placer, draft, job) || draft.start(job).is_err() {
                failed[class.index()] = draft.state().class(class).shape.groups.len() == 1;
                draft.refuse(job, draft.shortage(class));
            }
        }
        draft.refuse_rest(Reason::Outranked);
    }
}

fn is_placed(filed: Filed) -> bool {
    match filed {
        Filed::Nowhere => false,
        Filed::Fixed => true,
        Filed::In((_, kind), _) => kind != Kind::Waits,
    }
}

fn file(draft: &Draft<'_>, id: JobId, need: u64) -> Filed {
    let job = draft.state().job(id);
    let remaining =
        || draft.oracle().and_then(|oracle| oracle.remaining(id, draft.now())).map_or(u64::MAX, |left| left.0);
    let (kind, value) = match job.phase {
        Phase::Ready if job.is_first() => (Kind::Waits, 0),
        Phase::Ready => (Kind::Waits, remaining()),
        // Whom an operator put first is not stopped for others.
        Phase::Launching | Phase::Running if !job.spec.preemptible || job.is_first() => return Filed::Fixed,
        Phase::Launching | Phase::Running => {
            let work = draft.oracle().and_then(|oracle| oracle.work(id)).map_or(u64::MAX, |work| work.0);
            let left = Span(work) - job.work_at_start;
            match (job.running_since.known(), begun(job).known()) {
                (Some(since), _) => (Kind::Falls(job.rate.as_ppm()), (since + job.rate.time_for(left)).0),
                (None, Some(launched)) => (Kind::Falls(Rate::FULL.as_ppm()), (launched + job.owed + left).0),
                _ => (Kind::Stands, remaining()),
            }
        }
        _ => return Filed::Nowhere,
    };
    Filed::In((need, kind), (value, ties(draft, id), id))
}

/// Since when a placed job makes progress, or serves a restart that it owes; `NEVER` before.
fn begun(job: &Job) -> Time {
    if job.owed > Span::ZERO { job.launched } else { job.running_since }
}

fn ties(draft: &Draft<'_>, id: JobId) -> Ties {
    let job = draft.state().job(id);
    let [stopped, ..] = draft.state().memo(id);
    match job.phase {
        Phase::Ready if job.is_first() => [u64::from(job.first_place), 0, 0, 0],
        Phase::Ready => [job.ready_since.0, stopped, 0, 0],
        _ => [job.placed.0, job.ready_since.0, stopped, begun(job).0],
    }
}

/// The place of a job among the best of all lanes at `now`.
fn head(kind: Kind, (value, ties, id): Place, now: Time) -> Head {
    let (left, rank) = match kind {
        Kind::Waits => (value, 1),
        // A run that has made no progress, or is through, keeps its place: two could otherwise take turns for ever.
        Kind::Stands => (value, 0),
        Kind::Falls(ppm) => {
            let left = Rate::ppm(ppm).work_in(Time(value).since(now)).0;
            (left, if left == 0 || ties[3] >= now.0 { 0 } else { 2 })
        }
    };
    (left, rank, ties, id)
}

impl Policy for QuotaSrtf {
    fn needs(&self) -> Needs {
        Beat::needs(true)
    }

    fn decide(&mut self, _now: Time, draft: &mut Draft<'_>) {
        self.sync(draft);
        if self.beat.turn(draft) != Turn::Round {
            return;
        }
        self.choose(draft);
        self.stop_outside(draft);
        self.place_chosen(draft);
    }
}
