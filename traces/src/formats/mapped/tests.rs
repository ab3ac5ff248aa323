//! Small tables, and every error with its text.

use std::io::Write as _;

use super::*;
use crate::input::Options;
use crate::trace::Recorded;

/// Reads a table by a mapping. Its path is written as `MAP` in errors.
fn read_mapped(mapping: &str, text: &str) -> Result<Trace, String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(mapping.as_bytes()).unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    let options = Options::new(vec![("mapping".to_owned(), path.clone())]);
    read(&Input { file: "t.csv", text, options: &options })
        .map_err(|error| format!("{error} | {}", error.hint().unwrap_or_default()).replace(&path, "MAP"))
}

fn error(mapping: &str, text: &str) -> String {
    read_mapped(mapping, text).unwrap_err()
}

fn counts(counts: &std::collections::BTreeMap<String, u64>) -> Vec<(&str, u64)> {
    counts.iter().map(|(cause, count)| (cause.as_str(), *count)).collect()
}

const ALL: &str = r##"
delimiter = ";"
comment = "#"
skip_rows = 2
missing = ["", "NULL"]
repeated_ids = "number"
drop = [
  { column = "gpus_per_node", equals = 0, because = "CPU job" },
  { column = "End", missing = true, because = "still running" },
  { column = "nodes", below = 1, because = "no nodes" },
]
[columns]
job_id = "JobId"
submit = { column = "Submit", unit = "datetime", format = "%d.%m.%Y %H:%M:%S" }
start = { column = "Start", unit = "datetime" }
end = { column = "End", unit = "datetime" }
gpus = { columns = ["nodes", "gpus_per_node"] }
tasks = "nodes"
tenant = { columns = ["group", "user"] }
memory = { column = "mem", unit = "MB", default = 0 }
cpu = { value = 8 }
estimate = { column = "limit", unit = "min" }
preemptible = { value = false }
outcome = { column = "state", values = { OK = "finished", KO = "failed" }, otherwise = "unknown" }
"##;

const TABLE: &str = "\
made by hand
JobId of nobody
JobId;Submit;Start;End;nodes;gpus_per_node;group;user;mem;limit;state;note
# a comment
a;02.01.2024 00:01:00;2024-01-02 00:02:00;2024-01-02T01:02:00;2;8;ml;ann;2.5;90;OK;x
a;02.01.2024 00:00:00;2024-01-02 00:00:00;2024-01-02 00:00:10;1;0.5;ml;NULL;NULL;NULL;??;x
b;02.01.2024 00:00:00;;;1;0;ml;bob;;;OK;x
c;02.01.2024 00:00:00;2024-01-02 00:00:00;NULL;1;1;ml;bob;;;OK;x
d;02.01.2024 00:00:00;2024-01-02 00:00:00;2024-01-02 00:00:00;0;1;ml;bob;;;OK;x
";

#[test]
fn golden() {
    let trace = read_mapped(ALL, TABLE).unwrap();
    let s = 1_000_000;
    let found: Vec<_> = trace
        .jobs
        .iter()
        .map(|j| (&*j.id, j.submit.0 / s, j.start.map(|t| t.0 / s), j.duration.0 / s, j.gpu_milli, j.tasks, j.recorded))
        .collect();
    assert_eq!(
        found,
        [("a#2", 0, Some(0), 10, 500, 1, Recorded::Unknown), ("a", 60, Some(120), 3600, 16_000, 2, Recorded::Finished),]
    );
    let last = &trace.jobs[1];
    assert_eq!((last.cpu_milli, last.memory_mib, last.preemptible), (8000, 2, false));
    assert_eq!(last.estimate, Some(engine::Span(5400 * s)));
    assert_eq!(trace.tenants, ["ml/ann", "ml/unknown"]);
    assert_eq!((trace.format.as_str(), trace.origin.as_deref()), ("mapped", Some("2024-01-02T00:00:00")));
    assert_eq!(trace.ledger.rows, 5);
    assert_eq!(counts(&trace.ledger.dropped), [("CPU job", 1), ("no nodes", 1), ("still running", 1)]);
    assert_eq!(
        counts(&trace.ledger.changed),
        [
            ("a name of the tenant is missing: taken as `unknown`", 1),
            ("memory: rounded to a MiB", 1),
            ("the id occurs again: numbered", 1),
        ]
    );
    assert_eq!(trace.ledger.ignored_columns, ["note"]);
}

#[test]
fn numbers_names_and_origins() {
    let few = "names = ['t', 'n', 'd']\ndelimiter = 'space'\n[columns]\nsubmit = { column = 't', unit = 'ms' }\n\
               gpus = { column = 'n', unit = 'milli' }\nduration = { column = 'd', unit = 'h' }\n";
    let table = "1700000001000 250  0.5\n1700000000500 2000 1\n";
    let trace = read_mapped(few, table).unwrap();
    let found: Vec<_> = trace.jobs.iter().map(|j| (&*j.id, j.submit.0, j.duration.0, j.gpu_milli)).collect();
    assert_eq!(found, [("row-2", 0, 3_600_000_000, 2000), ("row-1", 500_000, 1_800_000_000, 250)]);
    assert_eq!(trace.origin.as_deref(), Some("2023-11-14T22:13:20.5"));
    assert_eq!(trace.ledger.changed["id from row number (counted once)"], 1);
    let zero = read_mapped(&format!("origin = 'zero'\n{few}"), table).unwrap();
    assert_eq!((zero.jobs[0].submit.0, zero.origin.as_deref()), (1_700_000_000_500_000, Some("1970-01-01T00:00:00")));
    let small = read_mapped(few, "5000 1000 1\n9000 1000 1\n").unwrap();
    assert_eq!((small.jobs[0].submit.0, small.origin), (5_000_000, None));
    assert_eq!(
        error(few, "1 2 3\n1 2\n"),
        "t.csv:2: the row has 2 fields, the mapping names 3 | the line is cut off, the delimiter is another one, or \
         `names` lacks a column"
    );
}

#[test]
fn errors_of_the_mapping() {
    let columns = |more: &str| format!("[columns]\nsubmit = 't'\ngpus = 'g'\nduration = 'd'\n{more}\n");
    let table = "t,g,d\n1,2,3\n";
    let of = |mapping: &str| error(mapping, table);
    let with = |more: &str| of(&columns(more));
    let known = "did you mean `queue`?";
    assert_eq!(with("queu = 't'"), format!("MAP:5: field `queu`: no such key | {known}"));
    assert_eq!(with("queue = { colum = 't' }"), "MAP:5: field `colum`: no such key | did you mean `column`?");
    assert_eq!(
        with("queue = { column = 't', value = 'x' }"),
        "MAP:5: field `queue`: one of column, columns and value is needed | name a column of the source, several, or a \
         value for all rows"
    );
    assert_eq!(
        with("estimate = { column = 't', unit = 'weeks' }"),
        "MAP:5: field `estimate`: `weeks` is no unit of `estimate` | the units are s, ms, us, ns, min, h, d"
    );
    assert_eq!(
        with("start = { column = 't', unit = 'datetime' }"),
        "MAP:5: field `start`: some points in time are dates, others are numbers | submit, start, end and deadline must \
         be by one clock"
    );
    assert_eq!(
        with("start = { column = 't', format = '%Y' }"),
        "MAP:5: field `start`: a format goes with dates only | add unit = \"datetime\""
    );
    assert_eq!(
        with("estimate = { columns = ['t', 'g'] }"),
        "MAP:5: field `estimate`: a time is in one column | name one column"
    );
    assert_eq!(
        with("name = { column = 't', otherwise = 'x' }"),
        "MAP:5: field `name`: `otherwise` goes with `values` only | add `values`, or use `default`"
    );
    assert_eq!(
        with("name = 'nam'"),
        "MAP:5: field `name`: no column of t.csv is called `nam` | the columns are t, g, d"
    );
    assert_eq!(
        with("end = 't'"),
        "MAP: field `columns`: the mapping needs either `duration`, or both `start` and `end` | with start and end, the \
         run time is their difference"
    );
    assert_eq!(
        of("[columns]\nsubmit = 't'\n"),
        "MAP: field `columns`: the mapping lacks `gpus` | submit, gpus, and duration (or start and end) are needed"
    );
    assert_eq!(
        of(&format!("delimiter = 'ab'\n{}", columns(""))),
        "MAP:1: field `delimiter`: `ab` is not one character | write one character, tab or space"
    );
    assert_eq!(
        of(&format!("drop = [{{ column = 't', because = 'x' }}]\n{}", columns(""))),
        "MAP:1: field `drop`: a rule needs one of equals, below and missing | such as { column = \"gpus\", equals = \"0\", \
         because = \"CPU job\" }"
    );
    assert_eq!(of("delimter = ','\n[columns]\n"), "MAP:1: field `delimter`: no such key | did you mean `delimiter`?");
    assert!(of("[columns\n").starts_with("MAP:1: "), "{}", of("[columns\n"));
    assert_eq!(of(""), "MAP: the file is empty | it needs a header line and rows below it");
    let none = read(&Input { file: "t.csv", text: table, options: &Options::default() }).unwrap_err();
    assert_eq!(
        format!("{none} | {}", none.hint().unwrap()),
        "t.csv: a mapping is needed, a TOML file that says which column means what | write mapped:t.csv[mapping=FILE.toml]"
    );
}

#[test]
fn errors_of_the_rows() {
    let mapping = "missing = ['', '-1']\n[columns]\nsubmit = 'at'\nstart = 'from'\nend = 'to'\ngpus = 'n'\n\
                   outcome = { column = 's', values = { ok = 'finished' } }\npriority = 'p'\n";
    let row = |row: &str| error(mapping, &format!("at,from,to,n,s,p\n{row}\n"));
    let number = "write a plain decimal number such as 12 or 12.5, without unit or separators";
    assert_eq!(row("1,2,3,x,ok,1"), format!("t.csv:2: field `n`: `x` is not a number | {number}"));
    assert_eq!(
        row("-1,2,3,1,ok,1"),
        "t.csv:2: field `at`: the row has no value for `submit` | give the key a `default` in the mapping, or add a rule \
         to `drop` such rows"
    );
    assert_eq!(
        row("1,5,3,1,ok,1"),
        "t.csv:2: field `to`: the job ends before it starts | correct one of the times, or leave the row out"
    );
    assert_eq!(
        row("4,2,3,1,ok,1"),
        "t.csv:2: field `from`: the job starts before it is submitted | correct one of the times, or leave the row out"
    );
    assert_eq!(
        row("1,2,3,1,bad,1"),
        "t.csv:2: field `s`: `bad` is not among the values of `outcome` | the mapping knows ok; add it, or an `otherwise`"
    );
    assert_eq!(
        row("1,2,3,1.5,ok,1"),
        "t.csv:2: field `n`: `1.5` is neither a whole number nor a part of one GPU | write a whole number of GPUs, or a \
         part of one GPU such as 0.25; parts to a thousandth count"
    );
    assert!(row("1,2,3,1,ok,high").starts_with("t.csv:2: field `p`: `high` is not a number"));
    assert!(row("1,2,3,-2,ok,1").starts_with("t.csv:2: field `n`: `-2` is negative"));
    assert_eq!(
        row("1,2,3,1"),
        "t.csv:2: the row has 4 fields, the header 6 fields | the line is cut off, or the delimiter is another one"
    );
    let dated =
        "[columns]\nsubmit = { column = 't', unit = 'datetime' }\ngpus = { value = 1 }\nduration = { value = 5 }\n";
    assert_eq!(
        error(dated, "t\nnoon\n"),
        "t.csv:2: field `t`: `noon` is not a date and time | write YYYY-MM-DDTHH:MM:SS, or give a `format` in the mapping"
    );
    assert_eq!(
        error(dated, "t\n2024-01-01 00:00\n2024-01-01T00:00:00Z\n"),
        "t.csv:3: field `t`: a date with a zone stands beside dates without | write all dates with a zone, or all without"
    );
    let dropped = format!("drop = [{{ column = 't', missing = true, because = 'no date' }}]\n{dated}");
    assert_eq!(
        error(&dropped, "t,u\n,1\n"),
        "t.csv: no job is left of 1 row: no date (1) | there must be at least one job below the header"
    );
}
