//! Who has to go, when a waiting job should run and does not fit.

mod clearing;
mod guards;
mod price;
mod search;

use engine::{Draft, JobId, NodeId, TaskGroup};
use smallvec::SmallVec;

pub(crate) use self::clearing::{Clearing, Seeker, Victims};
pub use self::guards::Guards;
pub(crate) use self::guards::Held;
pub(crate) use self::price::at_risk;
pub use self::price::{Choice, OnStop, Price};
pub(crate) use self::search::{Evictor, Search};
use crate::order::{Length, Order, by_deadline, by_priority, service};
use crate::running::{Sorting, Standing};

/// The rule that ranks victims and says who may evict whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evict {
    /// A job evicts those with more work left (SRTF, SRSF); the longest goes first.
    Longer(Length),
    /// A job evicts those of lower priority: the lowest priority first, in it the cheapest.
    /// Never a cycle, as priorities do not change.
    LowerPriority,
    /// A job evicts those with a later deadline, or with none: the latest first (EDF).
    /// Never a cycle, as deadlines do not change.
    LaterDeadline,
    /// A job evicts those of lower tiers ([`Order::tier`]): the lowest tier first, in it those on fewest nodes, of these the
    /// cheapest. Never a cycle, as tiers do not change.
    LowerTier,
}

/// Rank of a victim: smaller goes first.
type VictimRank = (u64, u64);

/// A rule under guards.
#[derive(Clone, Copy)]
pub(crate) struct Hunt<'a> {
    pub(crate) rule: Evict,
    pub(crate) guards: &'a Guards,
    /// Knows the tiers.
    pub(crate) order: &'a dyn Order,
}

impl Sorting for Hunt<'_> {
    /// Inside a group, all ranks move alike with time.
    fn standing(&self, draft: &Draft<'_>, id: JobId) -> Option<Standing> {
        let job = draft.state().job(id);
        if !job.spec.preemptible {
            return None;
        }
        let milli = engine::placement::gpu_milli(&job.placement).min(u64::from(u32::MAX));
        match (self.guards.choice, self.rule) {
            (Choice::Cost, Evict::Longer(_) | Evict::LaterDeadline) => Some((milli, self.guards.price.place(job))),
            (Choice::Order, Evict::Longer(length)) => {
                let left = draft.oracle()?.work(id)? - job.work_at_start;
                let since = job.running_since.known().unwrap_or(job.placed + job.owed);
                let finish = since + job.rate.time_for(left);
                let width = if length == Length::RemainingService { milli } else { 0 };
                Some((u64::from(job.rate.as_ppm()) << 32 | width, -i64::try_from(finish.0).unwrap_or(i64::MAX)))
            }
            (Choice::Order, Evict::LaterDeadline) => Some((0, -i64::try_from(by_deadline(job)).unwrap_or(i64::MAX))),
            (_, Evict::LowerPriority) => Some((priority(draft, id) << 32 | milli, self.guards.price.place(job))),
            (_, Evict::LowerTier) => Some((self.tier_and_nodes(draft, id) << 32 | milli, self.guards.price.place(job))),
        }
    }
}

impl Hunt<'_> {
    /// Rank of a victim.
    fn rank(self, draft: &Draft<'_>, id: JobId) -> VictimRank {
        let cost = || self.guards.price.protection(draft, id);
        match (self.guards.choice, self.rule) {
            (Choice::Cost, _) => (cost(), 0),
            (Choice::Order, Evict::Longer(length)) => (u64::MAX - left(draft, id, length), 0),
            (Choice::Order, Evict::LaterDeadline) => (u64::MAX - by_deadline(draft.state().job(id)), 0),
            (Choice::Order, Evict::LowerPriority) => (priority(draft, id), cost()),
            (Choice::Order, Evict::LowerTier) => (self.tier_and_nodes(draft, id), cost()),
        }
    }

    /// Whether a victim that may not be evicted means that none after it may be.
    fn in_order(self) -> bool {
        self.guards.choice == Choice::Order
    }

    /// Whether a job may evict all of a group or none of it.
    fn by_group(self) -> bool {
        matches!(self.rule, Evict::LowerPriority | Evict::LowerTier)
    }

    /// Whether a waiting job may evict a victim.
    fn allows(self, draft: &Draft<'_>, evictor: Evictor, victim: JobId) -> bool {
        match self.rule {
            Evict::Longer(length) => left(draft, victim, length) > evictor.rank,
            Evict::LaterDeadline => by_deadline(draft.state().job(victim)) > evictor.rank,
            Evict::LowerPriority => {
                let own = u64::from(u32::MAX) - by_priority(draft.state().job(evictor.job));
                priority(draft, victim) < own
            }
            Evict::LowerTier => self.order.tier(draft, victim) > self.order.tier(draft, evictor.job),
        }
    }

    /// Where a victim stands by its tier, the lowest first, and the number of its nodes (Slurm's `preempt/partition_prio`):
    /// 16 bits each.
    fn tier_and_nodes(self, draft: &Draft<'_>, id: JobId) -> u64 {
        let mut nodes: SmallVec<[NodeId; 8]> = draft.state().job(id).placement.iter().map(|slice| slice.node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        u64::from(u16::MAX - self.order.tier(draft, id)) << 16 | nodes.len().min(0xffff) as u64
    }
}

/// What is left of a victim. It is in the measure in which waiting jobs are ranked, so that a job which runs never ranks
/// behind itself waiting: otherwise two jobs could evict each other for ever.
fn left(draft: &Draft<'_>, id: JobId, length: Length) -> u64 {
    let milli = engine::placement::gpu_milli(&draft.state().job(id).placement);
    let left = draft.oracle().and_then(|oracle| oracle.remaining(id, draft.now())).map_or(0, |span| span.0);
    if length == Length::RemainingService { service(left, milli) } else { left }
}

/// The priority of a job, from 0 up.
fn priority(draft: &Draft<'_>, id: JobId) -> u64 {
    (i64::from(draft.state().job(id).spec.priority) - i64::from(i32::MIN)) as u64
}

/// The group whose tasks need most GPUs.
pub(crate) fn widest(groups: &[TaskGroup]) -> TaskGroup {
    let mut widest = groups[0];
    for group in groups {
        if group.request.gpus.milli() > widest.request.gpus.milli() {
            widest = *group;
        }
    }
    widest
}
