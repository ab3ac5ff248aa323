//! What the journal asks of a disk: few operations, so that tests can stand in for a disk that fails or forgets.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::OFlag;

/// A disk. What was written is there after a power cut only once it was synced: the content of a file by [`Disk::sync`],
/// its name by [`Disk::sync_folder`].
pub trait Disk {
    /// A file that is open for appending.
    type File: std::fmt::Debug + Send;

    /// Makes a folder that only its owner may enter; one that exists will do. Whether it is new.
    fn make_folder(&self, path: &Path) -> io::Result<bool>;

    /// Names in a folder, in no order.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// All of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// A new empty file that only its owner may read. One that exists is emptied.
    fn create(&self, path: &Path) -> io::Result<Self::File>;

    /// Adds bytes at the end. After an error some of them may be there.
    fn append(&self, file: &mut Self::File, bytes: &[u8]) -> io::Result<()>;

    /// Cuts a file off after `length` bytes.
    fn cut(&self, file: &mut Self::File, length: u64) -> io::Result<()>;

    /// Waits until the content is on the disk. After an error nobody knows what is, and a second call does not tell.
    fn sync(&self, file: &mut Self::File) -> io::Result<()>;

    /// Renames a file; one of the new name is replaced.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Waits until the names in a folder are on the disk.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// The disk of this machine. Links are not followed, so that nobody can lead the server to a file of his own.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalDisk;

impl Disk for LocalDisk {
    type File = File;

    fn make_folder(&self, path: &Path) -> io::Result<bool> {
        match DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if fs::symlink_metadata(path)?.is_dir() {
                    Ok(false)
                } else {
                    Err(io::ErrorKind::NotADirectory.into())
                }
            }
            Err(error) => Err(error),
        }
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        // A name that is not UTF-8 is none of ours.
        fs::read_dir(folder)?
            .filter_map(|entry| entry.map(|entry| entry.file_name().into_string().ok()).transpose())
            .collect()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut file = no_follow().read(true).open(path)?;
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut file, &mut bytes)?;
        Ok(bytes)
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        no_follow().write(true).create(true).truncate(true).open(path)
    }

    fn append(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    fn cut(&self, file: &mut File, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    fn sync(&self, file: &mut File) -> io::Result<()> {
        file.sync_data()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}

/// Options that refuse a link and make files for their owner alone.
pub(crate) fn no_follow() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600).custom_flags(OFlag::O_NOFOLLOW.bits());
    options
}
