//! What is wrong with a journal, and how much of it is sound.

use engine::journal::Damage;

use super::{Cut, JournalError};
use crate::error::TraceError;

const COPY_AGAIN: &str = "copy it again from where it was written, and keep what wrote it";
const GIVE_ONE: &str = "give the file that `trainyard serve` or `trainyard simulate --journal` wrote";

/// The file is something else.
pub(super) fn not_a_journal(source: &str) -> TraceError {
    TraceError::new(source, Damage::NotAJournal.to_string()).with_hint(GIVE_ONE)
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
