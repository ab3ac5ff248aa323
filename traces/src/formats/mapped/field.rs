//! The values of one canonical column in a row of the source.

use std::borrow::Cow;

use super::file::{Constant, FieldTable};
use super::units::{Sort, Unit, amount, instant};
use crate::decimal::{self, Flaw};
use crate::error::{TraceError, shown};
use crate::formats::events::clock::Kind;
use crate::table::Cells;
use crate::trace::Ledger;

/// One canonical column, with its place in the source.
pub(super) struct Mapped {
    pub(super) key: &'static str,
    pub(super) sort: Sort,
    pub(super) unit: Unit,
    pub(super) table: FieldTable,
    /// Where the definition stands in the TOML file.
    pub(super) span: std::ops::Range<usize>,
}

/// A column of the canonical form bound to columns of one file.
pub(super) struct Bound<'a> {
    pub(super) mapped: &'a Mapped,
    pub(super) missing: &'a [String],
    pub(super) at: Vec<usize>,
}

impl Mapped {
    /// Names of its columns in the source.
    pub(super) fn columns(&self) -> Vec<&str> {
        let one = self.table.column.as_deref();
        one.into_iter().chain(self.table.columns.iter().flatten().map(String::as_str)).collect()
    }
}

impl Bound<'_> {
    /// What to call it in a message: its column in the source, or else the key.
    pub(super) fn said(&self) -> String {
        let columns = self.mapped.columns();
        if columns.is_empty() { self.mapped.key.to_owned() } else { shown(&columns.join(", ")) }
    }

    /// The texts of its columns; `None` where one is missing and has no default.
    fn texts<'c>(&'c self, cells: &Cells<'c>) -> Result<Option<Vec<Cow<'c, str>>>, TraceError> {
        let table = &self.mapped.table;
        if let Some(Constant(value)) = &table.value {
            return Ok(Some(vec![Cow::Borrowed(value)]));
        }
        let mut texts = Vec::with_capacity(self.at.len());
        for at in &self.at {
            let text = cells.text(Some(*at)).trim();
            let text = match &table.default {
                _ if !self.missing.iter().any(|missing| missing == text) => text,
                Some(Constant(default)) => default,
                // A part of a text may be missing, a factor of a product may not.
                None if self.at.len() > 1 && self.mapped.sort == Sort::Text => {
                    texts.push(Cow::Borrowed(""));
                    continue;
                }
                None => return Ok(None),
            };
            texts.push(Cow::Borrowed(self.translated(cells, text)?));
        }
        Ok(Some(texts))
    }

    /// The text by the table of values, where there is one.
    fn translated<'c>(&'c self, cells: &Cells<'c>, text: &'c str) -> Result<&'c str, TraceError> {
        let table = &self.mapped.table;
        let Some(values) = &table.values else { return Ok(text) };
        if let Some(Constant(value)) = values.get(text).or(table.otherwise.as_ref()) {
            return Ok(value);
        }
        let known: Vec<&str> = values.keys().map(String::as_str).collect();
        let error =
            cells.error(&self.said(), format!("`{}` is not among the values of `{}`", shown(text), self.mapped.key));
        Err(error.with_hint(format!("the mapping knows {}; add it, or an `otherwise`", known.join(", "))))
    }

    /// The canonical text of a column that is no time; `None` where the source has no value.
    pub(super) fn value(&self, cells: &Cells<'_>, ledger: &mut Ledger) -> Result<Option<String>, TraceError> {
        let Some(texts) = self.texts(cells)? else { return Ok(None) };
        let key = self.mapped.key;
        match self.mapped.sort {
            Sort::Text if key == "tenant" && texts.len() > 1 => Ok(Some(path(&texts, ledger))),
            Sort::Text => Ok(Some(texts.join("-"))
                .map(|text| if key == "outcome" && text == "unknown" { String::new() } else { text })),
            Sort::Count => self.product(cells, &texts, 0, ledger).map(|number| Some(number.to_string())),
            Sort::Thousandths => {
                let milli = self.product(cells, &texts, 3, ledger)?;
                Ok(Some(decimal::text(milli, 3)))
            }
            Sort::Memory => {
                let bytes = self.product(cells, &texts, 0, ledger)?;
                let mib = (bytes + (1 << 19)) >> 20;
                if mib << 20 != bytes {
                    ledger.change_row("memory: rounded to a MiB");
                }
                let gib =
                    mib.checked_mul(10u64.pow(10) / 1024).ok_or_else(|| self.flaw(cells, Flaw::TooLarge, &texts[0]))?;
                Ok(Some(decimal::text(gib, 10)))
            }
            Sort::Span | Sort::Instant => Ok(None),
        }
    }

    /// The product of the columns. The unit is that of the first; all others are plain numbers with `digits` decimals.
    fn product(
        &self,
        cells: &Cells<'_>,
        texts: &[Cow<'_, str>],
        digits: u32,
        ledger: &mut Ledger,
    ) -> Result<u64, TraceError> {
        let mut value = 1u128;
        let mut exact = true;
        for (i, text) in texts.iter().enumerate() {
            let plain = Unit::Scaled { digits, times: 1, over: 1 };
            let unit = if i == 0 { self.mapped.unit } else { plain };
            let (number, whole) = amount(text, unit).map_err(|flaw| self.flaw(cells, flaw, text))?;
            let over = if i == 0 { 1 } else { 10u128.pow(digits) };
            let product = value.saturating_mul(u128::from(number));
            exact &= whole && product % over == 0;
            value = product / over;
        }
        if !exact {
            ledger.change_row(&format!("{}: rounded", self.mapped.key));
        }
        let limit = u64::try_from(value).ok().filter(|value| i64::try_from(*value).is_ok());
        limit.ok_or_else(|| self.flaw(cells, Flaw::TooLarge, &texts.join(" x ")))
    }

    /// A length of time in microseconds.
    pub(super) fn span_us(&self, cells: &Cells<'_>, ledger: &mut Ledger) -> Result<Option<u64>, TraceError> {
        let Some(texts) = self.texts(cells)? else { return Ok(None) };
        self.product(cells, &texts, 0, ledger).map(Some)
    }

    /// A point in time in microseconds, and by which clock.
    pub(super) fn instant(&self, cells: &Cells<'_>, ledger: &mut Ledger) -> Result<Option<(Kind, i64)>, TraceError> {
        let Some(texts) = self.texts(cells)? else { return Ok(None) };
        let text = &texts[0];
        if self.mapped.unit != Unit::Date {
            return Ok(Some((Kind::Seconds, self.product(cells, &texts, 0, ledger)?.cast_signed())));
        }
        let format = self.mapped.table.format.as_deref();
        let at = instant(text, format).map_err(|_| {
            let error = cells.error(&self.said(), format!("`{}` is not a date and time", shown(text)));
            error.with_hint(match format {
                Some(format) => format!("the mapping says the format is `{format}`"),
                None => "write YYYY-MM-DDTHH:MM:SS, or give a `format` in the mapping".to_owned(),
            })
        })?;
        Ok(Some(at))
    }

    fn flaw(&self, cells: &Cells<'_>, flaw: Flaw, text: &str) -> TraceError {
        cells.flaw(&self.said(), flaw, text)
    }
}

/// A tenant path out of several columns.
fn path(parts: &[Cow<'_, str>], ledger: &mut Ledger) -> String {
    let part = |part: &Cow<'_, str>| {
        if part.is_empty() {
            ledger.change_row("a name of the tenant is missing: taken as `unknown`");
            "unknown".to_owned()
        } else if part.contains('/') {
            ledger.change_row("a slash in a name of the tenant: written as `_`");
            part.replace('/', "_")
        } else {
            part.to_string()
        }
    };
    parts.iter().map(part).collect::<Vec<_>>().join("/")
}
