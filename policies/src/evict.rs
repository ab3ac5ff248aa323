//! Who has to go, when a waiting job should run and does not fit.

use engine::{Draft, JobId, TaskGroup};

use crate::order::{Length, by_deadline, by_priority, service};
use crate::place::{Placer, place};
use crate::potential::Potential;
use crate::running::{Running, Sorting, Standing};

/// The rule that ranks victims and says who may evict whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evict {
    /// A job evicts those with more work left (SRTF, SRSF); the longest goes first.
    Longer(Length),
    /// A job evicts those of lower priority: the lowest priority first, in it the least work lost.
    /// Never a cycle, as priorities do not change.
    LowerPriority,
    /// A job evicts those with a later deadline, or with none: the latest first (EDF).
    /// Never a cycle, as deadlines do not change.
    LaterDeadline,
}

/// Rank of a victim: smaller goes first.
type VictimRank = (u64, u64);

impl Sorting for Evict {
    /// Inside a group, all ranks move alike with time.
    fn standing(&self, draft: &Draft<'_>, id: JobId) -> Option<Standing> {
        let job = draft.state().job(id);
        if !job.spec.preemptible {
            return None;
        }
        let milli = engine::placement::gpu_milli(&job.placement).min(u64::from(u32::MAX));
        match self {
            Self::Longer(length) => {
                let left = draft.oracle()?.work(id)? - job.work_at_start;
                let since = job.running_since.known().unwrap_or(job.placed + job.owed);
                let finish = since + job.rate.time_for(left);
                let width = if *length == Length::RemainingService { milli } else { 0 };
                Some((u64::from(job.rate.as_ppm()) << 32 | width, -i64::try_from(finish.0).unwrap_or(i64::MAX)))
            }
            Self::LaterDeadline => Some((0, -i64::try_from(by_deadline(job)).unwrap_or(i64::MAX))),
            Self::LowerPriority => {
                let safe = job.saved_at.known().unwrap_or(job.placed).0;
                let priority = (i64::from(job.spec.priority) - i64::from(i32::MIN)) as u64;
                Some((priority << 32 | milli, -i64::try_from(safe).unwrap_or(i64::MAX)))
            }
        }
    }
}

impl Evict {
    /// Rank of a victim. It is in the measure in which waiting jobs are ranked, so that a job which runs never ranks
    /// behind itself waiting: otherwise two jobs could evict each other for ever.
    fn rank(self, draft: &Draft<'_>, id: JobId) -> VictimRank {
        let job = draft.state().job(id);
        let milli = engine::placement::gpu_milli(&job.placement);
        match self {
            Self::Longer(length) => {
                let left = draft.oracle().and_then(|oracle| oracle.remaining(id, draft.now())).map_or(0, |span| span.0);
                (u64::MAX - if length == Length::RemainingService { service(left, milli) } else { left }, 0)
            }
            Self::LaterDeadline => (u64::MAX - by_deadline(job), 0),
            Self::LowerPriority => {
                let safe = job.saved_at.known().unwrap_or(job.placed);
                let priority = (i64::from(job.spec.priority) - i64::from(i32::MIN)) as u64;
                (priority, service(draft.now().since(safe).0, milli))
            }
        }
    }

    /// Whether a waiting job of rank `rank` may evict a victim. Once it may not, it may evict none that comes later.
    fn allows(self, draft: &Draft<'_>, job: JobId, rank: u64, victim: VictimRank) -> bool {
        match self {
            Self::Longer(_) | Self::LaterDeadline => u64::MAX - victim.0 > rank,
            Self::LowerPriority => {
                let own = u64::from(u32::MAX) - by_priority(draft.state().job(job));
                victim.0 < own
            }
        }
    }
}

/// Reused memory of the search.
#[derive(Debug, Default)]
pub(crate) struct Search {
    /// What nodes would have if all victims so far were gone.
    potential: Potential,
    victims: Vec<JobId>,
}

impl Search {
    /// Evicts as few of the first victims as it takes to place `job`, and takes its gang into the open placement.
    /// `false`, and nothing changed, when not even all victims that it may evict would do.
    ///
    /// Victims are counted, per node, until the gang could fit; only then the draft is changed and the gang placed.
    /// Then victims are taken back, best first, as long as the gang still fits.
    pub(crate) fn evict(
        &mut self,
        rule: Evict,
        placer: Placer,
        draft: &mut Draft<'_>,
        running: &Running,
        job: JobId,
        rank: u64,
    ) -> bool {
        self.victims.clear();
        self.potential.clear(draft.cluster().len());
        // The next victim of each group with its rank, which is computed once: it takes a look at the job.
        let mut cursors: Vec<_> = Vec::new();
        for (_, mut members) in running.groups() {
            let next = members.next().map(|(_, victim)| (rule.rank(draft, victim), victim));
            cursors.push((next, members));
        }
        let class = draft.state().class_of(job);
        let (need, widest) = (class.gpu_milli_min, widest(&class.shape.groups));
        let mut freed = draft.cluster().free_gpu_milli();
        let mut slots = draft.cluster().slots(&widest.request);
        let mut try_at = 0;
        loop {
            let heads =
                cursors.iter().enumerate().filter_map(|(at, (next, _))| next.map(|(rank, victim)| (rank, at, victim)));
            let Some((victim_rank, at, victim)) = heads.min_by_key(|(rank, at, _)| (*rank, *at)) else { break };
            cursors[at].0 = cursors[at].1.next().map(|(_, victim)| (rule.rank(draft, victim), victim));
            if !rule.allows(draft, job, rank, victim_rank) {
                break;
            }
            if !draft.is_placed(victim) {
                continue;
            }
            freed += engine::placement::gpu_milli(&draft.state().job(victim).placement);
            slots = slots.saturating_add(self.potential.release(draft, victim, &widest));
            self.victims.push(victim);
            let could_fit = freed >= need && slots >= u64::from(widest.tasks_min);
            if could_fit && self.victims.len() >= try_at {
                if self.carry_out(placer, draft, job, &widest) {
                    return true;
                }
                // Something that is not counted stands in the way (CPU, memory, other groups): look again later.
                try_at = self.victims.len() + self.victims.len() / 4 + 1;
            }
        }
        // The last look may have been skipped.
        try_at > 0
            && freed >= need
            && slots >= u64::from(widest.tasks_min)
            && self.carry_out(placer, draft, job, &widest)
    }

    /// Evicts the victims on nodes that could hold a task, places the gang, and takes victims back that need not go.
    fn carry_out(&self, placer: Placer, draft: &mut Draft<'_>, job: JobId, widest: &TaskGroup) -> bool {
        let mark = draft.mark();
        let size = widest.request.gpus.count();
        let several = draft.state().class_of(job).shape.groups.len() > 1;
        let mut evicted = Vec::new();
        for victim in &self.victims {
            let placement = &draft.state().job(*victim).placement;
            let useful = several || placement.iter().any(|slice| self.potential.of(draft, slice.node) >= size);
            if useful && draft.preempt(*victim).is_ok() {
                evicted.push(*victim);
            }
        }
        if !fits(placer, draft, job) {
            draft.rollback(mark);
            return false;
        }
        for victim in evicted.iter().rev() {
            let before = draft.mark();
            if draft.reprieve(*victim) && !fits(placer, draft, job) {
                draft.rollback(before);
            }
        }
        place(placer, draft, job)
    }
}

fn fits(placer: Placer, draft: &mut Draft<'_>, job: JobId) -> bool {
    let mark = draft.mark();
    let fits = place(placer, draft, job);
    draft.rollback(mark);
    fits
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
