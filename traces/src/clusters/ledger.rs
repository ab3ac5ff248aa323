//! What a cluster file does not say and had to be taken somehow, and what of it was not used.

use std::collections::BTreeMap;

use serde::Serialize;

/// Rows of a cluster file, and what was taken, merged or left out, by cause.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClusterLedger {
    /// Data rows in the file; 0 where it has no rows.
    pub rows: u64,
    /// Nodes or rows, by what was taken or found; a cause that concerns the file as a whole counts one.
    pub notes: BTreeMap<String, u64>,
    /// Columns or keys of the file that were not used.
    pub ignored_columns: Vec<String>,
}

impl ClusterLedger {
    /// Counts one node or row.
    pub(super) fn note(&mut self, cause: &str) {
        self.note_many(cause, 1);
    }

    /// Counts several.
    pub(super) fn note_many(&mut self, cause: &str, count: u64) {
        match self.notes.get_mut(cause) {
            Some(before) => *before += count,
            None => drop(self.notes.insert(cause.to_owned(), count)),
        }
    }

    /// Counts one where `found`.
    pub(super) fn note_if(&mut self, found: bool, cause: &str) {
        if found {
            self.note(cause);
        }
    }

    /// The notes as lines to print.
    pub fn lines(&self) -> Vec<String> {
        self.notes.iter().map(|(cause, count)| format!("{cause} ({count})")).collect()
    }
}
