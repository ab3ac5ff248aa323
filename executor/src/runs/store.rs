//! Writing and reading the files of a run, so that each is whole or not there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// No file of a run that is read whole is larger.
const BYTES_MAX: u64 = 16 << 20;

/// When a file must survive a loss of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// Before the call returns.
    Now,
    /// Some time: a crash of the machine may lose it.
    Later,
}

/// Writes a record under `name` in `folder`, whole or not at all.
pub fn write_json<T: Serialize>(folder: &Path, name: &str, record: &T, sync: Sync) -> io::Result<()> {
    let mut text = serde_json::to_vec(record)?;
    text.push(b'\n');
    write_text(folder, name, &text, sync)
}

/// Writes a file under `name` in `folder`, whole or not at all.
pub fn write_text(folder: &Path, name: &str, text: &[u8], sync: Sync) -> io::Result<()> {
    let temporary = folder.join(format!(".{name}.{}", std::process::id()));
    let written = write_and_rename(&temporary, &folder.join(name), text, sync);
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written?;
    if sync == Sync::Now {
        sync_folder(folder)?;
    }
    Ok(())
}

fn write_and_rename(temporary: &Path, path: &Path, text: &[u8], sync: Sync) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600).custom_flags(OFlag::O_NOFOLLOW.bits());
    let mut file = options.open(temporary)?;
    file.write_all(text)?;
    if sync == Sync::Now {
        file.sync_all()?;
    }
    fs::rename(temporary, path)
}

/// Syncs the names in a folder.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes an empty file, or leaves it where it is.
pub fn mark(folder: &Path, name: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600).custom_flags(OFlag::O_NOFOLLOW.bits());
    options.open(folder.join(name)).map(drop)
}

/// Whether there is a file of this name.
pub fn exists(folder: &Path, name: &str) -> bool {
    fs::symlink_metadata(folder.join(name)).is_ok()
}

/// Reads a file; `None` if there is none. Links, and what is not a plain file, are refused.
pub fn read_text(folder: &Path, name: &str) -> io::Result<Option<Vec<u8>>> {
    let path = folder.join(name);
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Err(unsound(&path, "is not a plain file"));
    }
    let mut text = Vec::new();
    if file.take(BYTES_MAX + 1).read_to_end(&mut text)? as u64 > BYTES_MAX {
        return Err(unsound(&path, "is too large"));
    }
    Ok(Some(text))
}

/// Reads a record; `None` if there is none.
pub fn read_json<T: DeserializeOwned>(folder: &Path, name: &str) -> io::Result<Option<T>> {
    let Some(text) = read_text(folder, name)? else { return Ok(None) };
    match serde_json::from_slice(&text) {
        Ok(record) => Ok(Some(record)),
        Err(error) => Err(unsound(&folder.join(name), &format!("is not a sound record: {error}"))),
    }
}

fn unsound(path: &Path, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{} {what}", path.display()))
}

/// Takes the lock at `path`; `None` while another process has it. It is let go when the value is dropped or its process ends.
pub fn lock(path: &Path) -> io::Result<Option<Flock<File>>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(OFlag::O_NOFOLLOW.bits());
    match Flock::lock(options.open(path)?, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, errno)) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_back_and_links_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read_json::<u32>(folder.path(), "n").unwrap(), None);
        write_json(folder.path(), "n", &7, Sync::Now).unwrap();
        assert_eq!(read_json::<u32>(folder.path(), "n").unwrap(), Some(7));
        std::os::unix::fs::symlink("n", folder.path().join("link")).unwrap();
        assert!(read_json::<u32>(folder.path(), "link").is_err());
        assert!(mark(folder.path(), "link").is_err());
        assert!(lock(&folder.path().join("link")).is_err());
    }

    #[test]
    fn a_damaged_record_is_named() {
        let folder = tempfile::tempdir().unwrap();
        write_text(folder.path(), "n", b"7x", Sync::Later).unwrap();
        let error = read_json::<u32>(folder.path(), "n").unwrap_err().to_string();
        assert!(error.contains("/n is not a sound record"), "{error}");
    }

    #[test]
    fn a_lock_is_exclusive() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = lock(&path).unwrap().unwrap();
        assert!(lock(&path).unwrap().is_none());
        drop(held);
        assert!(lock(&path).unwrap().is_some());
    }
}
