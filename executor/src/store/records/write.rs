//! Rows into tables.

use rusqlite::{Connection, params};

use super::row::{AuditRow, JobRow, Row, RunRow};
use super::usage;
use crate::store::Position;

type Result = rusqlite::Result<()>;

/// Adds one row, or replaces the one of the same key.
pub(super) fn row(connection: &Connection, row: &Row) -> Result {
    match row {
        Row::Submitted { job, job_file } => submitted(connection, job, job_file),
        Row::Job(row) => {
            job(connection, row)?;
            if row.ended_us.is_some() { leave_live(connection, row) } else { Ok(()) }
        }
        Row::Run(row) => run(connection, row),
        Row::Held(row) => usage::hold(connection, row),
        Row::Freed(row) => usage::free(connection, row),
        Row::Audit(row) => audit(connection, row),
    }
}

/// Writes down up to where the rows are.
pub(super) fn watermark(connection: &Connection, position: Position) -> Result {
    let mut statement = connection.prepare_cached("UPDATE watermark SET segment = ?1, record = ?2")?;
    statement.execute(params![integer(position.segment), integer(position.record)]).map(drop)
}

fn submitted(connection: &Connection, row: &JobRow, job_file: &str) -> Result {
    job(connection, row)?;
    let mut statement = connection.prepare_cached("INSERT OR REPLACE INTO job_files VALUES (?1, ?2)")?;
    statement.execute(params![row.number, job_file])?;
    let mut statement = connection.prepare_cached("INSERT OR IGNORE INTO job_labels VALUES (?1, ?2, ?3)")?;
    for (key, value) in &row.labels {
        statement.execute(params![key, value, row.number])?;
    }
    let mut statement = connection.prepare_cached("INSERT OR IGNORE INTO job_tenants VALUES (?1, ?2)")?;
    let mut live = connection.prepare_cached("INSERT OR IGNORE INTO live_tenants VALUES (?1, ?2)")?;
    for tenant in tenant_and_above(&row.tenant) {
        statement.execute(params![tenant, row.number])?;
        if row.ended_us.is_none() {
            live.execute(params![tenant, row.number])?;
        }
    }
    Ok(())
}

fn leave_live(connection: &Connection, row: &JobRow) -> Result {
    let mut statement = connection.prepare_cached("DELETE FROM live_tenants WHERE tenant = ?1 AND number = ?2")?;
    for tenant in tenant_and_above(&row.tenant) {
        statement.execute(params![tenant, row.number])?;
    }
    Ok(())
}

/// `a/b/c`, `a/b`, `a`.
fn tenant_and_above(tenant: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(tenant), |path| path.rsplit_once('/').map(|(above, _)| above))
}

fn job(connection: &Connection, job: &JobRow) -> Result {
    // The tenant and the labels stay what the lookup tables say.
    let mut statement = connection.prepare_cached(
        "INSERT INTO jobs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
         ON CONFLICT (number) DO UPDATE SET
             name = ?2, owner = ?4, queue = ?5, state = ?6, reason_code = ?7, reason = ?8, priority = ?9, gpus_milli = ?10,
             tasks = ?11, submitted_us = ?12, first_start_us = ?13, ended_us = ?14, attempts = ?15, preemptions = ?16,
             exit_code = ?17, outcome = ?18",
    )?;
    let values = params![
        job.number,
        job.name,
        job.tenant,
        job.owner,
        job.queue,
        job.state,
        job.reason_code,
        job.reason,
        job.priority,
        integer(job.gpus_milli),
        job.tasks,
        integer(job.submitted_us),
        job.first_start_us.map(integer),
        job.ended_us.map(integer),
        job.attempts,
        job.preemptions,
        job.exit_code,
        job.outcome,
        json(&job.labels)?,
    ];
    statement.execute(values).map(drop)
}

fn run(connection: &Connection, run: &RunRow) -> Result {
    let mut statement = connection
        .prepare_cached("INSERT OR REPLACE INTO runs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")?;
    let values = params![
        run.job,
        run.attempt,
        json(&run.nodes)?,
        json(&run.gpus)?,
        integer(run.launched_us),
        run.started_us.map(integer),
        run.ended_us.map(integer),
        run.end,
        run.exit_code,
        run.signal,
        run.checkpoint,
    ];
    statement.execute(values).map(drop)
}

fn audit(connection: &Connection, line: &AuditRow) -> Result {
    let mut statement = connection.prepare_cached("INSERT INTO audit VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
    let AuditRow { at_us, who, role, from_addr, verb, subject, outcome, detail } = line;
    statement.execute(params![integer(*at_us), who, role, from_addr, verb, subject, outcome, detail]).map(drop)
}

/// SQLite counts up to 2^63; what is more means "never".
pub(super) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}
