//! A placement of the engine as tasks of a launcher.

use engine::{NodeId, Placement, RunId};

use super::{Inbox, Live, LiveWorld};
use crate::launcher::{Gang, Gpu, Launcher, Task};

impl<I: Inbox, L: Launcher> LiveWorld<I, L> {
    /// What the launcher needs to know of a run. `None` for a job that the book does not know, which cannot be.
    pub(super) fn gang(&self, run: RunId, live: &Live) -> Option<Gang> {
        let shared = self.shared.borrow();
        let entry = shared.book.job(run.job)?;
        let name = |node: NodeId| self.inventory.nodes.get(node.index()).map(|node| node.name.clone());
        let uuid = |node: NodeId, gpu: u32| self.uuids.get(node.index())?.get(gpu as usize).cloned();
        Some(Gang {
            run,
            job: entry.file.clone(),
            user: entry.user.clone(),
            tasks: tasks(&live.placement, entry.file.gpus, |node| name(node).unwrap_or_default(), uuid),
            checkpoint: entry.checkpoint.clone().filter(|_| live.from > engine::Span::ZERO),
            saved: live.from,
        })
    }
}

/// Slices follow each other as tasks were placed; a task with more than 64 GPUs has several.
fn tasks(
    placement: &Placement,
    gpus: f64,
    name: impl Fn(NodeId) -> String,
    uuid: impl Fn(NodeId, u32) -> Option<String>,
) -> Vec<Task> {
    let whole = if gpus >= 1.0 { gpus as u32 } else { 0 };
    let mut tasks: Vec<Task> = Vec::new();
    let mut missing = 0;
    for slice in placement {
        if missing == 0 {
            let index = tasks.len() as u32;
            let (cpu_milli, memory_mib) = (slice.cpu_milli, slice.memory_mib);
            tasks.push(Task { index, node: name(slice.node), gpus: Vec::new(), cpu_milli, memory_mib });
            missing = whole;
        }
        if let Some(task) = tasks.last_mut() {
            let gpu = |index| Gpu { index, uuid: uuid(slice.node, index), milli: slice.milli };
            task.gpus.extend(slice.gpu_indices().map(gpu));
        }
        missing = missing.saturating_sub(slice.gpus());
    }
    tasks
}

#[cfg(test)]
mod tests {
    use engine::{Cluster, GpuRequest, Inventory, TaskRequest};

    use super::*;

    #[test]
    fn a_task_with_more_gpus_than_a_bank_is_one_task() {
        let mut cluster = Cluster::new(Inventory::uniform(1, 200, "A"));
        let mut placement = Placement::new();
        cluster.take(NodeId(0), &TaskRequest::whole_gpus(100), &mut placement).unwrap();
        cluster.take(NodeId(0), &TaskRequest::whole_gpus(100), &mut placement).unwrap();
        let tasks = tasks(&placement, 100.0, |node| node.to_string(), |_, _| None);
        assert_eq!(tasks.iter().map(|task| task.gpus.len()).collect::<Vec<_>>(), [100, 100]);
        let mut all: Vec<u32> = tasks.iter().flat_map(|task| &task.gpus).map(|gpu| gpu.index).collect();
        all.sort_unstable();
        assert_eq!(all, (0..200).collect::<Vec<_>>());
    }

    #[test]
    fn tasks_without_gpus_and_with_parts_of_one_have_a_slice_each() {
        let mut cluster = Cluster::new(Inventory::uniform(1, 1, "A"));
        let mut placement = Placement::new();
        let half = TaskRequest { gpus: GpuRequest::Milli(500), ..TaskRequest::whole_gpus(0) };
        for request in [&half, &half] {
            cluster.take(NodeId(0), request, &mut placement).unwrap();
        }
        assert_eq!(tasks(&placement, 0.5, |node| node.to_string(), |_, _| None).len(), 2);
        let mut placement = Placement::new();
        for _ in 0..3 {
            cluster.take(NodeId(0), &TaskRequest::whole_gpus(0), &mut placement).unwrap();
        }
        assert_eq!(tasks(&placement, 0.0, |node| node.to_string(), |_, _| None).len(), 3);
    }
}
