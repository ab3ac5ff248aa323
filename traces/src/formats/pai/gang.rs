//! From the tasks of a job to its gang and its run time.

use engine::{Span, Time};

use super::Models;
use super::jobs::{Job, Jobs, Status, job_type};
use super::tasks::{Task, Tasks, Times};
use crate::build::Builder;
use crate::canonical::words::below_unlimited;
use crate::details::Details;
use crate::error::TraceError;
use crate::formats::amounts::model;
use crate::table::Place;
use crate::trace::{Recorded, TraceJob};

/// What all jobs share.
struct Context<'a> {
    tasks: &'a Tasks,
    /// Texts of the group tags, and GPU types of the tasks.
    texts: Vec<String>,
    types: Vec<String>,
    models: Models,
    has_instances: bool,
    last: u64,
}

/// Makes a job of every row of the job table, or counts why not.
pub(super) fn push_all(
    jobs: Jobs,
    tasks: &Tasks,
    models: Models,
    has_instances: bool,
    builder: &mut Builder,
) -> Result<(), TraceError> {
    let last = jobs.last.max(tasks.last);
    let mut order: Vec<u32> = (0..).take(tasks.rows.len()).collect();
    order.sort_by_key(|&task| tasks.rows[task as usize].job);
    let mut rest = order.as_slice();
    if !jobs.has_tags {
        builder
            .ledger
            .changed
            .insert("no group tags: jobs have no name and may run on any model".to_owned(), jobs.rows.len() as u64);
    }
    let (rows, texts) = jobs.into_parts();
    let context = Context { tasks, texts, types: tasks.types(), models, has_instances, last };
    for (at, (name, job)) in (0..).zip(rows) {
        let count = rest.partition_point(|&task| tasks.rows[task as usize].job <= at);
        let (own, others) = rest.split_at(count);
        rest = others;
        let own: Vec<&Task> = own.iter().map(|&task| &tasks.rows[task as usize]).collect();
        match context.job(name, &job, &own, builder)? {
            Ok(trace_job) => builder.push(trace_job, Place::Line(job.line)),
            Err(cause) => builder.ledger.drop_row(cause),
        }
    }
    Ok(())
}

impl Context<'_> {
    /// The job, or the cause for which it is dropped.
    fn job(
        &self,
        name: Box<str>,
        job: &Job,
        tasks: &[&Task],
        builder: &mut Builder,
    ) -> Result<Result<TraceJob, &'static str>, TraceError> {
        let Some(submit) = job.submit else { return Ok(Err("no time of submission")) };
        let gang: Vec<&Task> = match tasks.iter().copied().filter(|task| task.gpu_milli > 0).collect::<Vec<_>>() {
            gpu_tasks if gpu_tasks.is_empty() => tasks.to_vec(),
            gpu_tasks => gpu_tasks,
        };
        let Some(first) = gang.first() else { return Ok(Err("no task in the task table")) };
        let (start, end, recorded) = match self.run(job, &gang, builder) {
            Ok(run) => run,
            Err(cause) => return Ok(Err(cause)),
        };
        if gang.len() < tasks.len() {
            builder.ledger.change_row("tasks without GPUs beside tasks with: left out of the gang");
        }
        if start < submit {
            builder.ledger.change_row("started before its submission: start taken as the submission, run time kept");
        }
        let (gpu_milli, count) = self.gpus(&gang, builder)?;
        let text = |at: u32| self.texts.get(at as usize).map_or("", String::as_str);
        let group = text(job.group);
        Ok(Ok(TraceJob {
            tenant: job.tenant,
            recorded,
            details: Details {
                cpu_milli: self.sum(&gang, "plan_cpu", |task| task.cpu_milli)?,
                memory_mib: self.sum(&gang, "plan_mem", |task| task.memory_mib)?,
                models: if gpu_milli == 0 { None } else { self.model(job, first, builder) },
                tasks: count,
                name: Some(group).filter(|group| !group.is_empty()).map(Into::into),
                start: Some(Time(start.max(submit))),
                job_type: job_type(text(job.workload), builder),
                ..Details::NONE
            }
            .into(),
            ..TraceJob::plain(name, Time(submit), Span(end - start), gpu_milli)
        }))
    }

    /// Start, end and outcome; or why there is no run time.
    fn run(&self, job: &Job, gang: &[&Task], builder: &mut Builder) -> Result<(u64, u64, Recorded), &'static str> {
        let (mut of_tasks, mut of_instances) = (Times::default(), Times::default());
        for task in gang {
            of_tasks.join(&task.times);
            of_instances.join(&task.instance_times);
            of_instances.lacks_start |= task.instance_times.start.is_none();
            of_instances.lacks_end |= task.instance_times.end.is_none();
        }
        let open = job.status == Status::Running;
        let is_whole = |times: &Times| !times.lacks_start && (open || !times.lacks_end);
        let times = if is_whole(&of_instances) {
            of_instances
        } else {
            builder.ledger.change_row(if self.has_instances {
                "instances lack a time: run time by the task table"
            } else {
                "no instance table: run time by the task table"
            });
            of_tasks
        };
        if times.backwards {
            return Err("a task or instance ends before it starts");
        }
        match (times.start, times.end) {
            (None, _) if job.status == Status::Waiting => Err("never started: it waited at the end of the recording"),
            (None, _) => Err("no time of start"),
            (Some(start), Some(end)) if !times.lacks_end => Ok((start, end, job.status.recorded())),
            (Some(start), _) if open => {
                builder.ledger.change_row("still running at the end of the recording: run time is censored");
                Ok((start, self.last, Recorded::Censored))
            }
            _ => Err("no time of end"),
        }
    }

    /// Thousandths of a GPU of the gang, and its number of equal tasks; 0 where they differ.
    fn gpus(&self, gang: &[&Task], builder: &mut Builder) -> Result<(u32, u32), TraceError> {
        let milli = self.sum(gang, "plan_gpu", |task| task.gpu_milli)?;
        let count: u64 = gang.iter().map(|task| u64::from(task.instances)).sum();
        if gang.iter().all(|task| Some(task.gpu_milli) == gang.first().map(|first| first.gpu_milli)) {
            return Ok((milli, u32::try_from(count).unwrap_or(u32::MAX)));
        }
        builder.ledger.change_row("tasks of different GPU sizes: merged into one gang");
        if milli <= 1000 || milli % 1000 == 0 {
            return Ok((milli, 0));
        }
        builder.ledger.change_row("a merged gang with a part of a GPU: rounded up to whole GPUs");
        Ok((milli.checked_next_multiple_of(1000).unwrap_or(milli / 1000 * 1000), 0))
    }

    fn sum(&self, gang: &[&Task], field: &str, each: impl Fn(&Task) -> u64) -> Result<u32, TraceError> {
        let mut sum = 0u64;
        for task in gang {
            let all = each(task).checked_mul(u64::from(task.instances));
            sum = all.and_then(|all| all.checked_add(sum)).filter(|sum| below_unlimited(*sum).is_some()).ok_or_else(
                || {
                    let error = TraceError::new(&self.tasks.path, "the job asks for too much").at_line(task.line);
                    error.in_field(field).with_hint("check the unit of the column")
                },
            )?;
        }
        Ok(sum as u32)
    }

    fn model(&self, job: &Job, first: &Task, builder: &mut Builder) -> Option<u32> {
        let name = match self.models {
            Models::Spec => self.texts.get(job.spec as usize),
            Models::Assigned => self.types.get(first.gpu_type as usize),
        };
        name.and_then(|name| model(name, builder))
    }
}
