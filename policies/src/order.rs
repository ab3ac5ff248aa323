//! Who goes first.

mod deadline;
mod predicted;
mod response;

use engine::{Draft, Job, JobId, Span, TenantId, Time, Triggers};

pub use self::deadline::Deadline;
pub(crate) use self::deadline::by_deadline;
pub use self::predicted::{PredictedService, PredictedTime};
pub use self::response::ResponseRatio;
pub use crate::ready::{Line, Score};

/// The order of waiting jobs. Ties go to the earlier submission, then to the lower id.
pub trait Order: Send {
    /// Smaller goes first; constant while the job waits in one stage ([`Order::stage`]).
    fn rank(&self, draft: &Draft<'_>, job: JobId) -> u64;

    /// The tier of the queue of a job, waiting or placed, which goes before everything else; smaller goes first. It never
    /// changes.
    fn tier(&self, _draft: &Draft<'_>, _job: JobId) -> u16 {
        0
    }

    /// Called first in every decision: caches catch up, and what cannot be recomputed is noted in the engine.
    fn follow(&mut self, _draft: &mut Draft<'_>) {}

    /// The stage of a wait, and when it ends ([`Time::NEVER`]: with the wait). Jobs of one class, tenant and stage keep
    /// their order for as long as they wait.
    fn stage(&self, _draft: &Draft<'_>, _job: JobId) -> (u8, Time) {
        (0, Time::NEVER)
    }

    /// Rank at this instant, in which jobs of different classes, tenants and stages are compared. Jobs that differ in none
    /// of these must compare as their ranks do, unless they have a [`Order::line`].
    fn score(&self, _draft: &Draft<'_>, _job: JobId, rank: u64) -> Score {
        Score::whole(rank)
    }

    /// For orders by response ratio, in which jobs of one class overtake each other while they wait: the line by which
    /// [`Order::score`] ranks a job. Its rank is the length. Backfill cannot walk such an order.
    fn line(&self, _draft: &Draft<'_>, _job: JobId) -> Option<Line> {
        None
    }

    /// Rank of the tenant of a job, which goes before [`Order::rank`] and may change at any time.
    /// `None`: the order does not look at tenants.
    fn tenant_rank(&self, _draft: &Draft<'_>, _tenant: TenantId, _starts: &Starts) -> Option<[u64; 2]> {
        None
    }

    /// Whether jobs of different tenants are told apart: [`Order::tenant_rank`] ranks tenants, or [`Order::score`] looks at them.
    fn by_tenant(&self) -> bool {
        false
    }

    /// Whether it looks at true durations.
    fn clairvoyant(&self) -> bool {
        false
    }

    /// Half-life of the usage that it looks at.
    fn usage_half_life(&self) -> Option<Span> {
        None
    }

    /// When it wants to be asked again while anything runs; its triggers have [`Triggers::WOKE`] then.
    fn look_again(&self, _now: Time) -> Option<Time> {
        None
    }

    /// When it wants to be asked, beside arrivals and freed resources.
    fn triggers(&self) -> Triggers {
        Triggers::NONE
    }
}

/// GPUs that a decision has handed out so far, by tenant, in thousandths: usage does not know them yet.
#[derive(Debug, Default)]
pub struct Starts(Vec<u64>);

impl Starts {
    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Charges `tenant` and all above it.
    pub(crate) fn add(&mut self, draft: &Draft<'_>, tenant: TenantId, milli: u64) {
        let tenants = draft.state().tenants();
        self.0.resize(tenants.len(), 0);
        for tenant in tenants.ancestry(tenant) {
            self.0[tenant.index()] += milli;
        }
    }

    /// Handed out to `tenant` and all below it.
    pub fn of(&self, tenant: TenantId) -> u64 {
        self.0.get(tenant.index()).copied().unwrap_or(0)
    }
}

/// Higher priority first, then arrival (FIFO; Slurm and Kueue both order so without weights).
#[derive(Clone, Copy, Debug, Default)]
pub struct Arrival;

impl Order for Arrival {
    fn rank(&self, draft: &Draft<'_>, job: JobId) -> u64 {
        by_priority(draft.state().job(job))
    }
}

/// Priorities as a rank: higher first.
pub(crate) fn by_priority(job: &Job) -> u64 {
    (i64::from(i32::MAX) - i64::from(job.spec.priority)) as u64
}

/// What the shortest orders compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// The whole run time (SJF).
    Duration,
    /// Run time that is left (SRTF).
    Remaining,
    /// Run time that is left times GPUs (SRSF; the 2D form of Tiresias, section 3).
    RemainingService,
}

/// Shortest first, by true durations.
#[derive(Clone, Copy, Debug)]
pub struct Shortest(pub Length);

impl Order for Shortest {
    fn rank(&self, draft: &Draft<'_>, job: JobId) -> u64 {
        let Some(oracle) = draft.oracle() else { return u64::MAX };
        let length = match self.0 {
            Length::Duration => oracle.work(job),
            Length::Remaining | Length::RemainingService => oracle.remaining(job, draft.now()),
        };
        let Some(Span(micros)) = length else { return u64::MAX };
        match self.0 {
            Length::RemainingService => service(micros, draft.state().class_of(job).gpu_milli),
            _ => micros,
        }
    }

    fn clairvoyant(&self) -> bool {
        true
    }
}

/// GPU x microseconds.
pub(crate) fn service(micros: u64, milli: u64) -> u64 {
    u64::try_from(u128::from(micros) * u128::from(milli) / 1000).unwrap_or(u64::MAX)
}

/// Two-level weighted fair share over tenants: the top-level tenant that has used least for its weight goes first, inside
/// it the tenant that has used least for its weight, inside that priority and arrival.
///
/// Usage is GPU-time decayed with a half-life (Slurm priority/multifactor). GPUs held now count as if they were held
/// for `commitment` more, as with the entry penalty of Kueue's usage-based fair sharing (KEP-4136): otherwise one tenant
/// would get everything that is free at one instant.
#[derive(Clone, Copy, Debug)]
pub struct FairShare {
    /// Half-life of usage.
    pub half_life: Span,
    /// Time for which GPUs held now count in advance.
    pub commitment: Span,
}

impl FairShare {
    fn normalised(&self, draft: &Draft<'_>, tenant: TenantId, starts: &Starts) -> u64 {
        let tenants = draft.state().tenants();
        let entry = tenants.get(tenant);
        let ahead = u128::from(entry.held_milli + starts.of(tenant)) * u128::from(self.commitment.0);
        let used = tenants.usage(tenant, draft.now()) + ahead;
        // Thousandths of a GPU x microseconds per thousandth of weight: whole GPU-microseconds at weight 1.
        u64::try_from(used / u128::from(entry.terms.weight_milli)).unwrap_or(u64::MAX)
    }
}

impl Order for FairShare {
    fn rank(&self, draft: &Draft<'_>, job: JobId) -> u64 {
        by_priority(draft.state().job(job))
    }

    fn tenant_rank(&self, draft: &Draft<'_>, tenant: TenantId, starts: &Starts) -> Option<[u64; 2]> {
        let top = draft.state().tenants().top(tenant);
        Some([self.normalised(draft, top, starts), self.normalised(draft, tenant, starts)])
    }

    fn by_tenant(&self) -> bool {
        true
    }

    fn usage_half_life(&self) -> Option<Span> {
        Some(self.half_life)
    }
}
