//! The traces of Acme in the form of a network simulator: `converted_kalos_trace.csv`, `converted_seren_trace.csv`.
//!
//! A script of <https://github.com/hyunnnchoi/AcmeTrace> (`transform_trace.py`; no licence stated, the data are CC-BY-4.0)
//! makes them: it keeps jobs with GPUs of the types `Pretrain`, `Other` and `SFT` that `COMPLETED`, sorts them by
//! submission, numbers them, and writes
//!
//! - `job_id`: the number, not the id in the source;
//! - `arrival_time`: seconds from the first submission;
//! - `num_iteration`: stated duration / 0.5 s, cut to a whole number; `iteration_computing_time`: 0.5 s;
//! - `gpu_workers`: nodes; `gpu_per_worker`: GPUs of a node; `cpu_per_gpu_worker`: CPUs of a GPU;
//! - `tensorsizes`: memory of a node in GB / 100 (Kalos), or always 5.0 where the source has none (Seren);
//! - `profiled_network`: 1000 for `Pretrain`, 500 for others;
//! - `iteration_networking_time`, `ps`, `cpu_per_ps_worker`: made up, not used.
//!
//! This reader turns that round: run time = `num_iteration` x 0.5 s. The stated duration of Kalos includes the queue (see
//! the module above), which cannot be undone here; every job of such a file is counted. Whether a job is not `Pretrain`
//! is known, but not what it is. Ids, users, outcomes other than finished and the calendar are lost.

use engine::{Span, Time};

use crate::build::{Builder, Twins};
use crate::canonical::words::below_unlimited;
use crate::decimal::Flaw;
use crate::details::Details;
use crate::error::TraceError;
use crate::formats::{Signs, Spec};
use crate::input::Input;
use crate::table::{Cells, Table};
use crate::trace::{JobType, Recorded, Trace, TraceJob};

/// Columns by which a file is told.
const NEEDED: [&str; 6] =
    ["job_id", "arrival_time", "num_iteration", "gpu_workers", "gpu_per_worker", "profiled_network"];
/// Columns that are used.
const USED: [&str; 9] = [
    "job_id",
    "arrival_time",
    "num_iteration",
    "gpu_workers",
    "gpu_per_worker",
    "profiled_network",
    "iteration_computing_time",
    "cpu_per_gpu_worker",
    "tensorsizes",
];

/// Time of an iteration in the script.
const ITERATION_US: u64 = 500_000;
/// `tensorsizes` of a source without memory, in millionths.
const NO_MEMORY: u64 = 5_000_000;

pub(in crate::formats) static SPEC: Spec = Spec {
    name: "acme-converted",
    aliases: &[],
    about: "Acme's traces in the form of a network simulator",
    options: &[],
    signs: Signs::Columns(&NEEDED),
    read,
};

/// Reads a file.
fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    let mut table = Table::open(input.file, input.text)?;
    let header = table.header();
    header.check_needed("acme-converted", &NEEDED, &USED)?;
    let mut rows = Rows {
        columns: USED.map(|name| header.find(name)),
        builder: Builder::new(&header.file, "acme-converted"),
        memory: Vec::new(),
    };
    rows.builder.ledger.ignored_columns = header.ignored(&USED);
    while let Some(cells) = table.next()? {
        rows.push(&cells)?;
    }
    rows.finish()
}

struct Rows {
    columns: [Option<usize>; USED.len()],
    builder: Builder,
    /// `tensorsizes` of each job in millionths, and its nodes.
    memory: Vec<(Option<u64>, u32)>,
}

impl Rows {
    fn push(&mut self, cells: &Cells<'_>) -> Result<(), TraceError> {
        let [id, arrival, iterations, workers, per_worker, network, computing, cpus, memory] = self.columns;
        self.builder.row();
        let submit = self.exact(cells, arrival, "arrival_time")?;
        let steps = cells.scaled(iterations, "num_iteration", 0)?.value;
        let duration = steps.checked_mul(ITERATION_US).filter(|micros| i64::try_from(*micros).is_ok());
        let duration = duration.ok_or_else(|| cells.flaw("num_iteration", Flaw::TooLarge, cells.text(iterations)))?;
        if !cells.is_blank(computing) && cells.scaled(computing, "iteration_computing_time", 6)?.value != ITERATION_US {
            let cause = "iteration_computing_time is not 0.5: 0.5 s an iteration taken";
            self.builder.ledger.change_row(cause);
        }
        let nodes = cells.count(workers, "gpu_workers")?;
        let gpus = gpus(cells, nodes, per_worker)?;
        let job = TraceJob {
            tenant: self.builder.tenant(""),
            recorded: Recorded::Finished,
            details: Details {
                cpu_milli: cpu_milli(cells, gpus, cpus)?,
                tasks: if nodes > 0 && gpus.is_multiple_of(nodes) { nodes } else { self.no_tasks() },
                job_type: self.job_type(cells, network)?,
                ..Details::NONE
            }
            .into(),
            ..TraceJob::plain(cells.word(id, "job_id")?, Time(submit), Span(duration), gpus * 1000)
        };
        let size = if cells.is_blank(memory) { None } else { Some(cells.scaled(memory, "tensorsizes", 6)?.value) };
        self.memory.push((size, nodes));
        self.builder.push(job, cells.place);
        Ok(())
    }

    fn exact(&mut self, cells: &Cells<'_>, at: Option<usize>, field: &str) -> Result<u64, TraceError> {
        let number = cells.scaled(at, field, 6)?;
        if number.rounded {
            self.builder.ledger.change_row(&format!("{field}: rounded to a microsecond"));
        }
        Ok(number.value)
    }

    fn no_tasks(&mut self) -> u32 {
        self.builder.ledger.change_row("GPUs are not a multiple of gpu_workers: division into tasks left open");
        0
    }

    fn job_type(&mut self, cells: &Cells<'_>, network: Option<usize>) -> Result<Option<u32>, TraceError> {
        let pretrain = JobType { name: "Pretrain".to_owned(), ..JobType::default() };
        let is_pretrain = cells.scaled(network, "profiled_network", 0)?.value == 1000;
        Ok(is_pretrain.then(|| self.builder.job_type(&pretrain)))
    }

    /// A file whose `tensorsizes` differ from the placeholder is from Kalos: they are memory there.
    fn finish(mut self) -> Result<Trace, TraceError> {
        if self.memory.iter().any(|(size, _)| size.is_some_and(|size| size != NO_MEMORY)) {
            for (job, (size, nodes)) in self.builder.jobs_mut().iter_mut().zip(&self.memory) {
                // Hundreds of GB a node in millionths, to MiB.
                let mib = u128::from(size.unwrap_or(0)) * u128::from(*nodes) * 1024 / 10_000;
                job.memory_mib = u64::try_from(mib).ok().and_then(below_unlimited).unwrap_or(0);
            }
            for _ in 0..self.memory.len() {
                self.builder.ledger.change_row("from Kalos: run time includes the queue, which cannot be undone");
            }
        }
        self.builder.finish(Twins::Refused, None)
    }
}

/// GPUs of all workers, which the file holds as a quotient with a point.
fn gpus(cells: &Cells<'_>, nodes: u32, per_worker: Option<usize>) -> Result<u32, TraceError> {
    const MILLION: u128 = 1_000_000;
    let product = u128::from(cells.scaled(per_worker, "gpu_per_worker", 6)?.value) * u128::from(nodes);
    let gpus = (product + MILLION / 2) / MILLION;
    if product.abs_diff(gpus * MILLION) > u128::from(nodes) {
        let error = cells.error("gpu_per_worker", "gpu_workers x gpu_per_worker is not a whole number of GPUs");
        return Err(error.with_hint("correct one of the two"));
    }
    let gpus = u64::try_from(gpus).ok().filter(|gpus| gpus.checked_mul(1000).and_then(below_unlimited).is_some());
    let gpus = gpus.and_then(|gpus| u32::try_from(gpus).ok());
    gpus.ok_or_else(|| cells.flaw("gpu_per_worker", Flaw::TooLarge, cells.text(per_worker)))
}

/// CPUs of the job, which the file holds as a quotient by its GPUs.
fn cpu_milli(cells: &Cells<'_>, gpus: u32, at: Option<usize>) -> Result<u32, TraceError> {
    if cells.is_blank(at) {
        return Ok(0);
    }
    let millionths = u128::from(cells.scaled(at, "cpu_per_gpu_worker", 6)?.value) * u128::from(gpus);
    let milli = u64::try_from((millionths + 500) / 1000).ok().and_then(below_unlimited);
    milli.ok_or_else(|| cells.flaw("cpu_per_gpu_worker", Flaw::TooLarge, cells.text(at)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::read_bytes;

    const HEADER: &str = "job_id,arrival_time,num_iteration,iteration_computing_time,iteration_networking_time,gpu_workers,ps,\
                          gpu_per_worker,cpu_per_gpu_worker,cpu_per_ps_worker,tensorsizes,profiled_network\n";

    fn read_rows(rows: &str) -> Result<Trace, TraceError> {
        read_bytes("x.csv", None, format!("{HEADER}{rows}").as_bytes())
    }

    #[test]
    fn kalos() {
        let rows = "0,0.0,208,0.5,0.25,8,0,8.0,15.0,15.0,10.0,500\n1,313.0,157,,0.75,3,0,2.6666666666666665,12.5,12.5,19.0,1000\n";
        let trace = read_rows(rows).unwrap();
        assert_eq!((trace.format.as_str(), trace.origin.as_deref()), ("acme-converted", None));
        let found: Vec<_> = trace
            .jobs
            .iter()
            .map(|j| (j.submit.0, j.duration.0, j.gpu_milli, j.cpu_milli, j.memory_mib, j.tasks, j.job_type))
            .collect();
        assert_eq!(
            found,
            [
                (0, 104_000_000, 64_000, 960_000, 8_192_000, 8, None),
                (313_000_000, 78_500_000, 8000, 100_000, 5_836_800, 0, Some(0)),
            ]
        );
        assert_eq!(trace.job_types[0].name, "Pretrain");
        assert!(trace.jobs.iter().all(|job| job.recorded == Recorded::Finished));
        let changed: Vec<_> = trace.ledger.changed.iter().map(|(cause, count)| (cause.as_str(), *count)).collect();
        assert_eq!(
            changed,
            [
                ("GPUs are not a multiple of gpu_workers: division into tasks left open", 1),
                ("from Kalos: run time includes the queue, which cannot be undone", 2),
            ]
        );
        assert_eq!(trace.ledger.ignored_columns, ["iteration_networking_time", "ps", "cpu_per_ps_worker"]);
    }

    #[test]
    fn seren_has_no_memory() {
        let trace = read_rows("0,0.0,208,0.25,0.25,1,0,8.0,16.0,16.0,5.0,500\n").unwrap();
        assert_eq!((trace.jobs[0].memory_mib, trace.jobs[0].duration.0), (0, 104_000_000));
        let changed: Vec<_> = trace.ledger.changed.keys().map(String::as_str).collect();
        assert_eq!(changed, ["iteration_computing_time is not 0.5: 0.5 s an iteration taken"]);
    }

    #[test]
    fn errors() {
        let error = |row: &str| {
            let error = read_rows(row).unwrap_err();
            format!("{error} | {}", error.hint().unwrap_or_default())
        };
        assert_eq!(
            error("0,0.0,208,0.5,0.25,2,0,2.25,15.0,15.0,10.0,500\n"),
            "x.csv:2: field `gpu_per_worker`: gpu_workers x gpu_per_worker is not a whole number of GPUs | correct one of \
             the two"
        );
        assert_eq!(
            error("0,0.0,208,0.5,0.25,0,0,inf,15.0,15.0,10.0,500\n"),
            "x.csv:2: field `gpu_per_worker`: `inf` is not finite | write a finite number, or leave the row out"
        );
        assert_eq!(
            error("0,0.0,1e30,0.5,0.25,1,0,1.0,15.0,15.0,10.0,500\n"),
            "x.csv:2: field `num_iteration`: `1e30` is too large | check the unit of the column"
        );
    }
}
