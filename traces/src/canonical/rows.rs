//! Rows of the canonical form, out of CSV or Parquet, on their way to a trace.

use std::collections::HashMap;

use engine::{Span, Time};

use super::columns::{Columns, TimeColumn};
use super::words::{below_unlimited, model_set, outcome, preemptible, priority, tenant_path};
use super::{GIB_DIGITS, no_jobs, sort_jobs};
use crate::decimal::Flaw;
use crate::error::{TraceError, shown};
use crate::header::Header;
use crate::intern::Interner;
use crate::schema;
use crate::table::{Cells, Place};
use crate::trace::{Trace, TraceJob};

/// Rows of the canonical form on their way to a trace.
pub(crate) struct Rows {
    columns: Columns,
    trace: Trace,
    tenants: Interner<String>,
    model_sets: Interner<Vec<String>>,
    seen: HashMap<Box<str>, Place>,
}

impl Rows {
    /// Finds the columns.
    pub(crate) fn new(header: &Header) -> Result<Self, TraceError> {
        let columns = Columns::find(header)?;
        let known: Vec<&str> = schema::all_names().collect();
        let mut trace = Trace { source: header.file.clone(), format: "canonical".to_owned(), ..Trace::default() };
        trace.ledger.ignored_columns = header.ignored(&known);
        let (tenants, model_sets) = (Interner::default(), Interner::default());
        Ok(Self { columns, trace, tenants, model_sets, seen: HashMap::new() })
    }

    /// Takes one row.
    pub(crate) fn push(&mut self, cells: Cells<'_>) -> Result<(), TraceError> {
        self.trace.ledger.rows += 1;
        let (submit, duration) = (self.columns.submit, self.columns.duration);
        let job = TraceJob {
            id: self.id(&cells)?,
            submit: Time(self.time(&cells, submit)?),
            gpu_milli: self.gpu_milli(&cells)?,
            duration: Span(self.time(&cells, duration)?),
            tenant: self.tenant(&cells)?,
            priority: priority(&cells, self.columns.priority)?,
            preemptible: preemptible(&cells, self.columns.preemptible)?,
            estimate: self.optional_time(&cells, self.columns.estimate)?.map(Span),
            time_limit: self.optional_time(&cells, self.columns.time_limit)?.map(Span),
            deadline: self.optional_time(&cells, self.columns.deadline)?.map(Time),
            cpu_milli: self.cpu_milli(&cells)?,
            memory_mib: self.memory_mib(&cells)?,
            models: self.models(&cells)?,
            recorded: outcome(&cells, self.columns.outcome)?,
        };
        self.trace.jobs.push(job);
        Ok(())
    }

    /// The trace, sorted.
    pub(crate) fn finish(self, file: &str) -> Result<Trace, TraceError> {
        let mut trace = self.trace;
        if trace.jobs.is_empty() {
            return Err(no_jobs(file, trace.ledger.rows));
        }
        sort_jobs(&mut trace.jobs);
        trace.tenants = self.tenants.into_values();
        trace.model_sets = self.model_sets.into_values();
        Ok(trace)
    }

    fn id(&mut self, cells: &Cells<'_>) -> Result<Box<str>, TraceError> {
        let id: Box<str> = cells.text(self.columns.job_id).into();
        if id.trim().is_empty() {
            return Err(cells.flaw("job_id", Flaw::Empty, ""));
        }
        if let Some(first) = self.seen.insert(id.clone(), cells.place) {
            let message = format!("`{}` is already the id of {first}", shown(&id));
            return Err(cells.error("job_id", message).with_hint("every job needs an id of its own"));
        }
        Ok(id)
    }

    fn time(&mut self, cells: &Cells<'_>, column: TimeColumn) -> Result<u64, TraceError> {
        let number = cells.scaled(column.at, column.name, column.digits)?;
        if number.rounded {
            self.trace.ledger.change_row(&format!("{}: rounded to a microsecond", column.name));
        }
        Ok(number.value)
    }

    fn optional_time(&mut self, cells: &Cells<'_>, column: TimeColumn) -> Result<Option<u64>, TraceError> {
        if cells.text(column.at).trim().is_empty() { Ok(None) } else { self.time(cells, column).map(Some) }
    }

    fn gpu_milli(&mut self, cells: &Cells<'_>) -> Result<u32, TraceError> {
        let (text, at) = (cells.text(self.columns.gpus), self.columns.gpus);
        let number = cells.scaled(at, "gpus", 3)?;
        let milli = u32::try_from(number.value).map_err(|_| cells.flaw("gpus", Flaw::TooLarge, text))?;
        let text = shown(text.trim());
        let hint = "write a whole number of GPUs, or a part of one GPU such as 0.25; parts to a thousandth count";
        if number.rounded && milli == 0 {
            let message = format!("`{text}` is less than a thousandth of a GPU");
            return Err(cells.error("gpus", message).with_hint(hint));
        }
        if milli > 1000 && milli % 1000 != 0 {
            let message = format!("`{text}` is neither a whole number nor a part of one GPU");
            return Err(cells.error("gpus", message).with_hint(hint));
        }
        if number.rounded {
            self.trace.ledger.change_row("gpus: rounded to a thousandth");
        }
        Ok(milli)
    }

    fn tenant(&mut self, cells: &Cells<'_>) -> Result<u32, TraceError> {
        let path = cells.text(self.columns.tenant);
        if path.is_empty() {
            return Ok(self.tenants.intern(schema::TENANT_DEFAULT));
        }
        Ok(self.tenants.intern(tenant_path(cells, "tenant", path)?))
    }

    fn cpu_milli(&mut self, cells: &Cells<'_>) -> Result<u32, TraceError> {
        let text = cells.text(self.columns.cpu);
        if text.trim().is_empty() {
            return Ok(0);
        }
        let number = cells.scaled(self.columns.cpu, "cpu", 3)?;
        if number.rounded {
            self.trace.ledger.change_row("cpu: rounded to a thousandth");
        }
        below_unlimited(number.value).ok_or_else(|| cells.flaw("cpu", Flaw::TooLarge, text))
    }

    fn memory_mib(&mut self, cells: &Cells<'_>) -> Result<u32, TraceError> {
        let text = cells.text(self.columns.memory);
        if text.trim().is_empty() {
            return Ok(0);
        }
        let number = cells.scaled(self.columns.memory, "memory_gib", GIB_DIGITS)?;
        let unit = 10u128.pow(GIB_DIGITS);
        let parts = u128::from(number.value) * 1024;
        if number.rounded || parts % unit != 0 {
            self.trace.ledger.change_row("memory_gib: rounded to a MiB");
        }
        let mib = u64::try_from((parts + unit / 2) / unit).ok().and_then(below_unlimited);
        mib.ok_or_else(|| cells.flaw("memory_gib", Flaw::TooLarge, text))
    }

    fn models(&mut self, cells: &Cells<'_>) -> Result<Option<u32>, TraceError> {
        let text = cells.text(self.columns.models).trim();
        if text.is_empty() {
            return Ok(None);
        }
        let set = model_set(text).ok_or_else(|| {
            let message = format!("`{}` has an empty name", shown(text));
            cells.error("models", message).with_hint("join model names by |, such as V100|A100")
        })?;
        Ok(Some(self.model_sets.intern(&set)))
    }
}
