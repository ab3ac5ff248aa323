//! F of the cluster for the workload that is to be expected, both followed.

use engine::{Draft, TaskRequest};

use super::source::Stretch;
use super::{Expected, Meter};

/// A [`Meter`] whose workload follows what was declared, or the jobs that were submitted last.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    meter: Meter,
    /// From which jobs the workload is, and what was declared, as last seen.
    source: Option<(Expected, Stretch)>,
    declared: Vec<(TaskRequest, u64)>,
}

impl Watched {
    /// Catches up with the state. Whether the workload is another than before.
    pub fn follow(&mut self, expected: Expected, draft: &Draft<'_>) -> bool {
        let state = draft.state();
        let source = (expected, expected.stretch(state));
        let is_new = self.source != Some(source) || self.declared != state.workload();
        if is_new {
            self.source = Some(source);
            self.declared = state.workload().to_vec();
            self.meter.set_workload(expected.workload(state));
        }
        self.meter.follow(draft.cluster());
        is_new
    }

    /// F, as of the last [`Watched::follow`].
    pub fn meter(&self) -> &Meter {
        &self.meter
    }
}
