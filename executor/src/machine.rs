//! This machine as a cluster of one node.

use engine::{Domains, GpuModel, Inventory, ModelId, NodeSpec, PoolId, UNLIMITED};

use crate::gpus::Discovered;

/// What a server schedules on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Machines {
    /// The cluster.
    pub inventory: Inventory,
    /// Unique names of real GPUs, a list a node.
    pub uuids: Vec<Vec<String>>,
    /// The real GPUs of this machine, which are watched.
    pub found: Discovered,
}

/// This machine with these GPUs. GPUs of several models on one machine are not told apart: the first one names all.
pub fn this_machine(found: Discovered) -> Machines {
    let gpus = &found.gpus;
    let model = gpus.first().map_or_else(|| "none".to_owned(), |gpu| gpu.model.clone());
    let memory_mib = gpus.iter().map(|gpu| gpu.memory_mib).min().unwrap_or(0);
    let mut machines = declared(gpus.len() as u32, &model);
    machines.inventory.models[0].memory_mib = memory_mib;
    machines.uuids = vec![gpus.iter().map(|gpu| gpu.uuid.clone()).collect()];
    machines.found = found;
    machines
}

/// This machine with so many GPUs that it need not have.
pub fn declared(gpus: u32, model: &str) -> Machines {
    let cores = std::thread::available_parallelism().map_or(UNLIMITED, |cores| cores.get() as u32 * 1000);
    let node = NodeSpec {
        name: host_name(),
        gpus,
        model: ModelId(0),
        cpu_milli: cores,
        memory_mib: memory_mib().unwrap_or(UNLIMITED),
        pool: PoolId(0),
        domains: Domains::default(),
    };
    let models = vec![GpuModel { name: model.to_owned(), memory_mib: 0, price_per_hour: None }];
    let inventory = Inventory { models, pools: vec!["default".to_owned()], nodes: vec![node], ..Inventory::default() };
    Machines { inventory, ..Machines::default() }
}

fn host_name() -> String {
    let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".to_owned())
}

/// Main memory, as the kernel tells it.
fn memory_mib() -> Option<u32> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    u32::try_from(kib >> 10).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_memory_and_a_name() {
        let machines = declared(4, "declared");
        let node = &machines.inventory.nodes[0];
        assert!(node.memory_mib > 64 && !node.name.is_empty() && node.cpu_milli >= 1000);
        assert_eq!(machines.inventory.gpus(), 4);
    }
}
