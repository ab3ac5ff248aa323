//! Whether a placement is the gang that was asked for.

use crate::cluster::Cluster;
use crate::placement::Slice;
use crate::shape::{ModelSet, Shape, TaskRequest};
use crate::topology::Level;

/// Whether `slices` can be the gang: as many tasks of each group as it allows, each on one node of an allowed model, all
/// in one domain where the gang requires that.
///
/// Slices come in the order in which tasks are taken: the least of each group, then what groups have beyond it, in the
/// order of the shape. A task on a node with more than 64 GPUs has several slices.
pub(super) fn is_gang(cluster: &Cluster, shape: &Shape, slices: &[Slice]) -> bool {
    if let (Some(request), [slice]) = (shape.single(), slices) {
        return is_task(cluster, request, std::slice::from_ref(slice));
    }
    if shape.required.is_some_and(|level| !in_one_domain(cluster, level, slices)) {
        return false;
    }
    let mut rest = slices;
    for group in &shape.groups {
        if leading_tasks(cluster, &group.request, &mut rest, group.tasks_min) < group.tasks_min {
            return false;
        }
    }
    for group in &shape.groups {
        leading_tasks(cluster, &group.request, &mut rest, group.tasks_max - group.tasks_min);
    }
    rest.is_empty()
}

/// Takes up to `most` tasks off the front of `slices`.
fn leading_tasks(cluster: &Cluster, request: &TaskRequest, slices: &mut &[Slice], most: u32) -> u32 {
    let mut tasks = 0;
    while tasks < most {
        let Some(taken) = leading_task(cluster, request, slices) else { break };
        *slices = &slices[taken..];
        tasks += 1;
    }
    tasks
}

/// Number of leading slices that make up one task.
fn leading_task(cluster: &Cluster, request: &TaskRequest, slices: &[Slice]) -> Option<usize> {
    (1..=slices.len()).find(|count| is_task(cluster, request, &slices[..*count]))
}

fn in_one_domain(cluster: &Cluster, level: Level, slices: &[Slice]) -> bool {
    let domain = |slice: &Slice| cluster.spec(slice.node).domains.at(level);
    slices.first().and_then(domain).is_some_and(|first| slices.iter().all(|slice| domain(slice) == Some(first)))
}

fn is_task(cluster: &Cluster, request: &TaskRequest, slices: &[Slice]) -> bool {
    let allowed = |slice: &Slice| slice.mask == 0 || request.models.contains(cluster.spec(slice.node).model);
    let one_node = slices.iter().all(|slice| slice.node == slices[0].node);
    let milli: u64 = slices.iter().map(Slice::gpu_milli).sum();
    let cpu: u32 = slices.iter().map(|slice| slice.cpu_milli).sum();
    let memory: u32 = slices.iter().map(|slice| slice.memory_mib).sum();
    let gpus: u32 = slices.iter().map(Slice::gpus).sum();
    one_node
        && milli == request.gpus.milli()
        && gpus == request.gpus.count()
        && cpu == request.cpu_milli
        && memory == request.memory_mib
        && (request.models == ModelSet::ANY || slices.iter().all(allowed))
}
