//! Instances of Alibaba's GPU-disaggregated serving of recommendation models 2025 (`disaggregated_DLRM_trace.csv`;
//! Prism, NSDI 2025).
//!
//! Upstream: <https://github.com/alibaba/clusterdata>, folder `cluster-trace-gpu-v2025`; no licence is stated.
//!
//! Columns: `instance_sn` (unique), `role` (`CN` on nodes without GPUs, `HN` with one GPU: the queue here), `app_name`
//! (the service: the tenant here), `cpu_request` (vCPU), `gpu_request` (GPUs), `memory_request` (GiB), and
//! `creation_time`, `scheduled_time`, `deletion_time` (seconds from the start of the recording, with fractions). The
//! limits, the disk, the share of the network card (`rdma_request`, in percent) and `max_instance_per_node` (-1: no
//! limit) are not used. No date, no zone.
//!
//! These are serving instances of high priority that run for days, not training jobs: none is preemptible. A time that
//! is empty (or `NaN`) lies outside the recording. An instance that was there at the start is submitted at 0; one that
//! was still there at the end is cut off at the last time that the list has, and is censored.

use engine::{Span, Time};

use super::amounts::{Amount, micros_if_any};
use super::{Signs, Spec};
use crate::build::{Builder, Twins};
use crate::details::Details;
use crate::error::{TraceError, shown};
use crate::header::Header;
use crate::input::Input;
use crate::table::{Cells, Table};
use crate::trace::{Recorded, Trace, TraceJob};

/// Columns without which nothing can be read; all of them are used.
const NEEDED: [&str; 9] = [
    "instance_sn",
    "role",
    "app_name",
    "cpu_request",
    "gpu_request",
    "memory_request",
    "creation_time",
    "scheduled_time",
    "deletion_time",
];

pub(super) static SPEC: Spec = Spec {
    name: "dlrm",
    aliases: &[],
    about: "serving instances of Alibaba's disaggregated DLRM trace 2025 (NSDI 2025)",
    options: &[],
    signs: Signs::Columns(&NEEDED),
    read,
};

fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    let mut table = Table::open(input.file, input.text)?;
    table.header().check_needed("dlrm", &NEEDED, &NEEDED)?;
    let mut instances = Instances::new(table.header());
    while let Some(cells) = table.next()? {
        instances.push(&cells)?;
    }
    instances.finish()
}

/// Instances on their way to a trace.
struct Instances {
    at: [Option<usize>; NEEDED.len()],
    builder: Builder,
    /// By job: when it was deleted, if it was.
    ends: Vec<Option<u64>>,
    /// The last time that any row has.
    last: u64,
}

/// The times of a row, if they lie inside the recording.
#[derive(Clone, Copy)]
struct Times {
    creation: Option<u64>,
    scheduled: Option<u64>,
    deletion: Option<u64>,
}

impl Instances {
    fn new(header: &Header) -> Self {
        let mut builder = Builder::new(&header.file, "dlrm");
        builder.ledger.ignored_columns = header.ignored(&NEEDED);
        Self { at: NEEDED.map(|name| header.find(name)), builder, ends: Vec::new(), last: 0 }
    }

    fn push(&mut self, cells: &Cells<'_>) -> Result<(), TraceError> {
        self.builder.row();
        let [id, role, app, cpu, gpu, memory, ..] = self.at;
        let amount = |field, at| Amount { field, at, digits: 3 };
        let (cpu, gpu) = (amount("cpu_request", cpu), amount("gpu_request", gpu));
        let memory = amount("memory_request", memory);
        let id = cells.word(id, "instance_sn")?;
        let role = cells.word(role, "role")?;
        if !["CN", "HN"].contains(&role) {
            let error = cells.error("role", format!("`{}` is no role", shown(role)));
            return Err(error.with_hint("write CN (node without GPUs) or HN (node with GPUs)"));
        }
        let gpu_each = gpu.gpu_milli(cells, &mut self.builder)?;
        let cpu_each = cpu.cpu_milli(cells, &mut self.builder)?;
        let memory_each = memory.memory_mib(cells, &mut self.builder)?;
        let times = self.times(cells)?;
        let Some((submit, start)) = self.begin(times) else { return Ok(()) };
        let job = TraceJob {
            tenant: self.builder.tenant_of(&[cells.text(app)]),
            preemptible: false,
            details: Details {
                cpu_milli: cpu.of_all(cells, cpu_each, 1)?,
                memory_mib: memory.of_all(cells, memory_each, 1)?,
                queue: self.builder.queue(role),
                tasks: 1,
                start: Some(Time(start)),
                ..Details::NONE
            }
            .into(),
            ..TraceJob::plain(id, Time(submit), Span(0), gpu.of_all(cells, gpu_each, 1)?)
        };
        self.ends.push(times.deletion);
        self.builder.push(job, cells.place);
        Ok(())
    }

    fn times(&mut self, cells: &Cells<'_>) -> Result<Times, TraceError> {
        let mut time = |i: usize| micros_if_any(cells, self.at[i], NEEDED[i], &mut self.builder);
        let times = Times { creation: time(6)?, scheduled: time(7)?, deletion: time(8)? };
        let order =
            [(times.creation, "creation_time"), (times.scheduled, "scheduled_time"), (times.deletion, "deletion_time")];
        let mut before: Option<(u64, &str)> = None;
        for (at, field) in order {
            let Some(at) = at else { continue };
            if let Some((_, earlier)) = before.filter(|(earlier, _)| at < *earlier) {
                let error = cells.error(field, format!("the time is before {earlier}: the instance runs backwards"));
                return Err(error.with_hint("correct one of the times, or leave the row out"));
            }
            before = Some((at, field));
            self.last = self.last.max(at);
        }
        Ok(times)
    }

    /// Submission and start; `None` when it never ran.
    fn begin(&mut self, times: Times) -> Option<(u64, u64)> {
        let ledger = &mut self.builder.ledger;
        match (times.creation, times.scheduled) {
            (Some(creation), Some(scheduled)) => Some((creation, scheduled)),
            (Some(_), None) => {
                ledger.drop_row("never scheduled");
                None
            }
            (None, scheduled) => {
                ledger.change_row("already there at the start of the recording: submitted at 0");
                Some((0, scheduled.unwrap_or(0)))
            }
        }
    }

    fn finish(mut self) -> Result<Trace, TraceError> {
        for (job, end) in self.builder.jobs_mut().iter_mut().zip(&self.ends) {
            let start = job.start.map_or(0, |start| start.0);
            job.duration = Span(end.unwrap_or(self.last) - start);
            if end.is_none() {
                job.recorded = Recorded::Censored;
            }
        }
        for _ in self.ends.iter().filter(|end| end.is_none()) {
            self.builder.ledger.change_row("still there at the end of the recording: run time is censored");
        }
        self.builder.finish(Twins::Refused, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::detect;

    const HEADER: &str = "instance_sn,role,app_name,cpu_request,cpu_limit,gpu_request,gpu_limit,rdma_request,rdma_limit,\
                          memory_request,memory_limit,disk_request,disk_limit,max_instance_per_node,creation_time,\
                          scheduled_time,deletion_time\n";

    fn row(id: &str, role: &str, times: &str) -> String {
        format!("{id},{role},app_1,12,12,{},1,25,25,120.5,120.5,1,1,8,{times}\n", u8::from(role == "HN"))
    }

    fn read_rows(rows: &[String]) -> Result<Trace, TraceError> {
        let text = format!("{HEADER}{}", rows.concat());
        assert_eq!(detect("i.csv", &text).unwrap().name(), "dlrm");
        read(&Input { file: "i.csv", text: &text, options: &crate::input::Options::default() })
    }

    #[test]
    fn golden() {
        let trace = read_rows(&[
            row("a", "HN", ",,"),
            row("b", "CN", "10.5,11,20"),
            row("c", "HN", ",,15.25"),
            row("d", "CN", "30.0,40.0,"),
            row("e", "CN", "35,,"),
            row("f", "CN", ",5,NaN"),
        ])
        .unwrap();
        let jobs: Vec<_> = trace
            .jobs
            .iter()
            .map(|j| {
                (&*j.id, j.submit.0 / 1000, j.start.unwrap().0 / 1000, j.duration.0 / 1000, j.gpu_milli, j.recorded)
            })
            .collect();
        assert_eq!(
            jobs,
            [
                ("a", 0, 0, 40_000, 1000, Recorded::Censored),
                ("c", 0, 0, 15_250, 1000, Recorded::Unknown),
                ("f", 0, 5_000, 35_000, 0, Recorded::Censored),
                ("b", 10_500, 11_000, 9_000, 0, Recorded::Unknown),
                ("d", 30_000, 40_000, 0, 0, Recorded::Censored),
            ]
        );
        assert_eq!((trace.jobs[0].cpu_milli, trace.jobs[0].memory_mib), (12_000, 123_392));
        assert_eq!((trace.tenants.as_slice(), trace.queues.len()), (["app_1".to_owned()].as_slice(), 2));
        assert_eq!((trace.ledger.rows, trace.ledger.dropped["never scheduled"]), (6, 1));
        let counts: Vec<u64> = trace.ledger.changed.values().copied().collect();
        assert_eq!(counts, [3, 3]);
        assert_eq!(trace.ledger.ignored_columns.len(), 8);
    }

    #[test]
    fn errors() {
        let text = |rows: &[String]| {
            let error = read_rows(rows).unwrap_err();
            format!("{error} | {}", error.hint().unwrap_or_default())
        };
        assert_eq!(
            text(&[row("a", "HN", "5,4,9")]),
            "i.csv:2: field `scheduled_time`: the time is before creation_time: the instance runs backwards | correct one of \
             the times, or leave the row out"
        );
        assert_eq!(
            text(&[row("a", "HN", ",6,5")]),
            "i.csv:2: field `deletion_time`: the time is before scheduled_time: the instance runs backwards | correct one of \
             the times, or leave the row out"
        );
        assert_eq!(
            text(&[row("a", "XX", ",,")]),
            "i.csv:2: field `role`: `XX` is no role | write CN (node without GPUs) or HN (node with GPUs)"
        );
        assert_eq!(
            text(&[row("a", "HN", "-1,,")]),
            "i.csv:2: field `creation_time`: `-1` is negative | times are counted from the origin of the trace; shift all of \
             them so that none is before it"
        );
        assert_eq!(
            text(&[row("a", "HN", ",,"), row("a", "HN", ",,")]),
            "i.csv:3: field `job_id`: `a` is already the id of line 2 | every job needs an id of its own"
        );
    }
}
