//! Lists written by hand.

use super::*;
use crate::input::Options;

fn row(mode: &str, slo: &str, duration: &str, arrival: &str) -> String {
    format!("LM (batch size 10)\tpython3 main.py\tlm\t--steps\t1\t500\t2\t{mode}\t1\t{slo}\t{duration}\t{arrival}\n")
}

fn read_text(text: &str) -> Result<Trace, TraceError> {
    read(&Input { file: "s.trace", text, options: &Options::default() })
}

#[test]
fn golden() {
    let text = row("gns", "-1.000000", "1418", "0") + &row("static", "1.2", "100", "55");
    assert!(fits(&text));
    let trace = read_text(&text).unwrap();
    let jobs: Vec<_> = trace
        .jobs
        .iter()
        .map(|j| (&*j.id, j.submit.0, j.duration.0, j.gpu_milli, j.deadline.map(|at| at.0), j.steps, j.weight_milli))
        .collect();
    assert_eq!(
        jobs,
        [
            ("row-1", 0, 1_418_000_000, 2000, None, Some(500), 1000),
            ("row-2", 55_000_000, 100_000_000, 2000, Some(175_000_000), Some(500), 1000),
        ]
    );
    assert_eq!(trace.measured_on.as_deref(), Some("v100"));
    let modes: Vec<_> =
        trace.job_types.iter().map(|k| (k.name.as_str(), k.batch_size, k.batch_mode.as_deref())).collect();
    assert_eq!(modes, [("LM", Some(10), Some("gns")), ("LM", Some(10), Some("static"))]);
    let changed: Vec<_> = trace.ledger.changed.iter().map(|(cause, count)| (cause.as_str(), *count)).collect();
    assert_eq!(
        changed,
        [("id from row number (counted once)", 1), ("the batch size changes: the run time is that without changes", 1)]
    );
}

#[test]
fn errors() {
    let text = |text: &str| {
        let error = read_text(text).unwrap_err();
        format!("{error} | {}", error.hint().unwrap_or("NONE"))
    };
    assert_eq!(
        text(&row("", "-1", "1", "0")),
        "s.trace:1: field `mode`: the value is empty | every row needs a value for `mode`"
    );
    assert_eq!(
        text(&row("gns", "-1", "-5", "0")),
        "s.trace:1: field `duration`: `-5` is negative | the least is 0; correct the value, or leave the row out"
    );
    assert_eq!(
        text("a\tb\n"),
        "s.trace:1: the row has 2 fields, the format 12 fields | the line is cut off, or the delimiter is another one"
    );
    assert_eq!(text("\n"), "s.trace: the trace has no jobs | there must be at least one job below the header");
}
