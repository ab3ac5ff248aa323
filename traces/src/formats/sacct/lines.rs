//! The lines of `sacct -P`: cells between delimiters, which nothing quotes or escapes.

use crate::error::TraceError;
use crate::header::Header;
use crate::input::Input;
use crate::table::{Cells, Place, RowBuffer};
use crate::trace::Ledger;

/// Columns into which users write what they like, and so the delimiter too.
const FREE_TEXT: [&str; 8] =
    ["jobname", "comment", "admincomment", "systemcomment", "workdir", "submitline", "extra", "wckey"];

/// A column as sacct knows it: `JobName%30` is `jobname`.
pub(super) fn plain_name(name: &str) -> String {
    name.split('%').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The delimiter in the options: `|` unless said.
pub(super) fn delimiter<'a>(input: &Input<'a>) -> &'a str {
    match input.options.get("delimiter") {
        None | Some("pipe" | "") => "|",
        Some("comma") => ",",
        Some("tab") => "\t",
        Some("semicolon") => ";",
        Some(text) => text,
    }
}

/// The lines below the header.
pub(super) struct Lines<'a> {
    file: &'a str,
    delimiter: &'a str,
    rest: std::iter::Enumerate<std::str::Lines<'a>>,
    /// Names of the columns as in the file.
    pub(super) header: Header,
    /// Names as sacct knows them, in the same order.
    pub(super) names: Vec<String>,
    row: RowBuffer,
}

impl<'a> Lines<'a> {
    /// Reads the header.
    pub(super) fn open(input: &Input<'a>, delimiter: &'a str) -> Result<Self, TraceError> {
        let mut lines = input.text.lines().enumerate();
        let Some((at, head)) = lines.find(|(_, line)| !line.trim().is_empty()) else {
            let error = TraceError::new(input.file, "the file is empty");
            return Err(error.with_hint("it needs a header line and rows below it"));
        };
        let names: Vec<String> = head.split(delimiter).map(|name| name.trim().to_owned()).collect();
        let header = Header { file: input.file.to_owned(), line: Some(at as u64 + 1), names };
        let names: Vec<String> = header.names.iter().map(|name| plain_name(name)).collect();
        Header { names: names.clone(), ..header.clone() }.check_unique()?;
        Ok(Self { file: input.file, delimiter, rest: lines, header, names, row: RowBuffer::default() })
    }

    /// The next row that is not blank.
    pub(super) fn next(&mut self, ledger: &mut Ledger) -> Result<Option<Cells<'_>>, TraceError> {
        let Some((at, line)) = self.rest.find(|(_, line)| !line.trim().is_empty()) else { return Ok(None) };
        let line_number = at as u64 + 1;
        self.row.clear();
        let (found, wanted) = (line.split(self.delimiter).count(), self.names.len());
        match (found.checked_sub(wanted), self.free_column()) {
            (Some(0), _) => line.split(self.delimiter).for_each(|cell| self.row.push(cell)),
            (Some(surplus), Some(free)) => {
                ledger.change_row("the delimiter stands in a name that users write: joined again");
                self.push_joined(line, free, surplus);
            }
            _ => return Err(self.wrong_fields(line_number, found)),
        }
        Ok(Some(Cells::new(self.file, Place::Line(line_number), &self.row)))
    }

    /// The one column that may hold the delimiter, if there is just one.
    fn free_column(&self) -> Option<usize> {
        let mut free = (0..self.names.len()).filter(|at| FREE_TEXT.contains(&self.names[*at].as_str()));
        free.next().filter(|_| free.next().is_none())
    }

    fn push_joined(&mut self, line: &str, free: usize, surplus: usize) {
        let cells: Vec<&str> = line.split(self.delimiter).collect();
        cells[..free].iter().for_each(|cell| self.row.push(cell));
        self.row.push(&cells[free..=free + surplus].join(self.delimiter));
        cells[free + surplus + 1..].iter().for_each(|cell| self.row.push(cell));
    }

    fn wrong_fields(&self, line: u64, found: usize) -> TraceError {
        let wanted = self.names.len();
        let fields = |count: usize| if count == 1 { "1 field".to_owned() } else { format!("{count} fields") };
        let message = format!("the row has {}, the header {}", fields(found), fields(wanted));
        TraceError::new(self.file, message).at_line(line).with_hint(if found < wanted {
            "the line is cut off, or the delimiter is another one"
        } else {
            "a name or comment holds the delimiter; export again with another one, such as --delimiter=';;'"
        })
    }
}
