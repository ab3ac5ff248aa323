//! EASY: who passes the job at the head.

use engine::{Draft, JobId, Reason, Span};

use super::{Candidate, Pipeline};
use crate::easy::{Estimates, Reservation};
use crate::place::place;

impl Pipeline {
    pub(super) fn backfill(&mut self, draft: &mut Draft<'_>, head: JobId, estimates: Estimates) {
        let Some(mut reservation) = self.reservation(draft, head) else {
            // Only a node that comes back can help the head: nobody can delay it.
            return self.pass_freely(draft);
        };
        let start = reservation.start(draft.now());
        draft.refuse(head, Reason::Reserved { start });
        draft.refuse_rest(Reason::WouldDelayHead { head, start });
        let window = start.since(draft.now());
        reservation.guard(draft);
        while let Some(at) = self.best() {
            let Candidate { lane, job, .. } = self.round.lanes[at];
            let class = self.ready.lane(lane).key.class;
            let short = estimates.remaining(draft, job.1) <= window;
            if short {
                if !self.pass_short(draft, &reservation, job.1) {
                    self.fail_class(draft, job);
                    continue;
                }
            } else if !self.pass_long(draft, &mut reservation, job.1) {
                self.round.failed_in_spare[class.index()] = self.round.number;
            }
            self.advance_in_window(draft, at, job, window, estimates);
        }
        draft.unreserve();
    }

    /// The reservation of `head`: that of the last round where nothing that it depends on has changed, and no job that
    /// goes before the head was started in this one.
    fn reservation(&mut self, draft: &mut Draft<'_>, head: JobId) -> Option<Reservation> {
        let version = (self.running.version(), draft.state().freed_epoch());
        if let Some((made_from, reservation)) = &self.round.reservation
            && *made_from == version
            && reservation.head == head
            && !self.round.started
        {
            return Some(reservation.clone());
        }
        let reservation = self.shadow.reserve(self.parts.placer, draft, &self.running, head)?;
        self.round.reservation = Some((version, reservation.clone()));
        Some(reservation)
    }

    /// Starts a job that ends by the shadow time, where there is room; outside of the reservation if it can be.
    fn pass_short(&mut self, draft: &mut Draft<'_>, reservation: &Reservation, job: JobId) -> bool {
        if place(self.parts.placer, draft, job) {
            let inside = reservation.touches(draft.open());
            let passed = self.settle(draft, job);
            if inside {
                draft.unreserve();
                reservation.guard(draft);
            }
            return passed;
        }
        draft.unreserve();
        let passed = place(self.parts.placer, draft, job) && self.settle(draft, job);
        reservation.guard(draft);
        passed
    }

    /// Starts a job that outlives the shadow time, on what the reservation leaves over.
    fn pass_long(&mut self, draft: &mut Draft<'_>, reservation: &mut Reservation, job: JobId) -> bool {
        let class = draft.state().job(job).spec.class;
        let failed = self.round.failed_in_spare[class.index()] == self.round.number;
        if failed || !place(self.parts.placer, draft, job) {
            return false;
        }
        let slices: engine::Placement = draft.open().into();
        let passed = self.settle(draft, job);
        if passed {
            reservation.spend(&slices);
        }
        passed
    }

    /// Moves a lane on to its next job that may still pass.
    fn advance_in_window(
        &mut self,
        draft: &Draft<'_>,
        at: usize,
        from: (u64, JobId),
        window: Span,
        estimates: Estimates,
    ) {
        let lane = self.ready.lane(self.round.lanes[at].lane);
        let only_short = self.round.failed_in_spare[lane.key.class.index()] == self.round.number;
        let after = lane.jobs.range((std::ops::Bound::Excluded(from), std::ops::Bound::Unbounded));
        let may_pass = |job: &&(u64, JobId)| !only_short || estimates.remaining(draft, job.1) <= window;
        let none_short = Estimates::bucket_min(lane.key.bucket) > window;
        let next = if only_short && none_short { None } else { after.into_iter().find(may_pass).copied() };
        match next {
            Some(job) => self.put_forward(draft, at, job),
            None => drop(self.round.lanes.swap_remove(at)),
        }
        self.rank_tenants(draft);
    }

    fn pass_freely(&mut self, draft: &mut Draft<'_>) {
        while let Some(at) = self.best() {
            let Candidate { lane, job, .. } = self.round.lanes[at];
            if self.start(draft, job) {
                self.advance(draft, at, lane);
            } else {
                self.fail_class(draft, job);
            }
        }
    }
}
