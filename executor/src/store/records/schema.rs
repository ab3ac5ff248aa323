//! Tables, their versions, and what happens to a file that is none of ours.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

/// Version of the tables, in `user_version`. A file of another version is made anew: the journal has all that is in it.
const VERSION: u32 = 2;

const TABLES: &str = r"
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY,
    name TEXT,
    tenant TEXT NOT NULL,
    owner TEXT NOT NULL,
    queue TEXT NOT NULL,
    state TEXT NOT NULL,
    reason_code TEXT,
    reason TEXT,
    priority INTEGER NOT NULL,
    gpus_milli INTEGER NOT NULL,
    tasks INTEGER NOT NULL,
    submitted_us INTEGER NOT NULL,
    first_start_us INTEGER,
    ended_us INTEGER,
    attempts INTEGER NOT NULL,
    preemptions INTEGER NOT NULL,
    exit_code INTEGER,
    outcome TEXT,
    labels TEXT NOT NULL
) STRICT;
CREATE INDEX jobs_live ON jobs(number) WHERE ended_us IS NULL;
CREATE INDEX jobs_live_owner ON jobs(owner, number) WHERE ended_us IS NULL;
CREATE INDEX jobs_state ON jobs(state, number);
CREATE INDEX jobs_owner ON jobs(owner, number);
CREATE INDEX jobs_name ON jobs(name, number);

CREATE TABLE job_files (number INTEGER PRIMARY KEY, json TEXT NOT NULL) STRICT;

-- Each job under its tenant and all above it, so that a page of a subtree needs no scan; the second only while it is live.
CREATE TABLE job_tenants (tenant TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (tenant, number)) STRICT, WITHOUT ROWID;
CREATE TABLE live_tenants (tenant TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (tenant, number)) STRICT, WITHOUT ROWID;
CREATE TABLE job_labels (
    key TEXT NOT NULL, value TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (key, value, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    job INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    nodes TEXT NOT NULL,
    gpus TEXT NOT NULL,
    launched_us INTEGER NOT NULL,
    started_us INTEGER,
    ended_us INTEGER,
    end TEXT,
    exit_code INTEGER,
    signal INTEGER,
    checkpoint TEXT,
    PRIMARY KEY (job, attempt)
) STRICT, WITHOUT ROWID;

-- Runs that hold GPUs, a row a GPU model; thousandths of GPUs.
CREATE TABLE tenures (
    job INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    model TEXT NOT NULL,
    launched_us INTEGER NOT NULL,
    tenant TEXT NOT NULL,
    owner TEXT NOT NULL,
    milli INTEGER NOT NULL,
    PRIMARY KEY (job, attempt, model)
) STRICT, WITHOUT ROWID;

-- What runs that have ended held on each day (UTC), in thousandths of GPUs times microseconds.
CREATE TABLE usage (
    day INTEGER NOT NULL,
    tenant TEXT NOT NULL,
    owner TEXT NOT NULL,
    model TEXT NOT NULL,
    finished INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    stopped INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    runs INTEGER NOT NULL,
    jobs INTEGER NOT NULL,
    PRIMARY KEY (day, tenant, owner, model)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at_us INTEGER NOT NULL,
    who TEXT NOT NULL,
    role TEXT NOT NULL,
    from_addr TEXT NOT NULL,
    verb TEXT NOT NULL,
    subject TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT
) STRICT;
CREATE INDEX audit_at ON audit(at_us);
CREATE INDEX audit_who ON audit(who, seq);
CREATE INDEX audit_subject ON audit(subject, seq);
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is only added to'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is only added to'); END;

CREATE TABLE watermark (
    one INTEGER PRIMARY KEY CHECK (one = 1), segment INTEGER NOT NULL, record INTEGER NOT NULL
) STRICT;
INSERT INTO watermark VALUES (1, 0, 0);
";

const BUSY: Duration = Duration::from_secs(5);

/// The journal is the truth, so a power cut may cost the last transactions: no sync for each.
pub(super) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    wait_when_busy(connection)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

/// A reader that meets a checkpoint of the writer waits for it.
pub(super) fn wait_when_busy(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)
}

/// What is wrong with the file, if anything.
pub(super) fn check(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let found = version(connection)?;
    if found != 0 && found != VERSION {
        return Ok(Some(format!("version {found} of its tables is not {VERSION}, that of this program")));
    }
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((verdict != "ok").then_some(verdict))
}

/// Makes the tables in a file that is empty.
pub(super) fn make(connection: &mut Connection) -> rusqlite::Result<()> {
    if version(connection)? == VERSION {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

fn version(connection: &Connection) -> rusqlite::Result<u32> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(u32::try_from(version).unwrap_or(u32::MAX))
}

/// Where a file goes that cannot be used.
pub(super) fn aside(path: &Path) -> PathBuf {
    with_suffix(path, ".unusable")
}

/// Moves a file away, and its log of changes with it, which would be applied to the next file otherwise.
pub(super) fn set_aside(path: &Path) -> io::Result<()> {
    let to = aside(path);
    std::fs::rename(path, &to)?;
    match std::fs::rename(with_suffix(path, "-wal"), with_suffix(&to, "-wal")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    match std::fs::remove_file(with_suffix(path, "-shm")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
