//! Any table, CSV or Parquet, by a mapping: a TOML file that says which column means what.
//!
//! `mapped:PATH[mapping=FILE.toml]`. Nothing is guessed from names; what the mapping does not name is not used. The
//! columns of the canonical form (see [`crate::schema`]) are keys of the table `[columns]`, without their units:
//!
//! ```toml
//! delimiter = ","              # one character, or "tab", "space"; CSV only, as are the next three
//! comment = "#"                # first character of lines that are no rows; none when left out
//! skip_rows = 0                # lines above the header
//! names = ["id", "t"]          # the columns of a file without a header
//! missing = ["", "NULL"]       # cells that hold no value; [""] when left out
//! origin = "first"             # time zero: the first submission, or "zero" of the clock; see below
//! repeated_ids = "refuse"      # or "number": `#2`, `#3` and so on
//! drop = [{ column = "gpus", equals = "0", because = "CPU job" }]   # or below = 1, or missing = true
//!
//! [columns]
//! job_id = "JobId"                                        # `row-N` when left out
//! submit = { column = "SubmitTime", unit = "ms" }         # s, ms, us, ns, min, h, d, datetime; s when left out
//! start = { column = "Start", unit = "datetime", format = "%d.%m.%Y %H:%M:%S" }
//! end = { column = "End", unit = "datetime" }             # with start, instead of duration
//! gpus = { columns = ["nodes", "gpus_per_node"] }         # a product; unit "gpus" or "milli"
//! tenant = { columns = ["group", "user"] }                # joined by /
//! memory = { column = "mem", unit = "MiB", default = "0" } # B, KiB, MiB, GiB, TiB, KB, MB, GB, TB
//! cpu = { value = 8 }                                     # the same for all; unit "cores" or "milli"
//! outcome = { column = "state", values = { COMPLETED = "finished" }, otherwise = "unknown" }
//! ```
//!
//! The other keys are `duration`, `priority`, `preemptible`, `estimate`, `time_limit`, `deadline`, `models`, `tasks`,
//! `queue`, `name`, `job_type`, `batch_size`, `batch_mode`, `steps`, `weight`. Without `origin`, time zero is the
//! first submission where times are dates or Unix times (1973 or later), and else the zero of the numbers.

use std::borrow::Cow;

use super::{Signs, Spec};
use crate::canonical::parquet;
use crate::error::TraceError;
use crate::input::Input;
use crate::trace::Trace;

mod data;
mod field;
mod file;
mod rows;
mod semantics;
#[cfg(test)]
mod tests;
mod units;

use data::Data;
use file::Mapping;

pub(super) static SPEC: Spec = Spec {
    name: "mapped",
    aliases: &[],
    about: "any CSV or Parquet table, by a TOML file that says which column means what",
    options: &[("mapping", "path of the TOML file")],
    signs: Signs::Named,
    read,
};

/// Reads a text table.
fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    let (path, text) = mapping_text(input)?;
    let mapping = Mapping::parse(&path, &text)?;
    let skipped = skip_lines(input.text, mapping.skip_rows());
    rows::read(&mapping, &Data::of_text(input.file, &skipped, &mapping)?)
}

/// Reads a Parquet table.
pub(super) fn read_parquet(input: &Input<'_>, bytes: &[u8]) -> Result<Trace, TraceError> {
    let (path, text) = mapping_text(input)?;
    let mapping = Mapping::parse(&path, &text)?;
    let table = parquet::read_table(input.file, bytes, &mapping.source_columns())?;
    rows::read(&mapping, &Data::of_table(table))
}

fn mapping_text(input: &Input<'_>) -> Result<(String, String), TraceError> {
    let Some(path) = input.options.get("mapping") else {
        let error = TraceError::new(input.file, "a mapping is needed, a TOML file that says which column means what");
        return Err(error.with_hint(format!("write mapped:{}[mapping=FILE.toml]", input.file)));
    };
    Ok((path.to_owned(), crate::input::text_of(path)?))
}

/// The text with its first lines empty, so that the numbers of the others stay.
fn skip_lines(text: &str, count: usize) -> Cow<'_, str> {
    if count == 0 {
        return Cow::Borrowed(text);
    }
    let rest = text.split_inclusive('\n').skip(count);
    let skipped = text.split_inclusive('\n').take(count).filter(|line| line.ends_with('\n')).count();
    Cow::Owned("\n".repeat(skipped) + &rest.collect::<String>())
}
