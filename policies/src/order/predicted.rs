//! Shortest first, by predictions from jobs that have ended.

use engine::{Draft, JobId};

use super::{Order, service};
use crate::predict::{Features, Journal, Rolling};

/// The smallest predicted GPU-time first (Helios' QSSF, SC 2021): GPUs x predicted run time.
#[derive(Debug)]
pub struct PredictedService(Journal<Rolling>);

impl PredictedService {
    /// By the rolling estimate.
    pub fn new(rolling: Rolling) -> Self {
        Self(Journal::new(rolling))
    }
}

impl Order for PredictedService {
    fn follow(&mut self, draft: &mut Draft<'_>) {
        self.0.follow(draft);
    }

    fn rank(&self, draft: &Draft<'_>, job: JobId) -> u64 {
        service(Journal::<Rolling>::predicted(draft, job).0, draft.state().class_of(job).gpu_milli)
    }
}

/// The shortest predicted run time first (the estimators of PAI's simulator, NSDI 2022).
#[derive(Debug)]
pub struct PredictedTime(Journal<Features>);

impl PredictedTime {
    /// By means over jobs that agree in these features.
    pub fn new(features: Features) -> Self {
        Self(Journal::new(features))
    }
}

impl Order for PredictedTime {
    fn follow(&mut self, draft: &mut Draft<'_>) {
        self.0.follow(draft);
    }

    fn rank(&self, draft: &Draft<'_>, job: JobId) -> u64 {
        Journal::<Features>::predicted(draft, job).0
    }
}
