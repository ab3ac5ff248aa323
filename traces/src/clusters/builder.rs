//! An inventory in the making, with the limits that every kind of cluster file shares.

use std::collections::HashMap;

use engine::{Domains, GpuModel, Inventory, ModelId, NodeSpec, PoolId};

use crate::error::{TraceError, shown};

/// Most GPU models that the engine tells apart.
const MODELS_MAX: usize = 64;
/// Most nodes of a cluster.
pub(super) const NODES_MAX: u64 = 1_000_000;
/// Most GPUs of one node.
pub(super) const NODE_GPUS_MAX: u64 = 65_536;
/// Most GPUs of a cluster.
const GPUS_MAX: u64 = 10_000_000;

/// Collects models and nodes.
pub(super) struct Builder {
    file: String,
    pub(super) inventory: Inventory,
    model_ids: HashMap<String, ModelId>,
    gpus: u64,
}

/// The part of a node that cluster files tell.
pub(super) struct Machine {
    pub(super) name: String,
    pub(super) gpus: u32,
    pub(super) model: ModelId,
    pub(super) cpu_milli: u32,
    pub(super) memory_mib: u32,
    pub(super) pool: PoolId,
    pub(super) domains: Domains,
}

impl Builder {
    pub(super) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), inventory: Inventory::default(), model_ids: HashMap::new(), gpus: 0 }
    }

    /// An error about the whole file.
    fn error(&self, message: String, hint: &str) -> TraceError {
        TraceError::new(&self.file, message).with_hint(hint)
    }

    /// The model called `name`, made with `make` when it is new.
    pub(super) fn model(&mut self, name: &str, make: impl FnOnce() -> GpuModel) -> Result<ModelId, TraceError> {
        if let Some(&id) = self.model_ids.get(name) {
            return Ok(id);
        }
        if self.inventory.models.len() == MODELS_MAX {
            let message =
                format!("`{}` would be GPU model {}, and {MODELS_MAX} is the most", shown(name), MODELS_MAX + 1);
            return Err(self.error(message, "give like models one name"));
        }
        let id = ModelId::new(self.inventory.models.len());
        self.inventory.models.push(make());
        self.model_ids.insert(name.to_owned(), id);
        Ok(id)
    }

    /// Whether a model is called `name`, and which.
    pub(super) fn known_model(&self, name: &str) -> Option<ModelId> {
        self.model_ids.get(name).copied()
    }

    /// Adds a node.
    pub(super) fn push(&mut self, machine: Machine) -> Result<(), TraceError> {
        let Machine { name, gpus, model, cpu_milli, memory_mib, pool, domains } = machine;
        self.gpus += u64::from(gpus);
        if self.inventory.nodes.len() as u64 >= NODES_MAX || self.gpus > GPUS_MAX {
            let message = format!("the cluster has more than {NODES_MAX} nodes or {GPUS_MAX} GPUs");
            return Err(self.error(message, "give a smaller cluster"));
        }
        self.inventory.nodes.push(NodeSpec { name, gpus, model, cpu_milli, memory_mib, pool, domains });
        Ok(())
    }

    /// The cluster. One without a single GPU is an error.
    pub(super) fn finish(self) -> Result<Inventory, TraceError> {
        if self.inventory.nodes.is_empty() {
            return Err(
                self.error("the cluster has no nodes".to_owned(), "a cluster needs at least one node with a GPU")
            );
        }
        if self.gpus == 0 {
            return Err(
                self.error("the cluster has no GPUs".to_owned(), "a cluster needs at least one node with a GPU")
            );
        }
        Ok(self.inventory)
    }
}

/// A model of which only the name is known.
pub(super) fn bare_model(name: &str) -> GpuModel {
    GpuModel { name: name.to_owned(), memory_mib: 0, price_per_hour: None }
}
