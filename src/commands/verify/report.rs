//! What `verify` found, as JSON.

use engine::Command;
use engine::journal::Damage;
use engine::replay::{ReplayError, Verdict};
use serde::Serialize;
use traces::journal::Files;

use super::Replayed;

/// Version of the JSON.
const SCHEMA: u32 = 1;

/// The result as JSON.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    schema: u32,
    journal: &'a str,
    trainyard_version: &'a str,
    policy: &'a str,
    /// `identical`, `different`, `damaged`, `truncated` or `contradiction`.
    result: &'static str,
    /// Files of the journal.
    segments: u64,
    /// Number of the first of them.
    first_segment: u64,
    /// Records that replay identically.
    records: u64,
    facts: Option<u64>,
    orders: Option<u64>,
    /// The file in which something was found.
    file: Option<&'a str>,
    /// Record of that file with the first difference or the damage.
    record: Option<u64>,
    /// Where a damaged record starts.
    byte: Option<usize>,
    /// Place of the first order that differs, from 1.
    order: Option<usize>,
    recorded: Option<&'a Command>,
    replayed: Option<&'a Command>,
}

/// What was found.
pub(super) fn of<'a>(files: &'a Files, found: &'a Replayed) -> Report<'a> {
    let mut report = Report {
        schema: SCHEMA,
        journal: &files.source,
        trainyard_version: &found.header.trainyard_version,
        policy: &found.header.policy,
        result: "identical",
        segments: files.segments.len() as u64,
        first_segment: files.first(),
        records: found.records,
        facts: None,
        orders: None,
        file: Some(&found.path),
        record: None,
        byte: None,
        order: None,
        recorded: None,
        replayed: None,
    };
    match &found.outcome {
        Ok(Verdict::Identical { .. }) => {
            (report.file, report.facts, report.orders) = (None, Some(found.facts), Some(found.orders));
        }
        Ok(Verdict::Different { record, order, recorded, replayed }) => {
            (report.result, report.record, report.order) = ("different", Some(*record), Some(*order));
            (report.recorded, report.replayed) = (recorded.as_deref(), replayed.as_deref());
        }
        Err(ReplayError::Damage(Damage::Truncated { record, offset })) => {
            (report.result, report.record, report.byte) = ("truncated", Some(*record), Some(*offset));
        }
        Err(ReplayError::Damage(Damage::Record { record, offset, .. })) => {
            (report.result, report.record, report.byte) = ("damaged", Some(*record), Some(*offset));
        }
        Err(ReplayError::Damage(_)) => report.result = "damaged",
        Err(ReplayError::Fault { record, .. }) => (report.result, report.record) = ("contradiction", Some(*record)),
    }
    report
}
