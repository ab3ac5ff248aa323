//! The words with which Slurm says how a job ended, and how it stands.

use crate::error::{TraceError, shown};
use crate::similar::nearest;
use crate::table::Cells;
use crate::trace::Recorded;

/// What Slurm's manual of `sacct` lists as states of jobs. A job in a state that is no end was cut off by the log.
const STATES: [(&str, Recorded); 17] = [
    ("COMPLETED", Recorded::Finished),
    ("FAILED", Recorded::Failed),
    ("OUT_OF_MEMORY", Recorded::Failed),
    ("CANCELLED", Recorded::Killed),
    ("PREEMPTED", Recorded::Killed),
    ("REVOKED", Recorded::Killed),
    ("TIMEOUT", Recorded::TimedOut),
    ("DEADLINE", Recorded::TimedOut),
    ("NODE_FAIL", Recorded::NodeFailed),
    ("BOOT_FAIL", Recorded::NodeFailed),
    ("PENDING", Recorded::Censored),
    ("RUNNING", Recorded::Censored),
    ("REQUEUED", Recorded::Censored),
    ("RESIZING", Recorded::Censored),
    ("SUSPENDED", Recorded::Censored),
    ("COMPLETING", Recorded::Censored),
    ("STOPPED", Recorded::Censored),
];

/// The outcome that the state in a cell means.
pub(super) fn outcome(cells: &Cells<'_>, at: Option<usize>) -> Result<Recorded, TraceError> {
    let text = cells.text(at).trim();
    if let Some((_, recorded)) = STATES.iter().find(|(word, _)| *word == text) {
        return Ok(*recorded);
    }
    let words = || STATES.iter().map(|(word, _)| *word);
    let hint = match nearest(text, words()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("the states are {}", words().collect::<Vec<_>>().join(", ")),
    };
    Err(cells.error("state", format!("`{}` is no state of a job", shown(text))).with_hint(hint))
}
