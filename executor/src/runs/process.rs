//! Processes of this machine, as `/proc` shows them.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::record::{Process, Started};

/// The variable by which a process of a task is known: the folder of the task.
pub const MARK: &str = "TRAINYARD_RUN_DIR";

/// What `/proc/PID/stat` says of a process that is not dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    parent: i32,
    session: i32,
    start_ticks: u64,
}

/// The process with this number, unless it is dead or there is none.
pub fn find(pid: i32) -> Option<Process> {
    stat(pid).map(|stat| Process { pid, start_ticks: stat.start_ticks })
}

/// Whether this very process is alive.
pub fn lives(process: Process) -> bool {
    find(process.pid) == Some(process)
}

/// Kills this very process, if it is alive.
pub fn kill_process(process: Process) {
    if lives(process) {
        let _ = kill(Pid::from_raw(process.pid), Signal::SIGKILL);
    }
}

fn stat(pid: i32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Source of the fields: proc(5). The name in brackets may hold anything, so fields are counted from the last bracket.
fn parse_stat(text: &str) -> Option<Stat> {
    let mut fields = text[text.rfind(')')? + 1..].split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    let parent = fields.next()?.parse().ok()?;
    let session = fields.nth(1)?.parse().ok()?;
    let start_ticks = fields.nth(15)?.parse().ok()?;
    Some(Stat { parent, session, start_ticks })
}

/// Every process that is not dead, with its parent.
fn all() -> io::Result<Vec<(i32, Stat)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some(stat) = stat(pid) {
            found.push((pid, stat));
        }
    }
    Ok(found)
}

/// Children of a process.
pub fn children(parent: i32) -> io::Result<Vec<i32>> {
    Ok(all()?.into_iter().filter(|(_, stat)| stat.parent == parent).map(|(pid, _)| pid).collect())
}

/// Processes that are marked with `folder` or one below it, each with its mark.
pub fn marked(folder: &Path) -> io::Result<Vec<(i32, PathBuf)>> {
    let all = all()?.into_iter();
    Ok(all.filter_map(|(pid, _)| Some((pid, mark_of(pid)?))).filter(|(_, mark)| mark.starts_with(folder)).collect())
}

/// The mark of a process. One of another user, or one that has just ended, cannot be read: it is none of a task.
fn mark_of(pid: i32) -> Option<PathBuf> {
    let env = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let value = env.split(|byte| *byte == 0).find_map(|line| line.strip_prefix(MARK.as_bytes())?.strip_prefix(b"="))?;
    Some(PathBuf::from(OsStr::from_bytes(value)))
}

/// Kills what is left of a task whose shim is dead, once. Says how many processes there were: to be called again until that
/// is none. They are known by their mark, or by the session of the shim. A process that cleared its environment and left the
/// session is found only through a cgroup.
pub fn kill_leftover(folder: &Path, started: Option<&Started>) -> io::Result<usize> {
    if let Some(program) = started.map(|started| started.program).filter(|program| lives(*program)) {
        // While its leader lives no other group can have this number.
        let _ = killpg(Pid::from_raw(program.pid), Signal::SIGKILL);
    }
    let left = all()?.into_iter().filter(|(pid, stat)| is_left(*pid, *stat, folder, started));
    let left: Vec<i32> = left.map(|(pid, _)| pid).collect();
    for pid in &left {
        let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
    }
    Ok(left.len())
}

fn is_left(pid: i32, stat: Stat, folder: &Path, started: Option<&Started>) -> bool {
    if let Some(mark) = mark_of(pid) {
        return mark == folder;
    }
    let Some(started) = started else { return false };
    if (Process { pid, start_ticks: stat.start_ticks }) == started.program {
        return true;
    }
    // The number of a session is not given again while it has members; if it was, its leader is another process.
    let leader = find(started.shim.pid);
    stat.session == started.shim.pid
        && stat.start_ticks >= started.shim.start_ticks
        && leader.is_none_or(|leader| leader == started.shim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_confuse() {
        let text = "12 (a) R) S 7 12 12 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 991 0 0";
        assert_eq!(parse_stat(text), Some(Stat { parent: 7, session: 12, start_ticks: 991 }));
        assert_eq!(parse_stat("12 (a) Z 7 12"), None);
        assert_eq!(parse_stat("12 (a"), None);
    }

    #[test]
    fn this_process_lives_and_a_later_one_of_its_number_is_another() {
        let own = find(std::process::id().cast_signed()).unwrap();
        assert!(lives(own));
        assert!(!lives(Process { start_ticks: own.start_ticks + 1, ..own }));
    }

    #[test]
    fn a_child_is_found() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        assert!(children(std::process::id().cast_signed()).unwrap().contains(&(child.id().cast_signed())));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
