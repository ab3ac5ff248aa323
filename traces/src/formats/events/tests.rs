//! Small exports, gangs that restart, and every error with its text.

use engine::{Span, Time};

use super::*;
use crate::input::Options;
use crate::trace::Recorded;

fn read_text(text: &str) -> Result<Trace, TraceError> {
    read(&Input { file: "pods.csv", text, options: &Options::default() })
}

fn error(text: &str) -> String {
    let error = read_text(text).unwrap_err();
    format!("{error} | {}", error.hint().unwrap_or_default())
}

fn counts(counts: &BTreeMap<String, u64>) -> Vec<(&str, u64)> {
    counts.iter().map(|(cause, count)| (cause.as_str(), *count)).collect()
}

#[test]
fn golden() {
    let head = "namespace,job,user,pod,node,gpus,gpu_model,cpu,memory,created,start,end,phase,reason,priority,priority_class,queue\n";
    let rows = "\
        ml,bert,ann,bert-0,n0,8,A100,500m,64Gi,1700000000,1700000010,1700000110,Succeeded,,5,high,train\n\
        ml,bert,ann,bert-1,n1,8,A100,1.5,68719476736,1700000001,1700000020,1700000110,Failed,OOMKilled,5,high,train\n\
        ml,bert,ann,bert-launcher,n1,,,1,1Gi,1700000000,1700000005,1700000100,Succeeded,,5,high,train\n\
        ml,eval,bob,eval-x,n2,0.5,V100,,,1700000100,1700000100,,Running,,,,\n\
        ml,eval,bob,eval-y,n2,0.5,T4,,,1700000100,,,Pending,,,,\n\
        cv,bert,,b-0,n0,0,NaN,1,1Gi,1700000050,1700000060,1700000070,Failed,Evicted,,,\n";
    let trace = read_text(&format!("{head}{rows}")).unwrap();
    let s = 1_000_000;
    let found: Vec<_> = trace
        .jobs
        .iter()
        .map(|j| (&*j.id, j.submit.0 / s, j.start.map(|t| t.0 / s), j.duration.0 / s, j.gpu_milli, j.tasks, j.recorded))
        .collect();
    assert_eq!(
        found,
        [
            ("ml/bert", 0, Some(20), 90, 16_000, 2, Recorded::Failed),
            ("cv/bert", 50, Some(60), 10, 0, 1, Recorded::Killed),
            ("ml/eval", 100, Some(100), 10, 500, 1, Recorded::Censored),
        ]
    );
    let bert = &trace.jobs[0];
    assert_eq!((bert.cpu_milli, bert.memory_mib, bert.priority), (3000, 2 * 65_536 + 1024, 5));
    assert_eq!((bert.name.as_deref(), bert.queue, bert.models), (Some("bert"), Some(0), Some(0)));
    assert_eq!(trace.tenants, ["ml/ann", "ml/bob", "cv/unknown"]);
    assert_eq!(
        (trace.model_sets, trace.queues),
        (vec![vec!["A100".to_owned()], vec!["V100".to_owned()]], vec!["train".to_owned()])
    );
    assert_eq!(trace.origin.as_deref(), Some("2023-11-14T22:13:20"));
    assert_eq!(trace.ledger.rows, 6);
    assert_eq!(
        counts(&trace.ledger.dropped),
        [("a further pod of a gang: joined with its job", 2), ("the pod never started", 1)]
    );
    assert_eq!(
        counts(&trace.ledger.changed),
        [
            ("a name of the tenant is missing: taken as `unknown`", 1),
            ("pods without GPUs in a gang with GPUs: not counted as tasks", 1),
            ("still running at the end of the file: run time so far", 1),
        ]
    );
    assert_eq!(trace.ledger.ignored_columns, ["priority_class"]);
}

#[test]
fn restarts_make_no_larger_gang() {
    let rows = "\
        j,j-0-aa,n0,100,200\nj,j-1-aa,n1,100,200\n\
        j,j-0-bb,n0,250,300\nj,j-1-bb,n1,260,300\n\
        j,j-1-bb,n1,260,300\nj,j-0-bb,n0,299,400\nj,j-0-bb,n0,400,410\n";
    let trace = read_text(&format!("job,pod,node,start,end\n{rows}")).unwrap();
    let job = &trace.jobs[0];
    assert_eq!(
        (job.gpu_milli, job.tasks, job.submit, job.start),
        (2000, 2, Time(100_000_000), Some(Time(100_000_000)))
    );
    assert_eq!(job.duration, Span(260_000_000), "100 + 160, without the 50 between");
    assert_eq!((trace.origin.as_ref(), trace.ledger.rows), (None, 7));
    assert_eq!(
        counts(&trace.ledger.dropped),
        [
            ("a further pod of a gang: joined with its job", 1),
            ("a pod that ran again or in the place of another: joined with its job", 3),
            ("the same pod at the same time: one run", 2),
        ]
    );
    assert_eq!(
        counts(&trace.ledger.changed),
        [
            ("no column gpus: one GPU a pod (counted once)", 1),
            ("no time of creation: submitted when its first pod started", 1),
            ("stopped and ran again: the time between is no run time", 1),
        ]
    );
}

#[test]
fn pods_that_ended_nobody_knows_when() {
    let text =
        "job,pod,node,start,end,phase,reason\nj,a,n,1,5,Succeeded,\nj,b,n,1,,Failed,Evicted\nk,c,n,1,,Running,\n";
    let trace = read_text(text).unwrap();
    assert_eq!((trace.jobs.len(), trace.jobs[0].tasks), (2, 1));
    assert_eq!(counts(&trace.ledger.dropped), [("the pod ended, and nothing says when", 1)]);
}

#[test]
fn unequal_pods_and_dates() {
    let text = "job,pod,node,start,end,gpus\n\
                j,a,n,2024-01-01T00:00:00Z,2024-01-01T01:00:00Z,1\nj,b,n,2024-01-01T01:00:00+01:00,2024-01-01T02:00:00+01:00,0.25\n";
    let trace = read_text(text).unwrap();
    assert_eq!((trace.jobs[0].gpu_milli, trace.jobs[0].tasks, trace.jobs[0].duration), (2000, 0, Span(3_600_000_000)));
    assert_eq!(trace.origin.as_deref(), Some("2024-01-01T00:00:00"));
    assert_eq!(trace.ledger.changed["pods of one gang with different GPUs: a gang without tasks"], 1);
    assert_eq!(trace.ledger.changed["parts of GPUs in a gang without tasks: rounded up to whole GPUs"], 1);
}

#[test]
fn a_creation_before_1970_beside_unix_times() {
    let text = "job,pod,node,start,end,created\nj,p,n,100,200,1969-12-31T23:59:50Z\n";
    let trace = read_text(text).unwrap();
    assert_eq!((trace.jobs[0].submit, trace.jobs[0].start), (Time(0), Some(Time(110_000_000))));
    assert_eq!(trace.origin.as_deref(), Some("1969-12-31T23:59:50"));
}

#[test]
fn errors() {
    let row = |row: &str| error(&format!("job,pod,node,start,end,gpus,cpu,phase\n{row}\n"));
    assert_eq!(
        row("j,p,n,20,10,1,1,"),
        "pods.csv:2: field `end`: the pod ends before it starts | correct one of the times, or leave the row out"
    );
    assert_eq!(
        row("j,p,n,20,30,1.5,1,"),
        "pods.csv:2: field `gpus`: `1.5` is neither a whole number nor a part of one GPU | write 8, or 0.5; parts to a \
         thousandth count"
    );
    assert_eq!(
        row("j,p,n,20,30,1,4cores,"),
        "pods.csv:2: field `cpu`: `4cores` is no quantity | write a number, or a quantity of Kubernetes such as 500m or 64Gi"
    );
    assert_eq!(
        row("j,p,n,20,30,1,1,Done"),
        "pods.csv:2: field `phase`: `Done` is no phase of a pod | the phases are Pending, Running, Succeeded, Failed, Unknown"
    );
    assert_eq!(
        row("j,p,n,20,30,1,1,\nj,q,n,1700000000000,1700000000001,1,1,"),
        "pods.csv:3: field `start`: `1700000000000` is of milliseconds, but line 2 is of seconds | write all times of a \
         column in one way"
    );
    assert_eq!(
        row("j,p,n,20,2024-01-01 00:00:00,1,1,"),
        "pods.csv: `end` has dates without a zone, `start` has seconds | write all times by one clock: Unix times, or \
         dates with a zone"
    );
    assert_eq!(
        row("j,p,n,-1,2,1,1,"),
        "pods.csv:2: field `start`: `-1` is negative | the least is 0; correct the value, or leave the row out"
    );
    assert_eq!(
        row("<none>,p,n,1,2,1,1,"),
        "pods.csv:2: field `job`: the pod belongs to no job | leave such rows out of the export"
    );
    assert_eq!(row(",p,n,1,2,1,1,"), "pods.csv:2: field `job`: the value is empty | every row needs a value for `job`");
    assert_eq!(
        row("j,p,n,,2,1,1,"),
        "pods.csv: no job is left of 1 row: the pod never started (1) | there must be at least one job below the header"
    );
    assert_eq!(
        error("job,pod,node,start,end,gpus\nj,p,n,1,2,4000000\nj,q,n,1,2,4000000\n"),
        "pods.csv:2: field `gpus`: the sum over the pods of this job is too large | check the unit of the column"
    );
    assert_eq!(
        error("job,pod,node,start,end,created\nj,p,n,1,2,5\n"),
        "pods.csv:2: field `created`: the pod is created after it starts | correct one of the times, or leave the row out"
    );
    assert_eq!(
        error("job,pod,node,start,end,created,submit\n"),
        "pods.csv:1: columns `created` and `submit` say the same thing | keep one of the two"
    );
}
