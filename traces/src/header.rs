//! The names of the columns of a file: which are there, which are missing, which nobody knows.

use std::collections::HashSet;

use crate::error::{TraceError, shown};
use crate::similar::nearest;

/// The header of a table.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    pub(crate) file: String,
    /// 1-based line of a text file; `None` in a binary file.
    pub(crate) line: Option<u64>,
    /// Names, trimmed, in order.
    pub(crate) names: Vec<String>,
}

impl Header {
    /// Where the column called `name` stands.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|column| column == name)
    }

    /// An error at the header.
    pub(crate) fn error(&self, message: impl Into<String>) -> TraceError {
        let error = TraceError::new(&self.file, message);
        match self.line {
            Some(line) => error.at_line(line),
            None => error,
        }
    }

    /// No name may stand twice.
    pub(crate) fn check_unique(&self) -> Result<(), TraceError> {
        let mut seen = HashSet::with_capacity(self.names.len());
        for name in self.names.iter().filter(|name| !name.is_empty()) {
            if !seen.insert(name) {
                let error = self.error(format!("column `{}` appears twice", shown(name)));
                return Err(error.with_hint("remove or rename one of the two"));
            }
        }
        Ok(())
    }

    /// All of `needed` must be there. `known` are all names of the form; a near name that is unknown becomes a hint.
    pub(crate) fn check_needed(&self, form: &str, needed: &[&str], known: &[&str]) -> Result<(), TraceError> {
        let missing: Vec<&str> = needed.iter().copied().filter(|name| self.find(name).is_none()).collect();
        if missing.is_empty() { Ok(()) } else { Err(self.missing(form, &missing, needed, known)) }
    }

    /// The error for the columns `missing`.
    pub(crate) fn missing(&self, form: &str, missing: &[&str], needed: &[&str], known: &[&str]) -> TraceError {
        let names = missing.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let (noun, verb) = if missing.len() == 1 { ("column", "is") } else { ("columns", "are") };
        let (found, all) = (self.shown_names(), needed.join(", "));
        let text = format!("required {noun} {names} {verb} missing; found: {found}; needed: {all}");
        let hint = self.delimiter_hint().or_else(|| self.near_hint(missing, known));
        self.error(text).with_hint(hint.unwrap_or_else(|| format!("a {form} file needs the columns {all}")))
    }

    fn near_hint(&self, missing: &[&str], known: &[&str]) -> Option<String> {
        let unknown: Vec<&str> =
            self.names.iter().map(String::as_str).filter(|name| !name.is_empty() && !known.contains(name)).collect();
        missing.iter().find_map(|name| {
            let near = nearest(name, unknown.iter().copied())?;
            Some(format!("is `{}` meant to be `{name}`? Then rename it", shown(near)))
        })
    }

    pub(crate) fn delimiter_hint(&self) -> Option<String> {
        let [only] = self.names.as_slice() else { return None };
        let (_, name) = [(';', "semicolons"), ('\t', "tabs")].into_iter().find(|(c, _)| only.contains(*c))?;
        Some(format!("the columns seem to be separated by {name}; use commas"))
    }

    /// The names in a row, at most twenty of them.
    pub(crate) fn shown_names(&self) -> String {
        const LIMIT: usize = 20;
        let mut text: Vec<String> = self.names.iter().take(LIMIT).map(|name| shown(name)).collect();
        if self.names.len() > LIMIT {
            text.push(format!("and {} more", self.names.len() - LIMIT));
        }
        text.join(", ")
    }

    /// The columns that are not in `used`; a column without a name is called by its position.
    pub(crate) fn ignored(&self, used: &[&str]) -> Vec<String> {
        let name = |(i, name): (usize, &String)| {
            if name.is_empty() { format!("column {} (no name)", i + 1) } else { name.clone() }
        };
        self.names.iter().enumerate().filter(|(_, column)| !used.contains(&column.as_str())).map(name).collect()
    }
}
