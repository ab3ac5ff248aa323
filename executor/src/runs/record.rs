//! What is written down about a task.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Stamp;
use crate::launcher::{End, Gpu};

/// What a shim starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Its environment, beside what belongs to its user (HOME, PATH and the like), which it may replace.
    pub env: BTreeMap<String, String>,
    /// Where it runs; `None`: the home of its user.
    pub workdir: Option<PathBuf>,
    /// Whose it is; `None`: the user of the server.
    pub user: Option<String>,
    /// Number of the signal that tells it to save and stop.
    pub signal: i32,
    /// Its GPUs.
    pub gpus: Vec<Gpu>,
    /// What it may use.
    pub limits: Limits,
}

/// What a task may use. 0: no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Thousandths of a CPU core.
    pub cpu_milli: u32,
    /// Main memory in MiB.
    pub memory_mib: u32,
    /// Bytes that each of stdout and stderr keeps.
    pub log_bytes_max: u64,
    /// The group in the tree of cgroup v2 that the task gets.
    pub cgroup: Option<PathBuf>,
}

/// A program that may run from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// Process of the program, which leads a process group of its own.
    pub program: Process,
    /// Process of its shim.
    pub shim: Process,
    /// When this was written.
    pub at: Stamp,
    /// The GPUs that it holds from here to the end.
    pub gpus: Vec<Gpu>,
    /// Names of the limits that the kernel enforces for it.
    pub enforced: Vec<String>,
    /// Its group in the tree of cgroup v2.
    pub cgroup: Option<PathBuf>,
}

/// A process of one boot, told from a later one with the same number by its start. Ticks are of 10 ms; a number comes round
/// again only after as many processes as there are numbers, which takes far longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// When it began, in clock ticks since boot.
    pub start_ticks: u64,
}

/// A line of the file `saved`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// When the shim read it.
    pub at: Stamp,
    /// What the program wrote.
    pub checkpoint: String,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// How.
    pub end: End,
    /// When nothing of it was alive any more.
    pub at: Stamp,
}
