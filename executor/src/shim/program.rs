//! Starting the program: everything up to the byte that lets it go.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, PipeReader};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::unistd::{Pid, User};

use super::logs::Logs;
use super::{Task, here};
use crate::runs::cgroup::Group;
use crate::runs::process::{self, MARK};
use crate::runs::record::{Spec, Started};
use crate::runs::{self, Stamp, Sync, name};

/// A trampoline that waits for one byte on its link to become the program.
pub(super) struct Program {
    pub(super) pid: Pid,
    /// One byte lets it go. It closes by itself when the program is executed; before that, text says why it could not be.
    pub(super) link: UnixStream,
    /// Lines of checkpoints.
    pub(super) saved: PipeReader,
    /// Wakes the shim to look at the wishes.
    pub(super) control: File,
    pub(super) logs: Logs,
    pub(super) cgroup: Option<Group>,
}

/// Starts the trampoline and writes down that its program may run. On an error nothing runs, and nothing will.
pub(super) fn start(task: &Task, prefix: &[OsString]) -> io::Result<Program> {
    // Open for both, so that it never reads as closed.
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let control = OpenOptions::new().read(true).write(true).custom_flags(flags).open(name::CONTROL)?;
    let logs = Logs::open(here(), owner(&task.spec)?)?;
    let (saved, saved_end) = io::pipe()?;
    unblock(&saved)?;
    // The only descriptor beside the three usual ones that the program inherits.
    fcntl(&saved_end, FcntlArg::F_SETFD(FdFlag::empty()))?;
    let (link, far_link) = UnixStream::pair()?;
    let pid = trampoline(task, prefix, saved_end.as_raw_fd(), &logs, far_link)?;
    drop(saved_end);
    link.set_nonblocking(true)?;
    let cgroup = task.spec.limits.cgroup.as_deref().and_then(|path| enter(path, task, pid));
    let program = Program { pid, link, saved, control, logs, cgroup };
    if let Err(error) = write_started(task, &program) {
        // The link closes here, and the trampoline ends without having run anything.
        let _ = std::fs::remove_file(name::STARTED);
        return Err(io::Error::new(error.kind(), format!("cannot write down the start: {error}")));
    }
    Ok(program)
}

fn trampoline(task: &Task, prefix: &[OsString], saved_fd: i32, logs: &Logs, link: UnixStream) -> io::Result<Pid> {
    let mut command = Command::new("/proc/self/exe");
    command.args(prefix).arg("--exec").arg(saved_fd.to_string()).arg(std::process::id().to_string());
    command.env_clear().env(MARK, &task.folder).process_group(0);
    command.stdin(OwnedFd::from(link)).stdout(logs.stdout.try_clone()?).stderr(logs.stderr.try_clone()?);
    let child = command.spawn()?;
    Ok(Pid::from_raw(child.id().cast_signed()))
}

/// Puts the trampoline into the group of the task. Where that fails, the record of the start says that no limit is enforced.
fn enter(path: &Path, task: &Task, pid: Pid) -> Option<Group> {
    let group = Group::make(path, &task.spec.limits).ok()?;
    group.add(pid.as_raw()).ok()?;
    Some(group)
}

fn write_started(task: &Task, program: &Program) -> io::Result<()> {
    let gone = || io::Error::other("the process is gone");
    let mut enforced = program.cgroup.as_ref().map_or_else(Vec::new, |group| group.enforced.clone());
    enforced.push("RLIMIT_CORE".to_owned());
    let started = Started {
        program: process::find(program.pid.as_raw()).ok_or_else(gone)?,
        shim: process::find(std::process::id().cast_signed()).ok_or_else(gone)?,
        at: Stamp::now(),
        gpus: task.spec.gpus.clone(),
        enforced,
        cgroup: program.cgroup.as_ref().and(task.spec.limits.cgroup.clone()),
    };
    runs::write_json(here(), name::STARTED, &started, Sync::Now)?;
    // Folders of the run and of all runs: a record is as lost with its folder as without it.
    runs::sync_folder(Path::new(".."))?;
    runs::sync_folder(Path::new("../.."))
}

/// User and group of the files that the program writes, if it is another user than this process.
fn owner(spec: &Spec) -> io::Result<Option<(u32, u32)>> {
    let Some(name) = &spec.user else { return Ok(None) };
    match User::from_name(name)? {
        Some(user) if user.uid == nix::unistd::geteuid() => Ok(None),
        Some(user) => Ok(Some((user.uid.as_raw(), user.gid.as_raw()))),
        None => Err(io::Error::other(format!("there is no user `{name}` on this machine"))),
    }
}

fn unblock<F: AsFd>(file: &F) -> io::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(file, FcntlArg::F_GETFL)?);
    fcntl(file, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(())
}
