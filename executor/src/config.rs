//! What a server is told: `trainyard.toml`.

use std::path::Path;

use engine::{Domains, GpuModel, Inventory, ModelId, NodeSpec, PoolId, UNLIMITED};
use serde::Deserialize;

use crate::access::Rule;
use crate::job_file::Spoken;

mod api;

pub use self::api::{ApiConfig, UserConfig};

/// The file. Everything has a default.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The policy, as `name` or `name[key=value,...]`.
    pub policy: String,
    /// Seed of what the policy draws by lot.
    pub seed: u64,
    /// Time between the signal to stop and the kill, for jobs that do not say.
    pub grace: Spoken,
    /// Newest bytes that are kept of each log of a task; 0: all.
    pub log_bytes_max: u64,
    /// The journal goes on in a new file, with a snapshot, once it has so many bytes.
    pub segment_bytes_max: u64,
    /// Nodes to schedule on. None: this machine, with the GPUs that it has. Programs of all nodes run on this machine.
    pub nodes: Vec<NodeConfig>,
    /// Where it listens, and how much it takes.
    pub api: ApiConfig,
    /// Users of this machine who may use the unix socket too.
    pub users: Vec<UserConfig>,
    /// As whom jobs run, where the server runs as root. The first that fits counts.
    pub run_as: Vec<Rule>,
    /// Jobs of callers with tokens run as root where no rule fits. Without it they are refused.
    pub run_as_root: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            policy: "priority".to_owned(),
            seed: 1,
            grace: Spoken(engine::Span::secs(30)),
            log_bytes_max: 1 << 30,
            segment_bytes_max: 64 << 20,
            nodes: Vec::new(),
            api: ApiConfig::default(),
            users: Vec::new(),
            run_as: Vec::new(),
            run_as_root: false,
        }
    }
}

/// A node that is declared.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    /// Its name.
    pub name: String,
    /// Its GPUs.
    #[serde(default)]
    pub gpus: u32,
    /// Their model.
    #[serde(default = "declared")]
    pub model: String,
    /// CPU cores. Default: no limit.
    #[serde(default)]
    pub cpus: Option<f64>,
    /// Main memory in MiB. Default: no limit.
    #[serde(default)]
    pub memory_mib: Option<u32>,
}

fn declared() -> String {
    "declared".to_owned()
}

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct ConfigError {
    /// The file.
    pub path: String,
    /// What is wrong, with line and field where they are known.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl Config {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let error = |message: String, hint: &str| ConfigError {
            path: path.display().to_string(),
            message,
            hint: hint.to_owned(),
        };
        let text = std::fs::read_to_string(path).map_err(|source| {
            error(format!("cannot be read: {source}"), "name a file in TOML, or leave --config out")
        })?;
        let mut config: Self = toml::from_str(&text).map_err(|source| {
            let line = source.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            let hint = "keys are policy, seed, grace, log_bytes_max, segment_bytes_max, run_as_root, [api], [[nodes]], [[users]] \
                        and [[run_as]]";
            error(format!("line {line}: {}", source.message()), hint)
        })?;
        config.check().map_err(|message| error(message, "each node has a name of its own, and CPUs are positive"))?;
        config.api.beside(path);
        let access = config.api.check().and_then(|()| api::check_users(&config.users));
        access.map_err(|message| error(message, "docs/access.md describes the keys of access"))?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        for (at, node) in self.nodes.iter().enumerate() {
            if node.name.is_empty() || node.name.chars().any(char::is_control) {
                return Err(format!("nodes: the name of node {} is empty or has control characters", at + 1));
            }
            if self.nodes[..at].iter().any(|other| other.name == node.name) {
                return Err(format!("nodes: two nodes are called `{}`", node.name));
            }
            if node.cpus.is_some_and(|cpus| !(0.0..=1e6).contains(&cpus)) {
                return Err(format!("nodes: `{}` has {} CPUs", node.name, node.cpus.unwrap_or_default()));
            }
        }
        let models: std::collections::BTreeSet<&str> = self.nodes.iter().map(|node| node.model.as_str()).collect();
        if models.len() > 64 { Err("nodes: more than 64 GPU models".to_owned()) } else { Ok(()) }
    }
}

/// Declared nodes as a cluster.
pub fn inventory(nodes: &[NodeConfig]) -> Inventory {
    let mut inventory = Inventory { pools: vec!["default".to_owned()], ..Inventory::default() };
    for node in nodes {
        let model = inventory.model(&node.model).unwrap_or_else(|| {
            inventory.models.push(GpuModel { name: node.model.clone(), memory_mib: 0, price_per_hour: None });
            ModelId::new(inventory.models.len() - 1)
        });
        inventory.nodes.push(NodeSpec {
            name: node.name.clone(),
            gpus: node.gpus,
            model,
            cpu_milli: node.cpus.map_or(UNLIMITED, |cpus| (cpus * 1000.0).round() as u32),
            memory_mib: node.memory_mib.unwrap_or(UNLIMITED),
            pool: PoolId(0),
            domains: Domains::default(),
        });
    }
    inventory
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trainyard.toml");
        std::fs::write(&path, text).unwrap();
        Config::read(&path)
    }

    #[test]
    fn nodes_are_declared() {
        let config = read("policy = \"fifo\"\n[[nodes]]\nname = \"a\"\ngpus = 4\ncpus = 8\n[[nodes]]\nname = \"b\"\nmodel = \"H100\"\n").unwrap();
        let inventory = inventory(&config.nodes);
        assert_eq!((inventory.gpus(), inventory.models.len(), inventory.nodes[0].cpu_milli), (4, 2, 8000));
        assert_eq!(inventory.nodes[1].memory_mib, UNLIMITED);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        assert!(read("policy = \"fifo\"\ngpu = 3\n").unwrap_err().to_string().contains("line 2: unknown field `gpu`"));
        let open = read("[api]\nlisten = \"0.0.0.0:7070\"\n").unwrap_err().to_string();
        assert!(open.contains("needs cert and key"), "{open}");
        assert!(read("[api]\nlisten = \"here\"\n").is_err());
        assert!(
            read("[api]\nlisten = \"127.0.0.1:0\"\ncert = \"c\"\n").unwrap_err().to_string().contains("go together")
        );
        let user = "[[users]]\nname = \"x\"\ntenant = \"a//b\"\nrole = \"viewer\"\n";
        assert!(read(user).unwrap_err().to_string().contains("`a//b` is no path"));
        assert!(read(&user.replace("viewer", "king")).unwrap_err().to_string().contains("unknown variant `king`"));
        let twice = "[[nodes]]\nname = \"a\"\n[[nodes]]\nname = \"a\"\n";
        assert!(read(twice).unwrap_err().to_string().contains("two nodes are called `a`"));
    }
}
