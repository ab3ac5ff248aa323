//! The canonical form as CSV: reading and writing. Its columns are in [`crate::schema`].

mod columns;
pub(crate) mod parquet;
mod quiet;
pub(crate) mod rows;
pub(crate) mod words;

use std::io::Write;

use rows::Rows;
use words::outcome_word;

use crate::decimal;
use crate::error::TraceError;
use crate::schema;
use crate::table::CsvTable;
use crate::trace::{Recorded, Trace, TraceJob};

/// Decimals of a gibibyte that tell mebibytes apart exactly: 1/1024 has ten.
pub(crate) const GIB_DIGITS: u32 = 10;

/// Reads canonical CSV.
pub(crate) fn read(file: &str, text: &str) -> Result<Trace, TraceError> {
    let mut table = CsvTable::open(file, text)?;
    let mut rows = Rows::new(table.header())?;
    while let Some(cells) = table.next()? {
        rows.push(cells)?;
    }
    rows.finish(file)
}

/// The error for a trace without a single job.
pub(crate) fn no_jobs(file: &str, rows: u64) -> TraceError {
    let message = match rows {
        0 => "the trace has no jobs".to_owned(),
        1 => "no job is left of 1 row".to_owned(),
        _ => format!("no job is left of {rows} rows"),
    };
    TraceError::new(file, message).with_hint("there must be at least one job below the header")
}

/// Stable by submission: jobs of one instant keep the order of the file.
pub(crate) fn sort_jobs(jobs: &mut [TraceJob]) {
    jobs.sort_by_key(|job| job.submit);
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
            "cpu" => any(&|job| job.cpu_milli != 0),
            "memory_gib" => any(&|job| job.memory_mib != 0),
            "models" => any(&|job| job.models.is_some()),
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
        "cpu" => decimal::text(u64::from(job.cpu_milli), 3),
        "memory_gib" => decimal::text(u64::from(job.memory_mib) * (10u64.pow(GIB_DIGITS) / 1024), GIB_DIGITS),
        "models" => model_names(trace, job),
        _ => outcome_word(job.recorded).to_owned(),
    }
}
