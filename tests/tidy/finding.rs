//! What a rule found, in the form in which it is shown.

use std::fmt::{self, Display};

/// One breach of a rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// File, relative to the root of the project.
    file: String,
    /// Line, from 1; 0 for the whole file.
    line: usize,
    /// What is wrong.
    what: String,
    /// How to mend it.
    mend: String,
}

impl Finding {
    pub(crate) fn new(file: &str, line: usize, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, what: what.into(), mend: mend.into() }
    }
}

impl Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.what)?,
            line => write!(f, "{}:{line}: {}", self.file, self.what)?,
        }
        write!(f, "\n    mend: {}", self.mend)
    }
}

/// Fails the test when there is anything to report.
pub(crate) fn report(rule: &str, findings: &[Finding]) {
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{rule}: {} to mend\n{}\n", lines.len(), lines.join("\n"));
}
