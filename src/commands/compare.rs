//! `compare`: policies, loads and seeds side by side, and the report.

pub(super) mod plan;

use engine::Inventory;
use simulator::experiment::{Experiment, ExperimentError, Outcomes, Source};
use simulator::metrics::Segments;
use simulator::output::{Comparison, write_comparison};
use simulator::physics::Physics;
use simulator::stats::{Sampling, differences};
use simulator::tenants::TenantTerms;

use super::expected::expected;
use super::figures;
use crate::cli::{CompareArgs, Format, Resample};
use crate::error::Error;
use crate::{progress, stdout, target, warnings};
use plan::Plan;

/// Runs the command.
pub(crate) fn run(args: CompareArgs) -> Result<(), Error> {
    let format = args.format;
    let plan = Plan::of(args)?;
    let experiment = experiment(&plan)?;
    target::prepare_folder(&plan.out)?;
    if let Source::Fixed(trace) | Source::Days(trace) = &experiment.source {
        warnings::about_trace(trace);
    }
    let outcomes = replayed(&experiment)?;
    warnings::about_terms(&experiment.terms, &outcomes.trace);
    warnings::about_rejected(&outcomes.replays, &experiment.inventory);
    warnings::about_throughput(&outcomes.replays);
    if outcomes.sampling == Sampling::OneSample && experiment.seeds.len() > 1 {
        warnings::note("note: nothing varies with the seed, so only the first was replayed: one sample");
    }
    finish(&plan, &experiment.inventory, outcomes, format)
}

/// Checks all that was asked for before any work is done.
fn experiment(plan: &Plan) -> Result<Experiment, Error> {
    let physics = Physics::parse(&plan.settings)?;
    let policies = policies(&plan.policies)?;
    let terms = TenantTerms::of(plan.tenants.as_deref(), plan.quotas.as_deref())?;
    let inventory = traces::load_cluster(&plan.cluster)?;
    let source = match (plan.resample, Source::named(&plan.trace)?) {
        (Some(Resample::Days), Source::Fixed(trace)) => Source::Days(trace),
        (Some(Resample::Days), generated) => Source::Days(generated.trace(plan.seeds[0])?),
        (None, source) => source,
    };
    Ok(Experiment {
        source,
        expect: expected(plan.expect.as_deref())?,
        inventory,
        registry: ::policies::registry::Registry::default(),
        terms,
        policies,
        loads: plan.loads.clone(),
        seeds: plan.seeds.clone(),
        physics,
        segments: Segments::Recorded,
        threads: plan.threads,
    })
}

/// The policies in their normal form, all different.
pub(super) fn policies(texts: &[String]) -> Result<Vec<String>, Error> {
    let mut policies = Vec::new();
    for text in texts {
        let policy = ::policies::build(text, ::policies::Context::default())?.text;
        if policies.contains(&policy) {
            return Err(Error::input(format!("policy `{policy}` is named twice"), "name each policy once"));
        }
        policies.push(policy);
    }
    Ok(policies)
}

fn replayed(experiment: &Experiment) -> Result<Outcomes, Error> {
    let bar = progress::bar(experiment.replays().map_err(ExperimentError::from)?);
    let outcomes = experiment.run(&|replay| {
        bar.set_message(replay.summary.policy.clone());
        bar.inc(1);
    });
    bar.finish_and_clear();
    Ok(outcomes?)
}

fn finish(plan: &Plan, inventory: &Inventory, outcomes: Outcomes, format: Format) -> Result<(), Error> {
    let comparison = Comparison {
        trace: &outcomes.trace,
        cluster_label: plan.cluster.clone(),
        inventory,
        replays: outcomes.replays,
        command: super::command_line(),
        sampling: outcomes.sampling,
        window_s: plan.window.map(crate::cli::Window::secs),
    };
    let drawing = progress::spinner("writing the report");
    let written = write_comparison(&plan.out, &comparison)?;
    drawing.finish_and_clear();
    warnings::note(&format!("report: {}", written.report.display()));
    let summaries = comparison.summaries();
    match format {
        Format::Json => stdout::show_json(&summaries),
        Format::Table => stdout::show(&figures::compared(&comparison, &differences(&summaries, comparison.sampling))),
    }
}
