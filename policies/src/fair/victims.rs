//! Whom fair sharing stops for whom, and what it expects that to cost.

use std::convert::Infallible;

use engine::placement::gpu_milli;
use engine::{Draft, JobId};

use crate::evict::Victims;

/// Victims in the order in which a function names them.
pub(crate) struct InOrder<F>(pub(crate) F);

impl<F: FnMut(&Draft<'_>) -> Option<JobId>> Victims for InOrder<F> {
    type Refusal = Infallible;

    fn next(&mut self, draft: &Draft<'_>) -> Option<JobId> {
        self.0(draft)
    }

    fn price(&self, draft: &Draft<'_>, victim: JobId) -> u128 {
        price(draft, victim)
    }
}

/// Work that is not safe, and the restart where it is known (thousandths of a GPU x microseconds).
pub(crate) fn price(draft: &Draft<'_>, victim: JobId) -> u128 {
    let job = draft.state().job(victim);
    let lost = job.work_at_risk(draft.now()) + job.spec.restart.unwrap_or_default();
    u128::from(gpu_milli(&job.placement)) * u128::from(lost.0)
}
