//! Job lists of Chronus (Gao et al., ACM Symposium on Cloud Computing 2021): those of Tiresias in minutes, with deadlines.
//!
//! Columns: `job_id`; `user` (the tenant: virtual clusters of Philly drawn at random); `num_gpu` (gang; 0 occurs, and
//! upstream skips such rows: here they are kept as jobs without GPUs and counted); `submit_time` and `duration` (minutes:
//! upstream's scheduler counts 60 of its units an hour and 24 hours a day; `unit=seconds` reads lists that were
//! converted from seconds, as the artifact of `elasticflow` does); `iterations` (training steps); `model_name`; `batch_size` (only in converted lists);
//! `expect_time_list` (deadlines counted from the submission, joined by `-`, the earliest first); `expect_value_list`
//! (what meeting each is worth; not used); `best_effort` (1: no deadline; then `expect_time_list` repeats the
//! submission); `job_type` (`strict`, `soft` with several deadlines, `best`); `interval` (not used). Rows are in no
//! order.
//!
//! A job has one deadline here: its submission plus the first of the list. Jobs with later ones are counted.
//!
//! Source: <https://github.com/S-Lab-System-Group/ChronusArtifact>, `code/data/exp/trace_job_*.csv`, MIT; `code/main.py`
//! and `code/alg/scheduler/time_aware_with_lease.py` show what the columns mean. The jobs are Philly's (CC-BY-4.0).

use engine::Time;

use super::tiresias::{Effort, List, NO_DEADLINE, Unit, best_effort};
use super::{Signs, Spec};
use crate::decimal::Flaw;
use crate::error::{TraceError, shown};
use crate::header::Header;
use crate::input::Input;
use crate::table::{Cells, Table};
use crate::trace::{Trace, TraceJob};

/// Columns by which a list is told: `expect_time_list` is Chronus' own.
const NEEDED: [&str; 8] =
    ["job_id", "user", "num_gpu", "submit_time", "iterations", "model_name", "duration", "expect_time_list"];
/// Columns that are used.
const USED: [&str; 11] = [
    "job_id",
    "user",
    "num_gpu",
    "submit_time",
    "iterations",
    "model_name",
    "batch_size",
    "duration",
    "expect_time_list",
    "best_effort",
    "job_type",
];

pub(super) static SPEC: Spec = Spec {
    name: "chronus",
    aliases: &[],
    about: "Chronus job lists with deadlines (SoCC 2021), minutes",
    options: &[("unit", "unit of the times: minutes (the default) or seconds")],
    signs: Signs::Columns(&NEEDED),
    read,
};

/// Reads a list.
fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    let mut table = Table::open(input.file, input.text)?;
    let header = table.header();
    header.check_needed("chronus", &NEEDED, &USED)?;
    let unit = match input.options.get("unit") {
        None | Some("minutes") => Unit::Minutes,
        Some("seconds") => Unit::Seconds,
        Some(_) => return Err(input.bad_option("unit", "`minutes` or `seconds`")),
    };
    let columns = Columns::find(header);
    let mut list = List::new(header, "chronus", unit, "iterations", &USED);
    while let Some(cells) = table.next()? {
        let mut job = list.job(&cells)?;
        job.tenant = list.builder.tenant_of(&[cells.text(columns.user)]);
        job.deadline = columns.deadline(&mut list, &cells, &job)?;
        list.builder.push(job, cells.place);
    }
    list.finish()
}

struct Columns {
    user: Option<usize>,
    expect: Option<usize>,
    best_effort: Option<usize>,
    job_type: Option<usize>,
}

impl Columns {
    fn find(header: &Header) -> Self {
        Self {
            user: header.find("user"),
            expect: header.find("expect_time_list"),
            best_effort: header.find("best_effort"),
            job_type: header.find("job_type"),
        }
    }

    fn deadline(&self, list: &mut List, cells: &Cells<'_>, job: &TraceJob) -> Result<Option<Time>, TraceError> {
        let kind = self.kind(cells)?;
        let effort = best_effort(cells, self.best_effort)?.or(kind).unwrap_or(Effort::Deadline);
        let text = cells.text(self.expect).trim();
        if text.is_empty() {
            return Ok(None);
        }
        if effort == Effort::Best {
            list.builder.ledger.change_row(NO_DEADLINE);
            return Ok(None);
        }
        let (first, rest) = text.split_once('-').map_or((text, None), |(first, rest)| (first, Some(rest)));
        if rest.is_some() {
            list.builder.ledger.change_row("later deadlines of the list not kept");
        }
        let expect = list.time_of(cells, first, "expect_time_list")?;
        let deadline = job.submit.0.checked_add(expect).filter(|at| i64::try_from(*at).is_ok());
        deadline.map(|at| Some(Time(at))).ok_or_else(|| cells.flaw("expect_time_list", Flaw::TooLarge, text))
    }

    fn kind(&self, cells: &Cells<'_>) -> Result<Option<Effort>, TraceError> {
        match cells.text(self.job_type).trim() {
            "" => Ok(None),
            "strict" | "soft" => Ok(Some(Effort::Deadline)),
            "best" => Ok(Some(Effort::Best)),
            other => {
                let message = format!("`{}` is no kind of job", shown(other));
                Err(cells.error("job_type", message).with_hint("write strict, soft or best"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{load, read_bytes};

    const HEADER: &str = "job_id,user,num_gpu,submit_time,iterations,model_name,duration,interval,expect_time_list,\
                          expect_value_list,best_effort,job_type\n";

    fn read_rows(rows: &str) -> Result<Trace, TraceError> {
        read_bytes("c.csv", None, format!("{HEADER}{rows}").as_bytes())
    }

    #[test]
    fn golden() {
        let trace = read_rows(
            "0,vc_a,4,20,6910,resnet101,211,8,282,10,0,strict\n1,vc_b,0,10,5530,vgg16,96,5,159-189-229-289,10-8-5-2,0,soft\n\
             2,vc_a,1,15,1,alexnet,30,17,15,10,1,best\n",
        )
        .unwrap();
        assert_eq!(trace.format, "chronus");
        let minutes = |minutes: u64| minutes * 60_000_000;
        let jobs: Vec<_> = trace
            .jobs
            .iter()
            .map(|j| (&*j.id, j.submit.0, j.duration.0, j.gpu_milli, j.tenant, j.deadline.map(|at| at.0)))
            .collect();
        assert_eq!(
            jobs,
            [
                ("1", minutes(10), minutes(96), 0, 2, Some(minutes(169))),
                ("2", minutes(15), minutes(30), 1000, 1, None),
                ("0", minutes(20), minutes(211), 4000, 1, Some(minutes(302))),
            ]
        );
        assert_eq!(trace.tenants, ["all", "vc_a", "vc_b"]);
        let changed: Vec<_> = trace.ledger.changed.iter().map(|(cause, count)| (cause.as_str(), *count)).collect();
        assert_eq!(
            changed,
            [
                ("best effort: what stands as its deadline is none, not kept", 1),
                ("later deadlines of the list not kept", 1),
                ("num_gpu is 0: kept as a job without GPUs", 1),
            ]
        );
        assert_eq!(trace.ledger.ignored_columns, ["interval", "expect_value_list"]);
    }

    #[test]
    fn units() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.csv");
        std::fs::write(&path, format!("{HEADER}0,u,4,20,6910,resnet101,211,8,282,10,0,strict\n")).unwrap();
        let path = path.to_str().unwrap();
        let job = load(&format!("{path}[unit=seconds]")).unwrap().jobs[0].clone();
        assert_eq!((job.submit.0, job.duration.0, job.deadline.unwrap().0), (20_000_000, 211_000_000, 302_000_000));
        let error = load(&format!("{path}[unit=hours]")).unwrap_err();
        assert_eq!(error.to_string(), format!("{path}: field `unit`: `hours` is not `minutes` or `seconds`"));
        assert_eq!(error.hint(), Some("write unit=VALUE with `minutes` or `seconds`"));
    }

    #[test]
    fn errors() {
        let error = |row: &str| {
            let error = read_rows(row).unwrap_err();
            format!("{error} | {}", error.hint().unwrap_or_default())
        };
        assert_eq!(
            error("0,u,4,20,1,a,211,8,282,10,2,strict\n"),
            "c.csv:2: field `best_effort`: `2` is neither 0 nor 1 | write 1 for a job without a deadline, 0 for others"
        );
        assert_eq!(
            error("0,u,4,20,1,a,211,8,282,10,0,hard\n"),
            "c.csv:2: field `job_type`: `hard` is no kind of job | write strict, soft or best"
        );
        assert_eq!(
            error("0,u,4,20,1,a,211,8,-5,10,0,strict\n"),
            "c.csv:2: field `expect_time_list`: the value is empty | every row needs a value for `expect_time_list`"
        );
        assert_eq!(
            error("0,u,4,1e12,1,a,211,8,5,10,0,strict\n"),
            "c.csv:2: field `submit_time`: `1e12` is too large | check the unit of the column"
        );
    }
}
