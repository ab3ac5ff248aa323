//! Policies that decide in rounds.

use engine::{Policy, Span};

use super::knobs::PLACE;
use super::{Entry, Knob, Knobs, Preset};
use crate::rounds::{Beat, FifoRounds, LasRounds, QuotaSrtf, RoundPlacer, Stopped, Types};
use crate::spec::PolicyError;

/// How long a round is, where the world has none of its own.
const fn round(default: &'static str) -> Knob {
    Knob::new(
        "round",
        default,
        "seconds, more than 0",
        "it decides at multiples of this, or at the rounds of the world",
    )
}

fn beat(knobs: &Knobs<'_>) -> Result<Beat, PolicyError> {
    let every = knobs.seconds("round")?;
    if every == Span::ZERO { Err(knobs.bad_value("round")) } else { Ok(Beat { every }) }
}

pub(super) static FIFO_ROUNDS: Entry = Entry {
    name: "fifo-rounds",
    summary: "FIFO that starts jobs at the begin of rounds only",
    objective: "order of arrival; the baseline of policies that decide in rounds",
    knows: "nothing about the future",
    source: "Gavel (Narayanan et al., OSDI 2020), policies/fifo.py and scheduler.py",
    knobs: &[
        round("360"),
        Knob::new(
            "look-after",
            "0",
            "seconds, at least 0",
            "it looks at the queue no sooner than so long after it last did",
        ),
        Knob::new("model", "any", "any, random", "which GPU model a job gets; random: by lot among those with room"),
        PLACE,
    ],
    presets: &[Preset {
        name: "gavel",
        source: "the artifact of Gavel: time_per_iteration=360, minimum_time_between_allocation_resets=1920",
        knobs: &[("round", "360"), ("look-after", "1920"), ("model", "random")],
    }],
    build: |knobs| {
        let seed = knobs.context().seed;
        let types = knobs.one_of("model", &[("any", Types::Any), ("random", Types::Random { seed })])?;
        let (beat, placer) = (beat(knobs)?, knobs.placer()?);
        Ok(Box::new(FifoRounds::new(beat, placer, types, knobs.seconds("look-after")?)) as Box<dyn Policy>)
    },
};

pub(super) static LAS_ROUNDS: Entry = Entry {
    name: "las-rounds",
    summary: "least attained service first, in rounds, with preemption from the end of the order",
    objective: "mean completion time without knowing run times",
    knows: "how long jobs have run",
    source: "Blox (Agarwal et al., EuroSys 2024), schedulers/las.py and placement/placement.py",
    knobs: &[
        round("300"),
        Knob::new(
            "stopped",
            "spare",
            "spare, stay",
            "what becomes of runs stopped for a job that does not fit all the same",
        ),
        Knob {
            values: "best-fit, worst-fit, first-fit, pack, spread, random, random[seed=N], exact-sum",
            help: "which nodes a gang gets; exact-sum: Blox' rule, which also wastes GPUs",
            ..PLACE
        },
    ],
    presets: &[Preset {
        name: "blox",
        source: "the artifact of Blox (simulator_simple.py, las_scheduler.py)",
        knobs: &[("round", "300"), ("stopped", "stay"), ("place", "exact-sum")],
    }],
    build: |knobs| {
        let exact = knobs.text("place") == "exact-sum";
        let placer = if exact { RoundPlacer::ExactSum } else { RoundPlacer::Plain(knobs.placer()?) };
        let stopped = knobs.one_of("stopped", &[("spare", Stopped::Spared), ("stay", Stopped::Stay)])?;
        Ok(Box::new(LasRounds::new(beat(knobs)?, placer, stopped)) as Box<dyn Policy>)
    },
};

pub(super) static SRTF_ROUNDS: Entry = Entry {
    name: "srtf-rounds",
    summary: "shortest remaining time first by a count of GPUs, in rounds, with preemption",
    objective: "mean completion time",
    knows: "true durations (clairvoyant), and restarts that are owed where the world says so",
    source: "Helios (Hu et al., SC 2021), policies/srtf.py; Lucid (ASPLOS 2023) has the same",
    knobs: &[round("1"), PLACE],
    presets: &[Preset {
        name: "helios",
        source: "the artifact of Helios: time steps of a second, placer `consolidate`",
        knobs: &[("round", "1"), ("place", "best-fit")],
    }],
    build: |knobs| Ok(Box::new(QuotaSrtf::new(beat(knobs)?, knobs.placer()?)) as Box<dyn Policy>),
};
