//! Slurm's multifactor priority (priority/multifactor): a weighted sum of factors from 0 to 1.
//!
//! Priorities are points with 16 fraction bits. What a job brings along (size, partition, QOS, resources, site) is constant;
//! age grows alike for all jobs until it is full, so that young and old jobs are two stages of a wait; what a tenant brings
//! along is recomputed at multiples of a period and noted in the engine.

mod classic;
mod fair_tree;

use engine::{Amounts, Draft, JobId, Span, Tenants, Time, Triggers};

pub use self::classic::classic;
pub use self::fair_tree::fair_tree;
use crate::order::{Order, Score};

/// Fraction bits of a point.
const POINT_BITS: u32 = 16;
/// The rank of priority 0.
const MIDDLE: i64 = 1 << 62;
/// Stages of a wait.
const YOUNG: u8 = 0;
const OLD: u8 = 1;

/// `PriorityWeight*`: points for a factor of 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weights {
    /// Time waited.
    pub age: u32,
    /// Priority of the tenant among all.
    pub assoc: u32,
    /// Share against usage.
    pub fair_share: u32,
    /// GPUs of the gang.
    pub size: u32,
    /// Queue.
    pub partition: u32,
    /// Quality of service.
    pub qos: u32,
    /// GPUs, CPU and memory that are asked for (`PriorityWeightTRES`).
    pub tres: [u32; 3],
}

/// How the fair-share factor is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FairShareRule {
    /// Fair Tree, the default since 19.05.
    FairTree,
    /// `PriorityFlags=NO_FAIR_TREE`, with `FairShareDampeningFactor` in thousandths.
    Classic {
        /// Dampening.
        damping_milli: u64,
    },
}

/// What the size factor favours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeRule {
    /// Large gangs: GPUs / all GPUs.
    Large,
    /// Small gangs (`PriorityFavorSmall`): 1 - GPUs / all GPUs.
    Small,
    /// Gangs that are large for their time (`SMALL_RELATIVE_TO_TIME`): GPUs / minutes of the time limit / all GPUs.
    PerMinute,
}

/// Names with a number each.
pub type Table = Vec<(String, u64)>;

/// The order by multifactor priority; higher first, ties in order of submission.
#[derive(Clone, Debug)]
pub struct Multifactor {
    /// Weights.
    pub weights: Weights,
    /// Wait at which the age factor is 1 (`PriorityMaxAge`).
    pub age_max: Span,
    /// `PriorityDecayHalfLife`; `None`: usage does not decay.
    pub half_life: Option<Span>,
    /// Time between two looks at usage (`PriorityCalcPeriod`); more than 0.
    pub period: Span,
    /// Which fair share.
    pub fair_share: FairShareRule,
    /// Which size.
    pub size: SizeRule,
    /// Priorities of queues; empty: all alike.
    pub partitions: Table,
    /// Priorities of qualities of service; empty: all alike.
    pub qos: Table,
    /// `PriorityTier` of queues; one that is not named has 1.
    pub tiers: Vec<(String, u16)>,
}

/// The tier of a queue that says nothing.
const TIER: u16 = 1;

impl Order for Multifactor {
    /// `PriorityTier`: a job in a higher one goes before all in lower ones, whatever their priorities.
    fn tier(&self, draft: &Draft<'_>, job: JobId) -> u16 {
        let queue = draft.state().queue(draft.state().job(job).spec.queue);
        let named = self.tiers.iter().find(|(name, _)| name == queue);
        u16::MAX - named.map_or(TIER, |(_, tier)| *tier)
    }

    fn follow(&mut self, draft: &mut Draft<'_>) {
        if !self.by_tenant() {
            return;
        }
        let number = draft.now().0 / self.period.0 + 1;
        let tenants = draft.state().tenants().len();
        // A tenant that appears between two looks is a look of its own: its jobs have a priority at once.
        if draft.state().board().first() != Some(&number) || draft.state().board().len() != tenants + 1 {
            let points = self.tenant_points(draft);
            let board = draft.board();
            board.clear();
            board.push(number);
            board.extend(points);
        }
    }

    fn rank(&self, draft: &Draft<'_>, job: JobId) -> u64 {
        let rank = MIDDLE - self.fixed_points(draft, job);
        let since = draft.state().job(job).ready_since;
        let (stage, _) = self.stage(draft, job);
        (if stage == YOUNG { rank + self.age_points(since) } else { rank }) as u64
    }

    fn stage(&self, draft: &Draft<'_>, job: JobId) -> (u8, Time) {
        let full = draft.state().job(job).ready_since + self.age_max;
        match self.weights.age {
            0 => (YOUNG, Time::NEVER),
            _ if full <= draft.now() => (OLD, Time::NEVER),
            _ => (YOUNG, full),
        }
    }

    fn score(&self, draft: &Draft<'_>, job: JobId, rank: u64) -> Score {
        let age = match self.stage(draft, job) {
            (YOUNG, _) => self.age_points(draft.now()),
            _ => i64::from(self.weights.age) << POINT_BITS,
        };
        Score::whole(rank.saturating_sub(age as u64 + noted_points(draft, job)))
    }

    fn by_tenant(&self) -> bool {
        self.weights.fair_share > 0 || self.weights.assoc > 0
    }

    fn usage_half_life(&self) -> Option<Span> {
        self.half_life
    }

    /// While nothing runs, usage decays alike for all, and no factor changes.
    fn look_again(&self, now: Time) -> Option<Time> {
        (self.weights.fair_share > 0).then(|| Time((now.0 / self.period.0 + 1) * self.period.0))
    }

    fn triggers(&self) -> Triggers {
        if self.weights.fair_share > 0 { Triggers::WOKE } else { Triggers::NONE }
    }
}

impl Multifactor {
    /// The priority of a waiting job now, in points with 16 fraction bits.
    pub fn priority(&self, draft: &Draft<'_>, job: JobId) -> i64 {
        let waited = draft.now().since(draft.state().job(job).ready_since);
        let age = self.age_points(Time(waited.0)).min(i64::from(self.weights.age) << POINT_BITS);
        self.fixed_points(draft, job) + age + noted_points(draft, job).cast_signed()
    }

    /// Points of age for all the time up to an instant: those of a job are the difference between now and when its wait
    /// began, so that the order of young jobs stands still.
    fn age_points(&self, at: Time) -> i64 {
        let points =
            (u128::from(self.weights.age) << POINT_BITS) * u128::from(at.0) / u128::from(self.age_max.0.max(1));
        i64::try_from(points).unwrap_or(i64::MAX).min(MIDDLE / 2)
    }

    /// What does not change while a job waits. The priority that comes with the job is the site factor less nice.
    fn fixed_points(&self, draft: &Draft<'_>, id: JobId) -> i64 {
        let state = draft.state();
        let (job, weights) = (state.job(id), self.weights);
        let all = state.cluster().inventory().gpus() * 1000;
        let milli = state.class_of(id).gpu_milli.min(all);
        let size = match self.size {
            SizeRule::Large => points(weights.size, milli, all),
            SizeRule::Small => points(weights.size, all - milli, all),
            SizeRule::PerMinute => job.spec.time_limit.map_or(0, |limit| {
                let minutes = limit.0.div_ceil(60 * engine::MICROS).max(1);
                points(weights.size, milli, all.saturating_mul(minutes))
            }),
        };
        let qos = job.spec.qos.map_or("", |name| state.name(name));
        let partition = in_table(weights.partition, &self.partitions, state.queue(job.spec.queue));
        let qos = in_table(weights.qos, &self.qos, qos);
        let (asked, total) = (state.class_of(id).least.values(), total(draft).values());
        let tres: i64 = (0..3).map(|at| points(weights.tres[at], asked[at], total[at])).sum();
        size + partition + qos + tres + (i64::from(job.spec.priority) << POINT_BITS)
    }

    /// Points of every tenant: fair share and association.
    fn tenant_points(&self, draft: &Draft<'_>) -> Vec<u64> {
        let (tenants, now) = (draft.state().tenants(), draft.now());
        let factors = match self.fair_share {
            _ if self.weights.fair_share == 0 => vec![0; tenants.len()],
            FairShareRule::FairTree => fair_tree(tenants, now),
            FairShareRule::Classic { damping_milli } => classic(tenants, now, damping_milli),
        };
        let highest = (0..tenants.len()).map(|at| priority(tenants, at)).max().unwrap_or(0);
        let of = |(at, factor): (usize, u64)| {
            let share =
                (u128::from(self.weights.fair_share) * u128::from(factor)) >> (engine::decay::BITS - POINT_BITS);
            share as u64 + points(self.weights.assoc, priority(tenants, at), highest) as u64
        };
        factors.into_iter().enumerate().map(of).collect()
    }
}

/// Points of the tenant of a job when they were last looked at; fewer than 2^50.
fn noted_points(draft: &Draft<'_>, job: JobId) -> u64 {
    let noted = draft.state().board().get(draft.state().tenant_of(job).index() + 1);
    noted.copied().unwrap_or(0).min(MIDDLE as u64 >> 4)
}

/// The priority of an association: that of the tenant's terms, at least 0.
fn priority(tenants: &Tenants, at: usize) -> u64 {
    u64::try_from(tenants.get(engine::TenantId::new(at)).terms.priority).unwrap_or(0)
}

/// weight x part / whole, at most the weight; none where there is nothing to have a part of, or no end of it.
fn points(weight: u32, part: u64, whole: u64) -> i64 {
    if whole == 0 || whole == u64::MAX {
        return 0;
    }
    ((u128::from(weight) << POINT_BITS) * u128::from(part.min(whole)) / u128::from(whole)) as i64
}

/// Priority of `name` over the highest of the table; a name that is not in it has none. Without a table all are alike.
fn in_table(weight: u32, table: &Table, name: &str) -> i64 {
    let highest = table.iter().map(|(_, value)| *value).max().unwrap_or(0);
    let found = table.iter().find(|(listed, _)| listed == name).map_or(0, |(_, value)| *value);
    points(weight, found, highest)
}

/// All that the cluster has; [`u64::MAX`] for what is not limited on some node.
fn total(draft: &Draft<'_>) -> Amounts {
    let mut sum = Amounts::ZERO;
    for node in &draft.state().cluster().inventory().nodes {
        let amount = |value: u32| if value == engine::UNLIMITED { u64::MAX } else { u64::from(value) };
        let gpu_milli = u64::from(node.gpus) * 1000;
        sum = sum.plus(Amounts { gpu_milli, cpu_milli: amount(node.cpu_milli), memory_mib: amount(node.memory_mib) });
    }
    sum
}
