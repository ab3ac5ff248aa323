//! Checkpoints: each line that the program writes on its descriptor is kept on disk before the server hears of it.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, PipeReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use nix::fcntl::OFlag;

use super::here;
use crate::runs::record::Saved;
use crate::runs::{Stamp, name, sync_folder};

/// Most bytes of the name of a checkpoint; what is beyond is cut off.
const LINE_BYTES_MAX: usize = 4096;

/// Most lines that are kept of one instant.
const LINES_MAX: usize = 64;

/// Most reads at a time: a pipe holds 64 KiB.
const READS_MAX: usize = 16;

/// How often the last lines are tried again when the disk is full, and the pause between.
const TRIES_MAX: u32 = 30;
const TRY_PAUSE: Duration = Duration::from_secs(1);

/// Lines on their way from the program to the disk.
#[derive(Default)]
pub(super) struct SavedLines {
    /// The start of a line whose end has not come.
    begun: Vec<u8>,
    /// Lines that are not on disk yet.
    waiting: VecDeque<Saved>,
    file: Option<File>,
    closed: bool,
}

impl SavedLines {
    /// Whether there are lines that could not be written yet.
    pub(super) fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether nobody can write to the pipe any more.
    pub(super) fn closed(&self) -> bool {
        self.closed
    }

    /// Takes what is in the pipe, at most as much as it can hold, and writes whole lines to disk. Whether there are new ones.
    pub(super) fn take(&mut self, pipe: &mut PipeReader) -> bool {
        let mut buffer = [0; 4096];
        for _ in 0..READS_MAX {
            match pipe.read(&mut buffer) {
                Ok(0) => {
                    self.closed = true;
                    break;
                }
                Ok(read) => self.split(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        // The newest is the one to resume from; a flood of lines must not become a flood of records.
        let surplus = self.waiting.len().saturating_sub(LINES_MAX);
        self.waiting.drain(..surplus);
        let written = self.waits() && append(&mut self.file, &self.waiting).is_ok();
        if written {
            self.waiting.clear();
        }
        written
    }

    /// Takes the rest, also a last line without an end, and waits a while for a full disk.
    pub(super) fn take_last(&mut self, pipe: &mut PipeReader) {
        self.take(pipe);
        if !self.begun.is_empty() {
            self.split(b"\n");
        }
        for _ in 0..TRIES_MAX {
            self.take(pipe);
            if !self.waits() {
                return;
            }
            std::thread::sleep(TRY_PAUSE);
        }
    }

    fn split(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte == b'\n' {
                let checkpoint = String::from_utf8_lossy(&self.begun).trim().to_owned();
                self.waiting.push_back(Saved { at: Stamp::now(), checkpoint });
                self.begun.clear();
            } else if self.begun.len() < LINE_BYTES_MAX {
                self.begun.push(*byte);
            }
        }
    }
}

fn append(file: &mut Option<File>, lines: &VecDeque<Saved>) -> io::Result<()> {
    let mut text = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
    }
    if file.is_none() {
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600).custom_flags(OFlag::O_NOFOLLOW.bits());
        *file = Some(options.open(name::SAVED)?);
        sync_folder(here())?;
    }
    let Some(file) = file else { return Ok(()) };
    let length = file.metadata()?.len();
    let written = file.write_all(&text).and_then(|()| file.sync_data());
    if written.is_err() {
        // Half a line would spoil the next one.
        file.set_len(length)?;
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_wherever_they_are_read_and_cut_when_too_long() {
        let mut lines = SavedLines::default();
        lines.split(b"a/");
        lines.split(b"b\n\nc");
        lines.split(&vec![b'x'; 2 * LINE_BYTES_MAX]);
        lines.split(b"\n");
        let names: Vec<usize> = lines.waiting.iter().map(|line| line.checkpoint.len()).collect();
        assert_eq!(names, [3, 0, LINE_BYTES_MAX]);
        assert_eq!(lines.waiting[0].checkpoint, "a/b");
        assert!(lines.begun.is_empty());
    }
}
