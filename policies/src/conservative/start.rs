//! Jobs start: on the nodes of their reservation, or beside others on a GPU.

use engine::{Draft, GpuRequest, JobId, Mark, NodeId, Slice, TaskRequest, Time};
use smallvec::SmallVec;

use super::Conservative;
use super::book::Reservation;
use super::profile::{Plan, requests};
use super::timeline::{Room, Stretch, Timeline};

impl Conservative {
    /// Starts the job of an entry whose time has come. It stays in the book where a run of this instant is still in the way.
    pub(super) fn start_reserved(&mut self, draft: &mut Draft<'_>, at: usize) -> bool {
        let Reservation { job, plan, .. } = self.book.entries[at].clone();
        self.charge(draft, at, Timeline::give);
        let started = self.start_on(draft, job, &plan);
        if started {
            // Who starts later than promised also ends later.
            self.late |= plan.start < draft.now();
            if plan.nodes.iter().any(|node| draft.cluster().has_shared(*node)) {
                self.dirty_next.extend(&plan.nodes);
            }
            self.book.remove(at);
        } else {
            self.charge(draft, at, Timeline::take);
        }
        started
    }

    /// Places the least of a gang on the nodes of a plan and starts it. Groups do not grow: that could delay others.
    pub(super) fn start_on(&mut self, draft: &mut Draft<'_>, job: JobId, plan: &Plan) -> bool {
        let mark = draft.mark();
        let until = Stretch::new(draft.now(), self.span(draft, job)).to;
        let shape = draft.state().class_of(job).shape.clone();
        let taken = requests(&shape).zip(&plan.nodes).all(|(request, node)| self.take(draft, *node, request, until));
        self.start_open(draft, job, until, taken, mark)
    }

    /// Starts a job on the open placement if that is its whole gang.
    fn start_open(&mut self, draft: &mut Draft<'_>, job: JobId, until: Time, whole: bool, mark: Mark) -> bool {
        let slices: SmallVec<[Slice; 4]> = draft.open().iter().copied().collect();
        if !whole || draft.start(job).is_err() {
            draft.rollback(mark);
            return false;
        }
        // The change log tells of this start only next time.
        self.holders.enter(&mut self.profile, draft.now(), job, until, &slices);
        true
    }

    /// Takes one task whose room is in the profile: a part of a GPU beside others if it may, else on a GPU of its own.
    fn take(&self, draft: &mut Draft<'_>, node: NodeId, request: &TaskRequest, until: Time) -> bool {
        let GpuRequest::Milli(milli) = request.gpus else { return draft.take(node, request) };
        if self.take_beside(draft, node, request, until) {
            return true;
        }
        let fresh = draft.cluster().lowest_free_gpu(node);
        fresh.is_some_and(|gpu| draft.take_slice(part(node, request, milli, gpu)))
    }

    /// Takes a part of a GPU beside others, the tightest that no reservation wants before this job ends.
    fn take_beside(&self, draft: &mut Draft<'_>, node: NodeId, request: &TaskRequest, until: Time) -> bool {
        let GpuRequest::Milli(milli) = request.gpus else { return false };
        let mut shared = draft.cluster().shared_room(node);
        shared.retain(|slice| slice.milli >= milli && self.may_share(draft.now(), slice, until));
        let tightest = shared.iter().min_by_key(|slice| (slice.milli, slice.bank, slice.mask));
        tightest.is_some_and(|gpu| draft.take_slice(part(node, request, milli, (gpu.bank, gpu.mask))))
    }

    fn may_share(&self, now: Time, slice: &Slice, until: Time) -> bool {
        slice.gpu_indices().all(|gpu| {
            let from = self.holders.shared_until(slice.node, gpu).unwrap_or(now);
            from >= until || self.profile.least(slice.node, Stretch { from, to: until }).gpus >= 1
        })
    }

    /// Starts a job of one task beside others on a GPU, where that delays no reservation.
    pub(super) fn start_beside(&mut self, draft: &mut Draft<'_>, job: JobId) -> bool {
        let Some(request) = draft.state().class_of(job).shape.single().copied() else { return false };
        if !matches!(request.gpus, GpuRequest::Milli(_)) {
            return false;
        }
        let until = Stretch::new(draft.now(), self.span(draft, job)).to;
        let beside = Room { gpus: 0, ..Room::of(&request) };
        let stretch = Stretch { from: draft.now(), to: until };
        let nodes: Vec<NodeId> = draft.cluster().by_shared_room(request, None).collect();
        for node in nodes {
            let mark = draft.mark();
            if self.profile.least(node, stretch).holds(beside) && self.take_beside(draft, node, &request, until) {
                return self.start_open(draft, job, until, true, mark);
            }
        }
        false
    }

    /// The same for a job with a reservation, which it gives up.
    pub(super) fn share_reserved(&mut self, draft: &mut Draft<'_>, at: usize) -> bool {
        let shape = &draft.state().class_of(self.book.entries[at].job).shape;
        if !shape.single().is_some_and(|request| matches!(request.gpus, GpuRequest::Milli(_))) {
            return false;
        }
        self.charge(draft, at, Timeline::give);
        let started = self.start_beside(draft, self.book.entries[at].job);
        if started {
            let gone = self.book.remove(at);
            self.dirty_next.extend(gone.plan.nodes);
        } else {
            self.charge(draft, at, Timeline::take);
        }
        started
    }
}

/// A part of one GPU, with the CPU and memory of the task.
fn part(node: NodeId, request: &TaskRequest, milli: u16, (bank, mask): (u16, u64)) -> Slice {
    Slice { node, bank, milli, mask, cpu_milli: request.cpu_milli, memory_mib: request.memory_mib }
}
