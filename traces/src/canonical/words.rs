//! The values that are words or small numbers.

use engine::Level;

use crate::decimal::{self, Flaw};
use crate::error::{TraceError, shown};
use crate::similar::nearest;
use crate::table::{Cells, trimmed};
use crate::trace::Recorded;

/// Words of the column `outcome`.
const OUTCOMES: [(&str, Recorded); 6] = [
    ("finished", Recorded::Finished),
    ("failed", Recorded::Failed),
    ("killed", Recorded::Killed),
    ("timed_out", Recorded::TimedOut),
    ("node_failed", Recorded::NodeFailed),
    ("censored", Recorded::Censored),
];

/// Names joined by `|`; `None` when one is empty.
pub(crate) fn model_set(text: &str) -> Option<Vec<String>> {
    let names: Vec<String> = text.split('|').map(|name| name.trim().to_owned()).collect();
    names.iter().all(|name| !name.is_empty()).then_some(names)
}

/// A tenant path without empty parts.
pub(crate) fn tenant_path<'a>(cells: &Cells<'_>, column: &str, path: &'a str) -> Result<&'a str, TraceError> {
    if path.split('/').any(|part| part.trim().is_empty()) {
        let message = format!("`{}` has an empty part", shown(path));
        return Err(cells.error(column, message).with_hint("write a path such as org/team/user"));
    }
    Ok(path)
}

/// The largest 32-bit number means "unlimited" in the engine, so no job may ask for it.
pub(crate) fn below_unlimited(value: u64) -> Option<u32> {
    u32::try_from(value).ok().filter(|&value| value != engine::UNLIMITED)
}

pub(super) fn priority(cells: &Cells<'_>, at: Option<usize>) -> Result<i32, TraceError> {
    let text = cells.text(at);
    if cells.is_blank(at) {
        return Ok(0);
    }
    let hint = "write a whole number between -2147483648 and 2147483647; higher goes first";
    let number = decimal::integer(text).map_err(|flaw| cells.error("priority", flaw.message(text)).with_hint(hint))?;
    i32::try_from(number).map_err(|_| cells.error("priority", Flaw::TooLarge.message(text)).with_hint(hint))
}

pub(super) fn preemptible(cells: &Cells<'_>, at: Option<usize>) -> Result<bool, TraceError> {
    let text = trimmed(cells.text(at));
    if text.is_empty() {
        return Ok(true);
    }
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Ok(true),
        "false" | "0" | "no" => Ok(false),
        _ => {
            let message = format!("`{}` is neither true nor false", shown(text));
            Err(cells.error("preemptible", message).with_hint("write true or false"))
        }
    }
}

pub(super) fn level(cells: &Cells<'_>, at: Option<usize>, column: &str) -> Result<Option<Level>, TraceError> {
    let text = trimmed(cells.text(at));
    if text.is_empty() {
        return Ok(None);
    }
    Level::named(text).map(Some).ok_or_else(|| {
        let words = Level::ALL.map(Level::name).join(", ");
        let error = cells.error(column, format!("`{}` is no level of the topology", shown(text)));
        error.with_hint(format!("write one of {words}, or nothing"))
    })
}

pub(super) fn outcome(cells: &Cells<'_>, at: Option<usize>) -> Result<Recorded, TraceError> {
    let text = trimmed(cells.text(at));
    if text.is_empty() {
        return Ok(Recorded::Unknown);
    }
    OUTCOMES.iter().find(|(word, _)| *word == text).map(|(_, recorded)| *recorded).ok_or_else(|| {
        let words = OUTCOMES.map(|(word, _)| word);
        let hint = match nearest(text, words) {
            Some(word) => format!("did you mean `{word}`?"),
            None => format!("write one of {}, or nothing", words.join(", ")),
        };
        cells.error("outcome", format!("`{}` is no known outcome", shown(text))).with_hint(hint)
    })
}

/// The word for an outcome; empty when unknown.
pub(crate) fn outcome_word(recorded: Recorded) -> &'static str {
    OUTCOMES.iter().find(|(_, known)| *known == recorded).map_or("", |(word, _)| word)
}
