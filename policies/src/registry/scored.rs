//! FGD and the baselines of its publication: policies in order of arrival, and placers of all others.

use std::collections::BTreeMap;

use engine::{Draft, Needs, Policy, Time};

use super::basic::boxed;
use super::knobs::SKIP_OFF;
use super::{Entry, Knob, Knobs, Preset};
use crate::fragmentation::{Expected, Mix};
use crate::order::Arrival;
use crate::pipeline::Parts;
use crate::place::{Placer, Rule, Scored};
use crate::spec::{PolicyError, PolicySpec};

const SOURCE: &str = "FGD: Weng et al., USENIX ATC 2023, section 6; hkust-adsl/kubernetes-scheduler-simulator";

pub(super) const SEED: Knob = Knob::new(
    "seed",
    "auto",
    "auto, a whole number",
    "of the order of nodes that breaks ties, and of draws by lot; auto: the seed of the run",
);
pub(super) const COVER: Knob = Knob::new(
    "cover",
    "0.95",
    "more than 0, at most 1",
    "the most frequent tasks are typical until they are this share of all",
);
pub(super) const WINDOW: Knob = Knob::new(
    "window",
    "none",
    "none, a whole number, at least 1",
    "the last so many jobs tell which tasks to expect; none: what is declared, which is the trace's own mix",
);

const PLAIN: Entry = Entry {
    name: "",
    summary: "",
    objective: "",
    knows: "nothing about the future",
    source: SOURCE,
    knobs: &[SEED, SKIP_OFF],
    presets: &[],
    build,
};

pub(super) static FGD: Entry = Entry {
    name: "fgd",
    summary: "where the tasks that are to be expected lose least room (fragmentation gradient descent)",
    objective: "as much of the GPUs allocated as possible when the cluster is full",
    knows: "the mix of tasks of the whole trace, or with `window` that of the last jobs",
    source: "FGD: Weng et al., USENIX ATC 2023, sections 3 and 4; hkust-adsl/kubernetes-scheduler-simulator",
    knobs: &[COVER, WINDOW, SEED, SKIP_OFF],
    presets: &[
        Preset { name: "atc23", source: "all published runs", knobs: &[("cover", "0.95")] },
        Preset { name: "code", source: "the default of its code, but one task at a time", knobs: &[("cover", "0.6")] },
    ],
    ..PLAIN
};

pub(super) static DOT_PROD: Entry = Entry {
    name: "dot-prod",
    summary: "where the product of what is left and what is asked for, over CPU and GPU, is least",
    objective: "dense packing over CPU and GPU",
    ..PLAIN
};

pub(super) static GPU_CLUSTERING: Entry = Entry {
    name: "gpu-clustering",
    summary: "where tasks of the same number of GPUs are already, and of others none",
    objective: "tasks of a size together",
    ..PLAIN
};

pub(super) static GPU_PACKING: Entry = Entry {
    name: "gpu-packing",
    summary: "on shared GPUs first, then on free GPUs of used nodes, then on empty nodes",
    objective: "empty nodes stay empty",
    ..PLAIN
};

pub(super) static OPENB_BEST_FIT: Entry = Entry {
    name: "openb-best-fit",
    summary: "where the least CPU and GPU is left over, weighed alike",
    objective: "dense packing over CPU and GPU",
    ..PLAIN
};

pub(super) static OPENB_RANDOM: Entry = Entry {
    name: "openb-random",
    summary: "a fitting node by lot, and of its GPUs a fitting one by lot",
    objective: "the least that others must beat",
    ..PLAIN
};

/// The rule that a placer or a policy is called after.
pub(super) fn rule(name: &str) -> Option<Rule> {
    let rules = [
        ("fgd", Rule::Fgd),
        ("dot-prod", Rule::DotProduct),
        ("gpu-clustering", Rule::GpuClustering),
        ("gpu-packing", Rule::GpuPacking),
        ("openb-best-fit", Rule::BestFit),
        ("openb-random", Rule::Random),
    ];
    rules.into_iter().find(|(known, _)| *known == name).map(|(_, rule)| rule)
}

/// Arrival order with the placer of this name.
fn build(knobs: &Knobs<'_>) -> Result<Box<dyn Policy>, PolicyError> {
    let Some(rule) = rule(knobs.name()) else { return Err(knobs.error("it has no rule", "name a placer")) };
    let scored = scored(knobs, rule)?;
    Ok(boxed(Parts { order: Box::new(Arrival), placer: Placer::Scored(scored), behind: knobs.skip()?, evict: None }))
}

/// The rule by the knobs `seed`, `cover` and `window`.
pub(super) fn scored(knobs: &Knobs<'_>, rule: Rule) -> Result<Scored, PolicyError> {
    let of_fgd = |name| if rule == Rule::Fgd { knobs.text(name) } else { "" };
    let cover_ppm = cover_ppm(of_fgd("cover")).ok_or_else(|| knobs.bad_value("cover"))?;
    let mix = mix(of_fgd("window")).ok_or_else(|| knobs.bad_value("window"))?;
    let seed = seed(knobs.text("seed"), knobs.context().seed).ok_or_else(|| knobs.bad_value("seed"))?;
    Ok(Scored { rule, seed, expected: Expected { mix, cover_ppm } })
}

/// `name[seed=N]`, and for `fgd` also `cover` and `window`.
pub(super) fn placer(rule: Rule, spec: &PolicySpec, context_seed: u64) -> Option<Scored> {
    let known: &[&str] = if rule == Rule::Fgd { &["seed", "cover", "window"] } else { &["seed"] };
    let text = |spec: &BTreeMap<String, String>, name: &str| spec.get(name).cloned().unwrap_or_default();
    if !spec.knobs.keys().all(|key| known.contains(&key.as_str())) {
        return None;
    }
    let expected =
        Expected { mix: mix(&text(&spec.knobs, "window"))?, cover_ppm: cover_ppm(&text(&spec.knobs, "cover"))? };
    let seed = seed(&text(&spec.knobs, "seed"), context_seed)?;
    Some(Scored { rule, seed, expected })
}

fn cover_ppm(text: &str) -> Option<u32> {
    if text.is_empty() {
        return Some(crate::fragmentation::COVER_PPM);
    }
    let share: f64 = text.parse().ok()?;
    let ppm = (share * 1e6).round();
    (1.0..=1e6).contains(&ppm).then_some(ppm as u32)
}

fn mix(text: &str) -> Option<Mix> {
    match text {
        "" | "none" => Some(Mix::Declared),
        _ => text.parse().ok().filter(|jobs| *jobs > 0).map(Mix::Window),
    }
}

fn seed(text: &str, context_seed: u64) -> Option<u64> {
    match text {
        "" | "auto" => Some(context_seed),
        _ => text.parse().ok(),
    }
}

/// A policy that wants to be told which tasks are to be expected.
struct Expecting(Box<dyn Policy>);

/// The same policy, told which tasks are to be expected.
pub(super) fn expecting(policy: Box<dyn Policy>) -> Box<dyn Policy> {
    Box::new(Expecting(policy))
}

impl Policy for Expecting {
    fn needs(&self) -> Needs {
        self.0.needs()
    }

    fn expects_workload(&self) -> bool {
        true
    }

    fn decide(&mut self, now: Time, draft: &mut Draft<'_>) {
        self.0.decide(now, draft);
    }
}
