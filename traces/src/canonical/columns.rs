//! Where the columns of the canonical form stand in one file.

use crate::error::TraceError;
use crate::header::Header;
use crate::schema;

/// A time column in the spelling that the file uses.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeColumn {
    pub(super) at: Option<usize>,
    pub(super) name: &'static str,
    /// Decimals of its unit that make a microsecond.
    pub(super) digits: u32,
}

impl TimeColumn {
    fn find(header: &Header, name: &'static str) -> Result<Self, TraceError> {
        let micros_name = schema::column(name).and_then(|column| column.micros_name).unwrap_or(name);
        match (header.find(name), header.find(micros_name)) {
            (Some(_), Some(_)) => Err(header
                .error(format!("columns `{name}` and `{micros_name}` say the same thing"))
                .with_hint("keep one of the two")),
            (None, Some(at)) => Ok(Self { at: Some(at), name: micros_name, digits: 0 }),
            (at, None) => Ok(Self { at, name, digits: 6 }),
        }
    }
}

/// Columns that every job has room for, after the schema; any other one goes to the details of a job.
const PLAIN: [&str; 8] = ["job_id", "submit_s", "gpus", "duration_s", "tenant", "priority", "preemptible", "outcome"];

/// Whether any column of the file goes to the details of jobs.
fn has_details(header: &Header) -> bool {
    let plain = |name: &str| {
        let names = |plain: &&str| schema::column(plain).is_some_and(|column| column.micros_name == Some(name));
        PLAIN.contains(&name) || PLAIN.iter().any(names)
    };
    schema::all_names().any(|name| header.find(name).is_some() && !plain(name))
}

/// Where the columns stand.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) job_id: Option<usize>,
    pub(super) submit: TimeColumn,
    pub(super) gpus: Option<usize>,
    pub(super) duration: TimeColumn,
    pub(super) tenant: Option<usize>,
    pub(super) priority: Option<usize>,
    pub(super) preemptible: Option<usize>,
    pub(super) estimate: TimeColumn,
    pub(super) time_limit: TimeColumn,
    pub(super) deadline: TimeColumn,
    pub(super) start_by: TimeColumn,
    pub(super) restart: TimeColumn,
    pub(super) qos: Option<usize>,
    pub(super) required: Option<usize>,
    pub(super) preferred: Option<usize>,
    pub(super) cpu: Option<usize>,
    pub(super) memory: Option<usize>,
    pub(super) models: Option<usize>,
    pub(super) tasks: Option<usize>,
    pub(super) queue: Option<usize>,
    pub(super) name: Option<usize>,
    pub(super) start: TimeColumn,
    pub(super) job_type: Option<usize>,
    pub(super) batch_size: Option<usize>,
    pub(super) batch_mode: Option<usize>,
    pub(super) steps: Option<usize>,
    pub(super) weight: Option<usize>,
    pub(super) outcome: Option<usize>,
    /// Whether a row can say what belongs to the details of a job.
    pub(super) has_details: bool,
}

impl Columns {
    pub(super) fn find(header: &Header) -> Result<Self, TraceError> {
        let columns = Self {
            job_id: header.find("job_id"),
            submit: TimeColumn::find(header, "submit_s")?,
            gpus: header.find("gpus"),
            duration: TimeColumn::find(header, "duration_s")?,
            tenant: header.find("tenant"),
            priority: header.find("priority"),
            preemptible: header.find("preemptible"),
            estimate: TimeColumn::find(header, "estimate_s")?,
            time_limit: TimeColumn::find(header, "time_limit_s")?,
            deadline: TimeColumn::find(header, "deadline_s")?,
            start_by: TimeColumn::find(header, "start_by_s")?,
            restart: TimeColumn::find(header, "restart_s")?,
            qos: header.find("qos"),
            required: header.find("required"),
            preferred: header.find("preferred"),
            cpu: header.find("cpu"),
            memory: header.find("memory_gib"),
            models: header.find("models"),
            tasks: header.find("tasks"),
            queue: header.find("queue"),
            name: header.find("name"),
            start: TimeColumn::find(header, "start_s")?,
            job_type: header.find("job_type"),
            batch_size: header.find("batch_size"),
            batch_mode: header.find("batch_mode"),
            steps: header.find("steps"),
            weight: header.find("weight"),
            outcome: header.find("outcome"),
            has_details: has_details(header),
        };
        let needed: Vec<&str> = schema::required().collect();
        let found = [columns.job_id, columns.submit.at, columns.gpus, columns.duration.at];
        let missing: Vec<&str> =
            needed.iter().zip(found).filter(|(_, at)| at.is_none()).map(|(name, _)| *name).collect();
        if missing.is_empty() {
            return Ok(columns);
        }
        let known: Vec<&str> = schema::all_names().collect();
        Err(header.missing("canonical", &missing, &needed, &known))
    }
}
