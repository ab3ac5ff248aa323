//! Cluster logs of Helios, of `SenseTime` (Hu et al., SC 2021): one `cluster_log.csv` for each of four clusters.
//!
//! Columns: `job_id` (Slurm's, unique in a cluster); `user`; `vc` (virtual cluster); `jobname` (not in all copies);
//! `gpu_num` (gang; 0: a job without GPUs); `cpu_num` (of the whole job); `node_num`; `state` (`COMPLETED`, `CANCELLED`,
//! `FAILED`, `TIMEOUT`, `NODE_FAIL`, seldom `RUNNING` or `SUSPENDED`); `submit_time`, `start_time`, `end_time`
//! (`YYYY-MM-DD HH:MM:SS` without zone, presumably China's, which has no summer time); `duration` (seconds,
//! `end_time - start_time`); `queue` (seconds, `start_time - submit_time`). The last two follow from the times and are
//! checked, not used. Files have up to 1.7 million rows.
//!
//! The tenant is `vc/user`, the queue is the virtual cluster. Jobs without GPUs are kept. A job that never started is
//! dropped and counted. Where the GPUs cannot be divided by the nodes, the division into tasks is left open and counted.
//! The logs begin in March 2020 with a few jobs; the paper counts from 2020-04-01.
//!
//! Source: <https://github.com/S-Lab-System-Group/HeliosData>, `data.zip`, CC-BY-4.0; the README defines the columns.

use super::clock::{civil_cell, origin, start_at_first};
use super::{Signs, Spec};
use crate::build::Twins;
use crate::error::TraceError;
use crate::input::Input;
use crate::table::Table;
use crate::trace::Trace;

mod log;
mod states;

pub(super) use log::{Log, Times};

/// Columns by which a log is told.
const NEEDED: [&str; 9] =
    ["job_id", "user", "vc", "gpu_num", "node_num", "state", "submit_time", "start_time", "end_time"];
/// Columns that are used.
const USED: [&str; 13] = [
    "job_id",
    "user",
    "vc",
    "jobname",
    "gpu_num",
    "cpu_num",
    "node_num",
    "state",
    "submit_time",
    "start_time",
    "end_time",
    "duration",
    "queue",
];

pub(super) static SPEC: Spec = Spec {
    name: "helios",
    aliases: &[],
    about: "cluster logs of SenseTime Helios (SC 2021)",
    options: &[],
    signs: Signs::Columns(&NEEDED),
    read,
};

/// Reads a log.
fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    let mut table = Table::open(input.file, input.text)?;
    let header = table.header();
    header.check_needed("helios", &NEEDED, &USED)?;
    let [user, vc, name] = ["user", "vc", "jobname"].map(|name| header.find(name));
    let times = ["submit_time", "start_time", "end_time"].map(|name| header.find(name));
    let mut log = Log::new(header, "helios", &USED);
    while let Some(cells) = table.next()? {
        let times = Times::read(&cells, times, civil_cell)?;
        let Some(mut job) = log.job(&cells, times)? else { continue };
        let vc = cells.text(vc).trim();
        job.tenant = log.builder.tenant_of(&[vc, cells.text(user)]);
        job.queue = log.builder.queue(vc);
        job.name = Some(cells.text(name).trim()).filter(|name| !name.is_empty()).map(Into::into);
        log.builder.push(job, cells.place);
    }
    let first = start_at_first(log.builder.jobs_mut());
    log.builder.finish(Twins::Refused, first.and_then(origin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::read_bytes;
    use crate::trace::Recorded;

    const HEADER: &str =
        "job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time,duration,queue\n";

    fn read_rows(rows: &str) -> Result<Trace, TraceError> {
        read_bytes("h.csv", None, format!("{HEADER}{rows}").as_bytes())
    }

    fn error(row: &str) -> String {
        let error = read_rows(row).unwrap_err();
        format!("{error} | {}", error.hint().unwrap_or_default())
    }

    #[test]
    fn golden() {
        let trace = read_rows(
            "12,uB,vcB,16,64,2,FAILED,2020-06-09 18:41:27,2020-06-09 18:41:37,2020-06-09 18:45:46,249,10\n\
             11,uA,vcA,1,1,1,COMPLETED,2020-06-09 18:41:01,2020-06-09 18:41:01,2020-06-10 04:55:09,36848,0\n\
             13,uA,vcA,0,4,1,TIMEOUT,2020-06-09 18:41:28,2020-06-09 18:41:28,2020-06-09 18:41:29,1,0\n",
        )
        .unwrap();
        assert_eq!((trace.format.as_str(), trace.origin.as_deref()), ("helios", Some("2020-06-09T18:41:01")));
        let found: Vec<_> = trace
            .jobs
            .iter()
            .map(|j| (&*j.id, j.submit.0, j.start.unwrap().0, j.duration.0, j.gpu_milli, j.cpu_milli, j.tasks))
            .collect();
        assert_eq!(
            found,
            [
                ("11", 0, 0, 36_848_000_000, 1000, 1000, 1),
                ("12", 26_000_000, 36_000_000, 249_000_000, 16_000, 64_000, 2),
                ("13", 27_000_000, 27_000_000, 1_000_000, 0, 4000, 1),
            ]
        );
        let names: Vec<_> = trace
            .jobs
            .iter()
            .map(|j| (trace.tenants[j.tenant as usize].as_str(), trace.queues[j.queue.unwrap() as usize].as_str()))
            .collect();
        assert_eq!(names, [("vcA/uA", "vcA"), ("vcB/uB", "vcB"), ("vcA/uA", "vcA")]);
        let outcomes: Vec<_> = trace.jobs.iter().map(|job| job.recorded).collect();
        assert_eq!(outcomes, [Recorded::Finished, Recorded::Failed, Recorded::TimedOut]);
        assert!(trace.ledger.changed.is_empty() && trace.ledger.dropped.is_empty());
        assert_eq!((trace.ledger.rows, trace.ledger.ignored_columns.len()), (3, 0));
    }

    #[test]
    fn dirt_is_counted() {
        let trace = read_rows(
            "1,u,v,4,0,3,CANCELLED,2020-06-09 18:00:00,2020-06-09 18:00:10,2020-06-09 18:00:20,9,10\n\
             2,u,v,1,0,1,CANCELLED,2020-06-09 18:00:00,,2020-06-09 18:00:20,0,20\n\
             3,u,,1,0,,NODE_FAIL,2020-06-09 18:00:10,2020-06-09 18:00:00,2020-06-09 18:00:20,20,0\n\
             4,u,v,1,0,1,SUSPENDED,2020-06-09 18:00:00,2020-06-09 18:00:10,2020-06-09 18:00:20,10,10\n\
             5,u,v,1,0,1,RUNNING,2020-06-09 18:00:00,2020-06-09 18:00:10,None,77,10\n\
             6,u,v,1,0,1,RUNNING,2020-06-09 18:00:00,2020-06-09 18:00:10,None,,10\n",
        )
        .unwrap();
        let changed: Vec<_> = trace.ledger.changed.iter().map(|(cause, count)| (cause.as_str(), *count)).collect();
        assert_eq!(
            changed,
            [
                ("a name of the tenant is missing: taken as `unknown`", 1),
                ("duration is not end_time - start_time, not used", 1),
                ("gpu_num is not a multiple of node_num: division into tasks left open", 1),
                ("no end_time: run time is the stated duration", 1),
                ("queue is not start_time - submit_time, not used", 1),
                ("starts before its submission: start not kept", 1),
                ("still running when the log was made: run time is censored", 2),
            ]
        );
        let dropped: Vec<_> = trace.ledger.dropped.iter().map(|(cause, count)| (cause.as_str(), *count)).collect();
        assert_eq!(dropped, [("never started", 1), ("started, but no end and no duration", 1)]);
        assert_eq!((trace.ledger.rows, trace.jobs.len()), (6, 4));
        let third = trace.jobs.iter().find(|job| &*job.id == "3").unwrap();
        assert_eq!((third.start, third.queue, third.tasks, third.recorded), (None, None, 0, Recorded::NodeFailed));
    }

    #[test]
    fn names_of_jobs() {
        let text = "job_id,user,vc,jobname,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time,duration,queue\n\
                    1,u,v,train x,1,0,1,COMPLETED,2020-06-09 18:00:00,2020-06-09 18:00:00,2020-06-09 18:00:20,20,0\n";
        let trace = read_bytes("h.csv", None, text.as_bytes()).unwrap();
        assert_eq!(trace.jobs[0].name.as_deref(), Some("train x"));
    }

    #[test]
    fn errors() {
        assert_eq!(
            error("1,u,v,1,0,1,FAILED,2020-06-09 18:00:00,2020-06-09 18:00:30,2020-06-09 18:00:20,9,30\n"),
            "h.csv:2: field `end_time`: the job ends before it starts: its run time is negative | correct one of the \
             times, or leave the row out"
        );
        assert_eq!(
            error("1,u,v,1,0,1,FALED,2020-06-09 18:00:00,2020-06-09 18:00:00,2020-06-09 18:00:20,20,0\n"),
            "h.csv:2: field `state`: `FALED` is no state of a job | did you mean `FAILED`?"
        );
        assert_eq!(
            error("1,u,v,1,0,1,FAILED,18:00,2020-06-09 18:00:00,2020-06-09 18:00:20,20,0\n"),
            "h.csv:2: field `submit_time`: `18:00` is not a date and time | write YYYY-MM-DD HH:MM:SS, not before 1970"
        );
        assert_eq!(
            error("1,u,v,1,0,1,FAILED,2020-06-09 18:00:00,2020-06-09 18:00:00,2020-06-09 18:00:20,-20,0\n"),
            "h.csv:2: field `duration`: `-20` is negative | the least is 0; correct the value, or leave the row out"
        );
        assert_eq!(
            error("1,u,v,1,0,1,FAILED,2020-06-09 18:00:00,,,20,0\n"),
            "h.csv: no job is left of 1 row: never started (1) | there must be at least one job below the header"
        );
    }
}
