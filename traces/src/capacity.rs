//! Capacity schedules: how many GPUs or nodes a cluster and its virtual clusters had, over time.
//!
//! Four kinds of files, told by their header; `.gz` is read as is:
//!
//! - quotas by the day (Helios, SC 2021; <https://github.com/S-Lab-System-Group/HeliosData>): `date`, one column of GPUs a
//!   virtual cluster, `total`, which is checked against the sum and not kept as a series
//! - a virtual cluster by the minute (Helios): `time`, `total_gpu_num` and columns of jobs that are not used; the name of the
//!   series is the part of the file name before `_cluster_sequence`, without that of the cluster
//! - nodes by the minute (Philly, ATC 2019): `time`, `active` and `total` nodes, a series each; minutes that are missing are
//!   counted, and the value before them holds
//! - the canonical one: `time_s`, `name`, and `gpus` or `nodes`; one row a change
//!
//! Times are civil times without a zone; the first row is time zero.

use std::collections::BTreeMap;

use engine::{Span, Time};
use serde::Serialize;

use crate::bytes;
use crate::civil;
use crate::error::TraceError;
use crate::trace::Ledger;

mod canonical;
mod read;

pub use canonical::write_capacity;
pub use read::is_capacity;

/// Version of [`CapacityInfo`] as JSON.
const SCHEMA: u32 = 1;

/// What a schedule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// GPUs.
    Gpus,
    /// Nodes.
    Nodes,
}

impl Unit {
    /// The word for it, which is also the name of the column.
    pub fn word(self) -> &'static str {
        match self {
            Self::Gpus => "gpus",
            Self::Nodes => "nodes",
        }
    }
}

/// Amounts over time, by name.
#[derive(Clone, Debug, PartialEq)]
pub struct CapacitySchedule {
    /// The file.
    pub source: String,
    /// What the clock showed at time zero (civil time, no zone), where the file says so.
    pub origin: Option<String>,
    /// What is counted.
    pub unit: Unit,
    /// The series, in the order of the file.
    pub series: Vec<Series>,
    /// The time of the last row.
    pub last: Time,
    /// What happened to rows.
    pub ledger: Ledger,
}

/// One name's amount over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// Name of the virtual cluster, or of the figure.
    pub name: String,
    /// From when on how many, in order of time; two that follow each other differ. Empty only before the first row.
    pub steps: Vec<(Time, u32)>,
}

impl Series {
    /// Sets the amount from `at` on, which is not before the last step.
    fn set(&mut self, at: Time, amount: u32) {
        if self.steps.last().is_none_or(|(_, before)| *before != amount) {
            self.steps.push((at, amount));
        }
    }

    /// The amount at a time; `None` before the first step.
    pub fn at(&self, time: Time) -> Option<u32> {
        let count = self.steps.partition_point(|(from, _)| *from <= time);
        count.checked_sub(1).map(|last| self.steps[last].1)
    }
}

/// Reads a schedule.
pub fn load_capacity(path: &str) -> Result<CapacitySchedule, TraceError> {
    read_capacity_bytes(path, &bytes::read_file(path)?)
}

/// Reads a schedule from the bytes of a file called `name`, gzipped or not.
pub fn read_capacity_bytes(name: &str, bytes: &[u8]) -> Result<CapacitySchedule, TraceError> {
    let bytes = bytes::unpacked(name, bytes)?;
    read::read(name, bytes::text(name, &bytes)?)
}

impl CapacitySchedule {
    /// The amount of the series called `name` at a time; `None` before it begins, or where there is no such series.
    pub fn at(&self, name: &str, time: Time) -> Option<u32> {
        self.series.iter().find(|series| series.name == name)?.at(time)
    }

    /// The amounts of a series from time zero on of a trace whose clock showed `origin` then: what holds at time zero, and what
    /// changes after it. Where one of the clocks is not known, both begin together.
    pub fn aligned(&self, name: &str, origin: Option<&str>) -> Vec<(Time, u32)> {
        let Some(series) = self.series.iter().find(|series| series.name == name) else { return Vec::new() };
        let clock = |text: Option<&str>| text.and_then(civil::parse);
        let ahead = match (clock(self.origin.as_deref()), clock(origin)) {
            (Some(own), Some(other)) => i128::from(own.duration_since(other).as_micros() as i64),
            _ => 0,
        };
        let mut steps: Vec<(Time, u32)> = Vec::new();
        for (at, amount) in &series.steps {
            let at = Time(u64::try_from(i128::from(at.0) + ahead).unwrap_or(0));
            match steps.last_mut() {
                Some(last) if last.0 == at => last.1 = *amount,
                _ => steps.push((at, *amount)),
            }
        }
        steps
    }

    /// The sum of all series at every time at which one of them changes.
    pub fn totals(&self) -> Vec<(Time, u64)> {
        let mut changes: BTreeMap<Time, i64> = BTreeMap::new();
        for series in &self.series {
            let mut before = 0;
            for (at, amount) in &series.steps {
                *changes.entry(*at).or_default() += i64::from(*amount) - before;
                before = i64::from(*amount);
            }
        }
        let sum = |total: &mut i64, (at, change)| {
            *total += change;
            Some((at, total.cast_unsigned()))
        };
        changes.into_iter().scan(0, sum).collect()
    }
}

/// Figures of a schedule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CapacityInfo {
    /// Version of this object.
    pub schema: u32,
    /// The file.
    pub source: String,
    /// What the clock showed at time zero.
    pub origin: Option<String>,
    /// What is counted.
    pub unit: Unit,
    /// From the first row to the last, in seconds.
    pub span_s: f64,
    /// Smallest sum of all series; of GPUs only, since series of nodes are not parts of a whole.
    pub total_min: Option<u64>,
    /// Largest sum of all series; of GPUs only.
    pub total_max: Option<u64>,
    /// The series.
    pub series: Vec<SeriesInfo>,
    /// Rows read.
    pub rows: u64,
    /// Rows kept though something about them is odd, by cause.
    pub changed: BTreeMap<String, u64>,
    /// Columns that were not used.
    pub ignored_columns: Vec<String>,
}

/// Figures of one series.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeriesInfo {
    /// Its name.
    pub name: String,
    /// Changes after the first row.
    pub changes: u64,
    /// Smallest amount.
    pub min: u32,
    /// Largest amount.
    pub max: u32,
    /// Mean over time; the amount where there is only one row.
    pub mean: f64,
}

/// Describes a schedule.
pub fn describe_capacity(schedule: &CapacitySchedule) -> CapacityInfo {
    let sums = schedule.totals();
    let total = |pick: fn(std::vec::IntoIter<u64>) -> Option<u64>| {
        let sums: Vec<u64> = sums.iter().map(|(_, sum)| *sum).collect();
        (schedule.unit == Unit::Gpus).then(|| pick(sums.into_iter())).flatten()
    };
    CapacityInfo {
        schema: SCHEMA,
        source: schedule.source.clone(),
        origin: schedule.origin.clone(),
        unit: schedule.unit,
        span_s: schedule.last.0 as f64 / 1e6,
        total_min: total(Iterator::min),
        total_max: total(Iterator::max),
        series: schedule.series.iter().map(|series| describe_series(series, schedule.last)).collect(),
        rows: schedule.ledger.rows,
        changed: schedule.ledger.changed.clone(),
        ignored_columns: schedule.ledger.ignored_columns.clone(),
    }
}

fn describe_series(series: &Series, last: Time) -> SeriesInfo {
    let amounts = || series.steps.iter().map(|(_, amount)| *amount);
    let ends = series.steps.iter().skip(1).map(|(at, _)| *at).chain([last]);
    let mut area = 0u128;
    let mut span = Span(0);
    for ((from, amount), end) in series.steps.iter().zip(ends) {
        let length = end.since(*from);
        area += u128::from(length.0) * u128::from(*amount);
        span.0 += length.0;
    }
    SeriesInfo {
        name: series.name.clone(),
        changes: (series.steps.len() as u64).saturating_sub(1),
        min: amounts().min().unwrap_or(0),
        max: amounts().max().unwrap_or(0),
        mean: if span.0 == 0 { f64::from(amounts().next_back().unwrap_or(0)) } else { area as f64 / span.0 as f64 },
    }
}

#[cfg(test)]
mod tests;
