//! The queues of a decision: which jobs they put up next, and what is already known to fail.

use engine::{ClassId, Draft, JobId, Reason};

use super::rules::UsageRule;
use super::usage;
use crate::quota::topology::Topology;
use crate::ready::Ready;

/// The first job of a queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) node: u32,
    pub(super) lane: u32,
    pub(super) class: ClassId,
    /// Higher priority first: smaller.
    pub(super) rank: u64,
    pub(super) job: JobId,
}

/// How a lane failed.
#[derive(Clone, Copy, Debug)]
struct Failure {
    stamp: Stamp,
    rank: (u64, JobId),
    reason: Reason,
}

/// Queues with waiting jobs.
#[derive(Debug, Default)]
pub(super) struct Heads {
    /// Lanes by node; those that failed are taken out.
    lanes: Vec<Vec<u32>>,
    /// Nodes that have had lanes.
    pub(super) nodes: Vec<u32>,
    /// How a lane failed in this or an earlier decision.
    failures: Vec<Option<Failure>>,
    /// Preemptions so far and the epoch when a class last did not fit on the nodes.
    unplaced: Vec<(u64, u64)>,
    /// Reasons of this decision.
    reasons: Vec<(JobId, Reason)>,
    /// Jobs so far that started by preemption: each leaves other room on the nodes.
    preemptions: u64,
    /// The state in which this decision began.
    stamp: Stamp,
    /// Whether this decision has started anything.
    started: bool,
}

/// While it stands still, nothing has become free and nothing has started: what failed fails again.
type Stamp = (u64, u64);

fn stamp(draft: &Draft<'_>) -> Stamp {
    (draft.state().freed_epoch(), draft.state().totals().decisions)
}

impl Heads {
    /// Begins a decision.
    pub(super) fn open(&mut self, draft: &Draft<'_>, ready: &Ready, topology: &Topology) {
        self.reasons.clear();
        self.unplaced.resize(draft.state().classes(), (u64::MAX, 0));
        (self.stamp, self.started) = (stamp(draft), false);
        self.fill(ready, topology);
    }

    /// Lets all queues try again: a preemption may have left room over.
    pub(super) fn reopen(&mut self, ready: &Ready, topology: &Topology) {
        self.fill(ready, topology);
    }

    fn fill(&mut self, ready: &Ready, topology: &Topology) {
        for node in self.nodes.drain(..) {
            self.lanes[node as usize].clear();
        }
        self.lanes.resize_with(topology.len(), Vec::new);
        for lane in ready.active() {
            let node = topology.homes[ready.lane(*lane).key.tenant.index()];
            if self.lanes[node as usize].is_empty() {
                self.nodes.push(node);
            }
            self.lanes[node as usize].push(*lane);
        }
        self.nodes.sort_unstable();
    }

    /// Why an entry must fail because it failed in the same state, or one before it in its lane did, which may preempt all
    /// that it may. Starts of this decision change the state: a queue that borrows more can be preempted more.
    pub(super) fn known(&self, draft: &Draft<'_>, entry: &Entry) -> Option<Reason> {
        let failure = self.failures.get(entry.lane as usize).copied().flatten()?;
        let rank = (entry.rank, entry.job);
        let for_all = draft.state().class(entry.class).shape.groups.len() == 1;
        let covered = rank == failure.rank || for_all && rank > failure.rank;
        let same = !self.started && failure.stamp == self.stamp && covered;
        same.then_some(failure.reason)
    }

    /// The job of an entry starts.
    pub(super) fn start(&mut self) {
        self.started = true;
    }

    /// Somebody was preempted.
    pub(super) fn preempt(&mut self) {
        self.preemptions += 1;
    }

    /// The first job of every lane that is still in the sweep.
    pub(super) fn all(&self, ready: &Ready) -> Vec<Entry> {
        let mut all = Vec::new();
        for node in &self.nodes {
            for lane in &self.lanes[*node as usize] {
                let entry = ready.lane(*lane);
                let class = entry.key.class;
                let head = entry.jobs.first();
                all.extend(head.map(|(rank, job)| Entry { node: *node, lane: *lane, class, rank: *rank, job: *job }));
            }
        }
        all
    }

    /// The first job of `node`: by the usage of its local queue where that counts, then priority, then arrival.
    pub(super) fn first(&self, draft: &Draft<'_>, ready: &Ready, usage: Option<UsageRule>, node: u32) -> Option<Entry> {
        let head = |lane: &u32| {
            let entry = ready.lane(*lane);
            let (rank, job) = *entry.jobs.first()?;
            let used = usage.map_or(0, |rule| usage::rank(draft.state(), rule, entry.key.tenant));
            Some(((used, rank, job), Entry { node, lane: *lane, class: entry.key.class, rank, job }))
        };
        let heads = self.lanes[node as usize].iter().filter_map(head);
        heads.min_by_key(|(key, _)| *key).map(|(_, entry)| entry)
    }

    /// The job of `entry`, and with it all behind it in its lane, fails in this decision.
    pub(super) fn fail(&mut self, entry: &Entry, reason: Reason, memory: Memory) {
        self.lanes[entry.node as usize].retain(|lane| *lane != entry.lane);
        let at = entry.lane as usize;
        if self.failures.len() <= at {
            self.failures.resize(at + 1, None);
        }
        // What failed after a start of this decision failed in a state that the next decision will not see.
        if memory == Memory::None {
            self.failures[at] = None;
        } else if !self.started {
            self.failures[at] = Some(Failure { stamp: self.stamp, rank: (entry.rank, entry.job), reason });
        }
        self.reasons.push((entry.job, reason));
    }

    /// Nobody of `node` is tried any more in this decision.
    pub(super) fn block(&mut self, node: u32) {
        self.lanes[node as usize].clear();
    }

    /// Whether a job of this class was tried on the nodes since anything became free, and did not fit. Several groups are
    /// packed greedily, which can succeed with less room: they are always tried.
    pub(super) fn class_failed(&self, draft: &Draft<'_>, class: ClassId) -> bool {
        let for_all = draft.state().class(class).shape.groups.len() == 1;
        for_all && self.unplaced[class.index()] == (self.preemptions, draft.state().freed_epoch())
    }

    pub(super) fn fail_class(&mut self, draft: &mut Draft<'_>, class: ClassId) {
        self.unplaced[class.index()] = (self.preemptions, draft.state().freed_epoch());
        let reason = draft.shortage(class);
        draft.refuse_class(class, reason);
    }

    /// Ends a decision: tells why heads wait.
    pub(super) fn close(&mut self, draft: &mut Draft<'_>) {
        for (job, reason) in self.reasons.drain(..) {
            if draft.is_ready(job) {
                draft.refuse(job, reason);
            }
        }
    }
}

/// Whether the next decision may count on a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Memory {
    /// It may, while nothing changes.
    Kept,
    /// It may not.
    None,
}
