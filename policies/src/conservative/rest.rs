//! Jobs without a reservation: they may start now where that moves no reservation.

use engine::{ClassId, Draft, GpuRequest, JobId, Span};

use super::Conservative;
use crate::easy::Estimates;
use crate::ready::Ready;

/// Reused memory of the search.
#[derive(Debug, Default)]
pub(super) struct Rest {
    /// Lanes that are still in the round, each with its next job.
    lanes: Vec<(u32, (u64, JobId))>,
    touched: Vec<u32>,
    /// The shortest time for which a class failed in this round.
    failed: Vec<Option<Span>>,
}

impl Rest {
    /// The first job of the queue.
    pub(super) fn first(ready: &Ready) -> Option<(u64, JobId)> {
        ready.active().iter().filter_map(|lane| ready.lane(*lane).jobs.first().copied()).min()
    }
}

impl Conservative {
    /// Starts jobs behind the reservations, in the order of the queue.
    ///
    /// While nothing became free, what failed fails again: the room that a job needs from now on only shrinks. Then only
    /// lanes that got a job are looked at, and those that may fit at any time.
    pub(super) fn start_others(&mut self, draft: &mut Draft<'_>) {
        self.open_round(draft);
        while let Some(at) = self.best_lane() {
            let (lane, (rank, job)) = self.rest.lanes[at];
            let class = draft.state().job(job).spec.class;
            let span = self.span(draft, job);
            let may_fit = self.rest.failed[class.index()].is_none_or(|failed| span < failed);
            let started = may_fit && self.start_now(draft, job);
            if started {
                self.ready.remove(job);
            } else {
                let least = if is_greedy(draft, class) { Span::ZERO } else { span };
                let failed = &mut self.rest.failed[class.index()];
                *failed = Some(failed.map_or(least, |failed| failed.min(least)));
            }
            self.advance(draft, at, lane, (rank, job), class);
        }
    }

    fn open_round(&mut self, draft: &Draft<'_>) {
        self.rest.failed.clear();
        self.rest.failed.resize(draft.state().classes(), None);
        self.rest.lanes.clear();
        let mut touched = std::mem::take(&mut self.rest.touched);
        self.ready.take_touched(&mut touched);
        touched.sort_unstable();
        touched.dedup();
        for &lane in self.ready.active() {
            let entry = self.ready.lane(lane);
            let fresh = !self.dirty.is_empty() || !self.dirty_next.is_empty() || is_restless(draft, entry.key.class);
            if (fresh || touched.binary_search(&lane).is_ok())
                && let Some(&first) = entry.jobs.first()
            {
                self.rest.lanes.push((lane, first));
            }
        }
        self.rest.touched = touched;
    }

    fn best_lane(&self) -> Option<usize> {
        let lanes = self.rest.lanes.iter().enumerate();
        lanes.min_by_key(|(_, (_, job))| *job).map(|(at, _)| at)
    }

    /// Moves a lane on to its next job that is shorter than what failed, or takes it out of the round.
    fn advance(&mut self, draft: &Draft<'_>, at: usize, lane: u32, from: (u64, JobId), class: ClassId) {
        let failed = self.rest.failed[class.index()];
        let entry = self.ready.lane(lane);
        let shortest = Estimates::bucket_min(entry.key.bucket).max(Span(1));
        let hopeless = failed.is_some_and(|failed| shortest >= failed);
        let after = (std::ops::Bound::Excluded(from), std::ops::Bound::Unbounded);
        let next = if hopeless {
            None
        } else {
            entry
                .jobs
                .range(after)
                .find(|(_, job)| failed.is_none_or(|failed| self.span(draft, *job) < failed))
                .copied()
        };
        match next {
            Some(job) => self.rest.lanes[at].1 = job,
            None => drop(self.rest.lanes.swap_remove(at)),
        }
    }

    fn start_now(&mut self, draft: &mut Draft<'_>, job: JobId) -> bool {
        if self.start_beside(draft, job) {
            return true;
        }
        match self.plan_now(draft, job) {
            Some(plan) => self.start_on(draft, job, &plan),
            None => false,
        }
    }
}

/// Whether a job of the class may fit where one failed and nothing became free: greedy packing of several groups may succeed at
/// any time, and a part of a GPU finds room where another has begun to share one.
fn is_restless(draft: &Draft<'_>, class: ClassId) -> bool {
    let parts = |group: &engine::TaskGroup| matches!(group.request.gpus, GpuRequest::Milli(_));
    is_greedy(draft, class) || draft.state().class(class).shape.groups.iter().any(parts)
}

fn is_greedy(draft: &Draft<'_>, class: ClassId) -> bool {
    draft.state().class(class).shape.groups.len() > 1
}
