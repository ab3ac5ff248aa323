//! Small logs, and what comes of them.

use crate::error::TraceError;
use crate::input::{Input, Options};
use crate::source::read_bytes;
use crate::trace::{Recorded, Trace};

/// Four jobs: two attempts; the oddity of the real log; killed while waiting; still running.
const LOG: &str = r#"[
{"status": "Pass", "vc": "ee9e8c", "jobid": "a", "attempts": [
  {"start_time": "2017-10-07 01:12:00", "end_time": "2017-10-07 01:13:00", "detail": [{"ip": "m47", "gpus": ["gpu0", "gpu1"]}]},
  {"start_time": "2017-10-07 01:13:30", "end_time": "2017-10-07 02:13:30",
   "detail": [{"ip": "m1", "gpus": ["gpu0", "gpu1", "gpu2"]}, {"ip": "m2", "gpus": ["gpu7"]}]}],
 "submitted_time": "2017-10-07 01:11:30", "user": "ce2f4c"},
{"status": "Pass", "vc": "6214e9", "jobid": "b", "attempts": [
  {"start_time": "2017-10-09 03:07:23", "end_time": "None", "detail": [{"ip": "m146", "gpus": ["gpu7"]}]},
  {"start_time": "2017-10-09 03:11:14", "end_time": "2017-10-09 03:11:57", "detail": [{"ip": "m146", "gpus": ["gpu7"]}]},
  {"start_time": "2017-10-09 03:14:24", "end_time": null, "detail": [{"ip": "m146", "gpus": ["gpu7"]}]},
  {"start_time": "", "end_time": "2017-10-09 03:15:12", "detail": [{"ip": "m153", "gpus": ["gpu1"]}]}],
 "submitted_time": "2017-10-09 03:04:16", "user": "2c46d5"},
{"status": "Killed", "vc": "6214e9", "jobid": "c", "attempts": [], "submitted_time": "2017-10-08 16:10:00", "user": null},
{"status": "Failed", "vc": "6214e9", "jobid": "d", "attempts": [
  {"start_time": "2017-10-09 04:00:00", "end_time": "2017-10-09 04:00:10", "detail": []},
  {"start_time": "2017-10-09 05:00:00", "end_time": null, "detail": [{"ip": "m1", "gpus": ["gpu0"]}]}],
 "submitted_time": "2017-10-09 04:00:05", "user": null}
]
"#;

fn read(text: &str, options: &[(&str, &str)]) -> Result<Trace, TraceError> {
    let pairs = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    super::read(&Input { file: "log", text, options: &Options::new(pairs) })
}

fn changed(trace: &Trace) -> Vec<(&str, u64)> {
    trace.ledger.changed.iter().map(|(cause, count)| (cause.as_str(), *count)).collect()
}

fn dropped(trace: &Trace) -> Vec<(&str, u64)> {
    trace.ledger.dropped.iter().map(|(cause, count)| (cause.as_str(), *count)).collect()
}

/// Id, submission, start, run time (all in seconds), GPUs.
fn jobs(trace: &Trace) -> Vec<(&str, u64, Option<u64>, u64, u32)> {
    let second = 1_000_000;
    let job = |j: &'_ crate::trace::TraceJob| {
        (j.submit.0 / second, j.start.map(|at| at.0 / second), j.duration.0 / second, j.gpu_milli / 1000)
    };
    let row = |j| {
        let (submit, start, duration, gpus) = job(j);
        (&*j.id, submit, start, duration, gpus)
    };
    trace.jobs.iter().map(row).collect()
}

#[test]
fn the_sum_of_the_attempts() {
    let trace = read_bytes("log", None, LOG.as_bytes()).unwrap();
    assert_eq!((trace.format.as_str(), trace.origin.as_deref()), ("philly-log", Some("2017-10-07T01:11:30")));
    let day = 86_400;
    let b = 2 * day + 6_766;
    assert_eq!(
        jobs(&trace),
        [("a", 0, Some(30), 3660, 4), ("b", b, Some(b + 418), 43, 1), ("d", b + 3_349, None, 10, 1)]
    );
    let outcomes: Vec<_> = trace.jobs.iter().map(|job| job.recorded).collect();
    assert_eq!(outcomes, [Recorded::Finished, Recorded::Finished, Recorded::Censored]);
    assert_eq!(trace.tenants, ["ee9e8c/ce2f4c", "6214e9/2c46d5", "6214e9/unknown"]);
    assert_eq!(trace.queues, ["ee9e8c", "6214e9"]);
    assert!(trace.jobs.iter().all(|job| job.tasks == 0));
    assert_eq!(
        changed(&trace),
        [
            ("a name of the tenant is missing: taken as `unknown`", 1),
            ("an attempt has no start or no end: not in the run time", 2),
            ("attempts differ in GPUs: those of the last that names any are taken", 2),
            ("starts before its submission: start not kept", 1),
            ("the last attempt has no end: still running when the log was made, run time is censored", 1),
        ]
    );
    assert_eq!(dropped(&trace), [("no attempt recorded", 1)]);
    assert_eq!(trace.ledger.rows, 4);
    assert!(trace.ledger.ignored_columns.is_empty());
}

#[test]
fn the_last_attempt() {
    let trace = read(LOG, &[("attempts", "last")]).unwrap();
    let a = &trace.jobs[0];
    assert_eq!((a.start.unwrap().0, a.duration.0), (120_000_000, 3_600_000_000));
    assert_eq!(trace.ledger.changed["more than one attempt: only the last one is in the run time"], 3);
}

#[test]
fn an_attempt_a_job() {
    let trace = read(LOG, &[("attempts", "split")]).unwrap();
    let b = 2 * 86_400 + 6_766;
    assert_eq!(
        jobs(&trace),
        [
            ("a-attempt-1", 0, Some(30), 60, 2),
            ("a-attempt-2", 90, Some(120), 3600, 4),
            ("b-attempt-2", b + 418, Some(b + 418), 43, 1),
        ]
    );
    assert_eq!((trace.jobs[0].recorded, trace.jobs[1].recorded), (Recorded::Unknown, Recorded::Finished));
    assert_eq!(
        dropped(&trace),
        [
            ("an attempt has no start or no end", 3),
            ("an attempt without GPUs", 1),
            ("no attempt recorded", 1),
            ("the last attempt has no end: still running when the log was made", 1),
        ]
    );
    assert_eq!(trace.ledger.rows, 9);
    assert_eq!(trace.ledger.changed["a later attempt: arrives when the one before ended"], 2);
    assert_eq!(trace.ledger.changed["the attempt before has no end: arrives at its own start"], 1);
}

/// A log of one entry.
fn one(attempts: &str) -> String {
    format!(
        "[{{\"status\": \"Pass\", \"vc\": \"v\", \"jobid\": \"a\", \"attempts\": [{attempts}],\n\
         \"submitted_time\": \"2017-10-07 01:00:00\", \"user\": \"u\", \"retries\": 2}}]"
    )
}

fn attempt(start: &str, end: &str, detail: &str) -> String {
    format!("{{\"start_time\": {start}, \"end_time\": {end}, \"detail\": {detail}, \"log\": 1}}")
}

const GPU: &str = "[{\"ip\": \"m1\", \"gpus\": [\"gpu0\"]}]";
const TEN: &str = "\"2017-10-07 10:00:00\"";
const ELEVEN: &str = "\"2017-10-07 11:00:00\"";

fn text_of(result: Result<Trace, TraceError>) -> String {
    let error = result.unwrap_err();
    format!("{error} | {}", error.hint().unwrap_or_default())
}

#[test]
fn nothing_is_left_out_without_a_cause() {
    let hint = " | there must be at least one job below the header";
    for (attempts, cause) in [
        (attempt("null", "null", GPU), "no attempt has both a start and an end (1)"),
        (attempt(ELEVEN, TEN, GPU), "no attempt has both a start and an end (1)"),
        (attempt(TEN, "null", GPU), "the last attempt has no end: still running when the log was made (1)"),
        (attempt(TEN, ELEVEN, "[]"), "no attempt names GPUs (1)"),
        (attempt(TEN, ELEVEN, "null"), "no attempt names GPUs (1)"),
    ] {
        let found = text_of(read(&one(&attempts), &[]));
        assert_eq!(found, format!("log: no job is left of 1 row: {cause}{hint}"));
    }
    let early = attempt("\"2017-10-07 00:59:59\"", ELEVEN, GPU);
    let both = format!("{early}, {}", attempt(TEN, ELEVEN, GPU));
    let trace = read(&one(&both), &[]).unwrap();
    assert_eq!(
        changed(&trace),
        [
            ("attempts overlap: the run time is their sum all the same", 1),
            ("starts before its submission: start not kept", 1)
        ]
    );
    assert_eq!(trace.ledger.ignored_columns, ["attempts.log", "retries"]);
}

#[test]
fn errors() {
    let keys = "an entry has the keys status, vc, jobid, attempts, submitted_time, user";
    let list = "the log is a list of jobs: [{\"status\": ..., \"attempts\": [...]}, ...]";
    let good = one(&attempt(TEN, ELEVEN, GPU));
    assert_eq!(
        text_of(read(&good.replace("Pass", "Passed"), &[])),
        "log:1: field `status`: `Passed` is no status of a job | write Pass, Failed or Killed"
    );
    assert_eq!(
        text_of(read(&good.replace(" 10:00", " 25:00"), &[])),
        "log:1: field `attempts.start_time`: `2017-10-07 25:00:00` is not a date and time | write YYYY-MM-DD HH:MM:SS, or \
         null where there is none"
    );
    assert_eq!(
        text_of(read(&good.replace("\"user\"", "\"usr\""), &[])),
        format!("log:2: the entry is not as it should be: missing field `user` | {keys}")
    );
    let twice = format!("{},\n{}", &good[..good.len() - 1], &good[1..]);
    assert_eq!(
        text_of(read(&twice, &[])),
        "log:3: field `job_id`: `a` is already the id of line 1 | every job needs an id of its own"
    );
    assert_eq!(
        text_of(read(&format!("{good}x"), &[])),
        format!("log:2: text stands behind the end of the list | {list}")
    );
    assert_eq!(text_of(read("{}", &[])), format!("log:1: the file is not a JSON list | {list}"));
    let without_comma = twice.replacen("},\n{\"status\"", "}\n{\"status\"", 1);
    assert_eq!(
        text_of(read(&without_comma, &[])),
        format!("log:3: a comma or the end of the list is missing here | {list}")
    );
    assert_eq!(
        text_of(read("[]", &[])),
        "log: the trace has no jobs | there must be at least one job below the header"
    );
    assert_eq!(
        text_of(read(&good, &[("attempts", "all")])),
        "log: field `attempts`: `all` is not `sum`, `last` or `split` | write attempts=VALUE with `sum`, `last` or `split`"
    );
}

#[test]
fn every_cut_log_is_an_error() {
    let whole = LOG.trim_end();
    for length in 0..whole.len() {
        let error = read(&whole[..length], &[]).unwrap_err().to_string();
        assert!(error.contains("ends in the middle"), "{length}: {error}");
    }
}

#[test]
fn only_such_a_list_is_taken_for_a_log() {
    assert!(super::fits(LOG) && super::fits("[{\"vc\":1,\"jobid\":"));
    for text in ["", "[", "[]", "{\"vc\":1,\"jobid\":2}", "[1]", "[{\"vc\": 1}]", "job_id,vc\n", "[[model]]\nname=1\n"]
    {
        assert!(!super::fits(text), "{text}");
    }
}
