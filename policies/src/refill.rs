//! Everything is decided anew at each event: all runs stop, and the empty cluster is filled from an ordered list.
//!
//! ```text
//!   something happened ──▶ stop all ──▶ (they have stopped) ──▶ sort, fill, note the lists ──▶ wait
//!          ▲                                                                                    │
//!          └──────────────── an arrival, an end, or the time of the next queue ◀────────────────┘
//! ```
//!
//! So do the simulators of Tiresias and its heirs, where it costs nothing. It is here to repeat their results; with costs
//! it is as wasteful as it looks. The list is theirs too: it is sorted in place, so that the order of the last event breaks
//! ties. All of it is noted with the engine. A step looks at every open job.

mod lists;
mod queues;

use std::collections::BTreeSet;

use engine::{Bill, Cause, Draft, JobId, Needs, Phase, Policy, Reason, Span, Time, Triggers};

use self::lists::Entry;
pub(crate) use self::queues::{Index, Queues, Wake};
use crate::order::Length;
use crate::pipeline::Behind;
use crate::place::{Placer, place};

/// What the list is sorted by.
#[derive(Clone, Debug)]
pub(crate) enum Sort {
    /// Run time that is left, by true durations.
    Remaining(Length),
    /// Queues of attained service.
    Queues(Queues),
}

/// The policy.
#[derive(Debug)]
pub(crate) struct Refill {
    sort: Sort,
    placer: Placer,
    behind: Behind,
    seen: u64,
    ready: BTreeSet<JobId>,
    list: Vec<Entry>,
    /// Classes that did not fit in this fill.
    failed: Vec<bool>,
}

/// What the board says: what was last done, and what the state was then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Everything was told to stop.
    Stopping,
    /// The cluster was filled; then the freed epoch, waiting jobs and all jobs were so many.
    Filled([u64; 3]),
}

impl Stage {
    fn of(draft: &Draft<'_>) -> Self {
        match draft.state().board() {
            [1, ..] => Self::Stopping,
            [_, epoch, ready, jobs] => Self::Filled([*epoch, *ready, *jobs]),
            _ => Self::Filled([0; 3]),
        }
    }

    fn note(self, draft: &mut Draft<'_>) {
        let board = draft.board();
        board.clear();
        match self {
            Self::Stopping => board.push(1),
            Self::Filled([epoch, ready, jobs]) => board.extend([0, epoch, ready, jobs]),
        }
    }

    /// What it will be when this draft, which starts `starts` jobs, is carried out.
    fn filled(draft: &Draft<'_>, starts: u64) -> Self {
        let state = draft.state();
        Self::Filled([state.freed_epoch(), state.totals().ready - starts, state.jobs().len() as u64])
    }
}

impl Policy for Refill {
    fn needs(&self) -> Needs {
        let triggers = Triggers::FREED.and(Triggers::ARRIVED).and(Triggers::WOKE);
        Needs { oracle: matches!(self.sort, Sort::Remaining(_)), triggers, ..Needs::default() }
    }

    fn decide(&mut self, now: Time, draft: &mut Draft<'_>) {
        self.sync(draft);
        match Stage::of(draft) {
            Stage::Stopping if draining(draft) => wait_for_stop(draft, now + Span::secs(1)),
            Stage::Stopping => self.fill(now, draft),
            filled @ Stage::Filled(_) => {
                let next = self.next_event(draft, now, &[]);
                let quiet = Stage::filled(draft, 0) == filled;
                // A wake-up for nothing: a run was launched late, or is gone.
                if quiet && next.is_none_or(|at| at > now) {
                    if let Some(at) = next {
                        draft.wake_at(at);
                    }
                    return;
                }
                if stop_all(draft) {
                    Stage::Stopping.note(draft);
                    wait_for_stop(draft, now);
                } else {
                    self.fill(now, draft);
                }
            }
        }
    }
}

/// Whether a run that this policy stopped still holds GPUs.
fn draining(draft: &Draft<'_>) -> bool {
    let stops = |job: &JobId| draft.state().job(*job).phase == Phase::Draining(Cause::Preempted);
    draft.state().live().iter().any(stops)
}

/// The end of a run that was told to stop is not always a reason to ask a policy.
fn wait_for_stop(draft: &mut Draft<'_>, at: Time) {
    draft.refuse_rest(Reason::NextDecision { at });
    draft.wake_at(at);
}

/// Stops every run that may be stopped. Whether there was one.
fn stop_all(draft: &mut Draft<'_>) -> bool {
    let mut placed: Vec<JobId> = draft.state().live().to_vec();
    placed.sort_unstable();
    placed.retain(|job| draft.preempt_for(*job, Bill::default()).is_ok());
    !placed.is_empty()
}

impl Refill {
    pub(crate) fn new(sort: Sort, placer: Placer, behind: Behind) -> Self {
        Self { sort, placer, behind, seen: 0, ready: BTreeSet::new(), list: Vec::new(), failed: Vec::new() }
    }

    fn sync(&mut self, draft: &Draft<'_>) {
        let changes = draft.state().changes_since(self.seen);
        if changes.anew {
            self.ready.clear();
        }
        for job in changes.jobs {
            self.file(draft, job);
        }
        self.seen = changes.end;
    }

    fn file(&mut self, draft: &Draft<'_>, job: JobId) {
        if draft.state().job(job).phase == Phase::Ready {
            self.ready.insert(job);
        } else {
            self.ready.remove(&job);
        }
    }

    /// Fills the cluster from the list, and notes the list.
    fn fill(&mut self, now: Time, draft: &mut Draft<'_>) {
        self.make_list(now, draft);
        self.failed.clear();
        self.failed.resize(draft.state().classes(), false);
        let mut starts = 0;
        let mut list = std::mem::take(&mut self.list);
        for entry in &mut list {
            entry.note.ran = self.start(draft, entry.job);
            starts += u64::from(entry.note.ran);
            if entry.note.ran {
                entry.note.base = entry.note.base.at_start(draft.state().job(entry.job), now);
            }
            if !entry.note.ran && self.behind == Behind::Blocked {
                draft.refuse_rest(Reason::BehindHead { head: entry.job });
                break;
            }
        }
        if matches!(self.sort, Sort::Queues(_)) {
            // Running jobs first, in every queue.
            list.sort_by_key(|entry| (entry.note.queue, !entry.note.ran));
        }
        for (place, entry) in list.iter_mut().enumerate() {
            entry.note.place = place as u64 + 1;
            draft.set_memo(entry.job, entry.note.memo());
        }
        Stage::filled(draft, starts).note(draft);
        if let Some(at) = self.next_event(draft, now, &list) {
            draft.wake_at(at.max(now));
        }
        self.list = list;
    }

    /// All waiting jobs in order.
    fn make_list(&mut self, now: Time, draft: &Draft<'_>) {
        self.list.clear();
        self.list.extend(self.ready.iter().map(|job| Entry::new(draft, *job)));
        lists::number_arrivals(&mut self.list);
        match &self.sort {
            Sort::Remaining(length) => lists::sort_by_remaining(&mut self.list, *length, now, draft),
            Sort::Queues(queues) => queues.arrange(&mut self.list, now, draft),
        }
        self.list.iter_mut().for_each(|entry| entry.note.ran = false);
    }

    fn start(&mut self, draft: &mut Draft<'_>, job: JobId) -> bool {
        let class = draft.state().job(job).spec.class;
        if !self.failed[class.index()] && place(self.placer, draft, job) && draft.start(job).is_ok() {
            return true;
        }
        // Room only shrinks in a fill; but greedy packing of several groups can succeed where there is less.
        self.failed[class.index()] = draft.state().class(class).shape.groups.len() == 1;
        draft.refuse_class(class, draft.shortage(class));
        false
    }

    /// When something is next due although nothing happens; `starts`: jobs that this draft starts.
    fn next_event(&self, draft: &Draft<'_>, now: Time, starts: &[Entry]) -> Option<Time> {
        let Sort::Queues(queues) = &self.sort else { return None };
        let state = draft.state();
        let placed =
            state.live().iter().filter(|job| state.job(**job).is_placed() && state.job(**job).spec.preemptible);
        let runs =
            placed.filter_map(|job| queues.leaves(draft, *job, state.job(*job).running_since.known().unwrap_or(now)));
        let started = starts.iter().filter(|entry| entry.note.ran && state.job(entry.job).spec.preemptible);
        let started = started.filter_map(|entry| queues.leaves(draft, entry.job, now));
        let waiting = self.ready.iter().filter(|job| draft.is_ready(**job));
        runs.chain(started).chain(waiting.filter_map(|job| queues.due(draft, *job))).min()
    }
}
