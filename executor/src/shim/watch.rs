//! The life of a program under its shim, from the byte that lets it go to the record of its end.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, kill, killpg};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::WaitStatus;

use super::program::Program;
use super::saved::SavedLines;
use super::{Task, here, hint, reap};
use crate::launcher::End;
use crate::runs::{self, cgroup, name};

/// How often the sizes of the logs are looked at, in milliseconds.
const LOOK_MS: u16 = 1000;

/// Most bytes of the reason why a program could not be executed.
const REFUSAL_BYTES_MAX: usize = 4096;

struct Watch<'a> {
    task: &'a Task,
    program: Program,
    saved: SavedLines,
    /// Text from the trampoline, until it has become the program.
    refusal: Vec<u8>,
    executed: Executed,
    wish: Wish,
    status: Option<WaitStatus>,
}

/// Whether the trampoline has become the program.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Executed {
    NotYet,
    Yes,
    Refused,
    /// It was not let go.
    Never,
}

/// What the server wants of the program.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wish {
    Run,
    Stop,
    Kill,
}

/// Lets the program go, unless it is not wanted any more, and stays with it until nothing of it is alive and its end is on disk.
pub(super) fn to_the_end(task: &Task, program: Program) -> io::Result<()> {
    let mut watch = Watch {
        task,
        program,
        saved: SavedLines::default(),
        refusal: Vec::new(),
        executed: Executed::NotYet,
        wish: wish(),
        status: None,
    };
    let unwanted = match watch.wish {
        Wish::Run => None,
        Wish::Stop => Some(task.spec.signal),
        Wish::Kill => Some(Signal::SIGKILL as i32),
    };
    let mut children = SigSet::empty();
    children.add(Signal::SIGCHLD);
    let ends = SignalFd::with_flags(&children, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    if unwanted.is_some() {
        watch.executed = Executed::Never;
        watch.kill();
    } else {
        watch.program.link.write_all(b"!")?;
    }
    while watch.status.is_none() {
        watch.wait(&ends)?;
        watch.look();
    }
    let end = watch.clear();
    task.end(unwanted.map_or(end, End::Signalled));
    Ok(())
}

fn wish() -> Wish {
    if runs::exists(here(), name::KILL) {
        Wish::Kill
    } else if runs::exists(here(), name::STOP) {
        Wish::Stop
    } else {
        Wish::Run
    }
}

impl Watch<'_> {
    /// Waits until something may have happened.
    fn wait(&self, ends: &SignalFd) -> io::Result<()> {
        let limited = self.task.spec.limits.log_bytes_max > 0;
        let timeout = if limited || self.saved.waits() { PollTimeout::from(LOOK_MS) } else { PollTimeout::NONE };
        let link = if self.executed == Executed::NotYet { PollFlags::POLLIN } else { PollFlags::empty() };
        let saved = if self.saved.closed() { PollFlags::empty() } else { PollFlags::POLLIN };
        let mut files = vec![
            PollFd::new(ends.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.program.control.as_fd(), PollFlags::POLLIN),
        ];
        // A closed one would be ready for ever.
        if !link.is_empty() {
            files.push(PollFd::new(self.program.link.as_fd(), link));
        }
        if !saved.is_empty() {
            files.push(PollFd::new(self.program.saved.as_fd(), saved));
        }
        match poll(&mut files, timeout) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        while let Ok(Some(_)) = ends.read_signal() {}
        Ok(())
    }

    /// Looks at everything: that is cheaper than to be wrong about what has happened.
    fn look(&mut self) {
        self.look_at_link();
        self.follow_wish();
        if self.saved.take(&mut self.program.saved) {
            hint::send(&self.task.folder);
        }
        let (pid, status) = (self.program.pid, &mut self.status);
        reap::take(|child, how| {
            if child == pid {
                *status = Some(how);
            }
        });
        if self.task.spec.limits.log_bytes_max > 0 {
            self.program.logs.trim(self.task.spec.limits.log_bytes_max);
        }
    }

    fn look_at_link(&mut self) {
        if self.executed != Executed::NotYet || !read_to_close(&mut self.program.link, &mut self.refusal) {
            return;
        }
        if !self.refusal.is_empty() {
            self.executed = Executed::Refused;
            return;
        }
        self.executed = Executed::Yes;
        // Lost only on a full disk: then the run is seen to have started when it ends.
        let _ = runs::mark(here(), name::RUNNING);
        hint::send(&self.task.folder);
    }

    /// Signals at most once for each wish. The program is a child that has not been waited for, so its number is its own.
    fn follow_wish(&mut self) {
        let mut drain = [0; 64];
        while self.program.control.read(&mut drain).is_ok_and(|read| read > 0) {}
        let now = wish();
        if now <= self.wish {
            return;
        }
        self.wish = now;
        match now {
            Wish::Run => {}
            Wish::Stop => {
                if let Ok(signal) = Signal::try_from(self.task.spec.signal) {
                    let _ = killpg(self.program.pid, signal);
                }
            }
            Wish::Kill => self.kill(),
        }
    }

    fn kill(&self) {
        let _ = killpg(self.program.pid, Signal::SIGKILL);
        // It may have left its group.
        let _ = kill(self.program.pid, Signal::SIGKILL);
    }

    /// After the program has ended: ends what it left behind, takes what it said last.
    fn clear(&mut self) -> End {
        let group = self.task.spec.limits.cgroup.as_deref().filter(|_| self.program.cgroup.is_some());
        reap::kill_all(group);
        if let Some(group) = group {
            cgroup::remove(group);
        }
        self.look_at_link();
        self.saved.take_last(&mut self.program.saved);
        if self.executed == Executed::Refused {
            return End::NotStarted(String::from_utf8_lossy(&self.refusal).into_owned());
        }
        match self.status {
            Some(WaitStatus::Exited(_, code)) => End::Exited(code),
            Some(WaitStatus::Signaled(_, signal, _)) => End::Signalled(signal as i32),
            other => End::Lost(format!("the program ended in an unknown way: {other:?}")),
        }
    }
}

/// Reads what is there. Whether the other side has closed.
fn read_to_close(link: &mut UnixStream, text: &mut Vec<u8>) -> bool {
    let mut buffer = [0; 512];
    loop {
        match link.read(&mut buffer) {
            Ok(0) => return true,
            Ok(read) => {
                let room = REFUSAL_BYTES_MAX.saturating_sub(text.len());
                text.extend_from_slice(&buffer[..read.min(room)]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
        }
    }
}
