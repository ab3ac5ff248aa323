//! Journals as traces: what a scheduler wrote down while it ran, read back as the workload that it met.
//!
//! [`Recording::read`] follows the facts and orders of a journal. [`Recording::trace`] is the trace that other commands
//! read: the jobs whose run time the journal tells, all others counted by cause. [`Recording::whole`] has every job, for a
//! replay that must meet what the scheduler met.

mod error;
mod files;
mod follow;
mod gang;
mod jobs;
mod measures;
mod own;
#[cfg(test)]
mod tests;

use engine::journal::{Damage, Entry, Header, Reader};
use engine::{Event, Inventory, JobId, JobSpec, Outcome, Rate, Shape, Span, TenantId, Time};

use crate::error::TraceError;
use crate::formats::{Signs, Spec};
use crate::input::Input;
use crate::trace::Trace;

pub use engine::journal::MAGIC;
pub use files::{Files, SegmentFile};
pub use measures::{Measures, Overhead};
pub use own::{OwnTime, OwnTimes, SavePoint, Stop};

pub(crate) static SPEC: Spec = Spec {
    name: "journal",
    aliases: &[],
    about: "what `serve` and `simulate --journal` write: the jobs as they were submitted, with the work that they did",
    options: &[("cut", "allow: use what is sound of a journal that ends inside a record")],
    signs: Signs::Named,
    read: |input| Err(error::not_a_journal(input.file)),
};

/// Reads the trace of a journal from the bytes of a file, or from the folder that `input` names.
pub(crate) fn read(input: &Input<'_>, bytes: Option<&[u8]>) -> Result<Trace, TraceError> {
    let cut = match input.options.get("cut") {
        None => Cut::Refused { hint: "write PATH[cut=allow] to use what is before it" },
        Some("allow") => Cut::Allowed,
        Some(_) => return Err(input.bad_option("cut", "the word allow")),
    };
    let recording = match bytes {
        Some(bytes) => Recording::read(input.file, bytes, cut),
        None => Recording::load(input.file, cut),
    };
    recording.map_err(JournalError::into_error)?.trace()
}

/// What to do with a journal that ends inside a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It is an error, with this advice.
    Refused {
        /// How to use what is sound.
        hint: &'static str,
    },
    /// What is before it is used.
    Allowed,
}

/// Why a journal cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// It is none, or one of another version.
    #[error(transparent)]
    Unreadable(TraceError),
    /// It is damaged, ends inside a record, or contradicts itself.
    #[error(transparent)]
    Damaged(TraceError),
}

impl JournalError {
    /// What is wrong.
    pub fn into_error(self) -> TraceError {
        match self {
            Self::Unreadable(error) | Self::Damaged(error) => error,
        }
    }
}

/// What a journal tells.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Where it came from.
    pub source: String,
    /// Policy, seed, cluster and notes, at the beginning.
    pub header: Header,
    /// The parts of it, each with a header of its own; at least one.
    pub segments: Vec<Segment>,
    /// The records of all segments, as they stand in the journal.
    pub entries: Vec<Entry>,
    /// Shapes, tenants, queues, names and the like that the first record declares at time zero.
    pub declared: Vec<Event>,
    /// Later facts from outside, in order: nodes, operators, users, terms, declarations. No submissions.
    pub outside: Vec<(Time, Event)>,
    /// All jobs that were submitted, by number.
    pub jobs: Vec<RecordedJob>,
    /// All runs that were ordered, in order.
    pub runs: Vec<RecordedRun>,
    /// Work between one save of a run and the next, in order.
    pub saves: Vec<Span>,
    /// The last instant.
    pub end: Time,
    /// The record in which the journal ends, where that was allowed.
    pub cut: Option<u64>,
    shapes: Vec<Shape>,
    tenants: Vec<(String, Option<TenantId>)>,
    queues: Vec<String>,
    names: Vec<String>,
}

/// A part of a journal: a file.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Where it came from.
    pub source: String,
    /// What holds for its records.
    pub header: Header,
    /// Index of its first record in [`Recording::entries`].
    pub first: usize,
}

/// A job as the journal tells it.
#[derive(Clone, Debug)]
pub struct RecordedJob {
    /// Submission.
    pub submit: Time,
    /// What its user wanted.
    pub spec: JobSpec,
    /// The work that it needs, where that was known in advance: in a simulation.
    pub truth: Option<Span>,
    /// All the work that it needs, where the journal tells: it was known in advance, or the job did it.
    pub work: Option<Span>,
    /// The work that it had done when the journal, or the job, ended.
    pub done: Span,
    /// Its first launch.
    pub first_launch: Option<Time>,
    /// How it ended; `None` if it had not.
    pub outcome: Option<Outcome>,
    /// Its own failures, in order.
    pub failures: Vec<Failure>,
}

/// A failure of a job itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Work of the job that was done then.
    pub after: Span,
    /// Exit code; -1 where it was stopped without an order.
    pub code: i32,
}

/// A run as the journal tells it.
#[derive(Clone, Debug)]
pub struct RecordedRun {
    /// The job.
    pub job: JobId,
    /// Number of the run, from 1.
    pub attempt: u32,
    /// When its launch was ordered.
    pub launched: Time,
    /// Work that was safe then.
    pub from: Span,
    /// When it began to make progress.
    pub started: Option<Time>,
    /// Its speed.
    pub rate: Rate,
    /// When it was first ordered to stop.
    pub stopped: Option<(Time, StopOrder)>,
    /// When it was ordered to stop at once.
    pub killed: Option<Time>,
    /// When it was told that it had saved, and the work that was safe then, in order.
    pub saves: Vec<(Time, Span)>,
    /// Work that is known to be safe.
    pub saved: Span,
    /// Work that it had done when it was done.
    pub completed: Option<Span>,
    /// When it was over.
    pub ended: Option<Time>,
}

/// The order that stopped a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopOrder {
    /// It may save.
    Drain,
    /// At once.
    Kill,
}

impl RecordedRun {
    /// Work of the job that is done at `at`, safe or not (as the engine accounts it: `Job::work_done`).
    pub fn done(&self, at: Time) -> Span {
        let progress = self.started.map_or(Span::ZERO, |since| self.rate.work_in(at.since(since)));
        self.from + progress
    }
}

impl Recording {
    /// Reads the journal at `path`: a file, a folder of segments, or a state folder.
    pub fn load(path: &str, cut: Cut) -> Result<Self, JournalError> {
        Self::of(&Files::open(path)?, cut)
    }

    /// Reads a journal from its bytes.
    pub fn read(source: &str, bytes: &[u8], cut: Cut) -> Result<Self, JournalError> {
        Self::of(&Files::of_bytes(source, bytes), cut)
    }

    /// Reads a journal from its files. Only the last may end inside a record.
    pub fn of(files: &Files, cut: Cut) -> Result<Self, JournalError> {
        if files.first() > 1 {
            return Err(error::begins_later(&files.source, files.first()));
        }
        let mut follow = follow::Follow::new(&files.source);
        for (at, file) in files.segments.iter().enumerate() {
            let is_last = at + 1 == files.segments.len();
            follow_file(&mut follow, file, if is_last { cut } else { Cut::Refused { hint: error::COPY_AGAIN } })?;
        }
        Ok(follow.finish())
    }

    /// File and number of a record, which are what people find it by, from its place in [`Recording::entries`].
    pub fn place(&self, entry: usize) -> (&str, u64) {
        let segment = self.segments.iter().rev().find(|segment| segment.first <= entry);
        segment.map_or((&self.source, 0), |segment| (&segment.source, (entry - segment.first) as u64 + 1))
    }

    /// What a note of the header says.
    pub fn note(&self, key: &str) -> Option<&str> {
        self.header.notes.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The cluster in the end: nodes keep their numbers, and new ones are added behind them.
    pub fn inventory(&self) -> &Inventory {
        &self.segments.last().map_or(&self.header, |segment| &segment.header).inventory
    }

    /// The shapes, by class.
    pub fn shapes(&self) -> &[Shape] {
        &self.shapes
    }

    /// The tenants that were declared: name and parent.
    pub fn tenants(&self) -> &[(String, Option<TenantId>)] {
        &self.tenants
    }
}

fn follow_file(follow: &mut follow::Follow, file: &SegmentFile, cut: Cut) -> Result<(), JournalError> {
    let (header, mut reader) = Reader::new(&file.bytes).map_err(|damage| error::unreadable(&file.path, &damage))?;
    follow.segment(&file.path, header);
    loop {
        match reader.next_entry() {
            Ok(Some(entry)) => follow.entry(reader.record(), entry).map_err(JournalError::Damaged)?,
            Ok(None) => return Ok(()),
            Err(Damage::Truncated { record, .. }) if cut == Cut::Allowed => {
                follow.cut(record);
                return Ok(());
            }
            Err(damage) => return Err(error::damaged(&file.path, &damage, cut)),
        }
    }
}
