//! The one error of this crate: what is wrong, where, and what to do about it.

use std::fmt::Write as _;

use thiserror::Error;

/// Something is wrong with a trace, a cluster description, or the way it was named.
///
/// Shown as `FILE:LINE: field` followed by the message, as far as line and field are known.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}", self.text())]
pub struct TraceError {
    file: String,
    line: Option<u64>,
    field: Option<String>,
    message: String,
    hint: Option<String>,
}

impl TraceError {
    /// An error about `file` as a whole.
    pub fn new(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.into(), line: None, field: None, message: cut(message.into()), hint: None }
    }

    /// The same error at a 1-based line of the text file.
    #[must_use]
    pub fn at_line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    /// The same error about one field: a column, a key.
    #[must_use]
    pub fn in_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The same error with advice.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The file, or the text that named the trace or cluster.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The 1-based line in a text file.
    pub fn line(&self) -> Option<u64> {
        self.line
    }

    /// The column or key.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    fn text(&self) -> String {
        let mut text = self.file.clone();
        if let Some(line) = self.line {
            let _ = write!(text, ":{line}");
        }
        if let Some(field) = &self.field {
            let _ = write!(text, ": field `{field}`");
        }
        let _ = write!(text, ": {}", self.message);
        text
    }
}

/// Shortens a message that quotes what others say of the input, such as a parser of JSON.
fn cut(mut message: String) -> String {
    const LIMIT: usize = 1000;
    if message.len() > LIMIT {
        message.truncate(message.floor_char_boundary(LIMIT));
        message.push_str("...");
    }
    message
}

/// Shortens a value for a message, so that one broken cell cannot fill the screen.
pub(crate) fn shown(value: &str) -> String {
    const LIMIT: usize = 60;
    let line: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LIMIT).collect();
    if value.chars().count() > LIMIT { format!("{line}...") } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_is_known_of_the_place() {
        let error = TraceError::new("a.csv", "bad");
        assert_eq!(error.to_string(), "a.csv: bad");
        let error = error.at_line(3).in_field("gpus").with_hint("mend it");
        assert_eq!(error.to_string(), "a.csv:3: field `gpus`: bad");
        assert_eq!(error.hint(), Some("mend it"));
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        let error = TraceError::new("f", "é".repeat(501));
        assert_eq!(error.message(), format!("{}...", "é".repeat(500)));
        assert_eq!(TraceError::new("f", "é".repeat(500)).message().len(), 1000);
    }

    #[test]
    fn long_values_are_cut() {
        assert_eq!(shown("a\nb"), "a b");
        assert_eq!(shown(&"x".repeat(99)).len(), 63);
    }
}
