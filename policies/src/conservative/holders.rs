//! Who holds what until when: running jobs in the profile, as a cache that follows the change log of the engine.

use std::collections::{BTreeMap, BTreeSet};

use engine::{Draft, JobId, NodeId, Slice, Span, Time};
use smallvec::SmallVec;

use super::profile::Profile;
use super::timeline::{Room, Stretch, Timeline};
use crate::easy::Estimates;

/// A placed job, as it stands in the profile.
#[derive(Clone, Debug)]
struct Holder {
    until: Time,
    slices: SmallVec<[Slice; 1]>,
}

/// All placed jobs. A GPU that is held in part counts as held until the last of its sharers ends.
#[derive(Debug, Default)]
pub(super) struct Holders {
    by_job: BTreeMap<JobId, Holder>,
    by_end: BTreeSet<(Time, JobId)>,
    shared: BTreeMap<(NodeId, u32), BTreeSet<(Time, JobId)>>,
}

/// When a placed job is expected to end. One that has outlived its estimate is expected to end within the next
/// `resolution`.
pub(super) fn expected_end(draft: &Draft<'_>, estimates: Estimates, resolution: Span, id: JobId) -> Time {
    let job = draft.state().job(id);
    let from = job.running_since.known().unwrap_or(job.placed);
    let total = estimates.total(draft, id);
    if total == Span::MAX {
        return Time::NEVER;
    }
    let end = from + job.rate.time_for(total - job.work_at_start);
    // A run of this very instant has had no time to end.
    if end > draft.now() || job.placed == draft.now() {
        return end;
    }
    let late = draft.now().since(end).0 / resolution.0 + 1;
    Time(end.0.saturating_add(late.saturating_mul(resolution.0)))
}

impl Holders {
    /// Enters a job that holds `slices` until `until`, or moves its end.
    pub(super) fn enter(&mut self, profile: &mut Profile, now: Time, job: JobId, until: Time, slices: &[Slice]) {
        self.leave(profile, now, job);
        for slice in slices {
            self.take(profile, now, job, until, slice);
        }
        self.by_end.insert((until, job));
        self.by_job.insert(job, Holder { until, slices: slices.iter().copied().collect() });
    }

    /// Until when a job stands there.
    pub(super) fn until(&self, job: JobId) -> Option<Time> {
        self.by_job.get(&job).map(|holder| holder.until)
    }

    /// Takes a job out.
    pub(super) fn leave(&mut self, profile: &mut Profile, now: Time, job: JobId) {
        let Some(Holder { until, slices }) = self.by_job.remove(&job) else { return };
        self.by_end.remove(&(until, job));
        for slice in &slices {
            self.give(profile, now, job, until, slice);
        }
    }

    /// Jobs whose expected end is not after `now`.
    pub(super) fn due(&self, now: Time) -> Vec<JobId> {
        self.by_end.iter().take_while(|(until, _)| *until <= now).map(|(_, job)| *job).collect()
    }

    /// The slices of a job.
    pub(super) fn slices(&self, job: JobId) -> &[Slice] {
        self.by_job.get(&job).map_or(&[], |holder| &holder.slices)
    }

    /// Until when a GPU that is held in part is held.
    pub(super) fn shared_until(&self, node: NodeId, gpu: u32) -> Option<Time> {
        self.shared.get(&(node, gpu)).and_then(BTreeSet::last).map(|(until, _)| *until)
    }

    fn take(&mut self, profile: &mut Profile, now: Time, job: JobId, until: Time, slice: &Slice) {
        let line = profile.node(slice.node);
        line.take(now, Stretch { from: now, to: until }, beside(slice));
        for gpu in parts(slice) {
            let held = self.shared_until(slice.node, gpu).unwrap_or(now);
            profile.node(slice.node).take(now, Stretch { from: held, to: until }, ONE_GPU);
            self.shared.entry((slice.node, gpu)).or_default().insert((until, job));
        }
    }

    fn give(&mut self, profile: &mut Profile, now: Time, job: JobId, until: Time, slice: &Slice) {
        let line: &mut Timeline = profile.node(slice.node);
        line.give(now, Stretch { from: now, to: until }, beside(slice));
        for gpu in parts(slice) {
            let sharers = self.shared.entry((slice.node, gpu)).or_default();
            sharers.remove(&(until, job));
            let held = sharers.last().map_or(now, |(until, _)| *until);
            if sharers.is_empty() {
                self.shared.remove(&(slice.node, gpu));
            }
            profile.node(slice.node).give(now, Stretch { from: held, to: until }, ONE_GPU);
        }
    }
}

const ONE_GPU: Room = Room { gpus: 1, cpu_milli: 0, memory_mib: 0 };

/// What a slice holds but for parts of GPUs.
fn beside(slice: &Slice) -> Room {
    Room {
        gpus: if slice.is_whole() { i64::from(slice.gpus()) } else { 0 },
        cpu_milli: i64::from(slice.cpu_milli),
        memory_mib: i64::from(slice.memory_mib),
    }
}

/// GPUs that a slice holds in part.
fn parts(slice: &Slice) -> impl Iterator<Item = u32> {
    let whole = slice.is_whole();
    slice.gpu_indices().filter(move |_| !whole)
}
