//! `simulate`: one replay.

use std::path::Path;

use engine::Inventory;
use simulator::experiment::Source;
use simulator::journal::{self, JournalFile};
use simulator::metrics::Segments;
use simulator::output::{Comparison, write_comparison};
use simulator::physics::Physics;
use simulator::result::Replay;
use simulator::run::{RunSpec, replay, replay_recorded};
use simulator::stats::Sampling;
use simulator::tenants::TenantTerms;
use simulator::workload::Workload;

use super::expected::expected;
use super::figures;
use crate::cli::{Format, SimulateArgs};
use crate::error::Error;
use crate::{progress, stdout, target, warnings};

/// Runs the command.
pub(crate) fn run(args: &SimulateArgs) -> Result<(), Error> {
    let physics = Physics::parse(&args.world.set)?;
    let policy = ::policies::build(&args.policy, ::policies::Context::default())?.text;
    let terms = TenantTerms::of(args.world.tenants.as_deref(), args.world.quotas.as_deref())?;
    let inventory = traces::load_cluster(&args.cluster)?;
    let trace = Source::named(&args.trace)?.trace(args.seed)?;
    if let Some(folder) = &args.out {
        target::prepare_folder(folder)?;
    }
    warnings::about_trace(&trace);
    warnings::about_terms(&terms, &trace);
    let expect = expected(args.world.expect.as_deref())?;
    let workload = Workload::new(&trace, &inventory, &terms).expecting(expect.as_ref(), &inventory);
    let segments = if args.out.is_some() { Segments::Recorded } else { Segments::Off };
    let spec = RunSpec { inventory: &inventory, policy, physics: &physics, load: 1.0, seed: args.seed, segments };
    let spinner = progress::spinner("replaying");
    let replay = match &args.journal {
        None => replay(&spec, &workload),
        Some(path) => Ok(recorded(&spec, &workload, path)?),
    }?;
    spinner.finish_and_clear();
    warnings::about_rejected(std::slice::from_ref(&replay), &inventory);
    warnings::about_throughput(std::slice::from_ref(&replay));
    let text = match args.format {
        Format::Table => figures::one(&replay, &args.cluster),
        Format::Json => serde_json::to_string_pretty(&replay.summary)? + "\n",
    };
    if let Some(folder) = &args.out {
        write(folder, args, &inventory, replay)?;
    }
    stdout::show(&text)
}

fn recorded(spec: &RunSpec<'_>, workload: &Workload<'_>, path: &Path) -> Result<Replay, Error> {
    let unwritable = |error: std::io::Error| Error::unwritable(path, "--journal", &error);
    let mut journal = JournalFile::create(path, &journal::header(spec, workload)).map_err(unwritable)?;
    let replay = replay_recorded(spec, workload, &mut journal)?;
    journal.finish().map_err(unwritable)?;
    Ok(replay)
}

fn write(folder: &Path, args: &SimulateArgs, inventory: &Inventory, replay: Replay) -> Result<(), Error> {
    let trace = replay.trace.clone();
    let comparison = Comparison {
        trace: &trace,
        cluster_label: args.cluster.clone(),
        inventory,
        replays: vec![replay],
        command: super::command_line(),
        sampling: Sampling::OneSample,
        window_s: None,
    };
    let written = write_comparison(folder, &comparison)?;
    warnings::note(&format!("report: {}", written.report.display()));
    Ok(())
}
