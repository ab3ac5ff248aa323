//! Flat job lists of the PAI simulator (`pai_job_no_estimate_100K.csv`, `pai_job_duration_estimate_100K.csv`; Weng et
//! al., NSDI 2022).
//!
//! Upstream: <https://github.com/alibaba/clusterdata>, folder `cluster-trace-gpu-v2020/simulator/traces/pai`, CC-BY-4.0.
//!
//! Columns: `job_id` (unique), `submit_time` and `duration` (seconds; no date, no zone), `num_inst` (instances, all of
//! which run together; 1 where the column or the cell is missing, as upstream), `num_cpu` (cores) and `num_gpu` (GPUs,
//! parts too) of each instance, `gpu_type` (`CPU`, `MISC` for older models without a name, `T4`, `P100`, `V100`), `user`
//! (the tenant), `group` (the name), `wait_time` (seconds in the queue), and in the list with estimates
//! `user_dur`, `user_gpu_dur`, `group_dur`, `group_gpu_dur` (seconds, by four estimators; none is the user's own).
//!
//! The unit of `num_gpu` is documented nowhere. `plan_gpu` of the full tables is that of one instance, and the sums fit
//! the cluster only so; upstream's simulator, though, grants `num_gpu` once a job: `[gpus=job]` does the same.
//! A row with a duration of 0 or below was never finished; it is dropped, or lasts one second with `[nonpositive=clip]`,
//! as upstream's simulator has it.

use engine::{Span, Time};

use super::amounts::{Amount, micros, micros_if_any, model, tasks};
use super::{Signs, Spec};
use crate::build::{Builder, Twins};
use crate::canonical::rows::divides;
use crate::decimal::Flaw;
use crate::details::Details;
use crate::error::TraceError;
use crate::header::Header;
use crate::input::Input;
use crate::table::{Cells, Table};
use crate::trace::{Trace, TraceJob};

/// Columns without which nothing can be read.
const NEEDED: [&str; 6] = ["job_id", "submit_time", "num_cpu", "num_gpu", "gpu_type", "duration"];
/// Columns that are used besides.
const OPTIONAL: [&str; 4] = ["num_inst", "user", "group", "wait_time"];
/// Columns of which one may be the estimate.
const ESTIMATES: [&str; 4] = ["user_dur", "user_gpu_dur", "group_dur", "group_gpu_dur"];

pub(super) static SPEC: Spec = Spec {
    name: "pai-jobs",
    aliases: &[],
    about: "the flat job list of the PAI simulator (NSDI 2022)",
    options: &[
        ("gpus", "whether num_gpu is of each `instance` (the default) or of the whole `job`"),
        ("nonpositive", "what becomes of a duration of 0 or below: `drop` (the default) or `clip` to one second"),
        ("estimate", "the column that is the estimate: user_dur, user_gpu_dur, group_dur, or group_gpu_dur"),
    ],
    signs: Signs::Columns(&NEEDED),
    read,
};

/// Whose GPUs and cores the columns count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Per {
    Instance,
    Job,
}

/// What becomes of a duration of 0 or below.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NonPositive {
    Drop,
    Clip,
}

fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    let mut table = Table::open(input.file, input.text)?;
    let known = [&NEEDED[..], &OPTIONAL[..], &ESTIMATES[..]].concat();
    table.header().check_needed("pai-jobs", &NEEDED, &known)?;
    let columns = Columns::find(input, table.header())?;
    let mut builder = Builder::new(input.file, "pai-jobs");
    let estimate = columns.estimate.1;
    builder.ledger.ignored_columns = table.header().ignored(&[&NEEDED[..], &OPTIONAL[..], &[estimate]].concat());
    while let Some(cells) = table.next()? {
        builder.row();
        if let Some(job) = columns.job(&cells, &mut builder)? {
            builder.push(job, cells.place);
        }
    }
    builder.finish(Twins::Refused, None)
}

struct Columns {
    needed: [Option<usize>; NEEDED.len()],
    optional: [Option<usize>; OPTIONAL.len()],
    estimate: (Option<usize>, &'static str),
    per: Per,
    nonpositive: NonPositive,
}

impl Columns {
    fn find(input: &Input<'_>, header: &Header) -> Result<Self, TraceError> {
        let per = match input.options.get("gpus") {
            None | Some("instance") => Per::Instance,
            Some("job") => Per::Job,
            Some(_) => return Err(input.bad_option("gpus", "instance or job")),
        };
        let nonpositive = match input.options.get("nonpositive") {
            None | Some("drop") => NonPositive::Drop,
            Some("clip") => NonPositive::Clip,
            Some(_) => return Err(input.bad_option("nonpositive", "drop or clip")),
        };
        let estimate = match input.options.get("estimate") {
            None => (None, ""),
            Some(name) => ESTIMATES
                .into_iter()
                .find(|known| *known == name)
                .and_then(|name| header.find(name).map(|at| (Some(at), name)))
                .ok_or_else(|| {
                    input.bad_option("estimate", &format!("a column of this file among {}", ESTIMATES.join(", ")))
                })?,
        };
        let (needed, optional) = (NEEDED.map(|name| header.find(name)), OPTIONAL.map(|name| header.find(name)));
        Ok(Self { needed, optional, estimate, per, nonpositive })
    }

    fn job(&self, cells: &Cells<'_>, builder: &mut Builder) -> Result<Option<TraceJob>, TraceError> {
        let [id, submit, _, _, gpu_type, _] = self.needed;
        let [_, user, group, wait] = self.optional;
        let id = cells.word(id, "job_id")?;
        let submit = micros(cells, submit, "submit_time", builder)?;
        let (gpu_milli, cpu_milli, tasks) = self.gang(cells, builder)?;
        let wait = micros_if_any(cells, wait, "wait_time", builder)?;
        let (at, field) = self.estimate;
        let estimate = micros_if_any(cells, at, field, builder)?.map(Span);
        let Some(duration) = self.duration(cells, builder)? else { return Ok(None) };
        let group = cells.text(group).trim();
        Ok(Some(TraceJob {
            tenant: if user.is_some() { builder.tenant_of(&[cells.text(user)]) } else { builder.tenant("") },
            details: Details {
                cpu_milli,
                tasks,
                models: if gpu_milli == 0 { None } else { model(cells.text(gpu_type), builder) },
                name: Some(group).filter(|group| !group.is_empty()).map(Into::into),
                start: wait.map(|wait| self.start(cells, submit, wait)).transpose()?,
                estimate,
                ..Details::NONE
            }
            .into(),
            ..TraceJob::plain(id, Time(submit), duration, gpu_milli)
        }))
    }

    fn start(&self, cells: &Cells<'_>, submit: u64, wait: u64) -> Result<Time, TraceError> {
        let start = submit.checked_add(wait).filter(|start| i64::try_from(*start).is_ok());
        let too_large = || cells.flaw("wait_time", Flaw::TooLarge, cells.text(self.optional[3]));
        start.map(Time).ok_or_else(too_large)
    }

    /// The run time; `None` when the row is dropped.
    fn duration(&self, cells: &Cells<'_>, builder: &mut Builder) -> Result<Option<Span>, TraceError> {
        let (at, field) = (self.needed[5], "duration");
        let text = cells.text(at).trim();
        let negative = text.starts_with('-') && text[1..].parse::<f64>().is_ok_and(f64::is_finite);
        let value = if negative { 0 } else { micros(cells, at, field, builder)? };
        match (value, self.nonpositive) {
            (0, NonPositive::Drop) => {
                builder.ledger.drop_row("duration is 0 or below");
                Ok(None)
            }
            (0, NonPositive::Clip) => {
                builder.ledger.change_row("duration is 0 or below: taken as one second");
                Ok(Some(Span(1_000_000)))
            }
            (value, _) => Ok(Some(Span(value))),
        }
    }

    /// GPUs, CPU and number of tasks of the gang.
    fn gang(&self, cells: &Cells<'_>, builder: &mut Builder) -> Result<(u32, u32, u32), TraceError> {
        let gpu = Amount { field: "num_gpu", at: self.needed[3], digits: 3 };
        let cpu = Amount { field: "num_cpu", at: self.needed[2], digits: 3 };
        let count = match self.optional[0] {
            at if cells.is_blank(at) => 1,
            at => tasks(cells, at, "num_inst")?,
        };
        if self.per == Per::Instance {
            let (gpu_each, cpu_each) = (gpu.gpu_milli(cells, builder)?, cpu.cpu_milli(cells, builder)?);
            return Ok((gpu.of_all(cells, gpu_each, count)?, cpu.of_all(cells, cpu_each, count)?, count));
        }
        let cpu_all = cpu.cpu_milli(cells, builder)?;
        let cpu_milli = cpu.of_all(cells, cpu_all, 1)?;
        let fits = |milli: u64| u32::try_from(milli).is_ok_and(|milli| divides(milli, count));
        if !cells.is_blank(gpu.at) {
            let exact = cells.scaled(gpu.at, gpu.field, gpu.digits)?;
            if !exact.rounded && fits(exact.value) {
                return Ok((gpu.of_all(cells, exact.value, 1)?, cpu_milli, count));
            }
        }
        let milli = gpu.gpu_milli(cells, builder)?;
        let tasks = if fits(milli) { count } else { 0 };
        if tasks == 0 {
            builder.ledger.change_row("num_gpu cannot be divided among the instances: one gang without tasks");
        }
        Ok((gpu.of_all(cells, milli, 1)?, cpu_milli, tasks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::detect;
    use crate::input::Options;

    const HEADER: &str = "job_id,num_inst,submit_time,num_cpu,num_gpu,gpu_type,duration,user\n";

    fn read_with(text: &str, options: &[(&str, &str)]) -> Result<Trace, TraceError> {
        let pairs = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        read(&Input { file: "p.csv", text, options: &Options::new(pairs) })
    }

    fn error(rows: &str, options: &[(&str, &str)]) -> String {
        let error = read_with(&format!("{HEADER}{rows}\n"), options).unwrap_err();
        format!("{error} | {}", error.hint().unwrap_or_default())
    }

    const ROWS: &str = "a,1,0,6.0,0.5,V100,100.5,u1\nb,3,60,4,0.25,MISC,10,u2\nc,,61,4,0,CPU,10,u2\n\
                        d,1,62,4,1,T4,0,u2\ne,1,63,4,1,T4,-20.0,u2\nf,2,64,4,2,P100,5,u1\n";

    #[test]
    fn golden() {
        let text = format!("{HEADER}{ROWS}");
        assert_eq!(detect("p.csv", &text).unwrap().name(), "pai-jobs");
        let trace = read_with(&text, &[]).unwrap();
        let jobs: Vec<_> =
            trace.jobs.iter().map(|j| (&*j.id, j.gpu_milli, j.tasks, j.cpu_milli, j.duration.0 / 1000)).collect();
        assert_eq!(
            jobs,
            [
                ("a", 500, 1, 6000, 100_500),
                ("b", 750, 3, 12_000, 10_000),
                ("c", 0, 1, 4000, 10_000),
                ("f", 4000, 2, 8000, 5000)
            ]
        );
        assert_eq!((trace.ledger.rows, trace.ledger.dropped["duration is 0 or below"]), (6, 2));
        assert_eq!(trace.model_sets, [["V100"], ["P100"]]);
        assert_eq!(trace.ledger.changed["GPU model MISC: several older models without a name, taken as any"], 1);
        assert_eq!(trace.tenants, ["u1", "u2"]);
    }

    #[test]
    fn options() {
        let text = format!("{HEADER}{ROWS}g,4,65,4,3,V100,5,u1\n");
        let trace = read_with(&text, &[("gpus", "job"), ("nonpositive", "clip")]).unwrap();
        let jobs: Vec<_> = trace.jobs.iter().map(|j| (&*j.id, j.gpu_milli, j.tasks, j.duration.0)).collect();
        assert_eq!(jobs[1], ("b", 250, 0, 10_000_000), "a quarter of a GPU is not three times thousandths");
        assert_eq!(jobs[3], ("d", 1000, 1, 1_000_000));
        assert_eq!((jobs[5], jobs[6]), (("f", 2000, 2, 5_000_000), ("g", 3000, 4, 5_000_000)));
        let small = read_with(&format!("{HEADER}a,1,0,1,0.0004,V100,5,u\n"), &[("gpus", "job")]).unwrap();
        assert_eq!((small.jobs[0].gpu_milli, small.jobs[0].tasks), (1, 1));
        assert_eq!(small.ledger.changed["num_gpu: rounded to a thousandth of a GPU"], 1);
        let text = "job_id,submit_time,num_cpu,num_gpu,gpu_type,duration,user,group,wait_time,group_dur\n\
                    a,5,1,1,V100,9,u,g1,2.5,8.0\nb,6,1,1,V100,9,u,,,\n";
        let trace = read_with(text, &[("estimate", "group_dur")]).unwrap();
        assert_eq!((trace.jobs[0].estimate, trace.jobs[0].start), (Some(Span(8_000_000)), Some(Time(7_500_000))));
        assert_eq!((trace.jobs[0].name.as_deref(), trace.jobs[1].name.as_deref()), (Some("g1"), None));
        assert_eq!((trace.jobs[1].estimate, trace.jobs[1].start), (None, None));
        assert!(trace.ledger.ignored_columns.is_empty());
    }

    #[test]
    fn errors() {
        assert_eq!(
            error("a,0,0,6.0,0.5,V100,100.5,u1", &[]),
            "p.csv:2: field `num_inst`: the job has no tasks | write a whole number of at least 1"
        );
        for (gpus, said) in [("x", "`x` is not a number"), ("-1", "`-1` is negative"), ("nan", "`nan` is not finite")] {
            let found = error(&format!("a,1,0,6.0,{gpus},V100,1,u1"), &[("gpus", "job")]);
            assert!(found.starts_with(&format!("p.csv:2: field `num_gpu`: {said}")), "{found}");
        }
        assert_eq!(
            error("a,1,0,6.0,0.5,V100,-x,u1", &[]),
            "p.csv:2: field `duration`: `-x` is not a number | write a plain decimal number such as 12 or 12.5, without unit \
             or separators"
        );
        assert_eq!(
            error("a,1,-5,6.0,0.5,V100,1,u1", &[]),
            "p.csv:2: field `submit_time`: `-5` is negative | times are counted from the origin of the trace; shift all of \
             them so that none is before it"
        );
        assert_eq!(
            error("a,1,5,6.0,0.5,V100,1,u1", &[("gpus", "all")]),
            "p.csv: field `gpus`: `all` is not instance or job | write gpus=VALUE with instance or job"
        );
        assert_eq!(
            error("a,1,5,6.0,0.5,V100,nan,u1", &[]),
            "p.csv:2: field `duration`: `nan` is not finite | write a finite number, or leave the row out"
        );
        let wanted = "a column of this file among user_dur, user_gpu_dur, group_dur, group_gpu_dur";
        assert_eq!(
            error("a,1,5,6.0,0.5,V100,1,u1", &[("estimate", "user_dur")]),
            format!("p.csv: field `estimate`: `user_dur` is not {wanted} | write estimate=VALUE with {wanted}")
        );
    }
}
