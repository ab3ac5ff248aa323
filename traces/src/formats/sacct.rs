//! The history of a Slurm cluster: output of `sacct -P` with any selection of columns.
//!
//! Definition: `sacct(1)`, <https://slurm.schedmd.com/sacct.html>. One line a job, or one a job and each of its steps;
//! cells between `|` (or `--delimiter`), which nothing quotes. Names of columns are read in any case, a width such as
//! `JobName%30` is cut off. Needed are `JobID` (or `JobIDRaw`), `Submit`, and `Elapsed`, `ElapsedRaw` or both `Start`
//! and `End`. GPUs are those of `AllocTRES` (`gres/gpu`), else of `ReqTRES`, `AllocGRES`, `ReqGRES`.
//!
//! Times are by the clock of the cluster, without a zone, so an hour is missing or there twice when clocks change:
//! `Elapsed` is therefore trusted before `End` minus `Start`. It also leaves out the time for which a job was
//! suspended. Unix times (`SLURM_TIME_FORMAT=%s`) are read as UTC.
//!
//! A time limit is also the estimate, as it is for Slurm's backfill. `Priority` is the sum of factors at one instant,
//! which a replay computes anew, so it is not used, nor is `QOS`. GPU models are those of `ReqTRES`; where only the
//! allocated ones are known, they are taken and counted. Tasks are nodes. A component of a heterogeneous job (`12+1`)
//! becomes a job. Rows of one id, which `sacct --duplicates` shows for requeued jobs, are attempts; each becomes a job.

use engine::{Span, Time};

use super::events::clock;
use super::{Signs, Spec};
use crate::build::{Builder, Twins, no_jobs};
use crate::details::{Details, Wishes};
use crate::error::TraceError;
use crate::input::Input;
use crate::table::{Cells, Place};
use crate::trace::{Recorded, Trace, TraceJob};

mod amounts;
mod columns;
mod lines;
mod request;
mod runs;
mod states;
#[cfg(test)]
mod tests;

use columns::Columns;
use lines::Lines;
use runs::Runs;
use states::{State, state};

pub(super) static SPEC: Spec = Spec {
    name: "sacct",
    aliases: &["slurm"],
    about: "output of Slurm's sacct -P",
    options: &[(
        "delimiter",
        "text between cells, as in sacct --delimiter; also pipe (default), comma, tab, semicolon",
    )],
    signs: Signs::Text(fits),
    read,
};

/// Names that only a header of sacct has beside `JobID`.
const MARKS: [&str; 12] = [
    "submit",
    "elapsed",
    "elapsedraw",
    "state",
    "alloctres",
    "reqtres",
    "jobname",
    "partition",
    "exitcode",
    "alloccpus",
    "jobidraw",
    "start",
];

/// Whether the first line is a header of sacct with `|` between names.
fn fits(text: &str) -> bool {
    let head = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let names: Vec<String> = head.split('|').map(lines::plain_name).collect();
    let has = |name: &str| names.iter().any(|known| known == name);
    (has("jobid") || has("jobidraw")) && MARKS.iter().filter(|name| has(name)).count() >= 2
}

/// A row that became a job, before the origin is known.
struct Row {
    job: TraceJob,
    submit: i64,
    start: Option<i64>,
    place: Place,
}

/// Reads the output of sacct.
fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    let mut lines = Lines::open(input, lines::delimiter(input))?;
    let columns = Columns::find(&lines)?;
    let mut builder = Builder::new(input.file, SPEC.name);
    builder.ledger.ignored_columns = columns.ignored(&lines);
    let mut runs = Runs::new(&columns);
    let mut rows = Vec::new();
    while let Some(cells) = lines.next(&mut builder.ledger)? {
        builder.row();
        rows.extend(row(&cells, &columns, &mut runs, &mut builder)?);
    }
    runs.check_clocks(input.file)?;
    let Some(origin) = rows.iter().map(|row| row.submit).min() else {
        return Err(no_jobs(input.file, &builder.ledger));
    };
    if !columns.say_gpus() {
        builder.ledger.change_row("no column says GPUs: all jobs are taken as jobs without (counted once)");
    }
    for mut row in rows {
        row.job.submit = Time(row.submit.abs_diff(origin));
        row.job.start = row.start.map(|at| Time(at.abs_diff(origin)));
        builder.push(row.job, row.place);
    }
    builder.finish(Twins::Numbered, clock::civil(origin))
}

/// One row; `None` where it is no job, or one without a run.
fn row(
    cells: &Cells<'_>,
    columns: &Columns,
    runs: &mut Runs,
    builder: &mut Builder,
) -> Result<Option<Row>, TraceError> {
    let (at, name) = columns.id();
    let id = cells.word(at, name)?;
    if id.contains('.') {
        builder.ledger.drop_row("step of a job");
        return Ok(None);
    }
    let state = state(cells.text(columns.at("state")));
    if state == State::Unknown && !cells.is_blank(columns.at("state")) {
        builder.ledger.change_row("a state that is not known: outcome unknown");
    }
    let Some(run) = runs.of_row(cells, columns, state, &mut builder.ledger)? else { return Ok(None) };
    if id.contains('+') {
        builder.ledger.change_row("component of a heterogeneous job: a job of its own");
    }
    let request = request::of_row(cells, columns, builder)?;
    let time_limit = runs::time_limit(cells, columns)?.map(Span);
    let name = cells.text(columns.at("jobname")).trim();
    let job = TraceJob {
        tenant: tenant(cells, columns, builder),
        recorded: match state {
            _ if run.censored => Recorded::Censored,
            State::Ended(recorded) => recorded,
            _ => Recorded::Unknown,
        },
        details: Details {
            cpu_milli: request.cpu_milli,
            memory_mib: request.memory_mib,
            models: request.models,
            tasks: request.tasks,
            queue: builder.queue(cells.text(columns.at("partition")).trim()),
            estimate: time_limit,
            wishes: Wishes { time_limit, ..Wishes::NONE }.into(),
            name: (!name.is_empty()).then(|| name.into()),
            ..Details::NONE
        }
        .into(),
        ..TraceJob::plain(id, Time(0), Span(run.span_us), request.gpu_milli)
    };
    Ok(Some(Row { job, submit: run.submit, start: run.start, place: cells.place }))
}

/// Account and user, as far as there are columns for them.
fn tenant(cells: &Cells<'_>, columns: &Columns, builder: &mut Builder) -> u32 {
    let parts: Vec<&str> =
        ["account", "user"].iter().filter_map(|name| columns.at(name)).map(|at| cells.text(Some(at))).collect();
    if parts.is_empty() { builder.tenant("") } else { builder.tenant_of(&parts) }
}
