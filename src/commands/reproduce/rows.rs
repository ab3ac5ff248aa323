//! Tables of results, and the names of files.

use std::fs;
use std::path::{Path, PathBuf};

use traces::TraceError;

/// A CSV file with a header.
pub(crate) struct Rows {
    file: String,
    header: csv::StringRecord,
    records: Vec<csv::StringRecord>,
}

/// A column of [`Rows`].
#[derive(Clone, Copy)]
pub(crate) struct Column(usize);

impl Rows {
    /// Reads `path` whole, packed with gzip or not.
    pub(crate) fn read(path: &Path) -> Result<Self, TraceError> {
        let file = path.display().to_string();
        let failed =
            |error: csv::Error| TraceError::new(&file, error.to_string()).with_hint("give the file as it is published");
        let text = traces::read_text(&file)?;
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let header = reader.headers().map_err(failed)?.clone();
        let records = reader.records().collect::<Result<_, _>>().map_err(failed)?;
        Ok(Self { file, header, records })
    }

    /// Rows without the header.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// The first column, if there is any.
    pub(crate) fn first(&self) -> Option<Column> {
        (!self.header.is_empty()).then_some(Column(0))
    }

    /// The column called `name`, if it is there.
    pub(crate) fn find(&self, name: &str) -> Option<Column> {
        self.header.iter().position(|field| field.trim() == name).map(Column)
    }

    /// The column called `name`.
    pub(crate) fn column(&self, name: &str) -> Result<Column, TraceError> {
        self.find(name).ok_or_else(|| {
            let columns = self.header.iter().collect::<Vec<_>>().join(", ");
            let error = TraceError::new(&self.file, "the column is missing").in_field(name);
            error.with_hint(format!("the columns are {columns}"))
        })
    }

    /// The text of a cell; empty where the row is too short.
    pub(crate) fn text(&self, row: usize, Column(column): Column) -> &str {
        self.records[row].get(column).unwrap_or("").trim()
    }

    /// The number in a cell.
    pub(crate) fn number(&self, row: usize, column: Column) -> Result<f64, TraceError> {
        self.number_if_any(row, column)?.ok_or_else(|| self.flaw(row, column, "there is no value"))
    }

    /// The number in a cell; `None` where the peer has none.
    pub(crate) fn number_if_any(&self, row: usize, column: Column) -> Result<Option<f64>, TraceError> {
        let text = self.text(row, column);
        if text.is_empty() || text == "None" {
            return Ok(None);
        }
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number.map(Some).ok_or_else(|| self.flaw(row, column, &format!("`{text}` is not a number")))
    }

    /// An error at a cell.
    pub(crate) fn flaw(&self, row: usize, Column(column): Column, message: &str) -> TraceError {
        let line = self.records[row].position().map_or(0, csv::Position::line);
        let error = TraceError::new(&self.file, message).at_line(line).in_field(&self.header[column]);
        error.with_hint("give the file as the peer wrote it")
    }

    /// Texts of `id` with the numbers of `value`; rows without a value are left out.
    pub(crate) fn pairs(&self, id: &str, value: &str) -> Result<Vec<(String, f64)>, TraceError> {
        let (id, value) = (self.column(id)?, self.column(value)?);
        let pair = |row| Ok(self.number_if_any(row, value)?.map(|number| (self.text(row, id).to_owned(), number)));
        (0..self.len()).filter_map(|row| pair(row).transpose()).collect()
    }
}

/// Files in `folder` whose names end in `ending`, by name; none where there is no such folder.
pub(crate) fn files(folder: &Path, ending: &str) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let named = entries.filter_map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.strip_suffix(ending).map(|stem| (stem.to_owned(), entry.path()))
    });
    let mut found: Vec<(String, PathBuf)> = named.collect();
    found.sort();
    found
}
