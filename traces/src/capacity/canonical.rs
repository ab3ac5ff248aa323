//! The canonical form of a schedule: CSV with `time_s`, `name`, and `gpus` or `nodes`, a row a change.

use std::collections::BTreeMap;
use std::io::Write;

use engine::Time;

use super::{CapacitySchedule, Series, Unit};
use crate::decimal;
use crate::error::{TraceError, shown};
use crate::table::Table;
use crate::trace::Ledger;

/// Writes a schedule, in order of time. The time of its last row is kept by a row that changes nothing.
pub fn write_capacity(schedule: &CapacitySchedule, out: impl Write) -> Result<(), TraceError> {
    let failed =
        |error: csv::Error| TraceError::new(&schedule.source, format!("the schedule cannot be written: {error}"));
    let mut rows: Vec<(Time, usize, u32)> = Vec::new();
    for (i, series) in schedule.series.iter().enumerate() {
        rows.extend(series.steps.iter().map(|(at, amount)| (*at, i, *amount)));
    }
    rows.sort_unstable_by_key(|(at, series, _)| (*at, *series));
    let end = schedule.series.first().and_then(|series| series.at(schedule.last));
    if let Some(amount) = end.filter(|_| rows.last().is_some_and(|(at, ..)| *at < schedule.last)) {
        rows.push((schedule.last, 0, amount));
    }
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(["time_s", "name", schedule.unit.word()]).map_err(failed)?;
    for (at, series, amount) in rows {
        let time = decimal::text(at.0, 6);
        writer.write_record([&time, &schedule.series[series].name, &amount.to_string()]).map_err(failed)?;
    }
    writer.flush().map_err(|error| failed(error.into()))
}

/// Reads one. Rows may stand in any order of names, but those of one name in order of time.
pub(super) fn read(mut table: Table<'_>, unit: Unit) -> Result<CapacitySchedule, TraceError> {
    let header = table.header();
    let file = header.file.clone();
    let (time, name, amount) = (header.find("time_s"), header.find("name"), header.find(unit.word()));
    let ignored_columns = header.ignored(&["time_s", "name", unit.word()]);
    let mut ledger = Ledger { ignored_columns, ..Ledger::default() };
    let (mut series, mut last): (Vec<(Series, Time)>, Time) = (Vec::new(), Time(0));
    let mut index: BTreeMap<String, usize> = BTreeMap::new();
    while let Some(cells) = table.next()? {
        ledger.rows += 1;
        let at = cells.scaled(time, "time_s", 6)?;
        if at.rounded {
            ledger.change_row("time_s: rounded to a microsecond");
        }
        let (at, name, amount) = (Time(at.value), cells.word(name, "name")?, cells.count(amount, unit.word())?);
        last = last.max(at);
        let known = *index.entry(name.to_owned()).or_insert(series.len());
        match series.get_mut(known) {
            Some((_, before)) if at <= *before => {
                let error = cells.error("time_s", format!("the time is not after the last one of `{}`", shown(name)));
                return Err(error.with_hint("sort the rows by time, and give each name one amount a time"));
            }
            Some((series, before)) => {
                *before = at;
                series.set(at, amount);
            }
            None => series.push((Series { name: name.to_owned(), steps: vec![(at, amount)] }, at)),
        }
    }
    if series.is_empty() {
        let error = TraceError::new(file, "the schedule has no rows");
        return Err(error.with_hint("there must be at least one row below the header"));
    }
    let series = series.into_iter().map(|(series, _)| series).collect();
    Ok(CapacitySchedule { source: file, origin: None, unit, series, last, ledger })
}
