//! Who leaves the round because a job does not fit.

use engine::{Draft, JobId, Reason};

use super::round::Tier;
use super::{Behind, Pipeline};
use crate::easy::Passing;

impl Pipeline {
    /// Takes all lanes of a class that does not fit out of the round.
    pub(super) fn fail_class(&mut self, draft: &mut Draft<'_>, job: (u64, JobId)) {
        self.note_failure(draft, job);
        self.drop_class(draft, job.1);
    }

    /// Remembers that a class does not fit.
    pub(super) fn note_failure(&mut self, draft: &mut Draft<'_>, (rank, job): (u64, JobId)) {
        let class = draft.state().job(job).spec.class;
        let held = self.round.failed[class.index()].held.filter(|_| self.parts.evict.is_some());
        let reason = held.map_or_else(|| draft.shortage(class), |held| held.reason);
        if draft.state().job(job).is_first() && self.parts.evict.is_some() {
            // Who was put first by an operator may evict no more for it: that it failed says nothing of its class.
            draft.refuse(job, reason);
            return;
        }
        let rank = (self.tier(draft, job), rank);
        let failed = &mut self.round.failed[class.index()];
        (failed.at, failed.round, failed.rank) = (draft.state().freed_epoch(), self.round.number, rank);
        draft.refuse_class(class, reason);
    }

    /// Takes out of the round who must fail because `job`, the head of the lane at `at`, did: its class, but where it was
    /// put first by an operator and others of its class may evict more, itself alone.
    pub(super) fn drop_alike(&mut self, draft: &Draft<'_>, at: usize, job: JobId) {
        if self.parts.evict.is_some() && draft.state().job(job).is_first() {
            self.round.lanes.swap_remove(at);
        } else {
            self.drop_class(draft, job);
        }
    }

    pub(super) fn tier(&self, draft: &Draft<'_>, job: JobId) -> Tier {
        Tier { first_place: draft.state().job(job).first_place, queue: self.parts.order.tier(draft, job) }
    }

    pub(super) fn drop_class(&mut self, draft: &Draft<'_>, job: JobId) {
        let class = draft.state().job(job).spec.class;
        let ready = if self.round.passing == Passing::Shortest { &self.shortest } else { &self.ready };
        self.round.lanes.retain(|candidate| ready.lane(candidate.lane).key.class != class);
    }

    /// Takes everybody of the queue, or of the top-level tenant, of a job that does not fit out of the round.
    pub(super) fn drop_part(&mut self, draft: &mut Draft<'_>, head: JobId) {
        let reason = Reason::BehindHead { head };
        let (queue, tenant) = (draft.state().job(head).spec.queue, draft.state().tenant_of(head));
        let (ready, lanes) = (&self.ready, &mut self.round.lanes);
        if self.parts.behind == Behind::Queue {
            draft.refuse_queue(queue, reason);
            lanes.retain(|candidate| ready.lane(candidate.lane).key.queue != queue);
        } else {
            let top = draft.state().tenants().top(tenant);
            draft.refuse_tenant(top, reason);
            let tenants = draft.state().tenants();
            lanes.retain(|candidate| tenants.top(ready.lane(candidate.lane).key.tenant) != top);
        }
    }
}
