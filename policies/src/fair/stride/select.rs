//! The turns of a selection, and how room is made in it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use engine::{ClassId, Draft, JobId};

use super::{Stride, key};
use crate::evict::Seeker;
use crate::fair::tickets;
use crate::fair::user::{Ripe, User};
use crate::fair::victims::InOrder;
use crate::place::place_on;

/// What is given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Round {
    /// Everything.
    Anew,
    /// What is free, but nothing where GPUs are held for a gang.
    Between { held: Option<JobId> },
}

impl Stride {
    /// Users take turns until nobody who waits fits.
    pub(super) fn select(&mut self, draft: &mut Draft<'_>, round: Round) {
        let mut closed = match round {
            Round::Between { held: Some(job) } => self.closed_by(draft, job),
            _ => 0,
        };
        // Pools are charged for what is left of the round, the one account from what is really used.
        let span = match round {
            Round::Between { .. } if self.pools.by_model() => tickets::next_round(draft).since(draft.now()),
            _ => self.quantum,
        };
        let mut turns: BinaryHeap<_> = self.users.iter().enumerate().map(|(at, user)| Reverse(user.turn(at))).collect();
        let mut met = vec![false; self.groups.len()];
        while let Some(Reverse((_, _, group, at))) = turns.pop() {
            if closed >> self.users[at].pool & 1 == 1 {
                continue;
            }
            let waits = self.head(&self.users[at]);
            let run = self.users[at].next_run(waits.map(|(key, _)| key));
            let Some(first) = run.map(|run| run.job).or(waits.map(|(_, job)| job)) else { continue };
            // Whom an operator put first says nothing of how far the others have come.
            if !draft.state().job(first).is_first() && !std::mem::replace(&mut met[group.index()], true) {
                tickets::advance_jobs(draft, group, key(draft, first));
            }
            if let Some(run) = run {
                if draft.is_placed(run.job) || draft.reprieve(run.job) {
                    self.users[at].keep(&run);
                } else {
                    self.users[at].skip();
                }
            } else if let Some((_, job)) = waits {
                if self.start(draft, at, job, round) {
                    self.charge(draft, at, job, span);
                    if self.ready.active().is_empty() {
                        return;
                    }
                } else {
                    closed |= self.fail(draft, at, job, round);
                    if !self.anybody_waits() {
                        return;
                    }
                }
            }
            turns.push(Reverse(self.users[at].turn(at)));
        }
    }

    /// A job did not fit. Pools in which nobody else starts until its gang can be taken together.
    fn fail(&mut self, draft: &mut Draft<'_>, at: usize, job: JobId, round: Round) -> u64 {
        let (class, pool) = (draft.state().job(job).spec.class, self.users[at].pool);
        self.failed[class.index() * self.pools.len() + pool] = self.selection;
        draft.refuse(job, draft.shortage(class));
        if round == Round::Anew && tickets::held(draft).is_none() && self.could_soon(draft, pool, job) {
            tickets::set_held(draft, Some(job));
            return self.closed_by(draft, job);
        }
        0
    }

    /// The pools in which GPUs are held for `job`.
    fn closed_by(&self, draft: &Draft<'_>, job: JobId) -> u64 {
        let class = draft.state().job(job).spec.class;
        if self.pools.allows(class, self.pools.wide()) {
            return u64::MAX;
        }
        (0..self.pools.len()).filter(|pool| self.pools.allows(class, *pool)).fold(0, |closed, pool| closed | 1 << pool)
    }

    /// Whether jobs of a class run in a pool and may still fit there.
    fn may_fit(&self, class: ClassId, pool: usize) -> bool {
        self.pools.allows(class, pool) && self.failed[class.index() * self.pools.len() + pool] != self.selection
    }

    fn anybody_waits(&self) -> bool {
        let classes = self.ready.active().iter().map(|lane| self.ready.lane(*lane).key.class);
        classes.into_iter().any(|class| (0..self.pools.len()).any(|pool| self.may_fit(class, pool)))
    }

    /// The waiting job of a user that has come least far and may fit.
    fn head(&self, user: &User) -> Option<(u64, JobId)> {
        let lanes = self.groups.lanes(user.group).iter().map(|lane| self.ready.lane(*lane));
        let able = lanes.filter(|lane| self.may_fit(lane.key.class, user.pool));
        able.filter_map(|lane| lane.jobs.first().copied()).min()
    }

    fn start(&mut self, draft: &mut Draft<'_>, at: usize, job: JobId, round: Round) -> bool {
        let pool = self.users[at].pool;
        if !place_on(self.placer, draft, job, self.pools.models(pool)) {
            if round != Round::Anew || !self.displace(draft, pool, job) {
                return false;
            }
            self.forget_gone(draft);
        }
        if round == Round::Anew {
            self.yielding.note_taker(draft, job);
        }
        let started = draft.start(job).is_ok();
        self.ready.remove(job);
        started
    }

    /// Takes room from runs whose turn comes later, the last first, into the open placement.
    fn displace(&mut self, draft: &mut Draft<'_>, pool: usize, job: JobId) -> bool {
        let Self { users, clearing, placer, pools, .. } = self;
        let mut turns: BinaryHeap<(u64, usize, usize)> = BinaryHeap::new();
        for (at, user) in users.iter().enumerate().filter(|(_, user)| reaches(pool, user.pool, pools.wide())) {
            turns.extend(user.last_turn(user.sure, None).map(|(turn, run)| (turn, at, run)));
        }
        let next = |_: &Draft<'_>| {
            while let Some((turn, at, run)) = turns.pop() {
                let user = &users[at];
                turns.extend(user.last_turn(run, Some(turn)).map(|(turn, run)| (turn, at, run)));
                if user.runs[run].ripe == Ripe::Now {
                    return Some(user.runs[run].job);
                }
            }
            None
        };
        let seeker = Seeker { placer: *placer, job, models: pools.models(pool) };
        let Ok(made) = clearing.make_room(draft, seeker, &mut InOrder(next));
        made
    }

    /// Whether the gang would fit if runs that have not had their quantum yet were gone too.
    fn could_soon(&mut self, draft: &mut Draft<'_>, pool: usize, job: JobId) -> bool {
        let Self { users, clearing, placer, pools, .. } = self;
        let near = || users.iter().filter(|user| reaches(pool, user.pool, pools.wide()));
        let left = || near().flat_map(|user| user.runs.iter().skip(user.kept));
        if !left().any(|run| run.ripe == Ripe::Soon) {
            return false;
        }
        let mut runs = left().filter(|run| run.ripe != Ripe::No).map(|run| run.job);
        let mark = draft.mark();
        let seeker = Seeker { placer: *placer, job, models: pools.models(pool) };
        let Ok(could) = clearing.make_room(draft, seeker, &mut InOrder(|_: &Draft<'_>| runs.next()));
        draft.rollback(mark);
        could
    }

    /// Victims are no longer among the runs.
    fn forget_gone(&mut self, draft: &Draft<'_>) {
        for job in std::mem::take(&mut self.clearing.gone) {
            let group = self.level.group(draft, draft.state().tenant_of(job));
            let pool = self.pools.of(draft, &draft.state().job(job).placement);
            self.users[self.places[group.index() * self.pools.len() + pool] as usize].lose(job);
            self.stopped.push(job);
        }
    }
}

/// Whether runs of pool `other` can stand in the way of a gang of `pool`.
fn reaches(pool: usize, other: usize, wide: usize) -> bool {
    pool == other || pool == wide || other == wide
}
