//! The flat table of Microsoft's Philly trace (ATC'19), as artifacts of later papers carry it.
//!
//! Columns: `timestamp` (submission, civil time without zone), `duration` (seconds), `num_gpus` (gang), `gpu_time`
//! (GPU-seconds), `cluster` (virtual cluster: the tenant here). Rows are in no order. They have no id: the job of
//! data row N (1-based, blank lines not counted) is called `row-N`. Rows that are equal in every column are real
//! rows as far as anybody can tell, so they are kept and counted.

use engine::{Span, Time};

use super::clock::{civil_cell, origin, start_at_first};
use super::{Signs, Spec};
use crate::build::{Builder, Twins, row_id};
use crate::canonical::words::below_unlimited;
use crate::decimal::Flaw;
use crate::error::TraceError;
use crate::header::Header;
use crate::input::Input;
use crate::table::{Cells, Table};
use crate::trace::{Trace, TraceJob};

/// Columns without which nothing can be read.
const NEEDED: [&str; 4] = ["timestamp", "duration", "num_gpus", "cluster"];
/// Columns that are used.
const USED: [&str; 5] = ["timestamp", "duration", "num_gpus", "gpu_time", "cluster"];

pub(super) static SPEC: Spec = Spec {
    name: "philly",
    aliases: &[],
    about: "flat table of Microsoft Philly (ATC 2019)",
    options: &[],
    signs: Signs::Columns(&NEEDED),
    read,
};

/// Reads the flat table.
fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    let mut table = Table::open(input.file, input.text)?;
    table.header().check_needed("philly", &NEEDED, &USED)?;
    let columns = Columns::find(table.header());
    let mut builder = Builder::new(input.file, "philly");
    builder.ledger.ignored_columns = table.header().ignored(&USED);
    builder.reserve(table.rows_left());
    while let Some(cells) = table.next()? {
        builder.row();
        let job = columns.job(&cells, &mut builder)?;
        builder.push(job, cells.place);
    }
    if builder.len() > 0 {
        builder.ledger.change_row("id from row number (counted once)");
    }
    let first = start_at_first(builder.jobs_mut());
    let mut trace = builder.finish(Twins::Impossible, first.and_then(origin))?;
    for _ in 0..twins(&trace.jobs) {
        trace.ledger.change_row("fully duplicated row, kept");
    }
    Ok(trace)
}

/// Jobs that equal one before them in all that a row says. They are sorted by submission, so twins are not far apart.
fn twins(jobs: &[TraceJob]) -> usize {
    let row = |job: &TraceJob| (job.duration, job.gpu_milli, job.tenant);
    let mut twins = 0;
    for instant in jobs.chunk_by(|a, b| a.submit == b.submit).filter(|instant| instant.len() > 1) {
        let mut rows: Vec<_> = instant.iter().map(row).collect();
        rows.sort_unstable();
        twins += rows.windows(2).filter(|pair| pair[0] == pair[1]).count();
    }
    twins
}

struct Columns {
    timestamp: Option<usize>,
    duration: Option<usize>,
    num_gpus: Option<usize>,
    gpu_time: Option<usize>,
    cluster: Option<usize>,
}

impl Columns {
    fn find(header: &Header) -> Self {
        Self {
            timestamp: header.find("timestamp"),
            duration: header.find("duration"),
            num_gpus: header.find("num_gpus"),
            gpu_time: header.find("gpu_time"),
            cluster: header.find("cluster"),
        }
    }

    /// The job of a row; its submission is that on the clock of the table.
    fn job(&self, cells: &Cells<'_>, builder: &mut Builder) -> Result<TraceJob, TraceError> {
        let duration = cells.scaled(self.duration, "duration", 6)?;
        if duration.rounded {
            builder.ledger.change_row("duration: rounded to a microsecond");
        }
        let gpus = cells.count(self.num_gpus, "num_gpus")?;
        let gpu_milli = below_unlimited(u64::from(gpus) * 1000)
            .ok_or_else(|| cells.flaw("num_gpus", Flaw::TooLarge, cells.text(self.num_gpus)))?;
        if !cells.is_blank(self.gpu_time) {
            let gpu_time = cells.scaled(self.gpu_time, "gpu_time", 6)?;
            if u128::from(gpu_time.value) != u128::from(duration.value) * u128::from(gpus) {
                builder.ledger.change_row("gpu_time is not duration x num_gpus, not used");
            }
        }
        let tenant = builder.tenant_of(&[cells.word(self.cluster, "cluster")?]);
        let submit = Time(civil_cell(cells, self.timestamp, "timestamp")?);
        let id = row_id(u32::try_from(builder.ledger.rows).unwrap_or(u32::MAX));
        Ok(TraceJob { tenant, ..TraceJob::plain(id, submit, Span(duration.value), gpu_milli) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "timestamp,duration,num_gpus,gpu_time,cluster\n";

    fn read_text(text: &str) -> Result<Trace, TraceError> {
        read(&Input { file: "p.csv", text, options: &crate::input::Options::default() })
    }

    fn read_rows(rows: &str) -> Result<Trace, TraceError> {
        read_text(&format!("{HEADER}{rows}"))
    }

    #[test]
    fn golden() {
        let trace = read_rows(
            "2017-10-09 07:01:55,66.0,1,66.0,11cb48\n\n2017-10-09 06:13:03,2951.5,8,23612.0,6214e9\n\
             2017-10-09 07:01:55,66.0,1,66.0,11cb48\n2017-10-09 07:01:55,1,2,3,11cb48\n",
        )
        .unwrap();
        assert_eq!(trace.origin.as_deref(), Some("2017-10-09T06:13:03"));
        assert_eq!(trace.tenants, ["11cb48", "6214e9"]);
        let rows: Vec<_> =
            trace.jobs.iter().map(|j| (&*j.id, j.submit.0, j.duration.0, j.gpu_milli, j.tenant)).collect();
        assert_eq!(
            rows,
            [
                ("row-2", 0, 2_951_500_000, 8000, 1),
                ("row-1", 2_932_000_000, 66_000_000, 1000, 0),
                ("row-3", 2_932_000_000, 66_000_000, 1000, 0),
                ("row-4", 2_932_000_000, 1_000_000, 2000, 0),
            ]
        );
        let changed: Vec<_> = trace.ledger.changed.iter().map(|(cause, count)| (cause.as_str(), *count)).collect();
        assert_eq!(
            changed,
            [
                ("fully duplicated row, kept", 1),
                ("gpu_time is not duration x num_gpus, not used", 1),
                ("id from row number (counted once)", 1),
            ]
        );
        assert_eq!((trace.ledger.rows, trace.ledger.dropped.len()), (4, 0));
    }

    #[test]
    fn errors() {
        let text = |rows: &str| {
            let error = read_rows(rows).unwrap_err();
            format!("{error}\nhint: {}", error.hint().unwrap_or_default())
        };
        assert_eq!(
            text("yesterday,1,1,1,a\n"),
            "p.csv:2: field `timestamp`: `yesterday` is not a date and time\nhint: write YYYY-MM-DD HH:MM:SS, not before 1970"
        );
        assert_eq!(
            text("2017-10-09 07:01:55,-1,1,1,a\n"),
            "p.csv:2: field `duration`: `-1` is negative\nhint: the least is 0; correct the value, or leave the row out"
        );
        assert_eq!(
            text("2017-10-09 07:01:55,1,0.5,1,a\n"),
            "p.csv:2: field `num_gpus`: `0.5` is not a whole number\nhint: write a whole number such as 8"
        );
        assert_eq!(
            text("2017-10-09 07:01:55,1,1,1,\n"),
            "p.csv:2: field `cluster`: the value is empty\nhint: every row needs a value for `cluster`"
        );
        assert_eq!(text(""), "p.csv: the trace has no jobs\nhint: there must be at least one job below the header");
        let error = read_text("timestamp,durations,num_gpus,cluster\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "p.csv:1: required column `duration` is missing; found: timestamp, durations, num_gpus, cluster; needed: \
             timestamp, duration, num_gpus, cluster"
        );
        assert_eq!(error.hint(), Some("is `durations` meant to be `duration`? Then rename it"));
    }
}
