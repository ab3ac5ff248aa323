//! `fidelity`: a journal against its own simulation.

use engine::Inventory;
use simulator::fidelity::{Divergence, Fidelity, Spread, fidelity_of};
use simulator::report::fmt;
use simulator::rerun::Rerun;

use super::figures::physics_words;
use super::recorded::{self, seconds, share};
use super::verify::words;
use crate::cli::{FidelityArgs, Format};
use crate::error::Error;
use crate::{progress, stdout, table, warnings};

/// Runs the command.
pub(crate) fn run(args: &FidelityArgs) -> Result<(), Error> {
    let recording = recorded::read(&args.rerun)?;
    let rerun = Rerun::new(&recording, &args.rerun.set)?;
    let spinner = progress::spinner("replaying");
    let (found, simulated) = fidelity_of(&rerun, &rerun.yesterday()?)?;
    spinner.finish_and_clear();
    warnings::about_throughput(&[simulated.replay]);
    match args.rerun.format {
        Format::Json => stdout::show_json(&found),
        Format::Table => stdout::show(&shown(&found, recording.inventory())),
    }
}

fn shown(found: &Fidelity, inventory: &Inventory) -> String {
    let count = fmt::thousands;
    let mut rows = vec![
        ("journal", format!("{}, written by trainyard {}", found.journal, found.recorded_version)),
        ("policy", found.policy.clone()),
        (
            "jobs",
            format!(
                "{}; in both {} started, {} ended, {} finished",
                count(found.jobs),
                count(found.started_jobs),
                count(found.ended_jobs),
                count(found.finished_jobs)
            ),
        ),
    ];
    if found.outcome_differs_jobs > 0 {
        rows.push(("other outcome", format!("{} jobs", count(found.outcome_differs_jobs))));
    }
    rows.extend(recorded::overheads(&found.overheads));
    rows.push(("physics", physics_words(&found.physics).to_owned()));
    let (real, simulated) = (seconds(found.jct_mean_s), seconds(found.jct_simulated_mean_s));
    rows.push(("mean JCT", format!("{real} as it happened, {simulated} simulated")));
    let (same, started) = (count(found.first_start_order_same_jobs), count(found.started_jobs));
    rows.push(("order of starts", format!("the same for {same} of {started} jobs")));
    table::facts(&rows) + "\n" + &errors(found) + "\n" + &parted(found, inventory)
}

fn errors(found: &Fidelity) -> String {
    let row = |name: &str, of: &Spread, shown: fn(Option<f64>) -> String| {
        vec![name.to_owned(), shown(of.mean), shown(of.p90), shown(of.worst)]
    };
    let mut rows = vec![
        row("start", &found.start_error, seconds),
        row("finish", &found.finish_error, seconds),
        row("completion time", &found.jct_error, seconds),
        row("  as a share of it", &found.jct_error_share, share),
        row("queueing", &found.queue_error, seconds),
    ];
    if let Some(typical) = &found.typical {
        rows.push(row("completion time, typical times", &typical.jct_error, seconds));
        rows.push(row("  as a share of it", &typical.jct_error_share, share));
    }
    table::figures(&["error of the simulation", "mean", "p90", "worst"], &rows)
}

/// Where the simulation leaves the journal.
fn parted(found: &Fidelity, inventory: &Inventory) -> String {
    let Some(Divergence { decision, at_s, job, recorded, simulated_at_s, simulated }) = &found.divergence else {
        return format!("divergence: none in {} launches and stops\n", fmt::thousands(found.decisions));
    };
    let order = |at: &Option<f64>, order: &Option<engine::Command>| {
        let at = at.map_or_else(String::new, |at| format!(" at {at:.3} s"));
        format!("{}{at}", words::order(order.as_ref(), inventory))
    };
    format!(
        "divergence: decision {} of {}, about job {job}\n  recorded:  {}\n  simulated: {}\n",
        fmt::thousands(*decision),
        fmt::thousands(found.decisions),
        order(at_s, recorded),
        order(simulated_at_s, simulated)
    )
}
