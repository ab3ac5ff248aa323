//! Order, placer, backfill and eviction put together: the policy that most names in the registry are.

mod backfill;
mod failed;
mod round;

use engine::{ClassId, Draft, JobId, Needs, Policy, QueueId, Reason, TenantId, Time, Triggers};

use self::round::{Candidate, Failed, Round, Tier};
use crate::easy::{Estimates, Passing, Shadow};
use crate::evict::{Evict, Evictor, Guards, Hunt, Search};
use crate::order::{Order, Starts};
use crate::place::{Placer, place};
use crate::ready::{Filing, LaneKey, Line, Ready};
use crate::running::Running;

/// What happens behind a job that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    /// Nobody passes.
    Blocked,
    /// Nobody of its queue passes (Slurm's main loop: a partition whose first job waits is left alone).
    Queue,
    /// Nobody of its top-level tenant passes (a virtual cluster, where those are tenants).
    Tenant,
    /// Everybody may pass.
    Skip,
    /// Those pass who do not delay it (EASY).
    Easy(Estimates, Passing),
}

/// The parts of a pipeline.
pub struct Parts {
    /// Who goes first.
    pub order: Box<dyn Order>,
    /// Where a gang goes.
    pub placer: Placer,
    /// What happens behind a job that does not fit.
    pub behind: Behind,
    /// Who may be evicted, if anybody.
    pub evict: Option<Evict>,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { placer, behind, evict, .. } = self;
        f.debug_struct("Parts")
            .field("placer", placer)
            .field("behind", behind)
            .field("evict", evict)
            .finish_non_exhaustive()
    }
}

/// A policy made of parts.
#[derive(Debug)]
pub struct Pipeline {
    parts: Parts,
    guards: Guards,
    ready: Ready,
    /// The same jobs, the shortest first: for [`Passing::Shortest`].
    shortest: Ready,
    /// Possible victims.
    running: Running,
    /// Placed jobs by their expected ends, for EASY.
    ends: Running,
    search: Search,
    shadow: Shadow,
    starts: Starts,
    round: Round,
}

struct FiledBy<'a>(&'a Parts);

impl Filing for FiledBy<'_> {
    const PLAIN_RANKS: bool = true;

    fn rank(&self, draft: &Draft<'_>, job: JobId) -> u64 {
        self.0.order.rank(draft, job)
    }

    fn lane(&self, draft: &Draft<'_>, job: JobId) -> LaneKey {
        let spec = &draft.state().job(job).spec;
        let tenant = match self.0.behind {
            _ if self.0.order.by_tenant() => spec.tenant,
            Behind::Tenant => draft.state().tenants().top(spec.tenant),
            _ => TenantId(0),
        };
        let queue = if self.0.behind == Behind::Queue { spec.queue } else { QueueId(0) };
        let bucket = match self.0.behind {
            Behind::Easy(estimates, _) => Estimates::bucket(estimates.remaining(draft, job)),
            _ => 0,
        };
        let (stage, _) = self.0.order.stage(draft, job);
        LaneKey { class: spec.class, tenant, queue, bucket, stage, tier: self.0.order.tier(draft, job), first_place: 0 }
    }

    fn until(&self, draft: &Draft<'_>, job: JobId) -> Time {
        self.0.order.stage(draft, job).1
    }

    fn line(&self, draft: &Draft<'_>, job: JobId) -> Option<Line> {
        self.0.order.line(draft, job)
    }
}

impl Policy for Pipeline {
    fn needs(&self) -> Needs {
        let oracle = self.parts.order.clairvoyant() || matches!(self.parts.behind, Behind::Easy(Estimates::True, _));
        Needs {
            oracle,
            triggers: Triggers::FREED
                .and(Triggers::ARRIVED)
                .and(self.parts.order.triggers())
                .and(self.guard_triggers()),
            usage_half_life: self.parts.order.usage_half_life(),
        }
    }

    fn decide(&mut self, _now: Time, draft: &mut Draft<'_>) {
        self.parts.order.follow(draft);
        self.ready.sync(draft, &FiledBy(&self.parts));
        if let Some(rule) = self.parts.evict {
            self.running.sync(draft, &Hunt { rule, guards: &self.guards, order: &*self.parts.order });
            self.search.open(&self.guards, draft);
        }
        self.sync_backfill(draft);
        self.starts.clear();
        self.open_round(draft);
        while let Some(at) = self.best() {
            let Candidate { lane, job, .. } = self.round.lanes[at];
            if self.start(draft, job) {
                self.advance(draft, at, lane);
                continue;
            }
            self.note_failure(draft, job);
            let head = job.1;
            match self.parts.behind {
                Behind::Skip => self.drop_alike(draft, at, head),
                Behind::Queue | Behind::Tenant => self.drop_part(draft, head),
                Behind::Blocked => {
                    draft.refuse_rest(Reason::BehindHead { head });
                    break;
                }
                Behind::Easy(estimates, _) => {
                    self.drop_alike(draft, at, head);
                    self.backfill(draft, head, estimates);
                    break;
                }
            }
        }
        self.round.epoch = draft.state().freed_epoch();
        if self.round.started || !draft.state().live().is_empty() {
            self.parts.order.look_again(draft.now()).into_iter().for_each(|at| draft.wake_at(at));
        }
        if self.round.held_until != Time::NEVER {
            draft.wake_at(self.round.held_until);
        }
    }
}

impl Pipeline {
    /// A policy of these parts.
    pub fn new(parts: Parts) -> Self {
        Self {
            parts,
            guards: Guards::default(),
            ready: Ready::default(),
            shortest: Ready::default(),
            running: Running::default(),
            ends: Running::default(),
            search: Search::default(),
            shadow: Shadow::default(),
            starts: Starts::default(),
            round: Round::default(),
        }
    }

    /// The same with guards on preemption.
    #[must_use]
    pub fn guarded(self, guards: Guards) -> Self {
        Self { guards, ..self }
    }

    fn guard_triggers(&self) -> Triggers {
        if self.parts.evict.is_some() { self.guards.triggers() } else { Triggers::NONE }
    }

    /// Whether what failed in an earlier round may have become possible by the passing of time alone, or because a job that an
    /// operator put first started in it before others that may evict it.
    fn forgets(&self) -> bool {
        self.parts.evict.is_some() && (self.guards.watch_time() || self.round.first_started + 1 == self.round.number)
    }

    /// Collects the lanes worth a look.
    ///
    /// While nothing became free, a class that failed fails again. Where everybody may pass, all lanes were tried to
    /// their end, so only those that got a job since can have anything new.
    fn open_round(&mut self, draft: &Draft<'_>) {
        let epoch = draft.state().freed_epoch();
        self.round.number += 1;
        let forgets = self.forgets();
        let round = &mut self.round;
        round.evicted = false;
        round.started = false;
        round.passing = Passing::Queue;
        round.held_until = Time::NEVER;
        for class in round.failed.len()..draft.state().classes() {
            let for_all = draft.state().class(ClassId::new(class)).shape.groups.len() == 1;
            round.failed.push(Failed { at: 0, round: 0, rank: (Tier::FIRST, 0), for_all, held: None });
            round.restless |= !for_all;
        }
        round.failed_in_spare.resize(draft.state().classes(), 0);
        round.lanes.clear();
        self.ready.take_touched(&mut round.touched);
        round.touched.sort_unstable();
        round.touched.dedup();
        if round.epoch == epoch && !round.restless && !forgets && self.parts.behind == Behind::Skip {
            for at in 0..self.round.touched.len() {
                self.enter(draft, self.round.touched[at], epoch);
            }
        } else {
            for at in 0..self.ready.active().len() {
                self.enter(draft, self.ready.active()[at], epoch);
            }
        }
    }

    fn enter(&mut self, draft: &Draft<'_>, lane: u32, epoch: u64) {
        let entry = self.ready.lane(lane);
        let Some(job) = entry.head() else { return };
        let failed =
            self.parts.behind == Behind::Skip && self.has_failed(entry.key.class, epoch, (entry.key.into(), job.0));
        if !failed {
            let tenant = self.tenant_rank(draft, entry.key);
            let score = self.parts.order.score(draft, job.1, job.0);
            self.round.lanes.push(Candidate { lane, tier: entry.key.into(), tenant, score, job });
        }
    }

    /// Whether a job of this class and rank must fail because another did. Room that is lacking is lacking for all;
    /// who may be evicted depends on the rank, and a job that goes before the one that failed may evict more.
    ///
    /// That holds for gangs of one task group. Several groups are packed greedily, and greedy packing can succeed where
    /// there is less room: such a class is tried again in every round.
    fn has_failed(&self, class: ClassId, epoch: u64, rank: (Tier, u64)) -> bool {
        let failed = self.round.failed[class.index()];
        let fresh = !self.forgets() || failed.round == self.round.number;
        let still_holds = failed.at == epoch && failed.for_all && !self.round.evicted && fresh;
        still_holds && (self.parts.evict.is_none() || rank >= failed.rank)
    }

    fn tenant_rank(&self, draft: &Draft<'_>, key: LaneKey) -> [u64; 2] {
        self.parts.order.tenant_rank(draft, key.tenant, &self.starts).unwrap_or_default()
    }

    /// The lane whose job goes first.
    fn best(&self) -> Option<usize> {
        let lanes = self.round.lanes.iter().enumerate();
        let key = |candidate: &Candidate| (candidate.tier, candidate.tenant, candidate.score, candidate.job.1);
        lanes.min_by_key(|(_, candidate)| key(candidate)).map(|(at, _)| at)
    }

    /// Starts `job` if it fits, or can be made to fit.
    fn start(&mut self, draft: &mut Draft<'_>, (rank, job): (u64, JobId)) -> bool {
        let class = draft.state().job(job).spec.class;
        let tier = self.tier(draft, job);
        if self.has_failed(class, draft.state().freed_epoch(), (tier, rank)) {
            return false;
        }
        if place(self.parts.placer, draft, job) {
            return self.settle(draft, job);
        }
        let fits = self.evict_for(draft, job, rank);
        if fits && !self.round.evicted {
            self.reopen(draft);
        }
        fits && self.settle(draft, job)
    }

    /// After the first eviction of a round: jobs that failed in earlier rounds may use what the evicted leave over.
    /// Those that failed in this round went before the evictor and could have evicted the same jobs. Where not everybody may
    /// pass, all lanes were in the round from its start, and stay out when they are behind somebody.
    fn reopen(&mut self, draft: &Draft<'_>) {
        self.round.evicted = true;
        if self.parts.behind != Behind::Skip {
            return;
        }
        for at in 0..self.ready.active().len() {
            let lane = self.ready.active()[at];
            let class = self.ready.lane(lane).key.class;
            let in_round = self.round.lanes.iter().any(|candidate| candidate.lane == lane);
            if !in_round && self.round.failed[class.index()].round != self.round.number {
                self.enter(draft, lane, draft.state().freed_epoch());
            }
        }
    }

    fn evict_for(&mut self, draft: &mut Draft<'_>, job: JobId, rank: u64) -> bool {
        let Some(rule) = self.parts.evict else { return false };
        let (hunt, evictor) = (Hunt { rule, guards: &self.guards, order: &*self.parts.order }, Evictor { job, rank });
        let found = self.search.evict(hunt, self.parts.placer, draft, &self.running, evictor);
        let class = draft.state().job(job).spec.class;
        self.round.failed[class.index()].held = found.err();
        self.round.held_until = found.err().map_or(self.round.held_until, |held| self.round.held_until.min(held.until));
        found.is_ok()
    }

    /// Turns the open placement into a start.
    fn settle(&mut self, draft: &mut Draft<'_>, job: JobId) -> bool {
        if draft.start(job).is_err() {
            return false;
        }
        self.ready.remove(job);
        self.round.started = true;
        if draft.state().job(job).is_first() {
            self.round.first_started = self.round.number;
        }
        self.note_start(draft, job);
        if self.parts.order.by_tenant() {
            let (tenant, milli) = (draft.state().tenant_of(job), draft.state().class_of(job).gpu_milli);
            self.starts.add(draft, tenant, milli);
        }
        true
    }

    /// After a start: the next job of the lane takes its place, and tenants have new ranks.
    fn advance(&mut self, draft: &Draft<'_>, at: usize, lane: u32) {
        match self.waiting().lane(lane).head() {
            Some(job) => self.put_forward(draft, at, job),
            None => drop(self.round.lanes.swap_remove(at)),
        }
        self.rank_tenants(draft);
    }

    /// Makes `job` the one that stands for its lane.
    fn put_forward(&mut self, draft: &Draft<'_>, at: usize, job: (u64, JobId)) {
        let score = self.score(draft, job);
        let candidate = &mut self.round.lanes[at];
        (candidate.score, candidate.job) = (score, job);
    }

    fn rank_tenants(&mut self, draft: &Draft<'_>) {
        if !self.parts.order.by_tenant() || self.round.passing == Passing::Shortest {
            return;
        }
        for at in 0..self.round.lanes.len() {
            let key = self.ready.lane(self.round.lanes[at].lane).key;
            // An order that only keeps tenants apart ranks none.
            let Some(rank) = self.parts.order.tenant_rank(draft, key.tenant, &self.starts) else { return };
            self.round.lanes[at].tenant = rank;
        }
    }
}
