//! What the logs of Helios and Acme share: a gang on nodes, three times, a state, and figures that must follow from them.

use engine::{Span, Time};

use super::states::outcome;
use crate::build::Builder;
use crate::canonical::rows::divides;
use crate::canonical::words::below_unlimited;
use crate::decimal::{self, Flaw};
use crate::details::Details;
use crate::error::TraceError;
use crate::formats::clock::is_missing;
use crate::header::Header;
use crate::table::Cells;
use crate::trace::{Recorded, TraceJob};

/// A log on its way to a trace.
pub(in crate::formats) struct Log {
    pub(in crate::formats) builder: Builder,
    at: Columns,
}

struct Columns {
    id: Option<usize>,
    gpus: Option<usize>,
    cpus: Option<usize>,
    nodes: Option<usize>,
    state: Option<usize>,
    duration: Option<usize>,
    queue: Option<usize>,
}

/// The times of a row in microseconds on the clock of the file.
#[derive(Clone, Copy, Debug)]
pub(in crate::formats) struct Times {
    pub(in crate::formats) submit: u64,
    pub(in crate::formats) start: Option<u64>,
    pub(in crate::formats) end: Option<u64>,
}

impl Times {
    /// Reads the three columns with `time`; a text that says that there is no time is none.
    pub(in crate::formats) fn read(
        cells: &Cells<'_>,
        [submit, start, end]: [Option<usize>; 3],
        time: fn(&Cells<'_>, Option<usize>, &str) -> Result<u64, TraceError>,
    ) -> Result<Self, TraceError> {
        let optional = |at: Option<usize>, field: &str| {
            if is_missing(cells.text(at)) { Ok(None) } else { time(cells, at, field).map(Some) }
        };
        Ok(Self {
            submit: time(cells, submit, "submit_time")?,
            start: optional(start, "start_time")?,
            end: optional(end, "end_time")?,
        })
    }
}

impl Log {
    /// Finds the columns; `used` are all columns that the format uses.
    pub(in crate::formats) fn new(header: &Header, format: &'static str, used: &[&str]) -> Self {
        let mut builder = Builder::new(&header.file, format);
        builder.ledger.ignored_columns = header.ignored(used);
        let at = Columns {
            id: header.find("job_id"),
            gpus: header.find("gpu_num"),
            cpus: header.find("cpu_num"),
            nodes: header.find("node_num"),
            state: header.find("state"),
            duration: header.find("duration"),
            queue: header.find("queue"),
        };
        Self { builder, at }
    }

    /// The job of a row, with what both logs say about it; `None` when it never ran, which is counted.
    pub(in crate::formats) fn job(&mut self, cells: &Cells<'_>, times: Times) -> Result<Option<TraceJob>, TraceError> {
        self.builder.row();
        let id = cells.word(self.at.id, "job_id")?;
        let (gpu_milli, cpu_milli) = (milli(cells, self.at.gpus, "gpu_num")?, self.cpu_milli(cells)?);
        let tasks = self.tasks(cells, gpu_milli)?;
        let state = outcome(cells, self.at.state)?;
        let Some(start) = times.start else {
            self.builder.ledger.drop_row("never started");
            return Ok(None);
        };
        let Some((duration, recorded)) = self.run(cells, times, start, state)? else { return Ok(None) };
        if recorded == Recorded::Censored {
            let cause = "still running when the log was made: run time is censored";
            self.builder.ledger.change_row(cause);
        }
        let job = TraceJob::plain(id, Time(times.submit), Span(duration), gpu_milli);
        Ok(Some(TraceJob {
            recorded,
            details: Details { cpu_milli, tasks, start: self.start(times.submit, start), ..Details::NONE }.into(),
            ..job
        }))
    }

    /// Run time and outcome.
    fn run(
        &mut self,
        cells: &Cells<'_>,
        times: Times,
        start: u64,
        state: Recorded,
    ) -> Result<Option<(u64, Recorded)>, TraceError> {
        let Some(end) = times.end else {
            let Some(stated) = stated(cells, self.at.duration, "duration")? else {
                self.builder.ledger.drop_row("started, but no end and no duration");
                return Ok(None);
            };
            self.builder.ledger.change_row("no end_time: run time is the stated duration");
            return Ok(Some((stated, Recorded::Censored)));
        };
        if end < start {
            let error = cells.error("end_time", "the job ends before it starts: its run time is negative");
            return Err(error.with_hint("correct one of the times, or leave the row out"));
        }
        self.check(cells, times, start, end)?;
        Ok(Some((end - start, state)))
    }

    /// Counts rows whose stated figures do not follow from the times.
    fn check(&mut self, cells: &Cells<'_>, times: Times, start: u64, end: u64) -> Result<(), TraceError> {
        let turnaround = end.checked_sub(times.submit);
        match stated(cells, self.at.duration, "duration")? {
            Some(stated) if stated != end - start && Some(stated) == turnaround => {
                let cause = "stated duration includes the queue: end_time - start_time taken";
                self.builder.ledger.change_row(cause);
            }
            Some(stated) if stated != end - start => {
                self.builder.ledger.change_row("duration is not end_time - start_time, not used");
            }
            _ => {}
        }
        let queued = stated(cells, self.at.queue, "queue")?;
        if queued.is_some() && queued != start.checked_sub(times.submit) {
            self.builder.ledger.change_row("queue is not start_time - submit_time, not used");
        }
        Ok(())
    }

    fn start(&mut self, submit: u64, start: u64) -> Option<Time> {
        if start < submit {
            self.builder.ledger.change_row("starts before its submission: start not kept");
            return None;
        }
        Some(Time(start))
    }

    fn cpu_milli(&self, cells: &Cells<'_>) -> Result<u32, TraceError> {
        if cells.is_blank(self.at.cpus) { Ok(0) } else { milli(cells, self.at.cpus, "cpu_num") }
    }

    /// Nodes as tasks, where the gang can be divided into so many equal ones.
    fn tasks(&mut self, cells: &Cells<'_>, gpu_milli: u32) -> Result<u32, TraceError> {
        let nodes = self.nodes(cells)?;
        if nodes == 0 || divides(gpu_milli, nodes) && whole(gpu_milli, nodes) {
            return Ok(nodes);
        }
        self.builder.ledger.change_row("gpu_num is not a multiple of node_num: division into tasks left open");
        Ok(0)
    }

    /// Nodes of the gang; 0 when the row says nothing.
    pub(in crate::formats) fn nodes(&self, cells: &Cells<'_>) -> Result<u32, TraceError> {
        if cells.is_blank(self.at.nodes) { Ok(0) } else { cells.count(self.at.nodes, "node_num") }
    }
}

/// A whole number in thousandths.
fn milli(cells: &Cells<'_>, at: Option<usize>, field: &str) -> Result<u32, TraceError> {
    let value = below_unlimited(u64::from(cells.count(at, field)?) * 1000);
    value.ok_or_else(|| cells.flaw(field, Flaw::TooLarge, cells.text(at)))
}

/// Whether each task has whole GPUs: these logs know no parts of one.
fn whole(gpu_milli: u32, tasks: u32) -> bool {
    (gpu_milli / tasks).is_multiple_of(1000)
}

/// A figure in seconds that the log states although it follows from others.
fn stated(cells: &Cells<'_>, at: Option<usize>, field: &str) -> Result<Option<u64>, TraceError> {
    let text = cells.text(at);
    if is_missing(text) {
        return Ok(None);
    }
    match decimal::scaled(text, 6) {
        Ok(number) => Ok(Some(number.value)),
        Err(flaw) => Err(cells.flaw(field, flaw, text)),
    }
}
