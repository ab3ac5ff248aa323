//! Rows of a large table without a header, in blocks: a file of gigabytes is never in memory as a whole.

use std::fs::File;
use std::io::{BufReader, Read};

use flate2::read::MultiGzDecoder;

use crate::error::TraceError;
use crate::table::{Cells, Dialect, Names, Place, Table};

/// Bytes read at a time.
const BLOCK: usize = 8 << 20;

/// Calls `row` for every row of the table, with its line. A first row that names the columns is passed over.
pub(super) fn each_row(
    path: &str,
    names: &'static [&'static str],
    mut row: impl FnMut(&Cells<'_>, u64) -> Result<(), TraceError>,
) -> Result<(), TraceError> {
    let mut source = open(path)?;
    let mut rest: Vec<u8> = Vec::new();
    let (mut lines_before, mut at_end) = (0u64, false);
    while !at_end {
        let kept = rest.len();
        let read = source.by_ref().take(BLOCK as u64).read_to_end(&mut rest);
        at_end = read.map_err(|error| unreadable(path, &error))? == 0;
        // A row may go on in the next block: only what ends with a line is read now.
        let end = match rest[kept..].iter().rposition(|&byte| byte == b'\n') {
            _ if at_end => rest.len(),
            Some(last) => kept + last + 1,
            None => continue,
        };
        let text = std::str::from_utf8(&rest[..end]).map_err(|error| {
            let line = lines_before + newlines(&rest[..error.valid_up_to()]) + 1;
            TraceError::new(path, "the text is not UTF-8").at_line(line).with_hint("save the file as UTF-8")
        })?;
        let text = if lines_before == 0 { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
        rows_of(path, text, names, lines_before, &mut row)?;
        lines_before += newlines(&rest[..end]);
        rest.drain(..end);
    }
    Ok(())
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&byte| byte == b'\n').count() as u64
}

fn rows_of(
    path: &str,
    text: &str,
    names: &'static [&'static str],
    lines_before: u64,
    row: &mut impl FnMut(&Cells<'_>, u64) -> Result<(), TraceError>,
) -> Result<(), TraceError> {
    let shift = |error: TraceError| match error.line() {
        Some(line) => error.at_line(line + lines_before),
        None => error,
    };
    let dialect = Dialect { delimiter: b',', comment: None, names: Names::Given(names) };
    let mut table = Table::with_dialect(path, text, dialect)?;
    let mut is_first = lines_before == 0;
    while let Some(cells) = table.next().map_err(shift)? {
        let names_columns = is_first && names.iter().enumerate().all(|(i, name)| cells.text(Some(i)).trim() == *name);
        is_first = false;
        if !names_columns {
            let (Place::Line(line) | Place::Row(line)) = cells.place;
            row(&cells, line + lines_before).map_err(shift)?;
        }
    }
    Ok(())
}

fn open(path: &str) -> Result<Box<dyn Read>, TraceError> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    if !path.ends_with(".gz") {
        return Ok(Box::new(file));
    }
    Ok(Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 20, file))))
}

fn unreadable(path: &str, error: &std::io::Error) -> TraceError {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => TraceError::new(path, "the gzip file is cut off"),
        _ => TraceError::new(path, format!("not readable: {error}")),
    }
    .with_hint("copy or download it again, and check the disk and the path")
}
