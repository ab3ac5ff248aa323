//! What the job lists of Tiresias and its descendants share: an id, a gang, a submission, a run time, a model.

use engine::{Span, Time};

use crate::build::{Builder, Twins};
use crate::canonical::words::below_unlimited;
use crate::decimal::Flaw;
use crate::details::Details;
use crate::error::TraceError;
use crate::header::Header;
use crate::table::Cells;
use crate::trace::{Trace, TraceJob};

/// The unit of the times of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::formats) enum Unit {
    Milliseconds,
    Seconds,
    Minutes,
}

impl Unit {
    /// Decimal digits below the unit down to a part of a microsecond, and how many microseconds such a part has.
    fn scale(self) -> (u32, u64) {
        match self {
            Self::Milliseconds => (3, 1),
            Self::Seconds => (6, 1),
            Self::Minutes => (6, 60),
        }
    }
}

/// A list on its way to a trace.
pub(in crate::formats) struct List {
    unit: Unit,
    /// Name of the column of training steps.
    steps: &'static str,
    at: Columns,
    pub(in crate::formats) builder: Builder,
}

struct Columns {
    id: Option<usize>,
    gpus: Option<usize>,
    submit: Option<usize>,
    duration: Option<usize>,
    model: Option<usize>,
    batch: Option<usize>,
    steps: Option<usize>,
}

impl List {
    /// Finds the columns; `used` are all columns that the format uses.
    pub(in crate::formats) fn new(
        header: &Header,
        format: &'static str,
        unit: Unit,
        steps: &'static str,
        used: &[&str],
    ) -> Self {
        let mut builder = Builder::new(&header.file, format);
        builder.ledger.ignored_columns = header.ignored(used);
        let at = Columns {
            id: header.find("job_id"),
            gpus: header.find("num_gpu"),
            submit: header.find("submit_time"),
            duration: header.find("duration"),
            model: header.find("model_name"),
            batch: header.find("batch_size"),
            steps: header.find(steps),
        };
        Self { unit, steps, at, builder }
    }

    /// The job of a row, with what all lists say about it.
    pub(in crate::formats) fn job(&mut self, cells: &Cells<'_>) -> Result<TraceJob, TraceError> {
        self.builder.row();
        let id = cells.word(self.at.id, "job_id")?;
        let submit = Time(self.time(cells, self.at.submit, "submit_time")?);
        let duration = Span(self.time(cells, self.at.duration, "duration")?);
        let gpu_milli = self.gpu_milli(cells)?;
        Ok(TraceJob {
            tenant: self.builder.tenant(""),
            details: Details { job_type: Some(self.job_type(cells)?), steps: self.steps(cells)?, ..Details::NONE }
                .into(),
            ..TraceJob::plain(id, submit, duration, gpu_milli)
        })
    }

    /// Microseconds of a time.
    pub(in crate::formats) fn time(
        &mut self,
        cells: &Cells<'_>,
        at: Option<usize>,
        field: &str,
    ) -> Result<u64, TraceError> {
        self.time_of(cells, cells.text(at), field)
    }

    /// Microseconds of the time `text`, which is part of the cell `field`.
    pub(in crate::formats) fn time_of(
        &mut self,
        cells: &Cells<'_>,
        text: &str,
        field: &str,
    ) -> Result<u64, TraceError> {
        let (digits, micros) = self.unit.scale();
        let number = crate::decimal::scaled(text, digits).map_err(|flaw| cells.flaw(field, flaw, text))?;
        if number.rounded {
            self.builder.ledger.change_row(&format!("{field}: rounded to a microsecond"));
        }
        let value = number.value.checked_mul(micros).filter(|value| i64::try_from(*value).is_ok());
        value.ok_or_else(|| cells.flaw(field, Flaw::TooLarge, text))
    }

    fn gpu_milli(&mut self, cells: &Cells<'_>) -> Result<u32, TraceError> {
        let gpus = cells.count(self.at.gpus, "num_gpu")?;
        if gpus == 0 {
            self.builder.ledger.change_row("num_gpu is 0: kept as a job without GPUs");
        }
        let milli = below_unlimited(u64::from(gpus) * 1000);
        milli.ok_or_else(|| cells.flaw("num_gpu", Flaw::TooLarge, cells.text(self.at.gpus)))
    }

    fn job_type(&mut self, cells: &Cells<'_>) -> Result<u32, TraceError> {
        let name = cells.word(self.at.model, "model_name")?;
        let batch = self.at.batch;
        let batch_size = if cells.is_blank(batch) { None } else { Some(cells.count(batch, "batch_size")?) };
        Ok(self.builder.job_type_named(name, batch_size))
    }

    fn steps(&mut self, cells: &Cells<'_>) -> Result<Option<u64>, TraceError> {
        if cells.is_blank(self.at.steps) {
            return Ok(None);
        }
        let number = cells.scaled(self.at.steps, self.steps, 0)?;
        if number.rounded {
            self.builder.ledger.change_row(&format!("{}: rounded to a whole number", self.steps));
        }
        Ok(Some(number.value))
    }

    /// The trace, sorted; time zero is that of the list.
    pub(in crate::formats) fn finish(self) -> Result<Trace, TraceError> {
        self.builder.finish(Twins::Refused, None)
    }
}

/// Whether a row is marked as best effort by a 1 in `best_effort`; such jobs have no deadline.
pub(in crate::formats) fn best_effort(cells: &Cells<'_>, at: Option<usize>) -> Result<Option<Effort>, TraceError> {
    match cells.text(at).trim() {
        "" => Ok(None),
        "0" => Ok(Some(Effort::Deadline)),
        "1" => Ok(Some(Effort::Best)),
        other => {
            let message = format!("`{}` is neither 0 nor 1", crate::error::shown(other));
            Err(cells.error("best_effort", message).with_hint("write 1 for a job without a deadline, 0 for others"))
        }
    }
}

/// What a user wants from a list with deadlines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::formats) enum Effort {
    /// To be done by a time.
    Deadline,
    /// To be done at some time.
    Best,
}

/// The cause under which jobs without a deadline are counted.
pub(in crate::formats) const NO_DEADLINE: &str = "best effort: what stands as its deadline is none, not kept";
