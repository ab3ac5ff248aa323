//! The formats that people have at home: found by their content, or read by a mapping; as text and as Parquet.
#![allow(clippy::unwrap_used)] // clippy.toml excepts test functions only, not what they call

mod common;

use std::path::Path;

use common::{named, text};
use engine::{Span, Time};
use polars::prelude::{Column, DataFrame, DataType, NamedFrom, ParquetWriter, Series, TimeUnit};
use proptest::prelude::*;
use traces::{Format, Recorded, describe, load, read_bytes, write_parquet, write_swf};

const SACCT: &str = "JobID|JobName|User|Account|Partition|State|Submit|Start|End|Elapsed|Timelimit|NNodes|ReqTRES|AllocTRES\n\
    1|train|ann|ml|gpu|COMPLETED|2024-01-02T00:00:00|2024-01-02T00:01:00|2024-01-02T01:01:00|01:00:00|1-00:00:00|2|\
    cpu=16,gres/gpu=16|cpu=16,gres/gpu=16,mem=64G,node=2\n\
    1.batch|batch||ml||COMPLETED|2024-01-02T00:01:00|2024-01-02T00:01:00|2024-01-02T01:01:00|01:00:00||1||cpu=8\n";
const PODS: &str = "job,pod,node,start,end,gpus\nj,j-0,n0,1700000000,1700000100,8\nj,j-1,n1,1700000000,1700000090,8\n";
const SWF: &str = "; Version: 2.2\n1 0 5 10 4 -1 -1 4 20 -1 1 1 1 1 1 -1 -1 -1\n";

#[test]
fn content_tells_the_format() {
    for (format, file) in [("sacct", SACCT), ("events", PODS), ("swf", SWF)] {
        for file in [file.to_owned(), file.replace('\n', "\r\n"), format!("\u{feff}{file}")] {
            let trace = read_bytes("f", None, file.as_bytes()).unwrap();
            assert_eq!((trace.format.as_str(), trace.jobs.len()), (format, 1));
            assert_eq!(trace, read_bytes("f", Format::named(format), file.as_bytes()).unwrap());
            assert_eq!(trace.ledger.rows, trace.ledger.dropped.values().sum::<u64>() + 1);
        }
    }
    assert_eq!(Format::named("slurm"), Format::named("sacct"));
    assert_eq!(Format::named("kubernetes"), Format::named("events"));
}

#[test]
fn what_a_slurm_export_says() {
    let trace = read_bytes("f", None, SACCT.as_bytes()).unwrap();
    let info = describe(&trace, None);
    assert_eq!((info.jobs, info.tenants, info.rows), (1, 1, 2));
    assert!((info.gpu_hours - 16.0).abs() < 1e-9);
    let job = &trace.jobs[0];
    assert_eq!((job.tasks, job.start, job.time_limit), (2, Some(Time(60_000_000)), Some(Span(86_400_000_000))));
}

/// A file with the given text.
fn written(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_mapping_reads_what_the_canonical_form_holds() {
    let folder = tempfile::tempdir().unwrap();
    let plain = "job_id,submit_s,gpus,duration_s,tenant,cpu,memory_gib,models,tasks,start_s,outcome\n\
                 a,0.5,8,3600,x/y,1.5,0.25,A|B,2,1,killed\nb,7,0.25,0,z,0,0,,,,finished\n";
    let map = "[columns]\njob_id = 'job_id'\nsubmit = 'submit_s'\ngpus = 'gpus'\nduration = 'duration_s'\ntenant = 'tenant'\n\
               cpu = 'cpu'\nmemory = 'memory_gib'\nmodels = 'models'\ntasks = 'tasks'\nstart = 'start_s'\noutcome = 'outcome'\n";
    let csv = written(folder.path(), "t.csv", plain);
    let map = written(folder.path(), "map.toml", map);
    let canonical = load(&csv).unwrap();
    let mapped = load(&format!("mapped:{csv}[mapping={map}]")).unwrap();
    assert_eq!(named(&mapped), named(&canonical));
    assert_eq!((mapped.format.as_str(), mapped.ledger.rows), ("mapped", 2));
    let parquet = folder.path().join("t.parquet");
    write_parquet(&canonical, &parquet).unwrap();
    let map = map_of_parquet(folder.path());
    let mapped = load(&format!("mapped:{}[mapping={map}]", parquet.display())).unwrap();
    assert_eq!(named(&mapped), named(&canonical));
}

fn map_of_parquet(folder: &Path) -> String {
    let micros = |key: &str| format!("{key} = {{ column = '{key}_us', unit = 'us' }}\n");
    let map = ["submit", "duration", "start"].map(micros).concat();
    let plain =
        ["job_id", "gpus", "tenant", "cpu", "models", "tasks", "outcome"].map(|key| format!("{key} = '{key}'\n"));
    written(folder, "parquet.toml", &format!("[columns]\nmemory = 'memory_gib'\n{map}{}", plain.concat()))
}

#[test]
fn dates_of_parquet() {
    let folder = tempfile::tempdir().unwrap();
    let date = DataType::Datetime(TimeUnit::Milliseconds, None);
    let times = |name: &str, values: [Option<i64>; 3]| -> Column {
        Series::new(name.into(), values).cast(&date).unwrap().into()
    };
    let columns = vec![
        times("submitted", [Some(1_700_000_001_500), Some(1_700_000_000_000), None]),
        times("ended", [Some(1_700_000_011_500), Some(1_700_000_005_000), None]),
        Column::new("gpus".into(), [4i32, 1, 0]),
        Column::new("state".into(), ["ok", "bad", "bad"]),
        Column::new("lists".into(), [[1.5f64].as_slice(); 3].map(|list| Series::new("".into(), list))),
    ];
    let path = folder.path().join("t.parquet");
    let mut frame = DataFrame::new(3, columns).unwrap();
    ParquetWriter::new(std::fs::File::create(&path).unwrap()).finish(&mut frame).unwrap();
    let map = "drop = [{ column = 'submitted', missing = true, because = 'never submitted' }]\n[columns]\n\
               submit = { column = 'submitted', unit = 'datetime' }\nstart = { column = 'submitted', unit = 'datetime' }\n\
               end = { column = 'ended', unit = 'datetime' }\ngpus = 'gpus'\n\
               outcome = { column = 'state', values = { ok = 'finished' }, otherwise = 'failed' }\n";
    let map = written(folder.path(), "map.toml", map);
    let trace = load(&format!("mapped:{}[mapping={map}]", path.display())).unwrap();
    let found: Vec<_> =
        trace.jobs.iter().map(|j| (&*j.id, j.submit.0, j.duration.0, j.gpu_milli, j.recorded)).collect();
    assert_eq!(
        found,
        [("row-2", 0, 5_000_000, 1000, Recorded::Failed), ("row-1", 1_500_000, 10_000_000, 4000, Recorded::Finished)]
    );
    assert_eq!(trace.origin.as_deref(), Some("2023-11-14T22:13:20"));
    assert_eq!((trace.ledger.rows, trace.ledger.dropped["never submitted"]), (3, 1));
    assert_eq!(trace.ledger.ignored_columns, ["lists"]);
    let wrong = written(folder.path(), "wrong.toml", "[columns]\nsubmit = 'lists'\ngpus = 'gpus'\nduration = 'gpus'\n");
    let error = text(&load(&format!("mapped:{}[mapping={wrong}]", path.display())).unwrap_err());
    assert!(error.contains("field `lists`: a column of type list[f64] holds neither text nor numbers"), "{error}");
}

#[test]
fn parquet_is_not_for_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    write_parquet(&read_bytes("f", None, PODS.as_bytes()).unwrap(), &path).unwrap();
    let error = load(&format!("mapped:{}", path.display())).unwrap_err();
    assert_eq!(error.message(), "a mapping is needed, a TOML file that says which column means what");
    let error = load(&format!("swf:{}", path.display())).unwrap_err();
    assert_eq!(error.hint(), Some("Parquet is read in the canonical format, or by `mapped`"));
}

/// A text with a few pieces replaced, inserted or removed.
fn mutated(texts: &[&str]) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[-,.:|;\\[\\]\"=\r\n0-9eETZ+a-z ]{0,4}",
        Just("99999999999999999999".to_owned()),
        Just("-1".to_owned()),
        Just("nan".to_owned()),
        Just("2024-01-02T00:00:00".to_owned()),
        Just("9999-12-31T23:59:59".to_owned()),
        Just("-9999-01-01T00:00:00Z".to_owned()),
    ];
    let edit = (any::<prop::sample::Index>(), 0..8usize, piece);
    let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
    (prop::sample::select(texts), prop::collection::vec(edit, 1..6)).prop_map(|(text, edits)| {
        let mut chars: Vec<char> = text.chars().collect();
        for (at, cut, piece) in edits {
            let at = at.index(chars.len() + 1);
            let end = (at + cut).min(chars.len());
            chars.splice(at..end, piece.chars());
        }
        chars.into_iter().collect()
    })
}

const MAP: &str = "delimiter = ','\nskip_rows = 0\nmissing = ['', '-1']\norigin = 'first'\nrepeated_ids = 'number'\n\
                   drop = [{ column = 'gpus', equals = 0, because = 'x' }]\n[columns]\njob_id = 'job'\n\
                   submit = { column = 'start', unit = 's' }\nstart = 'start'\nend = { column = 'end' }\n\
                   gpus = { columns = ['gpus', 'gpus'] }\ntenant = { columns = ['node', 'job'] }\n\
                   outcome = { column = 'pod', values = { a = 'killed' }, otherwise = 'unknown' }\n";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    /// Whatever the text, there is a trace whose rows add up, or an error.
    #[test]
    fn rows_add_up_or_there_is_an_error(text in mutated(&[SACCT, PODS, SWF])) {
        for name in ["sacct", "events", "swf"] {
            let Ok(trace) = read_bytes("f", Format::named(name), text.as_bytes()) else { continue };
            prop_assert_eq!(trace.ledger.rows, trace.jobs.len() as u64 + trace.ledger.dropped.values().sum::<u64>());
            write_swf(&trace, std::io::sink()).unwrap();
            let mut csv = Vec::new();
            traces::write_csv(&trace, &mut csv).unwrap();
            let back = read_bytes("f", Some(Format::CANONICAL), &csv).unwrap();
            prop_assert_eq!(back.jobs.len(), trace.jobs.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_mapping(map in mutated(&[MAP]), table in mutated(&[PODS])) {
        let folder = tempfile::tempdir().unwrap();
        let map = written(folder.path(), "map.toml", &map);
        let table = written(folder.path(), "t.csv", &table);
        if let Ok(trace) = load(&format!("mapped:{table}[mapping={map}]")) {
            prop_assert_eq!(trace.ledger.rows, trace.jobs.len() as u64 + trace.ledger.dropped.values().sum::<u64>());
        }
    }
}
