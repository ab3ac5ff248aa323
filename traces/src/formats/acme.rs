//! Job traces of Shanghai AI Laboratory's Acme (Hu et al., NSDI 2024): `trace_seren.csv` and `trace_kalos.csv`.
//!
//! Columns: `job_id` (unique); `user` (the tenant); `node_num`; `gpu_num` (gang; 0: a job without GPUs); `cpu_num` (of
//! the whole job); `type` (`Eval`, `Pretrain`, `SFT`, `MLLM`, `Debug`, `Other`: kept as the kind of job); `state`
//! (`COMPLETED`, `CANCELLED`, `FAILED`, `TIMEOUT`, `NODE_FAIL`, in Kalos three times `RUNNING`); `submit_time`,
//! `start_time`, `end_time` (with offset: `+08:00` in Seren, `+00:00` in Kalos); `duration`, `queue` (seconds; checked,
//! not used); `gpu_time` (GPU-seconds, follows from the others, not used). Kalos has besides: `mem_per_pod_GB` (main
//! memory of a node of the job; read as GiB, upstream does not say), `shared_mem_per_pod`, `fail_time`, `stop_time` (not
//! used).
//!
//! The README defines `duration` as `end_time - start_time`. In Kalos it is `end_time - submit_time`, so it includes the
//! queue: the times are taken, and such rows are counted. The offset is applied, and the origin is the first submission
//! with its offset. Jobs that never started are dropped and counted.
//!
//! `acme-converted` reads a derived form of the two, see [`converted`].
//!
//! Source: <https://github.com/InternLM/AcmeTrace>, `data/job_trace`, CC-BY-4.0; the README defines the columns.

use engine::Time;

use super::clock::{Instant, instant_cell, origin_with_offset, start_at_first};
use super::helios::{Log, Times};
use super::{Signs, Spec};
use crate::build::Twins;
use crate::canonical::words::below_unlimited;
use crate::decimal::Flaw;
use crate::error::TraceError;
use crate::input::Input;
use crate::table::{Cells, Table};
use crate::trace::{JobType, Trace};

mod converted;

pub(super) use converted::SPEC as CONVERTED;

/// Columns by which a trace is told.
const NEEDED: [&str; 9] =
    ["job_id", "user", "node_num", "gpu_num", "type", "state", "submit_time", "start_time", "end_time"];
/// Columns that are used.
const USED: [&str; 13] = [
    "job_id",
    "user",
    "node_num",
    "gpu_num",
    "cpu_num",
    "mem_per_pod_GB",
    "type",
    "state",
    "submit_time",
    "start_time",
    "end_time",
    "duration",
    "queue",
];

pub(super) static SPEC: Spec = Spec {
    name: "acme",
    aliases: &["seren", "kalos"],
    about: "Acme's Seren and Kalos (NSDI 2024)",
    options: &[],
    signs: Signs::Columns(&NEEDED),
    read,
};

/// Reads a trace.
fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    let mut table = Table::open(input.file, input.text)?;
    let header = table.header();
    header.check_needed("acme", &NEEDED, &USED)?;
    let [user, kind, memory] = ["user", "type", "mem_per_pod_GB"].map(|name| header.find(name));
    let times = ["submit_time", "start_time", "end_time"].map(|name| header.find(name));
    let mut log = Log::new(header, "acme", &USED);
    let mut first: Option<Instant> = None;
    while let Some(cells) = table.next()? {
        let at = Times::read(&cells, times, |cells, at, field| Ok(instant_cell(cells, at, field)?.micros))?;
        let Some(mut job) = log.job(&cells, at)? else { continue };
        if first.is_none_or(|first| job.submit < Time(first.micros)) {
            first = Some(instant_cell(&cells, times[0], "submit_time")?);
        }
        let kind = JobType { name: cells.word(kind, "type")?.to_owned(), ..JobType::default() };
        let memory_mib = memory_mib(&mut log, &cells, memory)?;
        job.tenant = log.builder.tenant_of(&[cells.text(user)]);
        job.job_type = Some(log.builder.job_type(&kind));
        job.memory_mib = memory_mib;
        log.builder.push(job, cells.place);
    }
    start_at_first(log.builder.jobs_mut());
    log.builder.finish(Twins::Refused, first.and_then(origin_with_offset))
}

/// Memory of all pods.
fn memory_mib(log: &mut Log, cells: &Cells<'_>, at: Option<usize>) -> Result<u32, TraceError> {
    let text = cells.text(at);
    if text.trim().is_empty() {
        return Ok(0);
    }
    let pod = cells.scaled(at, "mem_per_pod_GB", 6)?;
    let mib = u128::from(pod.value) * 1024 * u128::from(log.nodes(cells)?);
    if pod.rounded || !mib.is_multiple_of(1_000_000) {
        log.builder.ledger.change_row("mem_per_pod_GB: rounded to a MiB");
    }
    let mib = u64::try_from((mib + 500_000) / 1_000_000).ok().and_then(below_unlimited);
    mib.ok_or_else(|| cells.flaw("mem_per_pod_GB", Flaw::TooLarge, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::read_bytes;
    use crate::trace::Recorded;

    const SEREN: &str =
        "job_id,user,node_num,gpu_num,cpu_num,type,state,submit_time,start_time,end_time,duration,queue,gpu_time\n";
    const KALOS: &str = "job_id,user,node_num,gpu_num,cpu_num,mem_per_pod_GB,shared_mem_per_pod,type,state,submit_time,\
                         start_time,end_time,fail_time,stop_time,duration,queue,gpu_time\n";

    fn read_text(text: &str) -> Result<Trace, TraceError> {
        read_bytes("a.csv", None, text.as_bytes())
    }

    #[test]
    fn seren() {
        let rows = "5,u9,1,8,128,Eval,FAILED,2023-03-01 00:18:22+08:00,2023-03-01 00:18:54+08:00,2023-03-01 00:20:51+08:00,117,32,936.0\n\
                    4,u7,2,16,256,Pretrain,COMPLETED,2023-03-01 00:00:00+08:00,2023-03-01 00:00:13+08:00,2023-03-01 01:00:13+08:00,3600,13,57600.0\n";
        let trace = read_text(&format!("{SEREN}{rows}")).unwrap();
        assert_eq!((trace.format.as_str(), trace.origin.as_deref()), ("acme", Some("2023-03-01T00:00:00+08:00")));
        let found: Vec<_> = trace
            .jobs
            .iter()
            .map(|j| (&*j.id, j.submit.0, j.start.unwrap().0, j.duration.0, j.gpu_milli, j.cpu_milli, j.tasks))
            .collect();
        assert_eq!(
            found,
            [
                ("4", 0, 13_000_000, 3_600_000_000, 16_000, 256_000, 2),
                ("5", 1_102_000_000, 1_134_000_000, 117_000_000, 8000, 128_000, 1),
            ]
        );
        assert_eq!(trace.tenants, ["u9", "u7"]);
        let kinds: Vec<_> =
            trace.jobs.iter().map(|j| trace.job_types[j.job_type.unwrap() as usize].name.as_str()).collect();
        assert_eq!(kinds, ["Pretrain", "Eval"]);
        assert_eq!(trace.ledger.ignored_columns, ["gpu_time"]);
        assert!(trace.ledger.changed.is_empty());
    }

    #[test]
    fn kalos_durations_include_the_queue() {
        let rows = "dlc1,uf,8,64,960,1000,100.0,Other,FAILED,2023-05-17 11:00:58+00:00,2023-05-17 11:01:08+00:00,2023-05-17 11:01:16+00:00,2023-05-17 11:01:16+00:00,,18,10.0,1152.0\n\
                    dlc2,uf,8,64,960,,,Other,CANCELLED,2023-05-17 11:28:42+00:00,,2023-05-17 11:30:04+00:00,,,82,,5248.0\n\
                    dlc3,uf,1,0,4,1.5,,Other,RUNNING,2023-05-17 19:00:59+08:00,2023-05-17 19:00:59+08:00,2023-05-17 11:01:59+00:00,,,60,0.0,0.0\n";
        let trace = read_text(&format!("{KALOS}{rows}")).unwrap();
        assert_eq!(trace.origin.as_deref(), Some("2023-05-17T11:00:58+00:00"));
        let found: Vec<_> =
            trace.jobs.iter().map(|j| (&*j.id, j.submit.0, j.duration.0, j.memory_mib, j.recorded)).collect();
        assert_eq!(
            found,
            [
                ("dlc1", 0, 8_000_000, 8_192_000, Recorded::Failed),
                ("dlc3", 1_000_000, 60_000_000, 1536, Recorded::Censored),
            ]
        );
        let changed: Vec<_> = trace.ledger.changed.iter().map(|(cause, count)| (cause.as_str(), *count)).collect();
        assert_eq!(
            changed,
            [
                ("stated duration includes the queue: end_time - start_time taken", 1),
                ("still running when the log was made: run time is censored", 1),
            ]
        );
        assert_eq!(trace.ledger.dropped["never started"], 1);
        assert_eq!(trace.ledger.ignored_columns, ["shared_mem_per_pod", "fail_time", "stop_time", "gpu_time"]);
    }

    #[test]
    fn errors() {
        let error = |row: &str| {
            let error = read_text(&format!("{SEREN}{row}")).unwrap_err();
            format!("{error} | {}", error.hint().unwrap_or_default())
        };
        assert_eq!(
            error(
                "5,u9,1,8,128,Eval,FAILED,2023-03-01 00:18:22,2023-03-01 00:18:54,2023-03-01 00:20:51,117,32,936.0\n"
            ),
            "a.csv:2: field `submit_time`: `2023-03-01 00:18:22` is not a date and time with an offset from UTC | write \
             YYYY-MM-DD HH:MM:SS+08:00, not before 1970"
        );
        assert_eq!(
            error("5,u9,1,8,128,,FAILED,2023-03-01 00:18:22Z,2023-03-01 00:18:54Z,2023-03-01 00:20:51Z,117,32,936.0\n"),
            "a.csv:2: field `type`: the value is empty | every row needs a value for `type`"
        );
        let row =
            "5,u9,1,8,128,Eval,FAILED,2023-03-01 00:18:22Z,2023-03-01 00:18:54Z,2023-03-01 00:20:51Z,117,32,936.0\n";
        assert_eq!(
            error(&format!("{row}{row}")),
            "a.csv:3: field `job_id`: `5` is already the id of line 2 | every job needs an id of its own"
        );
    }
}
