//! Rows of named cells out of CSV text, with the line of each row, and errors that say where.

use csv::StringRecord;

use crate::decimal::{self, Flaw};
use crate::error::TraceError;
use crate::header::Header;

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

/// One row while it is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cells<'a> {
    pub(crate) file: &'a str,
    pub(crate) place: Place,
    record: &'a StringRecord,
}

impl<'a> Cells<'a> {
    pub(crate) fn new(file: &'a str, place: Place, record: &'a StringRecord) -> Self {
        Self { file, place, record }
    }

    /// The text in `column`; empty where the file has no such column.
    pub(crate) fn text(&self, column: Option<usize>) -> &'a str {
        column.and_then(|column| self.record.get(column)).unwrap_or("")
    }

    /// An error about this row.
    pub(crate) fn error(&self, field: &str, message: impl Into<String>) -> TraceError {
        match self.place {
            Place::Line(line) => TraceError::new(self.file, message).at_line(line).in_field(field),
            Place::Row(row) => TraceError::new(self.file, format!("row {row}: {}", message.into())).in_field(field),
        }
    }

    /// An error about the number `text` in `field`.
    pub(crate) fn flaw(&self, field: &str, flaw: Flaw, text: &str) -> TraceError {
        self.error(field, flaw.message(text)).with_hint(number_hint(field, flaw))
    }

    /// A number of at least zero in units of 10^-`digits`.
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

/// CSV text with a header, read row by row.
pub(crate) struct CsvTable<'a> {
    file: &'a str,
    bytes: &'a [u8],
    reader: csv::Reader<&'a [u8]>,
    header: Header,
    record: StringRecord,
    /// Offset in `bytes` and its line, behind which nothing has been counted.
    counted: (usize, u64),
}

impl<'a> CsvTable<'a> {
    /// Reads the header of `text`, which must not start with a byte order mark.
    pub(crate) fn open(file: &'a str, text: &'a str) -> Result<Self, TraceError> {
        let bytes = text.as_bytes();
        let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
        let header = Header { file: file.to_owned(), line: None, names: Vec::new() };
        let mut table = Self { file, bytes, reader, header, record: StringRecord::new(), counted: (0, 1) };
        let Some(line) = table.advance()? else {
            return Err(
                TraceError::new(file, "the file is empty").with_hint("it needs a header line and rows below it")
            );
        };
        table.header.line = Some(line);
        table.header.names = table.record.iter().map(|name| name.trim().to_owned()).collect();
        table.header.check_unique()?;
        Ok(table)
    }

    /// The names of the columns.
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// The next row that is not blank.
    pub(crate) fn next(&mut self) -> Result<Option<Cells<'_>>, TraceError> {
        let Some(line) = self.advance()? else { return Ok(None) };
        let (found, wanted) = (self.record.len(), self.header.names.len());
        if found != wanted {
            let fields = |count: usize| if count == 1 { "1 field".to_owned() } else { format!("{count} fields") };
            let message = format!("the row has {}, the header {}", fields(found), fields(wanted));
            let error = TraceError::new(self.file, message).at_line(line);
            return Err(error.with_hint("a comma inside a value needs quotes around the value"));
        }
        Ok(Some(Cells::new(self.file, Place::Line(line), &self.record)))
    }

    /// Reads one record that is not blank and tells its line.
    fn advance(&mut self) -> Result<Option<u64>, TraceError> {
        loop {
            let more = self.reader.read_record(&mut self.record).map_err(|error| self.broken(&error))?;
            if !more {
                return Ok(None);
            }
            let start = self.record.position().map_or(0, |position| position.byte() as usize);
            let line = self.line_of(start);
            self.closed_quotes(start, line)?;
            let blank = self.record.len() == 1 && self.record.get(0).is_some_and(|cell| cell.trim().is_empty());
            if !blank {
                return Ok(Some(line));
            }
        }
    }

    fn broken(&self, error: &csv::Error) -> TraceError {
        let line = error.position().map_or(self.counted.1, csv::Position::line);
        TraceError::new(self.file, format!("not readable as CSV: {error}")).at_line(line)
    }

    /// The line of the first record at or after the offset `start`: the reader starts a record before blank lines.
    fn line_of(&mut self, start: usize) -> u64 {
        let (mut offset, mut line) = self.counted;
        while let Some(&byte) = self.bytes.get(offset) {
            let end = matches!(byte, b'\n' | b'\r');
            if offset >= start && !end {
                break;
            }
            let carriage_of_pair = byte == b'\r' && self.bytes.get(offset + 1) == Some(&b'\n');
            line += u64::from(end && !carriage_of_pair);
            offset += 1;
        }
        self.counted = (offset, line);
        line
    }

    /// A quote that is never closed would swallow the rest of the file without a word.
    fn closed_quotes(&self, start: usize, line: u64) -> Result<(), TraceError> {
        let end = self.reader.position().byte() as usize;
        if end < self.bytes.len() || !self.record.iter().any(|cell| cell.contains(['\n', '\r'])) {
            return Ok(());
        }
        let pieces = self.bytes.get(start..).unwrap_or(&[]).split(|&byte| byte == b'"').count();
        if pieces % 2 == 1 {
            return Ok(());
        }
        let error = TraceError::new(self.file, "a quote is opened and never closed").at_line(line);
        Err(error.with_hint("close it, or double it where the value itself contains a quote"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(u64, Vec<String>)> {
        let mut table = CsvTable::open("t.csv", text).unwrap();
        let mut rows = Vec::new();
        while let Some(cells) = table.next().unwrap() {
            let Place::Line(line) = cells.place else { panic!("a text file has lines") };
            rows.push((line, cells.record.iter().map(str::to_owned).collect()));
        }
        rows
    }

    fn error(text: &str) -> String {
        match CsvTable::open("t.csv", text) {
            Err(error) => error.to_string(),
            Ok(mut table) => loop {
                match table.next() {
                    Err(error) => return error.to_string(),
                    Ok(None) => return "fine".to_owned(),
                    Ok(Some(_)) => {}
                }
            },
        }
    }

    #[test]
    fn blank_lines_are_no_rows_but_count_as_lines() {
        let expected = |lines: [u64; 2]| {
            vec![(lines[0], vec!["1".to_owned(), "2".to_owned()]), (lines[1], vec!["3".to_owned(), "4".to_owned()])]
        };
        assert_eq!(rows("a,b\n1,2\n3,4\n"), expected([2, 3]));
        assert_eq!(rows("\n\na,b\n\n1,2\n  \n\n3,4\n\n"), expected([5, 8]));
        assert_eq!(rows("a,b\r\n1,2\r\n\r\n3,4"), expected([2, 4]));
        assert_eq!(rows("a,b\r1,2\r3,4\r"), expected([2, 3]));
    }

    #[test]
    fn quoted_newlines_count_as_lines() {
        let found: Vec<u64> = rows("a,b\n\"x\ny\",1\n\n\"z\",2\n").iter().map(|row| row.0).collect();
        assert_eq!(found, [2, 5]);
    }

    #[test]
    fn errors_say_the_line() {
        assert_eq!(error("a,b\n1,2\n\n3\n"), "t.csv:4: the row has 1 field, the header 2 fields");
        assert_eq!(error("a,b\n1,2,3\n"), "t.csv:2: the row has 3 fields, the header 2 fields");
        assert_eq!(error("a,b,a\n"), "t.csv:1: column `a` appears twice");
        assert_eq!(error("\n \n"), "t.csv: the file is empty");
        assert_eq!(error("a,b\n1,\"2\n3,4\n5,6\n"), "t.csv:2: a quote is opened and never closed");
        assert_eq!(error("a,b\n1,\"2\n3\"\n"), "fine");
    }
}
