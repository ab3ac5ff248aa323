//! The full tables of Alibaba's PAI trace 2020 (cluster-trace-gpu-v2020; Weng et al., NSDI 2022): a folder.
//!
//! Upstream: <https://github.com/alibaba/clusterdata>, folder `cluster-trace-gpu-v2020`, CC-BY-4.0. Each table is a file
//! `NAME`, `NAME.csv` or one of them with `.gz`, without header row (the headers are files apart); a first row that is
//! the header is passed over. Columns, in this order:
//!
//! - `pai_job_table`: `job_name`, `inst_id`, `user`, `status`, `start_time` (of the submission), `end_time`
//! - `pai_task_table`: `job_name`, `task_name`, `inst_num`, `status`, `start_time` (of the launch), `end_time`, `plan_cpu`
//!   (percent of a core), `plan_mem` (GiB), `plan_gpu` (percent of a GPU), `gpu_type` (of the GPUs it was given); the plans
//!   are those of each instance
//! - `pai_instance_table` (may be missing): `job_name`, `task_name`, `inst_name`, `worker_name`, `inst_id`, `status`,
//!   `start_time`, `end_time`, `machine`
//! - `pai_group_tag_table` (may be missing): `inst_id`, `user`, `gpu_type_spec` (the type asked for; empty for any),
//!   `group` (equal entry scripts and inputs), `workload`
//!
//! Times are seconds since 1970 in UTC+8 with a constant taken off, so that hour and weekday are true and the date is
//! not. A time that is empty or 0 is missing. Status: `Terminated` (done), `Failed`, `Running`, `Waiting`.
//!
//! One job of the trace is one row of the job table:
//! - submission: `start_time` of the job. Tenant: the user. Name: the group. Kind: the workload.
//! - gang: the instances of its GPU tasks (`plan_gpu` above 0), or of all tasks when it has none. Where all ask for
//!   equally many GPUs they are the tasks of the gang; else they are merged into one gang of whole GPUs, counted.
//!   Tasks without GPUs beside GPU tasks (parameter servers) are left out of the gang, counted.
//! - run time: first start to last end of the instances of the gang; by the task rows where instances lack a time, counted.
//! - models: `gpu_type_spec`; `[models=assigned]` takes the type that it was given. `MISC` is any.
//! - a job that still ran is cut off at the last time of the tables and is censored. A job without a time that it needs
//!   is dropped, by cause.
//!
//! Rows are streamed, and only what a job needs is kept: about 300 bytes a job, 150 a task, nothing for an instance.

use std::path::PathBuf;

use super::{Signs, Spec};
use crate::build::{Builder, Twins};
use crate::error::TraceError;
use crate::input::Input;
use crate::trace::Trace;

mod gang;
mod jobs;
mod stream;
mod tasks;

pub(super) static SPEC: Spec = Spec {
    name: "pai",
    aliases: &[],
    about: "Alibaba PAI 2020 (NSDI 2022): a folder with the job, task, instance and group tables",
    options: &[("models", "the GPU model that was asked for, `spec` (the default), or the one that was `assigned`")],
    signs: Signs::Folder("pai_"),
    read,
};

/// Which GPU type a job is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Models {
    Spec,
    Assigned,
}

fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    let models = match input.options.get("models") {
        None | Some("spec") => Models::Spec,
        Some("assigned") => Models::Assigned,
        Some(_) => return Err(input.bad_option("models", "spec or assigned")),
    };
    let mut builder = Builder::new(input.file, "pai");
    let mut jobs = jobs::read(&needed(input, "pai_job_table")?, &mut builder)?;
    let mut tasks = tasks::read(&needed(input, "pai_task_table")?, &jobs, &mut builder)?;
    let instances = find(input, "pai_instance_table");
    if let Some(path) = &instances {
        tasks.add_instances(path, &jobs, &mut builder)?;
    }
    if let Some(path) = find(input, "pai_group_tag_table") {
        jobs.add_tags(&path, &mut builder)?;
    }
    gang::push_all(jobs, &tasks, models, instances.is_some(), &mut builder)?;
    builder.finish(Twins::Refused, Some("1970-01-01T08:00:00".to_owned()))
}

/// The file of a table.
fn find(input: &Input<'_>, table: &str) -> Option<String> {
    let endings = [".csv", "", ".csv.gz", ".gz"];
    let path = |ending| PathBuf::from(input.file).join(format!("{table}{ending}"));
    let found = endings.into_iter().map(path).find(|path| path.is_file());
    found.map(|path| path.to_string_lossy().into_owned())
}

fn needed(input: &Input<'_>, table: &str) -> Result<String, TraceError> {
    find(input, table).ok_or_else(|| {
        let packed = PathBuf::from(input.file).join(format!("{table}.tar.gz")).is_file();
        TraceError::new(input.file, format!("`{table}.csv` is missing in the folder")).with_hint(if packed {
            format!("unpack it: tar -xzf {table}.tar.gz")
        } else {
            "the folder needs pai_job_table.csv and pai_task_table.csv, unpacked".to_owned()
        })
    })
}

#[cfg(test)]
mod tests;
