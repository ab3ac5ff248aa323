//! Rows of Gavel's and Shockwave's job lists.

use compact_str::CompactString;
use engine::{Span, Time};

use crate::build::Builder;
use crate::canonical::words::below_unlimited;
use crate::decimal::{self, Flaw};
use crate::details::{Details, Wishes};
use crate::error::{TraceError, shown};
use crate::profiles::gavel::key;
use crate::table::{Cells, Dialect as Shape, Names, Table};
use crate::trace::{JobType, Ledger, TraceJob};

/// Fields of the older lists.
const OLD: [&str; 7] =
    ["job_type", "command", "num_steps_arg", "needs_data_dir", "total_steps", "arrival_time", "scale_factor"];
/// Fields of the current lists.
const CURRENT: [&str; 10] = [
    "job_type",
    "command",
    "working_directory",
    "num_steps_arg",
    "needs_data_dir",
    "total_steps",
    "scale_factor",
    "priority_weight",
    "SLO",
    "arrival_time",
];
/// Fields of Shockwave's lists.
const SHOCKWAVE: [&str; 12] = [
    "job_type",
    "command",
    "working_directory",
    "num_steps_arg",
    "needs_data_dir",
    "total_steps",
    "scale_factor",
    "mode",
    "priority_weight",
    "SLO",
    "duration",
    "arrival_time",
];

/// A dialect of the lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Gavel's older one, 7 fields.
    Old,
    /// Gavel's current one, 10 fields.
    Current,
    /// Shockwave's, 12 fields.
    Shockwave,
}

impl Dialect {
    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Old => &OLD,
            Self::Current => &CURRENT,
            Self::Shockwave => &SHOCKWAVE,
        }
    }

    fn at(self, field: &str) -> Option<usize> {
        self.fields().iter().position(|name| *name == field)
    }

    /// Whether the first row has the right number of fields, an option of a command line where one must be, and
    /// numbers where numbers must be.
    pub(crate) fn fits(self, text: &str) -> bool {
        let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
        let cells: Vec<&str> = first.split('\t').map(str::trim).collect();
        let cell = |field: &str| self.at(field).and_then(|at| cells.get(at)).copied().unwrap_or("");
        let number = |field: &str| cell(field).parse::<f64>().is_ok();
        cells.len() == self.fields().len()
            && !number("job_type")
            && !cell("job_type").is_empty()
            && cell("num_steps_arg").starts_with('-')
            && matches!(cell("needs_data_dir"), "0" | "1")
            && ["total_steps", "scale_factor", "arrival_time"].into_iter().all(number)
    }
}

/// One row, checked.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) kind: JobType,
    pub(crate) steps: u64,
    pub(crate) gpus: u32,
    gpu_milli: u32,
    weight_milli: u32,
    /// Multiple of the run time until the deadline, in millionths.
    slo_micro: Option<u64>,
    submit: Time,
    /// The run time in the list, where it has one.
    pub(crate) duration: Option<Span>,
}

/// The rows of a list.
pub(crate) struct Rows<'a> {
    table: Table<'a>,
    dialect: Dialect,
}

impl<'a> Rows<'a> {
    pub(crate) fn open(file: &'a str, text: &'a str, dialect: Dialect) -> Result<Self, TraceError> {
        let shape = Shape { delimiter: b'\t', comment: None, names: Names::Given(dialect.fields()) };
        Ok(Self { table: Table::with_dialect(file, text, shape)?, dialect })
    }

    /// The next row, with its cells for errors about it.
    pub(crate) fn next(&mut self, ledger: &mut Ledger) -> Result<Option<(Row, Cells<'_>)>, TraceError> {
        let Some(cells) = self.table.next()? else { return Ok(None) };
        let row = Reader { dialect: self.dialect, cells }.row(ledger)?;
        Ok(Some((row, cells)))
    }
}

struct Reader<'a> {
    dialect: Dialect,
    cells: Cells<'a>,
}

impl Reader<'_> {
    fn row(&self, ledger: &mut Ledger) -> Result<Row, TraceError> {
        let mut kind = key::job_type(self.cells.word(self.dialect.at("job_type"), "job_type")?);
        if self.dialect == Dialect::Shockwave {
            kind.batch_mode = Some(self.cells.word(self.dialect.at("mode"), "mode")?.to_owned());
        }
        self.flag("needs_data_dir")?;
        let steps = self.at_least_one("total_steps")?;
        let gpus = self.at_least_one("scale_factor")?;
        let gpu_milli = gpus.checked_mul(1000).and_then(below_unlimited);
        let gpu_milli = gpu_milli.ok_or_else(|| self.flaw("scale_factor", Flaw::TooLarge))?;
        let duration = match self.dialect {
            Dialect::Shockwave => Some(Span(self.micros("duration", ledger)?)),
            Dialect::Old | Dialect::Current => None,
        };
        Ok(Row {
            kind,
            steps,
            gpus: gpu_milli / 1000,
            gpu_milli,
            weight_milli: self.weight(ledger)?,
            slo_micro: self.slo()?,
            submit: Time(self.micros("arrival_time", ledger)?),
            duration,
        })
    }

    fn flaw(&self, field: &str, flaw: Flaw) -> TraceError {
        self.cells.flaw(field, flaw, self.cells.text(self.dialect.at(field)))
    }

    fn flag(&self, field: &str) -> Result<(), TraceError> {
        match self.cells.text(self.dialect.at(field)).trim() {
            "0" | "1" => Ok(()),
            text => {
                let error = self.cells.error(field, format!("`{}` is neither 0 nor 1", shown(text)));
                Err(error.with_hint("are fields missing or swapped? The format is written down in the documentation"))
            }
        }
    }

    fn at_least_one(&self, field: &str) -> Result<u64, TraceError> {
        let number = self.cells.integer(self.dialect.at(field), field)?;
        match u64::try_from(number) {
            Ok(0) => {
                let error = self.cells.error(field, "`0` is not at least 1");
                Err(error.with_hint("correct the value, or leave the row out"))
            }
            Ok(number) => Ok(number),
            Err(_) => Err(self.flaw(field, Flaw::Negative)),
        }
    }

    fn micros(&self, field: &str, ledger: &mut Ledger) -> Result<u64, TraceError> {
        let number = self.cells.scaled(self.dialect.at(field), field, 6)?;
        if number.rounded {
            ledger.change_row(&format!("{field}: rounded to a microsecond"));
        }
        Ok(number.value)
    }

    fn weight(&self, ledger: &mut Ledger) -> Result<u32, TraceError> {
        let Some(at) = self.dialect.at("priority_weight") else { return Ok(1000) };
        let number = self.cells.scaled(Some(at), "priority_weight", 3)?;
        if number.rounded {
            ledger.change_row("priority_weight: rounded to a thousandth");
        }
        u32::try_from(number.value).map_err(|_| self.flaw("priority_weight", Flaw::TooLarge))
    }

    fn slo(&self) -> Result<Option<u64>, TraceError> {
        let Some(at) = self.dialect.at("SLO") else { return Ok(None) };
        let text = self.cells.text(Some(at)).trim();
        let negative = text.strip_prefix('-').filter(|rest| !rest.starts_with(['-', '+']));
        match decimal::scaled(negative.unwrap_or(text), 6) {
            Err(flaw) => Err(self.flaw("SLO", flaw)),
            Ok(_) if negative.is_some() => Ok(None),
            Ok(multiple) => Ok(Some(multiple.value)),
        }
    }
}

impl Row {
    /// The job, with `duration` as its run time; `known` is the same where it is known.
    pub(crate) fn job(
        self,
        id: CompactString,
        duration: Span,
        known: Option<Span>,
        tenant: u32,
        builder: &mut Builder,
        cells: &Cells<'_>,
    ) -> Result<TraceJob, TraceError> {
        let deadline = match (self.slo_micro, known) {
            (None, _) => None,
            (Some(_), None) => {
                builder.ledger.change_row("SLO is a multiple of a run time that is unknown: no deadline");
                None
            }
            (Some(slo_micro), Some(known)) => {
                let late = u128::from(slo_micro) * u128::from(known.0) / 1_000_000 + u128::from(self.submit.0);
                let late = u64::try_from(late).ok().filter(|late| i64::try_from(*late).is_ok());
                Some(Time(late.ok_or_else(|| {
                    cells.error("SLO", "the deadline is too far off").with_hint("SLO is a multiple of the run time")
                })?))
            }
        };
        Ok(TraceJob {
            tenant,
            details: Details {
                job_type: Some(builder.job_type(&self.kind)),
                steps: Some(self.steps),
                weight_milli: self.weight_milli,
                wishes: Wishes { deadline, ..Wishes::NONE }.into(),
                ..Details::NONE
            }
            .into(),
            ..TraceJob::plain(id, self.submit, duration, self.gpu_milli)
        })
    }
}
