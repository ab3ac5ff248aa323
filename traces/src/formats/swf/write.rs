//! SWF out of a trace. What SWF cannot hold is counted, and said in `; Note:` lines.

use std::fmt::Write as _;
use std::io::Write;

use engine::Span;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::fields::FIELDS;
use crate::canonical::{queue_name, tenant_name, used_columns};
use crate::decimal;
use crate::schema::TENANT_DEFAULT;
use crate::trace::{Ledger, Recorded, Trace, TraceJob};

mod numbers;

use numbers::{Numbers, Tenants};

/// Columns of the canonical form that have no place in SWF.
const NO_PLACE: [&str; 11] = [
    "priority",
    "preemptible",
    "deadline_s",
    "cpu",
    "models",
    "tasks",
    "job_type",
    "batch_size",
    "batch_mode",
    "steps",
    "weight",
];

/// Writes a trace in the Standard Workload Format, version 2.2: one GPU as one processor, the estimate as requested
/// time, tenants, queues and names as numbers. Times that are no whole seconds keep their decimals, which the
/// definition allows.
///
/// The ledger says what was lost: `rows` are the jobs of the trace, `ignored_columns` the columns of the canonical
/// form without a place in SWF.
pub fn write_swf(trace: &Trace, mut out: impl Write) -> std::io::Result<Ledger> {
    let mut ledger = Ledger { rows: trace.jobs.len() as u64, ..Ledger::default() };
    ledger.ignored_columns =
        used_columns(trace).into_iter().filter(|name| NO_PLACE.contains(name)).map(str::to_owned).collect();
    let jobs: Vec<&TraceJob> = trace.jobs.iter().filter(|job| job.gpu_milli > 0).collect();
    for _ in jobs.len()..trace.jobs.len() {
        ledger.drop_row("a job without GPUs");
    }
    let mut lines = Lines::new(trace, &jobs);
    let mut body = String::new();
    for job in &jobs {
        lines.push(job, &mut body, &mut ledger);
    }
    out.write_all(head(trace, &jobs, &lines, &ledger).as_bytes())?;
    out.write_all(body.as_bytes())?;
    out.flush()?;
    Ok(ledger)
}

/// The comments.
fn head(trace: &Trace, jobs: &[&TraceJob], lines: &Lines<'_>, ledger: &Ledger) -> String {
    let mut head = "; Version: 2.2\n".to_owned();
    let _ = writeln!(head, "; MaxJobs: {0}\n; MaxRecords: {0}", jobs.len());
    if let Some(origin) = trace.origin.as_deref().and_then(|text| text.parse::<DateTime>().ok())
        && let Ok(start) = TimeZone::UTC.to_timestamp(origin)
    {
        let _ = writeln!(head, "; UnixStartTime: {}\n; TimeZoneString: UTC", start.as_second());
        let _ = writeln!(head, "; StartTime: {}", origin.strftime("%a %b %d %H:%M:%S UTC %Y"));
    }
    let processors = jobs.iter().map(|job| processors(job)).max().unwrap_or(0);
    let _ = writeln!(head, "; MaxProcs: {processors}");
    let _ = writeln!(head, "; Note: one processor is one GPU");
    for (number, name) in lines.queues.named() {
        let _ = writeln!(head, "; Queue: {number} {}", plain_name(name));
    }
    for (cause, count) in ledger.dropped.iter().chain(&ledger.changed) {
        let _ = writeln!(head, "; Note: {cause} ({count})");
    }
    if !ledger.ignored_columns.is_empty() {
        let _ = writeln!(head, "; Note: not in this file: {}", ledger.ignored_columns.join(" "));
    }
    head
}

/// A name as one word, without the marks that mean something in the comments.
fn plain_name(name: &str) -> String {
    let plain = |c: char| if c.is_whitespace() || c.is_control() || "[]:;".contains(c) { '_' } else { c };
    name.chars().map(plain).collect()
}

fn processors(job: &TraceJob) -> u32 {
    job.gpu_milli.div_ceil(1000)
}

/// Jobs on their way to lines.
struct Lines<'a> {
    trace: &'a Trace,
    ids: Numbers<'a>,
    names: Numbers<'a>,
    queues: Numbers<'a>,
    tenants: Tenants<'a>,
    written: usize,
}

impl<'a> Lines<'a> {
    fn new(trace: &'a Trace, jobs: &[&'a TraceJob]) -> Self {
        Self {
            trace,
            ids: Numbers::of(jobs.iter().map(|job| &*job.id), ""),
            names: Numbers::of(jobs.iter().filter_map(|job| job.name.as_deref()), "app"),
            queues: Numbers::of(jobs.iter().filter_map(|job| queue_name(trace, job)), "queue"),
            tenants: Tenants::of(jobs.iter().map(|job| tenant_name(trace, job)).filter(|name| *name != TENANT_DEFAULT)),
            written: 0,
        }
    }

    fn push(&mut self, job: &TraceJob, body: &mut String, ledger: &mut Ledger) {
        self.written += 1;
        self.note(job, ledger);
        let mut fields: [Option<u64>; FIELDS] = [None; FIELDS];
        let processors = processors(job);
        let requested = job.estimate.or(job.time_limit);
        let wait = job.start.filter(|start| *start >= job.submit).map(|start| start.since(job.submit));
        fields[0] = Some(self.ids.of_name(&job.id).unwrap_or(self.written as u64));
        fields[4] = Some(u64::from(processors));
        fields[7] = fields[4];
        fields[9] = (job.memory_mib > 0).then(|| kib_a_processor(job.memory_mib, processors));
        fields[10] = status(job.recorded);
        (fields[12], fields[11]) = self.tenants.of_path(tenant_name(self.trace, job));
        fields[13] = job.name.as_deref().and_then(|name| self.names.of_name(name));
        fields[14] = queue_name(self.trace, job).and_then(|name| self.queues.of_name(name));
        let times =
            [(1, Some(job.submit.0)), (2, wait.map(|s| s.0)), (3, Some(job.duration.0)), (8, requested.map(|s| s.0))];
        for (at, field) in fields.iter().enumerate() {
            let micros = times.iter().find(|(field, _)| *field == at).and_then(|(_, micros)| *micros);
            let text = micros.map(|micros| decimal::text(micros, 6)).or_else(|| field.map(|n| n.to_string()));
            let _ = write!(body, "{}{}", if at == 0 { "" } else { " " }, text.as_deref().unwrap_or("-1"));
        }
        body.push('\n');
    }

    /// Counts what is written as something else.
    fn note(&self, job: &TraceJob, ledger: &mut Ledger) {
        let mut note = |holds: bool, cause: &str| {
            if holds {
                ledger.change_row(cause);
            }
        };
        let requested = job.estimate.or(job.time_limit);
        let processors = processors(job);
        let kib = kib_a_processor(job.memory_mib, processors);
        let mib = (u128::from(kib) * u128::from(processors) + 512) / 1024;
        note(!self.ids.kept(), "id: written as a number");
        note(!job.gpu_milli.is_multiple_of(1000), "parts of a GPU: rounded up to whole processors");
        note(job.start.is_some_and(|start| start < job.submit), "start before the submission: not written");
        note(job.estimate.is_none() && job.time_limit.is_some(), "time limit: written as the requested time");
        note(requested != job.time_limit && job.time_limit.is_some(), "time limit beside an estimate: not written");
        note(mib != u128::from(job.memory_mib), "memory: rounded to a KB a processor");
        note(
            matches!(job.recorded, Recorded::TimedOut | Recorded::NodeFailed),
            "timed out or node failed: written as failed",
        );
        note(job.recorded == Recorded::Censored, "cut off: written as unknown status");
        note(job.name.is_some() && !self.names.kept(), "name: written as an application number");
        let tenant = tenant_name(self.trace, job);
        note(tenant != TENANT_DEFAULT && !self.tenants.kept(), "tenant: written as numbers of group and user");
        let queue = queue_name(self.trace, job);
        note(queue.is_some_and(|name| plain_name(name) != name), "queue: blanks, brackets and colons written as _");
        let whole = [Some(job.submit.0), job.start.map(|t| t.0), Some(job.duration.0), requested.map(|Span(us)| us)];
        let fraction = whole.iter().flatten().any(|micros| micros % 1_000_000 != 0);
        note(fraction, "times with parts of a second: written with decimals, which some programs refuse");
    }
}

fn kib_a_processor(memory_mib: u32, processors: u32) -> u64 {
    let (kib, processors) = (u64::from(memory_mib) * 1024, u64::from(processors.max(1)));
    (kib + processors / 2) / processors
}

fn status(recorded: Recorded) -> Option<u64> {
    match recorded {
        Recorded::Finished => Some(1),
        Recorded::Failed | Recorded::TimedOut | Recorded::NodeFailed => Some(0),
        Recorded::Killed => Some(5),
        Recorded::Unknown | Recorded::Censored => None,
    }
}
