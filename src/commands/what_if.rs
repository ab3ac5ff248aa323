//! `what-if`: yesterday under other policies.

mod show;

use std::path::Path;

use simulator::output::{Comparison, write_comparison};
use simulator::rerun::{Day, Rerun};
use simulator::stats::Sampling;
use simulator::whatif::what_if;

use super::{compare, recorded};
use crate::cli::{Format, WhatIfArgs};
use crate::error::Error;
use crate::{progress, stdout, target, warnings};

/// Runs the command.
pub(crate) fn run(args: &WhatIfArgs) -> Result<(), Error> {
    let policies = compare::policies(&args.policies)?;
    let recording = recorded::read(&args.rerun)?;
    let rerun = Rerun::new(&recording, &args.rerun.set)?;
    if let Some(folder) = &args.out {
        target::prepare_folder(folder)?;
    }
    let bar = progress::bar(policies.len() + 2);
    let answer = what_if(&rerun, &policies, &|policy| {
        bar.set_message(policy.to_owned());
        bar.inc(1);
    })?;
    bar.finish_and_clear();
    for day in &answer.days[1..] {
        warnings::about_throughput(std::slice::from_ref(&day.replay));
    }
    if let Some(folder) = &args.out {
        write(folder, &rerun, answer.days, &args.rerun.journal)?;
    }
    match args.rerun.format {
        Format::Json => stdout::show_json(&answer.what_if),
        Format::Table => stdout::show(&show::table(&answer.what_if)),
    }
}

/// The files of a comparison: the simulation of yesterday first, then the policies that were asked for, last what happened.
fn write(folder: &Path, rerun: &Rerun<'_>, days: Vec<Day>, journal: &Path) -> Result<(), Error> {
    let mut replays: Vec<_> = days.into_iter().map(|day| day.replay).collect();
    replays.rotate_left(1);
    if let Some(yesterday) = replays.last_mut() {
        simulator::rerun::AS_IT_HAPPENED.clone_into(&mut yesterday.summary.policy);
    }
    let own = replays.first().map(|replay| replay.summary.policy.clone());
    let mut at = 0;
    replays.retain(|replay| {
        at += 1;
        at == 1 || Some(&replay.summary.policy) != own.as_ref()
    });
    let comparison = Comparison {
        trace: rerun.trace(),
        cluster_label: format!("that of {}", journal.display()),
        inventory: rerun.recording().inventory(),
        replays,
        command: super::command_line(),
        sampling: Sampling::OneSample,
        window_s: None,
    };
    let written = write_comparison(folder, &comparison)?;
    warnings::note(&format!("report: {}", written.report.display()));
    Ok(())
}
