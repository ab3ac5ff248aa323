//! The seam to whatever runs programs: processes of this machine, later Slurm and Kubernetes.
//!
//! ```text
//!   LiveWorld ── launch, stop, kill, reattach ──▶ Launcher
//!   LiveWorld ◀────────── Observation ──────────── Launcher (from threads of its own, through a channel)
//! ```
//!
//! What is ordered here is already on disk in the journal, so an order may be given twice after a crash. A launcher makes
//! sure that nothing runs twice, and that `Ended` is observed only when no task of the run is alive any more.

use std::sync::Arc;

use engine::{RunId, Span};
use serde::{Deserialize, Serialize};

use crate::job_file::JobFile;

mod local;

pub use self::local::{Local, Settings};

/// A GPU that a task gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gpu {
    /// Its index in the node.
    pub index: u32,
    /// Its unique name where it is a real one; declared GPUs have none.
    pub uuid: Option<String>,
    /// Thousandths of it that the task holds.
    pub milli: u16,
}

impl Gpu {
    /// Whether it is an instance of a divided GPU (MIG).
    pub fn is_part(&self) -> bool {
        self.uuid.as_ref().is_some_and(|uuid| uuid.starts_with("MIG-"))
    }
}

/// A task of a gang and its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its number in the gang, from 0: its rank.
    pub index: u32,
    /// Name of the node.
    pub node: String,
    /// Its GPUs.
    pub gpus: Vec<Gpu>,
    /// Thousandths of a CPU core; 0: no limit was asked for.
    pub cpu_milli: u32,
    /// Main memory in MiB; 0: no limit was asked for.
    pub memory_mib: u32,
}

/// A run to be launched: all tasks or none.
#[derive(Clone, Debug)]
pub struct Gang {
    /// Job and attempt.
    pub run: RunId,
    /// What its owner wants.
    pub job: Arc<JobFile>,
    /// The user that its processes belong to; `None`: that of the server.
    pub user: Option<String>,
    /// Its tasks, ordered by index.
    pub tasks: Vec<Task>,
    /// The checkpoint to resume from, as the job named it when it saved.
    pub checkpoint: Option<String>,
    /// Work that is safe in it.
    pub saved: Span,
}

/// What a launcher has seen. The time of an observation is that of its arrival at the world. After a restart of the server
/// it may be made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The run.
    pub run: RunId,
    /// How long before it was sent it happened: long when the server was away.
    pub ago: Span,
    /// What happened to it.
    pub what: Seen,
}

/// What happened to a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// All its tasks run.
    Started,
    /// It saved a checkpoint, and named it unless the text is empty.
    Saved {
        /// Where the checkpoint is.
        checkpoint: String,
        /// The task that saved.
        task: u32,
        /// 1 for its first checkpoint in this run: tells one that was seen before a restart of the server.
        number: u32,
    },
    /// None of its tasks is alive.
    Ended(End),
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// Each task ended with 0, or the first that did not, with this code.
    Exited(i32),
    /// The first task that ended so was killed by this signal.
    Signalled(i32),
    /// A task could not be started: the program is missing, the user is unknown, ...
    NotStarted(String),
    /// Nobody knows how it ended: its supervisor was killed, or the machine restarted.
    Lost(String),
}

/// What runs programs. None of its calls waits for a program.
pub trait Launcher: Send {
    /// Starts a run.
    fn launch(&mut self, gang: Gang);

    /// Tells a run to save and stop, with the signal of its job.
    fn stop(&mut self, run: RunId);

    /// Kills all processes of a run.
    fn kill(&mut self, run: RunId);

    /// Takes up a run that was ordered before a restart of the server: watches it if it is alive, reports how it ended if
    /// it has, and starts it if it never began.
    fn reattach(&mut self, gang: Gang);

    /// Runs that have processes on this machine, whoever ordered them.
    fn running(&mut self) -> std::io::Result<Vec<RunId>>;
}
