//! When a job was submitted and started, and how long it ran.

use super::amounts::span_us;
use super::columns::Columns;
use super::states::State;
use crate::decimal::Flaw;
use crate::error::{TraceError, shown};
use crate::formats::events::clock::{Kind, TimeColumn, check_clocks};
use crate::table::Cells;
use crate::trace::{Ledger, Recorded};

/// How far clocks go back when summer time ends.
const HOUR_US: i64 = 3_600_000_000;

/// The columns of times.
pub(super) struct Runs {
    submit: TimeColumn,
    start: TimeColumn,
    end: TimeColumn,
}

/// The run of one row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) submit: i64,
    pub(super) start: Option<i64>,
    pub(super) span_us: u64,
    pub(super) censored: bool,
}

impl Runs {
    pub(super) fn new(columns: &Columns) -> Self {
        let column = |name: &str| TimeColumn::new(columns.at(name), Columns::said(name));
        Self { submit: column("submit"), start: column("start"), end: column("end") }
    }

    /// The three columns must be by one clock.
    pub(super) fn check_clocks(&self, file: &str) -> Result<(), TraceError> {
        check_clocks(file, [&self.submit, &self.start, &self.end].into_iter())
    }

    /// The run of a row; `None` where there was none, which is counted.
    pub(super) fn of_row(
        &mut self,
        cells: &Cells<'_>,
        columns: &Columns,
        state: State,
        ledger: &mut Ledger,
    ) -> Result<Option<Run>, TraceError> {
        let submit = self.submit.read(cells)?;
        let (start, end) = (optional(&mut self.start, cells)?, optional(&mut self.end, cells)?);
        let elapsed = elapsed(cells, columns)?;
        let never = start.is_none() && self.start.at.is_some() || state == State::Waiting;
        let no_resources = columns.at("alloctres").is_some() && cells.is_blank(columns.at("alloctres"));
        let killed = state == State::Ended(Recorded::Killed);
        let running = state == State::Running || end.is_none() && self.end.at.is_some();
        let span_us = match elapsed.or_else(|| Some(start?.abs_diff(end?))) {
            _ if never => return Ok(none(ledger, "never started")),
            Some(0) if killed && no_resources => return Ok(none(ledger, "cancelled before it started")),
            None => return Ok(none(ledger, "still running, and no column says for how long")),
            Some(span_us) => span_us,
        };
        if running {
            ledger.change_row("still running when sacct was called: run time so far");
        }
        let mut run = Run { submit, start, span_us, censored: running };
        self.check_end(cells, &mut run, end, elapsed.is_some(), ledger)?;
        self.check_start(cells, &mut run, ledger)?;
        Ok(Some(run))
    }

    /// Whether a step back by `back` can come from clocks that went back.
    fn clocks_went_back(&self, back: u64) -> bool {
        self.submit.kind() == Some(Kind::Civil) && back <= HOUR_US.unsigned_abs()
    }

    fn check_end(
        &self,
        cells: &Cells<'_>,
        run: &mut Run,
        end: Option<i64>,
        elapsed: bool,
        ledger: &mut Ledger,
    ) -> Result<(), TraceError> {
        let (Some(start), Some(end)) = (run.start, end) else { return Ok(()) };
        let between = end.saturating_sub(start);
        if between < 0 && !self.clocks_went_back(between.unsigned_abs()) {
            let error = cells.error("End", "the job ends before it starts");
            return Err(error.with_hint("correct one of the times, or leave the row out"));
        }
        if elapsed && between != i64::try_from(run.span_us).unwrap_or(i64::MAX) {
            ledger.change_row("End minus Start is not Elapsed (suspended, or clocks changed): Elapsed is taken");
        } else if between < 0 {
            ledger.change_row("ends before it starts by at most an hour (clocks went back): an hour added");
            run.span_us = (between + HOUR_US).unsigned_abs();
        }
        Ok(())
    }

    fn check_start(&self, cells: &Cells<'_>, run: &mut Run, ledger: &mut Ledger) -> Result<(), TraceError> {
        let Some(start) = run.start.filter(|start| *start < run.submit) else { return Ok(()) };
        if !self.clocks_went_back(start.abs_diff(run.submit)) {
            let error = cells.error("Start", "the job starts before it is submitted");
            return Err(error.with_hint("correct one of the times, or leave the row out"));
        }
        ledger.change_row("starts before its submission by at most an hour (clocks went back): start is submission");
        run.start = Some(run.submit);
        Ok(())
    }
}

/// `Timelimit` or `TimelimitRaw`; `None` where there is none, or only that of the partition.
pub(super) fn time_limit(cells: &Cells<'_>, columns: &Columns) -> Result<Option<u64>, TraceError> {
    let Some((at, name)) = columns.first(&["timelimit", "timelimitraw"]) else { return Ok(None) };
    let text = cells.text(Some(at)).trim();
    if ["", "unlimited", "partition_limit", "invalid", "none", "unknown"].contains(&&*text.to_ascii_lowercase()) {
        return Ok(None);
    }
    if name == "timelimitraw" {
        let minutes = cells.scaled(Some(at), Columns::said(name), 0)?.value;
        let micros = minutes.checked_mul(60_000_000).filter(|micros| i64::try_from(*micros).is_ok());
        return micros.map(Some).ok_or_else(|| cells.flaw(Columns::said(name), Flaw::TooLarge, text));
    }
    span_us(text).map(Some).map_err(|flaw| bad_span(cells, name, flaw, text))
}

fn none(ledger: &mut Ledger, cause: &str) -> Option<Run> {
    ledger.drop_row(cause);
    None
}

/// A time, or none where sacct has no value.
fn optional(column: &mut TimeColumn, cells: &Cells<'_>) -> Result<Option<i64>, TraceError> {
    let text = cells.text(column.at).trim();
    if column.at.is_none() || ["", "unknown", "none", "n/a"].contains(&&*text.to_ascii_lowercase()) {
        return Ok(None);
    }
    // Slurm keeps 0 for a time that never was, and writes it so where the format is %s.
    if text == "0" { Ok(None) } else { column.read(cells).map(Some) }
}

/// `ElapsedRaw` (seconds) or `Elapsed`.
fn elapsed(cells: &Cells<'_>, columns: &Columns) -> Result<Option<u64>, TraceError> {
    let Some((at, name)) = columns.first(&["elapsedraw", "elapsed"]) else { return Ok(None) };
    let text = cells.text(Some(at)).trim();
    match (text.is_empty(), name) {
        (true, _) => Ok(None),
        (false, "elapsedraw") => cells.scaled(Some(at), Columns::said(name), 6).map(|number| Some(number.value)),
        (false, _) => span_us(text).map(Some).map_err(|flaw| bad_span(cells, name, flaw, text)),
    }
}

fn bad_span(cells: &Cells<'_>, name: &str, flaw: Flaw, text: &str) -> TraceError {
    let name = Columns::said(name);
    if flaw == Flaw::TooLarge {
        return cells.flaw(name, flaw, text);
    }
    let error = cells.error(name, format!("`{}` is no span of time", shown(text)));
    error.with_hint("sacct writes [DAYS-]HOURS:MINUTES:SECONDS")
}
