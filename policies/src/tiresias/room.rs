//! Room for a waiting job: which placed jobs have to go.

use engine::{Bill, Draft, JobId, TaskGroup};

use super::placed::Placed;
use crate::evict::widest;
use crate::place::{Placer, place};
use crate::potential::Potential;

/// Who may be evicted: jobs of levels from `lowest` on; on that level itself only later submissions, where `later` says so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prey {
    pub(crate) lowest: u64,
    pub(crate) later: Option<JobId>,
}

/// Reused memory of the search.
#[derive(Debug, Default)]
pub(crate) struct Room {
    potential: Potential,
    /// Victims so far, the first to go first.
    victims: Vec<JobId>,
}

impl Room {
    /// Evicts as few of the first victims as it takes to place `job`, and takes its gang into the open placement. Returns
    /// the evicted; `None`, and nothing changed, when not even all victims would do.
    ///
    /// Victims are counted, per node, until the gang could fit; only then the draft is changed and the gang placed.
    pub(crate) fn make(
        &mut self,
        placer: Placer,
        draft: &mut Draft<'_>,
        placed: &Placed,
        job: JobId,
        prey: Prey,
    ) -> Option<Vec<JobId>> {
        let class = draft.state().class_of(job);
        let (need, widest) = (class.gpu_milli_min, widest(&class.shape.groups));
        let mut freed = draft.cluster().free_gpu_milli();
        if freed.saturating_add(placed.milli(prey.lowest)) < need {
            return None;
        }
        self.victims.clear();
        self.potential.clear(draft.cluster().len());
        let mut slots = draft.cluster().slots(&widest.request);
        let (mut try_at, mut tried) = (0, usize::MAX);
        for (level, victim) in placed.victims(prey.lowest) {
            if level == prey.lowest && prey.later.is_some_and(|job| victim < job) {
                continue;
            }
            freed += engine::placement::gpu_milli(&draft.state().job(victim).placement);
            slots = slots.saturating_add(self.potential.release(draft, victim, &widest));
            self.victims.push(victim);
            let could_fit = freed >= need && slots >= u64::from(widest.tasks_min);
            if could_fit && self.victims.len() >= try_at {
                if let Some(evicted) = self.carry_out(placer, draft, job, &widest) {
                    return Some(evicted);
                }
                // Something that is not counted stands in the way (CPU, memory, other groups): look again later.
                tried = self.victims.len();
                try_at = tried + tried / 4 + 1;
            }
        }
        // The last look may have been skipped.
        if tried == usize::MAX || tried == self.victims.len() {
            return None;
        }
        self.carry_out(placer, draft, job, &widest)
    }

    /// Evicts the victims on nodes that could hold a task, takes those back that need not go, and places the gang.
    fn carry_out(&self, placer: Placer, draft: &mut Draft<'_>, job: JobId, widest: &TaskGroup) -> Option<Vec<JobId>> {
        let mark = draft.mark();
        let size = widest.request.gpus.count();
        let several = draft.state().class_of(job).shape.groups.len() > 1;
        let mut evicted = Vec::new();
        for victim in &self.victims {
            let placement = &draft.state().job(*victim).placement;
            let useful = several || placement.iter().any(|slice| self.potential.of(draft, slice.node) >= size);
            if useful && draft.preempt_for(*victim, bill(draft, job, *victim)).is_ok() {
                evicted.push(*victim);
            }
        }
        if !fits(placer, draft, job) {
            draft.rollback(mark);
            return None;
        }
        // The best of them first: it stays if the gang has room without it.
        for at in (0..evicted.len()).rev() {
            let before = draft.mark();
            if draft.reprieve(evicted[at]) {
                if fits(placer, draft, job) {
                    evicted.remove(at);
                } else {
                    draft.rollback(before);
                }
            }
        }
        place(placer, draft, job).then_some(evicted)
    }
}

/// A victim costs what it needs to start again; a victim that is told to stop is expected to save first.
fn bill(draft: &Draft<'_>, by: JobId, victim: JobId) -> Bill {
    let job = draft.state().job(victim);
    let milli = engine::placement::gpu_milli(&job.placement);
    let restart = job.spec.restart.unwrap_or_default();
    Bill { by: Some(by), predicted: u128::from(milli) * u128::from(restart.0) }
}

fn fits(placer: Placer, draft: &mut Draft<'_>, job: JobId) -> bool {
    let mark = draft.mark();
    let fits = place(placer, draft, job);
    draft.rollback(mark);
    fits
}
