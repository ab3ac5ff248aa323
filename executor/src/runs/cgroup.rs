//! Groups of control (cgroup v2): limits of a task, and a kill that nothing escapes.
//!
//! Source: Linux, Documentation/admin-guide/cgroup-v2.rst.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::record::Limits;

/// Period of `cpu.max` in microseconds, the default of the kernel.
const PERIOD_US: u64 = 100_000;

/// The group of a task.
#[derive(Clone, Debug)]
pub struct Group {
    path: PathBuf,
    /// Names of what the kernel enforces through it.
    pub enforced: Vec<String>,
}

/// The group of this process, if it may make groups below it: `None` where there is no cgroup v2, or another owns it.
pub fn own() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let mount = mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let path = fields.next()?;
        (fields.next()? == "cgroup2").then_some(path)
    })?;
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let path = Path::new(mount).join(group);
    let writable = nix::unistd::access(&path, nix::unistd::AccessFlags::W_OK).is_ok();
    writable.then_some(path)
}

impl Group {
    /// Makes the group at `path` with the limits that its parent passes on.
    pub fn make(path: &Path, limits: &Limits) -> io::Result<Self> {
        match fs::create_dir(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let mut group = Self { path: path.to_owned(), enforced: vec!["cgroup.kill".to_owned()] };
        if limits.memory_mib > 0 {
            group.limit("memory.max", &(u64::from(limits.memory_mib) << 20).to_string());
            // A task that swaps is as bad for its neighbours as one that takes their memory.
            group.limit("memory.swap.max", "0");
        }
        if limits.cpu_milli > 0 {
            let quota_us = u64::from(limits.cpu_milli) * PERIOD_US / 1000;
            group.limit("cpu.max", &format!("{quota_us} {PERIOD_US}"));
        }
        Ok(group)
    }

    /// Sets a limit; where the controller is not there, it is not among the enforced.
    fn limit(&mut self, name: &str, value: &str) {
        let path = self.path.join(name);
        if path.exists() && fs::write(path, value).is_ok() {
            self.enforced.push(name.to_owned());
        }
    }

    /// Moves a process into the group.
    pub fn add(&self, pid: i32) -> io::Result<()> {
        fs::write(self.path.join("cgroup.procs"), pid.to_string())
    }
}

/// Kills every process of a group. Says whether it was empty, or is not there.
pub fn kill(path: &Path) -> io::Result<Population> {
    let Some(events) = present(fs::read_to_string(path.join("cgroup.events")))? else { return Ok(Population::Empty) };
    if events.lines().any(|line| line == "populated 0") {
        return Ok(Population::Empty);
    }
    present(fs::write(path.join("cgroup.kill"), "1"))?;
    Ok(Population::Dying)
}

/// Removes an empty group.
pub fn remove(path: &Path) {
    // Left behind at worst: an empty folder in the tree of groups.
    let _ = fs::remove_dir(path);
}

/// Whether a group has processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Population {
    /// None.
    Empty,
    /// They have been sent a kill.
    Dying,
}

fn present<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plain folder in place of a group: what is written and read, not what the kernel makes of it.
    #[test]
    fn only_limits_whose_controller_is_there_are_said_to_be_enforced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("cpu.max"), "max").unwrap();
        let limits = Limits { cpu_milli: 1500, memory_mib: 64, ..Limits::default() };
        let group = Group::make(folder.path(), &limits).unwrap();
        assert_eq!(group.enforced, ["cgroup.kill", "cpu.max"]);
        assert_eq!(fs::read_to_string(folder.path().join("cpu.max")).unwrap(), "150000 100000");
    }

    #[test]
    fn a_group_is_killed_until_it_is_empty_and_a_missing_one_is() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("cgroup.events"), "populated 1\nfrozen 0\n").unwrap();
        assert_eq!(kill(folder.path()).unwrap(), Population::Dying);
        assert_eq!(fs::read_to_string(folder.path().join("cgroup.kill")).unwrap(), "1");
        fs::write(folder.path().join("cgroup.events"), "populated 0\nfrozen 0\n").unwrap();
        assert_eq!(kill(folder.path()).unwrap(), Population::Empty);
        assert_eq!(kill(&folder.path().join("missing")).unwrap(), Population::Empty);
    }
}
