//! Placing a gang that must also fit into quotas.

use engine::{Amounts, Draft, JobId, Slice, TaskGroup};

use super::wide::{Wide, ZERO, any, both, exceeds, wide};
use crate::evict::widest;
use crate::place::{self, Placer, place};

/// Whether counts allow the gang: a cheap look before a search.
pub(crate) fn may_fit(draft: &Draft<'_>, group: &TaskGroup, need_milli: u64) -> bool {
    draft.cluster().free_gpu_milli() >= need_milli
        && draft.cluster().slots(&group.request) >= u64::from(group.tasks_min)
}

/// Whether the gang fits on the nodes now. Nothing changes.
pub(crate) fn fits(placer: Placer, draft: &mut Draft<'_>, job: JobId) -> bool {
    let class = draft.state().class_of(job);
    let (group, need) = (widest(&class.shape.groups), class.gpu_milli_min);
    if !may_fit(draft, &group, need) {
        return false;
    }
    place::fits(placer, draft, job)
}

/// Starts the gang where it fits, with no more than `most` where it could grow beyond its least. Tells what it got.
pub(crate) fn start(placer: Placer, draft: &mut Draft<'_>, job: JobId, most: Wide) -> Option<Amounts> {
    let mark = draft.mark();
    if !place(placer, draft, job) {
        return None;
    }
    let held = Amounts::held(draft.open());
    if is_within(held, most) {
        return draft.start(job).is_ok().then_some(held);
    }
    // It grew beyond what the quota leaves. Slices come least first, so that a part from the front is a gang too.
    let slices: Vec<Slice> = draft.open().to_vec();
    draft.rollback(mark);
    (1..slices.len()).rev().find_map(|count| {
        let held = Amounts::held(&slices[..count]);
        (is_within(held, most) && draft.start_at(job, &slices[..count]).is_ok()).then_some(held)
    })
}

/// Whether what is held is within a limit. What is not held cannot be too much, even where a quota is below its use.
fn is_within(held: Amounts, most: Wide) -> bool {
    let held = wide(held);
    !any(both(exceeds(held, ZERO), exceeds(held, most)))
}
