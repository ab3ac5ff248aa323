//! Whose turn comes before the GPUs are spent, as far as counts tell.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use engine::Draft;

use super::Stride;
use crate::fair::user::Ripe;
use crate::ready::Lane;

impl Stride {
    /// Counts turns out: the runs of each user before `sure` are expected to go on.
    ///
    /// It looks at no more jobs than the cluster can hold.
    pub(super) fn expect(&mut self, draft: &Draft<'_>) {
        let mut room = self.room(draft);
        let wide = self.pools.wide();
        let mut waiting: Vec<Vec<_>> = Vec::with_capacity(self.groups.len());
        waiting.resize_with(self.groups.len(), Vec::new);
        for group in self.groups.with_lanes() {
            let lanes = self.groups.lanes(group).iter().map(|lane| self.ready.lane(*lane));
            let milli = |lane: &Lane| draft.state().class(lane.key.class).gpu_milli;
            waiting[group.index()] =
                lanes.map(|lane| (lane.key.class, milli(lane), lane.jobs.iter().peekable())).collect();
        }
        let mut turns: BinaryHeap<_> = self.users.iter().enumerate().map(|(at, user)| Reverse(user.turn(at))).collect();
        while let Some(Reverse((late, pass, group, at))) = turns.pop() {
            let user = &mut self.users[at];
            let lanes = waiting[group.index()].iter_mut().enumerate();
            let able = lanes.filter(|(_, (class, ..))| self.pools.allows(*class, user.pool));
            let first = able.filter_map(|(lane, (_, _, jobs))| jobs.peek().map(|first| (**first, lane))).min();
            let run = user.runs.get(user.sure).filter(|run| first.is_none_or(|((key, _), _)| run.key <= key));
            let (need, charge) = match (run, first) {
                (Some(run), _) if run.ripe == Ripe::Now => (run.gpu_milli, run.charge),
                (Some(run), _) => (0, run.charge),
                (None, Some((_, lane))) => {
                    let (_, milli, jobs) = &mut waiting[group.index()][lane];
                    jobs.next();
                    (*milli, user.charge(*milli, self.quantum))
                }
                (None, None) => continue,
            };
            if !spend(&mut room, user.pool, wide, need) {
                continue;
            }
            if run.is_some() {
                user.rest = user.rest.saturating_add(charge);
                user.sure += 1;
            }
            turns.push(Reverse((late, pass.saturating_add(charge), group, at)));
        }
    }

    /// Thousandths of a GPU of each pool that can be given out: what is up, without runs that must be left alone.
    fn room(&mut self, draft: &Draft<'_>) -> Vec<u64> {
        let wide = self.pools.wide();
        let mut room = if wide == 0 { vec![draft.cluster().up_gpu_milli()] } else { self.pools.up(draft).to_vec() };
        for user in &self.users {
            let fixed = user.runs.iter().filter(|run| run.ripe != Ripe::Now).map(|run| run.gpu_milli);
            for milli in fixed {
                spend_up_to(&mut room, user.pool, wide, milli);
            }
        }
        room
    }
}

/// Takes `milli` from a pool, or what is there; the wide one takes from all. What was missing.
fn spend_up_to(room: &mut [u64], pool: usize, wide: usize, milli: u64) -> u64 {
    let from = if pool == wide { 0..room.len() } else { pool..pool + 1 };
    room[from].iter_mut().fold(milli, |left, room| {
        let taken = left.min(*room);
        *room -= taken;
        left - taken
    })
}

/// The same. When the pool has not so much, it is spent: nobody later is expected to have a turn there.
fn spend(room: &mut [u64], pool: usize, wide: usize, milli: u64) -> bool {
    spend_up_to(room, pool, wide, milli) == 0
}
