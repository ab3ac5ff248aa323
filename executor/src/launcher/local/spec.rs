//! From an order to what a shim starts.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::str::FromStr;

use nix::fcntl::OFlag;
use nix::sys::signal::Signal;
use nix::unistd::{User, fchown};

use super::{Settings, environment};
use crate::launcher::{Gang, Task};
use crate::runs::record::{Limits, Spec};
use crate::runs::{self, Runs, Sync, make_folder, name};

/// What the shim of `task` starts.
///
/// # Errors
///
/// Why such a program cannot be started, for its owner.
pub(super) fn of_task(gang: &Gang, task: &Task, runs: &Runs, settings: &Settings) -> Result<Spec, String> {
    let run = gang.run;
    let group = |path: &Path| path.join(format!("trainyard-{}-{}-{}", run.job.0, run.attempt, task.index));
    Ok(Spec {
        command: gang.job.command.clone(),
        env: environment::of_task(gang, task, runs, &settings.master_ports)?,
        workdir: gang.job.workdir.clone(),
        user: gang.user.clone(),
        signal: signal(&gang.job.signal)? as i32,
        gpus: task.gpus.clone(),
        limits: Limits {
            cpu_milli: task.cpu_milli,
            memory_mib: task.memory_mib,
            log_bytes_max: settings.log_bytes_max,
            cgroup: settings.cgroup.as_deref().map(group),
        },
    })
}

fn signal(name: &str) -> Result<Signal, String> {
    let name = name.to_ascii_uppercase();
    let full = if name.starts_with("SIG") { name } else { format!("SIG{name}") };
    Signal::from_str(&full).map_err(|_| format!("there is no signal named `{full}`"))
}

/// Makes the folders of a run that its tasks share.
pub(super) fn make_shared(gang: &Gang, runs: &Runs) -> io::Result<()> {
    let folder = runs.run(gang.run);
    make_folder(&folder, mode(gang))?;
    if gang.tasks.len() > 1 {
        runs::write_text(&folder, name::HOSTFILE, environment::hostfile(gang).as_bytes(), Sync::Later)?;
        let file = std::fs::File::open(folder.join(name::HOSTFILE))?;
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    }
    let checkpoints = runs.checkpoints(gang.run.job);
    make_folder(&checkpoints, 0o700)?;
    if let Some(name) = &gang.user {
        give(&checkpoints, name)?;
    }
    Ok(())
}

/// The folder of a run is passed through by its user on the way to what the environment names, and read by nobody.
pub(super) fn mode(gang: &Gang) -> u32 {
    if gang.user.is_some() { 0o711 } else { 0o700 }
}

/// Gives a folder to a user. It is opened first, so that a link cannot lead the change elsewhere.
fn give(folder: &Path, user: &str) -> io::Result<()> {
    let Some(user) = User::from_name(user)? else {
        return Err(io::Error::other(format!("there is no user `{user}` on this machine")));
    };
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_DIRECTORY).bits();
    let folder = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(folder)?;
    if std::os::unix::fs::MetadataExt::uid(&folder.metadata()?) != user.uid.as_raw() {
        fchown(folder.as_fd(), Some(user.uid), Some(user.gid))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_go_by_their_short_and_full_names() {
        assert_eq!(signal("usr1"), Ok(Signal::SIGUSR1));
        assert_eq!(signal("SIGTERM"), Ok(Signal::SIGTERM));
        assert!(signal("TREM").unwrap_err().contains("SIGTREM"));
    }
}
