//! Rows of the canonical form, out of CSV or Parquet, on their way to a trace.

use engine::{Span, Time};

use super::GIB_DIGITS;
use super::columns::{Columns, TimeColumn};
use super::words::{below_unlimited, level, model_set, outcome, preemptible, priority, tenant_path};
use crate::build::{Builder, Twins};
use crate::decimal::Flaw;
use crate::details::{Details, Sparse, Wishes};
use crate::error::{TraceError, shown};
use crate::header::Header;
use crate::schema;
use crate::table::{Cells, trimmed};
use crate::trace::{JobType, Trace, TraceJob};

/// Rows of the canonical form on their way to a trace.
pub(crate) struct Rows {
    columns: Columns,
    builder: Builder,
}

impl Rows {
    /// Finds the columns.
    pub(crate) fn new(header: &Header) -> Result<Self, TraceError> {
        let columns = Columns::find(header)?;
        let known: Vec<&str> = schema::all_names().collect();
        let mut builder = Builder::new(&header.file, "canonical");
        builder.ledger.ignored_columns = header.ignored(&known);
        Ok(Self { columns, builder })
    }

    /// Takes one row.
    pub(crate) fn push(&mut self, cells: Cells<'_>) -> Result<(), TraceError> {
        self.builder.row();
        let (submit, duration) = (self.columns.submit, self.columns.duration);
        let id = cells.text(self.columns.job_id);
        if trimmed(id).is_empty() {
            return Err(cells.flaw("job_id", Flaw::Empty, ""));
        }
        let gpu_milli = self.gpu_milli(&cells)?;
        let job = TraceJob {
            id: id.into(),
            submit: Time(self.time(&cells, submit)?),
            gpu_milli,
            duration: Span(self.time(&cells, duration)?),
            tenant: self.tenant(&cells)?,
            priority: priority(&cells, self.columns.priority)?,
            preemptible: preemptible(&cells, self.columns.preemptible)?,
            recorded: outcome(&cells, self.columns.outcome)?,
            details: if self.columns.has_details { self.details(&cells, gpu_milli)? } else { Sparse::NONE },
        };
        self.builder.push(job, cells.place);
        Ok(())
    }

    /// What many files do not say, where a row says any of it.
    fn details(&mut self, cells: &Cells<'_>, gpu_milli: u32) -> Result<Sparse<Details>, TraceError> {
        let wishes = Wishes {
            time_limit: self.optional_time(cells, self.columns.time_limit)?.map(Span),
            deadline: self.optional_time(cells, self.columns.deadline)?.map(Time),
            start_by: self.optional_time(cells, self.columns.start_by)?.map(Time),
            restart: self.optional_time(cells, self.columns.restart)?.map(Span),
            qos: Some(cells.text(self.columns.qos)).filter(|name| !name.is_empty()).map(Into::into),
            required: level(cells, self.columns.required, "required")?,
            preferred: level(cells, self.columns.preferred, "preferred")?,
        };
        let details = Details {
            estimate: self.optional_time(cells, self.columns.estimate)?.map(Span),
            cpu_milli: self.cpu_milli(cells)?,
            memory_mib: self.memory_mib(cells)?,
            models: self.models(cells)?,
            tasks: self.tasks(cells, gpu_milli)?,
            queue: self.builder.queue(cells.text(self.columns.queue)),
            name: Some(cells.text(self.columns.name)).filter(|name| !name.is_empty()).map(Into::into),
            start: self.optional_time(cells, self.columns.start)?.map(Time),
            job_type: self.job_type(cells)?,
            steps: self.steps(cells)?,
            weight_milli: self.weight_milli(cells)?,
            wishes: wishes.into(),
        };
        Ok(details.into())
    }

    /// Makes room for so many more rows.
    pub(crate) fn reserve(&mut self, rows: usize) {
        self.builder.reserve(rows);
    }

    /// The trace, sorted.
    pub(crate) fn finish(self) -> Result<Trace, TraceError> {
        self.builder.finish(Twins::Refused, None)
    }

    fn tasks(&mut self, cells: &Cells<'_>, gpu_milli: u32) -> Result<u32, TraceError> {
        if cells.is_blank(self.columns.tasks) {
            return Ok(0);
        }
        let tasks = cells.count(self.columns.tasks, "tasks")?;
        if divides(gpu_milli, tasks) {
            return Ok(tasks);
        }
        let gpus = shown(cells.text(self.columns.gpus).trim());
        let error = cells.error("tasks", format!("`{gpus}` GPUs cannot be divided into {tasks} equal tasks"));
        Err(error.with_hint("each task has a whole number of GPUs, a part of one GPU, or none"))
    }

    fn job_type(&mut self, cells: &Cells<'_>) -> Result<Option<u32>, TraceError> {
        let (size, mode) = (self.columns.batch_size, self.columns.batch_mode);
        let name = trimmed(cells.text(self.columns.job_type));
        if name.is_empty() {
            for (at, field) in [(size, "batch_size"), (mode, "batch_mode")] {
                if !cells.is_blank(at) {
                    let error = cells.error(field, "the job has no job_type");
                    return Err(error.with_hint("give a job_type, or leave this empty"));
                }
            }
            return Ok(None);
        }
        let batch_size = if cells.is_blank(size) { None } else { Some(cells.count(size, "batch_size")?) };
        let batch_mode = Some(cells.text(mode).trim()).filter(|mode| !mode.is_empty()).map(str::to_owned);
        Ok(Some(self.builder.job_type(&JobType { name: name.to_owned(), batch_size, batch_mode })))
    }

    fn steps(&mut self, cells: &Cells<'_>) -> Result<Option<u64>, TraceError> {
        if cells.is_blank(self.columns.steps) {
            return Ok(None);
        }
        let number = cells.scaled(self.columns.steps, "steps", 0)?;
        if number.rounded {
            self.builder.ledger.change_row("steps: rounded to a whole number");
        }
        Ok(Some(number.value))
    }

    fn weight_milli(&mut self, cells: &Cells<'_>) -> Result<u32, TraceError> {
        if cells.is_blank(self.columns.weight) {
            return Ok(1000);
        }
        let number = cells.scaled(self.columns.weight, "weight", 3)?;
        if number.rounded {
            self.builder.ledger.change_row("weight: rounded to a thousandth");
        }
        let text = cells.text(self.columns.weight);
        u32::try_from(number.value).map_err(|_| cells.flaw("weight", Flaw::TooLarge, text))
    }

    fn time(&mut self, cells: &Cells<'_>, column: TimeColumn) -> Result<u64, TraceError> {
        let number = cells.scaled(column.at, column.name, column.digits)?;
        if number.rounded {
            self.builder.ledger.change_row(&format!("{}: rounded to a microsecond", column.name));
        }
        Ok(number.value)
    }

    fn optional_time(&mut self, cells: &Cells<'_>, column: TimeColumn) -> Result<Option<u64>, TraceError> {
        if cells.is_blank(column.at) { Ok(None) } else { self.time(cells, column).map(Some) }
    }

    fn gpu_milli(&mut self, cells: &Cells<'_>) -> Result<u32, TraceError> {
        let (text, at) = (cells.text(self.columns.gpus), self.columns.gpus);
        let number = cells.scaled(at, "gpus", 3)?;
        let milli = u32::try_from(number.value).map_err(|_| cells.flaw("gpus", Flaw::TooLarge, text))?;
        let text = text.trim();
        let hint = "write a whole number of GPUs, or a part of one GPU such as 0.25; parts to a thousandth count";
        if number.rounded && milli == 0 {
            let message = format!("`{}` is less than a thousandth of a GPU", shown(text));
            return Err(cells.error("gpus", message).with_hint(hint));
        }
        if milli > 1000 && milli % 1000 != 0 && cells.is_blank(self.columns.tasks) {
            let message = format!("`{}` is neither a whole number nor a part of one GPU", shown(text));
            return Err(cells.error("gpus", message).with_hint(hint));
        }
        if number.rounded {
            self.builder.ledger.change_row("gpus: rounded to a thousandth");
        }
        Ok(milli)
    }

    fn tenant(&mut self, cells: &Cells<'_>) -> Result<u32, TraceError> {
        let path = cells.text(self.columns.tenant);
        match self.builder.known_tenant(path) {
            Some(tenant) => Ok(tenant),
            None if path.is_empty() => Ok(self.builder.tenant("")),
            None => Ok(self.builder.tenant(tenant_path(cells, "tenant", path)?)),
        }
    }

    fn cpu_milli(&mut self, cells: &Cells<'_>) -> Result<u32, TraceError> {
        let text = cells.text(self.columns.cpu);
        if cells.is_blank(self.columns.cpu) {
            return Ok(0);
        }
        let number = cells.scaled(self.columns.cpu, "cpu", 3)?;
        if number.rounded {
            self.builder.ledger.change_row("cpu: rounded to a thousandth");
        }
        below_unlimited(number.value).ok_or_else(|| cells.flaw("cpu", Flaw::TooLarge, text))
    }

    fn memory_mib(&mut self, cells: &Cells<'_>) -> Result<u32, TraceError> {
        let text = cells.text(self.columns.memory);
        if cells.is_blank(self.columns.memory) {
            return Ok(0);
        }
        let number = cells.scaled(self.columns.memory, "memory_gib", GIB_DIGITS)?;
        let unit = 10u128.pow(GIB_DIGITS);
        let parts = u128::from(number.value) * 1024;
        if number.rounded || parts % unit != 0 {
            self.builder.ledger.change_row("memory_gib: rounded to a MiB");
        }
        let mib = u64::try_from((parts + unit / 2) / unit).ok().and_then(below_unlimited);
        mib.ok_or_else(|| cells.flaw("memory_gib", Flaw::TooLarge, text))
    }

    fn models(&mut self, cells: &Cells<'_>) -> Result<Option<u32>, TraceError> {
        let text = trimmed(cells.text(self.columns.models));
        if text.is_empty() {
            return Ok(None);
        }
        let set = model_set(text).ok_or_else(|| {
            let message = format!("`{}` has an empty name", shown(text));
            cells.error("models", message).with_hint("join model names by |, such as V100|A100")
        })?;
        Ok(self.builder.models(set))
    }
}

/// Whether a gang can be divided into equal tasks, each with whole GPUs, with a part of one, or with none.
pub(crate) fn divides(gpu_milli: u32, tasks: u32) -> bool {
    let each = |each: u32| each <= 1000 || each.is_multiple_of(1000);
    tasks > 0 && gpu_milli.is_multiple_of(tasks) && each(gpu_milli / tasks)
}
