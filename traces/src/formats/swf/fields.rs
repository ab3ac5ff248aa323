//! The fields of a row: their names, and numbers in which -1 means unknown.

use crate::decimal::{self, Flaw};
use crate::error::TraceError;
use crate::table::Cells;

/// Fields that the definition has.
pub(super) const FIELDS: usize = 18;

pub(super) const JOB: usize = 0;
pub(super) const SUBMIT: usize = 1;
pub(super) const WAIT: usize = 2;
pub(super) const RUN: usize = 3;
pub(super) const ALLOCATED: usize = 4;
const CPU_TIME: usize = 5;
const USED_MEMORY: usize = 6;
pub(super) const REQUESTED: usize = 7;
pub(super) const REQUESTED_TIME: usize = 8;
pub(super) const PROCESSORS_MEMORY: usize = 9;
pub(super) const STATUS: usize = 10;
pub(super) const USER: usize = 11;
pub(super) const GROUP: usize = 12;
pub(super) const APPLICATION: usize = 13;
pub(super) const QUEUE: usize = 14;
pub(super) const PARTITION: usize = 15;
const PRECEDING: usize = 16;
const THINK_TIME: usize = 17;

/// Names for messages, as the definition calls the fields.
pub(super) const NAMES: [&str; FIELDS] = [
    "job number",
    "submit time",
    "wait time",
    "run time",
    "allocated processors",
    "average CPU time",
    "used memory",
    "requested processors",
    "requested time",
    "requested memory",
    "status",
    "user",
    "group",
    "application",
    "queue",
    "partition",
    "preceding job",
    "think time",
];

/// The name of a field, also of one that the definition does not have.
pub(super) fn name(at: usize) -> String {
    NAMES.get(at).map_or_else(|| format!("field {}", at + 1), |name| (*name).to_owned())
}

/// Whether a cell is a finite number with or without sign.
pub(super) fn is_number(cell: &str) -> bool {
    decimal::scaled(cell.strip_prefix('-').unwrap_or(cell), 6).is_ok()
}

/// A number in units of 10^-`digits`; `None` for -1.
fn scaled(cells: &Cells<'_>, at: usize, digits: u32) -> Result<Option<decimal::Scaled>, TraceError> {
    let text = cells.text(Some(at));
    if text == "-1" {
        return Ok(None);
    }
    match decimal::scaled(text, digits) {
        Ok(number) => Ok(Some(number)),
        // -1.0 and -1.00 occur where the other values have decimals.
        Err(Flaw::Negative) if text.strip_prefix("-1.").is_some_and(|rest| rest.bytes().all(|b| b == b'0')) => Ok(None),
        Err(flaw) => Err(fault(cells, at, flaw)),
    }
}

/// A time in microseconds; `None` for -1.
pub(super) fn micros(cells: &Cells<'_>, at: usize) -> Result<Option<u64>, TraceError> {
    Ok(scaled(cells, at, 6)?.map(|number| number.value))
}

/// A whole number; `None` for -1.
pub(super) fn whole(cells: &Cells<'_>, at: usize) -> Result<Option<u64>, TraceError> {
    match scaled(cells, at, 0)? {
        Some(number) if number.rounded => Err(fault(cells, at, Flaw::Fraction)),
        number => Ok(number.map(|number| number.value)),
    }
}

/// A whole number of 32 bits; `None` for -1.
pub(super) fn count(cells: &Cells<'_>, at: usize) -> Result<Option<u32>, TraceError> {
    let number = whole(cells, at)?;
    number.map(|number| u32::try_from(number).map_err(|_| too_large(cells, at))).transpose()
}

pub(super) fn too_large(cells: &Cells<'_>, at: usize) -> TraceError {
    fault(cells, at, Flaw::TooLarge)
}

fn fault(cells: &Cells<'_>, at: usize, flaw: Flaw) -> TraceError {
    let error = cells.flaw(&name(at), flaw, cells.text(Some(at)));
    if flaw == Flaw::Negative { error.with_hint("the only negative number is -1, for unknown") } else { error }
}

/// Which fields hold something that is not used.
#[derive(Debug, Default)]
pub(super) struct Unused {
    held: [bool; FIELDS],
    /// Fields of the longest row.
    longest: usize,
    gpu_field: Option<usize>,
}

impl Unused {
    /// Looks at a row. `queued` is whether its queue is known, or its partition where it has no queue.
    pub(super) fn note(&mut self, cells: &Cells<'_>, queued: bool, gpu_field: Option<usize>) {
        let known = |at: usize| !cells.text(Some(at)).starts_with('-');
        for at in [CPU_TIME, USED_MEMORY, PRECEDING, THINK_TIME] {
            self.held[at] |= known(at);
        }
        self.held[PARTITION] |= queued && known(QUEUE) && known(PARTITION);
        self.longest = self.longest.max(cells.len());
        self.gpu_field = gpu_field;
    }

    /// Their names.
    pub(super) fn names(&self) -> Vec<String> {
        let beyond = (FIELDS..self.longest).filter(|at| Some(*at) != self.gpu_field);
        (0..FIELDS).filter(|at| self.held[*at]).chain(beyond).map(name).collect()
    }
}
