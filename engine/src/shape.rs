//! What a gang asks for. Equal shapes are interned as one class, and work is done per class.

use serde::{Deserialize, Serialize};
use smallvec::{SmallVec, smallvec};

use crate::ids::ModelId;
use crate::terms::Amounts;
use crate::topology::Level;

/// Thousandths of a GPU in one GPU.
pub const MILLI: u32 = 1000;

/// GPUs that one task asks for on one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum GpuRequest {
    /// So many whole GPUs; zero for a task that needs none.
    Whole(u32),
    /// A part of one GPU in thousandths, 1..=999.
    Milli(u16),
}

impl GpuRequest {
    /// Demand in thousandths of a GPU.
    pub fn milli(self) -> u64 {
        match self {
            Self::Whole(gpus) => u64::from(gpus) * u64::from(MILLI),
            Self::Milli(milli) => u64::from(milli),
        }
    }

    /// GPUs that are touched.
    pub fn count(self) -> u32 {
        match self {
            Self::Whole(gpus) => gpus,
            Self::Milli(_) => 1,
        }
    }
}

/// A set of GPU models; at most 64 models in a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ModelSet(pub u64);

impl ModelSet {
    /// Every model.
    pub const ANY: Self = Self(u64::MAX);
    /// No model: nothing fits.
    pub const NONE: Self = Self(0);

    /// Whether `model` is allowed.
    pub fn contains(self, model: ModelId) -> bool {
        self.0 >> model.0 & 1 == 1
    }

    /// What is in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// With `model` added.
    #[must_use]
    pub fn with(self, model: ModelId) -> Self {
        Self(self.0 | 1 << model.0)
    }
}

/// What one task needs, on one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskRequest {
    /// GPUs.
    pub gpus: GpuRequest,
    /// Thousandths of a CPU core.
    pub cpu_milli: u32,
    /// Main memory in MiB.
    pub memory_mib: u32,
    /// GPU models that will do. Ignored when no GPU is asked for.
    pub models: ModelSet,
}

impl TaskRequest {
    /// `gpus` whole GPUs of any model and nothing else.
    pub const fn whole_gpus(gpus: u32) -> Self {
        Self { gpus: GpuRequest::Whole(gpus), cpu_milli: 0, memory_mib: 0, models: ModelSet::ANY }
    }
}

/// Equal tasks of a gang.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskGroup {
    /// Fewest tasks with which the job may start, at least 1.
    pub tasks_min: u32,
    /// Most tasks that it can use, at least `tasks_min`.
    pub tasks_max: u32,
    /// What each task needs.
    pub request: TaskRequest,
}

/// A gang: one or more task groups, started all or none, with its wishes on topology.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Shape {
    /// The groups; never empty.
    pub groups: SmallVec<[TaskGroup; 1]>,
    /// All tasks inside one domain of this level.
    pub required: Option<Level>,
    /// The same, if it can be had.
    pub preferred: Option<Level>,
}

impl Shape {
    /// `tasks` equal tasks.
    pub fn uniform(tasks: u32, request: TaskRequest) -> Self {
        Self {
            groups: smallvec![TaskGroup { tasks_min: tasks, tasks_max: tasks, request }],
            required: None,
            preferred: None,
        }
    }

    /// A gang of `gpus` whole GPUs for nodes of `per_node` GPUs: on one node if it fits there,
    /// else whole nodes and the remainder on one more node. `base` gives models, and CPU and memory for the whole gang,
    /// which are shared out by GPU, rounded up.
    pub fn gang(gpus: u32, per_node: u32, base: TaskRequest) -> Self {
        let task = |count: u32| TaskRequest {
            gpus: GpuRequest::Whole(count),
            cpu_milli: share(base.cpu_milli, count, gpus),
            memory_mib: share(base.memory_mib, count, gpus),
            models: base.models,
        };
        if gpus <= per_node || per_node == 0 {
            return Self::uniform(1, task(gpus));
        }
        let mut shape = Self::uniform(gpus / per_node, task(per_node));
        if !gpus.is_multiple_of(per_node) {
            shape.groups.push(TaskGroup { tasks_min: 1, tasks_max: 1, request: task(gpus % per_node) });
        }
        shape
    }

    /// The same gang with the groups that need most of a node first: the order in which groups are placed.
    #[must_use]
    pub fn sorted(&self) -> Self {
        let mut shape = self.clone();
        let size = |group: &TaskGroup| (group.request.gpus.milli(), group.request.cpu_milli, group.request.memory_mib);
        shape.groups.sort_by_key(|group| std::cmp::Reverse(size(group)));
        shape
    }

    /// The same gang on these models only.
    #[must_use]
    pub fn on(&self, models: ModelSet) -> Self {
        let mut shape = self.clone();
        for group in &mut shape.groups {
            group.request.models = group.request.models.and(models);
        }
        shape
    }

    /// Demand of the full gang in thousandths of a GPU.
    pub fn gpu_milli(&self) -> u64 {
        self.groups.iter().map(|group| u64::from(group.tasks_max) * group.request.gpus.milli()).sum()
    }

    /// Demand of the smallest gang that may start, in thousandths of a GPU.
    pub fn gpu_milli_min(&self) -> u64 {
        self.groups.iter().map(|group| u64::from(group.tasks_min) * group.request.gpus.milli()).sum()
    }

    /// Demand of the smallest gang that may start.
    pub fn least(&self) -> Amounts {
        let mut sum = Amounts::ZERO;
        for TaskGroup { tasks_min, request, .. } in &self.groups {
            let tasks = u64::from(*tasks_min);
            sum += Amounts {
                gpu_milli: tasks * request.gpus.milli(),
                cpu_milli: tasks * u64::from(request.cpu_milli),
                memory_mib: tasks * u64::from(request.memory_mib),
            };
        }
        sum
    }

    /// The demand of the full gang in GPUs, rounded up.
    pub fn gpus(&self) -> u64 {
        self.gpu_milli().div_ceil(u64::from(MILLI))
    }

    /// The single task of a gang that is one task without wishes on topology: the common case, placed without a search.
    pub fn single(&self) -> Option<&TaskRequest> {
        match self.groups.as_slice() {
            [group] if group.tasks_max == 1 && self.required.is_none() => Some(&group.request),
            _ => None,
        }
    }
}

fn share(total: u32, part: u32, whole: u32) -> u32 {
    if whole == 0 {
        return total;
    }
    (u64::from(total) * u64::from(part)).div_ceil(u64::from(whole)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gang_fills_whole_nodes_and_one_remainder() {
        let base = TaskRequest { cpu_milli: 20_000, ..TaskRequest::whole_gpus(0) };
        let shape = Shape::gang(20, 8, base);
        let sizes: Vec<_> = shape.groups.iter().map(|g| (g.tasks_max, g.request.gpus, g.request.cpu_milli)).collect();
        assert_eq!(sizes, [(2, GpuRequest::Whole(8), 8000), (1, GpuRequest::Whole(4), 4000)]);
        assert_eq!(shape.gpus(), 20);
        assert_eq!(Shape::gang(8, 8, base).groups.len(), 1);
        assert!(Shape::gang(8, 8, base).single().is_some());
        assert_eq!(Shape::gang(16, 8, base).groups.len(), 1);
    }
}
