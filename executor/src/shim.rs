//! The shim: a small process between the server and a program, which outlives the server.
//!
//! ```text
//!   lock ─▶ generation ─▶ no started.json ─▶ trampoline, waiting ─▶ started.json synced ─▶ go ─▶ program runs
//!        ─▶ program has ended ─▶ descendants killed ─▶ ended.json synced ─▶ hint to the server ─▶ exit
//! ```
//!
//! A program runs at most once for each attempt: it is let go only by a process that has the lock of the task, has found no
//! `started.json`, and has written one that is on disk. If the shim is killed, the program is killed by the kernel
//! (`PR_SET_PDEATHSIG`); what it had started is killed by the server, which finds the lock free.
//!
//! The shim runs in an environment of its own, cleared by the server, so a job cannot reach it by `LD_PRELOAD` and the like.
//! Nothing of ours runs between fork and exec: the shim starts itself again as a trampoline (`exec`).

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::Flock;
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};

use crate::launcher::End;
use crate::runs::record::{Ended, Spec};
use crate::runs::{self, Stamp, Sync, name};

mod exec;
mod hint;
mod logs;
mod program;
mod reap;
mod saved;
mod watch;

/// How long a shim waits for the lock: a server that starts it lets go at once.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// Exit code of a shim that was not needed: another one has, or had, the task.
pub const NOT_NEEDED: u8 = 0;

/// What this process is, by its arguments.
enum Role {
    /// `DIR GENERATION`.
    Shim { folder: PathBuf, generation: u64 },
    /// `--exec SAVED_FD SHIM_PID`.
    Trampoline { saved_fd: i32, shim: i32 },
}

/// Runs the shim of the folder and generation that are the last two arguments of this process. The exit code is 0 when the
/// task was brought to its end or another shim has it, 2 when the arguments make no sense, else the number of the error for
/// which nothing was started. To be called first thing in `main`, before any thread is started.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    match parse(&arguments) {
        Some(Role::Shim { folder, generation }) => {
            let prefix = &arguments[1..arguments.len() - 2];
            ExitCode::from(run(&folder, generation, prefix).unwrap_or_else(|error| complain(&folder, &error)))
        }
        Some(Role::Trampoline { saved_fd, shim }) => exec::main(saved_fd, shim),
        None => ExitCode::from(2),
    }
}

fn parse(arguments: &[OsString]) -> Option<Role> {
    let [first, second] = arguments.get(arguments.len().checked_sub(2)?..)? else { return None };
    let number = second.to_str()?.parse::<u64>().ok()?;
    if arguments.len() >= 3 && arguments[arguments.len() - 3] == "--exec" {
        let shim = i32::try_from(number).ok()?;
        return Some(Role::Trampoline { saved_fd: first.to_str()?.parse().ok()?, shim });
    }
    Some(Role::Shim { folder: PathBuf::from(first), generation: number })
}

/// Says on stderr, which is the common log of the shims, why nothing was started. The exit code is the number of the error.
fn complain(folder: &Path, error: &io::Error) -> u8 {
    let _ = writeln!(io::stderr(), "{}: {error}", folder.display());
    let full = (error.kind() == io::ErrorKind::StorageFull).then_some(Errno::ENOSPC as i32);
    let code = error.raw_os_error().or(full).unwrap_or(Errno::EIO as i32);
    u8::try_from(code).unwrap_or(Errno::EIO as i32 as u8)
}

/// A task under its lock.
pub(crate) struct Task {
    /// Its folder, which is also the current one.
    folder: PathBuf,
    spec: Spec,
    lock: Flock<File>,
}

fn run(folder: &Path, generation: u64, prefix: &[OsString]) -> io::Result<u8> {
    close_inherited()?;
    // Fails only for a process that leads a group, and then it is alone already.
    let _ = nix::unistd::setsid();
    std::env::set_current_dir(folder)?;
    quiet_signals()?;
    prctl::set_child_subreaper(true)?;
    let Some(lock) = wait_for_lock()? else { return Ok(NOT_NEEDED) };
    let Some(spec) = claim(generation)? else { return Ok(NOT_NEEDED) };
    let task = Task { folder: folder.to_owned(), spec, lock };
    match program::start(&task, prefix) {
        Ok(program) => {
            watch::to_the_end(&task, program)?;
            Ok(0)
        }
        Err(error) => {
            let end = End::NotStarted(error.to_string());
            let ended = Ended { end, at: Stamp::now() };
            runs::write_json(here(), name::ENDED, &ended, Sync::Now).map_err(|_| error)?;
            hint::send(&task.folder);
            Ok(0)
        }
    }
}

/// Closes what whoever started the server left open: it would reach the program, and outlive the server with it.
fn close_inherited() -> io::Result<()> {
    let names = std::fs::read_dir("/proc/self/fd")?.map(|entry| Ok(entry?.file_name()));
    let names = names.collect::<io::Result<Vec<OsString>>>()?;
    // Nothing is open here yet but the three usual ones. The one by which the list was read is closed already.
    for fd in names.iter().filter_map(|name| name.to_str()?.parse::<i32>().ok()).filter(|fd| *fd > 2) {
        let _ = nix::unistd::close(fd);
    }
    Ok(())
}

/// The folder of the task: the shim stays in it, so that paths are short and cannot be moved away.
pub(crate) fn here() -> &'static Path {
    Path::new(".")
}

/// The shim ends with its program, not by signals meant for the server or its terminal.
fn quiet_signals() -> io::Result<()> {
    let mut quiet = SigSet::all();
    for signal in [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGILL, Signal::SIGFPE, Signal::SIGABRT] {
        quiet.remove(signal);
    }
    Ok(quiet.thread_set_mask()?)
}

fn wait_for_lock() -> io::Result<Option<Flock<File>>> {
    let pause = Duration::from_millis(5);
    let mut waited = Duration::ZERO;
    loop {
        if let Some(lock) = runs::lock(Path::new(name::LOCK))? {
            return Ok(Some(lock));
        }
        if waited >= LOCK_WAIT {
            return Ok(None);
        }
        std::thread::sleep(pause);
        waited += pause;
    }
}

/// What is to be started, if it is this shim that shall start it and nobody has.
fn claim(generation: u64) -> io::Result<Option<Spec>> {
    let current = runs::read_json::<u64>(here(), name::GENERATION)?;
    let over = runs::exists(here(), name::STARTED) || runs::exists(here(), name::ENDED);
    if current != Some(generation) || over {
        return Ok(None);
    }
    runs::read_json(here(), name::SPEC)
}

impl Task {
    /// Writes down how the task ended, as often as it takes: while the disk is full the shim keeps the lock, so nobody thinks
    /// that nobody knows.
    fn end(&self, end: End) {
        let ended = Ended { end, at: Stamp::now() };
        while let Err(error) = runs::write_json(here(), name::ENDED, &ended, Sync::Now) {
            if !self.lock.metadata().is_ok_and(|lock| lock.nlink() > 0) {
                // The folder was removed: nobody is interested any more.
                return;
            }
            complain(&self.folder, &error);
            std::thread::sleep(Duration::from_secs(1));
        }
        hint::send(&self.folder);
    }
}
