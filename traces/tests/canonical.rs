//! The canonical CSV: what is read, and what is refused with which words.
#![allow(clippy::unwrap_used)] // clippy.toml excepts test functions only, not what they call

mod common;

use common::text;
use engine::{Span, Time};
use traces::{Format, Recorded, read_bytes, write_csv};

const SHORT: &str = "job_id,submit_s,gpus,duration_s\n";
const FULL: &str = "job_id,submit_s,gpus,duration_s,tenant,priority,preemptible,estimate_s,time_limit_s,deadline_s,cpu,\
                    memory_gib,models,outcome\n";

fn error(csv: &str) -> String {
    text(&read_bytes("t.csv", None, csv.as_bytes()).unwrap_err())
}

fn row_error(row: &str) -> String {
    error(&format!("{SHORT}{row}\n"))
}

#[test]
fn four_columns_are_enough() {
    let csv =
        "\u{feff}job_id,submit_s,gpus,duration_s\r\nlate,7.25,8,3600\r\n\r\nfirst,0,0.25,1e2\r\nthird,7.25,0,0\r\n";
    let trace = read_bytes("t.csv", None, csv.as_bytes()).unwrap();
    let jobs: Vec<_> = trace.jobs.iter().map(|j| (&*j.id, j.submit, j.gpu_milli, j.duration)).collect();
    assert_eq!(
        jobs,
        [
            ("first", Time(0), 250, Span::secs(100)),
            ("late", Time(7_250_000), 8000, Span::secs(3600)),
            ("third", Time(7_250_000), 0, Span::ZERO),
        ]
    );
    assert_eq!((trace.source.as_str(), trace.format.as_str()), ("t.csv", "canonical"));
    assert_eq!((trace.tenants[0].as_str(), trace.jobs[0].preemptible), ("all", true));
    assert_eq!((trace.ledger.rows, trace.ledger.ignored_columns.len()), (3, 0));
}

#[test]
fn every_column_is_read() {
    let row = "a,0.000001,16,2.5,org/team/u,-3,False,10,20,30,1.5,0.0009765625,V100|A100,killed\n";
    let trace = read_bytes("t.csv", Some(Format::CANONICAL), format!("{FULL}{row}").as_bytes()).unwrap();
    let job = &trace.jobs[0];
    assert_eq!((job.submit, job.duration, job.gpu_milli), (Time(1), Span(2_500_000), 16_000));
    assert_eq!((job.cpu_milli, job.memory_mib), (1500, 1));
    assert_eq!((job.priority, job.preemptible, job.recorded), (-3, false, Recorded::Killed));
    assert_eq!((job.estimate, job.time_limit), (Some(Span::secs(10)), Some(Span::secs(20))));
    assert_eq!(job.deadline, Some(Time(30_000_000)));
    assert_eq!(
        (trace.tenants.as_slice(), &trace.model_sets[0]),
        (["org/team/u".to_owned()].as_slice(), &vec!["V100".to_owned(), "A100".to_owned()])
    );
    assert!(trace.ledger.changed.is_empty());
}

#[test]
fn what_is_rounded_or_unknown_is_counted() {
    let csv = "job_id,color,submit_s,gpus,duration_s,memory_gib,\na,red,0.0000004,0.3333333,1.00000051,0.1,x\n";
    let trace = read_bytes("t.csv", None, csv.as_bytes()).unwrap();
    assert_eq!(trace.ledger.ignored_columns, ["color", "column 7 (no name)"]);
    let changed: Vec<_> = trace.ledger.changed.iter().map(|(cause, count)| (cause.as_str(), *count)).collect();
    assert_eq!(
        changed,
        [
            ("duration_s: rounded to a microsecond", 1),
            ("gpus: rounded to a thousandth", 1),
            ("memory_gib: rounded to a MiB", 1),
            ("submit_s: rounded to a microsecond", 1),
        ]
    );
    let job = &trace.jobs[0];
    assert_eq!((job.submit.0, job.duration.0, job.gpu_milli, job.memory_mib), (0, 1_000_001, 333, 102));
}

#[test]
fn microsecond_columns_are_read_in_csv_too() {
    let trace = read_bytes("t.csv", None, b"job_id,submit_us,gpus,duration_us\na,5,1,7\n").unwrap();
    assert_eq!((trace.jobs[0].submit, trace.jobs[0].duration), (Time(5), Span(7)));
    assert_eq!(
        error("job_id,submit_s,submit_us,gpus,duration_s\na,1,1,1,1\n"),
        "t.csv:1: columns `submit_s` and `submit_us` say the same thing\nhint: keep one of the two"
    );
}

#[test]
fn files_that_hold_no_trace() {
    assert_eq!(error(""), "t.csv: the file is empty\nhint: it needs a header line and rows below it");
    assert_eq!(error(SHORT), "t.csv: the trace has no jobs\nhint: there must be at least one job below the header");
    assert_eq!(
        text(&read_bytes("t.csv", None, b"job_id\n\xff").unwrap_err()),
        "t.csv:2: the text is not UTF-8\nhint: save the file as UTF-8; binary files are read only as Parquet or gzip"
    );
}

#[test]
fn missing_columns() {
    let needed = "needed: job_id, submit_s, gpus, duration_s";
    assert_eq!(
        error("job_id,submit_s,gpus,duration\na,0,1,1\n"),
        format!(
            "t.csv:1: required column `duration_s` is missing; found: job_id, submit_s, gpus, duration; {needed}\n\
             hint: is `duration` meant to be `duration_s`? Then rename it"
        )
    );
    assert_eq!(
        error("\n\njob_id,gpus\na,1\n"),
        format!(
            "t.csv:3: required columns `submit_s`, `duration_s` are missing; found: job_id, gpus; {needed}\n\
             hint: a canonical file needs the columns job_id, submit_s, gpus, duration_s"
        )
    );
    let named = read_bytes("t.csv", Some(Format::CANONICAL), b"job_id;submit_s;gpus;duration_s\n").unwrap_err();
    assert_eq!(named.hint(), Some("the columns seem to be separated by semicolons; use commas"));
}

#[test]
fn numbers_that_are_none() {
    let shift = "times are counted from the origin of the trace; shift all of them so that none is before it";
    assert_eq!(row_error("a,-1,1,1"), format!("t.csv:2: field `submit_s`: `-1` is negative\nhint: {shift}"));
    assert_eq!(
        row_error("a,0,1,-5"),
        "t.csv:2: field `duration_s`: `-5` is negative\nhint: the least is 0; correct the value, or leave the row out"
    );
    for value in ["nan", "NaN", "inf", "-inf"] {
        assert_eq!(
            row_error(&format!("a,{value},1,1")),
            format!(
                "t.csv:2: field `submit_s`: `{value}` is not finite\nhint: write a finite number, or leave the row out"
            )
        );
    }
    assert_eq!(
        row_error("a,0,1,"),
        "t.csv:2: field `duration_s`: the value is empty\nhint: every row needs a value for `duration_s`"
    );
    assert_eq!(
        row_error("a,0,eight,1"),
        "t.csv:2: field `gpus`: `eight` is not a number\nhint: write a plain decimal number such as 12 or 12.5, without \
         unit or separators"
    );
    assert_eq!(
        row_error("a,1e30,1,1"),
        "t.csv:2: field `submit_s`: `1e30` is too large\nhint: check the unit of the column"
    );
}

#[test]
fn gpus_that_no_gang_can_have() {
    let hint = "write a whole number of GPUs, or a part of one GPU such as 0.25; parts to a thousandth count";
    assert_eq!(
        row_error("a,0,1.5,1"),
        format!("t.csv:2: field `gpus`: `1.5` is neither a whole number nor a part of one GPU\nhint: {hint}")
    );
    assert_eq!(
        row_error("a,0,0.0001,1"),
        format!("t.csv:2: field `gpus`: `0.0001` is less than a thousandth of a GPU\nhint: {hint}")
    );
    assert_eq!(
        row_error("a,0,5000000,1"),
        "t.csv:2: field `gpus`: `5000000` is too large\nhint: check the unit of the column"
    );
}

#[test]
fn rows_of_the_wrong_shape_and_double_ids() {
    let quotes = "hint: a comma inside a value needs quotes around the value";
    let cut = "hint: the line is cut off, or the delimiter is another one";
    assert_eq!(row_error("a,0,1"), format!("t.csv:2: the row has 3 fields, the header 4 fields\n{cut}"));
    assert_eq!(row_error("a,0,1,1,9"), format!("t.csv:2: the row has 5 fields, the header 4 fields\n{quotes}"));
    assert_eq!(
        row_error("a,0,1,1\nb,0,1,1\n\na,0,1,1"),
        "t.csv:5: field `job_id`: `a` is already the id of line 2\nhint: every job needs an id of its own"
    );
    assert_eq!(
        row_error(",0,1,1"),
        "t.csv:2: field `job_id`: the value is empty\nhint: every row needs a value for `job_id`"
    );
}

#[test]
fn optional_values_are_checked_too() {
    let error = |rest: &str| error(&format!("{FULL}a,0,1,1,{rest}\n"));
    assert_eq!(
        error("a//b,,,,,,,,,"),
        "t.csv:2: field `tenant`: `a//b` has an empty part\nhint: write a path such as org/team/user"
    );
    let whole = "hint: write a whole number between -2147483648 and 2147483647; higher goes first";
    assert_eq!(error(",1.5,,,,,,,,"), format!("t.csv:2: field `priority`: `1.5` is not a whole number\n{whole}"));
    assert_eq!(error(",9999999999,,,,,,,,"), format!("t.csv:2: field `priority`: `9999999999` is too large\n{whole}"));
    assert_eq!(
        error(",,maybe,,,,,,,"),
        "t.csv:2: field `preemptible`: `maybe` is neither true nor false\nhint: write true or false"
    );
    for (field, rest) in [
        ("estimate_s", ",,,x,,,,,,"),
        ("time_limit_s", ",,,,x,,,,,"),
        ("deadline_s", ",,,,,x,,,,"),
        ("cpu", ",,,,,,x,,,"),
        ("memory_gib", ",,,,,,,x,,"),
    ] {
        assert!(error(rest).starts_with(&format!("t.csv:2: field `{field}`: `x` is not a number\nhint: ")), "{rest}");
    }
    assert_eq!(
        error(",,,,,,,,A||B,"),
        "t.csv:2: field `models`: `A||B` has an empty name\nhint: join model names by |, such as V100|A100"
    );
    assert_eq!(
        error(",,,,,,,,,finish"),
        "t.csv:2: field `outcome`: `finish` is no known outcome\nhint: did you mean `finished`?"
    );
    assert_eq!(
        error(",,,,,,,,,zzz"),
        "t.csv:2: field `outcome`: `zzz` is no known outcome\nhint: write one of finished, failed, killed, timed_out, \
         node_failed, censored, or nothing"
    );
}

#[test]
fn csv_is_written_short() {
    let csv = "job_id,submit_s,gpus,duration_s,tenant\na,0.5,0.25,3600,all\n\"b,c\",1,8,0.000001,x/y\n";
    let trace = read_bytes("t.csv", None, csv.as_bytes()).unwrap();
    let mut out = Vec::new();
    write_csv(&trace, &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), csv);
}
