//! The canonical form as Parquet. Times are whole microseconds in 64-bit integers; the columns of CSV are read too.

use std::fs::File;
use std::io::Cursor;
use std::path::Path;

use engine::Level;
use polars::io::parquet::write::KeyValueMetadata;
use polars::prelude::{
    Column, DataFrame, ParallelStrategy, ParquetCompression, ParquetReader, ParquetWriter, PolarsError, PolarsResult,
    SerReader, Series,
};

use super::pages;
use super::quiet::without_panic;
use super::rows::Rows;
use super::texts::{dated_texts, series_texts};
use super::words::outcome_word;
use super::{job_type, model_names, queue_name, tenant_name, used_columns};
use crate::error::{TraceError, shown};
use crate::header::Header;
use crate::metadata::Metadata;
use crate::schema;
use crate::table::{Cells, Place, RowBuffer};
use crate::trace::{Trace, TraceJob};

/// First and last bytes of every Parquet file.
pub(crate) const MAGIC: &[u8; 4] = b"PAR1";
/// Key of the [`Metadata`] in that of the file, as JSON.
const METADATA_KEY: &str = "trainyard";

/// What a file holds.
struct Content {
    metadata: Option<String>,
    names: Vec<String>,
    frame: DataFrame,
}

/// Reads canonical Parquet.
pub(crate) fn read(file: &str, bytes: &[u8]) -> Result<Trace, TraceError> {
    let content = decode(file, bytes, &|name| schema::column(name).is_some())?;
    let metadata = content.metadata.as_deref().map(|json| Metadata::parse(file, json)).transpose()?;
    let header = Header { file: file.to_owned(), line: None, names: content.names };
    header.check_unique()?;
    let mut rows = Rows::new(&header)?;
    let columns = texts(&header, &content.frame, series_texts)?;
    let mut record = RowBuffer::default();
    for row in 0..content.frame.height() {
        record.clear();
        for column in &columns {
            record.push(column.as_ref().map_or("", |texts| texts.get(row).map_or("", String::as_str)));
        }
        rows.push(Cells::new(file, Place::Row(row as u64 + 1), &record))?;
    }
    let mut trace = rows.finish()?;
    if let Some(metadata) = metadata {
        metadata.describe(&mut trace);
    }
    Ok(trace)
}

/// A table whose wanted columns are texts.
pub(crate) struct TextTable {
    pub(crate) header: Header,
    /// By the position in the header; `None` for a column that is not wanted.
    pub(crate) columns: Vec<Option<Vec<String>>>,
    pub(crate) height: usize,
}

/// Reads any Parquet file; of its columns only `wanted`. Dates become texts such as `2024-01-02T03:04:05`.
pub(crate) fn read_table(file: &str, bytes: &[u8], wanted: &[&str]) -> Result<TextTable, TraceError> {
    let content = decode(file, bytes, &|name| wanted.contains(&name))?;
    let header = Header { file: file.to_owned(), line: None, names: content.names };
    header.check_unique()?;
    let columns = texts(&header, &content.frame, |series| dated_texts(series).or_else(|| series_texts(series)))?;
    Ok(TextTable { header, columns, height: content.frame.height() })
}

/// The decoder is not ours and may panic on a damaged file; here that becomes an error like any other.
fn decode(file: &str, bytes: &[u8], wanted: &dyn Fn(&str) -> bool) -> Result<Content, TraceError> {
    let damaged = |why: String| {
        let error = TraceError::new(file, format!("not readable as Parquet: {}", shown(&why)));
        error.with_hint("the file is damaged or cut off; copy or write it again")
    };
    if bytes.len() < 12 || !bytes.ends_with(MAGIC) {
        return Err(damaged("the end of the file is missing".to_owned()));
    }
    match without_panic(|| decode_frame(bytes, wanted)) {
        Some(Ok(content)) => Ok(content),
        Some(Err(error)) => Err(damaged(error.to_string())),
        None => Err(damaged("the decoder gave up".to_owned())),
    }
}

fn decode_frame(bytes: &[u8], wanted: &dyn Fn(&str) -> bool) -> PolarsResult<Content> {
    let mut reader = ParquetReader::new(Cursor::new(bytes)).read_parallel(ParallelStrategy::None);
    for group in &reader.get_metadata()?.row_groups {
        pages::check(bytes, group, wanted).map_err(|why| PolarsError::ComputeError(why.into()))?;
    }
    let pairs = reader.get_metadata()?.key_value_metadata().clone().unwrap_or_default();
    let metadata = pairs.into_iter().find(|pair| pair.key == METADATA_KEY).and_then(|pair| pair.value);
    let names: Vec<String> = reader.schema()?.iter_names().map(ToString::to_string).collect();
    let known = names.iter().filter(|name| wanted(name)).cloned().collect();
    let frame = reader.with_columns(Some(known)).finish()?;
    Ok(Content { metadata, names, frame })
}

/// The known columns as text, by the position in the header.
fn texts(
    header: &Header,
    frame: &DataFrame,
    of_series: impl Fn(&Series) -> Option<Vec<String>>,
) -> Result<Vec<Option<Vec<String>>>, TraceError> {
    let text = |name: &String| {
        let Ok(column) = frame.column(name) else { return Ok(None) };
        let series = column.as_materialized_series();
        let texts = of_series(series).ok_or_else(|| {
            let message = format!("a column of type {} holds neither text nor numbers", series.dtype());
            TraceError::new(&header.file, message)
                .in_field(name)
                .with_hint("write it as text, integer, float or boolean")
        })?;
        Ok(Some(texts))
    };
    header.names.iter().map(text).collect()
}

/// Writes canonical Parquet: the required columns and those that say something.
pub fn write_parquet(trace: &Trace, path: &Path) -> Result<(), TraceError> {
    let failed = |error: &dyn std::fmt::Display| {
        TraceError::new(path.display().to_string(), format!("cannot write: {error}"))
            .with_hint("check the folder, its permissions and the space left")
    };
    let file = File::create(path).map_err(|error| failed(&error))?;
    let columns = used_columns(trace).into_iter().map(|name| column(trace, name)).collect();
    let metadata = vec![(METADATA_KEY.to_owned(), Metadata::of(trace).to_json())];
    let writer = ParquetWriter::new(file)
        .with_compression(ParquetCompression::Snappy)
        .with_key_value_metadata(Some(KeyValueMetadata::from_static(metadata)));
    let mut frame = DataFrame::new(trace.jobs.len(), columns).map_err(|error| failed(&error))?;
    writer.finish(&mut frame).map(|_| ()).map_err(|error| failed(&error))
}

fn column(trace: &Trace, name: &str) -> Column {
    fn of<T>(trace: &Trace, value: impl Fn(&TraceJob) -> T) -> Vec<T> {
        trace.jobs.iter().map(value).collect()
    }
    let micros = |value: &dyn Fn(&TraceJob) -> Option<u64>| {
        let name = schema::column(name).and_then(|column| column.micros_name).unwrap_or(name);
        Column::new(name.into(), of(trace, |job| value(job).map(u64::cast_signed)))
    };
    match name {
        "job_id" => Column::new(name.into(), of(trace, |job| job.id.to_string())),
        "submit_s" => micros(&|job| Some(job.submit.0)),
        "gpus" => Column::new(name.into(), of(trace, |job| f64::from(job.gpu_milli) / 1000.0)),
        "duration_s" => micros(&|job| Some(job.duration.0)),
        "tenant" => Column::new(name.into(), of(trace, |job| tenant_name(trace, job).to_owned())),
        "priority" => Column::new(name.into(), of(trace, |job| job.priority)),
        "preemptible" => Column::new(name.into(), of(trace, |job| job.preemptible)),
        "estimate_s" => micros(&|job| job.estimate.map(|span| span.0)),
        "time_limit_s" => micros(&|job| job.time_limit.map(|span| span.0)),
        "deadline_s" => micros(&|job| job.deadline.map(|time| time.0)),
        "start_by_s" => micros(&|job| job.start_by.map(|time| time.0)),
        "restart_s" => micros(&|job| job.restart.map(|span| span.0)),
        "qos" => Column::new(name.into(), of(trace, |job| job.qos.as_deref().map(str::to_owned))),
        "required" => Column::new(name.into(), of(trace, |job| job.required.map(Level::name))),
        "preferred" => Column::new(name.into(), of(trace, |job| job.preferred.map(Level::name))),
        "cpu" => Column::new(name.into(), of(trace, |job| f64::from(job.cpu_milli) / 1000.0)),
        "memory_gib" => Column::new(name.into(), of(trace, |job| f64::from(job.memory_mib) / 1024.0)),
        "models" => Column::new(name.into(), of(trace, |job| model_names(trace, job))),
        "tasks" => Column::new(name.into(), of(trace, |job| Some(job.tasks).filter(|tasks| *tasks > 0))),
        "queue" => Column::new(name.into(), of(trace, |job| queue_name(trace, job).map(str::to_owned))),
        "name" => Column::new(name.into(), of(trace, |job| job.name.as_deref().map(str::to_owned))),
        "start_s" => micros(&|job| job.start.map(|time| time.0)),
        "job_type" => Column::new(name.into(), of(trace, |job| job_type(trace, job).map(|kind| kind.name.clone()))),
        "batch_size" => {
            Column::new(name.into(), of(trace, |job| job_type(trace, job).and_then(|kind| kind.batch_size)))
        }
        "batch_mode" => {
            Column::new(name.into(), of(trace, |job| job_type(trace, job).and_then(|kind| kind.batch_mode.clone())))
        }
        "steps" => Column::new(name.into(), of(trace, |job| job.steps)),
        "weight" => Column::new(name.into(), of(trace, |job| f64::from(job.weight_milli) / 1000.0)),
        _ => Column::new(name.into(), of(trace, |job| outcome_word(job.recorded).to_owned())),
    }
}
