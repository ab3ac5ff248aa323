//! `evictions-<policy>.parquet`: one row a run that the policy stopped, load and seed.

use std::path::Path;

use polars::prelude::{Column, DataFrame, NamedFrom, PolarsResult, Series};

use super::{OutputError, jobs};
use crate::report::tenant;
use crate::result::{EvictionRow, Replay};

type Row<'a> = (&'a Replay, &'a EvictionRow);

/// Writes all evictions of `replays` to one parquet file.
///
/// Columns: `load`, `seed`, `at_s` (seconds), `id`, `attempt`, `tenant` of the victim, `by`, `by_tenant` (the job that got the
/// GPUs; null where no job is named), and in GPU-seconds `predicted_gpu_s`, `actual_gpu_s` and its parts `lost_gpu_s`,
/// `drained_gpu_s`, `restarted_gpu_s`; last `cause`: `preemption`, or `migration` where its job goes on elsewhere.
pub(super) fn write(path: &Path, replays: &[&Replay]) -> Result<(), OutputError> {
    let rows: Vec<Row<'_>> =
        replays.iter().flat_map(|&replay| replay.evictions.iter().map(move |row| (replay, row))).collect();
    let frame = frame(&rows).map_err(|source| OutputError::Parquet { path: path.to_owned(), source })?;
    jobs::write_frame(path, frame)
}

fn frame(rows: &[Row<'_>]) -> PolarsResult<DataFrame> {
    let seeds: Vec<u64> = rows.iter().map(|(replay, _)| replay.summary.seed).collect();
    let attempts: Vec<u32> = rows.iter().map(|(_, row)| row.attempt).collect();
    let columns = vec![
        number("load", rows, |(replay, _)| replay.summary.load),
        Column::from(Series::new("seed".into(), seeds)),
        number("at_s", rows, |(_, row)| row.at.secs_f64()),
        text("id", rows, |(replay, row)| Some(id(replay, row.job))),
        Column::from(Series::new("attempt".into(), attempts)),
        text("tenant", rows, |(replay, row)| Some(tenant(replay, row.job))),
        text("by", rows, |(replay, row)| row.by.map(|by| id(replay, by))),
        text("by_tenant", rows, |(replay, row)| row.by.map(|by| tenant(replay, by))),
        number("predicted_gpu_s", rows, |(_, row)| row.predicted),
        number("actual_gpu_s", rows, |(_, row)| row.cost()),
        number("lost_gpu_s", rows, |(_, row)| row.lost),
        number("drained_gpu_s", rows, |(_, row)| row.drained),
        number("restarted_gpu_s", rows, |(_, row)| row.restarted),
        text("cause", rows, |(_, row)| Some(row.cause.name())),
    ];
    DataFrame::new(rows.len(), columns)
}

/// Id of a job in the trace; empty for a row that points nowhere.
fn id(replay: &Replay, job: u32) -> &str {
    let row = replay.jobs.get(job as usize).and_then(|row| replay.trace.jobs.get(row.trace_index as usize));
    row.map_or("", |job| job.id.as_str())
}

fn number<'a>(name: &str, rows: &[Row<'a>], value: impl Fn(&Row<'a>) -> f64) -> Column {
    Column::from(Series::new(name.into(), rows.iter().map(value).collect::<Vec<_>>()))
}

fn text<'a>(name: &str, rows: &[Row<'a>], value: impl Fn(&Row<'a>) -> Option<&'a str>) -> Column {
    Column::from(Series::new(name.into(), rows.iter().map(value).collect::<Vec<_>>()))
}
