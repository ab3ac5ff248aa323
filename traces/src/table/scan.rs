//! The scan over the text.

use super::cells::{Cell, Cells, RowBuffer};
use crate::error::TraceError;
use crate::header::Header;

/// How the text is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    /// Byte between cells; a blank means any run of blanks and tabs, and then quotes mean nothing.
    pub(crate) delimiter: u8,
    /// First byte of lines that are no rows.
    pub(crate) comment: Option<u8>,
    /// Where the names of the columns come from.
    pub(crate) names: Names,
}

/// Where the names of the columns come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Names {
    /// The first row.
    FirstRow,
    /// The format: the file has no header, and every row so many cells.
    Given(&'static [&'static str]),
    /// Nowhere: rows may have any number of cells.
    None,
}

/// Comma-separated with a header.
const CSV: Dialect = Dialect { delimiter: b',', comment: None, names: Names::FirstRow };

/// Delimited text, read row by row.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    file: &'a str,
    text: &'a str,
    dialect: Dialect,
    header: Header,
    row: RowBuffer,
    /// Offset of the next byte, and its 1-based line.
    at: usize,
    line: u64,
}

impl<'a> Table<'a> {
    /// Reads the header of comma-separated `text`, which must not start with a byte order mark.
    pub(crate) fn open(file: &'a str, text: &'a str) -> Result<Self, TraceError> {
        Self::with_dialect(file, text, CSV)
    }

    /// The same for other text.
    pub(crate) fn with_dialect(file: &'a str, text: &'a str, dialect: Dialect) -> Result<Self, TraceError> {
        let header = Header { file: file.to_owned(), line: None, names: Vec::new() };
        let mut table = Self { file, text, dialect, header, row: RowBuffer::default(), at: 0, line: 1 };
        match dialect.names {
            Names::None => {}
            Names::Given(names) => table.header.names = names.iter().map(|&name| name.to_owned()).collect(),
            Names::FirstRow => table.read_header()?,
        }
        Ok(table)
    }

    fn read_header(&mut self) -> Result<(), TraceError> {
        let Some(line) = self.advance()? else {
            let error = TraceError::new(self.file, "the file is empty");
            return Err(error.with_hint("it needs a header line and rows below it"));
        };
        let cells = Cells::of_text(self.file, line, self.text, &self.row);
        self.header.names = (0..cells.len()).map(|at| cells.text(Some(at)).trim().to_owned()).collect();
        self.header.line = Some(line);
        self.header.check_unique()
    }

    /// The names of the columns.
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// About how many rows are left, by the length of the next line; never more than the text has bytes for.
    pub(crate) fn rows_left(&self) -> usize {
        let rest = &self.text.as_bytes()[self.at..];
        let line = rest.iter().position(|&byte| byte == b'\n' || byte == b'\r').unwrap_or(rest.len());
        rest.len() / (line + 1).max(8)
    }

    /// The next row that is not blank.
    pub(crate) fn next(&mut self) -> Result<Option<Cells<'_>>, TraceError> {
        let Some(line) = self.advance()? else { return Ok(None) };
        let found = self.row.cells.len();
        if found != self.header.names.len() && !matches!(self.dialect.names, Names::None) {
            return Err(self.header.wrong_fields(line, found, self.dialect.delimiter));
        }
        Ok(Some(Cells::of_text(self.file, line, self.text, &self.row)))
    }

    /// Reads one row that is not blank and no comment, and tells its line.
    fn advance(&mut self) -> Result<Option<u64>, TraceError> {
        loop {
            self.row.clear();
            let line = self.line;
            match self.text.as_bytes().get(self.at) {
                None => return Ok(None),
                Some(&first) if Some(first) == self.dialect.comment => {
                    self.skip_line();
                    continue;
                }
                Some(_) => {}
            }
            if self.dialect.delimiter == b' ' {
                self.scan_blanks();
            } else {
                self.scan_row()?;
            }
            let blank = match self.row.cells.as_slice() {
                [] => true,
                [Cell::Text(from, to)] => self.text.get(*from..*to).is_none_or(|cell| cell.trim().is_empty()),
                _ => false,
            };
            if !blank {
                return Ok(Some(line));
            }
        }
    }

    /// Goes behind the end of the line.
    fn skip_line(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().position(|&byte| byte == b'\n' || byte == b'\r').unwrap_or(rest.len());
        self.end_line();
    }

    /// Goes over one end of a line, if the text is at one.
    fn end_line(&mut self) {
        let bytes = self.text.as_bytes();
        match bytes.get(self.at) {
            Some(b'\r') if bytes.get(self.at + 1) == Some(&b'\n') => self.at += 2,
            Some(b'\r' | b'\n') => self.at += 1,
            _ => return,
        }
        self.line += 1;
    }

    /// Cells between runs of blanks.
    fn scan_blanks(&mut self) {
        let bytes = self.text.as_bytes();
        let mut from = None;
        while let Some(&byte) = bytes.get(self.at) {
            let end = matches!(byte, b'\n' | b'\r');
            match (end || matches!(byte, b' ' | b'\t'), from) {
                (true, Some(start)) => {
                    self.row.cells.push(Cell::Text(start, self.at));
                    from = None;
                }
                (false, None) => from = Some(self.at),
                _ => {}
            }
            if end {
                break;
            }
            self.at += 1;
        }
        if let Some(start) = from {
            self.row.cells.push(Cell::Text(start, self.at));
        }
        self.end_line();
    }

    /// Cells between delimiters.
    fn scan_row(&mut self) -> Result<(), TraceError> {
        let (delimiter, bytes) = (self.dialect.delimiter, self.text.as_bytes());
        loop {
            if bytes.get(self.at) == Some(&b'"') {
                self.scan_quoted()?;
            } else {
                self.scan_plain(delimiter);
            }
            if bytes.get(self.at) != Some(&delimiter) {
                self.end_line();
                return Ok(());
            }
            self.at += 1;
        }
    }

    /// Cells without quotes, up to the end of the line, or to the delimiter before a cell in quotes. Eight bytes at a
    /// time: cells are short, and a step of their own for each would cost more than the bytes in them.
    fn scan_plain(&mut self, delimiter: u8) {
        let bytes = self.text.as_bytes();
        let (mut from, mut at) = (self.at, self.at);
        while let Some(word) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
            let word = u64::from_le_bytes(*word);
            let mut found = equal(word, delimiter) | equal(word, b'\n') | equal(word, b'\r');
            while found != 0 {
                let end = at + (found.trailing_zeros() / 8) as usize;
                self.row.cells.push(Cell::Text(from, end));
                from = end + 1;
                if bytes[end] != delimiter || bytes.get(from) == Some(&b'"') {
                    self.at = end;
                    return;
                }
                found &= found - 1;
            }
            at += 8;
        }
        let ends = |byte: &u8| *byte == delimiter || *byte == b'\n' || *byte == b'\r';
        let end = from + bytes[from..].iter().position(ends).unwrap_or(bytes.len() - from);
        self.row.cells.push(Cell::Text(from, end));
        self.at = end;
    }

    /// One cell in quotes; the text is at the first of them. Two quotes inside mean one.
    fn scan_quoted(&mut self) -> Result<(), TraceError> {
        let (bytes, opened) = (self.text.as_bytes(), self.line);
        let from = self.at + 1;
        let (mut at, mut piece, start) = (from, from, self.row.unquoted.len());
        loop {
            match bytes.get(at) {
                None => {
                    let error = TraceError::new(self.file, "a quote is opened and never closed").at_line(opened);
                    return Err(error.with_hint("close it, or double it where the value itself contains a quote"));
                }
                Some(b'"') if bytes.get(at + 1) == Some(&b'"') => {
                    self.row.unquoted.push_str(&self.text[piece..=at]);
                    at += 2;
                    piece = at;
                }
                Some(b'"') => break,
                Some(b'\n') => {
                    self.line += 1;
                    at += 1;
                }
                Some(b'\r') => {
                    self.line += u64::from(bytes.get(at + 1) != Some(&b'\n'));
                    at += 1;
                }
                Some(_) => at += 1,
            }
        }
        self.row.cells.push(if piece == from {
            Cell::Text(from, at)
        } else {
            self.row.unquoted.push_str(&self.text[piece..at]);
            Cell::Buffer(start, self.row.unquoted.len())
        });
        self.at = at + 1;
        match bytes.get(self.at) {
            None | Some(b'\n' | b'\r') => Ok(()),
            Some(&byte) if byte == self.dialect.delimiter => Ok(()),
            Some(_) => {
                let error = TraceError::new(self.file, "text stands behind a closing quote").at_line(self.line);
                Err(error.with_hint("double a quote that belongs to the value, or quote the whole value"))
            }
        }
    }
}

/// The highest bit of each byte of `word` that equals `byte`.
fn equal(word: u64, byte: u8) -> u64 {
    const LOW: u64 = u64::from_le_bytes([0x7f; 8]);
    let other = word ^ u64::from_le_bytes([byte; 8]);
    !(((other & LOW) + LOW) | other | LOW)
}
