//! `jobs-<policy>.parquet`: one row a job, load and seed.

use std::fs::File;
use std::path::Path;

use engine::Time;
use polars::prelude::{Column, DataFrame, NamedFrom, ParquetWriter, PolarsResult, Series};

use super::{OutputError, atomic};
use crate::result::{JobRow, Miss, Replay};

/// Writes all jobs of `replays` to one parquet file.
///
/// Columns: `id`, `load`, `seed`, `tenant`, `gpus`, `submit_s`, `start_s`, `finish_s`, `service_s` (seconds, null when it
/// never came), `attempts`, `preemptions`, `outcome` (`unfinished` when the job had not ended), `deadline_s`, `start_by_s`, `missed` (why it
/// missed one of these, else null), `rho` (finish-time fairness, null unless it finished), `gpu_s` (GPU-seconds in which it made progress),
/// `entitlement` (of its tenant).
pub(super) fn write(path: &Path, replays: &[&Replay]) -> Result<(), OutputError> {
    let rows: Vec<Row<'_>> = replays.iter().flat_map(|&replay| rows_of(replay)).collect();
    let lost = |(replay, row): &&Row<'_>| row.trace_index as usize >= replay.trace.jobs.len();
    if let Some((replay, row)) = rows.iter().find(lost) {
        let (index, jobs) = (row.trace_index, replay.trace.jobs.len());
        return Err(OutputError::UnknownJob { path: path.to_owned(), index, jobs });
    }
    let failed = |source| OutputError::Parquet { path: path.to_owned(), source };
    write_frame(path, frame(&rows).map_err(failed)?)
}

/// Writes a table as parquet.
pub(super) fn write_frame(path: &Path, mut frame: DataFrame) -> Result<(), OutputError> {
    let failed = |source| OutputError::Parquet { path: path.to_owned(), source };
    atomic::replace(path, |draft| {
        let file = File::create(draft).map_err(|source| OutputError::Write { path: path.to_owned(), source })?;
        ParquetWriter::new(file).finish(&mut frame).map(|_| ()).map_err(failed)
    })
}

type Row<'a> = (&'a Replay, &'a JobRow);

fn rows_of(replay: &Replay) -> impl Iterator<Item = Row<'_>> {
    replay.jobs.iter().map(move |row| (replay, row))
}

fn frame(rows: &[Row<'_>]) -> PolarsResult<DataFrame> {
    let columns = vec![
        text("id", rows, |(replay, row)| &replay.trace.jobs[row.trace_index as usize].id),
        number("load", rows, |(replay, _)| Some(replay.summary.load)),
        Column::from(Series::new(
            "seed".into(),
            rows.iter().map(|(replay, _)| replay.summary.seed).collect::<Vec<_>>(),
        )),
        text("tenant", rows, |(replay, row)| tenant(&replay.trace, row)),
        number("gpus", rows, |(_, row)| Some(row.gpu_milli as f64 / 1000.0)),
        number("submit_s", rows, |(_, row)| Some(row.submit.secs_f64())),
        number("start_s", rows, |(_, row)| row.start.known().map(Time::secs_f64)),
        number("finish_s", rows, |(_, row)| row.finish.known().map(Time::secs_f64)),
        number("service_s", rows, |(_, row)| row.start.known().map(|_| row.service.secs_f64())),
        count("attempts", rows, |row| row.attempts),
        count("preemptions", rows, |row| row.preemptions),
        count("migrations", rows, |row| row.migrations),
        text("outcome", rows, |(_, row)| row.outcome.map_or("unfinished", engine::Outcome::name)),
        number("deadline_s", rows, |(_, row)| row.deadline.map(Time::secs_f64)),
        number("start_by_s", rows, |(_, row)| row.start_by.map(Time::secs_f64)),
        Column::from(Series::new(
            "missed".into(),
            rows.iter().map(|(_, row)| row.missed.map(Miss::name)).collect::<Vec<_>>(),
        )),
        number("rho", rows, |(_, row)| row.rho),
        number("gpu_s", rows, |(_, row)| Some(row.gpu_s)),
        number("entitlement", rows, |(_, row)| Some(row.entitlement)),
    ];
    DataFrame::new(rows.len(), columns)
}

/// Name of the job's tenant; empty when the trace has none.
fn tenant<'a>(trace: &'a traces::Trace, row: &JobRow) -> &'a str {
    let tenant = trace.jobs[row.trace_index as usize].tenant as usize;
    trace.tenants.get(tenant).map_or("", String::as_str)
}

fn text<'a>(name: &str, rows: &[Row<'a>], value: impl Fn(&Row<'a>) -> &'a str) -> Column {
    Column::from(Series::new(name.into(), rows.iter().map(value).collect::<Vec<_>>()))
}

fn number<'a>(name: &str, rows: &[Row<'a>], value: impl Fn(&Row<'a>) -> Option<f64>) -> Column {
    Column::from(Series::new(name.into(), rows.iter().map(value).collect::<Vec<_>>()))
}

fn count(name: &str, rows: &[Row<'_>], value: impl Fn(&JobRow) -> u32) -> Column {
    Column::from(Series::new(name.into(), rows.iter().map(|(_, row)| value(row)).collect::<Vec<_>>()))
}
