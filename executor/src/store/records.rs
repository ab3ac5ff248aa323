//! Records: what people ask for, in SQLite. A projection of the journal, which is the truth.
//!
//! ```text
//!   core ── Projected { position, rows } ──▶ Writer (a thread) ── one transaction for many, with the watermark ──▶ records.sqlite
//!   queue, info, usage, audit ◀── Reader (a connection each) ◀────────────────────────────────────────────────────┘
//! ```
//!
//! The watermark says up to which record of the journal the rows are. After a crash it may be behind, never ahead: the
//! server projects the missing records again. What is at or before the watermark is skipped, so each record counts once.
//! A file that is missing or damaged is no loss: it is made anew from the whole journal.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, params};

use super::Position;
use super::disk::no_follow;

mod error;
mod jobs;
mod reader;
mod row;
mod schema;
mod usage;
mod write;
mod writer;

pub use self::error::{RecordsError, RecordsWarning};
pub use self::jobs::{JobFilter, Liveness, Order};
pub use self::reader::{AuditFilter, AuditLine, JobRecord, Reader};
pub use self::row::{AuditRow, FreedRow, HeldGpu, HeldRow, JobRow, Row, RunRow, Use};
pub use self::usage::{Usage, UsageFilter, UsageKey};
pub use self::writer::Writer;

/// Rows that follow from one record of the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Projected {
    /// The place after the record; places ascend.
    pub position: Position,
    /// All its rows.
    pub rows: Vec<Row>,
}

/// The file, open for its one writer.
#[derive(Debug)]
pub struct Records {
    path: PathBuf,
    connection: Connection,
    watermark: Position,
}

impl Records {
    /// Opens the file at `path`, or makes it. `end` is the end of the journal; a file that knows more is not of this journal.
    ///
    /// A file that cannot be used is set aside, with a warning, and the watermark is then the start of the journal.
    pub fn open(path: &Path, end: Position) -> Result<(Self, Vec<RecordsWarning>), RecordsError> {
        let path = absolute(path)?;
        let is_new = make(&path)?;
        let (records, cause) = match Self::attempt(&path) {
            Ok(records) if records.watermark <= end => (records, None),
            Ok(_) => (Self::anew(&path)?, Some("it knows more than the journal".to_owned())),
            Err(Attempt::Unusable(cause)) => (Self::anew(&path)?, Some(cause)),
            Err(Attempt::Failed(error)) => return Err(error),
        };
        let warning = match cause {
            Some(cause) => Some(RecordsWarning::SetAside { aside: schema::aside(&path), path, cause }),
            None if is_new && end > Position::START => Some(RecordsWarning::Missing { path }),
            None => None,
        };
        Ok((records, warning.into_iter().collect()))
    }

    /// Up to where the rows are. Replay what comes after.
    pub fn watermark(&self) -> Position {
        self.watermark
    }

    /// Adds the rows of many records in one transaction, or none of them. What was added before is skipped.
    pub fn apply(&mut self, batches: &[Projected]) -> Result<(), RecordsError> {
        let after = self.watermark;
        let fresh = batches.iter().filter(|batch| batch.position > after);
        let Some(last) = fresh.clone().map(|batch| batch.position).max() else { return Ok(()) };
        let failed = |source| RecordsError::sqlite("write to", &self.path, source);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        for row in fresh.flat_map(|batch| &batch.rows) {
            write::row(&transaction, row).map_err(failed)?;
        }
        write::watermark(&transaction, last).and_then(|()| transaction.commit()).map_err(failed)?;
        self.watermark = last;
        Ok(())
    }

    /// Waits until all that was applied survives a power cut: needed before the journal is rotated, since after that only a
    /// replay of old segments could bring it back.
    pub fn sync(&mut self) -> Result<(), RecordsError> {
        let failed = |source| RecordsError::sqlite("sync", &self.path, source);
        // A full sync of the log of changes for one more transaction brings all before it to the disk too.
        self.connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
        write::watermark(&self.connection, self.watermark).map_err(failed)?;
        self.connection.pragma_update(None, "synchronous", "NORMAL").map_err(failed)
    }

    fn attempt(path: &Path) -> Result<Self, Attempt> {
        let unusable = |error: rusqlite::Error| match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown) | None => {
                Attempt::Unusable(error.to_string())
            }
            Some(_) => Attempt::Failed(RecordsError::sqlite("open", path, error)),
        };
        let flags =
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NOFOLLOW | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(unusable)?;
        schema::configure(&connection).map_err(unusable)?;
        schema::check(&connection).map_err(unusable)?.map_or(Ok(()), |cause| Err(Attempt::Unusable(cause)))?;
        schema::make(&mut connection).map_err(unusable)?;
        let row = connection.query_row("SELECT segment, record FROM watermark", params![], |row| {
            Ok(Position { segment: row.get::<_, i64>(0)? as u64, record: row.get::<_, i64>(1)? as u64 })
        });
        let watermark = row.map_err(unusable)?;
        Ok(Self { path: path.to_owned(), connection, watermark })
    }

    fn anew(path: &Path) -> Result<Self, RecordsError> {
        schema::set_aside(path).map_err(|source| RecordsError::io("set aside", path, source))?;
        make(path)?;
        match Self::attempt(path) {
            Ok(records) => Ok(records),
            Err(Attempt::Failed(error)) => Err(error),
            Err(Attempt::Unusable(cause)) => Err(RecordsError::io("make", path, io::Error::other(cause))),
        }
    }
}

enum Attempt {
    /// Set it aside and begin anew.
    Unusable(String),
    Failed(RecordsError),
}

/// SQLite refuses links anywhere in the path, so those above the file are resolved first.
fn absolute(path: &Path) -> Result<PathBuf, RecordsError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = fs::canonicalize(folder).map_err(|source| RecordsError::io("find the folder of", path, source))?;
    Ok(folder.join(path.file_name().unwrap_or_default()))
}

/// Makes an empty file that only its owner may read, which SQLite takes for an empty database. Whether it is new.
fn make(path: &Path) -> Result<bool, RecordsError> {
    match no_follow().write(true).create_new(true).open(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(source) => Err(RecordsError::io("make", path, source)),
    }
}
