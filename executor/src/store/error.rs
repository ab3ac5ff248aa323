//! What can be wrong with the state folder, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use engine::journal::Damage;
use engine::snapshot::SnapshotError;
use nix::errno::Errno;

/// Why the store refuses.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another server writes here.
    #[error("another server uses this state folder: {}{}", path.display(), pid.map_or(String::new(), |pid| format!(" is locked by process {pid}")))]
    Locked {
        /// The lock.
        path: PathBuf,
        /// Process id of its holder, where it could be read.
        pid: Option<u32>,
    },
    /// The disk refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A segment before the last is damaged.
    #[error("{}: {damage}", path.display())]
    ArchiveDamaged {
        /// The segment.
        path: PathBuf,
        /// Where and how.
        damage: Damage,
    },
    /// The last segment of the journal is damaged.
    #[error("{}: {damage}", path.display())]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where and how.
        damage: Damage,
    },
    /// A snapshot is damaged.
    #[error("{}: {source}", path.display())]
    SnapshotDamaged {
        /// The snapshot.
        path: PathBuf,
        /// How.
        source: SnapshotError,
        /// An earlier one from which all that was acknowledged can be replayed; 1 is the start of the journal.
        sound: Option<u64>,
    },
    /// There is no snapshot of this number.
    #[error("there is no snapshot {number} in {}", folder.display())]
    SnapshotUnknown {
        /// The number that was asked for.
        number: u64,
        /// Where it should be.
        folder: PathBuf,
        /// Those that are there, 1 for the start of the journal.
        known: Vec<u64>,
    },
    /// A segment is not there.
    #[error("{} is missing", path.display())]
    SegmentMissing {
        /// The segment.
        path: PathBuf,
    },
    /// Nothing can be written before a new segment is begun.
    #[error("the journal was written with another {}: begin a new segment first", fields.join(", "))]
    HeaderChanged {
        /// Which fields of its header differ.
        fields: Vec<&'static str>,
    },
    /// An earlier write failed.
    #[error("nothing more is written to {}: {cause}", path.display())]
    Poisoned {
        /// The segment.
        path: PathBuf,
        /// What failed.
        cause: String,
    },
}

impl StoreError {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Locked { .. } => "stop that server, or choose another folder with --state".to_owned(),
            Self::Io { source, .. } => io_hint(source).to_owned(),
            Self::Damaged { path, damage } => damage_hint(path, damage),
            Self::ArchiveDamaged { .. } => {
                "nothing was changed; restore the file from a copy. A start from a later snapshot does not need it"
                    .to_owned()
            }
            Self::SnapshotDamaged { sound: Some(number), .. } => format!(
                "nothing was changed; --from-snapshot {number} starts from an earlier state and replays the journal since, \
                 in which every record was found sound"
            ),
            Self::SnapshotDamaged { sound: None, .. } => {
                "nothing was changed; restore the file from a copy: no earlier one can be used".to_owned()
            }
            Self::SnapshotUnknown { known, .. } => {
                let known: Vec<_> = known.iter().map(u64::to_string).collect();
                format!("there are: {}", known.join(", "))
            }
            Self::SegmentMissing { .. } => {
                "nothing was changed; restore the file from a copy: it holds what was acknowledged".to_owned()
            }
            Self::HeaderChanged { .. } => "this is a fault of trainyard: please report it".to_owned(),
            Self::Poisoned { .. } => {
                "mend the disk and start the server again: nothing that was acknowledged is lost".to_owned()
            }
        }
    }
}

fn io_hint(source: &io::Error) -> &'static str {
    const NO_LINK: &str = "there must be a folder or a plain file, not a link: remove what is there, or choose another folder with --state";
    if source.raw_os_error() == Some(Errno::ELOOP as i32) {
        return NO_LINK;
    }
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room on the disk of the state folder and start again: nothing that was acknowledged is lost"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "the server must be able to write in its state folder: choose another with --state, or change its owner"
        }
        io::ErrorKind::NotADirectory => NO_LINK,
        io::ErrorKind::NotFound => "make the folder above it first, or choose another with --state",
        _ => "check the disk of the state folder",
    }
}

fn damage_hint(path: &Path, damage: &Damage) -> String {
    match damage {
        Damage::NotAJournal => "nothing was changed; restore the file from a copy".to_owned(),
        Damage::Version { .. } => "use the version of trainyard that wrote it, or start with a new --state".to_owned(),
        Damage::Record { offset, record, .. } | Damage::Truncated { offset, record } => format!(
            "nothing was changed; restore the file from a copy. To give up record {record} and all that follow, among them \
             what was acknowledged: truncate -s {offset} {}",
            path.display()
        ),
    }
}
