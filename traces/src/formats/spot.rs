//! Job table of Alibaba's spot GPU trace 2026 (`job_info_df.csv`; GFS, ASPLOS 2026).
//!
//! Upstream: <https://github.com/alibaba/clusterdata>, folder `cluster-trace-v2026-spot-gpu`; no licence is stated.
//!
//! Columns: `job_name` (a number, unique), `organization` (who pays: the tenant), `gpu_model` (the model asked for),
//! `cpu_request` (vCPU of each worker), `gpu_request` (GPUs of each worker, parts such as 0.01 too), `worker_num`
//! (workers, all of which run together), `submit_time` (seconds from the first job), `duration` (seconds), `job_type`
//! (`HP`: high priority with an objective of service, or `Spot`: may be preempted). The clock has no date and no zone.
//!
//! `HP` jobs get priority 1 and are not preemptible, `Spot` jobs priority 0. Tables derived from it (the largest jobs,
//! say) have no `gpu_model` and a column `gpu_seconds`; any model will do there. Many jobs of the first hour ran before
//! the recording began; nothing marks them, so their submission is that of the table.

use engine::{Span, Time};

use super::amounts::{Amount, micros, tasks};
use super::{Signs, Spec};
use crate::build::{Builder, Twins};
use crate::details::Details;
use crate::error::{TraceError, shown};
use crate::header::Header;
use crate::input::Input;
use crate::table::{Cells, Table};
use crate::trace::{Trace, TraceJob};

/// Columns without which nothing can be read.
const NEEDED: [&str; 8] =
    ["job_name", "organization", "cpu_request", "gpu_request", "worker_num", "submit_time", "duration", "job_type"];
/// Columns that are used.
const USED: [&str; 9] = [
    "job_name",
    "organization",
    "cpu_request",
    "gpu_request",
    "worker_num",
    "submit_time",
    "duration",
    "job_type",
    "gpu_model",
];

pub(super) static SPEC: Spec = Spec {
    name: "spot",
    aliases: &[],
    about: "Alibaba spot GPU 2026 (ASPLOS 2026), job table",
    options: &[],
    signs: Signs::Columns(&NEEDED),
    read,
};

fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    let mut table = Table::open(input.file, input.text)?;
    table.header().check_needed("spot", &NEEDED, &USED)?;
    let columns = Columns::find(table.header());
    let mut builder = Builder::new(input.file, "spot");
    builder.ledger.ignored_columns = table.header().ignored(&USED);
    while let Some(cells) = table.next()? {
        builder.row();
        let job = columns.job(&cells, &mut builder)?;
        builder.push(job, cells.place);
    }
    builder.finish(Twins::Refused, None)
}

struct Columns {
    at: [Option<usize>; USED.len()],
}

impl Columns {
    fn find(header: &Header) -> Self {
        Self { at: USED.map(|name| header.find(name)) }
    }

    fn job(&self, cells: &Cells<'_>, builder: &mut Builder) -> Result<TraceJob, TraceError> {
        let [name, organization, cpu, gpu, workers, submit, duration, kind, model] = self.at;
        let cpu = Amount { field: "cpu_request", at: cpu, digits: 3 };
        let gpu = Amount { field: "gpu_request", at: gpu, digits: 3 };
        let id = cells.word(name, "job_name")?;
        let tasks = tasks(cells, workers, "worker_num")?;
        let (gpu_each, cpu_each) = (gpu.gpu_milli(cells, builder)?, cpu.cpu_milli(cells, builder)?);
        let submit = Time(micros(cells, submit, "submit_time", builder)?);
        let duration = Span(micros(cells, duration, "duration", builder)?);
        let (priority, preemptible) = match cells.word(kind, "job_type")? {
            "HP" => (1, false),
            "Spot" => (0, true),
            other => {
                let error = cells.error("job_type", format!("`{}` is no type of job", shown(other)));
                return Err(error.with_hint("write HP or Spot"));
            }
        };
        let model = cells.text(model).trim();
        Ok(TraceJob {
            tenant: builder.tenant_of(&[cells.text(organization)]),
            priority,
            preemptible,
            details: Details {
                cpu_milli: cpu.of_all(cells, cpu_each, tasks)?,
                models: if gpu_each == 0 || model.is_empty() { None } else { builder.models(vec![model.to_owned()]) },
                tasks,
                ..Details::NONE
            }
            .into(),
            ..TraceJob::plain(id, submit, duration, gpu.of_all(cells, gpu_each, tasks)?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::{Format, detect};

    const HEADER: &str =
        "job_name,organization,gpu_model,cpu_request,gpu_request,worker_num,submit_time,duration,job_type\n";

    fn read_text(text: &str) -> Result<Trace, TraceError> {
        read(&Input { file: "jobs.csv", text, options: &crate::input::Options::default() })
    }

    fn error(row: &str) -> String {
        let error = read_text(&format!("{HEADER}{row}\n")).unwrap_err();
        format!("{error} | {}", error.hint().unwrap_or_default())
    }

    #[test]
    fn golden() {
        let text = format!(
            "{HEADER}7,13,A10,20,1,1,0,2764799,HP\n8,57,A100-SXM4-80GB,15,8.0,16,9589663,41060.5,Spot\n\
             9,57,H800,8,0.01,3,5,60,Spot\n10,2,,4,0,2,5,60,HP\n11,2,A10,1,1.5,1,5,0,HP\n12,2,A10,1,0.0001,1,5,0,HP\n"
        );
        assert_eq!(detect("jobs.csv", &text).unwrap(), Format::named("spot").unwrap());
        let trace = read_text(&text).unwrap();
        let jobs: Vec<_> = trace.jobs.iter().map(|j| (&*j.id, j.gpu_milli, j.tasks, j.cpu_milli, j.priority)).collect();
        assert_eq!(
            jobs,
            [
                ("7", 1000, 1, 20_000, 1),
                ("9", 30, 3, 24_000, 0),
                ("10", 0, 2, 8_000, 1),
                ("11", 2000, 1, 1_000, 1),
                ("12", 1, 1, 1_000, 1),
                ("8", 128_000, 16, 240_000, 0)
            ]
        );
        assert_eq!(trace.jobs[5].duration, Span(41_060_500_000));
        assert!(trace.jobs[5].preemptible && !trace.jobs[0].preemptible);
        assert_eq!(trace.model_sets, [["A10"], ["A100-SXM4-80GB"], ["H800"]]);
        assert_eq!(
            (trace.jobs[2].models, trace.tenants.as_slice()),
            (None, ["13", "57", "2"].map(String::from).as_slice())
        );
        let changed: Vec<_> = trace.ledger.changed.iter().map(|(cause, count)| (cause.as_str(), *count)).collect();
        assert_eq!(
            changed,
            [
                ("gpu_request: more than one GPU and a part: rounded up", 1),
                ("gpu_request: rounded to a thousandth of a GPU", 1)
            ]
        );
    }

    #[test]
    fn tables_without_models() {
        let text = "job_name,organization,job_type,duration,gpu_request,cpu_request,worker_num,gpu_seconds,submit_time\n\
                    1,57,HP,100.0,8.0,184.0,2,1600.0,521463.0\n";
        assert_eq!(detect("top.csv", text).unwrap().name(), "spot");
        let trace = read_text(text).unwrap();
        assert_eq!((trace.jobs[0].gpu_milli, trace.jobs[0].models), (16_000, None));
        assert_eq!(trace.ledger.ignored_columns, ["gpu_seconds"]);
    }

    #[test]
    fn errors() {
        assert_eq!(
            error("7,13,A10,20,1,0,0,1,HP"),
            "jobs.csv:2: field `worker_num`: the job has no tasks | write a whole number of at least 1"
        );
        assert_eq!(
            error("7,13,A10,20,1,1,0,1,Best"),
            "jobs.csv:2: field `job_type`: `Best` is no type of job | write HP or Spot"
        );
        assert_eq!(
            error("7,13,A10,20,-1,1,0,1,HP"),
            "jobs.csv:2: field `gpu_request`: `-1` is negative | the least is 0; correct the value, or leave the row out"
        );
        assert_eq!(
            error("7,13,A10,20,1,1,nan,1,HP"),
            "jobs.csv:2: field `submit_time`: `nan` is not finite | write a finite number, or leave the row out"
        );
        assert_eq!(
            error("7,13,A10,20,1,4000000000,0,1,HP"),
            "jobs.csv:2: field `cpu_request`: `20` is too large | check the unit of the column"
        );
        assert_eq!(
            error("7,13,A10,20,1,1,0,1,HP\n7,13,A10,20,1,1,0,1,HP"),
            "jobs.csv:3: field `job_id`: `7` is already the id of line 2 | every job needs an id of its own"
        );
        assert_eq!(
            error("7,13,A10"),
            "jobs.csv:2: the row has 3 fields, the header 9 fields | the line is cut off, or the delimiter is another one"
        );
    }
}
