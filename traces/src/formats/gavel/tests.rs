//! Lists written by hand.

use super::*;
use crate::input::Options;
use crate::trace::RunTimes;

const RATES: &str = r#"{"v100": {"('LM (batch size 10)', 1)": {"null": 2.0}, "('LM (batch size 10)', 4)": {"null": 1.0},
    "('A3C', 1)": {"null": 0}}}"#;

fn old(kind: &str, steps: &str, arrival: &str, gpus: &str) -> String {
    format!("{kind}\tcd %s && python3 train.py\t-step\t1\t{steps}\t{arrival}\t{gpus}\n")
}

fn current(steps: &str, gpus: &str, weight: &str, slo: &str, arrival: &str) -> String {
    format!("LM (batch size 10)\tpython3 main.py\tlm\t--steps\t0\t{steps}\t{gpus}\t{weight}\t{slo}\t{arrival}\n")
}

fn with(text: &str, options: &[(&str, &str)]) -> Result<Trace, TraceError> {
    let pairs = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    read(&Input { file: "g.trace", text, options: &Options::new(pairs) })
}

fn text_with(text: &str, options: &[(&str, &str)]) -> String {
    let error = with(text, options).unwrap_err();
    format!("{error} | {}", error.hint().unwrap_or("NONE"))
}

fn changed(trace: &Trace) -> Vec<(&str, u64)> {
    trace.ledger.changed.iter().map(|(cause, count)| (cause.as_str(), *count)).collect()
}

/// A file with rates; it lives as long as the folder.
fn rates() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rates.json");
    std::fs::write(&path, RATES).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn golden_without_run_times() {
    let text = old("LM (batch size 10)", "79561", "0.000000", "1") + &old("A3C", "1066", "1511.000000", "16");
    assert!(fits(&text));
    let trace = with(&text, &[]).unwrap();
    let jobs: Vec<_> = trace.jobs.iter().map(|j| (&*j.id, j.submit.0, j.duration.0, j.gpu_milli, j.steps)).collect();
    assert_eq!(jobs, [("row-1", 0, 0, 1000, Some(79_561)), ("row-2", 1_511_000_000, 0, 16_000, Some(1066))]);
    assert_eq!((trace.run_times, trace.measured_on.as_deref()), (RunTimes::Unknown, None));
    assert_eq!((trace.job_types[0].name.as_str(), trace.job_types[0].batch_size), ("LM", Some(10)));
    assert_eq!((trace.job_types[1].name.as_str(), trace.job_types[1].batch_size), ("A3C", None));
    assert_eq!(
        changed(&trace),
        [("id from row number (counted once)", 1), ("run time unknown: no throughput table", 2)]
    );
    assert_eq!(trace.ledger.ignored_columns, ["command", "working_directory", "num_steps_arg", "needs_data_dir"]);
}

#[test]
fn golden_with_run_times() {
    let (_folder, rates) = rates();
    let text = current("100", "1", "5.000000", "1.2", "10") + &current("100", "4", "1", "-1.000000", "20.5");
    assert!(fits(&text));
    let trace = with(&text, &[("throughputs", &rates)]).unwrap();
    let jobs: Vec<_> = trace
        .jobs
        .iter()
        .map(|j| (j.submit.0, j.duration.0, j.gpu_milli, j.weight_milli, j.deadline.map(|at| at.0)))
        .collect();
    assert_eq!(
        jobs,
        [(10_000_000, 50_000_000, 1000, 5000, Some(70_000_000)), (20_500_000, 100_000_000, 4000, 1000, None)]
    );
    assert_eq!((trace.run_times, trace.measured_on.as_deref()), (RunTimes::Computed, Some("v100")));
    assert_eq!(changed(&trace), [("id from row number (counted once)", 1)]);
    let unknown = with(&text, &[]).unwrap();
    assert_eq!(unknown.jobs[0].deadline, None);
    assert_eq!(changed(&unknown)[0], ("SLO is a multiple of a run time that is unknown: no deadline", 1));
}

#[test]
fn what_the_table_lacks() {
    let (_folder, rates) = rates();
    let kinds = [("LM (batch size 10)", "1"), ("LM (batch size 10)", "2"), ("LM (batch size 10)", "12"), ("A3C", "1")];
    let mut text: String = kinds.iter().map(|(kind, gpus)| old(kind, "60", "0", gpus)).collect();
    text.push_str(&old("GPT", "60", "0", "1"));
    let dropped = |options: &[(&str, &str)]| {
        let trace = with(&text, options).unwrap();
        let dropped: Vec<_> = trace.ledger.dropped.clone().into_iter().collect();
        assert_eq!(trace.ledger.rows, trace.jobs.len() as u64 + dropped.iter().map(|(_, count)| count).sum::<u64>());
        (trace.jobs.iter().map(|job| job.duration.0 / 1_000_000).collect::<Vec<_>>(), dropped, trace)
    };
    let causes = |causes: &[&str]| causes.iter().map(|cause| ((*cause).to_owned(), 1)).collect::<Vec<_>>();
    let (durations, left_out, _) = dropped(&[("throughputs", &rates)]);
    assert_eq!(durations, [30]);
    let gone = [
        "no throughput for GPT",
        "no throughput for scale factor 12",
        "no throughput for scale factor 2",
        "throughput 0: the job cannot run on v100",
    ];
    assert_eq!(left_out, causes(&gone));
    let (durations, left_out, trace) = dropped(&[("throughputs", &rates), ("missing", "extrapolate"), ("on", "V100")]);
    assert_eq!((durations, left_out), (vec![30, 36, 60], causes(&[gone[0], gone[3]])));
    assert_eq!(
        changed(&trace)[1..],
        [("throughput for scale factor 12: taken from 4", 1), ("throughput for scale factor 2: interpolated", 1)]
    );
}

#[test]
fn a_folder_is_merged() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("b1.trace"), old("A3C", "5", "0.0", "1") + &old("A3C", "5", "7", "2")).unwrap();
    std::fs::write(at("a2.trace"), current("5", "1", "1", "-1", "3")).unwrap();
    std::fs::write(at("notes.txt"), "x").unwrap();
    let trace = crate::source::load(&format!("gavel:{}", folder.path().display())).unwrap();
    let jobs: Vec<_> = trace
        .jobs
        .iter()
        .map(|j| (&*j.id, j.submit.0 / 1_000_000, trace.tenants[j.tenant as usize].as_str()))
        .collect();
    assert_eq!(jobs, [("b1-row-1", 0, "b1"), ("a2-row-1", 3, "a2"), ("b1-row-2", 7, "b1")]);
    let counts: Vec<u64> = trace.ledger.changed.values().copied().collect();
    assert_eq!((trace.ledger.rows, counts), (3, vec![1, 1, 3, 2]));
    std::fs::write(at("philly.trace.gz"), "not read").unwrap();
    let again = crate::source::load(&format!("gavel:{}", folder.path().display())).unwrap();
    let cause = "philly.trace holds the jobs of the other files again: not read (counted once)";
    assert_eq!((again.jobs, again.ledger.changed[cause]), (trace.jobs, 1));
    std::fs::write(at("c.trace"), "A3C\tx\n").unwrap();
    let error = crate::source::load(&format!("gavel:{}", folder.path().display())).unwrap_err();
    assert!(error.file().ends_with("c.trace"), "{error}");
    let empty = tempfile::tempdir().unwrap();
    let error = crate::source::load(&format!("gavel:{}", empty.path().display())).unwrap_err();
    assert_eq!(error.message(), "there is no .trace file in this folder");
}

#[test]
fn errors() {
    let of = |row: String| text_with(&row, &[]);
    assert_eq!(
        of(old("A3C", "5", "0", "0")),
        "g.trace:1: field `scale_factor`: `0` is not at least 1 | correct the value, or leave the row out"
    );
    assert_eq!(
        of(old("A3C", "5.5", "0", "1")),
        "g.trace:1: field `total_steps`: `5.5` is not a whole number | write a whole number such as 8"
    );
    assert_eq!(
        of(old("A3C", "5", "nan", "1")),
        "g.trace:1: field `arrival_time`: `nan` is not finite | write a finite number, or leave the row out"
    );
    assert_eq!(
        of(old("A3C", "5", "-1", "1")),
        "g.trace:1: field `arrival_time`: `-1` is negative | the least is 0; correct the value, or leave the row out"
    );
    assert_eq!(
        of(old("", "5", "1", "1")),
        "g.trace:1: field `job_type`: the value is empty | every row needs a value for `job_type`"
    );
    assert_eq!(
        of(current("5", "5000000", "1", "-1", "0")),
        "g.trace:1: field `scale_factor`: `5000000` is too large | check the unit of the column"
    );
    assert_eq!(
        of(current("5", "1", "1", "--1", "0")),
        "g.trace:1: field `SLO`: `--1` is not a number | write a plain decimal number such as 12 or 12.5, without unit or \
         separators"
    );
    assert_eq!(
        of(current("5", "1", "1", "-1", "0") + &old("A3C", "5", "0", "1")),
        "g.trace:2: the row has 7 fields, the format 10 fields | the line is cut off, or the delimiter is another one"
    );
    assert_eq!(
        of("a\tb\n".to_owned()),
        "g.trace:1: the first row has 2 fields | a row of Gavel has 10 fields between tabs, or 7 in the older lists"
    );
    assert_eq!(
        of(old("A3C", "5", "1", "1").replace("\t1\t5\t", "\t5\t1\t")),
        "g.trace:1: field `needs_data_dir`: `5` is neither 0 nor 1 | are fields missing or swapped? The format is written \
         down in the documentation"
    );
}

#[test]
fn bad_options() {
    let (_folder, rates) = rates();
    let row = old("A3C", "5", "0", "1");
    assert_eq!(
        text_with(&row, &[("on", "k80")]),
        "g.trace: field `on`: there is no table of throughput to ask | write throughputs=FILE beside it"
    );
    assert_eq!(
        text_with(&row, &[("throughputs", &rates), ("on", "v10")]),
        format!("g.trace: field `on`: `v10` is no GPU model of {rates} | did you mean `v100`? The models are v100")
    );
    assert_eq!(
        text_with(&row, &[("throughputs", &rates), ("missing", "no")]),
        "g.trace: field `missing`: `no` is not drop or extrapolate | write missing=VALUE with drop or extrapolate"
    );
    assert!(text_with(&row, &[("throughputs", "no.json")]).starts_with("no.json: no such file"));
}

#[test]
fn other_texts_are_not_taken() {
    for text in [
        "",
        "a\tb\tc\td\te\tf\tg\n",
        "1\t0\t-1\t1\t1\t0\t1\n",
        "job_id\tcommand\tnum_steps_arg\tneeds_data_dir\ttotal_steps\tarrival_time\tscale_factor\n",
    ] {
        assert!(!fits(text), "{text}");
    }
}
