//! EASY backfill: the first job that does not fit gets a reservation, others may pass if they do not touch it.
//!
//! Shadow time and extra resources are those of Lifka (1995) and Mu'alem and Feitelson (2001), with one difference that
//! gangs need: the reservation is a placement on nodes, not a count. A job may pass when it fits now and either ends by
//! the shadow time or uses only what the reservation leaves over on its nodes.

use engine::{ClassId, Draft, GpuRequest, JobId, ModelSet, NodeId, Slice, Span, TaskRequest, Time};

use crate::evict::widest;
use crate::place::{Placer, place};
use crate::potential::Potential;
use crate::running::{Running, Sorting, Standing};

/// Where run times come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Estimates {
    /// The users' estimates, else their time limits; a job without either is taken to run for ever.
    Users,
    /// The true durations.
    True,
}

impl Estimates {
    /// The run time of a job from its start to its end as far as this source knows; [`Span::MAX`] when it does not.
    pub(crate) fn total(self, draft: &Draft<'_>, job: JobId) -> Span {
        let spec = &draft.state().job(job).spec;
        let known = match self {
            Self::Users => spec.estimate.or(spec.time_limit),
            Self::True => draft.oracle().and_then(|oracle| oracle.work(job)),
        };
        known.unwrap_or(Span::MAX)
    }

    /// Run time that a waiting job still needs.
    pub(crate) fn remaining(self, draft: &Draft<'_>, job: JobId) -> Span {
        match self.total(draft, job) {
            Span::MAX => Span::MAX,
            total => total - draft.state().job(job).work_saved,
        }
    }

    /// Where a waiting job stands among the placed ones if it starts now.
    pub(crate) fn standing_from_now(self, draft: &Draft<'_>, job: JobId) -> Standing {
        let end = match self.remaining(draft, job) {
            Span::MAX => u64::MAX,
            span => (draft.now() + span).0,
        };
        (0, i64::try_from(end).unwrap_or(i64::MAX))
    }

    /// The bucket of a run time: its power of two in microseconds.
    pub(crate) fn bucket(span: Span) -> u8 {
        (u64::BITS - span.0.leading_zeros()) as u8
    }

    /// The shortest run time in a bucket.
    pub(crate) fn bucket_min(bucket: u8) -> Span {
        if bucket == 0 { Span::ZERO } else { Span(1 << (bucket - 1)) }
    }
}

/// Who passes first of those who may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Passing {
    /// In the order of the queue.
    #[default]
    Queue,
    /// The shortest run time first (EASY-SJBF: Tsafrir, Etsion and Feitelson, TPDS 2007, section 5).
    Shortest,
}

impl Sorting for Estimates {
    /// By expected end. Jobs with an unknown end come last.
    fn standing(&self, draft: &Draft<'_>, id: JobId) -> Option<Standing> {
        let job = draft.state().job(id);
        let started = job.running_since.known().unwrap_or(job.placed);
        let end = match self.total(draft, id) {
            Span::MAX => u64::MAX,
            total => (started + job.rate.time_for(total - job.work_at_start)).0,
        };
        Some((0, i64::try_from(end).unwrap_or(i64::MAX)))
    }
}

/// What is left over on one node of the reservation when it starts.
#[derive(Clone, Copy, Debug)]
struct Spare {
    node: NodeId,
    gpus: u32,
    cpu_milli: u32,
    memory_mib: u32,
}

/// The reservation of the job at the head.
#[derive(Clone, Debug)]
pub(crate) struct Reservation {
    /// The head.
    pub(crate) head: JobId,
    /// The expected end that makes room for it; in the past when a job outlives its estimate.
    expected: Time,
    spare: Vec<Spare>,
}

impl Reservation {
    /// When the head starts at the latest: the shadow time.
    pub(crate) fn start(&self, now: Time) -> Time {
        self.expected.max(now)
    }

    /// Keeps away from later placements what a job that outlives the shadow time must not use.
    pub(crate) fn guard(&self, draft: &mut Draft<'_>) {
        for spare in &self.spare {
            let cluster = draft.cluster();
            let keep = TaskRequest {
                gpus: GpuRequest::Whole(cluster.free_gpus(spare.node).saturating_sub(spare.gpus)),
                cpu_milli: cluster.free_cpu_milli(spare.node).saturating_sub(spare.cpu_milli),
                memory_mib: cluster.free_memory_mib(spare.node).saturating_sub(spare.memory_mib),
                models: ModelSet::ANY,
            };
            draft.reserve(spare.node, &keep);
            draft.reserve_shared(spare.node);
        }
    }

    /// A job that outlives the shadow time was placed: what it uses is no longer left over.
    pub(crate) fn spend(&mut self, slices: &[Slice]) {
        for slice in slices {
            for spare in self.spare.iter_mut().filter(|spare| spare.node == slice.node) {
                // Shared GPUs of these nodes are guarded: a part of a GPU is a part of one that was free.
                spare.gpus = spare.gpus.saturating_sub(slice.gpus());
                spare.cpu_milli = less(spare.cpu_milli, slice.cpu_milli);
                spare.memory_mib = less(spare.memory_mib, slice.memory_mib);
            }
        }
    }

    /// Whether any of `slices` is on a node of the reservation.
    pub(crate) fn touches(&self, slices: &[Slice]) -> bool {
        slices.iter().any(|slice| self.spare.iter().any(|spare| spare.node == slice.node))
    }
}

fn less(value: u32, minus: u32) -> u32 {
    if value == engine::UNLIMITED { value } else { value.saturating_sub(minus) }
}

/// Finds reservations; keeps memory between rounds.
#[derive(Debug, Default)]
pub(crate) struct Shadow {
    potential: Potential,
}

impl Shadow {
    /// The earliest time at which `head` fits if running jobs end as expected, and the room it leaves over then.
    /// `None` when it would not fit even on an empty cluster as it stands now (nodes are down).
    pub(crate) fn reserve(
        &mut self,
        placer: Placer,
        draft: &mut Draft<'_>,
        ends: &Running,
        head: JobId,
    ) -> Option<Reservation> {
        let mark = draft.mark();
        let found = self.search(placer, draft, ends, head);
        draft.rollback(mark);
        found
    }

    fn search(&mut self, placer: Placer, draft: &mut Draft<'_>, ends: &Running, head: JobId) -> Option<Reservation> {
        let class = draft.state().job(head).spec.class;
        let counted = self.count_until_possible(draft, ends, class)?;
        self.vacate_useful(draft, ends, counted, class);
        let mut placed = place(placer, draft, head);
        let mut expected = ends.groups().next()?.1;
        if placed {
            // Jobs that end at the same instant add to what is left over.
            let last = expected.nth(counted - 1)?;
            let start = Time(last.0.unsigned_abs());
            let same = expected.take_while(|(end, _)| *end == last.0);
            let nodes: Vec<Slice> = draft.open().to_vec();
            same.for_each(|(_, job)| vacate_on(draft, job, &nodes));
            return Some(Self::settle(draft, head, start));
        }
        // Something stands in the way that was not counted: take the rest one by one.
        for (at, (end, job)) in expected.enumerate() {
            draft.vacate(job);
            if at >= counted {
                placed = place(placer, draft, head);
            }
            if placed {
                return Some(Self::settle(draft, head, Time(end.unsigned_abs())));
            }
        }
        None
    }

    /// How many of the first ends it takes until the gang could fit by count of GPUs on nodes.
    fn count_until_possible(&mut self, draft: &Draft<'_>, ends: &Running, class: ClassId) -> Option<usize> {
        self.potential.clear(draft.cluster().len());
        let class = draft.state().class(class);
        let group = widest(&class.shape.groups);
        let mut free = draft.cluster().free_gpu_milli();
        let mut slots = draft.cluster().slots(&group.request);
        for (at, (_, job)) in ends.groups().next()?.1.enumerate() {
            free += engine::placement::gpu_milli(draft.placement(job));
            slots = slots.saturating_add(self.potential.release(draft, job, &group));
            if free >= class.gpu_milli_min && slots >= u64::from(group.tasks_min) {
                return Some(at + 1);
            }
        }
        None
    }

    /// Vacates those of the first `counted` ends that are on a node which could then hold a task.
    fn vacate_useful(&self, draft: &mut Draft<'_>, ends: &Running, counted: usize, class: ClassId) {
        let shape = &draft.state().class(class).shape;
        let size = if shape.groups.len() > 1 { 0 } else { widest(&shape.groups).request.gpus.count() };
        let Some((_, expected)) = ends.groups().next() else { return };
        for (_, job) in expected.take(counted) {
            let useful = draft.placement(job).iter().any(|slice| self.potential.of(draft, slice.node) >= size);
            if useful {
                draft.vacate(job);
            }
        }
    }

    /// The reservation, from a draft in which the head is placed in the open placement.
    fn settle(draft: &Draft<'_>, head: JobId, expected: Time) -> Reservation {
        let mut nodes: Vec<NodeId> = draft.open().iter().map(|slice| slice.node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let cluster = draft.cluster();
        let spare = |node: NodeId| Spare {
            node,
            gpus: cluster.free_gpus(node),
            cpu_milli: cluster.free_cpu_milli(node),
            memory_mib: cluster.free_memory_mib(node),
        };
        Reservation { head, expected, spare: nodes.into_iter().map(spare).collect() }
    }
}

fn vacate_on(draft: &mut Draft<'_>, job: JobId, nodes: &[Slice]) {
    if draft.placement(job).iter().any(|slice| nodes.iter().any(|node| node.node == slice.node)) {
        draft.vacate(job);
    }
}
