//! How a trace is named, and how its format is found.
#![allow(clippy::unwrap_used)] // clippy.toml excepts test functions only, not what they call

mod common;

use std::io::Write;

use common::text;
use flate2::Compression;
use flate2::write::GzEncoder;
use traces::{load, read_bytes};

const CSV: &str = "job_id,submit_s,gpus,duration_s\na,0,1,1\n";
const PHILLY: &str = "timestamp,duration,num_gpus,gpu_time,cluster\n2017-10-09 07:01:55,66.0,1,66.0,11cb48\n";
const OPENB: &str =
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,creation_time,deletion_time,scheduled_time\na,1,1,1,1000,0,1,0\n";

fn error(name: &str) -> String {
    text(&load(name).unwrap_err())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn files_are_found_and_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    for (name, bytes, format) in [
        ("a.csv", CSV.as_bytes().to_vec(), "canonical"),
        ("a.csv.gz", gzip(CSV.as_bytes()), "canonical"),
        ("p.csv", PHILLY.as_bytes().to_vec(), "philly"),
        ("p.gz", gzip(PHILLY.as_bytes()), "philly"),
        ("o", OPENB.as_bytes().to_vec(), "openb"),
        ("with:colon.csv", CSV.as_bytes().to_vec(), "canonical"),
    ] {
        let path = write(name, &bytes);
        let trace = load(&path).unwrap();
        assert_eq!((trace.format.as_str(), &trace.source), (format, &path));
        let text = format!("{format}:{path}");
        let mut named = load(&text).unwrap();
        assert_eq!(named.source, text);
        named.source.clone_from(&trace.source);
        assert_eq!(named, trace);
    }
    let path = write("both.csv", CSV.as_bytes());
    let jobs = |format: &str| load(&format!("{format}:{path}")).unwrap().jobs;
    assert_eq!(jobs("csv"), jobs("parquet"));
    let cut = gzip(CSV.as_bytes());
    let path = write("cut.csv.gz", &cut[..cut.len() - 9]);
    assert_eq!(
        error(&path),
        format!("{path}: the gzip file is cut off\nhint: copy or download it again, and test it with `gzip -t`")
    );
}

#[test]
fn names_that_mean_nothing() {
    let usage =
        "hint: name a trace as [FORMAT:]PATH or synthetic:NAME[key=value,...], such as synthetic:philly[jobs=1000]";
    let spelling = "hint: check the spelling and the directory you are in";
    assert_eq!(error(""), format!("TRACE: no trace is named\n{usage}"));
    assert_eq!(error("canonical:"), format!("canonical:: no file is named after the format\n{usage}"));
    assert_eq!(error("nope.csv"), format!("nope.csv: no such file\n{spelling}"));
    assert_eq!(error("openb:nope.csv"), format!("nope.csv: no such file\n{spelling}"));
    assert_eq!(error("C:\\nope.csv"), format!("C:\\nope.csv: no such file\n{spelling}"));
    assert_eq!(
        error("phily:x.csv"),
        "phily:x.csv: no such file, and `phily` is no trace format\nhint: did you mean `philly:`?"
    );
    assert_eq!(
        error("syntetic:philly"),
        "syntetic:philly: no such file, and `syntetic` is no trace format\nhint: did you mean `synthetic:`?"
    );
    assert_eq!(
        error("xyz:x.csv"),
        "xyz:x.csv: no such file, and `xyz` is no trace format\nhint: the formats are canonical, csv, parquet, openb, philly, \
         philly-log, helios, acme, seren, kalos, acme-converted, pai, pai-jobs, hydra, spot, dlrm, gavel, shockwave, tiresias, muri, chronus, \
         elasticflow, pollux, sia, swf, sacct, slurm, events, kubernetes, prometheus, mapped, journal, synthetic"
    );
    assert_eq!(error("philly[jobs=3]"), "philly[jobs=3]: no such file\nhint: did you mean `synthetic:philly[jobs=3]`?");
}

#[test]
fn columns_that_fit_none_or_two() {
    let error = |csv: &str| text(&read_bytes("t.csv", None, csv.as_bytes()).unwrap_err());
    assert_eq!(
        error("foo,bar\n1,2\n"),
        "t.csv:1: the columns fit no known trace format; found: foo, bar\nhint: the canonical form has the columns job_id, \
         submit_s, gpus, duration_s; the formats are canonical, openb, philly, philly-log, helios, acme, acme-converted, pai, pai-jobs, \
         hydra, spot, dlrm, gavel, shockwave, tiresias, muri, chronus, elasticflow, pollux, swf, sacct, events, mapped, \
         journal; \
         `mapped` reads any other table"
    );
    assert_eq!(
        error("job_id,submit_s,gpus,duration_s,timestamp,duration,num_gpus,cluster\n"),
        "t.csv:1: the columns fit more than one format: canonical, philly\nhint: name the format: canonical:t.csv"
    );
    assert_eq!(
        error("sn,cpu_milli,memory_mib,gpu,model\nn,1,1,1,T4\n"),
        "t.csv:1: the columns fit no known trace format; found: sn, cpu_milli, memory_mib, gpu, model\nhint: this is a list \
         of machines; give it to --cluster"
    );
    assert_eq!(
        error("job_id;submit_s;gpus;duration_s\na;0;1;1\n"),
        "t.csv:1: the columns fit no known trace format; found: job_id;submit_s;gpus;duration_s\nhint: the columns seem to \
         be separated by semicolons; use commas"
    );
    assert_eq!(
        error("timestamp,durations,num_gpus,cluster\n"),
        "t.csv:1: required column `duration` is missing; found: timestamp, durations, num_gpus, cluster; needed: timestamp, \
         duration, num_gpus, cluster\nhint: is `durations` meant to be `duration`? Then rename it"
    );
}
