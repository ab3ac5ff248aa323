//! Room for a waiting job: as few of the first victims as it takes, in an order that the caller gives.
//!
//! Victims are counted, per node, until the gang could fit; only then the draft is changed and the gang placed. Then victims
//! are taken back, the last one first, as long as the gang still fits.

use engine::placement::gpu_milli;
use engine::{Bill, Draft, JobId, ModelSet, TaskGroup};

use super::widest;
use crate::place::{Placer, place_on};
use crate::potential::Potential;

/// A waiting job, and where it may go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seeker {
    pub(crate) placer: Placer,
    pub(crate) job: JobId,
    /// Of these GPU models only.
    pub(crate) models: ModelSet,
}

impl Seeker {
    /// A job that may go wherever it fits.
    pub(crate) fn anywhere(placer: Placer, job: JobId) -> Self {
        Self { placer, job, models: ModelSet::ANY }
    }

    fn place(self, draft: &mut Draft<'_>) -> bool {
        place_on(self.placer, draft, self.job, self.models)
    }

    fn fits(self, draft: &mut Draft<'_>) -> bool {
        let mark = draft.mark();
        let fits = self.place(draft);
        draft.rollback(mark);
        fits
    }

    /// Its group whose tasks need most GPUs.
    fn widest(self, draft: &Draft<'_>) -> TaskGroup {
        let mut widest = widest(&draft.state().class_of(self.job).shape.groups);
        widest.request.models = widest.request.models.and(self.models);
        widest
    }
}

/// Who may go for a job, in which order, and at what price.
pub(crate) trait Victims {
    /// Why a set of victims may not go after all.
    type Refusal;

    /// The next that may go.
    fn next(&mut self, draft: &Draft<'_>) -> Option<JobId>;

    /// What stopping it is expected to cost, in thousandths of a GPU x microseconds.
    fn price(&self, draft: &Draft<'_>, victim: JobId) -> u128;

    /// A last look at those that really go.
    fn admit(&mut self, _draft: &Draft<'_>, _gone: &[JobId]) -> Result<(), Self::Refusal> {
        Ok(())
    }
}

/// Reused memory of the search.
#[derive(Debug, Default)]
pub(crate) struct Clearing {
    /// What nodes would have if all victims so far were gone.
    potential: Potential,
    victims: Vec<JobId>,
    /// Who really went in the last search that succeeded.
    pub(crate) gone: Vec<JobId>,
}

impl Clearing {
    /// Stops as few of the first victims as it takes to place a job, and takes its gang into the open placement. `false` or
    /// an error, and nothing changed, when not even all of them would do, or when they may not go.
    pub(crate) fn make_room<V: Victims>(
        &mut self,
        draft: &mut Draft<'_>,
        seeker: Seeker,
        from: &mut V,
    ) -> Result<bool, V::Refusal> {
        self.victims.clear();
        self.potential.clear(draft.cluster().len());
        let (need, widest) = (draft.state().class_of(seeker.job).gpu_milli_min, seeker.widest(draft));
        let mut freed = draft.cluster().free_gpu_milli();
        let mut slots = draft.cluster().slots(&widest.request);
        let (mut tried, mut try_at) = (0, 1);
        while let Some(victim) = from.next(draft) {
            if !draft.is_placed(victim) {
                continue;
            }
            freed += gpu_milli(&draft.state().job(victim).placement);
            slots = slots.saturating_add(self.potential.release(draft, victim, &widest));
            self.victims.push(victim);
            let could_fit = freed >= need && slots >= u64::from(widest.tasks_min);
            if could_fit && self.victims.len() >= try_at {
                if self.carry_out(draft, seeker, from)? {
                    return Ok(true);
                }
                // Something that is not counted stands in the way (CPU, memory, other groups): look again later.
                tried = self.victims.len();
                try_at = tried + tried / 4 + 1;
            }
        }
        // The last look may have been skipped.
        if (1..self.victims.len()).contains(&tried) { self.carry_out(draft, seeker, from) } else { Ok(false) }
    }

    /// Stops the victims on nodes that could hold a task, takes those back that need not go, and places the gang.
    fn carry_out<V: Victims>(
        &mut self,
        draft: &mut Draft<'_>,
        seeker: Seeker,
        from: &mut V,
    ) -> Result<bool, V::Refusal> {
        let mark = draft.mark();
        let size = seeker.widest(draft).request.gpus.count();
        let several = draft.state().class_of(seeker.job).shape.groups.len() > 1;
        self.gone.clear();
        for victim in &self.victims {
            let placement = &draft.state().job(*victim).placement;
            let useful = several || placement.iter().any(|slice| self.potential.of(draft, slice.node) >= size);
            let bill = Bill { by: Some(seeker.job), predicted: from.price(draft, *victim) };
            if useful && draft.preempt_for(*victim, bill).is_ok() {
                self.gone.push(*victim);
            }
        }
        if !seeker.fits(draft) {
            draft.rollback(mark);
            return Ok(false);
        }
        for at in (0..self.gone.len()).rev() {
            let before = draft.mark();
            if !draft.reprieve(self.gone[at]) {
                continue;
            }
            if seeker.fits(draft) {
                self.gone.remove(at);
            } else {
                draft.rollback(before);
            }
        }
        from.admit(draft, &self.gone).inspect_err(|_| draft.rollback(mark))?;
        let placed = seeker.place(draft);
        if !placed {
            draft.rollback(mark);
        }
        Ok(placed)
    }
}
