//! The table of all metrics: names by the conventions of Prometheus, base units, `_total` for what only grows.

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows while the server lives.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Values in buckets, with their sum and their number.
    Histogram,
}

impl Kind {
    /// The word that Prometheus uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric with its labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Names of its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

macro_rules! families {
    ($($id:ident: $kind:ident, $name:literal, $labels:expr, $help:literal;)*) => {
        $(pub(super) const $id: Family = Family { name: $name, kind: Kind::$kind, labels: &$labels, help: $help };)*

        /// All of them, by name.
        pub const FAMILIES: &[Family] = &[$($id),*];
    };
}

families! {
    PROCESS_CPU: Counter, "process_cpu_seconds_total", [], "CPU time that the server has used";
    PROCESS_FDS_MAX: Gauge, "process_max_fds", [], "Most files that the server may have open";
    PROCESS_FDS: Gauge, "process_open_fds", [], "Files that the server has open";
    PROCESS_MEMORY: Gauge, "process_resident_memory_bytes", [], "Main memory that the server holds";
    PROCESS_START: Gauge, "process_start_time_seconds", [], "When the server was started, in seconds since 1970";
    BUILD: Gauge, "trainyard_build_info", ["policy", "version"], "Always 1; the labels say what runs";
    CHANGES: Counter, "trainyard_changes_total", ["outcome", "verb"],
        "What people asked to be changed, by what became of it: done, or the code of the refusal";
    CONNECTIONS: Gauge, "trainyard_connections", [], "Open connections of the API";
    DECISIONS: Counter, "trainyard_decisions_total", [], "Starts, preemptions and rejections that the policy decided";
    FACTS: Counter, "trainyard_facts_total", [], "Facts that the scheduler has taken in";
    GPUS: Gauge, "trainyard_gpus", ["node_state"], "GPUs of nodes that are up, draining or down";
    GPUS_ALLOCATED: Gauge, "trainyard_gpus_allocated", ["node_state"], "GPUs that runs hold, parts of GPUs as such";
    GPUS_IDLE: Gauge, "trainyard_gpus_idle", ["node_state"], "GPUs that nobody holds any part of";
    HTTP_SECONDS: Histogram, "trainyard_http_request_duration_seconds", ["method", "route"],
        "Time until an answer of the API began";
    HTTP_REQUESTS: Counter, "trainyard_http_requests_total", ["method", "route", "status"], "Answers of the API";
    JOBS: Gauge, "trainyard_jobs", ["state", "tenant"],
        "Jobs that have not ended, by top-level tenant; tenants after the first 100 together as (others)";
    ENDED: Counter, "trainyard_jobs_ended_total", ["outcome"], "Jobs that have ended";
    JOURNAL_BYTES: Counter, "trainyard_journal_bytes_total", [], "Bytes written to the journal";
    COMMIT_SECONDS: Histogram, "trainyard_journal_commit_seconds", [], "Time to write to the journal and sync it";
    LAUNCHES: Counter, "trainyard_launches_total", [], "Runs that were ordered to start";
    LOG_DROPPED: Counter, "trainyard_log_lines_dropped_total", [],
        "Lines of the log that were left out because nobody took them in time";
    LOST: Counter, "trainyard_lost_gpu_seconds_total", [],
        "Work of runs that were preempted, failed or lost their node, and that has to be done again";
    PREEMPTIONS: Counter, "trainyard_preemptions_total", ["cause"], "Runs that were told to stop, by cause";
    WAIT_SECONDS: Histogram, "trainyard_queue_wait_seconds", [], "Time from submission to the first launch";
    RECORDS_BEHIND: Gauge, "trainyard_records_behind", [],
        "Records of the journal that are not in records.sqlite yet";
    RUNS_ENDED: Counter, "trainyard_runs_ended_total", ["exit"], "Runs that have ended: completed, failed or stopped";
    SNAPSHOT: Gauge, "trainyard_snapshot_timestamp_seconds", [],
        "When the newest snapshot was written, in seconds since 1970; 0: there is none";
    STEP_SECONDS: Histogram, "trainyard_step_seconds", [], "Time of the scheduler to take in facts and to decide";
    SUBMISSIONS: Counter, "trainyard_submissions_total", ["outcome"],
        "Submissions: accepted, refused, or repeated with the same key";
    TASKS: Gauge, "trainyard_tasks", [], "Tasks of runs that were launched and have not ended: each has a shim";
}

/// Buckets of times of a step or a commit: from 10 microseconds.
pub(super) const FINE: [f64; 17] =
    [1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
/// Buckets of the time of an answer.
pub(super) const ANSWER: [f64; 12] = [5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];
/// Buckets of waiting: from a tenth of a second to two weeks.
pub(super) const WAIT: [f64; 14] =
    [0.1, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 7200.0, 14_400.0, 43_200.0, 86_400.0, 259_200.0, 1_209_600.0];
