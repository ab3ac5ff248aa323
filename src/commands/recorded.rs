//! Journals that are played again: reading them, and what may be wrong with them.

use simulator::fidelity::Overheads;
use simulator::report::fmt;
use simulator::rerun::RerunError;
use traces::journal::{Cut, JournalError, Recording};

use crate::cli::RerunArgs;
use crate::error::Error;
use crate::warnings;

/// Reads the journal; says on stderr where it is cut off.
pub(super) fn read(args: &RerunArgs) -> Result<Recording, Error> {
    let refused = Cut::Refused { hint: "--allow-cut uses what is before it" };
    let cut = if args.allow_cut { Cut::Allowed } else { refused };
    let path = args.journal.to_string_lossy();
    let recording = Recording::load(&path, cut).map_err(failed)?;
    if let (Some(record), Some(last)) = (recording.cut, recording.segments.last()) {
        let sound = fmt::thousands(recording.entries.len() as u64);
        let file = &last.source;
        warnings::note(&format!("{file}: cut off inside record {record}; the {sound} records before it are used"));
    }
    Ok(recording)
}

/// A journal that cannot be used.
pub(super) fn failed(error: JournalError) -> Error {
    match error {
        JournalError::Unreadable(error) => error.into(),
        JournalError::Damaged(error) => {
            let hint = error.hint().unwrap_or("`trainyard verify` says how much of it is sound").to_owned();
            Error::failed(&error, hint)
        }
    }
}

impl From<RerunError> for Error {
    fn from(error: RerunError) -> Self {
        match error {
            RerunError::Trace(error) => error.into(),
            RerunError::Setting(error) => error.into(),
            RerunError::Run(error) => error.into(),
            RerunError::Different { ref journal, .. } => {
                let hint = format!("`trainyard verify {journal}` names the order, and which version wrote it");
                Self::failed(&error, hint)
            }
            RerunError::Contradiction { .. } => {
                Self::failed(&error, "the journal was changed, or another version of trainyard wrote it")
            }
        }
    }
}

/// Seconds, or a sign for nothing.
pub(super) fn seconds(value: Option<f64>) -> String {
    value.map_or_else(|| fmt::NOTHING.to_owned(), fmt::seconds)
}

/// A share, or a sign for nothing.
pub(super) fn share(value: Option<f64>) -> String {
    value.map_or_else(|| fmt::NOTHING.to_owned(), fmt::share)
}

/// What launches and stops took, as rows of facts.
pub(super) fn overheads(of: &Overheads) -> Vec<(&'static str, String)> {
    let told = |runs: u64, p50: Option<f64>, p90: Option<f64>| match runs {
        0 => "none".to_owned(),
        1 => format!("{} (one run)", seconds(p50)),
        _ => format!("p50 {}, p90 {} ({} runs)", seconds(p50), seconds(p90), fmt::thousands(runs)),
    };
    let mut rows = vec![
        ("launches took", told(of.launch_overhead_runs, of.launch_overhead_p50_s, of.launch_overhead_p90_s)),
        ("restarts took", told(of.restart_overhead_runs, of.restart_overhead_p50_s, of.restart_overhead_p90_s)),
        ("stops took", told(of.stop_overhead_runs, of.stop_overhead_p50_s, of.stop_overhead_p90_s)),
    ];
    if of.kill_overhead_runs > 0 {
        rows.push(("kills took", told(of.kill_overhead_runs, of.kill_overhead_p50_s, of.kill_overhead_p90_s)));
    }
    rows
}
