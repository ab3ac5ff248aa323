//! The flat table of Microsoft's Philly trace (ATC'19), as artifacts of later papers carry it.
//!
//! Columns: `timestamp` (submission, civil time without zone), `duration` (seconds), `num_gpus` (gang), `gpu_time`
//! (GPU-seconds), `cluster` (virtual cluster: the tenant here). Rows are in no order. They have no id: the job of
//! data row N (1-based, blank lines not counted) is called `row-N`. Rows that are equal in every column are real
//! rows as far as anybody can tell, so they are kept and counted.

use std::collections::HashSet;

use engine::{Span, Time};
use jiff::civil::DateTime;

use crate::canonical::words::{below_unlimited, tenant_path};
use crate::canonical::{no_jobs, sort_jobs};
use crate::error::{TraceError, shown};
use crate::header::Header;
use crate::intern::Interner;
use crate::table::{Cells, CsvTable};
use crate::trace::{Ledger, Trace, TraceJob};

/// Columns without which nothing can be read.
pub(crate) const NEEDED: [&str; 4] = ["timestamp", "duration", "num_gpus", "cluster"];
/// Columns that are used.
const USED: [&str; 5] = ["timestamp", "duration", "num_gpus", "gpu_time", "cluster"];

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Row {
    submitted: DateTime,
    duration: Span,
    gpu_milli: u32,
    tenant: u32,
}

/// Reads the flat table.
pub(crate) fn read(file: &str, text: &str) -> Result<Trace, TraceError> {
    let mut table = CsvTable::open(file, text)?;
    table.header().check_needed("philly", &NEEDED, &USED)?;
    let columns = Columns::find(table.header());
    let mut ledger = Ledger { ignored_columns: table.header().ignored(&USED), ..Ledger::default() };
    let mut tenants = Interner::<String>::default();
    let (mut rows, mut seen) = (Vec::new(), HashSet::new());
    while let Some(cells) = table.next()? {
        ledger.rows += 1;
        let row = columns.row(&cells, &mut tenants, &mut ledger)?;
        if !seen.insert(row.clone()) {
            ledger.change_row("fully duplicated row, kept");
        }
        rows.push(row);
    }
    let Some(origin) = rows.iter().map(|row| row.submitted).min() else { return Err(no_jobs(file, 0)) };
    ledger.change_row("id from row number (counted once)");
    let mut jobs: Vec<TraceJob> = rows.iter().enumerate().map(|(i, row)| job(i + 1, row, origin)).collect();
    sort_jobs(&mut jobs);
    Ok(Trace {
        source: file.to_owned(),
        format: "philly".to_owned(),
        origin: Some(origin.to_string()),
        jobs,
        tenants: tenants.into_values(),
        model_sets: Vec::new(),
        ledger,
    })
}

fn job(number: usize, row: &Row, origin: DateTime) -> TraceJob {
    let since = row.submitted.duration_since(origin).as_micros();
    TraceJob {
        tenant: row.tenant,
        ..TraceJob::plain(format!("row-{number}"), Time(u64::try_from(since).unwrap_or(0)), row.duration, row.gpu_milli)
    }
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

    fn row(&self, cells: &Cells<'_>, tenants: &mut Interner<String>, ledger: &mut Ledger) -> Result<Row, TraceError> {
        let duration = cells.scaled(self.duration, "duration", 6)?;
        if duration.rounded {
            ledger.change_row("duration: rounded to a microsecond");
        }
        let gpus = cells.count(self.num_gpus, "num_gpus")?;
        let gpu_milli = below_unlimited(u64::from(gpus) * 1000)
            .ok_or_else(|| cells.flaw("num_gpus", crate::decimal::Flaw::TooLarge, cells.text(self.num_gpus)))?;
        if !cells.text(self.gpu_time).trim().is_empty() {
            let gpu_time = cells.scaled(self.gpu_time, "gpu_time", 6)?;
            if u128::from(gpu_time.value) != u128::from(duration.value) * u128::from(gpus) {
                ledger.change_row("gpu_time is not duration x num_gpus, not used");
            }
        }
        let cluster = cells.text(self.cluster).trim();
        if cluster.is_empty() {
            return Err(cells.flaw("cluster", crate::decimal::Flaw::Empty, ""));
        }
        let tenant = tenants.intern(tenant_path(cells, "cluster", cluster)?);
        Ok(Row { submitted: submitted(cells, self.timestamp)?, duration: Span(duration.value), gpu_milli, tenant })
    }
}

fn submitted(cells: &Cells<'_>, at: Option<usize>) -> Result<DateTime, TraceError> {
    let text = cells.text(at).trim();
    text.parse().map_err(|_| {
        let message = format!("`{}` is not a date and time", shown(text));
        cells.error("timestamp", message).with_hint("write YYYY-MM-DD HH:MM:SS, without a zone")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "timestamp,duration,num_gpus,gpu_time,cluster\n";

    fn read_rows(rows: &str) -> Result<Trace, TraceError> {
        read("p.csv", &format!("{HEADER}{rows}"))
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
            "p.csv:2: field `timestamp`: `yesterday` is not a date and time\nhint: write YYYY-MM-DD HH:MM:SS, without a zone"
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
        assert_eq!(
            text("2017-10-09 07:01:55,1,1,1,/a\n"),
            "p.csv:2: field `cluster`: `/a` has an empty part\nhint: write a path such as org/team/user"
        );
        assert_eq!(text(""), "p.csv: the trace has no jobs\nhint: there must be at least one job below the header");
        let error = read("p.csv", "timestamp,durations,num_gpus,cluster\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "p.csv:1: required column `duration` is missing; found: timestamp, durations, num_gpus, cluster; needed: \
             timestamp, duration, num_gpus, cluster"
        );
        assert_eq!(error.hint(), Some("is `durations` meant to be `duration`? Then rename it"));
    }
}
