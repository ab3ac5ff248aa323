//! Rows of cells out of delimited text, with the line of each row, and errors that say where.
//!
//! One pass over the bytes and no copies: a cell is a range of the text. Quotes follow RFC 4180. Lines end with LF,
//! CR LF or CR; blank lines are not rows.

use crate::error::TraceError;
use crate::header::Header;

mod cells;
mod scan;

pub(crate) use cells::{Cells, Place, RowBuffer, trimmed};
pub(crate) use scan::{Dialect, Names, Table};

/// Comma-separated text with a header line.
pub(crate) type CsvTable<'a> = Table<'a>;

impl Header {
    /// The error for a row whose number of fields is not that of the header.
    fn wrong_fields(&self, line: u64, found: usize, delimiter: u8) -> TraceError {
        let wanted = self.names.len();
        let fields = |count: usize| if count == 1 { "1 field".to_owned() } else { format!("{count} fields") };
        let whole = if self.line.is_some() { "the header" } else { "the format" };
        let message = format!("the row has {}, {whole} {}", fields(found), fields(wanted));
        let error = TraceError::new(&self.file, message).at_line(line);
        error.with_hint(match (delimiter, found < wanted) {
            (_, true) => "the line is cut off, or the delimiter is another one",
            (b'\t', _) => "a tab inside a value needs quotes around the value",
            _ => "a comma inside a value needs quotes around the value",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(u64, Vec<String>)> {
        let mut table = Table::open("t.csv", text).unwrap();
        let mut rows = Vec::new();
        while let Some(cells) = table.next().unwrap() {
            let Place::Line(line) = cells.place else { panic!("a text file has lines") };
            rows.push((line, (0..cells.len()).map(|i| cells.text(Some(i)).to_owned()).collect()));
        }
        rows
    }

    fn error(text: &str) -> String {
        match Table::open("t.csv", text) {
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
        assert_eq!(rows("a,b\n1,\n"), [(2, vec!["1".to_owned(), String::new()])]);
        assert_eq!(rows("a,b\n1,"), [(2, vec!["1".to_owned(), String::new()])]);
    }

    #[test]
    fn quotes() {
        let cell = |text: &str| rows(&format!("a,b\n{text}"))[0].1[0].clone();
        assert_eq!(cell("\"x,y\",1"), "x,y");
        assert_eq!(cell("\"x\"\"y\",1"), "x\"y");
        assert_eq!(cell("\"\",1"), "");
        assert_eq!(cell("\"x\r\ny\",1\n"), "x\r\ny");
        assert_eq!(cell("x\"y,1"), "x\"y");
        assert_eq!(error("a,b\n\"x\"y,1\n"), "t.csv:2: text stands behind a closing quote");
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

    #[test]
    fn other_dialects() {
        let dialect = Dialect { delimiter: b'\t', comment: None, names: Names::Given(&["x", "y"]) };
        let mut table = Table::with_dialect("t", "1\t2\n3\n", dialect).unwrap();
        assert_eq!(table.next().unwrap().unwrap().text(Some(1)), "2");
        let error = table.next().unwrap_err();
        assert_eq!(error.to_string(), "t:2: the row has 1 field, the format 2 fields");
        let dialect = Dialect { delimiter: b' ', comment: Some(b';'), names: Names::None };
        let mut table = Table::with_dialect("t", "; a\n  1   2\t3 \n;\n4\n", dialect).unwrap();
        let cells = table.next().unwrap().unwrap();
        assert_eq!((cells.len(), cells.text(Some(2)), cells.place), (3, "3", Place::Line(2)));
        let cells = table.next().unwrap().unwrap();
        assert_eq!((cells.len(), cells.place), (1, Place::Line(4)));
        assert!(table.next().unwrap().is_none());
    }

    proptest::proptest! {
        /// The same cells as the csv crate on whatever it writes.
        #[test]
        fn agrees_with_the_csv_crate(table in proptest::collection::vec(proptest::collection::vec("[ a\",\r\né]{0,4}[a-zé]{0,12}x", 3), 1..6)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["a", "b", "c"]).unwrap();
            for row in &table {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let found: Vec<Vec<String>> = rows(&text).into_iter().map(|row| row.1).collect();
            proptest::prop_assert_eq!(found, table);
        }

        /// The same cells as splitting the text at its lines and these at commas, wherever the words of the scan end.
        #[test]
        fn agrees_with_splitting(text in "([ -!#-+--~é\u{ac}\u{8d}]{0,12}[,,,\r\n]){0,20}[a-z]{0,9}") {
            let text = text.replace('"', "");
            let dialect = Dialect { delimiter: b',', comment: None, names: Names::None };
            let mut table = Table::with_dialect("t", &text, dialect).unwrap();
            let mut found = Vec::new();
            while let Some(cells) = table.next().unwrap() {
                found.push((0..cells.len()).map(|at| cells.text(Some(at)).to_owned()).collect::<Vec<_>>());
            }
            let lines = text.replace("\r\n", "\n").replace('\r', "\n");
            let lines = lines.split('\n').filter(|line| !line.trim().is_empty());
            let split: Vec<Vec<String>> = lines.map(|line| line.split(',').map(str::to_owned).collect()).collect();
            proptest::prop_assert_eq!(found, split);
        }
    }
}
