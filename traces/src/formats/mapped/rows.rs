//! From rows of the source to rows of the canonical form.

use std::collections::HashMap;

use super::SPEC;
use super::data::Data;
use super::field::Bound;
use super::file::{Constant, Mapping, Origin, RepeatedIds, Rule};
use super::units::{KEYS, UNIX_MIN};
use crate::build::{ROW_IDS, no_jobs, row_id};
use crate::canonical::rows::Rows;
use crate::error::{TraceError, shown};
use crate::formats::events::clock::{self, Kind};
use crate::header::Header;
use crate::table::{Cells, RowBuffer};
use crate::trace::{Ledger, Trace};

/// Reads the rows.
pub(super) fn read(mapping: &Mapping, data: &Data<'_>) -> Result<Trace, TraceError> {
    let mut source = Source::bind(mapping, data.header())?;
    data.each(&mut |cells| source.look(cells))?;
    let zero = source.zero();
    if source.kept == 0 {
        return Err(no_jobs(&data.header().file, &source.ledger));
    }
    let names = canonical_names(mapping);
    let header = Header { file: data.header().file.clone(), line: None, names };
    let mut rows = Rows::new(&header)?;
    let (mut row, mut ids) = (RowBuffer::default(), HashMap::new());
    let mut number = 0u64;
    data.each(&mut |cells| {
        number += 1;
        if source.drop_cause(cells).is_some() {
            return Ok(());
        }
        row.clear();
        source.fill(cells, number, zero.0, &mut ids, &mut row)?;
        rows.push(Cells::new(cells.file, cells.place, &row)).map_err(|error| source.renamed(error))
    })?;
    let mut trace = rows.finish()?;
    SPEC.name.clone_into(&mut trace.format);
    trace.origin = zero.1;
    source.settle(&mut trace.ledger, data.header());
    Ok(trace)
}

/// Columns of the canonical form that the mapping gives, after the id.
fn canonical_names(mapping: &Mapping) -> Vec<String> {
    let given = |key: &str| mapping.fields.contains_key(key) || key == "job_id" || key == "duration";
    KEYS.iter().filter(|(key, name, _)| given(key) && !name.is_empty()).map(|(_, name, _)| (*name).to_owned()).collect()
}

/// The mapping bound to the columns of one file.
struct Source<'a> {
    mapping: &'a Mapping,
    fields: Vec<Bound<'a>>,
    drops: Vec<(usize, &'a Rule)>,
    ledger: Ledger,
    kept: u64,
    /// The first submission, and by which clock the points in time are.
    first: Option<(Kind, i64)>,
}

impl<'a> Source<'a> {
    fn bind(mapping: &'a Mapping, header: &Header) -> Result<Self, TraceError> {
        let find = |span: &std::ops::Range<usize>, key: &str, name: &str| {
            header.find(name).ok_or_else(|| {
                let message = format!("no column of {} is called `{}`", shown(&header.file), shown(name));
                let hint = format!("the columns are {}", header.shown_names());
                mapping.error(span, key, message).with_hint(header.delimiter_hint().unwrap_or(hint))
            })
        };
        let mut fields = Vec::new();
        for (key, _, _) in KEYS {
            let Some(mapped) = mapping.fields.get(key) else { continue };
            let at: Result<Vec<usize>, _> =
                mapped.columns().into_iter().map(|name| find(&mapped.span, mapped.key, name)).collect();
            fields.push(Bound { mapped, missing: &mapping.missing, at: at? });
        }
        let mut drops = Vec::new();
        for drop in &mapping.file.drop {
            drops.push((find(&drop.span(), "drop", &drop.get_ref().column)?, drop.get_ref()));
        }
        Ok(Self { mapping, fields, drops, ledger: Ledger::default(), kept: 0, first: None })
    }

    fn field(&self, key: &str) -> Option<&Bound<'a>> {
        self.fields.iter().find(|field| field.mapped.key == key)
    }

    /// Why the row is left out.
    fn drop_cause(&self, cells: &Cells<'_>) -> Option<&'a str> {
        let hit = |(at, drop): &&(usize, &Rule)| {
            let text = cells.text(Some(*at)).trim();
            drop.equals.as_ref().is_some_and(|Constant(value)| value == text)
                || drop.below.is_some_and(|below| text.parse::<f64>().is_ok_and(|number| number < below))
                || drop.missing && self.mapping.missing.iter().any(|missing| missing == text)
        };
        self.drops.iter().find(hit).map(|(_, drop)| drop.because.as_str())
    }

    /// The first look at a row: whether it is left out, and when it was submitted.
    fn look(&mut self, cells: &Cells<'_>) -> Result<(), TraceError> {
        self.ledger.rows += 1;
        if let Some(cause) = self.drop_cause(cells) {
            self.ledger.drop_row(cause);
            return Ok(());
        }
        self.kept += 1;
        let (kind, at) = self.instant(cells, "submit")?.ok_or_else(|| self.lacks(cells, "submit"))?;
        self.first = Some(self.first.map_or((kind, at), |(_, first)| (kind, first.min(at))));
        Ok(())
    }

    /// The time that becomes zero, and what a clock showed then.
    fn zero(&self) -> (i64, Option<String>) {
        let Some((kind, first)) = self.first else { return (0, None) };
        let dated = matches!(kind, Kind::Civil | Kind::Zoned) || first >= UNIX_MIN.0.cast_signed();
        let zero = match self.mapping.file.origin {
            Some(Origin::First) => first,
            Some(Origin::Zero) => 0,
            None => {
                if dated {
                    first
                } else {
                    0
                }
            }
        };
        (zero, if dated { clock::civil(zero) } else { None })
    }

    /// A point in time; all must be by one clock.
    fn instant(&self, cells: &Cells<'_>, key: &str) -> Result<Option<(Kind, i64)>, TraceError> {
        let Some(field) = self.field(key) else { return Ok(None) };
        let found = field.instant(cells, &mut Ledger::default())?;
        if let (Some((kind, _)), Some((first, _))) = (found, self.first)
            && kind != first
        {
            let error = cells.error(&field.said(), "a date with a zone stands beside dates without");
            return Err(error.with_hint("write all dates with a zone, or all without"));
        }
        Ok(found)
    }

    fn lacks(&self, cells: &Cells<'_>, key: &str) -> TraceError {
        let said = self.field(key).map_or_else(|| key.to_owned(), Bound::said);
        let error = cells.error(&said, format!("the row has no value for `{key}`"));
        error.with_hint("give the key a `default` in the mapping, or add a rule to `drop` such rows")
    }

    /// Writes the canonical cells of a row.
    fn fill(
        &mut self,
        cells: &Cells<'_>,
        number: u64,
        zero: i64,
        ids: &mut HashMap<String, u64>,
        row: &mut RowBuffer,
    ) -> Result<(), TraceError> {
        let mut ledger = std::mem::take(&mut self.ledger);
        let run = self.run_us(cells, &mut ledger)?;
        for (key, name, _) in KEYS {
            let text = match (self.field(key), key) {
                (None, "job_id") => Some(row_id(number).into()),
                (_, "duration") => Some(run.to_string()),
                (None, _) => continue,
                (Some(_), _) if name.is_empty() => continue,
                (Some(_), "submit" | "start" | "deadline") => self.since(cells, key, zero)?,
                (Some(field), "estimate" | "time_limit") => {
                    field.span_us(cells, &mut ledger)?.map(|micros| micros.to_string())
                }
                (Some(field), _) => field.value(cells, &mut ledger)?,
            };
            let needed = matches!(key, "job_id" | "submit" | "gpus");
            let text = text.or(if needed { None } else { Some(String::new()) });
            let text = text.ok_or_else(|| self.lacks(cells, key))?;
            row.push(&if key == "job_id" { self.settled_id(text, ids, &mut ledger) } else { text });
        }
        self.ledger = ledger;
        Ok(())
    }

    fn settled_id(&self, id: String, ids: &mut HashMap<String, u64>, ledger: &mut Ledger) -> String {
        if self.mapping.file.repeated_ids == RepeatedIds::Refuse {
            return id;
        }
        let mut found = id.clone();
        let mut count = ids.get(&id).copied().unwrap_or(0);
        while ids.contains_key(&found) {
            count = count.max(1) + 1;
            found = format!("{id}#{count}");
        }
        if found != id {
            ledger.change_row("the id occurs again: numbered");
            ids.insert(id, count);
        }
        ids.insert(found.clone(), 1);
        found
    }

    /// Microseconds from `zero`.
    fn since(&self, cells: &Cells<'_>, key: &str, zero: i64) -> Result<Option<String>, TraceError> {
        let Some((_, at)) = self.instant(cells, key)? else { return Ok(None) };
        let submit = self.instant(cells, "submit")?.map_or(zero, |(_, at)| at);
        let message = match at.checked_sub(zero) {
            Some(micros) if micros >= 0 && (key != "start" || at >= submit) => return Ok(Some(micros.to_string())),
            _ if key == "start" => "the job starts before it is submitted",
            _ => "the time is before time zero",
        };
        let error = cells.error(&self.field(key).map_or_else(String::new, Bound::said), message);
        Err(error.with_hint("correct one of the times, or leave the row out"))
    }

    /// The run time in microseconds.
    fn run_us(&self, cells: &Cells<'_>, ledger: &mut Ledger) -> Result<u64, TraceError> {
        if let Some(duration) = self.field("duration") {
            return duration.span_us(cells, ledger)?.ok_or_else(|| self.lacks(cells, "duration"));
        }
        let (_, start) = self.instant(cells, "start")?.ok_or_else(|| self.lacks(cells, "start"))?;
        let (_, end) = self.instant(cells, "end")?.ok_or_else(|| self.lacks(cells, "end"))?;
        let span = end.checked_sub(start).and_then(|span| u64::try_from(span).ok());
        span.ok_or_else(|| {
            let said = self.field("end").map_or_else(String::new, Bound::said);
            let error = cells.error(&said, "the job ends before it starts");
            error.with_hint("correct one of the times, or leave the row out")
        })
    }

    /// An error of the canonical form, about the column of the source.
    fn renamed(&self, error: TraceError) -> TraceError {
        let field = error.field().and_then(|name| {
            let (key, _, _) = KEYS.iter().find(|(_, canonical, _)| *canonical == name)?;
            Some(self.field(key)?.said())
        });
        match field {
            Some(field) => error.in_field(field),
            None => error,
        }
    }

    /// Joins what was counted here with what the canonical form counted.
    fn settle(self, ledger: &mut Ledger, header: &Header) {
        ledger.rows = self.ledger.rows;
        ledger.dropped = self.ledger.dropped;
        for (cause, count) in self.ledger.changed {
            *ledger.changed.entry(cause).or_default() += count;
        }
        if !self.mapping.fields.contains_key("job_id") {
            ledger.change_row(ROW_IDS);
        }
        ledger.ignored_columns = header.ignored(&self.mapping.source_columns());
    }
}
