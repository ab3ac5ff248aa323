//! Levels of attained service: Tiresias, least attained service, smallest gang first.

use engine::{Policy, Span};

use super::knobs::{PLACE, REPLACE, SKIP_OFF, SKIP_ON};
use super::{Entry, Knob, Knobs, Preset};
use crate::refill::{Index, Queues, Refill, Sort, Wake};
use crate::spec::PolicyError;
use crate::tiresias::{
    Feedback, GPU_SECOND, Gittins, LevelLine, Levels, Measure, Preemption, Quantum, Service, Tiresias, Within,
};

const SERVICE: Knob = Knob {
    name: "service",
    default: "gpu",
    values: "gpu, time",
    help: "what counts as service: GPUs x time (2D), or time",
};
const INTERVAL: Knob = Knob {
    name: "interval",
    default: "0",
    values: "seconds, at least 0",
    help: "time between decisions; 0: whenever something happens",
};

pub(super) static TIRESIAS: Entry = Entry {
    name: "tiresias",
    summary: "queues of attained service, with preemption: 2D-LAS, or 2D-Gittins",
    objective: "mean completion time without knowing run times",
    knows: "what jobs have attained; with rank=gittins what finished jobs needed",
    source: "Gu et al., NSDI 2019, section 3, with the values of its artifact",
    knobs: &[
        Knob {
            name: "limits",
            default: "3250+7200",
            values: "GPU-seconds (seconds with service=time) joined by +, rising",
            help: "service with which a job enters the next queue",
        },
        SERVICE,
        Knob {
            name: "promote",
            default: "0",
            values: "a number of at least 0; 0: never",
            help: "PromoteKnob: a job that has waited so many times its running time goes back to the first queue",
        },
        Knob {
            name: "rank",
            default: "fifo",
            values: "fifo, gittins, artifact",
            help: "what goes first in a queue; artifact: the index as the artifact computes it, with replace=all",
        },
        Knob {
            name: "line",
            default: "start",
            values: "start, arrival",
            help: "order of a queue: by first start, running jobs first; or by arrival",
        },
        Knob {
            name: "quantum",
            default: "queue",
            values: "queue, best, or GPU-seconds",
            help: "service in which the index lets a job finish: the width of its queue, the best, or so much",
        },
        Knob {
            name: "samples",
            default: "none",
            values: "none, or GPU-seconds joined by +",
            help: "services of jobs that the index is made from; none: those of jobs that have finished so far",
        },
        INTERVAL,
        REPLACE,
        Knob {
            name: "wake",
            default: "exact",
            values: "exact, artifact, ceiling",
            help: "with replace=all, when the move to the next queue is noticed: in time, or as two simulators have it",
        },
        SKIP_ON,
        PLACE,
    ],
    presets: &[
        Preset {
            name: "nsdi19",
            source: "SymbioticLab/Tiresias simulator/jobs.py: three queues; of its limits 3250, 7200 and 18000 two are used",
            knobs: &[("limits", "3250+7200"), ("promote", "0")],
        },
        Preset {
            name: "pollux",
            source: "Pollux, OSDI 2021: petuum/adaptdl simulator/tiresias.py, two queues at 16 GPU-hours, every 60 s",
            knobs: &[("limits", "57600"), ("promote", "0"), ("interval", "60"), ("place", "worst-fit")],
        },
        Preset {
            name: "lucid",
            source: "Lucid, ASPLOS 2023: simulation/policy/tiresias.py, two queues at 18000 GPU-seconds, by arrival, every 60 s",
            knobs: &[("limits", "18000"), ("promote", "0"), ("interval", "60"), ("line", "arrival")],
        },
    ],
    build: tiresias,
};

fn tiresias(knobs: &Knobs<'_>) -> Result<Box<dyn Policy>, PolicyError> {
    let limits = limits(knobs)?;
    let quantum = quantum(knobs)?;
    let wake =
        knobs.one_of("wake", &[("exact", Wake::Exact), ("artifact", Wake::Artifact), ("ceiling", Wake::Ceiling)])?;
    let measure = measure(knobs)?;
    let promote_milli = knobs.milli("promote")?;
    let line = knobs.one_of("line", &[("start", LevelLine::Start), ("arrival", LevelLine::Arrival)])?;
    let index = knobs
        .one_of("rank", &[("fifo", None), ("gittins", Some(Index::Gittins)), ("artifact", Some(Index::Artifact))])?;
    let samples: Vec<Service> = knobs.numbers("samples")?.into_iter().map(service).collect();
    let given = if samples.is_empty() { None } else { Some(Gittins::new(samples)) };
    let interval = knobs.seconds("interval")?;
    if knobs.replaces_all()? {
        if interval != Span::ZERO || line != LevelLine::Start {
            return Err(knobs.error("`replace=all` knows neither `interval` nor `line`", "leave them out"));
        }
        let rank = index.map(|index| (index, quantum, given));
        if rank.as_ref().is_some_and(|(_, _, given)| given.is_none()) {
            return Err(knobs.error("`replace=all` ranks by given samples only", "give `samples`"));
        }
        let rank = rank.and_then(|(index, quantum, given)| Some((index, quantum, given?)));
        let queues = Queues { limits, measure, promote_milli, wake, rank };
        return Ok(Box::new(Refill::new(Sort::Queues(queues), knobs.placer()?, knobs.skip()?)));
    }
    let within = match index {
        None => Within::LevelLine,
        Some(Index::Gittins) => Within::Gittins(quantum, given),
        Some(Index::Artifact) => {
            return Err(knobs.error("`rank=artifact` needs `replace=all`", "or say `rank=gittins`"));
        }
    };
    if wake != Wake::Exact {
        return Err(knobs.error("`wake` needs `replace=all`", "give both, or leave it out"));
    }
    Ok(Box::new(Tiresias::new(Feedback {
        levels: Levels::Limits(limits),
        measure,
        line,
        within,
        promote_milli,
        preemption: Preemption::LaterLevels,
        interval,
        placer: knobs.placer()?,
        behind: knobs.skip()?,
    })))
}

fn measure(knobs: &Knobs<'_>) -> Result<Measure, PolicyError> {
    knobs.one_of("service", &[("gpu", Measure::GpuTime), ("time", Measure::Time)])
}

/// GPU-seconds, rounded.
fn service(gpu_seconds: f64) -> Service {
    (gpu_seconds * GPU_SECOND as f64).round() as Service
}

fn limits(knobs: &Knobs<'_>) -> Result<Vec<Service>, PolicyError> {
    let limits: Vec<Service> = knobs.numbers("limits")?.into_iter().map(service).collect();
    let rising = limits.first() != Some(&0) && limits.is_sorted_by(|a, b| a < b);
    if rising { Ok(limits) } else { Err(knobs.bad_value("limits")) }
}

fn quantum(knobs: &Knobs<'_>) -> Result<Quantum, PolicyError> {
    match knobs.text("quantum") {
        "queue" => Ok(Quantum::Queue),
        "best" => Ok(Quantum::Best),
        _ => Some(service(knobs.number("quantum")?))
            .filter(|service| *service > 0)
            .map(Quantum::Fixed)
            .ok_or_else(|| knobs.bad_value("quantum")),
    }
}

pub(super) static LAS: Entry = Entry {
    name: "las",
    summary: "least attained service first, with preemption",
    objective: "mean completion time without knowing run times, where many jobs are short",
    knows: "what jobs have attained",
    source: "Nuyens and Wierman, Performance Evaluation 2008 (foreground-background); 2D: Tiresias, NSDI 2019",
    knobs: &[
        Knob {
            name: "quantum",
            default: "600",
            values: "seconds (GPU-seconds with service=gpu), more than 0",
            help: "service by which a job must be behind to go first; it widens with service",
        },
        Knob { default: "time", ..SERVICE },
        INTERVAL,
        SKIP_ON,
        PLACE,
    ],
    presets: &[Preset {
        name: "2d",
        source: "Tiresias, NSDI 2019, section 3.2.1: service is GPUs x time; quantum of its artifact",
        knobs: &[("service", "gpu"), ("quantum", "3250")],
    }],
    build: |knobs| {
        let quantum = service(knobs.number("quantum")?);
        if quantum == 0 {
            return Err(knobs.bad_value("quantum"));
        }
        Ok(Box::new(Tiresias::new(Feedback {
            levels: Levels::Quanta(quantum),
            measure: measure(knobs)?,
            line: LevelLine::Start,
            within: Within::LevelLine,
            promote_milli: 0,
            preemption: Preemption::LaterLevels,
            interval: knobs.seconds("interval")?,
            placer: knobs.placer()?,
            behind: knobs.skip()?,
        })))
    },
};

pub(super) static SMALLEST_GANG: Entry = Entry {
    name: "smallest-gang",
    summary: "fewest GPUs first, then arrival",
    objective: "many jobs run at once",
    knows: "sizes of gangs",
    source: "`sjf` of the simulators of Tiresias and its heirs, which is not the shortest job",
    knobs: &[
        Knob {
            name: "preempt",
            default: "false",
            values: "true, false",
            help: "whether a job evicts those with more GPUs",
        },
        SKIP_OFF,
        PLACE,
    ],
    presets: &[Preset {
        name: "artifact",
        source: "SymbioticLab/Tiresias simulator/run_sim.py, `sjf`",
        knobs: &[("preempt", "true"), ("skip", "true")],
    }],
    build: |knobs| {
        let preempts = knobs.flag("preempt")?;
        Ok(Box::new(Tiresias::new(Feedback {
            levels: Levels::GangSize,
            measure: Measure::Time,
            line: LevelLine::Arrival,
            within: Within::LevelLine,
            promote_milli: 0,
            preemption: if preempts { Preemption::LaterLevels } else { Preemption::Never },
            interval: Span::ZERO,
            placer: knobs.placer()?,
            behind: knobs.skip()?,
        })))
    },
};
