//! The task table, and the times of the instances.

use std::collections::HashMap;

use super::jobs::{Jobs, time};
use super::stream::each_row;
use crate::build::Builder;
use crate::error::TraceError;
use crate::formats::amounts::Amount;
use crate::intern::Interner;
use crate::table::Cells;

const TASK: [&str; 10] = [
    "job_name",
    "task_name",
    "inst_num",
    "status",
    "start_time",
    "end_time",
    "plan_cpu",
    "plan_mem",
    "plan_gpu",
    "gpu_type",
];
const INSTANCE: [&str; 9] =
    ["job_name", "task_name", "inst_name", "worker_name", "inst_id", "status", "start_time", "end_time", "machine"];

/// First start and last end in microseconds, and whether a row lacked one or ended before it started.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    pub(super) start: Option<u64>,
    pub(super) end: Option<u64>,
    pub(super) lacks_start: bool,
    pub(super) lacks_end: bool,
    pub(super) backwards: bool,
}

impl Times {
    /// The same with one more row.
    pub(super) fn add(&mut self, start: Option<u64>, end: Option<u64>) {
        self.start = self.start.into_iter().chain(start).min();
        self.end = self.end.into_iter().chain(end).max();
        self.lacks_start |= start.is_none();
        self.lacks_end |= end.is_none();
        self.backwards |= start.zip(end).is_some_and(|(start, end)| end < start);
    }

    /// The same with all rows of another.
    pub(super) fn join(&mut self, other: &Self) {
        self.start = self.start.into_iter().chain(other.start).min();
        self.end = self.end.into_iter().chain(other.end).max();
        self.lacks_start |= other.lacks_start;
        self.lacks_end |= other.lacks_end;
        self.backwards |= other.backwards;
    }
}

/// A row of the task table. Amounts are those of each instance.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) job: u32,
    pub(super) instances: u32,
    pub(super) gpu_milli: u64,
    pub(super) cpu_milli: u64,
    pub(super) memory_mib: u64,
    /// Index in [`Tasks::types`].
    pub(super) gpu_type: u32,
    pub(super) times: Times,
    /// Of its instances; neither start nor end where there are none.
    pub(super) instance_times: Times,
    pub(super) line: u64,
}

/// All tasks, in the order of the table.
#[derive(Debug)]
pub(super) struct Tasks {
    pub(super) path: String,
    pub(super) rows: Vec<Task>,
    /// By job and name of the task.
    index: HashMap<(u32, u32), u32>,
    names: Interner<String>,
    types: Interner<String>,
    /// The last time of any row, in microseconds.
    pub(super) last: u64,
}

pub(super) fn read(path: &str, jobs: &Jobs, builder: &mut Builder) -> Result<Tasks, TraceError> {
    let (names, types) = (Interner::default(), Interner::default());
    let mut tasks = Tasks { path: path.to_owned(), rows: Vec::new(), index: HashMap::new(), names, types, last: 0 };
    each_row(path, &TASK, |cells, line| tasks.add(cells, line, jobs, builder))?;
    Ok(tasks)
}

impl Tasks {
    fn add(&mut self, cells: &Cells<'_>, line: u64, jobs: &Jobs, builder: &mut Builder) -> Result<(), TraceError> {
        let name = cells.word(Some(0), TASK[0])?;
        let instances = instances(cells, builder)?;
        let percent = |at: usize| Amount { field: TASK[at], at: Some(at), digits: 1 };
        let (cpu_milli, memory_mib) = (percent(6).cpu_milli(cells, builder)?, percent(7).memory_mib(cells, builder)?);
        let gpu_milli = percent(8).gpu_milli(cells, builder)?;
        let (start, end) = (time(cells, 4, TASK[4], builder)?, time(cells, 5, TASK[5], builder)?);
        let Some(&job) = jobs.index.get(name) else {
            builder.ledger.change_row("row of the task table without a job: not used");
            return Ok(());
        };
        self.last = self.last.max(start.unwrap_or(0)).max(end.unwrap_or(0));
        let mut times = Times::default();
        times.add(start, end);
        let key = (job, self.names.intern(cells.text(Some(1)).trim()));
        let gpu_type = self.types.intern(cells.text(Some(9)).trim());
        let at = u32::try_from(self.rows.len()).map_err(|_| cells.error(TASK[0], "there are too many tasks"))?;
        self.index.entry(key).or_insert(at);
        let instance_times = Times::default();
        self.rows.push(Task {
            job,
            instances,
            gpu_milli,
            cpu_milli,
            memory_mib,
            gpu_type,
            times,
            instance_times,
            line,
        });
        Ok(())
    }

    /// Reads the times of the instances into their tasks.
    pub(super) fn add_instances(&mut self, path: &str, jobs: &Jobs, builder: &mut Builder) -> Result<(), TraceError> {
        each_row(path, &INSTANCE, |cells, _| {
            let job = jobs.index.get(cells.word(Some(0), INSTANCE[0])?);
            let (start, end) = (time(cells, 6, INSTANCE[6], builder)?, time(cells, 7, INSTANCE[7], builder)?);
            let name = self.names.intern(cells.text(Some(1)).trim());
            let task = job.and_then(|&job| self.index.get(&(job, name)));
            let Some(task) = task.and_then(|&task| self.rows.get_mut(task as usize)) else {
                builder.ledger.change_row("row of the instance table without a task: not used");
                return Ok(());
            };
            self.last = self.last.max(start.unwrap_or(0)).max(end.unwrap_or(0));
            task.instance_times.add(start, end);
            Ok(())
        })
    }

    /// The GPU types by index.
    pub(super) fn types(&self) -> Vec<String> {
        self.types.clone().into_values()
    }
}

fn instances(cells: &Cells<'_>, builder: &mut Builder) -> Result<u32, TraceError> {
    let count = if cells.is_blank(Some(2)) { 0 } else { cells.count(Some(2), TASK[2])? };
    if count == 0 {
        builder.ledger.change_row("inst_num is 0 or missing: taken as 1");
    }
    Ok(count.max(1))
}
