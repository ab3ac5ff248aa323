//! Output of the program: two files to which it writes directly.
//!
//! A limit is kept by giving back the disk space of the oldest bytes (holes) while positions stay as they are, so a reader
//! follows by position as ever. Pipes through the shim would copy each byte once more and lose the last ones with the shim;
//! `RLIMIT_FSIZE` would hit checkpoints too and kill the program. Between two looks a file may exceed its limit.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::{FallocateFlags, OFlag, fallocate};

use crate::runs::name;

/// Holes are made in steps of this size, the block of most file systems.
const BLOCK: u64 = 4096;

/// The two files, open to be written at their end.
pub(super) struct Logs {
    pub(super) stdout: File,
    pub(super) stderr: File,
}

impl Logs {
    /// Opens the files in `folder`, owned by `owner` (user and group) so that a program can open `/dev/stdout`. Links and all
    /// that is not a plain file are refused.
    pub(super) fn open(folder: &Path, owner: Option<(u32, u32)>) -> io::Result<Self> {
        let open = |name| {
            let mut options = OpenOptions::new();
            options.append(true).create(true).mode(0o600).custom_flags(OFlag::O_NOFOLLOW.bits());
            let file = options.open(folder.join(name)).map_err(|error| named(name, &error))?;
            if !file.metadata()?.is_file() {
                return Err(named(name, &io::Error::other("not a plain file")));
            }
            if let Some((user, group)) = owner {
                std::os::unix::fs::fchown(&file, Some(user), Some(group))?;
            }
            Ok(file)
        };
        Ok(Self { stdout: open(name::STDOUT)?, stderr: open(name::STDERR)? })
    }

    /// Gives back what is beyond the newest `bytes_max` of each file.
    pub(super) fn trim(&self, bytes_max: u64) {
        for file in [&self.stdout, &self.stderr] {
            // A file system without holes keeps the whole file: the program is not made to suffer for it.
            let _ = trim(file, bytes_max);
        }
    }
}

fn named(name: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot write {name}: {error}"))
}

fn trim(file: &File, bytes_max: u64) -> io::Result<()> {
    let metadata = file.metadata()?;
    let old = metadata.size().saturating_sub(bytes_max) / BLOCK * BLOCK;
    // `blocks` are of 512 bytes. Nothing to do while what is kept, and one block, is all there is.
    if old == 0 || metadata.blocks() * 512 <= bytes_max + BLOCK {
        return Ok(());
    }
    let hole = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    Ok(fallocate(file, hole, 0, i64::try_from(old).unwrap_or(i64::MAX))?)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn the_newest_bytes_are_kept_where_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let mut logs = Logs::open(folder.path(), None).unwrap();
        logs.stdout.write_all(&vec![b'a'; 100_000]).unwrap();
        logs.stdout.write_all(&vec![b'b'; 8192]).unwrap();
        logs.trim(8192);
        let mut text = Vec::new();
        File::open(folder.path().join(name::STDOUT)).unwrap().read_to_end(&mut text).unwrap();
        assert_eq!(text.len(), 108_192);
        assert_eq!(text[0], 0);
        assert!(text[100_000..].iter().all(|byte| *byte == b'b'));
        assert!(logs.stdout.metadata().unwrap().blocks() * 512 <= 8192 + 2 * BLOCK);
    }

    #[test]
    fn a_link_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/tmp/elsewhere", folder.path().join(name::STDERR)).unwrap();
        let error = Logs::open(folder.path(), None).err().unwrap().to_string();
        assert!(error.contains("cannot write stderr"), "{error}");
    }
}
