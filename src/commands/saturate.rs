//! `saturate`: a cluster filled with jobs that never leave.

mod show;

use std::sync::Arc;

use policies::registry::Registry;
use simulator::saturate::{Bounded, Saturation};
use traces::{Trace, TraceError};

use super::compare;
use super::compare::plan::{seeds, threads};
use super::expected::expected;
use crate::cli::{Format, SaturateArgs};
use crate::error::Error;
use crate::{progress, stdout, warnings};

/// Most times the GPUs of the cluster that jobs may demand.
const TARGET_MAX: f64 = 100.0;

/// Runs the command.
pub(crate) fn run(args: &SaturateArgs) -> Result<(), Error> {
    let saturation = asked(args)?;
    warnings::about_trace(&saturation.trace);
    let bar = progress::bar(saturation.runs());
    let done = saturation.run(&|filled| {
        bar.set_message(filled.policy.clone());
        bar.inc(1);
    });
    bar.finish_and_clear();
    let filled = done?;
    match args.format {
        Format::Json => stdout::show_json(&filled),
        Format::Table => stdout::show(&show::tables(&saturation, &args.cluster, &filled)),
    }
}

/// Checks all that was asked for before any work is done.
fn asked(args: &SaturateArgs) -> Result<Saturation, Error> {
    if !(args.target > 0.0 && args.target <= TARGET_MAX) {
        let hint = "1.3 draws jobs until they demand 1.3 times the GPUs of the cluster";
        return Err(Error::input(format!("--target {} is not above 0 and at most {TARGET_MAX}", args.target), hint));
    }
    let policies = compare::policies(&args.policies)?;
    let (seeds, threads) = (seeds(args.seed, args.seeds)?, threads(args.threads)?);
    let inventory = traces::load_cluster(&args.cluster)?;
    if inventory.gpus() == 0 {
        let hint = "give a cluster with GPUs: shares are of them";
        return Err(Error::input(format!("{}: it has no GPU", args.cluster), hint));
    }
    let (trace, label) = load(&args.trace)?;
    if trace.jobs.iter().all(|job| job.gpu_milli == 0) {
        let hint = "give a trace with jobs that ask for GPUs: others fill nothing";
        return Err(Error::input(format!("{label}: no job asks for a GPU"), hint));
    }
    Ok(Saturation {
        trace: Arc::new(trace),
        label,
        expect: expected(args.expect.as_deref())?,
        inventory,
        registry: Registry::default(),
        policies,
        seeds,
        target: args.target,
        bound: if args.bound { Bounded::Yes } else { Bounded::No },
        threads,
    })
}

/// The trace, and its name. Times do not matter here: of a list of pods all rows are taken, those that never ran too.
pub(crate) fn load(text: &str) -> Result<(Trace, String), TraceError> {
    let text = text.trim();
    let trace = traces::load(text)?;
    if trace.format != "openb" || text.contains("times=") {
        return Ok((trace, text.to_owned()));
    }
    let all = match text.strip_suffix(']') {
        Some(open) => format!("{open},times=ignore]"),
        None => format!("{text}[times=ignore]"),
    };
    Ok((traces::load(&all)?, all))
}
