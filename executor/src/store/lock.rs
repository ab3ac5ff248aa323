//! One server for each state folder.

use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

use super::disk::no_follow;
use super::error::StoreError;

/// The lock of a server. The kernel gives it back when the process ends, however it ends.
#[derive(Debug)]
pub struct ServerLock {
    _file: File,
}

impl ServerLock {
    /// Takes the lock at `path` and writes the process id into it; does not wait.
    pub fn take(path: &Path) -> Result<Self, StoreError> {
        let failed = |action: &'static str| move |source| StoreError::io(action, path, source);
        let open = no_follow().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = open.map_err(failed("open the lock"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Locked { path: path.to_owned(), pid: holder(&file) });
            }
            Err(TryLockError::Error(source)) => return Err(failed("take the lock")(source)),
        }
        let pid = std::process::id().to_string();
        file.set_len(0).and_then(|()| file.write_all(pid.as_bytes())).map_err(failed("write the lock"))?;
        Ok(Self { _file: file })
    }
}

/// Who holds it, as far as the file says.
fn holder(mut file: &File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
