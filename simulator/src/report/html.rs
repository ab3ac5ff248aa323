//! Small pieces of HTML. All text from outside goes through [`escape`].

/// The text with the characters that HTML gives a meaning replaced.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // Control characters have no place in a page.
            c if c.is_control() && c != '\n' => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// A table of two columns, name and value. `rows` are (text, HTML).
pub(super) fn facts(rows: &[(String, String)]) -> String {
    let row = |(name, value): &(String, String)| format!("<tr><th>{}</th><td>{value}</td></tr>\n", escape(name));
    let body: String = rows.iter().map(row).collect();
    format!("<table class=\"facts\"><tbody>\n{body}</tbody></table>\n")
}

/// A table. Cells are HTML; a row is its cells.
pub(super) fn table(head: &[String], rows: &[Vec<String>]) -> String {
    let cells = |tag: &str, row: &[String]| {
        row.iter().map(|cell| format!("<{tag}>{cell}</{tag}>")).collect::<Vec<_>>().concat()
    };
    let body = rows.iter().map(|row| format!("<tr>{}</tr>\n", cells("td", row))).collect::<Vec<_>>().concat();
    let head = cells("th", head);
    format!("<div class=\"wide\"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>\n")
}

/// A bullet list. Items are HTML.
pub(super) fn list(items: &[String]) -> String {
    let items = items.iter().map(|item| format!("<li>{item}</li>\n")).collect::<Vec<_>>().concat();
    format!("<ul>\n{items}</ul>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_becomes_a_tag() {
        assert_eq!(escape("<script>\"a\" & 'b'\u{0}"), "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;\u{fffd}");
    }
}
