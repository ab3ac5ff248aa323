//! Job lists of Shockwave (Zheng et al., NSDI 2023).
//!
//! Those of Gavel (see [`super::gavel`]) with two more fields. One job a line, fields between tabs, no header, 12
//! fields: `job_type`, `command`, `working_directory`, `num_steps_arg`, `needs_data_dir` (0 or 1), `total_steps`,
//! `scale_factor` (GPUs of the gang), `mode` (how the batch size changes while it trains: `static`, `accordion`, `gns`),
//! `priority_weight`, `SLO` (a multiple of the run time; negative: none), `duration` (seconds), `arrival_time` (seconds).
//!
//! The generator draws the duration and makes the steps of it: `total_steps = duration * rate` alone on V100 GPUs, with
//! the batch size at the start. So the duration is the run time on V100s as if the batch size never changed; a job
//! whose batch size grows ends its steps earlier, which needs a table of throughput and a model of the growth.
//!
//! There are no ids and no users: the job of row N is called `row-N`.
//!
//! Upstream: <https://github.com/uw-mad-dash/shockwave> (`scheduler/traces/reproduce`), MIT.

use super::gavel::{Dialect, Rows};
use super::{Signs, Spec};
use crate::build::{Builder, ROW_IDS, Twins, row_id};
use crate::error::TraceError;
use crate::input::Input;
use crate::trace::Trace;

/// The GPU model on which steps are counted.
const MODEL: &str = "v100";

pub(super) static SPEC: Spec = Spec {
    name: "shockwave",
    aliases: &[],
    about: "Shockwave job lists (NSDI 2023), 12 fields",
    options: &[],
    signs: Signs::Text(fits),
    read,
};

fn fits(text: &str) -> bool {
    Dialect::Shockwave.fits(text)
}

/// Reads a list.
fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    let mut rows = Rows::open(input.file, input.text, Dialect::Shockwave)?;
    let mut builder = Builder::new(input.file, "shockwave");
    builder.measured_on(MODEL);
    let tenant = builder.tenant("");
    while let Some((row, cells)) = rows.next(&mut builder.ledger)? {
        builder.row();
        if row.kind.batch_mode.as_deref() != Some("static") {
            builder.ledger.change_row("the batch size changes: the run time is that without changes");
        }
        let duration = row.duration.unwrap_or_default();
        let id = row_id(builder.ledger.rows);
        let job = row.job(id, duration, Some(duration), tenant, &mut builder, &cells)?;
        builder.push(job, cells.place);
    }
    builder.ledger.ignored_columns =
        ["command", "working_directory", "num_steps_arg", "needs_data_dir"].map(str::to_owned).to_vec();
    if builder.ledger.rows > 0 {
        builder.ledger.change_row(ROW_IDS);
    }
    builder.finish(Twins::Refused, None)
}

#[cfg(test)]
mod tests;
