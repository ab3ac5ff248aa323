//! Why something did not happen, as data with a stable code.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{JobId, NodeId};
use crate::inventory::Misfit;
use crate::terms::Resource;
use crate::time::Time;

/// Why a job does not run now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// Fewer GPUs are free than the gang needs (thousandths).
    TooFewGpus {
        /// Needed.
        need: u64,
        /// Free on nodes that are up.
        free: u64,
    },
    /// Enough GPUs are free, but not in the shape that the gang needs: fragmentation, CPU, memory, model or topology.
    NoPlacement {
        /// Free thousandths of a GPU.
        free: u64,
    },
    /// A job before it in the queue waits, and this order lets nobody pass.
    BehindHead {
        /// The job at the head.
        head: JobId,
    },
    /// It would delay the job at the head, which has a reservation.
    WouldDelayHead {
        /// The job at the head.
        head: JobId,
        /// When the head starts at the latest.
        start: Time,
    },
    /// The head of the queue waits for a reservation of its own.
    Reserved {
        /// When it starts at the latest.
        start: Time,
    },
    /// Other tenants or jobs, which have less of their share, go first.
    NotItsTurn,
    /// Jobs that go before it get all GPUs that it needs.
    Outranked,
    /// The policy decides in rounds, and the next has not begun.
    NextRound,
    /// Not even the GPUs of all jobs that it may preempt would do.
    NoVictims,
    /// Its tenant, or one above it, would use more than its limit.
    OverLimit {
        /// Of what.
        resource: Resource,
        /// Used now, in the unit of the resource.
        used: u64,
        /// The limit.
        limit: u64,
    },
    /// Its tenant would use more than its quota and may not.
    OverQuota {
        /// Of what.
        resource: Resource,
        /// Used now by what counts here, in the unit of the resource.
        used: u64,
        /// The quota.
        quota: u64,
    },
    /// The quotas of its tenant and of those that it borrows from, with their borrowing and lending limits, leave less than
    /// it needs.
    QuotasExhausted {
        /// Of what.
        resource: Resource,
        /// Needed, in the unit of the resource.
        need: u64,
        /// What they leave.
        left: u64,
    },
    /// The policy decides at intervals.
    NextDecision {
        /// When it does so next.
        at: Time,
    },
    /// All jobs whose GPUs it needs are protected from preemption: by their age, or for good.
    VictimsProtected {
        /// When the first of them no longer is; `NEVER` when time alone changes nothing.
        until: Time,
    },
    /// Its preemptions would cost more than is left of the budget.
    OverPreemptionBudget {
        /// When enough is left; `NEVER` when they cost more than the whole budget.
        until: Time,
    },
    /// Its preemptions would be more than are allowed in an hour.
    OverPreemptionRate {
        /// When they are allowed; `NEVER` when they are more than that alone.
        until: Time,
    },
    /// It cannot meet its deadline or its latest start without making another job miss one that was promised.
    CannotMeet {
        /// When it could finish (with a deadline) or start (without) at the earliest.
        earliest: Time,
    },
    /// On hold by an operator or its owner.
    OnHold,
    /// Waits for other jobs.
    WaitsForParents,
    /// Waits before a retry.
    InBackoff,
    /// The policy has not looked at it since something changed.
    NotTried,
    /// No node of this cluster is large enough for one task, or of an allowed model.
    NoNodeLargeEnough,
    /// The cluster is too small for the whole gang.
    ClusterTooSmall,
    /// The topology has no domain of the level that the gang requires.
    NoSuchDomain,
    /// A node of the placement is not up.
    NodeNotUp {
        /// The node.
        node: NodeId,
    },
    /// A GPU of the placement is not free.
    NotFree {
        /// The node.
        node: NodeId,
    },
    /// The placement is not the gang that the job asked for.
    WrongGang,
    /// The job is not in a phase in which this can happen.
    WrongPhase,
    /// The job may not be preempted.
    NotPreemptible,
}

impl Reason {
    /// A code that scripts can rely on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooFewGpus { .. } => "too-few-gpus",
            Self::NoPlacement { .. } => "no-placement",
            Self::BehindHead { .. } => "behind-head",
            Self::WouldDelayHead { .. } => "would-delay-head",
            Self::Reserved { .. } => "reserved",
            Self::NotItsTurn => "not-its-turn",
            Self::Outranked => "outranked",
            Self::NextRound => "next-round",
            Self::NoVictims => "no-victims",
            Self::OverLimit { .. } => "over-limit",
            Self::OverQuota { .. } => "over-quota",
            Self::QuotasExhausted { .. } => "quotas-exhausted",
            Self::NextDecision { .. } => "next-decision",
            Self::VictimsProtected { .. } => "victims-protected",
            Self::OverPreemptionBudget { .. } => "over-preemption-budget",
            Self::OverPreemptionRate { .. } => "over-preemption-rate",
            Self::CannotMeet { .. } => "cannot-meet",
            Self::OnHold => "on-hold",
            Self::WaitsForParents => "waits-for-parents",
            Self::InBackoff => "in-backoff",
            Self::NotTried => "not-tried",
            Self::NoNodeLargeEnough => "no-node-large-enough",
            Self::ClusterTooSmall => "cluster-too-small",
            Self::NoSuchDomain => "no-such-domain",
            Self::NodeNotUp { .. } => "node-not-up",
            Self::NotFree { .. } => "not-free",
            Self::WrongGang => "wrong-gang",
            Self::WrongPhase => "wrong-phase",
            Self::NotPreemptible => "not-preemptible",
        }
    }
}

impl From<Misfit> for Reason {
    fn from(misfit: Misfit) -> Self {
        match misfit {
            Misfit::NoNode => Self::NoNodeLargeEnough,
            Misfit::TooManyTasks => Self::ClusterTooSmall,
            Misfit::NoDomain => Self::NoSuchDomain,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gpus = |milli: u64| milli as f64 / 1000.0;
        match *self {
            Self::TooFewGpus { need, free } => write!(f, "needs {} GPUs, {} are free", gpus(need), gpus(free)),
            Self::NoPlacement { free } => {
                write!(f, "{} GPUs are free, but on no set of nodes that fits the gang", gpus(free))
            }
            Self::BehindHead { head } => write!(f, "waits behind {head}, which is first in the queue"),
            Self::WouldDelayHead { head, start } => write!(f, "would delay {head}, which starts by {start}"),
            Self::Reserved { start } => write!(f, "first in the queue, starts by {start}"),
            Self::NotItsTurn => f.write_str("others that have less of their share go first"),
            Self::Outranked => f.write_str("jobs that go before it get the GPUs that it needs"),
            Self::NextRound => f.write_str("waits for the next round"),
            Self::NoVictims => f.write_str("the GPUs of all jobs that it may preempt would not do"),
            Self::OverLimit { resource, used, limit } => {
                write!(f, "its tenant uses {} of at most {}", resource.number(used), resource.amount(limit))
            }
            Self::OverQuota { resource, used, quota } => {
                write!(f, "its tenant uses {} of its quota of {}", resource.number(used), resource.amount(quota))
            }
            Self::QuotasExhausted { resource, need, left } => {
                write!(f, "needs {}, the quotas leave {}", resource.amount(need), resource.number(left))
            }
            Self::NextDecision { at } => write!(f, "waits for the next decision, at {at}"),
            Self::VictimsProtected { until } => {
                f.write_str("the jobs that it may preempt are protected")?;
                known(f, " until ", until)
            }
            Self::OverPreemptionBudget { until } => {
                f.write_str("its preemptions cost more than is left of the budget")?;
                known(f, ", which has enough from ", until)
            }
            Self::OverPreemptionRate { until } => {
                f.write_str("its preemptions are more than are allowed in an hour")?;
                known(f, "; they are allowed from ", until)
            }
            Self::CannotMeet { earliest } => {
                f.write_str("it cannot be done in time without breaking a promise")?;
                known(f, "; the earliest is ", earliest)
            }
            Self::OnHold => f.write_str("on hold"),
            Self::WaitsForParents => f.write_str("waits for the jobs that it depends on"),
            Self::InBackoff => f.write_str("waits before a retry"),
            Self::NotTried => f.write_str("not tried since the cluster last changed"),
            Self::NoNodeLargeEnough => f.write_str("no node of an allowed model is large enough for one task"),
            Self::ClusterTooSmall => f.write_str("the gang is larger than the cluster"),
            Self::NoSuchDomain => f.write_str("the cluster has no topology domain of the required level"),
            Self::NodeNotUp { node } => write!(f, "{node} is not up"),
            Self::NotFree { node } => write!(f, "a GPU of {node} is not free"),
            Self::WrongGang => f.write_str("the placement is not the gang that was asked for"),
            Self::WrongPhase => f.write_str("the job is in another phase of its life"),
            Self::NotPreemptible => f.write_str("the job may not be preempted"),
        }
    }
}

/// A time, where there is one.
fn known(f: &mut fmt::Formatter<'_>, before: &str, at: Time) -> fmt::Result {
    at.known().map_or(Ok(()), |at| write!(f, "{before}{at}"))
}
