//! The shape of a gang as what a trace says of a job: GPUs, tasks, CPU, memory and models of the whole.

use engine::{GpuRequest, Inventory, MILLI, ModelSet, Shape, TaskGroup, TaskRequest};

/// What a trace says of a gang.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gang {
    pub(super) gpu_milli: u32,
    /// 0: the cluster decides, by the size of its nodes.
    pub(super) tasks: u32,
    pub(super) cpu_milli: u32,
    pub(super) memory_mib: u32,
    /// Empty: any.
    pub(super) models: Vec<String>,
    /// What a trace cannot say of it.
    pub(super) lost: Option<&'static str>,
}

const GROWS: &str = "a gang that may grow: taken at its largest";
const UNLIKE: &str = "a gang of unlike tasks: taken as its GPUs together";

impl Gang {
    /// The gang of `shape` on this cluster. Made ready for the same cluster again it is the same shape, unless something is
    /// lost.
    pub(super) fn of(shape: &Shape, inventory: &Inventory) -> Self {
        let sum = |of: fn(&TaskRequest) -> u64| -> u64 {
            let all = shape.groups.iter().map(|group| u64::from(group.tasks_max).saturating_mul(of(&group.request)));
            all.fold(0, u64::saturating_add)
        };
        let milli = sum(|request| request.gpus.milli());
        let grows = shape.groups.iter().any(|group| group.tasks_min != group.tasks_max);
        let asks = |group: &&TaskGroup| group.request.gpus != GpuRequest::Whole(0);
        let models = shape.groups.iter().find(asks).map_or(ModelSet::ANY, |group| group.request.models);
        let mut gang = Self {
            gpu_milli: capped(milli),
            tasks: 0,
            cpu_milli: capped(sum(|request| u64::from(request.cpu_milli))),
            memory_mib: capped(sum(|request| u64::from(request.memory_mib))),
            models: names(models, inventory),
            lost: grows.then_some(GROWS),
        };
        let per_node = inventory.largest_node(models);
        if let Some((cpu, memory)) = cut_by_gpus(shape, per_node, milli, models) {
            (gang.cpu_milli, gang.memory_mib) = (cpu, memory);
            return gang;
        }
        if let [one] = shape.groups.as_slice() {
            let whole = one.request.gpus.milli() >= u64::from(MILLI);
            gang.tasks = if one.tasks_max == 1 && !whole { 0 } else { one.tasks_max };
        } else {
            gang.gpu_milli = if milli < u64::from(MILLI) { gang.gpu_milli } else { capped(whole_gpus(milli)) };
            gang.lost = Some(UNLIKE);
        }
        gang
    }
}

/// CPU and memory of the whole gang, where it is just what a number of GPUs becomes on nodes of this size.
fn cut_by_gpus(shape: &Shape, per_node: u32, milli: u64, models: ModelSet) -> Option<(u32, u32)> {
    let gpus = u32::try_from(milli / u64::from(MILLI)).ok().filter(|gpus| *gpus > 0)?;
    let part = |group: &TaskGroup| match group.request.gpus {
        GpuRequest::Whole(gpus) => gpus,
        GpuRequest::Milli(_) => 0,
    };
    // Shares are rounded up: the most of which these are the shares.
    let whole_of = |of: fn(&TaskRequest) -> u32| {
        let wholes = shape
            .groups
            .iter()
            .filter(|group| part(group) > 0)
            .map(|group| capped(u64::from(of(&group.request)) * u64::from(gpus) / u64::from(part(group))));
        wholes.min().unwrap_or(0)
    };
    let (cpu_milli, memory_mib) = (whole_of(|request| request.cpu_milli), whole_of(|request| request.memory_mib));
    let base = TaskRequest { gpus: GpuRequest::Whole(0), cpu_milli, memory_mib, models };
    (Shape::gang(gpus, per_node, base).groups == shape.groups).then_some((cpu_milli, memory_mib))
}

fn whole_gpus(milli: u64) -> u64 {
    milli.div_ceil(u64::from(MILLI)).saturating_mul(u64::from(MILLI))
}

fn capped(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Names of the models; none for any.
fn names(models: ModelSet, inventory: &Inventory) -> Vec<String> {
    if models == ModelSet::ANY {
        return Vec::new();
    }
    let known = inventory.models.iter().enumerate().take(64).filter(|(at, _)| models.0 >> at & 1 == 1);
    let names: Vec<String> = known.map(|(_, model)| model.name.clone()).collect();
    // A job that named only models that the cluster has not: it stays one that fits nowhere.
    if names.is_empty() { vec!["not in the cluster".to_owned()] } else { names }
}
