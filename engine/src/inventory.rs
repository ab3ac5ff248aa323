//! What a cluster is made of: models, pools, nodes, places. Facts that do not change while jobs come and go.

use serde::{Deserialize, Serialize};

use crate::ids::{ModelId, PoolId};
use crate::shape::{GpuRequest, ModelSet, Shape, TaskRequest};
use crate::topology::{Domains, Level};
use crate::variability::Variability;

/// Unlimited CPU (thousandths of a core) or memory (MiB).
pub const UNLIMITED: u32 = u32::MAX;

/// A GPU model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GpuModel {
    /// Name, such as `A100`.
    pub name: String,
    /// Memory of one GPU in MiB; 0 when unknown.
    pub memory_mib: u32,
    /// Price of one GPU for one hour, in whatever currency the user counts; `None` when unknown.
    pub price_per_hour: Option<f64>,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeSpec {
    /// Unique name.
    pub name: String,
    /// GPUs in the node.
    pub gpus: u32,
    /// Their model; meaningless when `gpus` is 0.
    pub model: ModelId,
    /// Thousandths of a CPU core, or [`UNLIMITED`].
    pub cpu_milli: u32,
    /// Main memory in MiB, or [`UNLIMITED`].
    pub memory_mib: u32,
    /// The pool.
    pub pool: PoolId,
    /// Place in the topology tree.
    pub domains: Domains,
}

/// The whole cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    /// GPU models, at most 64.
    pub models: Vec<GpuModel>,
    /// Names of the pools.
    pub pools: Vec<String>,
    /// Names of the topology domains with their level.
    pub domains: Vec<(String, Level)>,
    /// The nodes.
    pub nodes: Vec<NodeSpec>,
    /// How GPUs of one model differ, an entry an application class; empty: they do not.
    pub variability: Vec<Variability>,
}

impl Inventory {
    /// `nodes` equal nodes of `gpus` GPUs of one `model`, with unlimited CPU and memory.
    pub fn uniform(nodes: usize, gpus: u32, model: &str) -> Self {
        let node = |i: usize| NodeSpec {
            name: format!("node-{i:04}"),
            gpus,
            model: ModelId(0),
            cpu_milli: UNLIMITED,
            memory_mib: UNLIMITED,
            pool: PoolId(0),
            domains: Domains::default(),
        };
        Self {
            models: vec![GpuModel { name: model.to_owned(), memory_mib: 0, price_per_hour: None }],
            pools: vec!["default".to_owned()],
            domains: Vec::new(),
            nodes: (0..nodes).map(node).collect(),
            variability: Vec::new(),
        }
    }

    /// GPUs in the cluster, up or not.
    pub fn gpus(&self) -> u64 {
        self.nodes.iter().map(|node| u64::from(node.gpus)).sum()
    }

    /// Its size in words, such as `16 GPUs on 2 nodes`.
    pub fn size(&self) -> String {
        let counted = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        format!("{} on {}", counted(self.gpus(), "GPU"), counted(self.nodes.len() as u64, "node"))
    }

    /// The model called `name`.
    pub fn model(&self, name: &str) -> Option<ModelId> {
        self.models.iter().position(|model| model.name == name).map(ModelId::new)
    }

    /// Most GPUs that one node with an allowed model has: the size at which a gang must span nodes.
    pub fn largest_node(&self, models: ModelSet) -> u32 {
        let allowed = self.nodes.iter().filter(|node| models.contains(node.model));
        allowed.map(|node| node.gpus).max().unwrap_or(0)
    }

    /// Whether `shape`, its groups sorted by [`Shape::sorted`], could ever start with every node up and empty, and if not, what stands in the way.
    pub fn holds(&self, shape: &Shape) -> Result<(), Misfit> {
        let domains: Vec<Option<usize>> = match shape.required {
            None => vec![None],
            Some(level) => {
                let of_level = |(_, (_, l)): &(usize, &(String, Level))| *l == level;
                self.domains.iter().enumerate().filter(of_level).map(|(i, _)| Some(i)).collect()
            }
        };
        let mut misfit = Misfit::NoDomain;
        for domain in domains {
            match self.holds_in(shape, domain) {
                Ok(()) => return Ok(()),
                Err(found) => misfit = found,
            }
        }
        Err(misfit)
    }

    /// First fit of the smallest gang, in the order of its groups, on the empty nodes of one domain.
    fn holds_in(&self, shape: &Shape, domain: Option<usize>) -> Result<(), Misfit> {
        let mut room: Vec<Room> =
            self.nodes.iter().filter(|node| in_domain(node, shape, domain)).map(Room::of).collect();
        for group in &shape.groups {
            let mut left = group.tasks_min;
            let mut ever = false;
            for node in &mut room {
                while left > 0 && node.take(&group.request) {
                    left -= 1;
                    ever = true;
                }
            }
            if left > 0 {
                return Err(if ever { Misfit::TooManyTasks } else { Misfit::NoNode });
            }
        }
        Ok(())
    }
}

/// Why a gang can never start on a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// No node is large enough, or of an allowed model, for one task.
    NoNode,
    /// Each task fits somewhere, all together do not.
    TooManyTasks,
    /// The topology has no domain of the required level.
    NoDomain,
}

fn in_domain(node: &NodeSpec, shape: &Shape, domain: Option<usize>) -> bool {
    match (shape.required, domain) {
        (Some(level), Some(domain)) => node.domains.at(level).is_some_and(|d| d.index() == domain),
        _ => true,
    }
}

/// What is left of one node while [`Inventory::holds_in`] packs it.
struct Room {
    /// Untouched GPUs.
    gpus: u32,
    /// Thousandths left on GPUs that are held in part.
    shared: Vec<u16>,
    cpu_milli: u64,
    memory_mib: u64,
    model: ModelId,
}

impl Room {
    fn of(node: &NodeSpec) -> Self {
        let limit = |value: u32| if value == UNLIMITED { u64::MAX } else { u64::from(value) };
        Self {
            gpus: node.gpus,
            shared: Vec::new(),
            cpu_milli: limit(node.cpu_milli),
            memory_mib: limit(node.memory_mib),
            model: node.model,
        }
    }

    fn take(&mut self, request: &TaskRequest) -> bool {
        let (cpu, memory) = (u64::from(request.cpu_milli), u64::from(request.memory_mib));
        let model_ok = request.gpus.milli() == 0 || request.models.contains(self.model);
        if !model_ok || cpu > self.cpu_milli || memory > self.memory_mib || !self.take_gpus(request.gpus) {
            return false;
        }
        self.cpu_milli = if self.cpu_milli == u64::MAX { u64::MAX } else { self.cpu_milli - cpu };
        self.memory_mib = if self.memory_mib == u64::MAX { u64::MAX } else { self.memory_mib - memory };
        true
    }

    /// As [`crate::Cluster::take`] does it: a shared GPU with the least room that fits before a fresh one.
    fn take_gpus(&mut self, gpus: GpuRequest) -> bool {
        match gpus {
            GpuRequest::Whole(count) if count <= self.gpus => self.gpus -= count,
            GpuRequest::Whole(_) => return false,
            GpuRequest::Milli(milli) => {
                let tightest = self.shared.iter_mut().filter(|room| **room >= milli).min();
                match tightest {
                    Some(room) => *room -= milli,
                    None if self.gpus > 0 => {
                        self.gpus -= 1;
                        self.shared.push(crate::shape::MILLI as u16 - milli);
                    }
                    None => return false,
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_can_never_start() {
        let cluster = Inventory::uniform(2, 8, "A100");
        let gang = |gpus| Shape::gang(gpus, 8, TaskRequest::whole_gpus(0));
        assert_eq!(cluster.holds(&gang(16)), Ok(()));
        assert_eq!(cluster.holds(&gang(17)), Err(Misfit::NoNode));
        assert_eq!(cluster.holds(&gang(24)), Err(Misfit::TooManyTasks));
        assert_eq!(cluster.holds(&Shape::uniform(1, TaskRequest::whole_gpus(9))), Err(Misfit::NoNode));
        let racked = Shape { required: Some(Level::Rack), ..gang(1) };
        assert_eq!(cluster.holds(&racked), Err(Misfit::NoDomain));
    }
}
