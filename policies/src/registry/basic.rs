//! Arrival, shortest first, static priorities, and a plain fair share.

use engine::{Policy, Span};

use super::guards::guarded;
use super::knobs::{PLACE, REPLACE, SKIP_OFF, SKIP_ON};
use super::{Entry, Knob, Knobs};
use crate::evict::Evict;
use crate::order::{Arrival, FairShare, Length, Shortest};
use crate::pipeline::{Parts, Pipeline};
use crate::refill::{Refill, Sort};
use crate::spec::PolicyError;

pub(super) fn boxed(parts: Parts) -> Box<dyn Policy> {
    Box::new(Pipeline::new(parts))
}

fn preempting(knobs: &Knobs<'_>, parts: Parts) -> Result<Box<dyn Policy>, PolicyError> {
    Ok(Box::new(Pipeline::new(parts).guarded(knobs.guards()?)))
}

pub(super) static FAIR_SHARE: Entry = Entry {
    name: "fair-share",
    summary: "two-level weighted fair share over tenants, usage decayed with a half-life",
    objective: "GPU-time in proportion to weights, between top-level tenants and inside each",
    knows: "tenants, their weights and their past usage",
    source: "Slurm priority/multifactor (half-life decay); Kueue KEP-4136 (entry penalty)",
    knobs: &[
        Knob {
            name: "half-life",
            default: "168",
            values: "hours, more than 0",
            help: "after so long usage counts half",
        },
        Knob {
            name: "commitment",
            default: "1",
            values: "hours, at least 0",
            help: "GPUs held now count as if they were held for so long",
        },
        SKIP_OFF,
        PLACE,
    ],
    presets: &[],
    build: |knobs| {
        let half_life = knobs.hours("half-life")?;
        if half_life == Span::ZERO {
            return Err(knobs.bad_value("half-life"));
        }
        knobs.parts(FairShare { half_life, commitment: knobs.hours("commitment")? }, None).map(boxed)
    },
};

pub(super) static FIFO: Entry = Entry {
    name: "fifo",
    summary: "first in, first out, higher priorities first",
    objective: "order of arrival",
    knows: "nothing about the future",
    source: "common practice; with skip=true the fit-first form of Tiresias' simulator (fjf)",
    knobs: &[SKIP_OFF, PLACE],
    presets: &[],
    build: |knobs| knobs.parts(Arrival, None).map(boxed),
};

pub(super) static PRIORITY: Entry = Entry {
    name: "priority",
    summary: "static priorities with preemption",
    objective: "higher priorities first, at the least loss of work",
    knows: "when jobs last saved",
    source: "Kubernetes and Slurm preemption by priority; victims by least lost work, whole gangs, strictly lower priorities",
    knobs: &guarded::<2, 12>([SKIP_ON, PLACE]),
    presets: &[],
    build: |knobs| preempting(knobs, knobs.parts(Arrival, Some(Evict::LowerPriority))?),
};

pub(super) static SJF: Entry = Entry {
    name: "sjf",
    summary: "shortest job first, without preemption",
    objective: "mean completion time",
    knows: "true durations (clairvoyant)",
    source: "policies of Philly-based simulators; `sjf` of Tiresias' simulator is something else (smallest gang first)",
    knobs: &[SKIP_OFF, PLACE],
    presets: &[],
    build: |knobs| knobs.parts(Shortest(Length::Duration), None).map(boxed),
};

pub(super) static SRSF: Entry = Entry {
    name: "srsf",
    summary: "shortest remaining service (time x GPUs) first, with preemption",
    objective: "mean completion time of gangs",
    knows: "true durations (clairvoyant)",
    source: "Tiresias, NSDI 2019, section 3 (SRSF)",
    knobs: &guarded::<3, 13>([SKIP_ON, PLACE, REPLACE]),
    presets: &[],
    build: |knobs| {
        let length = Length::RemainingService;
        if knobs.replaces_all()? {
            return Ok(Box::new(Refill::new(Sort::Remaining(length), knobs.placer()?, knobs.skip()?)));
        }
        preempting(knobs, knobs.parts(Shortest(length), Some(Evict::Longer(length)))?)
    },
};

pub(super) static SRTF: Entry = Entry {
    name: "srtf",
    summary: "shortest remaining time first, with preemption",
    objective: "mean completion time",
    knows: "true durations (clairvoyant)",
    source: "Schrage, Operations Research 1968 (SRPT)",
    knobs: &guarded::<3, 13>([SKIP_ON, PLACE, REPLACE]),
    presets: &[],
    build: |knobs| {
        let length = Length::Remaining;
        if knobs.replaces_all()? {
            return Ok(Box::new(Refill::new(Sort::Remaining(length), knobs.placer()?, knobs.skip()?)));
        }
        preempting(knobs, knobs.parts(Shortest(length), Some(Evict::Longer(length)))?)
    },
};
