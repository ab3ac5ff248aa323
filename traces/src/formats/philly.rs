//! The flat table of Microsoft's Philly trace (ATC'19), as artifacts of later papers carry it.
//!
//! Columns: `timestamp` (submission, civil time without zone), `duration` (seconds), `num_gpus` (gang), `gpu_time`
//! (GPU-seconds), `cluster` (virtual cluster: the tenant here). Rows are in no order. They have no id: the job of
//! data row N (1-based, blank lines not counted) is called `row-N`. Rows that are equal in every column are real
//! rows as far as anybody can tell, so they are kept and counted.

use engine::{Span, Time};

use super::clock::{civil_cell, origin};
use super::{Signs, Spec};
use crate::build::{Builder, ROW_IDS, RowIds, Twins};
use crate::canonical::words::below_unlimited;
use crate::decimal::Flaw;
use crate::error::TraceError;
use crate::header::Header;
use crate::input::Input;
use crate::order::Order;
use crate::table::{Cells, Table};
use crate::trace::{Ledger, Trace, TraceJob};

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

/// Reads the flat table. Its rows are in no order: what they say is sorted first, and jobs are made in order.
fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    let mut table = Table::open(input.file, input.text)?;
    table.header().check_needed("philly", &NEEDED, &USED)?;
    let columns = Columns::find(table.header());
    let mut builder = Builder::new(input.file, "philly");
    builder.ledger.ignored_columns = table.header().ignored(&USED);
    let mut times: Vec<u64> = Vec::with_capacity(table.rows_left());
    let mut rows: Vec<Row> = Vec::with_capacity(table.rows_left());
    while let Some(cells) = table.next()? {
        builder.row();
        let (time, row) = columns.row(&cells, &mut builder)?;
        times.push(time);
        rows.push(row);
    }
    let first = push_jobs(times, &rows, &mut builder);
    builder.finish(Twins::Impossible, first.and_then(origin))
}

/// Rows that are fetched out of order at once, before anything is done with them: memory has time to answer.
const BATCH: usize = 1024;

/// What a row says beside its submission.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    duration: Span,
    gpu_milli: u32,
    tenant: u32,
}

/// Makes jobs of the rows, which were submitted at `times` in microseconds on the clock of the table, in order, and
/// counts rows that are equal. Tells when the first was submitted.
fn push_jobs(times: Vec<u64>, rows: &[Row], builder: &mut Builder) -> Option<u64> {
    let ids = RowIds::up_to(rows.len() as u64);
    let order = Order::of(times);
    let first = if rows.is_empty() { return None } else { order.at(0).0 };
    builder.ledger.change_row(ROW_IDS);
    builder.reserve_unplaced(rows.len());
    let (mut instant, mut together, mut batch) = (first, Vec::new(), Vec::with_capacity(BATCH));
    for from in (0..rows.len()).step_by(BATCH) {
        let ranks = from..rows.len().min(from + BATCH);
        batch.extend(ranks.map(|rank| order.at(rank)).map(|(time, at)| (time, at, rows[at])));
        for (time, at, row) in batch.drain(..) {
            if time != instant {
                count_twins(&mut together, &mut builder.ledger);
                instant = time;
            }
            together.push(row);
            let job = TraceJob::plain(ids.of(at as u64 + 1), Time(time - first), row.duration, row.gpu_milli);
            builder.push_unplaced(TraceJob { tenant: row.tenant, ..job });
        }
    }
    count_twins(&mut together, &mut builder.ledger);
    Some(first)
}

/// Counts rows of one instant that equal one before them, and forgets them all.
fn count_twins(together: &mut Vec<Row>, ledger: &mut Ledger) {
    if together.len() > 1 {
        together.sort_unstable();
        for _ in together.windows(2).filter(|pair| pair[0] == pair[1]) {
            ledger.change_row("fully duplicated row, kept");
        }
    }
    together.clear();
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

    /// Reads when a row was submitted, and what else it says.
    fn row(&self, cells: &Cells<'_>, builder: &mut Builder) -> Result<(u64, Row), TraceError> {
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
        let time = civil_cell(cells, self.timestamp, "timestamp")?;
        Ok((time, Row { duration: Span(duration.value), gpu_milli, tenant }))
    }
}

#[cfg(test)]
mod tests {
    use engine::MICROS;
    use proptest::prelude::*;

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

    proptest! {
        /// Over more rows than are fetched at once: what a stable sort of the rows in the file is.
        #[test]
        fn rows_in_any_order(rows in prop::collection::vec((0u64..900, 1u64..3, 1u32..3, 0u32..2), 1..2500)) {
            let text = |(second, run, gpus, cluster): &(u64, u64, u32, u32)| {
                format!("2017-10-09 07:{:02}:{:02},{run},{gpus},,vc{cluster}\n", second / 60, second % 60)
            };
            let trace = read_rows(&rows.iter().map(text).collect::<String>()).unwrap();
            let mut sorted: Vec<_> = (1..).zip(&rows).collect();
            sorted.sort_by_key(|(_, row)| row.0);
            let first = sorted[0].1.0;
            prop_assert_eq!(trace.jobs.len(), rows.len());
            for (job, (number, (second, run, gpus, cluster))) in trace.jobs.iter().zip(sorted) {
                let name = &trace.tenants[job.tenant as usize];
                prop_assert_eq!((&*job.id, name.as_str()), (&*format!("row-{number}"), &*format!("vc{cluster}")));
                prop_assert_eq!((job.submit, job.duration), (Time((second - first) * MICROS), Span::secs(*run)));
                prop_assert_eq!(job.gpu_milli, gpus * 1000);
            }
            let twins = rows.len() - rows.iter().collect::<std::collections::BTreeSet<_>>().len();
            let counted = trace.ledger.changed.get("fully duplicated row, kept").copied().unwrap_or(0);
            prop_assert_eq!(counted, twins as u64);
        }
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
