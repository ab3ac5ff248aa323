//! `trace`: info, generate, convert.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::support::Yard;

#[test]
fn info_of_a_trace() {
    insta::assert_snapshot!(Yard::new().good("trace info jobs.csv --cluster 1x8"));
}

#[test]
fn generated_and_converted_traces_are_the_same_jobs() {
    let yard = Yard::new();
    let done = yard.run("trace generate philly[jobs=50,seed=7] a.csv");
    let said = "wrote 50 jobs to a.csv, and its clock and history to a.csv-metadata.json\n";
    assert_eq!((done.code, done.stdout.as_str(), done.stderr.as_str()), (0, "", said));
    yard.good("trace generate synthetic:philly[jobs=50,seed=7] b.parquet");
    yard.good("trace convert b.parquet c.csv");
    assert_eq!(yard.text("a.csv"), yard.text("c.csv"));
    assert_eq!(yard.text("a.csv"), yard.good("trace generate philly[jobs=50,seed=7] -"));
    assert_eq!(yard.text("a.csv"), yard.good("trace convert a.csv -"));
    let left: Vec<_> = std::fs::read_dir(yard.path("")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left.len(), 6, "{left:?}");
}

#[test]
fn nobody_reads_on_and_nobody_minds() {
    let yard = Yard::new();
    let mut child = yard.command("trace generate philly[jobs=20000] -");
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("job_id,"));
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}
