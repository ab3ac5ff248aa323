//! What is wrong with a journal, and how much of it is sound.

use std::path::Path;

use engine::journal::Damage;

use super::files::file_name;
use super::{Cut, JournalError};
use crate::error::TraceError;

pub(super) const COPY_AGAIN: &str = "copy it again from where it was written, and keep what wrote it";
const GIVE_ONE: &str =
    "give the file that `trainyard simulate --journal` wrote, or the state folder of `trainyard serve`";

/// The file is something else.
pub(super) fn not_a_journal(source: &str) -> TraceError {
    TraceError::new(source, Damage::NotAJournal.to_string()).with_hint(GIVE_ONE)
}

/// A folder without one.
pub(super) fn no_segment(folder: &str) -> JournalError {
    JournalError::Unreadable(TraceError::new(folder, "no journal is in this folder").with_hint(GIVE_ONE))
}

/// A segment is not there, and a later one is.
pub(super) fn gap(missing: &Path, next: u64) -> JournalError {
    let error = TraceError::new(missing.to_string_lossy(), format!("missing, and {} is there", file_name(next)));
    JournalError::Damaged(error.with_hint("bring it back from where it was moved to: every record counts"))
}

/// Jobs that were submitted before the first segment are not told.
pub(super) fn begins_later(source: &str, first: u64) -> JournalError {
    let before = match first - 1 {
        1 => "segment 1 is not here".to_owned(),
        last => format!("segments 1 to {last} are not here"),
    };
    let error = TraceError::new(source, format!("the journal begins with segment {first}; {before}"));
    JournalError::Damaged(error.with_hint("give a folder with all of them: jobs and tenants were declared there"))
}

/// The header cannot be read.
pub(super) fn unreadable(source: &str, damage: &Damage) -> JournalError {
    match damage {
        Damage::NotAJournal => JournalError::Unreadable(not_a_journal(source)),
        Damage::Version { .. } => {
            let error = TraceError::new(source, damage.to_string());
            JournalError::Unreadable(error.with_hint("read it with the version of trainyard that wrote it"))
        }
        Damage::Record { .. } | Damage::Truncated { .. } => {
            let message = format!("{damage}; without its header nothing of it can be read");
            JournalError::Damaged(TraceError::new(source, message).with_hint(COPY_AGAIN))
        }
    }
}

/// A record cannot be read. Those before it are sound.
pub(super) fn damaged(source: &str, damage: &Damage, cut: Cut) -> JournalError {
    let record = match damage {
        Damage::Record { record, .. } | Damage::Truncated { record, .. } => *record,
        Damage::NotAJournal | Damage::Version { .. } => 0,
    };
    let before = match record.saturating_sub(1) {
        0 => "no record before it".to_owned(),
        1 => "the record before it is sound".to_owned(),
        sound => format!("the {sound} records before it are sound"),
    };
    let error = TraceError::new(source, format!("{damage}; {before}"));
    JournalError::Damaged(match (damage, cut) {
        (Damage::Truncated { .. }, Cut::Refused { hint }) => {
            error.with_hint(format!("what wrote it was stopped there, or the copy is not whole; {hint}"))
        }
        _ => error.with_hint(COPY_AGAIN),
    })
}

/// A record says something that makes no sense after those before it.
pub(super) fn contradiction(source: &str, record: u64, what: impl std::fmt::Display) -> TraceError {
    let error = TraceError::new(source, format!("record {record}: {what}"));
    error.with_hint("the journal was changed, or another version of trainyard wrote it")
}
