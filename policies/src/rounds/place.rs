//! Placers of peers that decide in rounds, beside the usual ones.

use engine::{Draft, GpuRequest, JobId, ModelId, ModelSet, NodeId, Scan, Shape, TaskRequest, UNLIMITED};

use crate::place::{Placer, mix, place};

/// Where a gang goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoundPlacer {
    /// As everywhere.
    Plain(Placer),
    /// Nodes in order of their ids, from each as much as the gang could use, and only if that comes out at exactly the
    /// gang (`_scattered_placement` of Blox, `EuroSys` 2024). For gangs of tasks of one GPU; others go by best fit, and so
    /// do gangs that would not come out even on the empty cluster.
    ExactSum,
}

impl RoundPlacer {
    /// Takes the gang of `job` into the open placement. `false`, and nothing changed, when there is no room.
    pub(super) fn place(self, draft: &mut Draft<'_>, job: JobId) -> bool {
        match self {
            Self::Plain(placer) => place(placer, draft, job),
            Self::ExactSum => match single_gpus(draft, job) {
                Some((need, request)) if comes_out_empty(draft, need, &request) => exact_sum(draft, need, &request),
                _ => place(Placer::BestFit, draft, job),
            },
        }
    }
}

/// Number and request of the tasks of a gang that may be split up into single GPUs.
fn single_gpus(draft: &Draft<'_>, job: JobId) -> Option<(u32, TaskRequest)> {
    let shape = &draft.state().class_of(job).shape;
    let [group] = shape.groups.as_slice() else { return None };
    let splits = group.request.gpus == GpuRequest::Whole(1) && group.tasks_min == group.tasks_max;
    (splits && shape.required.is_none() && shape.preferred.is_none()).then_some((group.tasks_min, group.request))
}

/// Whether the rule could place the gang if nothing ran and every node were up.
fn comes_out_empty(draft: &Draft<'_>, need: u32, request: &TaskRequest) -> bool {
    let mut sum = 0;
    for node in &draft.cluster().inventory().nodes {
        if !request.models.contains(node.model) {
            continue;
        }
        let share = |has: u32, each: u32| if has == UNLIMITED || each == 0 { need } else { has / each };
        let beside = share(node.cpu_milli, request.cpu_milli).min(share(node.memory_mib, request.memory_mib));
        sum += node.gpus.min(need).min(beside);
        if sum >= need {
            return sum == need;
        }
    }
    false
}

fn exact_sum(draft: &mut Draft<'_>, need: u32, request: &TaskRequest) -> bool {
    let mark = draft.mark();
    let (mut sum, mut from) = (0, 0);
    while sum < need {
        let Some(node) = draft.cluster().next_fit(request, from, None) else { break };
        sum += (0..need).take_while(|_| draft.take(node, request)).count() as u32;
        from = node.index() + 1;
    }
    if sum != need {
        draft.rollback(mark);
    }
    sum == need
}

/// Takes the gang into the open placement on nodes of one GPU model, drawn by lot among those that have room for all of it
/// now; the draw is a hash of `seed` and the job. A gang that no single model could ever hold goes by best fit.
pub(super) fn place_on_random_model(draft: &mut Draft<'_>, job: JobId, seed: u64) -> bool {
    let inventory = draft.cluster().inventory();
    let shape = &draft.state().class_of(job).shape;
    let could_hold = |model: &ModelId| inventory.holds(&on_model(shape, *model)).is_ok();
    let mut left: Vec<ModelId> = (0..inventory.models.len()).map(ModelId::new).filter(could_hold).collect();
    if left.is_empty() || shape.required.is_some() {
        return place(Placer::BestFit, draft, job);
    }
    let mut draw = mix(seed ^ mix(u64::from(job.0)));
    while !left.is_empty() {
        let model = left.swap_remove((draw % left.len() as u64) as usize);
        if place_on_model(draft, job, model) {
            return true;
        }
        draw = mix(draw);
    }
    false
}

/// The gang with its GPUs held to one model.
fn on_model(shape: &Shape, model: ModelId) -> Shape {
    let mut shape = shape.clone();
    for group in &mut shape.groups {
        let allowed = group.request.models.contains(model);
        group.request.models = if allowed { ModelSet::NONE.with(model) } else { ModelSet::NONE };
    }
    shape
}

/// Best fit on nodes of one model, the least gang.
fn place_on_model(draft: &mut Draft<'_>, job: JobId, model: ModelId) -> bool {
    let shape = on_model(&draft.state().class_of(job).shape, model);
    let mark = draft.mark();
    for group in &shape.groups {
        for _ in 0..group.tasks_min {
            let node: Option<NodeId> = draft.cluster().by_free(group.request, Scan::FewestFree, None).next();
            if !node.is_some_and(|node| draft.take(node, &group.request)) {
                draft.rollback(mark);
                return false;
            }
        }
    }
    true
}

/// Keeps the room of the open placement away from later placements of this draft.
pub(super) fn keep_open(draft: &mut Draft<'_>, mark: engine::Mark) {
    let slices = draft.open().to_vec();
    draft.rollback(mark);
    for slice in slices {
        let whole = slice.is_whole() || slice.mask == 0;
        let gpus = if whole { GpuRequest::Whole(slice.gpus()) } else { GpuRequest::Milli(slice.milli) };
        let (cpu_milli, memory_mib) = (slice.cpu_milli, slice.memory_mib);
        let _kept = draft.reserve(slice.node, &TaskRequest { gpus, cpu_milli, memory_mib, models: ModelSet::ANY });
    }
}
