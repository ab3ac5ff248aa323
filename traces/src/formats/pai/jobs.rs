//! The job table and the group tags.

use std::collections::HashMap;

use super::stream::each_row;
use crate::build::Builder;
use crate::error::{TraceError, shown};
use crate::formats::amounts::micros_if_any;
use crate::intern::Interner;
use crate::table::Cells;
use crate::trace::{JobType, Recorded};

const JOB: [&str; 6] = ["job_name", "inst_id", "user", "status", "start_time", "end_time"];
const TAG: [&str; 5] = ["inst_id", "user", "gpu_type_spec", "group", "workload"];

/// How a job stood when the tables were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Terminated,
    Failed,
    Running,
    Waiting,
}

impl Status {
    pub(super) fn recorded(self) -> Recorded {
        match self {
            Self::Terminated => Recorded::Finished,
            Self::Failed => Recorded::Failed,
            Self::Running | Self::Waiting => Recorded::Censored,
        }
    }
}

/// A row of the job table, with what the group tags say.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) tenant: u32,
    pub(super) status: Status,
    /// Microseconds, where known.
    pub(super) submit: Option<u64>,
    pub(super) line: u64,
    /// Indices in [`Jobs::texts`]; the empty text where there is none.
    pub(super) spec: u32,
    pub(super) group: u32,
    pub(super) workload: u32,
}

/// All jobs, in the order of the table.
#[derive(Debug)]
pub(super) struct Jobs {
    pub(super) rows: Vec<Job>,
    /// By `job_name`.
    pub(super) index: HashMap<Box<str>, u32>,
    by_inst: HashMap<Box<str>, u32>,
    texts: Interner<String>,
    /// The last time of any row, in microseconds.
    pub(super) last: u64,
    /// Whether there are group tags.
    pub(super) has_tags: bool,
}

/// A time in seconds; empty and 0 mean that it is missing.
pub(super) fn time(
    cells: &Cells<'_>,
    at: usize,
    field: &str,
    builder: &mut Builder,
) -> Result<Option<u64>, TraceError> {
    Ok(micros_if_any(cells, Some(at), field, builder)?.filter(|micros| *micros > 0))
}

pub(super) fn read(path: &str, builder: &mut Builder) -> Result<Jobs, TraceError> {
    let mut texts = Interner::default();
    texts.intern("");
    let (index, by_inst) = (HashMap::new(), HashMap::new());
    let mut jobs = Jobs { rows: Vec::new(), index, by_inst, texts, last: 0, has_tags: false };
    each_row(path, &JOB, |cells, line| jobs.add(cells, line, builder))?;
    Ok(jobs)
}

fn status(cells: &Cells<'_>) -> Result<Status, TraceError> {
    match cells.text(Some(3)).trim() {
        "Terminated" => Ok(Status::Terminated),
        "Failed" => Ok(Status::Failed),
        "Running" => Ok(Status::Running),
        "Waiting" => Ok(Status::Waiting),
        other => {
            let error = cells.error("status", format!("`{}` is no status of a job", shown(other)));
            Err(error.with_hint("it is one of Terminated, Failed, Running, Waiting"))
        }
    }
}

impl Jobs {
    fn add(&mut self, cells: &Cells<'_>, line: u64, builder: &mut Builder) -> Result<(), TraceError> {
        builder.row();
        let name = cells.word(Some(0), JOB[0])?;
        let status = status(cells)?;
        let submit = time(cells, 4, JOB[4], builder)?;
        let end = time(cells, 5, JOB[5], builder)?;
        self.last = self.last.max(submit.unwrap_or(0)).max(end.unwrap_or(0));
        let tenant = builder.tenant_of(&[cells.text(Some(2))]);
        let at = u32::try_from(self.rows.len()).map_err(|_| cells.error(JOB[0], "there are too many jobs"))?;
        if let Some(before) = self.index.insert(name.into(), at) {
            let line = self.rows[before as usize].line;
            let message = format!("`{}` is already the name of the job in line {line}", shown(name));
            return Err(cells.error(JOB[0], message).with_hint("every job needs a name of its own"));
        }
        let inst = cells.text(Some(1)).trim();
        if !inst.is_empty() {
            self.by_inst.insert(inst.into(), at);
        }
        self.rows.push(Job { tenant, status, submit, line, spec: 0, group: 0, workload: 0 });
        Ok(())
    }

    /// Reads the group tags into the jobs.
    pub(super) fn add_tags(&mut self, path: &str, builder: &mut Builder) -> Result<(), TraceError> {
        self.has_tags = true;
        let Self { rows, by_inst, texts, .. } = self;
        each_row(path, &TAG, |cells, _| {
            let inst = cells.word(Some(0), TAG[0])?;
            let Some(job) = by_inst.get(inst).and_then(|&job| rows.get_mut(job as usize)) else {
                builder.ledger.change_row("row of the group tags without a job: not used");
                return Ok(());
            };
            let mut text = |at: usize| texts.intern(cells.text(Some(at)).trim());
            (job.spec, job.group, job.workload) = (text(2), text(3), text(4));
            Ok(())
        })?;
        // The ids are not needed any more, and they are long.
        *by_inst = HashMap::new();
        Ok(())
    }

    /// The names of the jobs in the order of the table, and the texts that their rows point to.
    pub(super) fn into_parts(self) -> (Vec<(Box<str>, Job)>, Vec<String>) {
        let mut names: Vec<Box<str>> = vec![Box::default(); self.rows.len()];
        for (name, at) in self.index {
            names[at as usize] = name;
        }
        (names.into_iter().zip(self.rows).collect(), self.texts.into_values())
    }
}

/// The kind of training job that a workload names.
pub(super) fn job_type(workload: &str, builder: &mut Builder) -> Option<u32> {
    let kind = JobType { name: workload.to_owned(), ..JobType::default() };
    (!workload.is_empty()).then(|| builder.job_type(&kind))
}
