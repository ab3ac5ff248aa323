//! Room for a waiting job: which placed jobs have to go.

use engine::placement::gpu_milli;
use engine::{Draft, JobId};

use super::placed::Placed;
use crate::evict::{Clearing, Seeker, Victims};
use crate::place::Placer;

/// Who may be evicted: jobs of levels from `lowest` on; on that level itself only later submissions, where `later` says so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prey {
    pub(crate) lowest: u64,
    pub(crate) later: Option<JobId>,
}

struct Levels<I>(I);

impl<I: Iterator<Item = JobId>> Victims for Levels<I> {
    type Refusal = std::convert::Infallible;

    fn next(&mut self, _draft: &Draft<'_>) -> Option<JobId> {
        self.0.next()
    }

    /// A victim costs what it needs to start again; a victim that is told to stop is expected to save first.
    fn price(&self, draft: &Draft<'_>, victim: JobId) -> u128 {
        let job = draft.state().job(victim);
        u128::from(gpu_milli(&job.placement)) * u128::from(job.spec.restart.unwrap_or_default().0)
    }
}

/// Evicts as few of the first victims as it takes to place `job`, and takes its gang into the open placement. Returns the
/// evicted; `None`, and nothing changed, when not even all victims would do.
pub(crate) fn make(
    clearing: &mut Clearing,
    placer: Placer,
    draft: &mut Draft<'_>,
    placed: &Placed,
    job: JobId,
    prey: Prey,
) -> Option<Vec<JobId>> {
    let most = draft.cluster().free_gpu_milli().saturating_add(placed.milli(prey.lowest));
    if most < draft.state().class_of(job).gpu_milli_min {
        return None;
    }
    let earlier = |level: u64, victim: JobId| level == prey.lowest && prey.later.is_some_and(|job| victim < job);
    let victims = placed.victims(prey.lowest).filter(|(level, victim)| !earlier(*level, *victim));
    let Ok(made) =
        clearing.make_room(draft, Seeker::anywhere(placer, job), &mut Levels(victims.map(|(_, victim)| victim)));
    made.then(|| clearing.gone.clone())
}
