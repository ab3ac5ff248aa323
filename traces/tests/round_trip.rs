//! What is written can be read again without loss.
#![allow(clippy::unwrap_used)] // clippy.toml excepts test functions only, not what they call

mod common;

use common::{named, text, trace};
use proptest::prelude::*;
use traces::{read_bytes, write_csv, write_parquet};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn csv(trace in trace()) {
        let mut bytes = Vec::new();
        write_csv(&trace, &mut bytes).unwrap();
        let read = read_bytes("t.csv", None, &bytes).unwrap();
        prop_assert_eq!(named(&read), named(&trace));
        prop_assert!(read.ledger.changed.is_empty() && read.ledger.ignored_columns.is_empty());
        let mut again = Vec::new();
        write_csv(&read, &mut again).unwrap();
        prop_assert_eq!(again, bytes);
    }

    #[test]
    fn parquet(mut trace in trace(), clock in any::<bool>()) {
        trace.origin = clock.then(|| "2017-10-09T06:13:03".to_owned());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        write_parquet(&trace, &path).unwrap();
        let read = read_bytes("t.parquet", None, &std::fs::read(&path).unwrap()).unwrap();
        prop_assert_eq!(named(&read), named(&trace));
        prop_assert_eq!(read.origin, trace.origin);
        prop_assert!(read.ledger.changed.is_empty() && read.ledger.ignored_columns.is_empty());
    }
}

#[test]
fn parquet_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    let csv = b"job_id,submit_s,gpus,duration_s\na,0,1,1\nb,0,1,1\n";
    write_parquet(&read_bytes("t.csv", None, csv).unwrap(), &path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let error = |bytes: &[u8]| text(&read_bytes("t.parquet", None, bytes).unwrap_err());
    for length in 4..bytes.len() {
        assert_eq!(
            error(&bytes[..length]),
            "t.parquet: not readable as Parquet: the end of the file is missing\nhint: the file is damaged or cut off; copy \
             or write it again"
        );
    }
    assert_eq!(
        text(&read_bytes("t.parquet", traces::Format::named("philly"), &bytes).unwrap_err()),
        "t.parquet: the file is Parquet, but philly files are text\nhint: Parquet is read in the canonical format, or by `mapped`"
    );
    let missing = folder.path().join("no/t.parquet");
    let failed = write_parquet(&read_bytes("t.csv", None, csv).unwrap(), &missing).unwrap_err();
    assert!(failed.to_string().starts_with(&format!("{}: cannot write: ", missing.display())));
}

#[test]
fn parquet_of_other_programs() {
    use polars::prelude::{Column, DataFrame, ParquetWriter};
    let columns = || {
        vec![
            Column::new("job_id".into(), [7i64, 8]),
            Column::new("submit_s".into(), [1.5f64, 0.1]),
            Column::new("gpus".into(), [1i32, 8]),
            Column::new("duration_s".into(), [10u32, 20]),
            Column::new("colour".into(), ["x", "y"]),
        ]
    };
    let write = |columns: Vec<Column>| {
        let mut bytes = Vec::new();
        ParquetWriter::new(&mut bytes).finish(&mut DataFrame::new(2, columns).unwrap()).unwrap();
        bytes
    };
    let trace = read_bytes("t.parquet", None, &write(columns())).unwrap();
    let jobs: Vec<_> = trace.jobs.iter().map(|j| (&*j.id, j.submit.0, j.gpu_milli, j.duration.0)).collect();
    assert_eq!(jobs, [("8", 100_000, 8000, 20_000_000), ("7", 1_500_000, 1000, 10_000_000)]);
    assert_eq!(trace.ledger.ignored_columns, ["colour"]);

    let mut negative = columns();
    negative[3] = Column::new("duration_s".into(), [Some(1.0f64), Some(-2.0)]);
    assert_eq!(
        text(&read_bytes("t.parquet", None, &write(negative)).unwrap_err()),
        "t.parquet: field `duration_s`: row 2: `-2` is negative\nhint: the least is 0; correct the value, or leave the row out"
    );
    let mut empty = columns();
    empty[2] = Column::new("gpus".into(), [None, Some(8i64)]);
    assert_eq!(
        text(&read_bytes("t.parquet", None, &write(empty)).unwrap_err()),
        "t.parquet: field `gpus`: row 1: the value is empty\nhint: every row needs a value for `gpus`"
    );
    let three = columns().into_iter().take(3).collect();
    assert_eq!(
        text(&read_bytes("t.parquet", None, &write(three)).unwrap_err()),
        "t.parquet: required column `duration_s` is missing; found: job_id, submit_s, gpus; needed: job_id, submit_s, gpus, \
         duration_s\nhint: a canonical file needs the columns job_id, submit_s, gpus, duration_s"
    );
}
