//! What one round of a pipeline knows.

use engine::{JobId, Time};

use crate::easy::{Passing, Reservation};
use crate::evict::Held;
use crate::order::Score;
use crate::ready::LaneKey;

/// What one round knows, and what the next may reuse while nothing becomes free.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// How each class last failed.
    pub(super) failed: Vec<Failed>,
    /// Whether there is a class that must be tried in every round.
    pub(super) restless: bool,
    /// Whether this round has evicted anybody: what failed in earlier rounds may fit now.
    pub(super) evicted: bool,
    /// Whether this round has started anything.
    pub(super) started: bool,
    /// The last round that has started a job which an operator put first.
    pub(super) first_started: u64,
    /// By what the candidates are sorted, and whose lanes they stand for: in the order of the queue until somebody may pass.
    pub(super) passing: Passing,
    /// When the first guard that was in somebody's way no longer is; `NEVER` where time alone changes nothing.
    pub(super) held_until: Time,
    /// The round in which a class last failed in the room that a reservation leaves over, by class.
    pub(super) failed_in_spare: Vec<u64>,
    pub(super) number: u64,
    /// The freed epoch at the end of the last round.
    pub(super) epoch: u64,
    /// Lanes that are still in the round.
    pub(super) lanes: Vec<Candidate>,
    /// Lanes that got a job since the last round, sorted.
    pub(super) touched: Vec<u32>,
    /// The reservation of the last round, with the versions of the state that it was made from.
    pub(super) reservation: Option<((u64, u64), Reservation)>,
}

/// What goes before the order: jobs that an operator put first, then the tiers of queues. Smaller goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tier {
    pub(super) first_place: u32,
    pub(super) queue: u16,
}

impl Tier {
    /// Before all others.
    pub(super) const FIRST: Self = Self { first_place: 0, queue: 0 };
}

impl From<LaneKey> for Tier {
    fn from(key: LaneKey) -> Self {
        Self { first_place: key.first_place, queue: key.tier }
    }
}

/// How a class last failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failed {
    /// The freed epoch in which it did.
    pub(super) at: u64,
    /// The round in which it did.
    pub(super) round: u64,
    /// The tier and the rank of the job that did.
    pub(super) rank: (Tier, u64),
    /// Whether the class has one task group.
    pub(super) for_all: bool,
    /// The guard that was in its way.
    pub(super) held: Option<Held>,
}

/// The best job of a lane that is still in the round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) lane: u32,
    /// What goes before the order.
    pub(super) tier: Tier,
    /// Rank of the tenant.
    pub(super) tenant: [u64; 2],
    /// Rank of the job at this instant.
    pub(super) score: Score,
    /// Rank in the lane.
    pub(super) job: (u64, JobId),
}
