//! A trace in memory: the one form that every reader makes and every writer takes.

use std::collections::BTreeMap;

use engine::{Span, Time};

/// A recorded or generated workload.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// Where it came from: a path, or the text `synthetic:NAME[...]`.
    pub source: String,
    /// Name of the format, such as `canonical`, `openb`, `philly`, `synthetic`.
    pub format: String,
    /// What the clock showed at time zero (civil time, no zone), where the source says so.
    pub origin: Option<String>,
    /// Jobs by (submit, order in the source).
    pub jobs: Vec<TraceJob>,
    /// Tenant paths such as `org/team/user`; [`TraceJob::tenant`] indexes them. Never empty when there are jobs.
    pub tenants: Vec<String>,
    /// Sets of allowed GPU model names; [`TraceJob::models`] indexes them.
    pub model_sets: Vec<Vec<String>>,
    /// What happened to rows on the way in.
    pub ledger: Ledger,
}

/// One job of a trace.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceJob {
    /// Identifier in the source; unique in the trace.
    pub id: Box<str>,
    /// Submission, from the origin of the trace.
    pub submit: Time,
    /// Run time on the GPUs asked for: the truth that only clairvoyant policies see.
    pub duration: Span,
    /// GPUs of the gang in thousandths: a multiple of 1000, or below 1000 for a part of one GPU, or 0.
    pub gpu_milli: u32,
    /// CPU of the whole gang in thousandths of a core; 0 when the trace says nothing.
    pub cpu_milli: u32,
    /// Main memory of the whole gang in MiB; 0 when the trace says nothing.
    pub memory_mib: u32,
    /// Index in [`Trace::model_sets`]; `None`: any model.
    pub models: Option<u32>,
    /// Index in [`Trace::tenants`].
    pub tenant: u32,
    /// Higher goes first.
    pub priority: i32,
    /// Whether a policy may preempt it.
    pub preemptible: bool,
    /// The user's estimate of the run time.
    pub estimate: Option<Span>,
    /// Time limit of one attempt.
    pub time_limit: Option<Span>,
    /// When the user wants it finished.
    pub deadline: Option<Time>,
    /// How it ended in the source.
    pub recorded: Recorded,
}

impl TraceJob {
    /// A job about which nothing else is known: tenant 0, priority 0, preemptible.
    pub fn plain(id: impl Into<Box<str>>, submit: Time, duration: Span, gpu_milli: u32) -> Self {
        Self {
            id: id.into(),
            submit,
            duration,
            gpu_milli,
            cpu_milli: 0,
            memory_mib: 0,
            models: None,
            tenant: 0,
            priority: 0,
            preemptible: true,
            estimate: None,
            time_limit: None,
            deadline: None,
            recorded: Recorded::Unknown,
        }
    }
}

/// How a job ended where the trace was recorded. A replay runs every job to its recorded duration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Recorded {
    /// The source says nothing.
    #[default]
    Unknown,
    /// It finished its work.
    Finished,
    /// It failed.
    Failed,
    /// Somebody or a limit killed it.
    Killed,
    /// It still ran, or never ran, when the recording ended.
    Censored,
}

/// Rows read, and what was done to them, by cause. Nothing is dropped, clipped or guessed without an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Data rows in the source (blank lines are not rows).
    pub rows: u64,
    /// Rows left out, by cause.
    pub dropped: BTreeMap<String, u64>,
    /// Rows kept with a changed or guessed value, by cause.
    pub changed: BTreeMap<String, u64>,
    /// Columns of the source that were not used.
    pub ignored_columns: Vec<String>,
}

impl Ledger {
    /// Counts one dropped row.
    pub fn drop_row(&mut self, cause: &str) {
        *self.dropped.entry(cause.to_owned()).or_default() += 1;
    }

    /// Counts one row kept with a changed or guessed value.
    pub fn change_row(&mut self, cause: &str) {
        *self.changed.entry(cause.to_owned()).or_default() += 1;
    }
}
