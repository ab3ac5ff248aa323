//! One task as the server sees it: what its records say, and what is to be done when its shim is not there.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;

use crate::launcher::End;
use crate::runs::cgroup::{self, Population};
use crate::runs::process::{self, MARK};
use crate::runs::record::{Ended, Saved, Spec, Started};
use crate::runs::{self, Runs, Stamp, Sync, TaskId, make_folder, name};

/// How often a shim is started anew that died before it had started its program.
const SHIMS_MAX: u32 = 3;

/// Most bytes of checkpoints that are read at a time.
const SAVED_BYTES_MAX: u64 = 1 << 20;

/// How a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Its shim has it, or is about to.
    Watched,
    /// Its shim is dead; what it left behind is being killed.
    Clearing,
    /// It has ended.
    Over,
}

/// What is needed to start shims.
pub(super) struct Shims {
    /// The program and its first arguments.
    pub(super) command: Vec<OsString>,
    /// Where they complain.
    pub(super) log: PathBuf,
    /// How long a kill may go without an answer.
    pub(super) patience: Duration,
}

/// A task that is watched.
pub(super) struct TaskWatch {
    folder: PathBuf,
    mode: u32,
    spec: Result<Spec, String>,
    shim: Option<Child>,
    shims: u32,
    standing: Standing,
    /// The program was executed.
    pub(super) running: bool,
    /// How it ended, when it has.
    pub(super) ended: Option<Ended>,
    saved_position: u64,
    saved_lines: u32,
    kill_asked: Option<Instant>,
}

impl TaskWatch {
    /// A task of which nothing is known yet: to be examined next.
    pub(super) fn new(runs: &Runs, id: TaskId, mode: u32, spec: Result<Spec, String>) -> Self {
        Self {
            folder: runs.task(id),
            mode,
            spec,
            shim: None,
            shims: 0,
            standing: Standing::Watched,
            running: false,
            ended: None,
            saved_position: 0,
            saved_lines: 0,
            kill_asked: None,
        }
    }

    /// The process of its shim, if it is a child of this one.
    pub(super) fn into_shim(self) -> Option<Child> {
        self.shim
    }

    pub(super) fn standing(&self) -> Standing {
        self.standing
    }

    /// Reads what the shim has written since the last look. Checkpoints are returned with their numbers.
    pub(super) fn look(&mut self) -> Vec<(u32, Saved)> {
        self.look_for_end();
        // After the end, so that no checkpoint from before it is missed.
        self.running = self.running || runs::exists(&self.folder, name::RUNNING);
        let numbered = |saved| {
            self.saved_lines += 1;
            (self.saved_lines, saved)
        };
        let position = &mut self.saved_position;
        new_lines(&self.folder.join(name::SAVED), position).unwrap_or_default().into_iter().map(numbered).collect()
    }

    /// Reads the record of the end, if it is there.
    pub(super) fn look_for_end(&mut self) {
        if self.standing == Standing::Over {
            return;
        }
        match runs::read_json(&self.folder, name::ENDED) {
            Ok(Some(ended)) => self.over(ended),
            // Records are renamed into place whole: this one was damaged, and that is all there will be to know.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                self.over(Ended { end: End::Lost(error.to_string()), at: Stamp::now() });
            }
            // It has not ended; or we are out of descriptors, say: the next sweep looks again.
            Ok(None) | Err(_) => {}
        }
    }

    fn over(&mut self, ended: Ended) {
        self.standing = Standing::Over;
        self.ended = Some(ended);
    }

    /// Makes sure that a shim has the task, or that its end is known. Called first thing, and again in every sweep.
    pub(super) fn examine(&mut self, shims: &Shims) {
        if self.standing == Standing::Over {
            return;
        }
        if let Err(error) = self.try_examine(shims) {
            // Where the lock never was, no shim ever was; else nobody knows, and the next sweep tries again.
            if !runs::exists(&self.folder, name::LOCK) {
                self.conclude(End::NotStarted(error.to_string()));
            }
        }
    }

    fn try_examine(&mut self, shims: &Shims) -> io::Result<()> {
        make_folder(&self.folder, self.mode)?;
        runs::is_real(&self.folder)?;
        self.look_for_end();
        if self.standing == Standing::Over {
            return Ok(());
        }
        let Some(lock) = runs::lock(&self.folder.join(name::LOCK))? else {
            self.be_impatient(shims.patience);
            return Ok(());
        };
        // The shim may have ended since.
        self.look_for_end();
        if self.standing == Standing::Over {
            return Ok(());
        }
        if runs::exists(&self.folder, name::STARTED) {
            self.clear();
        } else if let Err(error) = self.start_shim(shims) {
            self.conclude(End::NotStarted(error.to_string()));
        }
        drop(lock);
        Ok(())
    }

    /// With the lock in hand and nothing started: starts a shim, unless one is on its way. A late shim finds another
    /// generation than its own.
    fn start_shim(&mut self, shims: &Shims) -> io::Result<()> {
        if let Some(child) = &mut self.shim {
            match child.try_wait()? {
                None => return Ok(()),
                Some(status) => refused(status)?,
            }
        }
        if self.shims >= SHIMS_MAX {
            return Err(io::Error::other("its shims died before they had started it"));
        }
        let spec = self.spec.as_ref().map_err(|why| io::Error::other(why.clone()))?;
        // Its bytes may be damaged by a loss of power. No shim is alive, so any number that none of them had will do.
        let last = runs::read_json::<u64>(&self.folder, name::GENERATION).unwrap_or_default().unwrap_or(0);
        let generation = last + 1;
        if !runs::exists(&self.folder, name::CONTROL) {
            nix::unistd::mkfifo(&self.folder.join(name::CONTROL), Mode::S_IRUSR | Mode::S_IWUSR)?;
        }
        runs::write_json(&self.folder, name::SPEC, spec, Sync::Later)?;
        runs::write_json(&self.folder, name::GENERATION, &generation, Sync::Later)?;
        let log = OpenOptions::new().append(true).create(true).mode(0o600).open(&shims.log)?;
        let mut command = Command::new(&shims.command[0]);
        command.args(&shims.command[1..]).arg(&self.folder).arg(generation.to_string());
        command.env_clear().env(MARK, &self.folder).current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.shim = Some(command.spawn()?);
        self.shims += 1;
        Ok(())
    }

    /// With the lock in hand, and a program that was started without a record of its end: its shim is dead. Kills what is
    /// left, and knows no more than that when nothing is.
    fn clear(&mut self) {
        self.standing = Standing::Clearing;
        let started = match runs::read_json::<Started>(&self.folder, name::STARTED) {
            Ok(started) => started,
            // Only the marks of its processes are left to go by.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => None,
            Err(_) => return,
        };
        if started.as_ref().is_some_and(|started| !started.at.of_this_boot()) {
            return self.conclude(End::Lost("the machine was restarted while it ran".to_owned()));
        }
        let group = started.as_ref().and_then(|started| started.cgroup.as_deref());
        let population = group.map_or(Ok(Population::Empty), cgroup::kill).unwrap_or(Population::Dying);
        let left = process::kill_leftover(&self.folder, started.as_ref());
        // Not known is not gone.
        if population == Population::Dying || !left.is_ok_and(|left| left == 0) {
            return;
        }
        if let Some(group) = group {
            cgroup::remove(group);
        }
        let killed = runs::exists(&self.folder, name::KILL);
        let lost = End::Lost("its shim was killed".to_owned());
        self.conclude(if killed { End::Signalled(Signal::SIGKILL as i32) } else { lost });
    }

    /// Writes down an end that no shim will write. On a full disk the end is reported all the same; so that no shim can start
    /// the task after that, it is left nothing to start.
    fn conclude(&mut self, end: End) {
        let ended = Ended { end, at: Stamp::now() };
        if runs::is_real(&self.folder).is_err() {
            // Nothing is written through a link; the next server finds it as this one did.
            return self.over(ended);
        }
        if runs::write_json(&self.folder, name::ENDED, &ended, Sync::Now).is_err() {
            let _ = std::fs::remove_file(self.folder.join(name::SPEC));
        }
        self.over(ended);
    }

    /// Tells the shim to stop or kill its program.
    pub(super) fn wish(&mut self, wish: &str) {
        if self.standing == Standing::Over {
            return;
        }
        if wish == name::KILL && self.kill_asked.is_none() {
            self.kill_asked = Some(Instant::now());
        }
        // Without a folder it was never started, and will find the wish when it is.
        if make_folder(&self.folder, self.mode).is_ok() {
            leave_wish(&self.folder, wish);
        }
    }

    fn be_impatient(&self, patience: Duration) {
        if self.kill_asked.is_none_or(|asked| asked.elapsed() < patience) {
            return;
        }
        if let Ok(Some(started)) = runs::read_json::<Started>(&self.folder, name::STARTED) {
            process::kill_process(started.shim);
        }
    }
}

/// Leaves a wish in the folder of a task and wakes its shim.
pub(super) fn leave_wish(folder: &Path, wish: &str) {
    // Without a folder there is nothing to be stopped.
    if runs::mark(folder, wish).is_err() {
        return;
    }
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    // Nobody reads when the shim is not there yet, and it will look before it starts anything; or not there any more. A full
    // pipe wakes it as well.
    if let Ok(mut control) = OpenOptions::new().write(true).custom_flags(flags).open(folder.join(name::CONTROL)) {
        let _ = control.write(b"!");
    }
}

/// What the exit of a shim that started nothing says: nothing if another has the task or it was killed.
fn refused(status: ExitStatus) -> io::Result<()> {
    match status.code() {
        None | Some(0) => Ok(()),
        Some(errno) => {
            let why = io::Error::from_raw_os_error(errno);
            Err(io::Error::new(why.kind(), format!("the shim could not start it: {why}")))
        }
    }
}

/// Whole lines beyond `position`, which is moved behind them.
fn new_lines(path: &Path, position: &mut u64) -> io::Result<Vec<Saved>> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let mut file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.len() <= *position {
        return Ok(Vec::new());
    }
    file.seek(SeekFrom::Start(*position))?;
    let mut text = Vec::new();
    file.take(SAVED_BYTES_MAX).read_to_end(&mut text)?;
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    *position += whole as u64;
    let lines = text[..whole].split(|byte| *byte == b'\n');
    Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn lines_are_read_once_and_only_whole_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("saved");
        let line = |name: &str| {
            let saved = Saved { at: Stamp::now(), checkpoint: name.to_owned() };
            serde_json::to_string(&saved).unwrap()
        };
        let (a, b) = (line("a"), line("b"));
        std::fs::write(&path, format!("{a}\n{}", &b[..5])).unwrap();
        let mut position = 0;
        let names = |lines: Vec<Saved>| lines.into_iter().map(|line| line.checkpoint).collect::<Vec<_>>();
        assert_eq!(names(new_lines(&path, &mut position).unwrap()), ["a"]);
        assert!(new_lines(&path, &mut position).unwrap().is_empty());
        std::fs::write(&path, format!("{a}\n{b}\n")).unwrap();
        assert_eq!(names(new_lines(&path, &mut position).unwrap()), ["b"]);
        assert!(new_lines(&path, &mut position).unwrap().is_empty());
    }

    #[test]
    fn the_exit_of_a_shim_says_why() {
        assert!(refused(ExitStatus::from_raw(0)).is_ok());
        assert!(refused(ExitStatus::from_raw(9)).is_ok());
        let full = refused(ExitStatus::from_raw(28 << 8)).unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    }
}
