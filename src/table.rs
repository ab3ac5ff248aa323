//! Tables for people.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// A table without lines: the first column to the left, the others to the right.
pub(crate) fn figures(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = plain();
    table.set_header(head.to_vec());
    table.add_rows(rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    text(&table)
}

/// A table without lines, all columns to the left; without a header where `head` is empty.
pub(crate) fn words(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = plain();
    if !head.is_empty() {
        table.set_header(head.to_vec());
    }
    table.add_rows(rows);
    text(&table)
}

/// Names with their values, a line each.
pub(crate) fn facts(rows: &[(&str, String)]) -> String {
    let rows: Vec<Vec<String>> = rows.iter().map(|(name, value)| vec![(*name).to_owned(), value.clone()]).collect();
    words(&[], &rows)
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table
}

/// The table without the padding at the ends of lines and before the first column.
fn text(table: &Table) -> String {
    let line = |line: String| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned() + "\n";
    table.lines().map(line).collect()
}

/// `text` with a line break where a line would be longer than `width`.
pub(crate) fn wrapped(text: &str, width: usize, indent: &str) -> String {
    let mut out = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let size = word.chars().count();
        if length > 0 && length + 1 + size > width {
            out.push('\n');
            out.push_str(indent);
            length = 0;
        } else if length > 0 {
            out.push(' ');
            length += 1;
        }
        out.push_str(word);
        length += size;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_to_the_right() {
        let rows = [vec!["fifo".to_owned(), "1 h".to_owned()], vec!["fair-share".to_owned(), "10 min".to_owned()]];
        assert_eq!(figures(&["policy", "wait"], &rows), "policy        wait\nfifo           1 h\nfair-share  10 min\n");
    }

    #[test]
    fn long_lines_break_between_words() {
        assert_eq!(wrapped("one two three", 7, "  "), "one two\n  three");
    }
}
