//! From the attempts of an entry to jobs.

use std::collections::BTreeSet;

use engine::{Span, Time};

use super::entries::{Attempt, Entry};
use crate::build::Builder;
use crate::canonical::words::below_unlimited;
use crate::details::Details;
use crate::error::{TraceError, shown};
use crate::formats::clock::{is_missing, micros};
use crate::table::Place;
use crate::trace::{Recorded, TraceJob};

/// What becomes of the attempts of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempts {
    /// One job: its run time is the sum of all attempts.
    Sum,
    /// One job: its run time is that of the last attempt.
    Last,
    /// One job an attempt: it arrives when the one before ended.
    Split,
}

/// Entries on their way to a trace.
pub(super) struct Jobs<'a> {
    pub(super) file: &'a str,
    pub(super) mode: Attempts,
    pub(super) builder: Builder,
    /// Keys that are not of the format.
    pub(super) unknown: BTreeSet<String>,
}

/// An attempt; times are microseconds since 1970 on the clock of the log.
#[derive(Clone, Copy, Debug)]
struct Run {
    start: Option<u64>,
    end: Option<u64>,
    gpus: u64,
}

impl Run {
    /// Start and end, or why there is no run time.
    fn times(&self) -> Result<(u64, u64), &'static str> {
        match (self.start, self.end) {
            (Some(start), Some(end)) if end < start => Err("an attempt ends before it starts"),
            (Some(start), Some(end)) => Ok((start, end)),
            _ => Err("an attempt has no start or no end"),
        }
    }
}

/// What all jobs of an entry have in common.
#[derive(Clone, Copy)]
struct Common<'a> {
    id: &'a str,
    line: u64,
    submit: u64,
    tenant: u32,
    queue: Option<u32>,
    /// Outcome of the last attempt.
    recorded: Recorded,
}

const STILL_RUNNING: &str = "the last attempt has no end: still running when the log was made";
const NO_GPUS: &str = "no attempt names GPUs";

impl Jobs<'_> {
    /// Takes one entry.
    pub(super) fn push(&mut self, entry: &Entry, line: u64) -> Result<(), TraceError> {
        let attempts = entry.attempts.as_deref().unwrap_or_default();
        self.unknown.extend(entry.rest.keys().cloned());
        let inner = attempts.iter().flat_map(|attempt| attempt.rest.keys());
        self.unknown.extend(inner.map(|key| format!("attempts.{key}")));
        let recorded = self.outcome(&entry.status, line)?;
        let runs = attempts.iter().map(|attempt| self.run(attempt, line)).collect::<Result<Vec<_>, _>>()?;
        let submit = self.time(entry.submitted_time.as_deref(), line, "submitted_time")?;
        let rows = if self.mode == Attempts::Split { runs.len().max(1) } else { 1 };
        (0..rows).for_each(|_| self.builder.row());
        let (Some(submit), false) = (submit, runs.is_empty()) else {
            let cause = if submit.is_none() { "no submitted_time" } else { "no attempt recorded" };
            (0..rows).for_each(|_| self.builder.ledger.drop_row(cause));
            return Ok(());
        };
        let vc = entry.vc.as_deref().unwrap_or_default().trim();
        let common = Common {
            id: self.id(&entry.jobid, line)?,
            line,
            submit,
            tenant: self.builder.tenant_of(&[vc, entry.user.as_deref().unwrap_or_default()]),
            queue: self.builder.queue(vc),
            recorded,
        };
        match self.mode {
            Attempts::Split => self.split(common, &runs),
            Attempts::Sum | Attempts::Last => self.join(common, &runs),
        }
    }

    /// One job out of all attempts.
    fn join(&mut self, common: Common<'_>, runs: &[Run]) -> Result<(), TraceError> {
        let running = is_running(runs);
        let times: Vec<(u64, u64)> = runs.iter().filter_map(|run| run.times().ok()).collect();
        let Some(&(last_start, last_end)) = times.last() else {
            let cause = if running { STILL_RUNNING } else { "no attempt has both a start and an end" };
            self.builder.ledger.drop_row(cause);
            return Ok(());
        };
        let Some(gpus) = runs.iter().rev().map(|run| run.gpus).find(|gpus| *gpus > 0) else {
            self.builder.ledger.drop_row(NO_GPUS);
            return Ok(());
        };
        let (start, duration) = match self.mode {
            Attempts::Last => (last_start, last_end - last_start),
            _ => (times[0].0, self.sum(common.line, &times)?),
        };
        self.count_flaws(runs, gpus, &times);
        let recorded = if running { Recorded::Censored } else { common.recorded };
        let job = self.job(Common { recorded, ..common }, start, duration, gpus)?;
        self.builder.push(job, Place::Line(common.line));
        Ok(())
    }

    fn sum(&self, line: u64, times: &[(u64, u64)]) -> Result<u64, TraceError> {
        let sum = times.iter().try_fold(0u64, |sum, (start, end)| sum.checked_add(end - start));
        sum.filter(|sum| i64::try_from(*sum).is_ok()).ok_or_else(|| {
            let error = self.error(line, "attempts", "the sum of the run times is too large".to_owned());
            error.with_hint("check the years of the times")
        })
    }

    /// Counts once a job what the join had to leave out or to choose.
    fn count_flaws(&mut self, runs: &[Run], gpus: u64, times: &[(u64, u64)]) {
        let causes: BTreeSet<&str> = runs.iter().filter_map(|run| run.times().err()).collect();
        for cause in causes {
            self.builder.ledger.change_row(&format!("{cause}: not in the run time"));
        }
        let ledger = &mut self.builder.ledger;
        if is_running(runs) {
            ledger.change_row(&format!("{STILL_RUNNING}, run time is censored"));
        }
        if runs.iter().any(|run| run.gpus != gpus) {
            ledger.change_row("attempts differ in GPUs: those of the last that names any are taken");
        }
        if self.mode == Attempts::Last && runs.len() > 1 {
            ledger.change_row("more than one attempt: only the last one is in the run time");
        }
        if self.mode == Attempts::Sum && times.windows(2).any(|pair| pair[1].0 < pair[0].1) {
            ledger.change_row("attempts overlap: the run time is their sum all the same");
        }
    }

    /// One job an attempt.
    fn split(&mut self, common: Common<'_>, runs: &[Run]) -> Result<(), TraceError> {
        let mut arrival = Some(common.submit);
        for (number, run) in runs.iter().enumerate() {
            let (is_last, before) = (number + 1 == runs.len(), arrival);
            arrival = run.end;
            let (start, end) = match run.times() {
                Ok(times) if run.gpus > 0 => times,
                Ok(_) => {
                    self.builder.ledger.drop_row("an attempt without GPUs");
                    continue;
                }
                Err(_) if is_last && is_running(runs) => {
                    self.builder.ledger.drop_row(STILL_RUNNING);
                    continue;
                }
                Err(cause) => {
                    self.builder.ledger.drop_row(cause);
                    continue;
                }
            };
            if number > 0 {
                self.builder.ledger.change_row("a later attempt: arrives when the one before ended");
            }
            if before.is_none() {
                self.builder.ledger.change_row("the attempt before has no end: arrives at its own start");
            }
            let id = format!("{}-attempt-{}", common.id, number + 1);
            let recorded = if is_last { common.recorded } else { Recorded::Unknown };
            let common = Common { id: &id, submit: before.unwrap_or(start), recorded, ..common };
            let job = self.job(common, start, end - start, run.gpus)?;
            self.builder.push(job, Place::Line(common.line));
        }
        Ok(())
    }

    fn job(&mut self, common: Common<'_>, start: u64, duration: u64, gpus: u64) -> Result<TraceJob, TraceError> {
        let gpu_milli = gpus.checked_mul(1000).and_then(below_unlimited).ok_or_else(|| {
            let error = self.error(common.line, "attempts.detail", format!("`{gpus}` GPUs are too many"));
            error.with_hint("check the list of GPUs")
        })?;
        let start = Some(Time(start)).filter(|start| start.0 >= common.submit);
        if start.is_none() {
            self.builder.ledger.change_row("starts before its submission: start not kept");
        }
        let job = TraceJob::plain(common.id, Time(common.submit), Span(duration), gpu_milli);
        Ok(TraceJob {
            tenant: common.tenant,
            recorded: common.recorded,
            details: Details { queue: common.queue, start, ..Details::NONE }.into(),
            ..job
        })
    }

    fn run(&self, attempt: &Attempt, line: u64) -> Result<Run, TraceError> {
        let servers = attempt.detail.as_deref().unwrap_or_default();
        Ok(Run {
            start: self.time(attempt.start_time.as_deref(), line, "attempts.start_time")?,
            end: self.time(attempt.end_time.as_deref(), line, "attempts.end_time")?,
            gpus: servers.iter().map(|server| server.gpus.as_ref().map_or(0, Vec::len) as u64).sum(),
        })
    }

    fn time(&self, text: Option<&str>, line: u64, field: &str) -> Result<Option<u64>, TraceError> {
        let Some(text) = text.filter(|text| !is_missing(text)) else { return Ok(None) };
        micros(text).map(Some).ok_or_else(|| {
            let error = self.error(line, field, format!("`{}` is not a date and time", shown(text)));
            error.with_hint("write YYYY-MM-DD HH:MM:SS, or null where there is none")
        })
    }

    fn id<'b>(&self, id: &'b str, line: u64) -> Result<&'b str, TraceError> {
        let empty = || self.error(line, "jobid", "the value is empty".to_owned()).with_hint("every job needs an id");
        Some(id.trim()).filter(|id| !id.is_empty()).ok_or_else(empty)
    }

    fn outcome(&self, status: &str, line: u64) -> Result<Recorded, TraceError> {
        match status {
            "Pass" => Ok(Recorded::Finished),
            "Failed" => Ok(Recorded::Failed),
            "Killed" => Ok(Recorded::Killed),
            other => {
                let error = self.error(line, "status", format!("`{}` is no status of a job", shown(other)));
                Err(error.with_hint("write Pass, Failed or Killed"))
            }
        }
    }

    fn error(&self, line: u64, field: &str, message: String) -> TraceError {
        TraceError::new(self.file, message).at_line(line).in_field(field)
    }
}

/// Whether the job still ran when the log was made: upstream's sign for that is a last attempt that has no end.
fn is_running(runs: &[Run]) -> bool {
    runs.last().is_some_and(|run| run.end.is_none() && run.start.is_some())
}
