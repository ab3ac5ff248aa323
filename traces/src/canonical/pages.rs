//! The counts of a Parquet file, held against each other before it is decoded.
//!
//! The decoder makes room for as many values as a page says that it has. A damaged count would ask for more memory than
//! there is, and that ends the process: it cannot be caught, as a panic can.

use std::io::Cursor;

use polars::polars_utils::pl_str::PlSmallStr;
use polars_parquet::parquet::metadata::{ColumnChunkMetadata, RowGroupMetadata};
use polars_parquet::parquet::page::CompressedPage;
use polars_parquet::parquet::read::PageReader;

/// Why the counts of the wanted columns in `group` cannot all be true.
pub(super) fn check(bytes: &[u8], group: &RowGroupMetadata, wanted: &dyn Fn(&str) -> bool) -> Result<(), String> {
    let name = |column: &ColumnChunkMetadata| column.descriptor().path_in_schema.first().cloned();
    let flat = |column: &ColumnChunkMetadata| column.descriptor().descriptor.max_rep_level == 0;
    for column in group.parquet_columns() {
        let name: PlSmallStr = name(column).unwrap_or_default();
        if !wanted(&name) || !flat(column) {
            continue;
        }
        let values = values(bytes, column).map_err(|why| format!("column {name}: {why}"))?;
        if values != group.num_rows() {
            return Err(format!("column {name} has {values} values in {} rows", group.num_rows()));
        }
    }
    Ok(())
}

/// How many values the pages of a column say that they have.
fn values(bytes: &[u8], column: &ColumnChunkMetadata) -> Result<usize, String> {
    let range = column.byte_range();
    let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
    let chunk = bytes.get(at(range.start)..at(range.end)).ok_or("it ends after the end of the file")?;
    let mut values = 0usize;
    for page in PageReader::new(Cursor::new(chunk.to_vec().into()), column, Vec::new(), chunk.len()) {
        if let CompressedPage::Data(page) = page.map_err(|error| error.to_string())? {
            let count = page.num_values();
            // A count is 32 bits with a sign.
            if i32::try_from(count).is_err() {
                return Err("a page has a number of values below zero".to_owned());
            }
            values = values.saturating_add(count);
        }
    }
    Ok(values)
}
