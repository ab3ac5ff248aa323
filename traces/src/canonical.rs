//! The canonical form as CSV: reading and writing. Its columns are in [`crate::schema`].

mod columns;
mod pages;
pub(crate) mod parquet;
mod quiet;
pub(crate) mod rows;
mod texts;
pub(crate) mod words;

use std::io::Write;

use engine::Level;
use flate2::Compression;
use flate2::write::GzEncoder;
use rows::Rows;
use words::outcome_word;

use crate::decimal;
use crate::error::TraceError;
use crate::formats::{Signs, Spec};
use crate::input::Input;
use crate::schema;
use crate::table::Table;
use crate::trace::{JobType, Recorded, Trace, TraceJob};

/// Decimals of a gibibyte that tell mebibytes apart exactly: 1/1024 has ten.
pub(crate) const GIB_DIGITS: u32 = 10;

pub(crate) static SPEC: Spec = Spec {
    name: "canonical",
    aliases: &["csv", "parquet"],
    about: "the canonical form, as CSV or Parquet",
    options: &[],
    signs: Signs::Columns(&["job_id", "submit_s", "gpus", "duration_s"]),
    read,
};

/// Reads canonical CSV.
fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    let mut table = Table::open(input.file, input.text)?;
    let mut rows = Rows::new(table.header())?;
    rows.reserve(table.rows_left());
    while let Some(cells) = table.next()? {
        rows.push(cells)?;
    }
    rows.finish()
}

/// Which optional columns say anything, so that files hold no empty ones.
pub(crate) fn used_columns(trace: &Trace) -> Vec<&'static str> {
    let says = |name: &str| {
        let any = |test: &dyn Fn(&TraceJob) -> bool| trace.jobs.iter().any(test);
        match name {
            "tenant" => any(&|job| tenant_name(trace, job) != schema::TENANT_DEFAULT),
            "priority" => any(&|job| job.priority != 0),
            "preemptible" => any(&|job| !job.preemptible),
            "estimate_s" => any(&|job| job.estimate.is_some()),
            "time_limit_s" => any(&|job| job.time_limit.is_some()),
            "deadline_s" => any(&|job| job.deadline.is_some()),
            "start_by_s" => any(&|job| job.start_by.is_some()),
            "restart_s" => any(&|job| job.restart.is_some()),
            "qos" => any(&|job| job.qos.is_some()),
            "required" => any(&|job| job.required.is_some()),
            "preferred" => any(&|job| job.preferred.is_some()),
            "cpu" => any(&|job| job.cpu_milli != 0),
            "memory_gib" => any(&|job| job.memory_mib != 0),
            "models" => any(&|job| job.models.is_some()),
            "tasks" => any(&|job| job.tasks != 0),
            "queue" => any(&|job| job.queue.is_some()),
            "name" => any(&|job| job.name.is_some()),
            "start_s" => any(&|job| job.start.is_some()),
            "job_type" => any(&|job| job.job_type.is_some()),
            "batch_size" => any(&|job| job_type(trace, job).is_some_and(|kind| kind.batch_size.is_some())),
            "batch_mode" => any(&|job| job_type(trace, job).is_some_and(|kind| kind.batch_mode.is_some())),
            "steps" => any(&|job| job.steps.is_some()),
            "weight" => any(&|job| job.weight_milli != 1000),
            "outcome" => any(&|job| job.recorded != Recorded::Unknown),
            _ => true,
        }
    };
    schema::COLUMNS.iter().map(|column| column.name).filter(|name| says(name)).collect()
}

/// The tenant path of a job.
pub(crate) fn tenant_name<'a>(trace: &'a Trace, job: &TraceJob) -> &'a str {
    trace.tenants.get(job.tenant as usize).map_or(schema::TENANT_DEFAULT, String::as_str)
}

/// The models of a job, joined by `|`.
pub(crate) fn model_names(trace: &Trace, job: &TraceJob) -> String {
    job.models.and_then(|set| trace.model_sets.get(set as usize)).map_or_else(String::new, |set| set.join("|"))
}

/// The queue of a job.
pub(crate) fn queue_name<'a>(trace: &'a Trace, job: &TraceJob) -> Option<&'a str> {
    job.queue.and_then(|queue| trace.queues.get(queue as usize)).map(String::as_str)
}

/// What a job trains.
pub(crate) fn job_type<'a>(trace: &'a Trace, job: &TraceJob) -> Option<&'a JobType> {
    job.job_type.and_then(|kind| trace.job_types.get(kind as usize))
}

/// A value, or nothing.
fn text<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// Writes canonical CSV: the required columns and those that say something. Times are exact to the microsecond.
pub fn write_csv(trace: &Trace, out: impl Write) -> std::io::Result<()> {
    let columns = used_columns(trace);
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(&columns)?;
    for job in &trace.jobs {
        writer.write_record(columns.iter().map(|column| cell(trace, job, column)))?;
    }
    writer.flush()
}

/// Writes canonical CSV through gzip. Equal traces make equal bytes: no name and no time goes into the file.
pub fn write_csv_gz(trace: &Trace, out: impl Write) -> std::io::Result<()> {
    let mut encoder = GzEncoder::new(out, Compression::default());
    write_csv(trace, &mut encoder)?;
    encoder.finish()?.flush()
}

fn cell(trace: &Trace, job: &TraceJob, column: &str) -> String {
    let secs = |micros: Option<u64>| micros.map_or_else(String::new, |micros| decimal::text(micros, 6));
    match column {
        "job_id" => job.id.to_string(),
        "submit_s" => secs(Some(job.submit.0)),
        "gpus" => decimal::text(u64::from(job.gpu_milli), 3),
        "duration_s" => secs(Some(job.duration.0)),
        "tenant" => tenant_name(trace, job).to_owned(),
        "priority" => job.priority.to_string(),
        "preemptible" => job.preemptible.to_string(),
        "estimate_s" => secs(job.estimate.map(|span| span.0)),
        "time_limit_s" => secs(job.time_limit.map(|span| span.0)),
        "deadline_s" => secs(job.deadline.map(|time| time.0)),
        "start_by_s" => secs(job.start_by.map(|time| time.0)),
        "restart_s" => secs(job.restart.map(|span| span.0)),
        "qos" => job.qos.as_deref().unwrap_or_default().to_owned(),
        "required" => job.required.map_or("", Level::name).to_owned(),
        "preferred" => job.preferred.map_or("", Level::name).to_owned(),
        "cpu" => decimal::text(u64::from(job.cpu_milli), 3),
        "memory_gib" => decimal::text(u64::from(job.memory_mib) * (10u64.pow(GIB_DIGITS) / 1024), GIB_DIGITS),
        "models" => model_names(trace, job),
        "tasks" => text(Some(job.tasks).filter(|tasks| *tasks > 0)),
        "queue" => queue_name(trace, job).unwrap_or_default().to_owned(),
        "name" => job.name.as_deref().unwrap_or_default().to_owned(),
        "start_s" => secs(job.start.map(|time| time.0)),
        "job_type" => job_type(trace, job).map_or_else(String::new, |kind| kind.name.clone()),
        "batch_size" => text(job_type(trace, job).and_then(|kind| kind.batch_size)),
        "batch_mode" => text(job_type(trace, job).and_then(|kind| kind.batch_mode.clone())),
        "steps" => text(job.steps),
        "weight" => decimal::text(u64::from(job.weight_milli), 3),
        _ => outcome_word(job.recorded).to_owned(),
    }
}
