//! EASY: who passes the job at the head.

use engine::{Draft, JobId, Reason, Span};

use super::{Behind, Candidate, Pipeline};
use crate::easy::{Estimates, Passing, Reservation};
use crate::order::Score;
use crate::place::place;
use crate::ready::{Filing, LaneKey, Ready};

/// The shortest first; equals in order of submission.
struct ByLength(Estimates);

impl Filing for ByLength {
    const PLAIN_RANKS: bool = true;

    fn rank(&self, draft: &Draft<'_>, job: JobId) -> u64 {
        self.0.remaining(draft, job).0
    }

    fn lane(&self, draft: &Draft<'_>, job: JobId) -> LaneKey {
        let bucket = Estimates::bucket(self.0.remaining(draft, job));
        LaneKey { class: draft.state().job(job).spec.class, bucket, ..LaneKey::default() }
    }
}

impl Pipeline {
    /// Catches up with who ends when and, where it matters, who waits, the shortest first.
    pub(super) fn sync_backfill(&mut self, draft: &Draft<'_>) {
        let Behind::Easy(estimates, passing) = self.parts.behind else { return };
        self.ends.sync(draft, &estimates);
        if passing == Passing::Shortest {
            self.shortest.sync(draft, &ByLength(estimates));
            self.shortest.take_touched(&mut self.round.touched);
        }
    }

    /// A job was started: it no longer waits, and its end can make room for the head.
    pub(super) fn note_start(&mut self, draft: &Draft<'_>, job: JobId) {
        let Behind::Easy(estimates, passing) = self.parts.behind else { return };
        self.ends.enter(job, estimates.standing_from_now(draft, job));
        if passing == Passing::Shortest {
            self.shortest.remove(job);
        }
    }

    /// The lanes that the candidates of this round stand for.
    pub(super) fn waiting(&self) -> &Ready {
        if self.round.passing == Passing::Shortest { &self.shortest } else { &self.ready }
    }

    /// Rank of a candidate at this instant.
    pub(super) fn score(&self, draft: &Draft<'_>, (rank, job): (u64, JobId)) -> Score {
        match self.round.passing {
            Passing::Queue => self.parts.order.score(draft, job, rank),
            Passing::Shortest => Score::whole(rank),
        }
    }

    /// The candidates behind the head in the order in which they may pass.
    fn line_up(&mut self, draft: &Draft<'_>, head: JobId) {
        let Behind::Easy(_, Passing::Shortest) = self.parts.behind else { return };
        self.round.passing = Passing::Shortest;
        let class = draft.state().job(head).spec.class;
        self.round.lanes.clear();
        for &lane in self.shortest.active() {
            let entry = self.shortest.lane(lane);
            if entry.key.class != class
                && let Some(job) = entry.head()
            {
                let score = Score::whole(job.0);
                self.round.lanes.push(Candidate { lane, tier: entry.key.into(), tenant: [0; 2], score, job });
            }
        }
    }

    pub(super) fn backfill(&mut self, draft: &mut Draft<'_>, head: JobId, estimates: Estimates) {
        let Some(mut reservation) = self.reservation(draft, head) else {
            // Only a node that comes back can help the head: nobody can delay it.
            self.line_up(draft, head);
            return self.pass_freely(draft);
        };
        self.line_up(draft, head);
        let start = reservation.start(draft.now());
        draft.refuse(head, Reason::Reserved { start });
        draft.refuse_rest(Reason::WouldDelayHead { head, start });
        let window = start.since(draft.now());
        reservation.guard(draft);
        while let Some(at) = self.best() {
            let Candidate { lane, job, .. } = self.round.lanes[at];
            let class = self.waiting().lane(lane).key.class;
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
        let version = (self.ends.version(), draft.state().freed_epoch());
        if let Some((made_from, reservation)) = &self.round.reservation
            && *made_from == version
            && reservation.head == head
            && !self.round.started
        {
            return Some(reservation.clone());
        }
        let reservation = self.shadow.reserve(self.parts.placer, draft, &self.ends, head)?;
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
        let lane = self.waiting().lane(self.round.lanes[at].lane);
        let only_short = self.round.failed_in_spare[lane.key.class.index()] == self.round.number;
        let mut after = lane.jobs.range((std::ops::Bound::Excluded(from), std::ops::Bound::Unbounded));
        let may_pass = |job: &&(u64, JobId)| !only_short || estimates.remaining(draft, job.1) <= window;
        let none_short = Estimates::bucket_min(lane.key.bucket) > window;
        let next = match self.round.passing {
            _ if only_short && none_short => None,
            Passing::Queue => after.find(may_pass),
            // All behind one that is not short are not.
            Passing::Shortest => after.next().filter(may_pass),
        };
        let next = next.copied();
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
