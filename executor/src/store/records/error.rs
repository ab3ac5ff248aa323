//! What can be wrong with the records, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the records cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// SQLite refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Sqlite {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// What it says.
        source: rusqlite::Error,
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
    /// The writer has stopped because of an earlier error.
    #[error("the records are no longer written: {cause}")]
    Stopped {
        /// That error.
        cause: String,
    },
}

/// What a person should know, though nothing is lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordsWarning {
    /// There was no file.
    #[error("{} is missing; it is made anew from the journal", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// There was one, and it is of no use.
    #[error("{} cannot be used ({cause}); it is now {}, and is made anew from the journal", path.display(), aside.display())]
    SetAside {
        /// The file.
        path: PathBuf,
        /// Where it is now.
        aside: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
}

impl RecordsError {
    pub(super) fn sqlite(action: &'static str, path: &Path, source: rusqlite::Error) -> Self {
        Self::Sqlite { action, path: path.to_owned(), source }
    }

    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        const FULL: &str = "make room on the disk of the state folder and start again: the journal is the truth, and what is \
                            missing here is made up from it";
        const NO_RIGHT: &str = "the server must be able to write in its state folder: choose another with --state, or change \
                                its owner; it must be a plain file, not a link";
        const OTHER: &str = "the journal is the truth: with the file moved away, the next start makes it anew";
        match self {
            Self::Sqlite { source, .. } => match source.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => FULL,
                Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => NO_RIGHT,
                _ => OTHER,
            },
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FULL,
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => NO_RIGHT,
                _ => OTHER,
            },
            Self::Stopped { .. } => "mend the disk and start the server again",
        }
    }
}
