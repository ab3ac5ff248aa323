//! What a cluster consists of, in figures.

use std::collections::BTreeMap;

use engine::{Level, UNLIMITED};
use serde::Serialize;

use super::{ClusterFile, ClusterLedger};

/// Version of [`ClusterInfo`] as JSON.
const SCHEMA: u32 = 1;

/// Figures of a cluster. A figure that is not known is `None` (JSON null).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClusterInfo {
    /// Version of this object.
    pub schema: u32,
    /// The text that named it.
    pub source: String,
    /// What kind of file it is.
    pub kind: String,
    /// Nodes.
    pub nodes: u64,
    /// GPUs.
    pub gpus: u64,
    /// Nodes without GPUs.
    pub nodes_without_gpus: u64,
    /// By GPU model, the most GPUs first.
    pub models: Vec<ModelCount>,
    /// By GPUs of a node, the smallest first.
    pub node_sizes: Vec<NodeSize>,
    /// CPU cores of all nodes, where every node has a limit.
    pub cpu_cores: Option<f64>,
    /// Main memory of all nodes in GiB, where every node has a limit.
    pub memory_gib: Option<f64>,
    /// Domains of the topology by level, the tightest first; levels that the cluster lacks are left out.
    pub domains: Vec<DomainCount>,
    /// Pools, in the order of the file.
    pub pools: Vec<PoolCount>,
    /// What was taken where the file says nothing.
    pub ledger: ClusterLedger,
}

/// Nodes and GPUs of one model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelCount {
    /// Name of the model.
    pub model: String,
    /// Nodes.
    pub nodes: u64,
    /// GPUs.
    pub gpus: u64,
}

/// Nodes of one size.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeSize {
    /// GPUs of the node.
    pub gpus: u32,
    /// Nodes.
    pub nodes: u64,
}

/// Domains of one level.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DomainCount {
    /// The level.
    pub level: Level,
    /// Domains.
    pub domains: u64,
    /// Nodes that lie in one.
    pub nodes: u64,
}

/// Nodes and GPUs of a pool.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PoolCount {
    /// Name of the pool.
    pub pool: String,
    /// Nodes.
    pub nodes: u64,
    /// GPUs.
    pub gpus: u64,
}

/// Describes a cluster.
pub fn describe_cluster(file: &ClusterFile) -> ClusterInfo {
    let inventory = &file.inventory;
    let nodes = || inventory.nodes.iter();
    let mut models: Vec<ModelCount> =
        inventory.models.iter().map(|model| ModelCount { model: model.name.clone(), nodes: 0, gpus: 0 }).collect();
    let mut pools: Vec<PoolCount> =
        inventory.pools.iter().map(|pool| PoolCount { pool: pool.clone(), nodes: 0, gpus: 0 }).collect();
    let mut sizes: BTreeMap<u32, u64> = BTreeMap::new();
    for node in nodes() {
        *sizes.entry(node.gpus).or_default() += 1;
        if let Some(model) = models.get_mut(node.model.index()).filter(|_| node.gpus > 0) {
            (model.nodes, model.gpus) = (model.nodes + 1, model.gpus + u64::from(node.gpus));
        }
        if let Some(pool) = pools.get_mut(node.pool.index()) {
            (pool.nodes, pool.gpus) = (pool.nodes + 1, pool.gpus + u64::from(node.gpus));
        }
    }
    models.sort_by_key(|model| std::cmp::Reverse(model.gpus));
    let sum = |amount: fn(&engine::NodeSpec) -> u32, unit: f64| {
        nodes()
            .try_fold(0u64, |sum, node| (amount(node) != UNLIMITED).then(|| sum + u64::from(amount(node))))
            .map(|sum| sum as f64 / unit)
    };
    ClusterInfo {
        schema: SCHEMA,
        source: file.source.clone(),
        kind: file.kind.to_owned(),
        nodes: inventory.nodes.len() as u64,
        gpus: inventory.gpus(),
        nodes_without_gpus: sizes.get(&0).copied().unwrap_or(0),
        models,
        node_sizes: sizes.into_iter().map(|(gpus, nodes)| NodeSize { gpus, nodes }).collect(),
        cpu_cores: sum(|node| node.cpu_milli, 1000.0),
        memory_gib: sum(|node| node.memory_mib, 1024.0),
        domains: Level::ALL.into_iter().filter_map(|level| domains(file, level)).collect(),
        pools,
        ledger: file.ledger.clone(),
    }
}

fn domains(file: &ClusterFile, level: Level) -> Option<DomainCount> {
    let inventory = &file.inventory;
    let domains = inventory.domains.iter().filter(|(_, of)| *of == level).count() as u64;
    let nodes = inventory.nodes.iter().filter(|node| node.domains.at(level).is_some()).count() as u64;
    (domains > 0).then_some(DomainCount { level, domains, nodes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clusters::read_cluster_file;

    #[test]
    fn figures() {
        let text = "sn,cpu_milli,memory_mib,gpu,model\na,32000,2048,0,\nb,64000,1024,2,P100\nc,500,1024,8,G2\n";
        let info = describe_cluster(&read_cluster_file("n.csv", text.as_bytes()).unwrap());
        assert_eq!((info.kind.as_str(), info.nodes, info.gpus, info.nodes_without_gpus), ("openb", 3, 10, 1));
        let models: Vec<_> = info.models.iter().map(|m| (m.model.as_str(), m.nodes, m.gpus)).collect();
        assert_eq!(models, [("G2", 1, 8), ("P100", 1, 2)]);
        let sizes: Vec<_> = info.node_sizes.iter().map(|size| (size.gpus, size.nodes)).collect();
        assert_eq!(sizes, [(0, 1), (2, 1), (8, 1)]);
        assert_eq!((info.cpu_cores, info.memory_gib, info.domains.len()), (Some(96.5), Some(4.0), 0));
        assert_eq!(info.ledger.lines(), ["node without GPUs: for jobs that ask for CPU only (1)"]);
        let info = describe_cluster(&super::super::load_cluster_file("2x4").unwrap());
        assert_eq!((info.kind.as_str(), info.gpus, info.cpu_cores), ("short", 8, None));
        assert!(serde_json::to_string(&info).unwrap().contains("\"cpu_cores\":null"));
    }
}
