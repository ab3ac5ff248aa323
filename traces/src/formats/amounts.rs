//! What one task asks for, as the Alibaba lists give it, and the same for all tasks of a gang.

use crate::build::Builder;
use crate::canonical::words::below_unlimited;
use crate::decimal::Flaw;
use crate::error::TraceError;
use crate::table::Cells;

/// A column and how its numbers become the unit of the trace.
#[derive(Clone, Copy, Debug)]
pub(super) struct Amount {
    /// Name of the column.
    pub(super) field: &'static str,
    /// Where it stands.
    pub(super) at: Option<usize>,
    /// The unit of the trace is 10^-`digits` of that of the column: 3 for GPUs or cores, 1 for percent of one.
    pub(super) digits: u32,
}

impl Amount {
    /// Thousandths of a GPU of one task: a part of one GPU, or whole GPUs. No node gives one GPU and a part of another
    /// to one task, so that is rounded up. An empty cell is 0.
    pub(super) fn gpu_milli(self, cells: &Cells<'_>, builder: &mut Builder) -> Result<u64, TraceError> {
        if cells.is_blank(self.at) {
            return Ok(0);
        }
        let number = cells.scaled(self.at, self.field, self.digits)?;
        if number.rounded {
            builder.ledger.change_row(&format!("{}: rounded to a thousandth of a GPU", self.field));
        }
        Ok(match number.value {
            0 if number.rounded => 1,
            milli if milli > 1000 && milli % 1000 != 0 => {
                builder.ledger.change_row(&format!("{}: more than one GPU and a part: rounded up", self.field));
                milli.next_multiple_of(1000)
            }
            milli => milli,
        })
    }

    /// Thousandths of a core of one task; an empty cell is 0: nothing known.
    pub(super) fn cpu_milli(self, cells: &Cells<'_>, builder: &mut Builder) -> Result<u64, TraceError> {
        if cells.is_blank(self.at) {
            return Ok(0);
        }
        let number = cells.scaled(self.at, self.field, self.digits)?;
        if number.rounded {
            builder.ledger.change_row(&format!("{}: rounded to a thousandth of a core", self.field));
        }
        Ok(number.value)
    }

    /// MiB of one task out of GiB; an empty cell is 0: nothing known.
    pub(super) fn memory_mib(self, cells: &Cells<'_>, builder: &mut Builder) -> Result<u64, TraceError> {
        if cells.is_blank(self.at) {
            return Ok(0);
        }
        let number = cells.scaled(self.at, self.field, 6)?;
        let parts = u128::from(number.value) * 1024;
        if number.rounded || parts % 1_000_000 != 0 {
            builder.ledger.change_row(&format!("{}: rounded to a MiB", self.field));
        }
        u64::try_from((parts + 500_000) / 1_000_000).map_err(|_| self.too_large(cells))
    }

    /// What `tasks` equal tasks ask for together.
    pub(super) fn of_all(self, cells: &Cells<'_>, each: u64, tasks: u32) -> Result<u32, TraceError> {
        each.checked_mul(u64::from(tasks)).and_then(below_unlimited).ok_or_else(|| self.too_large(cells))
    }

    fn too_large(self, cells: &Cells<'_>) -> TraceError {
        cells.flaw(self.field, Flaw::TooLarge, cells.text(self.at))
    }
}

/// A number of tasks of at least 1.
pub(super) fn tasks(cells: &Cells<'_>, at: Option<usize>, field: &str) -> Result<u32, TraceError> {
    match cells.count(at, field)? {
        0 => Err(cells.error(field, "the job has no tasks").with_hint("write a whole number of at least 1")),
        count => Ok(count),
    }
}

/// A time in seconds, as microseconds; what is finer is counted.
pub(super) fn micros(
    cells: &Cells<'_>,
    at: Option<usize>,
    field: &str,
    builder: &mut Builder,
) -> Result<u64, TraceError> {
    let number = cells.scaled(at, field, 6)?;
    if number.rounded {
        builder.ledger.change_row(&format!("{field}: rounded to a microsecond"));
    }
    Ok(number.value)
}

/// The same where a cell may be empty or `NaN`, as tables written by pandas have it.
pub(super) fn micros_if_any(
    cells: &Cells<'_>,
    at: Option<usize>,
    field: &str,
    builder: &mut Builder,
) -> Result<Option<u64>, TraceError> {
    let text = cells.text(at).trim();
    if text.is_empty() || text.eq_ignore_ascii_case("nan") {
        Ok(None)
    } else {
        micros(cells, at, field, builder).map(Some)
    }
}

/// The models of a column with one name. `MISC` stands for several older models without a name, and `CPU` for none.
pub(super) fn model(name: &str, builder: &mut Builder) -> Option<u32> {
    match name.trim() {
        "" | "CPU" => None,
        "MISC" => {
            builder.ledger.change_row("GPU model MISC: several older models without a name, taken as any");
            None
        }
        name => builder.models(vec![name.to_owned()]),
    }
}
