//! Job lists of the Tiresias simulator (Gu et al., NSDI 2019).
//!
//! Columns: `job_id`; `num_gpu` (gang); `submit_time` (seconds from 0, no date); `iterations` (training steps);
//! `model_name`; `duration` (run time in seconds); `interval` (seconds to the next submission: follows from the others,
//! not used). Comma-separated with a header. Upstream takes every row, and sorts by submission.
//!
//! Source: <https://github.com/SymbioticLab/Tiresias>, `simulator/*_job.csv`, Apache-2.0; the fields are defined in
//! `simulator/README.md`.

use super::{Signs, Spec};
use crate::error::TraceError;
use crate::input::Input;
use crate::table::Table;
use crate::trace::Trace;

mod list;

pub(super) use list::{Effort, List, NO_DEADLINE, Unit, best_effort};

/// Columns by which a list is told; descendants have more.
const NEEDED: [&str; 6] = ["job_id", "num_gpu", "submit_time", "iterations", "model_name", "duration"];

pub(super) static SPEC: Spec = Spec {
    name: "tiresias",
    aliases: &[],
    about: "Tiresias job lists (NSDI 2019), seconds",
    options: &[],
    signs: Signs::Columns(&NEEDED),
    read,
};

/// Reads a list.
fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    let mut table = Table::open(input.file, input.text)?;
    table.header().check_needed("tiresias", &NEEDED, &NEEDED)?;
    let mut list = List::new(table.header(), "tiresias", Unit::Seconds, "iterations", &NEEDED);
    while let Some(cells) = table.next()? {
        let job = list.job(&cells)?;
        list.builder.push(job, cells.place);
    }
    list.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::read_bytes;

    const HEADER: &str = "job_id,num_gpu,submit_time,iterations,model_name,duration,interval\n";

    fn read_rows(rows: &str) -> Result<Trace, TraceError> {
        read_bytes("t.csv", None, format!("{HEADER}{rows}").as_bytes())
    }

    fn error(rows: &str) -> String {
        let error = read_rows(rows).unwrap_err();
        format!("{error} | {}", error.hint().unwrap_or_default())
    }

    #[test]
    fn golden() {
        let trace = read_rows("7,8,30.5,133,vgg11,147,23\n0,1,0,606,vgg19,164.25,30\n9,0,31,1,vgg11,0,1\n").unwrap();
        assert_eq!(trace.format, "tiresias");
        let jobs: Vec<_> =
            trace.jobs.iter().map(|j| (&*j.id, j.submit.0, j.duration.0, j.gpu_milli, j.steps, j.job_type)).collect();
        assert_eq!(
            jobs,
            [
                ("0", 0, 164_250_000, 1000, Some(606), Some(1)),
                ("7", 30_500_000, 147_000_000, 8000, Some(133), Some(0)),
                ("9", 31_000_000, 0, 0, Some(1), Some(0)),
            ]
        );
        assert_eq!(trace.job_types[1].name, "vgg19");
        assert_eq!((trace.origin, trace.tenants), (None, vec!["all".to_owned()]));
        assert_eq!(trace.ledger.ignored_columns, ["interval"]);
        assert_eq!(trace.ledger.changed["num_gpu is 0: kept as a job without GPUs"], 1);
        assert_eq!((trace.ledger.rows, trace.ledger.dropped.len()), (3, 0));
    }

    #[test]
    fn errors() {
        assert_eq!(
            error("0,1,-3,1,a,1,1\n"),
            "t.csv:2: field `submit_time`: `-3` is negative | times are counted from the origin of the trace; shift all \
             of them so that none is before it"
        );
        assert_eq!(
            error("0,1,0,1,a,nan,1\n"),
            "t.csv:2: field `duration`: `nan` is not finite | write a finite number, or leave the row out"
        );
        assert_eq!(
            error("0,1.5,0,1,a,1,1\n"),
            "t.csv:2: field `num_gpu`: `1.5` is not a whole number | write a whole number such as 8"
        );
        assert_eq!(
            error("0,99999999,0,1,a,1,1\n"),
            "t.csv:2: field `num_gpu`: `99999999` is too large | check the unit of the column"
        );
        assert_eq!(
            error("0,1,0,1,,1,1\n"),
            "t.csv:2: field `model_name`: the value is empty | every row needs a value for `model_name`"
        );
        assert_eq!(
            error("0,1,0,1,a,1,1\n0,1,0,1,a,1,1\n"),
            "t.csv:3: field `job_id`: `0` is already the id of line 2 | every job needs an id of its own"
        );
        assert_eq!(
            error("0,1,0,1,a,1\n"),
            "t.csv:2: the row has 6 fields, the header 7 fields | the line is cut off, or the delimiter is another one"
        );
        assert_eq!(error(""), "t.csv: the trace has no jobs | there must be at least one job below the header");
    }
}
