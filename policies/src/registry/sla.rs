//! Deadlines and latest starts.

use super::guards::SAVES;
use super::knobs::{ESTIMATES, PLACE};
use super::{Entry, Knob};
use crate::evict::{Guards, Price};
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
        Knob::new("restart", "0", "seconds", "expected time before a run that was stopped makes progress again"),
        Knob::new("drain", "0", "seconds", "expected time from the order to stop until the GPUs are free"),
        SAVES,
        Knob::new("min-runtime", "0", "seconds", "for so long after its start a run is not stopped"),
        Knob::new(
            "max-preemptions",
            "1000",
            "a count, 0 for no limit",
            "a job that was stopped so often is not stopped again",
        ),
    ],
    presets: &[],
    build: |knobs| {
        let depth = knobs.count("depth")?;
        if depth == 0 {
            return Err(knobs.bad_value("depth"));
        }
        let (restart, drain, on_stop) = (knobs.seconds("restart")?, knobs.seconds("drain")?, knobs.on_stop()?);
        let price = Price { restart, drain, on_stop, risk_max: None };
        let admission = [("reject", Admission::Reject), ("demote", Admission::Demote), ("off", Admission::Off)];
        Ok(Box::new(Sla::new(Targets {
            estimates: knobs.estimates()?,
            placer: knobs.placer()?,
            admission: knobs.one_of("admission", &admission)?,
            depth: usize::try_from(depth).unwrap_or(usize::MAX),
            guards: Guards {
                price,
                min_runtime: knobs.seconds("min-runtime")?,
                preemptions_max: knobs.count32("max-preemptions")?,
                ..Guards::default()
            },
        })))
    },
};
