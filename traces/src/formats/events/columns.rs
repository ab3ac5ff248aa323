//! The columns of a file of pods, and one row of it.

use super::clock::{self, Kind, TimeColumn, check_clocks};
use crate::canonical::words::below_unlimited;
use crate::decimal::{self, Flaw};
use crate::error::{TraceError, shown};
use crate::header::Header;
use crate::table::{Cells, Place};
use crate::trace::{Ledger, Recorded};

/// Columns that every file has.
pub(super) const NEEDED: [&str; 5] = ["job", "pod", "node", "start", "end"];
/// Columns that are used.
const USED: [&str; 18] = [
    "job",
    "pod",
    "node",
    "start",
    "end",
    "namespace",
    "user",
    "queue",
    "gpus",
    "gpu_model",
    "cpu",
    "memory",
    "created",
    "submit",
    "phase",
    "status",
    "reason",
    "priority",
];

/// Unix times are at least this, 1973; smaller ones are counted from an origin that nobody said.
const UNIX_MIN_US: i64 = 100_000_000_000_000;

/// One run of a pod.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pod {
    pub(super) namespace: String,
    pub(super) job: String,
    pub(super) name: String,
    pub(super) user: Option<String>,
    pub(super) queue: String,
    pub(super) model: String,
    pub(super) created: Option<i64>,
    pub(super) start: i64,
    pub(super) end: Option<i64>,
    pub(super) gpu_milli: u32,
    pub(super) cpu_milli: u32,
    pub(super) memory_mib: u32,
    pub(super) priority: i32,
    pub(super) recorded: Recorded,
    pub(super) place: Place,
}

/// Where the columns stand, and what their times are like.
pub(super) struct Columns {
    at: [Option<usize>; USED.len()],
    created: TimeColumn,
    start: TimeColumn,
    end: TimeColumn,
    first: i64,
    last: i64,
}

/// The clock of a file, once all rows are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// The time that becomes zero.
    pub(super) zero: i64,
    /// The last time in the file.
    pub(super) last: i64,
    dated: bool,
}

impl Clock {
    /// What the clock showed at zero.
    pub(super) fn origin(&self) -> Option<String> {
        if self.dated { clock::civil(self.zero) } else { None }
    }
}

impl Columns {
    pub(super) fn find(header: &Header) -> Result<Self, TraceError> {
        header.check_needed("events", &NEEDED, &USED)?;
        for (one, other) in [("created", "submit"), ("phase", "status")] {
            if header.find(one).is_some() && header.find(other).is_some() {
                let error = header.error(format!("columns `{one}` and `{other}` say the same thing"));
                return Err(error.with_hint("keep one of the two"));
            }
        }
        let column = |name: &str| TimeColumn::new(header.find(name), name);
        let created = if header.find("created").is_some() { column("created") } else { column("submit") };
        Ok(Self {
            at: USED.map(|name| header.find(name)),
            created,
            start: column("start"),
            end: column("end"),
            first: i64::MAX,
            last: i64::MIN,
        })
    }

    pub(super) fn ignored(header: &Header) -> Vec<String> {
        header.ignored(&USED)
    }

    fn at(&self, name: &str) -> Option<usize> {
        USED.iter().position(|used| *used == name).and_then(|i| self.at[i])
    }

    fn text<'a>(&self, cells: &Cells<'a>, name: &str) -> &'a str {
        let text = cells.text(self.at(name)).trim();
        if is_missing(text) { "" } else { text }
    }

    pub(super) fn check_clocks(&self, file: &str) -> Result<(), TraceError> {
        check_clocks(file, [&self.created, &self.start, &self.end].into_iter())
    }

    pub(super) fn clock(&self) -> Clock {
        let columns = [&self.created, &self.start, &self.end];
        let dates = columns.iter().any(|column| matches!(column.kind(), Some(Kind::Civil | Kind::Zoned)));
        let dated = dates || self.first >= UNIX_MIN_US;
        Clock { zero: if dated { self.first } else { 0 }, last: self.last, dated }
    }

    /// A row; `None` where the pod never started, or ended nobody knows when, which is counted.
    pub(super) fn pod(&mut self, cells: &Cells<'_>, ledger: &mut Ledger) -> Result<Option<Pod>, TraceError> {
        let (job, pod) = (cells.word(self.at("job"), "job")?, cells.word(self.at("pod"), "pod")?);
        if is_missing(job) {
            return Err(cells.error("job", "the pod belongs to no job").with_hint("leave such rows out of the export"));
        }
        let created = optional(&mut self.created, cells)?;
        let (start, end) = (optional(&mut self.start, cells)?, optional(&mut self.end, cells)?);
        let Some(start) = start else {
            ledger.drop_row("the pod never started");
            return Ok(None);
        };
        if end.is_some_and(|end| end < start) {
            let error = cells.error("end", "the pod ends before it starts");
            return Err(error.with_hint("correct one of the times, or leave the row out"));
        }
        if created.is_some_and(|created| created > start) {
            let error = cells.error(&self.created.name, "the pod is created after it starts");
            return Err(error.with_hint("correct one of the times, or leave the row out"));
        }
        let recorded = self.recorded(cells)?;
        if end.is_none() && !matches!(recorded, Recorded::Unknown | Recorded::Censored) {
            ledger.drop_row("the pod ended, and nothing says when");
            return Ok(None);
        }
        self.first = self.first.min(created.unwrap_or(start)).min(start);
        self.last = self.last.max(end.unwrap_or(start));
        Ok(Some(Pod {
            namespace: self.text(cells, "namespace").to_owned(),
            job: job.to_owned(),
            name: pod.to_owned(),
            user: self.at("user").map(|_| self.text(cells, "user").to_owned()),
            queue: self.text(cells, "queue").to_owned(),
            model: self.text(cells, "gpu_model").to_owned(),
            created,
            start,
            end,
            gpu_milli: self.gpu_milli(cells)?,
            cpu_milli: self.cpu_milli(cells)?,
            memory_mib: self.memory_mib(cells)?,
            priority: self.priority(cells)?,
            recorded,
            place: cells.place,
        }))
    }

    /// Whether the file says how many GPUs pods have.
    pub(super) fn say_gpus(&self) -> bool {
        self.at("gpus").is_some()
    }

    fn gpu_milli(&self, cells: &Cells<'_>) -> Result<u32, TraceError> {
        if !self.say_gpus() {
            return Ok(1000);
        }
        let text = self.text(cells, "gpus");
        if text.is_empty() {
            return Ok(0);
        }
        let number = decimal::scaled(text, 3).map_err(|flaw| cells.flaw("gpus", flaw, text))?;
        let milli = below_unlimited(number.value).ok_or_else(|| cells.flaw("gpus", Flaw::TooLarge, text))?;
        if number.rounded || milli > 1000 && milli % 1000 != 0 {
            let message = format!("`{}` is neither a whole number nor a part of one GPU", shown(text));
            return Err(cells.error("gpus", message).with_hint("write 8, or 0.5; parts to a thousandth count"));
        }
        Ok(milli)
    }

    fn cpu_milli(&self, cells: &Cells<'_>) -> Result<u32, TraceError> {
        let text = self.text(cells, "cpu");
        let (number, digits) = text.strip_suffix('m').map_or((text, 3), |text| (text, 0));
        amount(cells, "cpu", if text.is_empty() { "0" } else { number }, |number| {
            decimal::scaled(number, digits).map(|scaled| scaled.value)
        })
    }

    fn memory_mib(&self, cells: &Cells<'_>) -> Result<u32, TraceError> {
        let text = self.text(cells, "memory");
        amount(cells, "memory", if text.is_empty() { "0" } else { text }, quantity_mib)
    }

    fn priority(&self, cells: &Cells<'_>) -> Result<i32, TraceError> {
        let text = self.text(cells, "priority");
        if text.is_empty() {
            return Ok(0);
        }
        let number = decimal::integer(text).map_err(|flaw| cells.flaw("priority", flaw, text))?;
        i32::try_from(number).map_err(|_| cells.flaw("priority", Flaw::TooLarge, text))
    }

    fn recorded(&self, cells: &Cells<'_>) -> Result<Recorded, TraceError> {
        let name = if self.at("phase").is_some() { "phase" } else { "status" };
        let (phase, reason) = (self.text(cells, name), self.text(cells, "reason"));
        match phase {
            "Succeeded" | "Completed" => Ok(Recorded::Finished),
            "Failed" | "Error" => Ok(failure(reason)),
            "Running" => Ok(Recorded::Censored),
            "" | "Pending" | "Unknown" => Ok(if reason.is_empty() { Recorded::Unknown } else { by_reason(reason) }),
            _ => {
                let error = cells.error(name, format!("`{}` is no phase of a pod", shown(phase)));
                Err(error.with_hint("the phases are Pending, Running, Succeeded, Failed, Unknown"))
            }
        }
    }
}

fn amount(
    cells: &Cells<'_>,
    name: &str,
    text: &str,
    read: impl Fn(&str) -> Result<u64, Flaw>,
) -> Result<u32, TraceError> {
    let value = read(text).and_then(|value| below_unlimited(value).ok_or(Flaw::TooLarge));
    value.map_err(|flaw| match flaw {
        Flaw::Garbage => {
            let message = format!("`{}` is no quantity", shown(text));
            cells.error(name, message).with_hint("write a number, or a quantity of Kubernetes such as 500m or 64Gi")
        }
        flaw => cells.flaw(name, flaw, text),
    })
}

fn by_reason(reason: &str) -> Recorded {
    match reason {
        "Completed" => Recorded::Finished,
        "Error" | "OOMKilled" | "ContainerCannotRun" => Recorded::Failed,
        _ => match failure(reason) {
            Recorded::Failed => Recorded::Unknown,
            known => known,
        },
    }
}

/// A failure by its reason: the kubelet's, the node lifecycle controller's and the scheduler's.
fn failure(reason: &str) -> Recorded {
    match reason {
        "DeadlineExceeded" => Recorded::TimedOut,
        "Evicted"
        | "Preempting"
        | "Preempted"
        | "PreemptionByScheduler"
        | "DeletionByTaintManager"
        | "EvictionByEvictionAPI" => Recorded::Killed,
        "NodeLost" | "NodeShutdown" | "NodeAffinity" | "Terminated" | "Shutdown" | "TerminationByKubelet" => {
            Recorded::NodeFailed
        }
        _ => Recorded::Failed,
    }
}

fn optional(column: &mut TimeColumn, cells: &Cells<'_>) -> Result<Option<i64>, TraceError> {
    if is_missing(cells.text(column.at).trim()) { Ok(None) } else { column.read(cells).map(Some) }
}

/// What exports write where there is no value.
fn is_missing(text: &str) -> bool {
    ["", "nan", "null", "none", "<none>", "<no value>"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Bytes, or a quantity with one of Kubernetes' suffixes, in MiB to the nearest.
fn quantity_mib(text: &str) -> Result<u64, Flaw> {
    const SUFFIXES: [(&str, u64); 10] = [
        ("Ki", 1 << 10),
        ("Mi", 1 << 20),
        ("Gi", 1 << 30),
        ("Ti", 1 << 40),
        ("Pi", 1 << 50),
        ("k", 1_000),
        ("M", 1_000_000),
        ("G", 1_000_000_000),
        ("T", 1_000_000_000_000),
        ("P", 1_000_000_000_000_000),
    ];
    let unit = SUFFIXES.iter().find_map(|(suffix, bytes)| Some((text.strip_suffix(suffix)?, *bytes)));
    let bytes = match unit {
        // Thousandths of a number of units: two decimals are usual, as in 1.5Gi.
        Some((number, bytes)) => u128::from(decimal::scaled(number, 3)?.value) * u128::from(bytes) / 1000,
        None => u128::from(decimal::scaled(text, 0)?.value),
    };
    u64::try_from((bytes + (1 << 19)) >> 20).map_err(|_| Flaw::TooLarge)
}
