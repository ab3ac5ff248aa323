//! Another policy that also moves jobs at given instants.

use engine::{Bill, Draft, JobId, Needs, Policy, Slice, Time, Triggers};

/// Jobs that change places at one instant, with their new places.
#[derive(Clone, Debug)]
pub(crate) struct Move {
    pub(crate) at: Time,
    pub(crate) jobs: Vec<(JobId, Vec<Slice>)>,
}

/// The policy.
pub(crate) struct Movers {
    pub(crate) inner: Box<dyn Policy>,
    pub(crate) moves: Vec<Move>,
    pub(crate) bill: Bill,
}

impl Policy for Movers {
    fn needs(&self) -> Needs {
        let needs = self.inner.needs();
        Needs { triggers: needs.triggers.and(Triggers::WOKE), ..needs }
    }

    fn decide(&mut self, now: Time, draft: &mut Draft<'_>) {
        self.inner.decide(now, draft);
        for one in self.moves.iter().filter(|one| one.at == now) {
            // A job that is placed at this instant has moved already.
            let settled = |job: &JobId| draft.is_placed(*job) && draft.state().job(*job).placed < now;
            if one.jobs.iter().all(|(job, _)| settled(job)) {
                self.shuffle(draft, &one.jobs);
            }
        }
        if let Some(next) = self.moves.iter().map(|one| one.at).filter(|at| *at > now).min() {
            draft.wake_at(next);
        }
    }
}

impl Movers {
    fn shuffle(&self, draft: &mut Draft<'_>, jobs: &[(JobId, Vec<Slice>)]) {
        for (job, _) in jobs {
            draft.lift(*job).unwrap();
        }
        for (job, slices) in jobs {
            assert!(slices.iter().all(|slice| draft.take_slice(*slice)), "the new place of {job} is not free");
            draft.land(*job, self.bill).unwrap();
        }
    }
}
