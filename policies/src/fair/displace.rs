//! Making room for a waiting job by stopping runs, in an order that the caller gives.

use engine::placement::gpu_milli;
use engine::{Bill, Draft, JobId, ModelSet, TaskGroup};

use crate::evict::widest;
use crate::place::{Placer, place_on};
use crate::potential::Potential;

/// Reused memory of the search.
#[derive(Debug, Default)]
pub(crate) struct Displacement {
    potential: Potential,
    victims: Vec<JobId>,
    /// Who really went in the last search that succeeded.
    pub(crate) gone: Vec<JobId>,
}

/// What it is expected to cost to stop a run: work that is not safe, and the restart where it is known
/// (thousandths of a GPU x microseconds).
pub(crate) fn bill(draft: &Draft<'_>, victim: JobId, by: Option<JobId>) -> Bill {
    let job = draft.state().job(victim);
    let lost = job.work_at_risk(draft.now()) + job.spec.restart.unwrap_or_default();
    Bill { by, predicted: u128::from(gpu_milli(&job.placement)) * u128::from(lost.0) }
}

impl Displacement {
    /// Stops as few of the first victims as it takes to place `job`, and takes its gang into the open placement.
    /// On nodes of `models` only. `false`, and nothing changed, when not all of them would do.
    ///
    /// As in the search of `Evict`: victims are counted, per node, until the gang could fit; only then the draft is
    /// changed. Then victims are taken back, the last one first, as long as the gang still fits.
    pub(crate) fn make_room(
        &mut self,
        placer: Placer,
        draft: &mut Draft<'_>,
        (job, models): (JobId, ModelSet),
        next: &mut dyn FnMut(&Draft<'_>) -> Option<JobId>,
    ) -> bool {
        self.victims.clear();
        self.potential.clear(draft.cluster().len());
        let class = draft.state().class_of(job);
        let (need, mut widest) = (class.gpu_milli_min, widest(&class.shape.groups));
        widest.request.models = widest.request.models.and(models);
        let mut freed = draft.cluster().free_gpu_milli();
        let mut slots = draft.cluster().slots(&widest.request);
        let mut try_at = 0;
        let could_fit = |freed: u64, slots: u64| freed >= need && slots >= u64::from(widest.tasks_min);
        while let Some(victim) = next(draft) {
            if !draft.is_placed(victim) {
                continue;
            }
            freed += gpu_milli(&draft.state().job(victim).placement);
            slots = slots.saturating_add(self.potential.release(draft, victim, &widest));
            self.victims.push(victim);
            if could_fit(freed, slots) && self.victims.len() >= try_at {
                if self.carry_out(placer, draft, (job, models), &widest) {
                    return true;
                }
                // Something that is not counted stands in the way (CPU, memory, other groups): look again later.
                try_at = self.victims.len() + self.victims.len() / 4 + 1;
            }
        }
        // The last look may have been skipped.
        self.victims.len() < try_at && could_fit(freed, slots) && self.carry_out(placer, draft, (job, models), &widest)
    }

    fn carry_out(
        &mut self,
        placer: Placer,
        draft: &mut Draft<'_>,
        (job, models): (JobId, ModelSet),
        widest: &TaskGroup,
    ) -> bool {
        let mark = draft.mark();
        let size = widest.request.gpus.count();
        let several = draft.state().class_of(job).shape.groups.len() > 1;
        self.gone.clear();
        for victim in &self.victims {
            let placement = &draft.state().job(*victim).placement;
            let useful = several || placement.iter().any(|slice| self.potential.of(draft, slice.node) >= size);
            let bill = bill(draft, *victim, Some(job));
            if useful && draft.preempt_for(*victim, bill).is_ok() {
                self.gone.push(*victim);
            }
        }
        if !fits(placer, draft, job, models) {
            draft.rollback(mark);
            return false;
        }
        for at in (0..self.gone.len()).rev() {
            let before = draft.mark();
            if draft.reprieve(self.gone[at]) {
                if fits(placer, draft, job, models) {
                    self.gone.remove(at);
                } else {
                    draft.rollback(before);
                }
            }
        }
        place_on(placer, draft, job, models)
    }
}

/// Whether the gang of `job` has room now.
pub(crate) fn fits(placer: Placer, draft: &mut Draft<'_>, job: JobId, models: ModelSet) -> bool {
    let mark = draft.mark();
    let fits = place_on(placer, draft, job, models);
    draft.rollback(mark);
    fits
}
