//! Whom fair sharing stops for whom, and what it expects that to cost.

use std::convert::Infallible;

use engine::{Draft, JobId};

use crate::evict::{Victims, at_risk};

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
    at_risk(draft, victim, draft.state().job(victim).spec.restart.unwrap_or_default())
}
