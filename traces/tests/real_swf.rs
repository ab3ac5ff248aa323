//! Real logs in the Standard Workload Format, where the machine has them.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // clippy.toml excepts test functions only, not what they call

mod common;

use std::collections::BTreeSet;

use common::{data, named};
use engine::Span;
use traces::{Format, Recorded, Trace, TraceJob, load, read_bytes, write_swf};

fn log(file: &str) -> Option<Trace> {
    let path = data(&format!("swf/{file}"))?;
    let trace = load(path.to_str().unwrap()).unwrap();
    assert_eq!(trace.format, "swf");
    assert_eq!(trace.ledger.rows, trace.jobs.len() as u64 + trace.ledger.dropped.values().sum::<u64>());
    Some(trace)
}

/// Days from the first submission to the last, to a tenth.
fn days(trace: &Trace) -> String {
    let span = trace.jobs.last().unwrap().submit.since(trace.jobs.first().unwrap().submit);
    format!("{:.1}", span.0 as f64 / 86_400e6)
}

fn counted(trace: &Trace, cause: &str) -> u64 {
    trace.ledger.changed.get(cause).copied().unwrap_or(0)
}

fn largest(trace: &Trace) -> u32 {
    trace.jobs.iter().map(|job| job.gpu_milli / 1000).max().unwrap()
}

#[test]
fn nasa_ipsc() {
    let Some(trace) = log("NASA-iPSC-1993-3.1-cln.swf.gz") else { return };
    assert_eq!((trace.ledger.rows, trace.jobs.len()), (18_239, 18_239));
    assert_eq!(days(&trace), "92.0");
    assert_eq!(largest(&trace), 128);
    assert_eq!(trace.jobs.iter().filter(|job| job.duration == Span(0)).count(), 173);
    let users: BTreeSet<&str> = trace.tenants.iter().map(|tenant| tenant.rsplit('/').next().unwrap()).collect();
    assert_eq!(users.len(), 69);
    let none = |test: &dyn Fn(&TraceJob) -> bool| !trace.jobs.iter().any(test);
    assert!(none(&|job| job.start.is_some()), "no waits");
    assert!(none(&|job| job.estimate.is_some()), "no requested times");
    assert!(none(&|job| job.recorded != Recorded::Unknown), "status is -1");
    assert_eq!(trace.origin.as_deref(), Some("1993-10-01T00:00:03"));
    assert_eq!(counted(&trace, "MaxJobs of the head is not the number of jobs (counted once)"), 0);
}

#[test]
fn hpc2n_excerpt() {
    let Some(trace) = log("hpc2n-alea-excerpt.swf") else { return };
    assert_eq!((trace.ledger.rows, trace.jobs.len()), (3170, 3170 - 25));
    assert_eq!(trace.ledger.dropped["no run time"], 25);
    assert_eq!(counted(&trace, "run time above the requested time, kept"), 320);
    assert_eq!(counted(&trace, "MaxJobs of the head is not the number of jobs (counted once)"), 1);
    assert_eq!(counted(&trace, "more processors than MaxProcs of the head, kept"), 0);
    assert_eq!((days(&trace).as_str(), largest(&trace)), ("57.3", 128));
    assert_eq!(trace.origin.as_deref(), Some("2002-07-28T09:04:05"));
}

#[test]
fn accasim() {
    let Some(trace) = log("accasim_workload.swf") else { return };
    assert_eq!((trace.ledger.rows, trace.jobs.len(), largest(&trace)), (25, 25, 36));
    assert_eq!((days(&trace).as_str(), trace.origin.as_deref()), ("38.5", None));
}

#[test]
fn lublin() {
    let Some(trace) = log("lublin_256.swf") else { return };
    assert_eq!((trace.ledger.rows, trace.jobs.len(), days(&trace).as_str()), (10_000, 10_000, "89.2"));
    assert!(largest(&trace) <= 256);
    assert!(trace.jobs.iter().all(|job| job.start.is_none() && job.estimate.is_none()));
}

#[test]
fn what_was_read_is_written_and_read_again() {
    for file in ["NASA-iPSC-1993-3.1-cln.swf.gz", "hpc2n-alea-excerpt.swf", "accasim_workload.swf", "lublin_256.swf"] {
        let Some(trace) = log(file) else { return };
        let mut bytes = Vec::new();
        let ledger = write_swf(&trace, &mut bytes).unwrap();
        assert!(ledger.dropped.is_empty() && ledger.ignored_columns.is_empty(), "{ledger:?}");
        let back = read_bytes("back.swf", None, &bytes).unwrap();
        assert_eq!(Format::named(&back.format), Format::named("swf"));
        assert!(named(&back) == named(&trace), "{file}");
        assert_eq!(back.origin, trace.origin);
    }
}
