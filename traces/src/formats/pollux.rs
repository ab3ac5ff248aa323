//! Workloads of Pollux (Qiao et al., OSDI 2021) and Sia (Jayaram Subramanya et al., SOSP 2023).
//!
//! Columns: `name` (unique; the application and a number); `time` (submission, seconds from 0, with fractions in some
//! files); `application` (`bert`, `cifar10`, `deepspeech2`, `imagenet`, `ncf`, `yolov3`, ...); `num_replicas` (the gang
//! that a user without an elastic scheduler would ask for); `batch_size` (of all GPUs, for that gang).
//!
//! There are no run times and no steps: both follow from the measured profiles of the application, its batch size and
//! its placement. So the run times of such a trace are unknown: it can be described, not replayed as it is.
//!
//! Source: <https://github.com/petuum/adaptdl>, branch `osdi21-artifact`, `benchmark/workloads*`, Apache-2.0;
//! <https://github.com/siasosp23/artifacts>, `sia-simulator/workloads`, no licence stated. The jobs are drawn from
//! Philly (CC-BY-4.0) and Helios (CC-BY-4.0).

use engine::{Span, Time};

use super::{Signs, Spec};
use crate::build::{Builder, Twins};
use crate::canonical::words::below_unlimited;
use crate::decimal::Flaw;
use crate::details::Details;
use crate::error::TraceError;
use crate::input::Input;
use crate::table::{Cells, Table};
use crate::trace::{JobType, RunTimes, Trace, TraceJob};

/// All columns of the format.
const NEEDED: [&str; 5] = ["name", "time", "application", "num_replicas", "batch_size"];

pub(super) static SPEC: Spec = Spec {
    name: "pollux",
    aliases: &["sia"],
    about: "workloads of Pollux (OSDI 2021) and Sia (SOSP 2023), without run times",
    options: &[],
    signs: Signs::Columns(&NEEDED),
    read,
};

/// Reads a workload.
fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    let mut table = Table::open(input.file, input.text)?;
    let header = table.header();
    header.check_needed("pollux", &NEEDED, &NEEDED)?;
    let columns = NEEDED.map(|name| header.find(name));
    let mut builder = Builder::new(&header.file, "pollux");
    builder.ledger.ignored_columns = header.ignored(&NEEDED);
    builder.run_times(RunTimes::Unknown);
    while let Some(cells) = table.next()? {
        builder.row();
        let job = job(&cells, columns, &mut builder)?;
        builder.push(job, cells.place);
    }
    builder.finish(Twins::Refused, None)
}

fn job(
    cells: &Cells<'_>,
    [name, time, application, num_replicas, batch_size]: [Option<usize>; 5],
    builder: &mut Builder,
) -> Result<TraceJob, TraceError> {
    let submit = cells.scaled(time, "time", 6)?;
    if submit.rounded {
        builder.ledger.change_row("time: rounded to a microsecond");
    }
    let gpus = cells.count(num_replicas, "num_replicas")?;
    if gpus == 0 {
        let error = cells.error("num_replicas", "the job has no replica");
        return Err(error.with_hint("every job of a workload has at least one GPU"));
    }
    let gpu_milli = below_unlimited(u64::from(gpus) * 1000)
        .ok_or_else(|| cells.flaw("num_replicas", Flaw::TooLarge, cells.text(num_replicas)))?;
    let kind = JobType {
        name: cells.word(application, "application")?.to_owned(),
        batch_size: Some(cells.count(batch_size, "batch_size")?),
        batch_mode: None,
    };
    let job = TraceJob::plain(cells.word(name, "name")?, Time(submit.value), Span::ZERO, gpu_milli);
    Ok(TraceJob {
        tenant: builder.tenant(""),
        details: Details { job_type: Some(builder.job_type(&kind)), ..Details::NONE }.into(),
        ..job
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::read_bytes;

    const HEADER: &str = "name,time,application,num_replicas,batch_size\n";

    fn read_rows(rows: &str) -> Result<Trace, TraceError> {
        read_bytes("w.csv", None, format!("{HEADER}{rows}").as_bytes())
    }

    #[test]
    fn golden() {
        let trace = read_rows("cifar10-0,107,cifar10,6,2048\nbert-1,0.6618361,bert,1,384\nncf-2,107,cifar10,16,2048\n")
            .unwrap();
        assert_eq!((trace.format.as_str(), trace.run_times), ("pollux", RunTimes::Unknown));
        let jobs: Vec<_> =
            trace.jobs.iter().map(|j| (&*j.id, j.submit.0, j.duration.0, j.gpu_milli, j.job_type)).collect();
        assert_eq!(
            jobs,
            [
                ("bert-1", 661_836, 0, 1000, Some(1)),
                ("cifar10-0", 107_000_000, 0, 6000, Some(0)),
                ("ncf-2", 107_000_000, 0, 16_000, Some(0)),
            ]
        );
        assert_eq!((trace.job_types[0].name.as_str(), trace.job_types[0].batch_size), ("cifar10", Some(2048)));
        assert_eq!(trace.ledger.changed["time: rounded to a microsecond"], 1);
        assert_eq!((trace.ledger.rows, trace.ledger.ignored_columns.len()), (3, 0));
    }

    #[test]
    fn errors() {
        let error = |row: &str| {
            let error = read_rows(row).unwrap_err();
            format!("{error} | {}", error.hint().unwrap_or_default())
        };
        assert_eq!(
            error("a,0,bert,0,12\n"),
            "w.csv:2: field `num_replicas`: the job has no replica | every job of a workload has at least one GPU"
        );
        assert_eq!(
            error("a,x,bert,1,12\n"),
            "w.csv:2: field `time`: `x` is not a number | write a plain decimal number such as 12 or 12.5, without unit \
             or separators"
        );
        assert_eq!(
            error("a,0,bert,1,\n"),
            "w.csv:2: field `batch_size`: the value is empty | every row needs a value for `batch_size`"
        );
        assert_eq!(
            error("a,0,bert,1,12\na,1,bert,1,12\n"),
            "w.csv:3: field `job_id`: `a` is already the id of line 2 | every job needs an id of its own"
        );
    }
}
