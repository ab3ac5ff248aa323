//! Kueue and KAI: quotas that are borrowed and reclaimed.

use engine::Span;

use super::knobs::PLACE;
use super::{Entry, Knob, Knobs, Preset};
use crate::quota::kai::{InQuota, Kind, Rules as KaiRules, Window};
use crate::quota::kueue::{BorrowWithin, Queueing, Reclaim, Rules, Sharing, UsageRule, Within};
use crate::quota::{Above, Kai, Kueue};
use crate::spec::PolicyError;

const EVICTIONS_MAX: Knob =
    Knob::new("evictions-max", "50", "a count, at least 1", "a job that was preempted so often is not preempted again");

pub(super) static KUEUE: Entry = Entry {
    name: "kueue",
    summary: "quotas in cohorts, with borrowing and lending limits and preemption",
    objective: "every queue gets its quota when it needs it; what is left goes to those that borrow least",
    knows: "tenants and their terms: quota, borrow, lend, limit, weight",
    source: "Kueue 0.19 (concepts: ClusterQueue, Cohort, Preemption); KEP-79, KEP-1714, KEP-4136",
    knobs: &[
        Knob::new(
            "queueing",
            "best-effort-fifo",
            "best-effort-fifo, strict-fifo",
            "whether a job that cannot start lets those behind it in its queue pass",
        ),
        Knob::new(
            "within-queue",
            "never",
            "never, lower-priority, lower-or-newer-equal-priority",
            "which jobs of its own queue a job may preempt",
        ),
        Knob::new(
            "reclaim",
            "never",
            "never, lower-priority, any",
            "which jobs of queues that borrow a job may preempt",
        ),
        Knob::new(
            "borrow-within-cohort",
            "never",
            "never, lower-priority",
            "which jobs of queues that borrow a job may preempt that would borrow itself; without fair sharing",
        ),
        Knob::new(
            "borrow-threshold",
            "none",
            "none, or a priority",
            "the highest priority that such a job may preempt",
        ),
        Knob::new(
            "sharing",
            "none",
            "none, final-share, initial-share, final-then-initial",
            "fair sharing by dominant resource shares, and its strategies of preemption",
        ),
        Knob::new(
            "cohort",
            "pool",
            "pool, all, tree",
            "what top-level tenants have in common: one cohort with what no quota claims, one cohort, or nothing",
        ),
        Knob::new(
            "admission",
            "none",
            "none, usage",
            "usage: a tenant is a local queue of its parent, and those that used least lately go first",
        ),
        Knob::new("half-life", "168", "hours, more than 0", "after so long usage counts half"),
        Knob::new("sampling", "300", "seconds, at least 0", "entry penalty: a start counts as usage of so long"),
        EVICTIONS_MAX,
        PLACE,
    ],
    presets: &[
        Preset { name: "kueue-default", source: "Kueue: defaults of a ClusterQueue", knobs: &[] },
        Preset {
            name: "kueue-drs",
            source: "Kueue: fair sharing with its default strategies, reclaimWithinCohort Any, withinClusterQueue LowerPriority",
            knobs: &[("sharing", "final-then-initial"), ("reclaim", "any"), ("within-queue", "lower-priority")],
        },
    ],
    build: |knobs| Ok(Box::new(Kueue::new(kueue_rules(knobs)?, knobs.placer()?))),
};

fn kueue_rules(knobs: &Knobs<'_>) -> Result<Rules, PolicyError> {
    let threshold = match knobs.text("borrow-threshold") {
        "none" => None,
        text => Some(text.parse().map_err(|_| knobs.bad_value("borrow-threshold"))?),
    };
    let usage = knobs.one_of("admission", &[("none", false), ("usage", true)])?;
    let (half_life, sampling) = (positive(knobs, "half-life")?, knobs.seconds("sampling")?);
    Ok(Rules {
        queueing: knobs
            .one_of("queueing", &[("best-effort-fifo", Queueing::BestEffort), ("strict-fifo", Queueing::Strict)])?,
        within: knobs.one_of(
            "within-queue",
            &[
                ("never", Within::Never),
                ("lower-priority", Within::LowerPriority),
                ("lower-or-newer-equal-priority", Within::LowerOrNewerEqualPriority),
            ],
        )?,
        reclaim: knobs.one_of(
            "reclaim",
            &[("never", Reclaim::Never), ("lower-priority", Reclaim::LowerPriority), ("any", Reclaim::Any)],
        )?,
        borrow: knobs.one_of(
            "borrow-within-cohort",
            &[("never", BorrowWithin::Never), ("lower-priority", BorrowWithin::LowerPriority(threshold))],
        )?,
        sharing: knobs.one_of(
            "sharing",
            &[
                ("none", None),
                ("final-share", Some(Sharing::FinalShare)),
                ("initial-share", Some(Sharing::InitialShare)),
                ("final-then-initial", Some(Sharing::FinalThenInitial)),
            ],
        )?,
        usage: usage.then_some(UsageRule { half_life, sampling }),
        above: knobs.one_of("cohort", &[("pool", Above::Pool), ("all", Above::Cohort), ("tree", Above::Nothing)])?,
        evictions_max: evictions_max(knobs)?,
    })
}

pub(super) static KAI: Entry = Entry {
    name: "kai",
    summary: "queues with deserved quotas, what is left by priority and weight, reclaim and preemption",
    objective: "every queue gets what it deserves; what is left is divided in proportion to weights",
    knows: "tenants and their terms: quota, limit, weight, priority; with a window their usage over time",
    source: "KAI Scheduler 0.15 (docs: fairness, queues, scheduling deep dive, time-based fair share, min-runtime)",
    knobs: &[
        Knob::new(
            "reclaimer-multiplier",
            "1",
            "a number, at least 1",
            "how much more saturated than the reclaimer a queue must be to be taken from",
        ),
        Knob::new(
            "priority-in-quota",
            "false",
            "true, false",
            "whether a queue of higher priority reclaims within its quota from those within theirs",
        ),
        Knob::new("window", "none", "none, or hours, more than 0", "time over which usage lowers the share of a queue"),
        Knob::new("window-type", "sliding", "sliding, tumbling", "whether the window ends now or begins anew"),
        Knob::new(
            "half-life",
            "none",
            "none, or minutes, more than 0",
            "after so long usage in the window counts half",
        ),
        Knob::new("k", "1", "a number, at least 0", "how hard usage counts"),
        Knob::new("reclaim-min", "0", "seconds, at least 0", "a run is not reclaimed before it was placed for so long"),
        Knob::new("preempt-min", "0", "seconds, at least 0", "a run is not preempted before it was placed for so long"),
        EVICTIONS_MAX,
        PLACE,
    ],
    presets: &[
        Preset { name: "kai-default", source: "KAI: defaults of a scheduling shard", knobs: &[] },
        Preset {
            name: "kai-time-based",
            source: "KAI: time-based fair share with its defaults: a sliding week, no decay, k = 1",
            knobs: &[("window", "168")],
        },
    ],
    build: |knobs| Ok(Box::new(Kai::new(kai_rules(knobs)?, knobs.placer()?))),
};

fn kai_rules(knobs: &Knobs<'_>) -> Result<KaiRules, PolicyError> {
    let multiplier_milli = knobs.milli("reclaimer-multiplier")?;
    if multiplier_milli < 1000 {
        return Err(knobs.bad_value("reclaimer-multiplier"));
    }
    let kind = knobs.one_of("window-type", &[("sliding", Kind::Sliding), ("tumbling", Kind::Tumbling)])?;
    let emphasis_milli = knobs.milli("k")?;
    let half_life = match knobs.text("half-life") {
        "none" => None,
        _ => Some(Span(positive(knobs, "half-life")?.0 / 60)),
    };
    let window = match knobs.text("window") {
        "none" => None,
        _ => Some(Window { length: positive(knobs, "window")?, kind, half_life, emphasis_milli }),
    };
    Ok(KaiRules {
        multiplier_milli,
        in_quota: if knobs.flag("priority-in-quota")? { InQuota::ByPriority } else { InQuota::Protected },
        window,
        reclaim_min: knobs.seconds("reclaim-min")?,
        preempt_min: knobs.seconds("preempt-min")?,
        evictions_max: evictions_max(knobs)?,
    })
}

/// Hours, more than 0.
fn positive(knobs: &Knobs<'_>, name: &str) -> Result<Span, PolicyError> {
    let span = knobs.hours(name)?;
    if span == Span::ZERO { Err(knobs.bad_value(name)) } else { Ok(span) }
}

fn evictions_max(knobs: &Knobs<'_>) -> Result<u32, PolicyError> {
    let count = knobs.count("evictions-max")?;
    u32::try_from(count).ok().filter(|count| *count > 0).ok_or_else(|| knobs.bad_value("evictions-max"))
}
