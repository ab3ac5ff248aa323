//! Small exports, and every error with its text.

use super::*;
use crate::input::Options;

const HEAD: &str = "JobID|JobName%30|User|Account|Partition|State|Submit|Start|End|Elapsed|Timelimit|NNodes|ReqTRES|AllocTRES|Priority\n";

fn read_with(text: &str, options: &[(&str, &str)]) -> Result<Trace, TraceError> {
    let options = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    read(&Input { file: "jobs.txt", text, options: &Options::new(options) })
}

fn error(text: &str) -> String {
    let error = read_with(text, &[]).unwrap_err();
    format!("{error} | {}", error.hint().unwrap_or_default())
}

fn counts(counts: &std::collections::BTreeMap<String, u64>) -> Vec<(&str, u64)> {
    counts.iter().map(|(cause, count)| (cause.as_str(), *count)).collect()
}

const ROWS: &str = "\
12|train \"x|a|ann|ml|gpu|COMPLETED|2024-01-02T00:00:00|2024-01-02T00:01:00|2024-01-02T01:01:00|01:00:00|1-00:00:00|2|cpu=16,gres/gpu:a100=16,gres/gpu=16|billing=1,cpu=16,gres/gpu:a100=16,gres/gpu=16,mem=64G,node=2|99
12.batch|batch||ml||COMPLETED|2024-01-02T00:01:00|2024-01-02T00:01:00|2024-01-02T01:01:00|01:00:00||1||cpu=8,gres/gpu=8|
12.0|python||ml||COMPLETED|2024-01-02T00:01:00|2024-01-02T00:01:00|2024-01-02T01:01:00|01:00:00||1||cpu=8,gres/gpu=8|
13_4|arr|bob||gpu|CANCELLED by 1000|2024-01-02T00:00:10|2024-01-02T00:00:20|2024-01-02T00:00:50|00:00:20|UNLIMITED|3|cpu=1,gres/gpu=4|cpu=1,gres/gpu=4,node=3|1
13_[5-9]|arr|bob|ml|gpu|PENDING|2024-01-02T00:00:10|Unknown|Unknown|00:00:00|UNLIMITED|1|gres/gpu=4||1
14+1|het|bob|ml|cpu|TIMEOUT|2024-01-02T00:00:00|2024-01-02T00:01:00|2024-01-02T00:02:00|00:01:00|Partition_Limit|1|cpu=4|cpu=4,node=1|1
15|early|bob|ml|gpu|CANCELLED by 0|2024-01-02T00:00:10|2024-01-02T00:00:20|2024-01-02T00:00:20|00:00:00|10:00|1|gres/gpu=4||1
16|long|bob|ml|gpu|RUNNING|2024-01-02T00:00:10|2024-01-02T00:00:20|Unknown|00:10:00|10:00|1|gres/gpu=1|gres/gpu=1,gres/gpu:v100=1|1
16|long|bob|ml|gpu|NODE_FAIL|2024-01-01T00:00:10|2024-01-01T00:00:20|2024-01-01T00:00:21|00:00:01|10:00|1|gres/gpu=1|gres/gpu=1|1
";

#[test]
fn golden() {
    let trace = read_with(&format!("{HEAD}{ROWS}"), &[]).unwrap();
    let s = 1_000_000;
    let found: Vec<_> = trace
        .jobs
        .iter()
        .map(|j| (&*j.id, j.submit.0 / s, j.start.map(|t| t.0 / s), j.duration.0 / s, j.gpu_milli, j.tasks, j.recorded))
        .collect();
    let day = 86_400 - 10;
    assert_eq!(
        found,
        [
            ("16#2", 0, Some(10), 1, 1000, 1, Recorded::NodeFailed),
            ("12", day, Some(day + 60), 3600, 16_000, 2, Recorded::Finished),
            ("14+1", day, Some(day + 60), 60, 0, 1, Recorded::TimedOut),
            ("13_4", day + 10, Some(day + 20), 20, 4000, 0, Recorded::Killed),
            ("16", day + 10, Some(day + 20), 600, 1000, 1, Recorded::Censored),
        ]
    );
    let first = &trace.jobs[1];
    assert_eq!((first.name.as_deref(), first.cpu_milli, first.memory_mib), (Some("train \"x|a"), 16_000, 65_536));
    assert_eq!((first.estimate, first.time_limit), (Some(Span(86_400 * s)), Some(Span(86_400 * s))));
    assert_eq!((trace.jobs[3].time_limit, trace.jobs[2].time_limit), (None, None));
    assert_eq!(trace.model_sets, [["a100"]]);
    assert_eq!(trace.tenants, ["ml/ann", "unknown/bob", "ml/bob"]);
    assert_eq!(trace.queues, ["gpu", "cpu"]);
    assert_eq!(trace.origin.as_deref(), Some("2024-01-01T00:00:10"));
    assert_eq!(trace.ledger.rows, 9);
    assert_eq!(
        counts(&trace.ledger.dropped),
        [("cancelled before it started", 1), ("never started", 1), ("step of a job", 2)]
    );
    assert_eq!(
        counts(&trace.ledger.changed),
        [
            ("End minus Start is not Elapsed (suspended, or clocks changed): Elapsed is taken", 1),
            ("GPUs are not divided equally among the nodes: a gang without tasks", 1),
            ("a name of the tenant is missing: taken as `unknown`", 1),
            ("component of a heterogeneous job: a job of its own", 1),
            ("still running when sacct was called: run time so far", 1),
            ("the delimiter stands in a name that users write: joined again", 1),
            ("the id occurs again: numbered", 1),
        ]
    );
    assert_eq!(trace.ledger.ignored_columns, ["Priority"]);
}

#[test]
fn few_columns_and_other_forms() {
    let old =
        "JobIDRaw;ElapsedRaw;Submit;AllocGRES;ReqMem;AllocCPUS;State;\n7;90;1700000000;gpu:v100:2;4000Mc;2;FAILED;\n";
    let trace = read_with(old, &[("delimiter", "semicolon")]).unwrap();
    let job = &trace.jobs[0];
    assert_eq!((job.gpu_milli, job.cpu_milli, job.memory_mib, job.tasks, job.start), (2000, 2000, 8000, 0, None));
    assert_eq!(
        (job.duration, job.recorded, &trace.model_sets[0][0]),
        (Span(90_000_000), Recorded::Failed, &"v100".to_owned())
    );
    assert_eq!(trace.origin.as_deref(), Some("2023-11-14T22:13:20"));
    assert_eq!(trace.ledger.changed["GPU models are those it got: what it asked for is not in the file"], 1);
    assert!(trace.ledger.ignored_columns.is_empty());
    let none = read_with(
        "JobID|Submit|Start|End|NNodes|NCPUS\n7|2024-10-27T02:50:00|2024-10-27T02:10:00|2024-10-27T02:05:00|1|8\n",
        &[],
    )
    .unwrap();
    assert_eq!((none.jobs[0].gpu_milli, none.jobs[0].duration), (0, Span(55 * 60_000_000)));
    assert_eq!(none.jobs[0].start, Some(Time(0)));
    assert_eq!(
        counts(&none.ledger.changed),
        [
            ("ends before it starts by at most an hour (clocks went back): an hour added", 1),
            ("no column says GPUs: all jobs are taken as jobs without (counted once)", 1),
            ("starts before its submission by at most an hour (clocks went back): start is submission", 1),
        ]
    );
}

#[test]
fn errors() {
    let row = |start: &str, end: &str, elapsed: &str, limit: &str, tres: &str| {
        error(&format!(
            "JobID|Submit|Start|End|Elapsed|Timelimit|AllocTRES\n1|2024-01-02T00:00:00|{start}|{end}|{elapsed}|{limit}|{tres}\n"
        ))
    };
    let (start, end, span) = ("2024-01-02T00:01:00", "2024-01-02T00:02:00", "00:01:00");
    assert_eq!(
        row("2023-01-01T00:00:00", end, span, "", ""),
        "jobs.txt:2: field `Start`: the job starts before it is submitted | correct one of the times, or leave the row out"
    );
    assert_eq!(
        row(start, "2023-01-01T00:00:00", span, "", ""),
        "jobs.txt:2: field `End`: the job ends before it starts | correct one of the times, or leave the row out"
    );
    assert_eq!(
        row("soon", end, span, "", ""),
        "jobs.txt:2: field `Start`: `soon` is no time | write a Unix time such as 1700000000, or YYYY-MM-DDTHH:MM:SS with \
         or without a zone"
    );
    assert_eq!(
        row("1800000000", end, span, "", ""),
        "jobs.txt:2: field `End`: the job ends before it starts | correct one of the times, or leave the row out"
    );
    assert_eq!(
        error("JobID|Submit|Start|Elapsed|NCPUS\n1|2024-01-02T00:00:00|1800000000|00:01:00|1\n"),
        "jobs.txt: `Submit` has dates without a zone, `Start` has seconds | write all times by one clock: Unix times, or \
         dates with a zone"
    );
    assert_eq!(
        row(start, end, "1:99:00", "", ""),
        "jobs.txt:2: field `Elapsed`: `1:99:00` is no span of time | sacct writes [DAYS-]HOURS:MINUTES:SECONDS"
    );
    assert_eq!(
        row(start, end, span, "tomorrow", ""),
        "jobs.txt:2: field `Timelimit`: `tomorrow` is no span of time | sacct writes [DAYS-]HOURS:MINUTES:SECONDS"
    );
}

#[test]
fn errors_of_lists_and_lines() {
    let row = |tres: &str| {
        error(&format!(
            "JobID|Submit|Start|End|AllocTRES\n\
             1|2024-01-02T00:00:00|2024-01-02T00:01:00|2024-01-02T00:02:00|{tres}\n"
        ))
    };
    let list = "sacct writes lists such as cpu=8,mem=64G,node=1,gres/gpu=8";
    assert_eq!(row("gres/gpu"), format!("jobs.txt:2: field `AllocTRES`: `gres/gpu` is no list of resources | {list}"));
    assert_eq!(
        row("gres/gpu=-1"),
        format!(
            "jobs.txt:2: field `AllocTRES`: `gres/gpu=-1` is no list of resources: a number in it is negative | {list}"
        )
    );
    assert_eq!(
        row("gres/gpu=99999999"),
        "jobs.txt:2: field `AllocTRES`: `gres/gpu=99999999` is too large | check the unit of the column"
    );
    assert_eq!(
        row("gres/gpu=1|x"),
        "jobs.txt:2: the row has 6 fields, the header 5 fields | a name or comment holds the delimiter; export again with \
         another one, such as --delimiter=';;'"
    );
    assert_eq!(
        error("JobID|Submit|Start|End|AllocTRES\n1|2024\n"),
        "jobs.txt:2: the row has 2 fields, the header 5 fields | the line is cut off, or the delimiter is another one"
    );
    assert_eq!(
        error("JobID|State\n1|FAILED\n"),
        "jobs.txt:1: `Submit`, `Elapsed` (or `Start` and `End`), `AllocTRES` missing; found: JobID, State | export with \
         `sacct -a -X -P -o JobID,JobName,User,Account,Partition,State,Submit,Start,End,Elapsed,Timelimit,NNodes,ReqTRES,\
         AllocTRES`; -n leaves out the header, which is needed"
    );
    assert_eq!(
        error("JobID|Submit|Start|End|AllocTRES\n1|2024-01-02T00:00:00|Unknown|Unknown|\n"),
        "jobs.txt: no job is left of 1 row: never started (1) | there must be at least one job below the header"
    );
}

#[test]
fn is_told_by_its_header() {
    assert!(fits(HEAD));
    assert!(fits("\njobid|submit|start|end\n"));
    for text in ["JobID,Submit,Start\n", "a|b|c\n", "JobID|x\n", ""] {
        assert!(!fits(text), "{text}");
    }
}
