//! Job lists of `ElasticFlow` (Gu et al., ASPLOS 2023): deadlines and batch sizes, in seconds.
//!
//! Columns: `job_id`; `submit_time` (seconds from 0, no date); `iteration` (training steps); `model_name`; `ddl` (the
//! deadline in seconds on the same clock as the submission: upstream's converter to Chronus subtracts one from the
//! other); `batch_size` (of all GPUs); `num_gpu` (the gang that the trace asks for; the paper's scheduler itself scales jobs);
//! `duration` (run time on `num_gpu` GPUs, seconds); `best_effort` (1: no deadline; not in all lists); `real_iteration`,
//! `real_duration` (not in all lists; upstream reads the plain ones, and so does this reader; rows where they differ are
//! counted).
//!
//! Source: <https://github.com/pkusys/ElasticFlow>, `ElasticFlow/traces_for_ElasticFlow` and
//! `ElasticFlow/trace_generator`, Apache-2.0; `ElasticFlow/scheduler/jobs.py` shows what is read. The jobs are Philly's
//! (CC-BY-4.0).

use engine::Time;

use super::tiresias::{Effort, List, NO_DEADLINE, Unit, best_effort};
use super::{Signs, Spec};
use crate::error::TraceError;
use crate::header::Header;
use crate::input::Input;
use crate::table::{Cells, Table};
use crate::trace::{Trace, TraceJob};

/// Columns by which a list is told: `ddl` is its own.
const NEEDED: [&str; 8] =
    ["job_id", "submit_time", "iteration", "model_name", "ddl", "batch_size", "num_gpu", "duration"];
/// Columns that are used.
const USED: [&str; 11] = [
    "job_id",
    "submit_time",
    "iteration",
    "model_name",
    "ddl",
    "batch_size",
    "num_gpu",
    "duration",
    "best_effort",
    "real_iteration",
    "real_duration",
];

pub(super) static SPEC: Spec = Spec {
    name: "elasticflow",
    aliases: &[],
    about: "ElasticFlow job lists with deadlines (ASPLOS 2023)",
    options: &[],
    signs: Signs::Columns(&NEEDED),
    read,
};

/// Reads a list.
fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    let mut table = Table::open(input.file, input.text)?;
    let header = table.header();
    header.check_needed("elasticflow", &NEEDED, &USED)?;
    let columns = Columns::find(header);
    let mut list = List::new(header, "elasticflow", Unit::Seconds, "iteration", &USED);
    while let Some(cells) = table.next()? {
        let mut job = list.job(&cells)?;
        columns.check_real(&mut list, &cells, &job)?;
        job.deadline = columns.deadline(&mut list, &cells, &job)?;
        list.builder.push(job, cells.place);
    }
    list.finish()
}

struct Columns {
    ddl: Option<usize>,
    best_effort: Option<usize>,
    real_iteration: Option<usize>,
    real_duration: Option<usize>,
}

impl Columns {
    fn find(header: &Header) -> Self {
        Self {
            ddl: header.find("ddl"),
            best_effort: header.find("best_effort"),
            real_iteration: header.find("real_iteration"),
            real_duration: header.find("real_duration"),
        }
    }

    fn deadline(&self, list: &mut List, cells: &Cells<'_>, job: &TraceJob) -> Result<Option<Time>, TraceError> {
        if best_effort(cells, self.best_effort)? == Some(Effort::Best) {
            list.builder.ledger.change_row(NO_DEADLINE);
            return Ok(None);
        }
        if cells.is_blank(self.ddl) {
            return Ok(None);
        }
        let at = list.time(cells, self.ddl, "ddl")?;
        if at < job.submit.0 {
            let error = cells.error("ddl", "the deadline is before the submission");
            return Err(error.with_hint("both are seconds on one clock; correct one of them"));
        }
        Ok(Some(Time(at)))
    }

    fn check_real(&self, list: &mut List, cells: &Cells<'_>, job: &TraceJob) -> Result<(), TraceError> {
        if !cells.is_blank(self.real_duration)
            && list.time(cells, self.real_duration, "real_duration")? != job.duration.0
        {
            list.builder.ledger.change_row("real_duration is not duration, not used");
        }
        if !cells.is_blank(self.real_iteration)
            && Some(cells.scaled(self.real_iteration, "real_iteration", 0)?.value) != job.steps
        {
            list.builder.ledger.change_row("real_iteration is not iteration, not used");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::read_bytes;

    #[test]
    fn golden() {
        let text = "job_id,submit_time,real_iteration,model_name,ddl,batch_size,num_gpu,real_duration,duration,iteration\n\
                    1,219316,26446831,vgg16,2065619,64,4,1792395,1792395,26446831\n0,0,12,vgg16,771220,256,1,970,976570,13\n";
        let trace = read_bytes("e.csv", None, text.as_bytes()).unwrap();
        assert_eq!(trace.format, "elasticflow");
        let jobs: Vec<_> = trace
            .jobs
            .iter()
            .map(|j| (&*j.id, j.submit.0, j.duration.0, j.gpu_milli, j.steps, j.deadline.map(|at| at.0)))
            .collect();
        assert_eq!(
            jobs,
            [
                ("0", 0, 976_570_000_000, 1000, Some(13), Some(771_220_000_000)),
                ("1", 219_316_000_000, 1_792_395_000_000, 4000, Some(26_446_831), Some(2_065_619_000_000)),
            ]
        );
        assert_eq!(trace.job_types[0].batch_size, Some(64));
        let changed: Vec<_> = trace.ledger.changed.iter().map(|(cause, count)| (cause.as_str(), *count)).collect();
        assert_eq!(
            changed,
            [("real_duration is not duration, not used", 1), ("real_iteration is not iteration, not used", 1)]
        );
        assert!(trace.ledger.ignored_columns.is_empty());
    }

    #[test]
    fn lists_without_real_columns_and_with_best_effort() {
        let header = "job_id,submit_time,iteration,model_name,ddl,batch_size,num_gpu,duration,best_effort\n";
        let text = format!("{header}0,5,77215,resnet50,4426,256,1,3930,0\n1,5,7,resnet50,1,256,1,39,1\n");
        let trace = read_bytes("e.csv", None, text.as_bytes()).unwrap();
        assert_eq!((trace.format.as_str(), trace.jobs[1].deadline), ("elasticflow", None));
        assert_eq!(trace.ledger.changed[NO_DEADLINE], 1);
        let text = format!("{header}0,5,77215,resnet50,4,256,1,3930,0\n");
        let error = read_bytes("e.csv", None, text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "e.csv:2: field `ddl`: the deadline is before the submission");
        assert_eq!(error.hint(), Some("both are seconds on one clock; correct one of them"));
    }
}
