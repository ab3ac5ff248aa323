//! A trace in memory: the one form that every reader makes and every writer takes.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use compact_str::CompactString;
use engine::{Span, Time};

use crate::details::{Details, Sparse};
use crate::error::TraceError;

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
    /// Sets of allowed GPU model names; [`Details::models`] indexes them.
    pub model_sets: Vec<Vec<String>>,
    /// Names of queues (partitions, virtual clusters); [`Details::queue`] indexes them.
    pub queues: Vec<String>,
    /// Kinds of training jobs; [`Details::job_type`] indexes them.
    pub job_types: Vec<JobType>,
    /// Where the run times come from.
    pub run_times: RunTimes,
    /// The GPU model on which the run times were measured or computed, where the source says so.
    pub measured_on: Option<String>,
    /// What happened to rows on the way in.
    pub ledger: Ledger,
    /// What was done to the trace before it came here, and after it was read; the oldest first.
    pub history: Vec<Step>,
}

impl Trace {
    /// The steps of the history that the ledger does not tell: all but the reading of the file at hand.
    pub fn other_steps(&self) -> impl Iterator<Item = &Step> {
        let Ledger { rows, dropped, changed, .. } = &self.ledger;
        self.history.iter().filter(move |step| !step.is_reading(*rows, dropped, changed))
    }

    /// Whether the trace can be replayed: an error where nobody knows the run times.
    pub fn check_run_times(&self) -> Result<(), TraceError> {
        if self.run_times != RunTimes::Unknown {
            return Ok(());
        }
        let error =
            TraceError::new(&self.source, "the run times of this trace are not known, so it cannot be replayed");
        Err(error.with_hint(match self.format.as_str() {
            "gavel" => "give the table they follow from: PATH[throughputs=FILE,on=MODEL]",
            "openb" => "the list has no times, only an order of arrival; take a pod list with times",
            _ => "they follow from profiles of the jobs, which only `trace info` does without",
        }))
    }
}

/// One job of a trace. What many sources do not say is in its [`Details`], whose fields read and write like its own: a
/// trace of millions of jobs without details takes a third of the memory.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceJob {
    /// Identifier in the source; unique in the trace. Up to 24 bytes need no allocation.
    pub id: CompactString,
    /// Submission, from the origin of the trace.
    pub submit: Time,
    /// Run time on the GPUs asked for: the truth that only clairvoyant policies see.
    pub duration: Span,
    /// GPUs of the gang in thousandths: a multiple of 1000, or below 1000 for a part of one GPU, or 0.
    pub gpu_milli: u32,
    /// Index in [`Trace::tenants`].
    pub tenant: u32,
    /// Higher goes first.
    pub priority: i32,
    /// Whether a policy may preempt it.
    pub preemptible: bool,
    /// How it ended in the source.
    pub recorded: Recorded,
    /// The rest.
    pub details: Sparse<Details>,
}

impl Deref for TraceJob {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.details
    }
}

impl DerefMut for TraceJob {
    fn deref_mut(&mut self) -> &mut Details {
        &mut self.details
    }
}

impl TraceJob {
    /// A job about which nothing else is known: tenant 0, priority 0, preemptible.
    pub fn plain(id: impl Into<CompactString>, submit: Time, duration: Span, gpu_milli: u32) -> Self {
        Self {
            id: id.into(),
            submit,
            duration,
            gpu_milli,
            tenant: 0,
            priority: 0,
            preemptible: true,
            recorded: Recorded::Unknown,
            details: Sparse::NONE,
        }
    }
}

/// Where the run times of a trace come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunTimes {
    /// The source has them.
    #[default]
    Recorded,
    /// They follow from the steps of the jobs and a table of throughput.
    Computed,
    /// Nobody knows: the source has none, and every [`TraceJob::duration`] is 0. Such a trace can be described, not
    /// replayed.
    Unknown,
}

/// What a job trains.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct JobType {
    /// Name of the model or application, such as `ResNet-18`.
    pub name: String,
    /// Samples of a step, as the source counts them: of all GPUs, or of each.
    pub batch_size: Option<u32>,
    /// How the batch size changes while it trains: `static`, `accordion`, `gns`.
    pub batch_mode: Option<String>,
}

/// One thing that was done to a trace: reading, a filter, a transformation.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Step {
    /// What, such as `filter=sia` or `read philly:jobs.csv`.
    pub what: String,
    /// Jobs before.
    pub before: u64,
    /// Jobs after.
    pub after: u64,
    /// Rows or jobs left out, by cause.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dropped: BTreeMap<String, u64>,
    /// Rows or jobs changed, by cause.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub changed: BTreeMap<String, u64>,
}

impl Step {
    /// How `trace` came out of its source: the counts of its ledger.
    pub(crate) fn read(trace: &Trace) -> Self {
        Self {
            what: format!("read {}:{}", trace.format, trace.source),
            before: trace.ledger.rows,
            after: trace.jobs.len() as u64,
            dropped: trace.ledger.dropped.clone(),
            changed: trace.ledger.changed.clone(),
        }
    }
}

impl Step {
    /// Whether it is the reading of a file of so many rows, to which just this was done.
    pub fn is_reading(&self, rows: u64, dropped: &BTreeMap<String, u64>, changed: &BTreeMap<String, u64>) -> bool {
        self.what.starts_with("read ") && self.before == rows && self.dropped == *dropped && self.changed == *changed
    }
}

impl std::fmt::Display for Step {
    /// What, then the counts: `filter=sia: 9 to 7; left out: shorter than 60 s (2)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} to {}", self.what, self.before, self.after)?;
        for (counts, what) in [(&self.dropped, "left out"), (&self.changed, "changed")] {
            let causes: Vec<String> = counts.iter().map(|(cause, count)| format!("{cause} ({count})")).collect();
            if !causes.is_empty() {
                write!(f, "; {what}: {}", causes.join(", "))?;
            }
        }
        Ok(())
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
    /// Somebody killed it.
    Killed,
    /// It ran into its time limit.
    TimedOut,
    /// Its node failed.
    NodeFailed,
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
        count(&mut self.dropped, cause);
    }

    /// Counts one row kept with a changed or guessed value.
    pub fn change_row(&mut self, cause: &str) {
        count(&mut self.changed, cause);
    }
}

/// Adds one, without making a text for a cause that is already there.
fn count(counts: &mut BTreeMap<String, u64>, cause: &str) {
    match counts.get_mut(cause) {
        Some(count) => *count += 1,
        None => drop(counts.insert(cause.to_owned(), 1)),
    }
}
