//! Who has held which GPUs on which day. Runs that hold GPUs are kept as such; when one ends, what it held is added to its days.

use std::collections::BTreeMap;

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};
use serde::Serialize;

use super::RecordsError;
use super::reader::{Reader, natural};
use super::row::{FreedRow, HeldRow, Use};
use super::write::integer;
use crate::calendar::{DAY_US, by_day, day_of, day_text};

/// Whose usage of which days, and how it is added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageFilter {
    /// The first day, counted from 1970-01-01 (UTC).
    pub first: u32,
    /// The last one.
    pub last: u32,
    /// Of this tenant and those below it.
    pub below: Option<String>,
    /// What has a line of its own.
    pub by: UsageKey,
    /// Up to when runs count that have not ended, in microseconds since 1970.
    pub now_us: u64,
}

/// What has a line of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UsageKey {
    /// A tenant, without those below it.
    #[default]
    Tenant,
    /// A user.
    Owner,
    /// A GPU model.
    Model,
    /// A day.
    Day,
}

/// Sums, in thousandths of GPUs times microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Held by runs, from the order to launch until the end.
    pub held: u128,
    /// Of it: by runs that did their work.
    pub finished: u128,
    /// Of it: by runs that failed, or hit their time limit.
    pub failed: u128,
    /// Of it: by runs that were stopped for another reason.
    pub stopped: u128,
    /// Of it: by runs that have not ended.
    pub running: u128,
    /// Work of preempted runs that was not saved.
    pub lost: u128,
    /// Runs that ended.
    pub runs: u64,
    /// Jobs that ended with one of them.
    pub jobs: u64,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.held += other.held;
        self.finished += other.finished;
        self.failed += other.failed;
        self.stopped += other.stopped;
        self.running += other.running;
        self.lost += other.lost;
        self.runs += other.runs;
        self.jobs += other.jobs;
    }
}

/// A part of a run: GPUs of one model.
struct Tenure {
    launched_us: u64,
    tenant: String,
    owner: String,
    model: String,
    milli: u64,
}

/// Begins to count a run. One that is counted already is left as it is.
pub(super) fn hold(connection: &Connection, held: &HeldRow) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare_cached("INSERT OR IGNORE INTO tenures VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    for (model, milli) in &held.gpus {
        let HeldRow { job, attempt, launched_us, tenant, owner, .. } = held;
        statement.execute(params![job, attempt, model, integer(*launched_us), tenant, owner, integer(*milli)])?;
    }
    Ok(())
}

/// Adds what a run has held to its days. One that is not counted changes nothing. The run, its job and the work that is lost
/// count for the day of the end, and for the first GPU model where it has several.
pub(super) fn free(connection: &Connection, freed: &FreedRow) -> rusqlite::Result<()> {
    for (at, tenure) in tenures(connection, freed)?.iter().enumerate() {
        for (day, us) in by_day(tenure.launched_us, freed.at_us) {
            add(connection, day, tenure, &tenure.used(us, Some(freed.used)))?;
        }
        if at == 0 {
            let (lost, jobs) = (u128::from(freed.lost_milli_us), u64::from(freed.job_ends));
            add(connection, day_of(freed.at_us), tenure, &Usage { lost, runs: 1, jobs, ..Usage::default() })?;
        }
    }
    let mut statement = connection.prepare_cached("DELETE FROM tenures WHERE job = ?1 AND attempt = ?2")?;
    statement.execute(params![freed.job, freed.attempt]).map(drop)
}

fn tenures(connection: &Connection, freed: &FreedRow) -> rusqlite::Result<Vec<Tenure>> {
    let sql =
        "SELECT launched_us, tenant, owner, model, milli FROM tenures WHERE job = ?1 AND attempt = ?2 ORDER BY model";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![freed.job, freed.attempt], tenure)?;
    rows.collect()
}

fn tenure(row: &Row<'_>) -> rusqlite::Result<Tenure> {
    Ok(Tenure {
        launched_us: natural(row, 0)?,
        tenant: row.get(1)?,
        owner: row.get(2)?,
        model: row.get(3)?,
        milli: natural(row, 4)?,
    })
}

impl Tenure {
    /// What so many microseconds of it are; without an end they are of a run that goes on.
    fn used(&self, us: u64, end: Option<Use>) -> Usage {
        let held = u128::from(self.milli) * u128::from(us);
        let usage = Usage { held, ..Usage::default() };
        match end {
            None => Usage { running: held, ..usage },
            Some(Use::Finished) => Usage { finished: held, ..usage },
            Some(Use::Failed) => Usage { failed: held, ..usage },
            Some(Use::Stopped) => Usage { stopped: held, ..usage },
        }
    }
}

fn add(connection: &Connection, day: u32, tenure: &Tenure, usage: &Usage) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO usage VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (day, tenant, owner, model) DO UPDATE SET
             finished = finished + ?5, failed = failed + ?6, stopped = stopped + ?7, lost = lost + ?8, runs = runs + ?9,
             jobs = jobs + ?10",
    )?;
    let (Tenure { tenant, owner, model, .. }, Usage { finished, failed, stopped, lost, runs, jobs, .. }) =
        (tenure, usage);
    // What a run holds in a day is far below 2^63.
    let [finished, failed, stopped, lost] = [finished, failed, stopped, lost].map(|sum| integer(*sum as u64));
    let values = params![day, tenant, owner, model, finished, failed, stopped, lost, integer(*runs), integer(*jobs)];
    statement.execute(values).map(drop)
}

/// Of the tenant `?3` and those below it; of all where there is none.
const BELOW: &str = "(?3 IS NULL OR tenant = ?3 OR (tenant >= ?3 || '/' AND tenant < ?3 || '0'))";

impl Reader {
    /// What was held on these days, a line a key, ordered by it. Runs and days are as of one moment.
    pub fn usage(&self, filter: &UsageFilter) -> Result<BTreeMap<String, Usage>, RecordsError> {
        let read = self.connection.unchecked_transaction().and_then(|transaction| {
            let mut lines = BTreeMap::new();
            ended(&transaction, filter, &mut lines)?;
            running(&transaction, filter, &mut lines)?;
            Ok(lines)
        });
        read.map_err(|source| self.failed(source))
    }
}

type Lines = BTreeMap<String, Usage>;

fn ended(connection: &Connection, filter: &UsageFilter, lines: &mut Lines) -> rusqlite::Result<()> {
    let sql = format!(
        "SELECT day, tenant, owner, model, finished, failed, stopped, lost, runs, jobs FROM usage
         WHERE day BETWEEN ?1 AND ?2 AND {BELOW}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values(filter)))?;
    while let Some(row) = rows.next()? {
        let sum = |column| natural(row, column).map(u128::from);
        let (finished, failed, stopped, lost) = (sum(4)?, sum(5)?, sum(6)?, sum(7)?);
        let (held, running) = (finished + failed + stopped, 0);
        let (runs, jobs) = (natural(row, 8)?, natural(row, 9)?);
        let key = match filter.by {
            UsageKey::Day => day_text(row.get(0)?),
            UsageKey::Tenant => row.get(1)?,
            UsageKey::Owner => row.get(2)?,
            UsageKey::Model => row.get(3)?,
        };
        *lines.entry(key).or_default() += Usage { held, finished, failed, stopped, running, lost, runs, jobs };
    }
    Ok(())
}

fn running(connection: &Connection, filter: &UsageFilter, lines: &mut Lines) -> rusqlite::Result<()> {
    let UsageFilter { first, last, now_us, .. } = filter;
    // The days stand in the condition so that it has the same parameters as the one above.
    let sql = format!(
        "SELECT launched_us, tenant, owner, model, milli FROM tenures
         WHERE ?1 <= ?2 AND launched_us < (?2 + 1) * {DAY_US} AND {BELOW}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(values(filter)), tenure)?;
    for tenure in rows {
        let tenure = tenure?;
        let end = now_us.min(&((u64::from(*last) + 1) * DAY_US)).to_owned();
        for (day, us) in by_day(tenure.launched_us, end).filter(|(day, _)| day >= first) {
            let key = match filter.by {
                UsageKey::Day => day_text(day),
                UsageKey::Tenant => tenure.tenant.clone(),
                UsageKey::Owner => tenure.owner.clone(),
                UsageKey::Model => tenure.model.clone(),
            };
            *lines.entry(key).or_default() += tenure.used(us, None);
        }
    }
    Ok(())
}

fn values(filter: &UsageFilter) -> [Value; 3] {
    let below = filter.below.clone().map_or(Value::Null, Value::from);
    [Value::from(filter.first), Value::from(filter.last), below]
}
