//! A policy of your own beside three built-in ones, on a generated trace:
//!
//! ```sh
//! cargo run --release --example custom_policy
//! ```
//!
//! `docs/custom-policy.md` walks through it.

#![allow(clippy::print_stdout, reason = "an example shows its result")]

use std::error::Error;
use std::fmt::Write as _;

use engine::{Draft, Inventory, JobId, Span};
use policies::registry::{Entry, PLACE, Registry, SKIP_ON};
use policies::{Order, Pipeline};
use simulator::experiment::{Experiment, Source};
use simulator::metrics::Segments;
use simulator::physics::Physics;
use simulator::tenants::TenantTerms;

/// Smallest area first: the user's estimate of the run time times GPUs. Jobs without an estimate go last.
struct LeastArea;

impl Order for LeastArea {
    fn rank(&self, draft: &Draft<'_>, job: JobId) -> u64 {
        let gpu_milli = draft.state().class_of(job).gpu_milli;
        let estimate = draft.state().job(job).spec.estimate;
        estimate.map_or(u64::MAX, |Span(micros)| (micros / 1_000_000).saturating_mul(gpu_milli))
    }
}

static LEAST_AREA: Entry = Entry {
    name: "least-area",
    summary: "smallest estimated run time x GPUs first, without preemption",
    objective: "mean completion time, without looking at true durations",
    knows: "the users' estimates",
    source: "this example",
    knobs: &[SKIP_ON, PLACE],
    presets: &[],
    build: |knobs| Ok(Box::new(Pipeline::new(knobs.parts(LeastArea, None)?))),
};

/// Compares it with three others, each on the same three traces.
pub(crate) fn compared() -> Result<String, Box<dyn Error>> {
    let experiment = Experiment {
        source: Source::named("synthetic:philly[jobs=2000,gpus=256,load=1.1,max_hours=48,estimates=inflated]")?,
        expect: None,
        inventory: Inventory::uniform(32, 8, "A100"),
        terms: TenantTerms::default(),
        registry: Registry::default().with(&LEAST_AREA)?,
        policies: ["fifo", "easy", "srsf", "least-area"].map(str::to_owned).to_vec(),
        loads: vec![1.0],
        seeds: vec![1, 2, 3],
        physics: Physics::default(),
        segments: Segments::Off,
        threads: 0,
    };
    let mut text = format!("{:<12}{:>6}{:>12}{:>12}{:>14}\n", "policy", "seed", "JCT mean h", "wait mean h", "peeks");
    for replay in experiment.run(&|_| {})?.replays {
        let summary = replay.summary;
        let hours = |seconds: Option<f64>| seconds.map_or_else(|| "-".to_owned(), |s| format!("{:.2}", s / 3600.0));
        let (jct, wait) = (hours(summary.jct_mean_s), hours(summary.queue_mean_s));
        let peeks = if summary.clairvoyant { "yes" } else { "no" };
        writeln!(text, "{:<12}{:>6}{jct:>12}{wait:>12}{peeks:>14}", summary.policy, summary.seed)?;
    }
    Ok(text)
}

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", compared()?);
    Ok(())
}
