//! Slurm's multifactor priority.

use engine::{Policy, Span};

use super::guards::guarded;
use super::knobs::{ESTIMATES, PLACE};
use super::{Entry, Knob, Knobs, Preset};
use crate::easy::Passing;
use crate::evict::Evict;
use crate::pipeline::{Behind, Parts, Pipeline};
use crate::slurm::{FairShareRule, Multifactor, SizeRule, Table, Weights};
use crate::spec::PolicyError;

/// The highest `PriorityTier` (slurm.conf manual).
const TIER_MAX: u16 = 65533;
const WEIGHT: &str = "points, a whole number";
const TABLE: &str = "none, or NAME:NUMBER joined by +";

const KNOBS: &[Knob] = &guarded::<20, 30>([
    Knob::new("age", "0", WEIGHT, "PriorityWeightAge: time waited, full at max-age"),
    Knob::new("assoc", "0", WEIGHT, "PriorityWeightAssoc: priority in the tenant's terms over the highest of all"),
    Knob::new("fair-share", "0", WEIGHT, "PriorityWeightFairshare: share against decayed usage"),
    Knob::new("size", "0", WEIGHT, "PriorityWeightJobSize: GPUs of the job over those of the cluster"),
    Knob::new("partition", "0", WEIGHT, "PriorityWeightPartition: priority of the queue over the highest of all"),
    Knob::new("qos", "0", WEIGHT, "PriorityWeightQOS: priority of the QOS over the highest of all"),
    Knob::new("tres", "none", "none, or gpu:POINTS, cpu:POINTS, memory:POINTS joined by +", "PriorityWeightTRES"),
    Knob::new("max-age", "7", "days, more than 0", "PriorityMaxAge: wait at which age is full"),
    Knob::new("half-life", "7", "days; 0: usage does not decay", "PriorityDecayHalfLife"),
    Knob::new("calc-period", "5", "minutes, more than 0", "PriorityCalcPeriod: time between two looks at usage"),
    Knob::new("tree", "fair-tree", "fair-tree, classic", "which fair share; classic: PriorityFlags=NO_FAIR_TREE"),
    Knob::new("damping", "1", "more than 0", "FairShareDampeningFactor of the classic fair share"),
    Knob::new("favor", "large", "large, small, per-minute", "PriorityFavorSmall; per-minute: SMALL_RELATIVE_TO_TIME"),
    Knob::new("partitions", "none", TABLE, "PriorityJobFactor of queues; one that is not named has 0"),
    Knob::new("levels", "none", TABLE, "priorities of QOS; one that is not named has 0"),
    Knob::new(
        "behind",
        "queue",
        "queue, tenant, blocked, skip, easy",
        "who may pass a job that does not fit: other queues, other top-level tenants, nobody, everybody, or by EASY",
    ),
    ESTIMATES,
    PLACE,
    Knob::new(
        "tiers",
        "none",
        "none, or NAME:TIER joined by +, 0 to 65533",
        "PriorityTier of queues: jobs in a higher one go before all in lower ones; one that is not named has 1",
    ),
    Knob::new(
        "preempt",
        "off",
        "off, partition",
        "PreemptType; partition: jobs stop those in lower tiers (partition_prio)",
    ),
]);

pub(super) static SLURM: Entry = Entry {
    name: "slurm",
    summary: "multifactor priority: age, fair share, size, partition, QOS, resources, site",
    objective: "the mix that an administrator wants",
    knows: "tenants and their usage; with behind=easy run times; with preempt=partition when jobs last saved",
    source: "Slurm priority/multifactor, fair_tree, classic_fair_share and preempt/partition_prio (slurm.schedmd.com)",
    knobs: KNOBS,
    presets: &[
        Preset { name: "slurm-default", source: "slurm.conf(5): every weight is 0", knobs: &[] },
        Preset {
            name: "schedmd-example",
            source: "the first configuration example of slurm.schedmd.com/priority_multifactor.html",
            knobs: &[
                ("age", "1000"),
                ("fair-share", "10000"),
                ("size", "1000"),
                ("partition", "1000"),
                ("qos", "0"),
                ("max-age", "14"),
                ("half-life", "14"),
            ],
        },
        Preset {
            name: "vsc",
            source: "Vienna Scientific Cluster, wiki.vsc.ac.at, course page of the scheduler",
            knobs: &[
                ("age", "1000"),
                ("fair-share", "1000"),
                ("size", "1000"),
                ("partition", "1000"),
                ("qos", "1000"),
                ("max-age", "14"),
                ("half-life", "14"),
            ],
        },
    ],
    build,
};

fn build(knobs: &Knobs<'_>) -> Result<Box<dyn Policy>, PolicyError> {
    let damping_milli = more_than_zero(knobs, "damping", knobs.milli("damping")?)?;
    let trees = [("fair-tree", FairShareRule::FairTree), ("classic", FairShareRule::Classic { damping_milli })];
    let sizes = [("large", SizeRule::Large), ("small", SizeRule::Small), ("per-minute", SizeRule::PerMinute)];
    let half_life = span(knobs, "half-life", 86_400.0)?;
    let order = Multifactor {
        weights: weights(knobs)?,
        age_max: Span(more_than_zero(knobs, "max-age", span(knobs, "max-age", 86_400.0)?.0)?),
        half_life: (half_life > Span::ZERO).then_some(half_life),
        period: Span(more_than_zero(knobs, "calc-period", span(knobs, "calc-period", 60.0)?.0)?),
        fair_share: knobs.one_of("tree", &trees)?,
        size: knobs.one_of("favor", &sizes)?,
        partitions: table(knobs, "partitions")?,
        qos: table(knobs, "levels")?,
        tiers: tiers(knobs)?,
    };
    let words = [
        ("queue", Behind::Queue),
        ("tenant", Behind::Tenant),
        ("blocked", Behind::Blocked),
        ("skip", Behind::Skip),
        ("easy", Behind::Easy(knobs.estimates()?, Passing::Queue)),
    ];
    let behind = knobs.one_of("behind", &words)?;
    let evict = knobs.one_of("preempt", &[("off", None), ("partition", Some(Evict::LowerTier))])?;
    let parts = Parts { order: Box::new(order), placer: knobs.placer()?, behind, evict };
    Ok(Box::new(Pipeline::new(parts).guarded(knobs.guards()?)))
}

/// Tiers of queues.
fn tiers(knobs: &Knobs<'_>) -> Result<Vec<(String, u16)>, PolicyError> {
    let tier =
        |milli: u64| u16::try_from(milli / 1000).ok().filter(|tier| milli.is_multiple_of(1000) && *tier <= TIER_MAX);
    let table = table(knobs, "tiers")?.into_iter();
    table.map(|(name, milli)| Ok((name, tier(milli).ok_or_else(|| knobs.bad_value("tiers"))?))).collect()
}

fn weights(knobs: &Knobs<'_>) -> Result<Weights, PolicyError> {
    let weight = |name: &str| u32::try_from(knobs.count(name)?).map_err(|_| knobs.bad_value(name));
    let mut tres = [0; 3];
    for (name, milli) in table(knobs, "tres")? {
        let at = ["gpu", "cpu", "memory"].iter().position(|known| *known == name);
        let points = u32::try_from(milli / 1000).map_err(|_| knobs.bad_value("tres"))?;
        tres[at.ok_or_else(|| knobs.bad_value("tres"))?] = points;
    }
    Ok(Weights {
        age: weight("age")?,
        assoc: weight("assoc")?,
        fair_share: weight("fair-share")?,
        size: weight("size")?,
        partition: weight("partition")?,
        qos: weight("qos")?,
        tres,
    })
}

/// Names with numbers in thousandths.
fn table(knobs: &Knobs<'_>, name: &str) -> Result<Table, PolicyError> {
    let text = knobs.text(name);
    if text.is_empty() || text == "none" {
        return Ok(Table::new());
    }
    let entry = |part: &str| {
        let (key, value) = part.rsplit_once(':')?;
        let value: f64 = value.trim().parse().ok().filter(|value| (0.0..=1e9).contains(value))?;
        Some((key.trim().to_owned(), (value * 1000.0).round() as u64))
    };
    text.split('+').map(|part| entry(part).ok_or_else(|| knobs.bad_value(name))).collect()
}

fn span(knobs: &Knobs<'_>, name: &str, unit_s: f64) -> Result<Span, PolicyError> {
    Span::from_secs_f64(knobs.number(name)? * unit_s).ok_or_else(|| knobs.bad_value(name))
}

fn more_than_zero(knobs: &Knobs<'_>, name: &str, value: u64) -> Result<u64, PolicyError> {
    if value == 0 { Err(knobs.bad_value(name)) } else { Ok(value) }
}
