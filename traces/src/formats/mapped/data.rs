//! The rows of the source, which can be gone through more than once.

use super::file::Mapping;
use crate::canonical::parquet::TextTable;
use crate::error::TraceError;
use crate::header::Header;
use crate::table::{Cells, Dialect, Names, Place, RowBuffer, Table};

/// The rows.
pub(super) enum Data<'a> {
    /// Delimited text; `named` where the names are in the mapping and not in the file.
    Text { file: &'a str, text: &'a str, dialect: Dialect, header: Header, named: bool },
    /// Columns of a binary file.
    Columns(TextTable),
}

impl<'a> Data<'a> {
    pub(super) fn of_text(file: &'a str, text: &'a str, mapping: &Mapping) -> Result<Self, TraceError> {
        let names = if mapping.file.names.is_some() { Names::None } else { Names::FirstRow };
        let dialect = Dialect { delimiter: mapping.delimiter, comment: mapping.comment, names };
        let table = Table::with_dialect(file, text, dialect)?;
        let header = match &mapping.file.names {
            Some(names) => Header { file: file.to_owned(), line: None, names: names.clone() },
            None => table.header().clone(),
        };
        Ok(Self::Text { file, text, dialect, header, named: mapping.file.names.is_some() })
    }

    pub(super) fn of_table(table: TextTable) -> Self {
        Self::Columns(table)
    }

    pub(super) fn header(&self) -> &Header {
        match self {
            Self::Text { header, .. } => header,
            Self::Columns(table) => &table.header,
        }
    }

    /// Shows every row.
    pub(super) fn each(&self, visit: &mut dyn FnMut(&Cells<'_>) -> Result<(), TraceError>) -> Result<(), TraceError> {
        match self {
            Self::Text { file, text, dialect, header, named } => {
                let mut table = Table::with_dialect(file, text, *dialect)?;
                while let Some(cells) = table.next()? {
                    if *named && cells.len() != header.names.len() {
                        return Err(wrong_fields(&cells, header.names.len()));
                    }
                    visit(&cells)?;
                }
                Ok(())
            }
            Self::Columns(table) => {
                let mut record = RowBuffer::default();
                for row in 0..table.height {
                    record.clear();
                    for column in &table.columns {
                        record.push(column.as_ref().map_or("", |texts| texts.get(row).map_or("", String::as_str)));
                    }
                    visit(&Cells::new(&table.header.file, Place::Row(row as u64 + 1), &record))?;
                }
                Ok(())
            }
        }
    }
}

fn wrong_fields(cells: &Cells<'_>, wanted: usize) -> TraceError {
    let error = TraceError::new(cells.file, format!("the row has {} fields, the mapping names {wanted}", cells.len()));
    let error = if let Place::Line(line) = cells.place { error.at_line(line) } else { error };
    error.with_hint("the line is cut off, the delimiter is another one, or `names` lacks a column")
}
