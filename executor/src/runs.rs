//! The folders of runs: what is on disk is the truth about a run, for the server as for the shims.
//!
//! ```text
//!   STATE/shims.sock             where shims say "look": a hint, never the truth
//!   STATE/checkpoints/JOB/       a place for the checkpoints of a job, kept over its attempts
//!   STATE/runs/JOB-ATTEMPT/      hostfile, and for each task of the gang:
//!     task-K/spec.json           what to start
//!            lock                held by the shim for as long as it lives
//!            generation          the shim that may start; a late one of an older generation may not
//!            stop, kill          wishes of the server, empty; `control` wakes the shim to look at them
//!            started.json        synced before the program is let go: from here on it is never started again
//!            running             the program has been executed
//!            saved               one line for each checkpoint
//!            ended.json          how it ended; nothing of the task is alive
//!            stdout, stderr      what the program wrote
//! ```
//!
//! The intent is not synced here: the order to launch is in the journal before anything is written here. `started.json` and
//! everything above it must be synced, or a program could run twice when the machine loses power.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use engine::{JobId, RunId};

pub mod cgroup;
pub mod process;
pub mod record;
pub mod retention;
mod stamp;
mod store;

pub use self::stamp::{Stamp, boot_id};
pub use self::store::{Sync, exists, lock, mark, read_json, read_text, sync_folder, write_json, write_text};

/// Names of files in the folder of a task.
pub mod name {
    /// What to start ([`super::record::Spec`]).
    pub const SPEC: &str = "spec.json";
    /// Held by the shim.
    pub const LOCK: &str = "lock";
    /// Number of the shim that may start.
    pub const GENERATION: &str = "generation";
    /// A pipe that wakes the shim.
    pub const CONTROL: &str = "control";
    /// There when the program shall save and stop.
    pub const STOP: &str = "stop";
    /// There when everything shall be killed.
    pub const KILL: &str = "kill";
    /// [`super::record::Started`].
    pub const STARTED: &str = "started.json";
    /// There when the program was executed.
    pub const RUNNING: &str = "running";
    /// Lines of [`super::record::Saved`].
    pub const SAVED: &str = "saved";
    /// [`super::record::Ended`].
    pub const ENDED: &str = "ended.json";
    /// Output of the program.
    pub const STDOUT: &str = "stdout";
    /// Errors of the program.
    pub const STDERR: &str = "stderr";
    /// In the folder of the run: hosts and their tasks, for MPI.
    pub const HOSTFILE: &str = "hostfile";
    /// In the state directory: the socket for hints.
    pub const SOCKET: &str = "shims.sock";
    /// In the state directory: complaints of shims.
    pub const SHIM_LOG: &str = "shims.log";
}

/// A task of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId {
    /// The run.
    pub run: RunId,
    /// Its number in the gang.
    pub task: u32,
}

/// The folders below a state directory.
#[derive(Clone, Debug)]
pub struct Runs {
    state: PathBuf,
}

impl Runs {
    /// The folders of the state directory `state`, which is made if it is missing. The path is made absolute and free of links,
    /// so that it can serve as a mark of processes.
    pub fn open(state: &Path) -> io::Result<Self> {
        make_folder(state, 0o711)?;
        let state = fs::canonicalize(state)?;
        let runs = Self { state };
        make_folder(&runs.state.join("runs"), 0o711)?;
        make_folder(&runs.state.join("checkpoints"), 0o711)?;
        Ok(runs)
    }

    /// The state directory.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The folder of a run.
    pub fn run(&self, run: RunId) -> PathBuf {
        self.state.join("runs").join(format!("{}-{}", run.job.0, run.attempt))
    }

    /// The folder of a task.
    pub fn task(&self, task: TaskId) -> PathBuf {
        self.run(task.run).join(format!("task-{}", task.task))
    }

    /// The folder for the checkpoints of a job.
    pub fn checkpoints(&self, job: JobId) -> PathBuf {
        self.state.join("checkpoints").join(job.0.to_string())
    }

    /// Every task that has a folder, in no order.
    pub fn tasks(&self) -> io::Result<Vec<TaskId>> {
        let mut found = Vec::new();
        for folder in fs::read_dir(self.state.join("runs"))? {
            let folder = folder?;
            let Some(run) = folder.file_name().to_str().and_then(parse_run) else { continue };
            for task in fs::read_dir(folder.path())? {
                if let Some(task) = task?.file_name().to_str().and_then(parse_task) {
                    found.push(TaskId { run, task });
                }
            }
        }
        Ok(found)
    }

    /// The task of a folder, given by its path or the end of it.
    pub fn task_of(path: &str) -> Option<TaskId> {
        let mut parts = path.rsplit('/');
        let task = parts.next().and_then(parse_task)?;
        let run = parts.next().and_then(parse_run)?;
        Some(TaskId { run, task })
    }
}

/// Makes a folder with this mode, whatever the mask says, unless it is there. A link in its place is refused.
pub fn make_folder(path: &Path, mode: u32) -> io::Result<()> {
    match DirBuilder::new().mode(mode).create(path) {
        Ok(()) => fs::set_permissions(path, fs::Permissions::from_mode(mode)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if fs::symlink_metadata(path)?.is_dir() {
                return Ok(());
            }
            Err(not_a_folder(path))
        }
        Err(error) => Err(error),
    }
}

/// Whether the folder of a task, and that of its run, are folders and no links to elsewhere.
pub fn is_real(task: &Path) -> io::Result<()> {
    for path in [task.parent(), Some(task)].into_iter().flatten() {
        if !fs::symlink_metadata(path)?.is_dir() {
            return Err(not_a_folder(path));
        }
    }
    Ok(())
}

fn not_a_folder(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::NotADirectory, format!("{} is not a folder", path.display()))
}

fn parse_run(name: &str) -> Option<RunId> {
    let (job, attempt) = name.split_once('-')?;
    Some(RunId { job: JobId(job.parse().ok()?), attempt: attempt.parse().ok()? })
}

fn parse_task(name: &str) -> Option<u32> {
    name.strip_prefix("task-")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_named_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let runs = Runs::open(&folder.path().join("state")).unwrap();
        let task = TaskId { run: RunId { job: JobId(7), attempt: 2 }, task: 3 };
        let path = runs.task(task);
        fs::create_dir_all(&path).unwrap();
        fs::create_dir_all(runs.state().join("runs/lost+found")).unwrap();
        assert_eq!(runs.tasks().unwrap(), [task]);
        assert_eq!(Runs::task_of(path.to_str().unwrap()), Some(task));
        assert_eq!(Runs::task_of("7-2/task-3"), Some(task));
        assert_eq!(Runs::task_of("task-3"), None);
    }

    #[test]
    fn a_link_is_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/tmp", folder.path().join("runs")).unwrap();
        assert!(make_folder(&folder.path().join("runs"), 0o711).is_err());
    }
}
