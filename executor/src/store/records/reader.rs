//! Questions, each answered from one connection that cannot write.

use std::path::{Path, PathBuf};

use rusqlite::types::{Type, Value, ValueRef};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params_from_iter};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::jobs::{COLUMNS, JobFilter, Query};
use super::row::{AuditRow, JobRow, RunRow};
use super::write::integer;
use super::{RecordsError, absolute, schema};

/// A connection for questions. Each thread has its own.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    pub(super) connection: Connection,
}

/// All of one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JobRecord {
    /// The job.
    #[serde(flatten)]
    pub job: JobRow,
    /// What its owner submitted, as JSON.
    pub job_file: String,
    /// Its runs, the first one first.
    pub runs: Vec<RunRow>,
}

/// Which lines of the audit, and which page of them; the newest come first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of this user.
    pub who: Option<String>,
    /// About this.
    pub subject: Option<String>,
    /// With this verb.
    pub verb: Option<String>,
    /// With this outcome.
    pub outcome: Option<String>,
    /// Not before this instant.
    pub since_us: Option<u64>,
    /// The last line of the page before.
    pub before: Option<u64>,
    /// Lines on a page.
    pub limit: u32,
}

/// A line of the audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditLine {
    /// Its number, in the order of the journal.
    pub seq: u64,
    /// What it says.
    #[serde(flatten)]
    pub row: AuditRow,
}

impl Reader {
    /// Opens the file that a [`super::Writer`] writes.
    pub fn open(path: &Path) -> Result<Self, RecordsError> {
        let path = absolute(path)?;
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NOFOLLOW | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags);
        let connection = connection.and_then(|connection| schema::wait_when_busy(&connection).map(|()| connection));
        match connection {
            Ok(connection) => Ok(Self { path, connection }),
            Err(source) => Err(RecordsError::sqlite("open", &path, source)),
        }
    }

    /// A page of jobs.
    pub fn jobs(&self, filter: &JobFilter) -> Result<Vec<JobRow>, RecordsError> {
        self.rows(filter.query(), job_row)
    }

    /// One job with its runs.
    pub fn job(&self, number: u32) -> Result<Option<JobRecord>, RecordsError> {
        // One transaction, so that the runs are as old as the job.
        let found = self.connection.unchecked_transaction().and_then(|transaction| {
            let sql = format!("SELECT {COLUMNS} FROM jobs WHERE number = ?1");
            let Some(job) = transaction.prepare_cached(&sql)?.query_row([number], job_row).optional()? else {
                return Ok(None);
            };
            let file = "SELECT json FROM job_files WHERE number = ?1";
            let job_file = transaction.prepare_cached(file)?.query_row([number], |row| row.get(0)).optional()?;
            let mut runs = transaction.prepare_cached("SELECT * FROM runs WHERE job = ?1 ORDER BY attempt")?;
            let runs = runs.query_map([number], run_row)?.collect::<Result<_, _>>()?;
            Ok(Some(JobRecord { job, job_file: job_file.unwrap_or_default(), runs }))
        });
        found.map_err(|source| self.failed(source))
    }

    /// A page of the audit.
    pub fn audit(&self, filter: &AuditFilter) -> Result<Vec<AuditLine>, RecordsError> {
        let mut query = Query { sql: "SELECT * FROM audit WHERE TRUE".to_owned(), values: Vec::new() };
        // A plus keeps SQLite from an index: verbs and outcomes rarely leave few lines.
        let equal = [
            ("who = ?", &filter.who),
            ("subject = ?", &filter.subject),
            ("+verb = ?", &filter.verb),
            ("+outcome = ?", &filter.outcome),
        ];
        for (condition, value) in equal {
            if let Some(value) = value {
                query.and(condition, [Value::from(value.clone())]);
            }
        }
        if let Some(since) = filter.since_us {
            // Time does not go back in the journal, so that an instant is a place.
            let first = "seq >= (SELECT seq FROM audit WHERE at_us >= ? ORDER BY at_us, seq LIMIT 1)";
            query.and(first, [Value::from(integer(since))]);
        }
        if let Some(before) = filter.before {
            query.and("seq < ?", [Value::from(integer(before))]);
        }
        query.page("seq DESC", filter.limit);
        self.rows(query, audit_line)
    }

    fn rows<T>(&self, query: Query, read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>) -> Result<Vec<T>, RecordsError> {
        let rows = self.connection.prepare_cached(&query.sql).and_then(|mut statement| {
            let rows = statement.query_map(params_from_iter(query.values), read)?;
            rows.collect()
        });
        rows.map_err(|source| self.failed(source))
    }

    pub(super) fn failed(&self, source: rusqlite::Error) -> RecordsError {
        RecordsError::sqlite("read", &self.path, source)
    }
}

fn job_row(row: &Row<'_>) -> rusqlite::Result<JobRow> {
    Ok(JobRow {
        number: row.get(0)?,
        name: row.get(1)?,
        tenant: row.get(2)?,
        owner: row.get(3)?,
        queue: row.get(4)?,
        state: row.get(5)?,
        reason_code: row.get(6)?,
        reason: row.get(7)?,
        priority: row.get(8)?,
        gpus_milli: natural(row, 9)?,
        tasks: row.get(10)?,
        submitted_us: natural(row, 11)?,
        first_start_us: maybe_natural(row, 12)?,
        ended_us: maybe_natural(row, 13)?,
        attempts: row.get(14)?,
        preemptions: row.get(15)?,
        exit_code: row.get(16)?,
        outcome: row.get(17)?,
        labels: json(row, 18)?,
    })
}

fn run_row(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    Ok(RunRow {
        job: row.get(0)?,
        attempt: row.get(1)?,
        nodes: json(row, 2)?,
        gpus: json(row, 3)?,
        launched_us: natural(row, 4)?,
        started_us: maybe_natural(row, 5)?,
        ended_us: maybe_natural(row, 6)?,
        end: row.get(7)?,
        exit_code: row.get(8)?,
        signal: row.get(9)?,
        checkpoint: row.get(10)?,
    })
}

fn audit_line(row: &Row<'_>) -> rusqlite::Result<AuditLine> {
    let said = AuditRow {
        at_us: natural(row, 1)?,
        who: row.get(2)?,
        role: row.get(3)?,
        from_addr: row.get(4)?,
        verb: row.get(5)?,
        subject: row.get(6)?,
        outcome: row.get(7)?,
        detail: row.get(8)?,
    };
    Ok(AuditLine { seq: natural(row, 0)?, row: said })
}

pub(super) fn natural(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

fn maybe_natural(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<u64>> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        _ => natural(row, column).map(Some),
    }
}

fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}
