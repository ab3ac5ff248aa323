//! The cells of one row.

use crate::decimal::{self, Flaw};
use crate::error::{TraceError, shown};

/// Where a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// 1-based line of a text file.
    Line(u64),
    /// 1-based row of a binary file.
    Row(u64),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row(row) => write!(f, "row {row}"),
        }
    }
}

/// Where a cell stands: in the text of the file, or in the buffer of what had to be unquoted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell {
    Text(usize, usize),
    Buffer(usize, usize),
}

/// The cells of a row, reused from row to row.
#[derive(Debug, Default)]
pub(crate) struct RowBuffer {
    pub(super) cells: Vec<Cell>,
    pub(super) unquoted: String,
}

impl RowBuffer {
    pub(crate) fn clear(&mut self) {
        self.cells.clear();
        self.unquoted.clear();
    }

    /// Adds a cell that stands in no text.
    pub(crate) fn push(&mut self, cell: &str) {
        let from = self.unquoted.len();
        self.unquoted.push_str(cell);
        self.cells.push(Cell::Buffer(from, self.unquoted.len()));
    }
}

/// One row while it is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cells<'a> {
    pub(crate) file: &'a str,
    pub(crate) place: Place,
    text: &'a str,
    row: &'a RowBuffer,
}

impl<'a> Cells<'a> {
    /// A row of a binary file.
    pub(crate) fn new(file: &'a str, place: Place, row: &'a RowBuffer) -> Self {
        Self { file, place, text: "", row }
    }

    pub(super) fn of_text(file: &'a str, line: u64, text: &'a str, row: &'a RowBuffer) -> Self {
        Self { file, place: Place::Line(line), text, row }
    }

    /// Number of cells.
    pub(crate) fn len(&self) -> usize {
        self.row.cells.len()
    }

    /// The text in `column`; empty where the file has no such column.
    #[inline]
    pub(crate) fn text(&self, column: Option<usize>) -> &'a str {
        match column.and_then(|column| self.row.cells.get(column)) {
            Some(Cell::Text(from, to)) => self.text.get(*from..*to).unwrap_or(""),
            Some(Cell::Buffer(from, to)) => self.row.unquoted.get(*from..*to).unwrap_or(""),
            None => "",
        }
    }

    /// An error about this row. The name of a field may come from the file, so it is cut where it is long.
    pub(crate) fn error(&self, field: &str, message: impl Into<String>) -> TraceError {
        match self.place {
            Place::Line(line) => TraceError::new(self.file, message).at_line(line).in_field(shown(field)),
            Place::Row(row) => {
                TraceError::new(self.file, format!("row {row}: {}", message.into())).in_field(shown(field))
            }
        }
    }

    /// An error about the number `text` in `field`.
    pub(crate) fn flaw(&self, field: &str, flaw: Flaw, text: &str) -> TraceError {
        self.error(field, flaw.message(text)).with_hint(number_hint(field, flaw))
    }

    /// A number of at least zero in units of 10^-`digits`.
    #[inline]
    pub(crate) fn scaled(&self, at: Option<usize>, field: &str, digits: u32) -> Result<decimal::Scaled, TraceError> {
        let text = self.text(at);
        decimal::scaled(text, digits).map_err(|flaw| self.flaw(field, flaw, text))
    }

    /// A whole number of at least zero that fits 32 bits.
    pub(crate) fn count(&self, at: Option<usize>, field: &str) -> Result<u32, TraceError> {
        let text = self.text(at);
        let value = decimal::integer(text).map_err(|flaw| self.flaw(field, flaw, text))?;
        if value < 0 {
            return Err(self.flaw(field, Flaw::Negative, text));
        }
        u32::try_from(value).map_err(|_| self.flaw(field, Flaw::TooLarge, text))
    }

    /// A whole number with a sign.
    pub(crate) fn integer(&self, at: Option<usize>, field: &str) -> Result<i64, TraceError> {
        let text = self.text(at);
        decimal::integer(text).map_err(|flaw| self.flaw(field, flaw, text))
    }

    /// The text in `column` without blanks around it, which must not be empty.
    pub(crate) fn word(&self, at: Option<usize>, field: &str) -> Result<&'a str, TraceError> {
        let text = trimmed(self.text(at));
        if text.is_empty() { Err(self.flaw(field, Flaw::Empty, "")) } else { Ok(text) }
    }

    /// Whether there is nothing but blanks in `column`.
    pub(crate) fn is_blank(&self, at: Option<usize>) -> bool {
        at.is_none() || trimmed(self.text(at)).is_empty()
    }
}

/// The text without blanks around it. Nearly always there are none, and its ends are plain characters.
pub(crate) fn trimmed(text: &str) -> &str {
    let plain = |byte: &u8| byte.is_ascii_graphic();
    match text.as_bytes() {
        [first, .., last] if plain(first) && plain(last) => text,
        [only] if plain(only) => text,
        _ => text.trim(),
    }
}

fn number_hint(field: &str, flaw: Flaw) -> String {
    match flaw {
        Flaw::Empty => format!("every row needs a value for `{field}`"),
        Flaw::Negative
            if ["submit", "creation", "scheduled", "deletion", "deadline"].iter().any(|t| field.starts_with(t)) =>
        {
            "times are counted from the origin of the trace; shift all of them so that none is before it".to_owned()
        }
        Flaw::Negative => "the least is 0; correct the value, or leave the row out".to_owned(),
        Flaw::Garbage => "write a plain decimal number such as 12 or 12.5, without unit or separators".to_owned(),
        Flaw::Fraction => "write a whole number such as 8".to_owned(),
        Flaw::NotFinite => "write a finite number, or leave the row out".to_owned(),
        Flaw::TooLarge => "check the unit of the column".to_owned(),
    }
}
