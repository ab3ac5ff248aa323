//! Job lists of Gavel (Narayanan et al., OSDI 2020).
//!
//! One job a line, fields between tabs, no header, in two dialects that the number of fields tells apart:
//!
//! - 10 fields: `job_type`, `command`, `working_directory`, `num_steps_arg`, `needs_data_dir` (0 or 1), `total_steps`,
//!   `scale_factor` (GPUs of the gang), `priority_weight`, `SLO`, `arrival_time` (seconds from the first job);
//! - 7 fields, older (the lists drawn from Philly): `job_type`, `command`, `num_steps_arg`, `needs_data_dir`,
//!   `total_steps`, `arrival_time`, `scale_factor`.
//!
//! A job type such as `ResNet-18 (batch size 32)` is a model and the samples of a step on each GPU. `SLO` is a multiple
//! of the run time after the arrival (`scheduler.py`: `SLO * duration + now`); a negative one means none. There are no
//! ids: the job of row N is called `row-N`. Nor are there users; in a folder of lists, one a virtual cluster, the
//! name of the file is the tenant. Each file counts its times from its own first job. In upstream's folders
//! `philly.trace` holds the jobs of all others together: it is left out there, and that is said.
//!
//! There are no run times: `total_steps / rate` is one, with a table of throughput (`throughputs=FILE`, see
//! [`crate::profiles`]) on a GPU model (`on=`), the gang on one node, as in Gavel's own simulator. Settings that the
//! table lacks are dropped and counted, or extrapolated and counted (`missing=extrapolate`). Without a table the run
//! times are unknown.
//!
//! Upstream: <https://github.com/stanford-futuredata/gavel> (`scheduler/traces`), MIT.

use std::path::Path;

use compact_str::format_compact;

use super::{Signs, Spec};
use crate::build::{Builder, ROW_IDS, Twins, row_id};
use crate::bytes;
use crate::error::TraceError;
use crate::input::Input;
use crate::trace::Trace;

mod rows;
mod run_times;

pub(super) use rows::{Dialect, Row, Rows};
use run_times::RunTimeRule;

pub(super) static SPEC: Spec = Spec {
    name: "gavel",
    aliases: &[],
    about: "Gavel job lists (OSDI 2020), 7 or 10 fields, or a folder of them",
    options: &[
        ("throughputs", "file with rates of training, which give the run times"),
        ("on", "GPU model of the run times (v100)"),
        ("missing", "drop or extrapolate: what to do without a rate (drop)"),
    ],
    signs: Signs::TextOrFolder(fits),
    read,
};

/// The field that a row of this format may have too few or too many of.
const FORMAT_HINT: &str = "a row of Gavel has 10 fields between tabs, or 7 in the older lists";

/// In the folders drawn from Philly, the list of all virtual clusters together, beside those of each.
const WHOLE: &str = "philly";

/// Whether the first row is one of Gavel's.
fn fits(text: &str) -> bool {
    [Dialect::Old, Dialect::Current].into_iter().any(|dialect| dialect.fits(text))
}

/// The dialect of a text, by the number of fields in its first row.
fn dialect_of(file: &str, text: &str) -> Result<Dialect, TraceError> {
    let first = text.lines().enumerate().find(|(_, line)| !line.trim().is_empty());
    let (line, fields) = first.map_or((0, 0), |(at, line)| (at as u64 + 1, line.split('\t').count()));
    match fields {
        7 => Ok(Dialect::Old),
        10 => Ok(Dialect::Current),
        _ => {
            let plural = if fields == 1 { "" } else { "s" };
            let error = TraceError::new(file, format!("the first row has {fields} field{plural}")).at_line(line);
            let twelve = "a row of 12 fields is Shockwave's: write shockwave: before the path";
            Err(error.with_hint(if fields == 12 { twelve } else { FORMAT_HINT }))
        }
    }
}

/// Reads a list, or a folder of lists.
fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    let rule = RunTimeRule::of(input)?;
    let mut builder = Builder::new(input.file, "gavel");
    builder.run_times(rule.run_times());
    if let Some(model) = rule.model() {
        builder.measured_on(model);
    }
    if Path::new(input.file).is_dir() && input.text.is_empty() {
        read_folder(input.file, &rule, &mut builder)?;
    } else {
        read_file(&List { file: input.file, text: input.text, cluster: None }, &rule, &mut builder)?;
    }
    builder.ledger.ignored_columns =
        ["command", "working_directory", "num_steps_arg", "needs_data_dir"].map(str::to_owned).to_vec();
    if builder.ledger.rows > 0 {
        builder.ledger.change_row(ROW_IDS);
    }
    builder.finish(Twins::Refused, None)
}

/// One file, and the virtual cluster that it is about.
struct List<'a> {
    file: &'a str,
    text: &'a str,
    cluster: Option<&'a str>,
}

fn read_file(list: &List<'_>, rule: &RunTimeRule, builder: &mut Builder) -> Result<(), TraceError> {
    let mut rows = Rows::open(list.file, list.text, dialect_of(list.file, list.text)?)?;
    let tenant = match list.cluster {
        Some(cluster) => builder.tenant_of(&[cluster]),
        None => builder.tenant(""),
    };
    let mut number = 0u64;
    while let Some((row, cells)) = rows.next(&mut builder.ledger)? {
        builder.row();
        number += 1;
        let Some(duration) = rule.duration(&row, &cells, &mut builder.ledger)? else { continue };
        let id = match list.cluster {
            Some(cluster) => format_compact!("{cluster}-{}", row_id(number)),
            None => row_id(number),
        };
        let known = rule.model().map(|_| duration);
        let job = row.job(id, duration, known, tenant, builder, &cells)?;
        builder.push(job, cells.place);
    }
    Ok(())
}

/// Reads all `.trace` files of a folder, gzipped or not, by name.
fn read_folder(folder: &str, rule: &RunTimeRule, builder: &mut Builder) -> Result<(), TraceError> {
    let unreadable = |error: std::io::Error| {
        TraceError::new(folder, format!("not readable: {error}")).with_hint("check the path and its rights")
    };
    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        names.push(entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let (mut lists, others): (Vec<_>, Vec<_>) = names.iter().partition(|name| cluster_of(name).is_some());
    if lists.is_empty() {
        let error = TraceError::new(folder, "there is no .trace file in this folder");
        return Err(error.with_hint("name a folder with one list a virtual cluster, or one file"));
    }
    if lists.len() > 1 && lists.iter().any(|name| cluster_of(name) == Some(WHOLE)) {
        lists.retain(|name| cluster_of(name) != Some(WHOLE));
        builder.ledger.change_row("philly.trace holds the jobs of the other files again: not read (counted once)");
    }
    for _ in others {
        builder.ledger.change_row("a file of the folder is no .trace file: not read (counted once a file)");
    }
    for name in lists {
        builder.ledger.change_row("times counted from the first job of its own file (counted once a file)");
        let path = Path::new(folder).join(name).to_string_lossy().into_owned();
        let unpacked = bytes::read_unpacked(&path)?;
        let list = List { file: &path, text: bytes::text(&path, &unpacked)?, cluster: cluster_of(name) };
        read_file(&list, rule, builder)?;
    }
    Ok(())
}

/// The virtual cluster that the name of a file says.
fn cluster_of(name: &str) -> Option<&str> {
    name.strip_suffix(".gz").unwrap_or(name).strip_suffix(".trace").filter(|stem| !stem.is_empty())
}

#[cfg(test)]
mod tests;
