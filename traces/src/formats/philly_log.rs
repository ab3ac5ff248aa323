//! The raw job log of Microsoft's Philly (Jeon et al., USENIX ATC 2019): `cluster_job_log`.
//!
//! A JSON list of jobs: `status` (`Pass`, `Killed`, `Failed`); `vc` (virtual cluster); `jobid` (unique); `attempts`, each
//! with `start_time`, `end_time` and `detail`, a list of servers with their `ip` and the `gpus` used there;
//! `submitted_time`; `user`. Times are `YYYY-MM-DD HH:MM:SS` without zone; the other files of the trace say PDT and PST.
//! They are subtracted as they stand, so what crosses 2017-11-05 02:00, when clocks were set back, is an hour short.
//! A missing time is `null`, empty or the text `None`. 117,325 jobs, submitted 2017-08-07 to 2017-12-22.
//!
//! The tenant is `vc/user`, the queue is the virtual cluster. GPUs are those of the last attempt that names any. On how
//! many servers an attempt happened to run is no wish of the user, so it says nothing about tasks.
//!
//! Known dirt, all counted: jobs without attempts (many of them killed while they waited); attempts without start or
//! end (`application_1506638472019_16565` has four, of which only the second has both); an attempt that ends before it
//! starts; attempts with different GPUs. A last attempt without end means that the job still ran when the log was made,
//! as upstream says: its outcome is `censored`.
//!
//! `attempts=sum` (the default) makes one job of an entry, whose run time is the sum of its attempts: the GPU-time that
//! it took, without the waits between. `attempts=last` takes only the last attempt that has both times: what a cluster
//! without failures would have seen, if attempts start again from nothing. `attempts=split` makes a job of each attempt,
//! called `JOBID-attempt-N`; the first arrives at the submission, the others when the one before ended; rows are
//! attempts then, and an entry without any is one row.
//!
//! Source: <https://github.com/msr-fiddle/philly-traces>, `trace-data.tar.gz` (1 GB), CC-BY-4.0; the README defines the
//! keys, and `analysis/Philly Trace Analysis.ipynb` shows how missing times are written.

use super::clock::{origin, start_at_first};
use super::{Signs, Spec};
use crate::build::{Builder, Twins};
use crate::error::TraceError;
use crate::input::Input;
use crate::trace::Trace;

mod entries;
mod jobs;

use entries::Entries;
use jobs::{Attempts, Jobs};

pub(super) static SPEC: Spec = Spec {
    name: "philly-log",
    aliases: &[],
    about: "raw job log of Microsoft Philly (ATC 2019), JSON",
    options: &[("attempts", "sum (the default), last, or split: what becomes of the attempts of a job")],
    signs: Signs::Text(fits),
    read,
};

/// A list of objects, whose first has keys of this format near its beginning.
fn fits(text: &str) -> bool {
    const NEAR: usize = 4096;
    const KEYS: [&str; 5] = ["\"status\"", "\"vc\"", "\"jobid\"", "\"attempts\"", "\"submitted_time\""];
    let Some(rest) = text.trim_start().strip_prefix('[') else { return false };
    let head = &rest[..rest.floor_char_boundary(NEAR)];
    head.trim_start().starts_with('{') && KEYS.iter().filter(|key| head.contains(**key)).count() >= 2
}

/// Reads a log.
fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    let mode = match input.options.get("attempts") {
        None | Some("sum") => Attempts::Sum,
        Some("last") => Attempts::Last,
        Some("split") => Attempts::Split,
        Some(_) => return Err(input.bad_option("attempts", "`sum`, `last` or `split`")),
    };
    let builder = Builder::new(input.file, "philly-log");
    let mut jobs = Jobs { file: input.file, mode, builder, unknown: std::collections::BTreeSet::new() };
    let mut entries = Entries::new(input.file, input.text);
    while let Some((line, entry)) = entries.next()? {
        jobs.push(&entry, line)?;
    }
    let mut builder = jobs.builder;
    builder.ledger.ignored_columns = jobs.unknown.into_iter().collect();
    let first = start_at_first(builder.jobs_mut());
    builder.finish(Twins::Refused, first.and_then(origin))
}

#[cfg(test)]
mod tests;
