//! Highest response ratio next.

use engine::{Draft, JobId};

use super::{Line, Order, Score};
use crate::easy::Estimates;

/// The highest response ratio (waited + s) / s first, s the run time that is left (Brinch Hansen, 1971).
///
/// A job waits since it was last ready. One whose run time nobody knows has the ratio 1 for ever: it comes last.
#[derive(Clone, Copy, Debug)]
pub struct ResponseRatio(pub Estimates);

impl Order for ResponseRatio {
    fn rank(&self, draft: &Draft<'_>, job: JobId) -> u64 {
        self.0.remaining(draft, job).0.max(1)
    }

    fn line(&self, draft: &Draft<'_>, job: JobId) -> Option<Line> {
        Some(Line { since: draft.state().job(job).ready_since, length: self.rank(draft, job) })
    }

    fn score(&self, draft: &Draft<'_>, job: JobId, rank: u64) -> Score {
        Line { since: draft.state().job(job).ready_since, length: rank }.score(draft.now())
    }

    fn clairvoyant(&self) -> bool {
        self.0 == Estimates::True
    }
}
