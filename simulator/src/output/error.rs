//! Why a result could not be written.

use std::io;
use std::path::PathBuf;

/// Why a result could not be written. Every variant names the file.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The directory could not be made.
    #[error("cannot create directory {path}: {source}")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A value could not be put into JSON.
    #[error("cannot write {path}: {source}")]
    Json {
        /// The file.
        path: PathBuf,
        /// What the encoder said.
        source: serde_json::Error,
    },
    /// A table could not be put into parquet.
    #[error("cannot write {path}: {source}")]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the encoder said.
        source: polars::error::PolarsError,
    },
    /// A figure could not be drawn.
    #[error("cannot draw {path}: {message}")]
    Figure {
        /// The file.
        path: PathBuf,
        /// What the backend said.
        message: String,
    },
    /// A row points to a job that the trace does not have.
    #[error("cannot write {path}: job row points to job {index} of a trace of {jobs} jobs")]
    UnknownJob {
        /// The file.
        path: PathBuf,
        /// The index that the row holds.
        index: u32,
        /// Jobs of the trace.
        jobs: usize,
    },
}

impl OutputError {
    /// What the user can do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Directory { source, .. } | Self::Write { source, .. } => io_hint(source),
            Self::Parquet { source: polars::error::PolarsError::IO { error, .. }, .. } => io_hint(error),
            Self::Figure { .. } => "check that the directory is writable and that the disk is not full",
            Self::Json { .. } | Self::Parquet { .. } | Self::UnknownJob { .. } => {
                "this is a fault of trainyard: please report it with the command that you ran"
            }
        }
    }
}

fn io_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "choose a directory that you may write to with --out",
        io::ErrorKind::StorageFull => "free some space, or choose another directory with --out",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "a file stands where the directory should be: remove it, or choose another directory with --out"
        }
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only: choose another directory with --out",
        _ => "check the path, or choose another directory with --out",
    }
}
