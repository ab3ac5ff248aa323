//! What a file of jobs cannot say in its columns: the clock, where the run times come from, what was done before.
//!
//! Parquet carries it under one key. Beside CSV it lies in a file of its own, `jobs.csv-metadata.json` for `jobs.csv` (the
//! place that the W3C's "Metadata Vocabulary for Tabular Data", section 5.3, gives it), so that the CSV stays plain.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::bytes;
use crate::error::TraceError;
use crate::schema;
use crate::trace::{RunTimes, Step, Trace};

/// Metadata of a canonical trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Metadata {
    /// Version of the canonical form.
    pub(crate) schema: u32,
    /// What the clock showed at time zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    /// Where the run times come from.
    #[serde(default)]
    run_times: RunTimes,
    /// The GPU model on which they were measured or computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    measured_on: Option<String>,
    /// What was done to the trace, the oldest first.
    #[serde(default)]
    history: Vec<Step>,
}

impl Metadata {
    /// The metadata of `trace`.
    pub(crate) fn of(trace: &Trace) -> Self {
        Self {
            schema: schema::VERSION,
            origin: trace.origin.clone(),
            run_times: trace.run_times,
            measured_on: trace.measured_on.clone(),
            history: trace.history.clone(),
        }
    }

    /// As JSON for people: indented, with a line end.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).map(|json| json + "\n").unwrap_or_default()
    }

    /// Out of the JSON in `file`.
    pub(crate) fn parse(file: &str, json: &str) -> Result<Self, TraceError> {
        let metadata: Self = serde_json::from_str(json).map_err(|error| {
            let wrong = TraceError::new(file, format!("not readable as metadata of a trace: {error}"));
            wrong.at_line(error.line() as u64).with_hint("write the trace again, or remove the metadata")
        })?;
        if metadata.schema > schema::VERSION {
            let (found, known) = (metadata.schema, schema::VERSION);
            let error = TraceError::new(file, format!("the trace has schema {found}, this program knows {known}"));
            return Err(error.in_field("schema").with_hint("use a newer program, or write the file again"));
        }
        Ok(metadata)
    }

    /// Puts it into `trace`, which was read from the columns.
    pub(crate) fn describe(self, trace: &mut Trace) {
        trace.origin = self.origin;
        trace.run_times = if self.run_times == RunTimes::Unknown { RunTimes::Recorded } else { self.run_times };
        trace.measured_on = self.measured_on;
        trace.history = self.history;
    }
}

/// Where the metadata of a CSV file lies.
fn path_beside(csv: &str) -> PathBuf {
    PathBuf::from(format!("{csv}-metadata.json"))
}

/// Puts the metadata that lies beside a CSV file into the trace that was read from it.
pub(crate) fn read_beside(csv: &str, trace: &mut Trace) -> Result<(), TraceError> {
    let path = path_beside(csv);
    if !path.is_file() {
        return Ok(());
    }
    let path = path.display().to_string();
    let packed = bytes::read_file(&path)?;
    Metadata::parse(&path, bytes::text(&path, &packed)?)?.describe(trace);
    Ok(())
}

/// The name of the file for the metadata of a CSV file, and what to write there.
pub fn metadata_beside(trace: &Trace, csv: &str) -> (PathBuf, String) {
    (path_beside(csv), Metadata::of(trace).to_json())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let mut step = Step { what: "filter=sia".to_owned(), before: 9, after: 7, ..Step::default() };
        step.dropped.insert("shorter than 60 s".to_owned(), 2);
        let trace = Trace {
            origin: Some("2017-10-03T00:00:00".to_owned()),
            run_times: RunTimes::Computed,
            measured_on: Some("v100".to_owned()),
            history: vec![step],
            ..Trace::default()
        };
        let mut again = Trace::default();
        Metadata::parse("m", &Metadata::of(&trace).to_json()).unwrap().describe(&mut again);
        assert_eq!(again, trace);
    }

    #[test]
    fn errors() {
        let text = |json: &str| {
            let error = Metadata::parse("j.csv-metadata.json", json).unwrap_err();
            format!("{error} | {}", error.hint().unwrap_or_default())
        };
        assert_eq!(
            text("{\"schema\": 99}"),
            "j.csv-metadata.json: field `schema`: the trace has schema 99, this program knows 1 | use a newer program, or \
             write the file again"
        );
        assert_eq!(
            text("{\n\"schema\": \"x\"}"),
            "j.csv-metadata.json:2: not readable as metadata of a trace: invalid type: string \"x\", expected u32 at line 2 \
             column 13 | write the trace again, or remove the metadata"
        );
    }
}
