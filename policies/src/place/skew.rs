//! Tiresias' rule (NSDI 2019, section 3.3): models whose largest tensor is a large part of the model suffer on many nodes
//! and are consolidated; all others are not worth the wait.

use engine::{Draft, JobId};

use super::Placer;

/// Names of models with skewed tensors. Made once for each policy that is built, and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skewed(&'static [String]);

impl Skewed {
    /// These models.
    pub fn new(names: Vec<String>) -> Self {
        Self(Vec::leak(names))
    }

    /// Whether a job of this name is of one of the models: it is called like it, or so and something behind it (`vgg16-run3`).
    fn has(self, job: &str) -> bool {
        let rest = |name: &String| job.strip_prefix(name.as_str());
        self.0.iter().filter_map(rest).any(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric()))
    }
}

impl Placer {
    /// The rule for one job.
    pub(super) fn of_job(self, draft: &Draft<'_>, job: JobId) -> Self {
        let spec = &draft.state().job(job).spec;
        let skewed = match self {
            Self::Skew(skewed) => skewed,
            // Where no GPU differs from another, all that is left is to stay together.
            Self::Variable(_) if draft.cluster().bins(spec.app).is_empty() => return Self::Pack,
            _ => return self,
        };
        let name = spec.name.map(|name| draft.state().name(name));
        if name.is_some_and(|name| skewed.has(name)) { Self::Consolidate } else { Self::BestFit }
    }
}
