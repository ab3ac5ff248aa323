//! Small logs, every error with its text, and the round trip.

use engine::{Span, Time};
use proptest::prelude::*;

use super::write::write_swf;
use super::*;
use crate::input::Options;

const HEAD: &str = "; Version: 2.2\n; MaxJobs: 3\n; MaxProcs: 16\n; UnixStartTime: 1027839845\n\
                    ; StartTime: Sun Jul 28 09:04:05 CEST 2002\n; Queue: 1 [batch:10]\n";

fn read_with(text: &str, options: &[(&str, &str)]) -> Result<Trace, TraceError> {
    let options = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    read(&Input { file: "log.swf", text, options: &Options::new(options) })
}

fn read_text(text: &str) -> Trace {
    read_with(text, &[]).unwrap()
}

fn error(text: &str) -> String {
    let error = read_with(text, &[]).unwrap_err();
    format!("{error} | {}", error.hint().unwrap_or_default())
}

fn counts(counts: &std::collections::BTreeMap<String, u64>) -> Vec<(&str, u64)> {
    counts.iter().map(|(cause, count)| (cause.as_str(), *count)).collect()
}

#[test]
fn golden() {
    let rows = "  1   10  5 100   8 99.50 -1  8 200 2048  1 3 2 7 1 4 -1 -1\r\n\
                2 5 -1 0.5 -1 -1 -1 32 -1 -1 0 -1 -1 -1 -1 2 -1 -1 \t\r\n\r\n\
                3\t20\t0\t300\t4\t-1.00\t-1\t4\t200\t-1\t5\t3\t-1\t-1\t9\t-1\t-1\t-1\r\n";
    let trace = read_text(&format!("{HEAD}{rows}"));
    let found: Vec<_> = trace
        .jobs
        .iter()
        .map(|j| {
            (&*j.id, j.submit.0, j.start.map(|t| t.0), j.duration.0, j.gpu_milli, j.estimate.map(|s| s.0), j.recorded)
        })
        .collect();
    let s = 1_000_000;
    assert_eq!(
        found,
        [
            ("2", 5 * s, None, s / 2, 32_000, None, Recorded::Failed),
            ("1", 10 * s, Some(15 * s), 100 * s, 8000, Some(200 * s), Recorded::Finished),
            ("3", 20 * s, Some(20 * s), 300 * s, 4000, Some(200 * s), Recorded::Killed),
        ]
    );
    assert_eq!(trace.tenants, ["group2/user3", "all", "user3"]);
    assert_eq!(trace.queues, ["batch", "partition2", "queue9"]);
    assert_eq!((trace.jobs[1].memory_mib, trace.jobs[1].name.as_deref()), (16, Some("app7")));
    assert_eq!(trace.origin.as_deref(), Some("2002-07-28T09:04:05"));
    assert_eq!(trace.ledger.rows, 3);
    assert_eq!(
        counts(&trace.ledger.changed),
        [
            ("allocated processors unknown: the requested ones are taken", 1),
            ("more processors than MaxProcs of the head, kept", 1),
            ("processors are taken as GPUs (counted once)", 1),
            ("run time above the requested time, kept", 1),
            ("submitted before the row above it: sorted", 1),
        ]
    );
    assert_eq!(trace.ledger.ignored_columns, ["average CPU time", "partition"]);
}

#[test]
fn rows_that_are_no_jobs_are_counted() {
    let tail = "-1 -1 -1 -1 -1 -1";
    let rows = format!(
        "1 0 0 10 4 -1 -1 4 -1 -1 1 1 {tail}\n2 0 0 -1 4 -1 -1 4 -1 -1 -1 1 {tail}\n3 0 0 10 0 -1 -1 -1 -1 -1 5 1 {tail}\n\
         4 -1 0 10 4 -1 -1 4 -1 -1 1 1 {tail}\n5 0 0 10 4 -1 -1 4 -1 -1 2 1 {tail}\n6 0 0 10 4 -1 -1 4 -1 -1 7 1 {tail}\n\
         7 0 0 10 4 -1"
    );
    let trace = read_text(&format!("; MaxJobs: 9\n{rows}"));
    assert_eq!((trace.jobs.len(), trace.ledger.rows), (2, 7));
    assert_eq!(
        counts(&trace.ledger.dropped),
        [
            ("no number of processors", 1),
            ("no run time", 1),
            ("no time of submission", 1),
            ("part of a job that was swapped out (status 2, 3 or 4)", 1),
            ("the last line is cut off", 1),
        ]
    );
    assert_eq!(
        counts(&trace.ledger.changed),
        [
            ("MaxJobs of the head is not the number of jobs (counted once)", 1),
            ("a status that SWF does not define: outcome unknown", 1),
            ("processors are taken as GPUs (counted once)", 1),
        ]
    );
}

#[test]
fn more_fields() {
    let rows = "1 0 0 10 4 -1 -1 8 -1 -1 1 1 1 1 1 1 -1 -1 2\n2 0 0 10 4 -1 -1 8 -1 -1 1 1 1 1 1 1 -1 -1 -1 5 6\n";
    let trace = read_text(rows);
    assert_eq!(trace.ledger.changed["fields after the 18th: not used"], 2);
    assert_eq!(trace.ledger.ignored_columns, ["partition", "field 19", "field 20", "field 21"]);
    let sizes = |options: &[(&str, &str)]| -> Vec<(u32, u32)> {
        read_with(rows, options).unwrap().jobs.iter().map(|job| (job.gpu_milli, job.cpu_milli)).collect()
    };
    assert_eq!(sizes(&[]), [(4000, 0), (4000, 0)]);
    assert_eq!(sizes(&[("size", "requested")]), [(8000, 0), (8000, 0)]);
    assert_eq!(sizes(&[("size", "max"), ("procs", "cpus")]), [(0, 8000), (0, 8000)]);
    assert_eq!(sizes(&[("gpu_field", "19")]), [(2000, 4000)]);
    let refused = |options: &[(&str, &str)]| {
        let error = read_with(rows, options).unwrap_err();
        format!("{error} | {}", error.hint().unwrap_or_default())
    };
    assert_eq!(
        refused(&[("size", "big")]),
        "log.swf: field `size`: `big` is not allocated, requested or max | write size=VALUE with allocated, requested or max"
    );
    assert_eq!(
        refused(&[("gpu_field", "7")]),
        "log.swf: field `gpu_field`: `7` is not 19 or more | write gpu_field=VALUE with 19 or more"
    );
    assert_eq!(
        refused(&[("gpu_field", "19"), ("procs", "gpus")]),
        "log.swf: field `procs`: `gpus` is not cpus, as gpu_field makes it | write procs=VALUE with cpus, as gpu_field makes it"
    );
}

#[test]
fn errors() {
    let row = |run: &str| format!("; Version: 2\n1 0 0 {run} 4 -1 -1 4 -1 -1 1 1 1 1 1 1 -1 -1\n");
    assert_eq!(
        error(&row("-5")),
        "log.swf:2: field `run time`: `-5` is negative | the only negative number is -1, for unknown"
    );
    let number = "write a plain decimal number such as 12 or 12.5, without unit or separators";
    assert_eq!(error(&row("x")), format!("log.swf:2: field `run time`: `x` is not a number | {number}"));
    assert_eq!(
        error(&row("nan")),
        "log.swf:2: field `run time`: `nan` is not finite | write a finite number, or leave the row out"
    );
    assert_eq!(error(&row("1e30")), "log.swf:2: field `run time`: `1e30` is too large | check the unit of the column");
    let far = "9223372036854";
    assert_eq!(
        error(&format!("1 {far} {far} 10 4 -1 -1 4 -1 -1 1 1 1 1 1 1 -1 -1\n")),
        format!("log.swf:1: field `wait time`: `{far}` is too large | check the unit of the column")
    );
    assert_eq!(
        error("1 0 0 10 4.5 -1 -1 4 -1 -1 1 1 1 1 1 1 -1 -1\n"),
        "log.swf:1: field `allocated processors`: `4.5` is not a whole number | write a whole number such as 8"
    );
    assert_eq!(
        error("1 0 0 10 4 -1 -1 4\n"),
        "log.swf:1: the row has 8 fields, the format 18 | the line is cut off, or fields are not separated by blanks; \
         unknown values are -1"
    );
    assert_eq!(
        error(&(row("1") + &row("2"))),
        "log.swf:4: field `job_id`: `1` is already the id of line 2 | every job needs an id of its own"
    );
    assert_eq!(
        error("; Version: 2.2\n"),
        "log.swf: the trace has no jobs | there must be at least one job below the header"
    );
}

#[test]
fn is_told_by_its_rows() {
    assert!(fits("1 0 0 10 4 -1 -1 4 -1 -1 1 1 1 1 1 1 -1 -1\n"));
    assert!(fits("\n; MaxJobs: 3\n1 2\n"));
    for text in ["a,b\n1,2\n", "; a comment\n1 2 3\n", "", "1 0 0 10 4 -1 -1 4 -1 -1 1 1 1 1 1 1 -1 x\n"] {
        assert!(!fits(text), "{text}");
    }
}

#[test]
fn what_swf_cannot_hold_is_counted() {
    let mut trace =
        read_text("1 0 4 10 4 -1 -1 4 20 -1 1 1 1 1 1 -1 -1 -1\n2 0 4 10 4 -1 -1 4 20 -1 1 1 1 1 1 -1 -1 -1\n");
    trace.tenants = vec!["org/a".to_owned()];
    trace.queues = vec!["my queue".to_owned()];
    trace.jobs[0].id = "x".into();
    trace.jobs[0].gpu_milli = 250;
    trace.jobs[0].recorded = Recorded::TimedOut;
    trace.jobs[0].deadline = Some(Time(5));
    trace.jobs[0].start = Some(Time(1));
    trace.jobs[1].gpu_milli = 0;
    let mut out = Vec::new();
    let ledger = write_swf(&trace, &mut out).unwrap();
    assert_eq!(ledger.rows, 2);
    assert_eq!(counts(&ledger.dropped), [("a job without GPUs", 1)]);
    assert_eq!(
        counts(&ledger.changed),
        [
            ("id: written as a number", 1),
            ("parts of a GPU: rounded up to whole processors", 1),
            ("queue: blanks, brackets and colons written as _", 1),
            ("tenant: written as numbers of group and user", 1),
            ("timed out or node failed: written as failed", 1),
            ("times with parts of a second: written with decimals, which some programs refuse", 1),
        ]
    );
    assert_eq!(ledger.ignored_columns, ["deadline_s"]);
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with("; Version: 2.2\n; MaxJobs: 1\n; MaxRecords: 1\n; MaxProcs: 1\n"), "{text}");
    assert!(text.contains("; Queue: 1 my_queue\n"), "{text}");
    assert!(text.ends_with("\n1 0 0.000001 10 1 -1 -1 1 20 -1 0 1 1 1 1 -1 -1 -1\n"), "{text}");
}

fn job() -> impl Strategy<Value = TraceJob> {
    let times = (0..1u64 << 50, prop::option::of(0..1u64 << 40), 0..1u64 << 40, prop::option::of(0..1u64 << 40));
    let recorded =
        prop_oneof![Just(Recorded::Unknown), Just(Recorded::Finished), Just(Recorded::Failed), Just(Recorded::Killed)];
    let names = (0..3u32, prop::option::of(0..2u32), prop::option::of("[a-z ]{1,5}|app[0-9]"));
    (times, 1..1000u32, 0..=u32::MAX / 2, recorded, names).prop_map(|(times, gpus, memory_mib, recorded, names)| {
        TraceJob {
            recorded,
            tenant: names.0,
            details: Details {
                start: times.1.map(|wait| Time(times.0 + wait)),
                estimate: times.3.map(Span),
                memory_mib,
                queue: names.1,
                name: names.2.map(Into::into),
                ..Details::NONE
            }
            .into(),
            ..TraceJob::plain("", Time(times.0), Span(times.2), gpus * 1000)
        }
    })
}

proptest! {
    /// What was written is read back equal, but for names; writing it again gives the same bytes.
    #[test]
    fn round_trip(mut jobs in prop::collection::vec(job(), 1..20), words in any::<bool>(), civil in any::<bool>()) {
        jobs.sort_by_key(|job| job.submit);
        for (job, number) in jobs.iter_mut().zip(1..) {
            job.id = format!("{}{number}", if words { "job-" } else { "" }).into();
        }
        let tenants = if words { ["all", "org/a", "org/b"] } else { ["all", "group4/user7", "user2"] };
        let trace = Trace {
            jobs,
            tenants: tenants.map(str::to_owned).to_vec(),
            queues: vec!["queue3".to_owned(), if words { "gpu" } else { "queue0" }.to_owned()],
            origin: civil.then(|| "2002-07-28T09:04:05".to_owned()),
            ..Trace::default()
        };
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let ledger = write_swf(&trace, &mut first).unwrap();
        prop_assert!(ledger.dropped.is_empty());
        let back = read_text(std::str::from_utf8(&first).unwrap());
        prop_assert_eq!(&back.origin, &trace.origin);
        prop_assert_eq!(back.jobs.len(), trace.jobs.len());
        for (read, written) in back.jobs.iter().zip(&trace.jobs) {
            let bare = |job: &TraceJob| {
                let mut bare = TraceJob { id: "".into(), tenant: 0, ..job.clone() };
                (bare.queue, bare.name) = (None, None);
                bare
            };
            prop_assert_eq!(bare(read), bare(written));
            let queue = |trace: &Trace, job: &TraceJob| job.queue.map(|queue| trace.queues[queue as usize].clone());
            prop_assert_eq!(queue(&back, read), queue(&trace, written));
            if !words {
                prop_assert_eq!(&read.id, &written.id);
                prop_assert_eq!(&back.tenants[read.tenant as usize], &trace.tenants[written.tenant as usize]);
            }
        }
        write_swf(&back, &mut second).unwrap();
        let rows = |bytes: &[u8]| String::from_utf8_lossy(bytes).lines().filter(|l| !l.starts_with(';')).collect::<Vec<_>>().join("\n");
        prop_assert_eq!(rows(&first), rows(&second));
    }
}
