//! Ending what a program leaves behind.

use std::io;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::runs::cgroup::{self, Population};
use crate::runs::process;
use std::path::Path;

/// Longest pause between two rounds of killing: a process in the kernel may take long to die.
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// Children of this process, as far as they have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Children {
    /// There is none.
    None,
    /// Some live.
    Alive,
}

/// Takes the children that have ended, and gives each to `ended`.
pub(super) fn take(mut ended: impl FnMut(Pid, WaitStatus)) -> Children {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => return Children::Alive,
            Ok(status) => {
                if let Some(pid) = status.pid() {
                    ended(pid, status);
                }
            }
            Err(Errno::EINTR) => {}
            Err(_) => return Children::None,
        }
    }
}

/// Kills all that descends from this process, until nothing is left. Who loses its parent becomes a child of this process,
/// so killing children alone reaches everyone, and the number of a child is its own until it is taken here.
pub(super) fn kill_all(group: Option<&Path>) {
    let mut pause = Duration::from_millis(1);
    loop {
        let population = group.map_or(Ok(Population::Empty), cgroup::kill).unwrap_or(Population::Empty);
        if take(|_, _| {}) == Children::None && population == Population::Empty {
            return;
        }
        // Where `/proc` cannot be read now, it can be in the next round.
        let _ = kill_children();
        std::thread::sleep(pause);
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

fn kill_children() -> io::Result<()> {
    for pid in process::children(std::process::id().cast_signed())? {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
    Ok(())
}
