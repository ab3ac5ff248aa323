//! The readers.

use engine::Time;
use jiff::civil::DateTime;

use super::{CapacitySchedule, Series, Unit, canonical};
use crate::civil::{self, since};
use crate::error::{TraceError, shown};
use crate::header::Header;
use crate::table::{Cells, Table};
use crate::trace::Ledger;

/// What kind of file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A column a virtual cluster, a row a day.
    Quotas,
    /// One virtual cluster, a row a minute.
    Sequence,
    /// Active and total nodes, a row a minute.
    Nodes,
    /// The canonical one.
    Canonical(Unit),
}

impl Kind {
    fn of(header: &Header) -> Option<Self> {
        let has = |name: &str| header.find(name).is_some();
        match () {
            () if has("time_s") && has("name") && has("gpus") => Some(Self::Canonical(Unit::Gpus)),
            () if has("time_s") && has("name") && has("nodes") => Some(Self::Canonical(Unit::Nodes)),
            () if has("date") && has("total") => Some(Self::Quotas),
            () if has("time") && has("total_gpu_num") => Some(Self::Sequence),
            () if has("time") && has("active") && has("total") => Some(Self::Nodes),
            () => None,
        }
    }
}

/// Whether the text of a file called `name` is a schedule, and neither a trace nor a cluster.
pub fn is_capacity(name: &str, text: &str) -> bool {
    Table::open(name, text).is_ok_and(|table| Kind::of(table.header()).is_some())
}

/// Reads a schedule of whatever kind.
pub(super) fn read(file: &str, text: &str) -> Result<CapacitySchedule, TraceError> {
    let table = Table::open(file, text)?;
    let header = table.header();
    let Some(kind) = Kind::of(header) else {
        let error = header.error(format!("no known kind of capacity schedule; found: {}", header.shown_names()));
        return Err(error.with_hint(
            "the canonical one has the columns time_s, name and gpus (or nodes); others have date and total, time and \
             total_gpu_num, or time, active and total",
        ));
    };
    match kind {
        Kind::Canonical(unit) => canonical::read(table, unit),
        Kind::Quotas => quotas(table),
        Kind::Sequence => {
            let columns = vec![("total_gpu_num", series_name(file))];
            by_time(table, "time", Unit::Gpus, 60, columns)
        }
        Kind::Nodes => {
            let columns = vec![("total", "total".to_owned()), ("active", "active".to_owned())];
            by_time(table, "time", Unit::Nodes, 60, columns)
        }
    }
}

/// `vcJkd` out of `folder/Earth_vcJkd_cluster_sequence.csv.gz`.
fn series_name(file: &str) -> String {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let name = name.split("_cluster_sequence").next().unwrap_or(name);
    let name = name.rsplit('_').next().unwrap_or(name);
    if name.is_empty() || name.contains('.') { "total".to_owned() } else { name.to_owned() }
}

/// Rows that are in order of time and `step_s` seconds apart.
struct Clock {
    field: &'static str,
    step_s: u64,
    origin: Option<DateTime>,
    last: Time,
    ledger: Ledger,
}

impl Clock {
    fn new(field: &'static str, step_s: u64, ledger: Ledger) -> Self {
        Self { field, step_s, origin: None, last: Time(0), ledger }
    }

    /// The time of the next row.
    fn next(&mut self, cells: &Cells<'_>, at: Option<usize>) -> Result<Time, TraceError> {
        self.ledger.rows += 1;
        let text = cells.text(at).trim();
        let shows = civil::parse(text).ok_or_else(|| {
            let message = format!("`{}` is not a date and time", shown(text));
            cells.error(self.field, message).with_hint("write YYYY-MM-DD HH:MM:SS")
        })?;
        let Some(origin) = self.origin else {
            self.origin = Some(shows);
            return Ok(self.last);
        };
        let time = since(origin, shows).filter(|time| *time > self.last).ok_or_else(|| {
            let message = format!("`{}` is not after the row before", shown(text));
            cells.error(self.field, message).with_hint("sort the rows by time, and leave out what is there twice")
        })?;
        let missing = (time.since(self.last).0 / (self.step_s * 1_000_000)).saturating_sub(1);
        if missing > 0 {
            let unit = if self.step_s == 60 { "minute" } else { "day" };
            let cause = format!("{unit} is missing: the amount before it holds");
            *self.ledger.changed.entry(cause).or_default() += missing;
        }
        self.last = time;
        Ok(time)
    }

    fn finish(self, file: &str, unit: Unit, series: Vec<Series>) -> Result<CapacitySchedule, TraceError> {
        let Some(origin) = self.origin else {
            let error = TraceError::new(file, "the schedule has no rows");
            return Err(error.with_hint("there must be at least one row below the header"));
        };
        Ok(CapacitySchedule {
            source: file.to_owned(),
            origin: Some(origin.to_string()),
            unit,
            series,
            last: self.last,
            ledger: self.ledger,
        })
    }
}

/// Quotas by the day.
fn quotas(mut table: Table<'_>) -> Result<CapacitySchedule, TraceError> {
    let header = table.header();
    let file = header.file.clone();
    let (date, total) = (header.find("date"), header.find("total"));
    let others = |at: &usize| Some(*at) != date && Some(*at) != total;
    let columns: Vec<usize> = (0..header.names.len()).filter(others).collect();
    let mut series = Vec::new();
    for &at in &columns {
        if header.names[at].is_empty() {
            let error = header.error(format!("column {} has no name", at + 1));
            return Err(error.with_hint("every column between date and total is a virtual cluster"));
        }
        series.push(Series { name: header.names[at].clone(), steps: Vec::new() });
    }
    let mut clock = Clock::new("date", 86_400, Ledger::default());
    while let Some(cells) = table.next()? {
        let time = clock.next(&cells, date)?;
        let mut sum = 0u64;
        for (series, &at) in series.iter_mut().zip(&columns) {
            let amount = cells.count(Some(at), &series.name)?;
            sum += u64::from(amount);
            series.set(time, amount);
        }
        if sum != u64::from(cells.count(total, "total")?) {
            clock.ledger.change_row("total is not the sum of the columns: the sum counts");
        }
    }
    clock.finish(&file, Unit::Gpus, series)
}

/// Columns that are series, by the minute.
fn by_time(
    mut table: Table<'_>,
    field: &'static str,
    unit: Unit,
    step_s: u64,
    columns: Vec<(&'static str, String)>,
) -> Result<CapacitySchedule, TraceError> {
    let header = table.header();
    let file = header.file.clone();
    let used: Vec<&str> = columns.iter().map(|(column, _)| *column).chain([field]).collect();
    let ledger = Ledger { ignored_columns: header.ignored(&used), ..Ledger::default() };
    let at = header.find(field);
    let mut series: Vec<(Option<usize>, &str, Series)> = Vec::new();
    for (column, name) in columns {
        series.push((header.find(column), column, Series { name, steps: Vec::new() }));
    }
    let mut clock = Clock::new(field, step_s, ledger);
    while let Some(cells) = table.next()? {
        let time = clock.next(&cells, at)?;
        for (at, column, series) in &mut series {
            series.set(time, cells.count(*at, column)?);
        }
    }
    clock.finish(&file, unit, series.into_iter().map(|(_, _, series)| series).collect())
}
