//! Fair shares: max-min, DRF, H-DRF, Gandiva-fair and Themis.

use engine::{Policy, Span};

use super::knobs::{ESTIMATES, Knobs, PLACE};
use super::{Entry, Knob, Preset};
use crate::fair::{
    Empty, Filling, Level, Measure, Passing, Plan, Reclaiming, Recursion, Rules, Speeds, Stride, Themis, Trading,
};
use crate::spec::PolicyError;

const SKIP: Knob = Knob {
    name: "skip",
    default: "tenants",
    values: "false, tenants, true",
    help: "who may start when a job does not fit: nobody, other tenants, or every other class of job too",
};
const PREEMPT: Knob = Knob {
    name: "preempt",
    default: "false",
    values: "true, false",
    help: "stop jobs of those above their share, while they keep at least what the taker then has",
};
const LEVEL: Knob = Knob {
    name: "level",
    default: "tenant",
    values: "tenant, top",
    help: "fair between all tenants that jobs name, or between top-level tenants",
};
const TREE: Knob = Knob {
    default: "tree",
    values: "tree, tenant, top",
    help: "fair at each level of the tenant tree, between all tenants that jobs name, or between top-level tenants",
    ..LEVEL
};

fn passing(knobs: &Knobs<'_>) -> Result<Passing, PolicyError> {
    let words = [("false", Passing::Nobody), ("tenants", Passing::Tenants), ("true", Passing::Everybody)];
    knobs.one_of("skip", &words)
}

fn flat(knobs: &Knobs<'_>) -> Result<Level, PolicyError> {
    knobs.one_of("level", &[("tenant", Level::Tenant), ("top", Level::Top)])
}

fn filling(knobs: &Knobs<'_>, measure: Measure, level: Level) -> Result<Box<dyn Policy>, PolicyError> {
    let reclaiming = match measure {
        Measure::Hierarchical(..) => Reclaiming::Off,
        _ if knobs.flag("preempt")? => Reclaiming::On,
        _ => Reclaiming::Off,
    };
    let plan = Plan { measure, level, passing: passing(knobs)?, reclaiming, placer: knobs.placer()? };
    Ok(Box::new(Filling::new(plan)))
}

pub(super) static MAX_MIN: Entry = Entry {
    name: "max-min",
    summary: "weighted max-min fairness on the GPUs that tenants hold now",
    objective: "the tenant with the fewest GPUs for its weight goes next, at each level of the tree",
    knows: "tenants and their weights",
    source: "Demers, Keshav and Shenker, SIGCOMM 1989; with preempt the exchange rule of DRF schedulers (Volcano)",
    knobs: &[TREE, SKIP, PREEMPT, PLACE],
    presets: &[],
    build: |knobs| {
        let words = [("tree", Level::Tree), ("tenant", Level::Tenant), ("top", Level::Top)];
        filling(knobs, Measure::Gpus, knobs.one_of("level", &words)?)
    },
};

pub(super) static DRF: Entry = Entry {
    name: "drf",
    summary: "dominant resource fairness over GPUs, CPU and memory",
    objective: "the tenant with the least dominant share for its weight goes next",
    knows: "tenants, their weights, and what jobs ask for",
    source: "Ghodsi et al., NSDI 2011, section 4 and Algorithm 1",
    knobs: &[LEVEL, SKIP, PREEMPT, PLACE],
    presets: &[Preset {
        name: "nsdi11",
        source: "Algorithm 1 as printed: what does not fit ends the round",
        knobs: &[("skip", "false")],
    }],
    build: |knobs| filling(knobs, Measure::Dominant, flat(knobs)?),
};

pub(super) static HDRF: Entry = Entry {
    name: "hdrf",
    summary: "hierarchical DRF: dominant shares carried up the tree of tenants",
    objective: "each node of the tree gets its share of its parent's, and no leaf starves",
    knows: "tenants, their weights, and what jobs ask for",
    source: "Bhattacharya et al., SoCC 2013",
    knobs: &[
        SKIP,
        Knob {
            name: "naive",
            default: "false",
            values: "true, false",
            help: "add up consumption as it is, without rescaling: what the paper warns of",
        },
        Knob {
            name: "empty",
            default: "count",
            values: "count, skip",
            help: "whether a child that holds nothing yet counts for the least share",
        },
        PLACE,
    ],
    presets: &[Preset { name: "volcano", source: "plugin drf of Volcano with hierarchy", knobs: &[("empty", "skip")] }],
    build: |knobs| {
        let recursion = if knobs.flag("naive")? { Recursion::Naive } else { Recursion::Rescaled };
        let empty = knobs.one_of("empty", &[("count", Empty::Counted), ("skip", Empty::Skipped)])?;
        filling(knobs, Measure::Hierarchical(recursion, empty), Level::Tree)
    },
};

pub(super) static GANDIVA_FAIR: Entry = Entry {
    name: "gandiva-fair",
    summary: "GPU-time by tickets: stride scheduling of gangs in rounds, by time-slicing",
    objective: "each active user gets GPU-time in proportion to its tickets",
    knows: "tenants and their tickets (weights); to trade, speeds of kinds of jobs by GPU model",
    source: "Chaudhary et al., EuroSys 2020, section 3, with the trading of GPU generations",
    knobs: &[
        Knob { name: "quantum", default: "60", values: "seconds, more than 0", help: "length of a round" },
        Knob {
            name: "trade",
            default: "true",
            values: "true, false",
            help: "users trade GPU models, where the cluster has several and speeds of jobs on them are known",
        },
        LEVEL,
        PLACE,
    ],
    presets: &[],
    build: |knobs| {
        let quantum = knobs.seconds("quantum")?;
        if quantum < Span(1000) {
            return Err(knobs.bad_value("quantum"));
        }
        let trading = if knobs.flag("trade")? { Trading::On } else { Trading::Off };
        Ok(Box::new(Stride::new(flat(knobs)?, trading, quantum, knobs.placer()?)))
    },
};

pub(super) static THEMIS: Entry = Entry {
    name: "themis",
    summary: "finish-time fairness by auctions of GPU leases",
    objective: "the largest ratio of finish time to that on a private 1/N share is as small as can be",
    knows: "run times: the users' estimates where the trace has them, else the true durations (clairvoyant)",
    source: "Mahajan et al., NSDI 2020; an app is a job",
    knobs: &[
        Knob { name: "f", default: "0.8", values: "0 to 1", help: "only the worst 1 - f of all bidders see an offer" },
        Knob { name: "lease", default: "20", values: "minutes, more than 0", help: "how long a winner keeps its GPUs" },
        Knob {
            name: "slowdown",
            default: "1+1+1",
            values: "three speeds joined by +, each more than 0",
            help: "speed of a gang on one node, inside one rack, across racks, as bids know it",
        },
        Knob {
            name: "bidders",
            default: "16",
            values: "whole number, at least 1",
            help: "most bidders of one auction; the others get what it leaves over, the largest rho first",
        },
        Knob {
            name: "exact",
            default: "8",
            values: "0 to 16",
            help: "up to so many bidders all subsets are tried; above, greedily by gain for a GPU",
        },
        ESTIMATES,
        PLACE,
    ],
    presets: &[],
    build: |knobs| {
        let fairness = knobs.number("f")?;
        let lease = Span::from_secs_f64(knobs.number("lease")? * 60.0).filter(|lease| lease.0 > 0);
        let bidders_max = knobs.count("bidders")? as usize;
        let exact_max = knobs.count("exact")? as usize;
        let speeds =
            knobs.numbers("slowdown")?.try_into().ok().filter(|speeds: &[f64; 3]| speeds.iter().all(|s| *s > 0.0));
        for (wrong, knob) in [(fairness > 1.0, "f"), (bidders_max == 0, "bidders"), (exact_max > 16, "exact")] {
            if wrong {
                return Err(knobs.bad_value(knob));
            }
        }
        Ok(Box::new(Themis::new(Rules {
            fairness,
            lease: lease.ok_or_else(|| knobs.bad_value("lease"))?,
            bidders_max,
            exact_max,
            speeds: Speeds(speeds.ok_or_else(|| knobs.bad_value("slowdown"))?),
            estimates: knobs.estimates()?,
            placer: knobs.placer()?,
        })))
    },
};
