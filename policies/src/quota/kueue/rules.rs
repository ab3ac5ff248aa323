//! What a cluster of Kueue is configured to do.

use engine::Span;

use crate::quota::tree::Above;

/// `queueingStrategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queueing {
    /// A job that cannot start blocks those behind it in its queue.
    Strict,
    /// It does not.
    BestEffort,
}

/// `preemption.withinClusterQueue`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Within {
    /// Nobody is preempted by a job of its own queue.
    Never,
    /// Jobs of lower priority are.
    LowerPriority,
    /// So are jobs of equal priority that were submitted later.
    LowerOrNewerEqualPriority,
}

/// `preemption.reclaimWithinCohort`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reclaim {
    /// Nobody is preempted by a job of another queue.
    Never,
    /// Jobs of lower priority are, in queues that borrow.
    LowerPriority,
    /// All jobs are, in queues that borrow.
    Any,
}

/// `preemption.borrowWithinCohort`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BorrowWithin {
    /// A job that would borrow preempts nobody in other queues.
    Never,
    /// It preempts jobs of lower priority there, up to this priority where one is given.
    LowerPriority(Option<i32>),
}

/// `fairSharing.preemptionStrategies`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// `LessThanOrEqualToFinalShare`: rule S2-a.
    FinalShare,
    /// `LessThanInitialShare`: rule S2-b.
    InitialShare,
    /// The first, then the second.
    FinalThenInitial,
}

/// Usage-based admission fair sharing (KEP-4136).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UsageRule {
    /// After so long usage counts half.
    pub(crate) half_life: Span,
    /// What a job asks for counts as if it had been held for so long when it starts: the entry penalty.
    pub(crate) sampling: Span,
}

/// All of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) queueing: Queueing,
    pub(crate) within: Within,
    pub(crate) reclaim: Reclaim,
    pub(crate) borrow: BorrowWithin,
    /// `None`: classic preemption, first come first served.
    pub(crate) sharing: Option<Sharing>,
    pub(crate) usage: Option<UsageRule>,
    pub(crate) above: Above,
    /// A job that was preempted so often is not preempted again.
    pub(crate) evictions_max: u32,
}

impl Rules {
    /// Whether anybody is ever preempted.
    pub(crate) fn preempts(&self) -> bool {
        self.within != Within::Never || self.reclaim != Reclaim::Never
    }
}
