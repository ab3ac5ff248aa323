//! The files of a comparison: `summary.json`, `differences.json`, `jobs-<policy>.parquet`, `evictions-<policy>.parquet`,
//! `figures/<name>.png`,
//! `report.html`. Equal input makes equal bytes.

mod atomic;
mod comparison;
mod error;
mod evictions;
mod file_name;
mod jobs;

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Serialize;

pub use comparison::{Comparison, Written};
pub use error::OutputError;
pub use file_name::{safe_name, safe_names};

use crate::figures::{self, Drawing};
use crate::report;
use crate::result::Replay;
use crate::stats::differences;

/// Writes everything into `dir`, which is made when it does not exist. Each file is there whole or not at all.
pub fn write_comparison(dir: &Path, comparison: &Comparison<'_>) -> Result<Written, OutputError> {
    atomic::create_directory(dir)?;
    let summaries = comparison.summaries();
    let differences = differences(&summaries, comparison.sampling);
    let summary_path = write_json(dir.join("summary.json"), &summaries)?;
    let differences_path = write_json(dir.join("differences.json"), &differences)?;
    let jobs = write_jobs(dir, comparison)?;
    let evictions = write_evictions(dir, comparison)?;
    let drawings = figures::drawings(comparison);
    let figures = write_figures(&dir.join("figures"), &drawings)?;
    let report_path = dir.join("report.html");
    let html = report::html(comparison, &differences, &drawings);
    atomic::write(&report_path, html.as_bytes())?;
    Ok(Written { summary: summary_path, differences: differences_path, jobs, evictions, figures, report: report_path })
}

fn write_json(path: PathBuf, value: &impl Serialize) -> Result<PathBuf, OutputError> {
    match serde_json::to_vec_pretty(value) {
        Ok(mut text) => {
            text.push(b'\n');
            atomic::write(&path, &text)?;
            Ok(path)
        }
        Err(source) => Err(OutputError::Json { path, source }),
    }
}

fn write_jobs(dir: &Path, comparison: &Comparison<'_>) -> Result<Vec<PathBuf>, OutputError> {
    a_file_a_policy(dir, "jobs", comparison, jobs::write)
}

fn write_evictions(dir: &Path, comparison: &Comparison<'_>) -> Result<Vec<PathBuf>, OutputError> {
    a_file_a_policy(dir, "evictions", comparison, evictions::write)
}

fn a_file_a_policy(
    dir: &Path,
    kind: &str,
    comparison: &Comparison<'_>,
    write: fn(&Path, &[&Replay]) -> Result<(), OutputError>,
) -> Result<Vec<PathBuf>, OutputError> {
    let policies = comparison.policies();
    let names = safe_names(policies.iter().copied());
    let one = |(policy, name): (&&str, String)| {
        let path = dir.join(format!("{kind}-{name}.parquet"));
        let replays: Vec<_> = comparison.replays.iter().filter(|replay| replay.summary.policy == **policy).collect();
        write(&path, &replays).map(|()| path)
    };
    policies.iter().zip(names).map(one).collect()
}

/// Writes the figures of a trace by itself as `<name>.svg` and `<name>.png` into `dir`, which is made when it does not
/// exist.
pub fn write_trace_figures(dir: &Path, trace: &traces::Trace) -> Result<Vec<PathBuf>, OutputError> {
    let drawings = figures::drawings_of_trace(trace);
    let mut paths = write_figures(dir, &drawings)?;
    for drawing in &drawings {
        let path = dir.join(format!("{}.svg", drawing.name));
        let failed = |message| OutputError::Figure { path: path.clone(), message };
        let svg = figures::svg(&drawing.sketch).map_err(failed)?;
        atomic::write(&path, svg.as_bytes())?;
        paths.push(path);
    }
    Ok(paths)
}

fn write_figures(dir: &Path, drawings: &[Drawing]) -> Result<Vec<PathBuf>, OutputError> {
    atomic::create_directory(dir)?;
    let one = |drawing: &Drawing| {
        let path = dir.join(format!("{}.png", drawing.name));
        atomic::replace(&path, |draft| {
            let failed = |message| OutputError::Figure { path: path.clone(), message };
            figures::write_png(&drawing.sketch, draft).map_err(failed)
        })?;
        Ok(path)
    };
    drawings.par_iter().map(one).collect()
}
