//! The Standard Workload Format (SWF) of the Parallel Workloads Archive: reading and writing.
//!
//! Definition: version 2.2, <https://www.cs.huji.ac.il/labs/parallel/workload/swf.html> (Chapin et al., JSSPP 1999;
//! Feitelson, Tsafrir and Krakov, "Experience with using the Parallel Workloads Archive", JPDC 2014). The logs are
//! free to use with the acknowledgement that the head of each names.
//!
//! One line a job, 18 numbers between blanks or tabs, -1 for unknown; lines that begin with `;` are comments, some
//! of the form `; Name: value`:
//! 1 job number; 2 submission (s from the start of the log); 3 wait (s); 4 run time (s); 5 allocated processors;
//! 6 CPU time (s, mean of the processors); 7 used memory (KB a processor); 8 requested processors; 9 requested time
//! (s); 10 requested memory (KB a processor); 11 status; 12 user; 13 group; 14 application; 15 queue; 16 partition;
//! 17 preceding job; 18 think time (s).
//!
//! Times may have decimals. There is no zone: the start of the log is `UnixStartTime`, and as a civil time
//! `StartTime`. A file may have more than 18 fields: 19 or 21 in logs of simulators, which mean another thing in each
//! (a reward or a burst buffer as 19th in forks of `CQSim`; GPUs or energy elsewhere). They are counted and not used,
//! unless `gpu_field` says which one holds the GPUs of the job.
//!
//! The archive is about processors. One processor becomes one GPU unless `procs=cpus` makes such jobs need CPUs only.
//! The requested time becomes the estimate and no time limit: in real logs many jobs run longer than they asked for.
//! Status 1 is finished, 0 failed, 5 killed; lines with 2, 3 and 4 are parts of a job whose sum has a line of its own,
//! so that the definition itself says to leave them out of workload studies.

use engine::{Span, Time};

use super::{Signs, Spec};
use crate::build::{Builder, Twins, no_jobs};
use crate::details::Details;
use crate::error::TraceError;
use crate::input::Input;
use crate::table::{Cells, Dialect, Names, Place, Table};
use crate::trace::{Recorded, Trace, TraceJob};

mod fields;
mod head;
mod size;
#[cfg(test)]
mod tests;
pub(crate) mod write;

use fields::{APPLICATION, FIELDS, GROUP, JOB, PARTITION, PROCESSORS_MEMORY, QUEUE, REQUESTED_TIME, RUN, STATUS};
use fields::{SUBMIT, USER, WAIT};
use head::Head;
use size::Sizes;

pub(super) static SPEC: Spec = Spec {
    name: "swf",
    aliases: &[],
    about: "Standard Workload Format of the Parallel Workloads Archive",
    options: &[
        ("procs", "what a processor becomes: gpus (default) or cpus"),
        ("size", "which processors count: allocated (default), requested, or max of the two"),
        ("gpu_field", "number of the field with the GPUs of the job, 19 or more; processors are CPUs then"),
    ],
    signs: Signs::Text(fits),
    read,
};

const DIALECT: Dialect = Dialect { delimiter: b' ', comment: Some(b';'), names: Names::None };

/// Whether the first row is of 18 or more numbers between blanks, or the comments are those of SWF.
fn fits(text: &str) -> bool {
    let is_comment = |line: &str| line.starts_with(';');
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    if text.trim_start().starts_with(';') && Head::read(text).is_swf() {
        return true;
    }
    lines.find(|line| !is_comment(line)).is_some_and(|line| {
        let cells: Vec<&str> = line.split_ascii_whitespace().collect();
        cells.len() >= FIELDS && cells.iter().all(|cell| fields::is_number(cell))
    })
}

/// Reads SWF.
fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    let head = Head::read(input.text);
    let mut rows = Rows::new(input, &head)?;
    let mut table = Table::with_dialect(input.file, input.text, DIALECT)?;
    let last_line = last_line(input.text);
    while let Some(cells) = table.next()? {
        if cells.text(Some(0)).starts_with(';') {
            continue;
        }
        rows.builder.row();
        if cells.len() >= FIELDS {
            rows.push(&cells)?;
        } else if cells.place == Place::Line(last_line) && !input.text.ends_with(['\n', '\r']) {
            rows.builder.ledger.drop_row("the last line is cut off");
        } else {
            return Err(too_few(&cells));
        }
    }
    rows.finish()
}

fn last_line(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    });
    ends.count() as u64 + 1
}

fn too_few(cells: &Cells<'_>) -> TraceError {
    let message = format!("the row has {} fields, the format {FIELDS}", cells.len());
    let Place::Line(line) = cells.place else { return TraceError::new(cells.file, message) };
    let error = TraceError::new(cells.file, message).at_line(line);
    error.with_hint("the line is cut off, or fields are not separated by blanks; unknown values are -1")
}

/// Rows on their way to a trace.
struct Rows<'a> {
    file: &'a str,
    head: &'a Head,
    sizes: Sizes,
    builder: Builder,
    /// Submission of the row above.
    above: u64,
    /// Fields that hold something and are not used.
    unused: fields::Unused,
    /// Lines that are no jobs but parts of one.
    parts: u64,
}

impl<'a> Rows<'a> {
    fn new(input: &Input<'a>, head: &'a Head) -> Result<Self, TraceError> {
        Ok(Self {
            file: input.file,
            head,
            sizes: Sizes::of(input)?,
            builder: Builder::new(input.file, SPEC.name),
            above: 0,
            unused: fields::Unused::default(),
            parts: 0,
        })
    }

    fn push(&mut self, cells: &Cells<'_>) -> Result<(), TraceError> {
        let Some((status, submit, run)) = self.needed(cells)? else { return Ok(()) };
        let Some(size) = self.sizes.of_row(cells, &mut self.builder.ledger)? else { return Ok(()) };
        if self.head.processors_max.is_some_and(|max| u64::from(size.processors) > max) {
            self.builder.ledger.change_row("more processors than MaxProcs of the head, kept");
        }
        let estimate = fields::micros(cells, REQUESTED_TIME)?;
        if estimate.is_some_and(|estimate| run > estimate) {
            self.builder.ledger.change_row("run time above the requested time, kept");
        }
        let start = fields::micros(cells, WAIT)?.map(|wait| submit.saturating_add(wait));
        if start.is_some_and(|start| i64::try_from(start).is_err()) {
            return Err(fields::too_large(cells, WAIT));
        }
        let id = cells.text(Some(JOB)).to_owned();
        let job = TraceJob {
            tenant: self.tenant(cells)?,
            recorded: self.recorded(status),
            details: Details {
                start: start.map(Time),
                estimate: estimate.map(Span),
                cpu_milli: size.cpu_milli,
                memory_mib: memory_mib(cells, size.processors)?,
                queue: self.queue(cells)?,
                name: fields::count(cells, APPLICATION)?.map(|number| format!("app{number}").into()),
                ..Details::NONE
            }
            .into(),
            ..TraceJob::plain(id, Time(submit), Span(run), size.gpu_milli)
        };
        self.unused.note(cells, job.queue.is_some(), self.sizes.gpu_field());
        if cells.len() > FIELDS && self.sizes.gpu_field().is_none() {
            self.builder.ledger.change_row("fields after the 18th: not used");
        }
        if submit < self.above {
            self.builder.ledger.change_row("submitted before the row above it: sorted");
        }
        self.above = submit;
        self.builder.push(job, cells.place);
        Ok(())
    }

    /// Status, submission and run time of a row that can become a job.
    fn needed(&mut self, cells: &Cells<'_>) -> Result<Option<(i64, u64, u64)>, TraceError> {
        cells.integer(Some(JOB), fields::NAMES[JOB])?;
        let status = cells.integer(Some(STATUS), fields::NAMES[STATUS])?;
        let (submit, run) = (fields::micros(cells, SUBMIT)?, fields::micros(cells, RUN)?);
        let cause = match (status, submit, run) {
            (2..=4, _, _) => {
                self.parts += 1;
                "part of a job that was swapped out (status 2, 3 or 4)"
            }
            (_, None, _) => "no time of submission",
            (_, _, None) => "no run time",
            (_, Some(submit), Some(run)) => return Ok(Some((status, submit, run))),
        };
        self.builder.ledger.drop_row(cause);
        Ok(None)
    }

    fn tenant(&mut self, cells: &Cells<'_>) -> Result<u32, TraceError> {
        let (group, user) = (fields::count(cells, GROUP)?, fields::count(cells, USER)?);
        let path = match (group, user) {
            (None, None) => String::new(),
            (None, Some(user)) => format!("user{user}"),
            (Some(group), None) => format!("group{group}"),
            (Some(group), Some(user)) => format!("group{group}/user{user}"),
        };
        Ok(self.builder.tenant(&path))
    }

    /// The queue, or else the partition.
    fn queue(&mut self, cells: &Cells<'_>) -> Result<Option<u32>, TraceError> {
        let name = match (fields::count(cells, QUEUE)?, fields::count(cells, PARTITION)?) {
            (Some(number), _) => self.head.queue(number),
            (None, Some(number)) => self.head.partition(number),
            (None, None) => return Ok(None),
        };
        Ok(self.builder.queue(&name))
    }

    fn recorded(&mut self, status: i64) -> Recorded {
        match status {
            0 => Recorded::Failed,
            1 => Recorded::Finished,
            5 => Recorded::Killed,
            -1 => Recorded::Unknown,
            _ => {
                self.builder.ledger.change_row("a status that SWF does not define: outcome unknown");
                Recorded::Unknown
            }
        }
    }

    fn finish(mut self) -> Result<Trace, TraceError> {
        if self.builder.len() == 0 {
            return Err(no_jobs(self.file, &self.builder.ledger));
        }
        if let Some(guess) = self.sizes.guess() {
            self.builder.ledger.change_row(guess);
        }
        let jobs = self.builder.ledger.rows - self.parts;
        if self.head.jobs.is_some_and(|said| said != jobs) {
            self.builder.ledger.change_row("MaxJobs of the head is not the number of jobs (counted once)");
        }
        self.builder.ledger.ignored_columns = self.unused.names();
        self.builder.finish(Twins::Refused, self.head.origin())
    }
}

fn memory_mib(cells: &Cells<'_>, processors: u32) -> Result<u32, TraceError> {
    let Some(kib) = fields::whole(cells, PROCESSORS_MEMORY)? else { return Ok(0) };
    let mib = (u128::from(kib) * u128::from(processors) + 512) / 1024;
    let mib = u64::try_from(mib).ok().and_then(crate::canonical::words::below_unlimited);
    mib.ok_or_else(|| fields::too_large(cells, PROCESSORS_MEMORY))
}
