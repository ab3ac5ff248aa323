//! The fewest nodes, then the tightest level of the topology, then its tightest domain.

use engine::{Cluster, Draft, GpuRequest, JobId, Level, NodeId, Scan, Shape, TaskGroup, TaskRequest, Within};

use super::{Placer, domains, grow, place_within};

/// Nodes for a gang, and how many tasks each takes.
type Plan = Vec<(NodeId, u32)>;
/// How many nodes a gang spans, and in which domain, if it is kept inside one.
type Spanned = (usize, Option<Within>);

/// Takes the gang into the open placement. A preferred level is kept where there is any way, a required one always.
pub(super) fn consolidate(draft: &mut Draft<'_>, job: JobId, shape: &Shape) -> bool {
    let bounds = match (shape.preferred, shape.required) {
        (Some(preferred), Some(required)) if preferred > required => vec![Some(required)],
        (Some(preferred), required) => vec![Some(preferred), required],
        (None, required) => vec![required],
    };
    bounds.into_iter().any(|bound| inside(draft, job, shape, bound))
}

/// The same inside one domain of `bound`, or of a tighter level; anywhere where there is no bound.
fn inside(draft: &mut Draft<'_>, job: JobId, shape: &Shape, bound: Option<Level>) -> bool {
    let Some((_, within)) = tightest(draft, job, shape, bound) else { return false };
    let equal = equal_tasks(shape);
    let Some(group) = equal else { return place_within(Placer::Pack, draft, job, shape, within) };
    let Some(plan) = fewest(draft.cluster(), &group.request, group.tasks_min, within) else { return false };
    let mark = draft.mark();
    for (node, tasks) in plan {
        for _ in 0..tasks {
            if !draft.take(node, &group.request) {
                draft.rollback(mark);
                return false;
            }
        }
    }
    grow(Placer::Pack, draft, job, shape, within);
    true
}

/// The one group of a gang of tasks of whole GPUs, which can be counted without placing it.
fn equal_tasks(shape: &Shape) -> Option<TaskGroup> {
    match shape.groups.as_slice() {
        [group] if matches!(group.request.gpus, GpuRequest::Whole(1..)) => Some(*group),
        _ => None,
    }
}

/// The domain in which the gang spans the fewest nodes, of the tightest level, and the fullest of those; no domain where
/// none is as good as the whole cluster.
fn tightest(draft: &mut Draft<'_>, job: JobId, shape: &Shape, bound: Option<Level>) -> Option<Spanned> {
    let anywhere = spanned(draft, job, shape, None)?;
    if anywhere == 1 && bound.is_none() {
        return Some((1, None));
    }
    let mut best = bound.is_none().then_some((anywhere, None));
    for level in Level::ALL.into_iter().filter(|level| bound.is_none_or(|bound| *level <= bound)) {
        for within in domains(draft, level, shape, bound).into_iter().map(Some) {
            let Some(nodes) = spanned(draft, job, shape, within) else { continue };
            if best.is_none_or(|(fewest, place)| nodes < fewest || nodes == fewest && place.is_none()) {
                best = Some((nodes, within));
            }
            if nodes <= anywhere {
                return best;
            }
        }
    }
    best
}

/// Nodes that the smallest gang spans; `None` when it does not fit.
fn spanned(draft: &mut Draft<'_>, job: JobId, shape: &Shape, within: Option<Within>) -> Option<usize> {
    if let Some(group) = equal_tasks(shape) {
        return fewest(draft.cluster(), &group.request, group.tasks_min, within).map(|plan| plan.len());
    }
    let mark = draft.mark();
    let nodes =
        place_within(Placer::Pack, draft, job, shape, within).then(|| engine::placement::nodes_spanned(draft.open()));
    draft.rollback(mark);
    nodes
}

/// The fewest nodes that hold `tasks` equal tasks: those that hold most, and as the last the fullest that holds the rest.
///
/// Nodes come by falling free GPUs, so that the search ends as soon as no later node can hold more than those chosen.
fn fewest(cluster: &Cluster, request: &TaskRequest, tasks: u32, within: Option<Within>) -> Option<Plan> {
    // The nodes chosen so far, the roomiest first, and their tasks.
    let (mut chosen, mut sum) = (Plan::new(), 0);
    for node in cluster.by_free(*request, Scan::MostFree, within) {
        let most = cluster.free_gpus(node) / request.gpus.count();
        let least = chosen.last().map_or(0, |(_, room)| *room);
        if sum >= tasks && most <= least {
            break;
        }
        let room = room(cluster, node, request);
        let at = chosen.partition_point(|(_, other)| *other >= room);
        chosen.insert(at, (node, room));
        sum += room;
        while let Some((_, last)) = chosen.last().copied().filter(|(_, last)| sum - last >= tasks) {
            chosen.pop();
            sum -= last;
        }
    }
    if sum < tasks {
        return None;
    }
    let (last, room) = chosen.pop()?;
    let rest = tasks - (sum - room);
    let all = TaskRequest {
        gpus: GpuRequest::Whole(request.gpus.count().saturating_mul(rest)),
        cpu_milli: request.cpu_milli.saturating_mul(rest),
        memory_mib: request.memory_mib.saturating_mul(rest),
        models: request.models,
    };
    let mut holding = cluster.by_free(all, Scan::FewestFree, within);
    let tightest = holding.find(|node| chosen.iter().all(|(used, _)| used != node));
    chosen.push((tightest.unwrap_or(last), rest));
    Some(chosen)
}

/// How many tasks `node` holds.
fn room(cluster: &Cluster, node: NodeId, request: &TaskRequest) -> u32 {
    let gpus = cluster.free_gpus(node) / request.gpus.count();
    let cpu = cluster.free_cpu_milli(node).checked_div(request.cpu_milli).unwrap_or(u32::MAX);
    let memory = cluster.free_memory_mib(node).checked_div(request.memory_mib).unwrap_or(u32::MAX);
    gpus.min(cpu).min(memory)
}
