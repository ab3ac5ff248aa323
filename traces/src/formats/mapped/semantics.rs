//! Whether a mapping makes sense in itself, and where in its text it does not.

use std::collections::BTreeMap;
use std::ops::Range;

use super::field::Mapped;
use super::file::{File, Mapping, Rule, SHAPE};
use super::units::{KEYS, Sort, Unit};
use crate::clusters::toml_error;
use crate::error::{TraceError, shown};
use crate::similar::nearest;

impl Mapping {
    /// Reads a mapping.
    pub(super) fn parse(path: &str, text: &str) -> Result<Self, TraceError> {
        let file: File = toml::from_str(text).map_err(|error| toml_error(path, text, SHAPE, &error))?;
        let mut mapping = Self {
            path: path.to_owned(),
            text: text.to_owned(),
            delimiter: b',',
            comment: None,
            missing: file.missing.clone().unwrap_or_else(|| vec![String::new()]),
            file,
            fields: BTreeMap::new(),
        };
        mapping.check_marks()?;
        mapping.check_drops()?;
        let columns = std::mem::take(&mut mapping.file.columns);
        for (key, field) in columns {
            let span = key.span();
            let Some((name, _, sort)) = KEYS.iter().copied().find(|(name, _, _)| *name == key.as_ref()) else {
                return Err(mapping.unknown_key(&span, key.as_ref()));
            };
            let table = field.into_inner().0;
            let unit = sort.unit(name, table.unit.as_deref());
            let mapped = Mapped { key: name, sort, unit: unit.unwrap_or(Unit::Date), table, span };
            mapping.check_field(&mapped, unit.is_some())?;
            mapping.fields.insert(name, mapped);
        }
        mapping.check_whole()?;
        Ok(mapping)
    }

    /// Lines above the header.
    pub(super) fn skip_rows(&self) -> usize {
        self.file.skip_rows as usize
    }

    /// Every column of the source that it names.
    pub(super) fn source_columns(&self) -> Vec<&str> {
        let drops = self.file.drop.iter().map(|drop| drop.get_ref().column.as_str());
        self.fields.values().flat_map(Mapped::columns).chain(drops).collect()
    }

    /// An error about the text at `span`.
    pub(super) fn error(&self, span: &Range<usize>, key: &str, message: impl Into<String>) -> TraceError {
        let before = self.text.as_bytes().get(..span.start).unwrap_or(self.text.as_bytes());
        let line = before.split(|&byte| byte == b'\n').count() as u64;
        TraceError::new(&self.path, message).at_line(line).in_field(key)
    }

    fn unknown_key(&self, span: &Range<usize>, key: &str) -> TraceError {
        let known = || KEYS.iter().map(|(name, _, _)| *name);
        let hint = match nearest(key, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the keys of [columns] are {}", known().collect::<Vec<_>>().join(", ")),
        };
        self.error(span, &shown(key), "no such key").with_hint(hint)
    }

    fn check_marks(&mut self) -> Result<(), TraceError> {
        if let Some(delimiter) = &self.file.delimiter {
            self.delimiter = match delimiter.get_ref().as_str() {
                "tab" => b'\t',
                "space" => b' ',
                text => one_byte(text).ok_or_else(|| {
                    let message = format!("`{}` is not one character", shown(text));
                    self.error(&delimiter.span(), "delimiter", message).with_hint("write one character, tab or space")
                })?,
            };
        }
        if let Some(comment) = &self.file.comment {
            self.comment = Some(one_byte(comment.get_ref()).ok_or_else(|| {
                let message = format!("`{}` is not one character", shown(comment.get_ref()));
                self.error(&comment.span(), "comment", message).with_hint("write one character such as #")
            })?);
        }
        Ok(())
    }

    fn check_drops(&self) -> Result<(), TraceError> {
        for drop in &self.file.drop {
            let Rule { equals, below, missing, because, .. } = drop.get_ref();
            let tests = usize::from(equals.is_some()) + usize::from(below.is_some()) + usize::from(*missing);
            if tests != 1 {
                let error = self.error(&drop.span(), "drop", "a rule needs one of equals, below and missing");
                return Err(error.with_hint("such as { column = \"gpus\", equals = \"0\", because = \"CPU job\" }"));
            }
            if because.trim().is_empty() {
                let error = self.error(&drop.span(), "because", "the cause is empty");
                return Err(error.with_hint("say in a few words why such rows are left out; they are counted by it"));
            }
        }
        Ok(())
    }

    fn check_field(&self, mapped: &Mapped, unit: bool) -> Result<(), TraceError> {
        let (table, key) = (&mapped.table, mapped.key);
        let error = |message: &str| self.error(&mapped.span, key, message);
        let places = usize::from(table.column.is_some())
            + usize::from(table.columns.is_some())
            + usize::from(table.value.is_some());
        if places != 1 || table.columns.as_ref().is_some_and(Vec::is_empty) {
            let error = error("one of column, columns and value is needed");
            return Err(error.with_hint("name a column of the source, several, or a value for all rows"));
        }
        if !unit {
            let name = table.unit.as_deref().unwrap_or_default();
            let units = mapped.sort.units(key);
            let hint = if units.is_empty() {
                "leave the unit out".to_owned()
            } else {
                format!("the units are {}", units.join(", "))
            };
            return Err(error(&format!("`{}` is no unit of `{key}`", shown(name))).with_hint(hint));
        }
        if table.format.is_some() && mapped.unit != Unit::Date {
            return Err(error("a format goes with dates only").with_hint("add unit = \"datetime\""));
        }
        let several = table.columns.as_ref().is_some_and(|columns| columns.len() > 1);
        if several && matches!(mapped.sort, Sort::Instant | Sort::Span) {
            return Err(error("a time is in one column").with_hint("name one column"));
        }
        if table.values.is_none() && table.otherwise.is_some() {
            return Err(error("`otherwise` goes with `values` only").with_hint("add `values`, or use `default`"));
        }
        Ok(())
    }

    /// Columns without which there is no job, and columns that contradict each other.
    fn check_whole(&self) -> Result<(), TraceError> {
        let has = |key: &str| self.fields.contains_key(key);
        let whole = |message: &str| TraceError::new(&self.path, message).in_field("columns");
        let missing: Vec<&str> = ["submit", "gpus"].into_iter().filter(|key| !has(key)).collect();
        if !missing.is_empty() {
            let error = whole(&format!("the mapping lacks `{}`", missing.join("`, `")));
            return Err(error.with_hint("submit, gpus, and duration (or start and end) are needed"));
        }
        if has("end") && (has("duration") || !has("start")) || !has("end") && !has("duration") {
            let error = whole("the mapping needs either `duration`, or both `start` and `end`");
            return Err(error.with_hint("with start and end, the run time is their difference"));
        }
        let instants = || self.fields.values().filter(|mapped| mapped.sort == Sort::Instant);
        if let Some(odd) =
            instants().find(|mapped| (mapped.unit == Unit::Date) != (self.fields["submit"].unit == Unit::Date))
        {
            let error = self.error(&odd.span, odd.key, "some points in time are dates, others are numbers");
            return Err(error.with_hint("submit, start, end and deadline must be by one clock"));
        }
        Ok(())
    }
}

fn one_byte(text: &str) -> Option<u8> {
    let &[byte] = text.as_bytes() else { return None };
    (byte.is_ascii() && !matches!(byte, b'\n' | b'\r' | b'"')).then_some(byte)
}
