//! The files that runs leave. Jobs can write in their folders, so no link on the way is followed.

use std::fs::File;
use std::io;
use std::path::Path;

use engine::RunId;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::Mode;
use serde::Deserialize;
use utoipa::ToSchema;

/// Which of the two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stream {
    /// What the program says.
    #[default]
    Stdout,
    /// What it complains about.
    Stderr,
}

impl Stream {
    fn file(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// Opens `runs/<job>-<attempt>/task-<task>/<stream>`; `None` where there is none yet. All parts are numbers and words of ours.
pub(super) fn open_log(runs: &Path, run: RunId, task: u32, stream: Stream) -> io::Result<Option<File>> {
    match opened(runs, run, task, stream) {
        Ok(file) if file.metadata()?.is_file() => Ok(Some(file)),
        Ok(_) => Err(io::Error::other("it is no regular file")),
        Err(Errno::ENOENT) => Ok(None),
        Err(Errno::ELOOP) => Err(io::Error::other("it is a symbolic link")),
        Err(errno) => Err(errno.into()),
    }
}

fn opened(runs: &Path, run: RunId, task: u32, stream: Stream) -> Result<File, Errno> {
    let folder = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let ours = open(runs, folder, Mode::empty())?;
    let of_run =
        openat(&ours, format!("{}-{}", run.job.0, run.attempt).as_str(), folder | OFlag::O_NOFOLLOW, Mode::empty())?;
    let of_task = openat(&of_run, format!("task-{task}").as_str(), folder | OFlag::O_NOFOLLOW, Mode::empty())?;
    // A named pipe must not make us wait.
    let file = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    Ok(File::from(openat(&of_task, stream.file(), file, Mode::empty())?))
}
