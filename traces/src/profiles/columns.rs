//! Numbers in the columns of a profile.

use crate::decimal::Flaw;
use crate::error::TraceError;
use crate::table::Cells;

/// Largest gang that a table may speak of: what a job of a trace can have.
pub(super) const MOST_GPUS: u32 = 4_294_966;

/// A finite number of at least 0.
pub(super) fn number(cells: &Cells<'_>, at: Option<usize>, field: &str) -> Result<f64, TraceError> {
    let text = cells.text(at).trim();
    read_number(text).map_err(|flaw| cells.flaw(field, flaw, text))
}

fn read_number(text: &str) -> Result<f64, Flaw> {
    if text.is_empty() {
        return Err(Flaw::Empty);
    }
    match text.parse::<f64>() {
        Err(_) => Err(Flaw::Garbage),
        Ok(value) if !value.is_finite() => Err(Flaw::NotFinite),
        Ok(value) if value < 0.0 => Err(Flaw::Negative),
        Ok(value) => Ok(value),
    }
}

/// A whole number of at least 1.
pub(super) fn at_least_one(cells: &Cells<'_>, at: Option<usize>, field: &str) -> Result<u32, TraceError> {
    match cells.count(at, field)? {
        0 => Err(cells.error(field, "`0` is not at least 1").with_hint("correct the value, or leave the row out")),
        count if count > MOST_GPUS => Err(cells.flaw(field, Flaw::TooLarge, cells.text(at))),
        count => Ok(count),
    }
}
