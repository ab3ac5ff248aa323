//! What a user submits: a gang of equal tasks, each a program with its GPUs, CPU and memory.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub mod schema;
mod span;

pub use self::span::{Spoken, SpokenError};

/// A job as its owner wrote it. Everything but the command has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JobFile {
    /// Program and arguments, the same for all tasks. No shell is in between.
    #[schemars(length(min = 1), inner(regex(pattern = r"^[^\u0000]*$")))]
    pub command: Vec<String>,
    /// Name; similar names of one user mark the same work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub name: Option<String>,
    /// Who pays, as a path such as `research/vision`. Default: the tenant of the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1000))]
    pub tenant: Option<String>,
    /// The queue (partition).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub queue: Option<String>,
    /// Higher goes first.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(range(min = -2_147_483_648_i64, max = 2_147_483_647_i64), extend("default" = 0))]
    pub priority: i32,
    /// Whether others may take its GPUs: it is then told to save, stopped, and goes back to the queue.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    #[schemars(extend("default" = true))]
    pub preemptible: bool,
    /// Waits for `release`.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(extend("default" = false))]
    pub hold: bool,
    /// GPUs of each task: whole ones, or a part of one such as 0.5.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(range(min = 0, max = 4096), extend("default" = 0))]
    pub gpus: f64,
    /// Which GPUs of its job a task sees. Default: where each task has one whole GPU, all on its node; else its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_bind: Option<GpuBind>,
    /// Tasks; all start together or none does.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[schemars(range(min = 1, max = 100_000), extend("default" = 1))]
    pub tasks: u32,
    /// CPU cores of each task.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(range(min = 0, max = 1_000_000), extend("default" = 0))]
    pub cpus: f64,
    /// Main memory of each task in MiB.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(range(max = 4_294_967_295_i64), extend("default" = 0))]
    pub memory_mib: u32,
    /// GPU models that will do; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(min = 1)))]
    pub gpu_models: Vec<String>,
    /// Level of the topology (nvlink-domain, rack, zone) that must hold the whole gang.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["nvlink-domain", "rack", "zone", null]))]
    pub required: Option<String>,
    /// Level that should hold it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["nvlink-domain", "rack", "zone", null]))]
    pub preferred: Option<String>,
    /// Variables beside those that Trainyard sets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("propertyNames" = {"pattern": "^[^=\\u0000]+$"}))]
    pub env: BTreeMap<String, String>,
    /// Where the program runs. Default: where it was submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workdir: Option<PathBuf>,
    /// After so long in one attempt it is stopped and counts as timed out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit: Option<Spoken>,
    /// How long before its time limit it is warned with its signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warn: Option<Spoken>,
    /// How long the owner thinks that it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Spoken>,
    /// Time between the signal to stop and the kill. Default: what the server says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace: Option<Spoken>,
    /// Name of the signal that tells it to save and stop, such as TERM or USR1.
    #[serde(default = "term", skip_serializing_if = "is_term")]
    #[schemars(extend("default" = "TERM", "enum" = ["TERM", "INT", "USR1", "USR2", "HUP", "QUIT"]))]
    pub signal: String,
    /// Which failures are tried again.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retry: Retry,
    /// Jobs, by number or name, that must finish first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// Marks of the owner, to find jobs by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// Which GPUs of its job a task sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GpuBind {
    /// Its own.
    Task,
    /// All that tasks of its gang have on its node, in the order of the tasks.
    Node,
}

/// Which failures are tried again, and how often.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Most retries.
    #[serde(default)]
    pub failures: u16,
    /// Exit codes that are worth one; empty: every code but 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(range(min = -2_147_483_648_i64, max = 2_147_483_647_i64)))]
    pub codes: Vec<i32>,
    /// Wait before a retry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Spoken>,
}

impl JobFile {
    /// A job of one task without GPUs that runs `command`.
    pub fn plain(command: Vec<String>) -> Self {
        Self {
            command,
            name: None,
            tenant: None,
            queue: None,
            priority: 0,
            preemptible: true,
            hold: false,
            gpus: 0.0,
            gpu_bind: None,
            tasks: 1,
            cpus: 0.0,
            memory_mib: 0,
            gpu_models: Vec::new(),
            required: None,
            preferred: None,
            env: BTreeMap::new(),
            workdir: None,
            time_limit: None,
            warn: None,
            estimate: None,
            grace: None,
            signal: term(),
            retry: Retry::default(),
            after: Vec::new(),
            labels: BTreeMap::new(),
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_yes(value: &bool) -> bool {
    *value
}

fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_one(value: &u32) -> bool {
    *value == 1
}

fn term() -> String {
    "TERM".to_owned()
}

fn is_term(value: &str) -> bool {
    value == "TERM"
}
