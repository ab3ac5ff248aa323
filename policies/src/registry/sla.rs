//! Deadlines and latest starts.

use super::guards::{DRAIN, MAX_PREEMPTIONS, MIN_RUNTIME, RESTART, SAVES};
use super::knobs::{ESTIMATES, PLACE};
use super::{Entry, Knob};
use crate::evict::Guards;
use crate::sla::{Admission, Sla, Targets};

pub(super) static SLA: Entry = Entry {
    name: "sla",
    summary: "deadlines and latest starts: promised where they can be met, earliest deadline first",
    objective: "every promise kept; the others are stopped for it only at the last moment",
    knows: "run times: the users' estimates where the trace has them, else the true durations (clairvoyant)",
    source: "Liu and Layland, JACM 1973 (earliest deadline first); ElasticFlow, ASPLOS 2023 (admission by filling the plan)",
    knobs: &[
        ESTIMATES,
        PLACE,
        Knob::new(
            "admission",
            "demote",
            "reject, demote, off",
            "a job whose target cannot be met is turned away, runs without a promise, or nobody asks",
        ),
        Knob::new("depth", "100", "a count, at least 1", "promised jobs that may wait at one time"),
        RESTART,
        DRAIN,
        SAVES,
        MIN_RUNTIME,
        MAX_PREEMPTIONS,
    ],
    presets: &[],
    build: |knobs| {
        let depth = knobs.count("depth")?;
        if depth == 0 {
            return Err(knobs.bad_value("depth"));
        }
        let admission = [("reject", Admission::Reject), ("demote", Admission::Demote), ("off", Admission::Off)];
        Ok(Box::new(Sla::new(Targets {
            estimates: knobs.estimates()?,
            placer: knobs.placer()?,
            admission: knobs.one_of("admission", &admission)?,
            depth: usize::try_from(depth).unwrap_or(usize::MAX),
            guards: Guards {
                price: knobs.price()?,
                min_runtime: knobs.seconds("min-runtime")?,
                preemptions_max: knobs.count32("max-preemptions")?,
                ..Guards::default()
            },
        })))
    },
};
