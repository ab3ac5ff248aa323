//! The workload that is to be expected, followed, and F of the cluster for it.

use engine::{Draft, State, TaskRequest};

use super::source::Stretch;
use super::{Expected, Meter, Workload};

/// From where the workload was taken last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    source: Option<(Expected, Stretch)>,
    declared: Vec<(TaskRequest, u64)>,
}

impl Told {
    /// The workload, where other jobs or declarations tell it than at the last look.
    pub(crate) fn news(&mut self, expected: Expected, state: &State) -> Option<Workload> {
        let source = (expected, expected.stretch(state));
        if self.source == Some(source) && self.declared == state.workload() {
            return None;
        }
        self.source = Some(source);
        state.workload().clone_into(&mut self.declared);
        Some(expected.workload(state))
    }
}

/// A [`Meter`] whose workload follows what was declared, or the jobs that were submitted last.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    told: Told,
    meter: Meter,
}

impl Watched {
    /// Catches up with the state. Whether the workload is another than before.
    pub fn follow(&mut self, expected: Expected, draft: &Draft<'_>) -> bool {
        let news = self.told.news(expected, draft.state());
        let is_new = news.is_some();
        if let Some(workload) = news {
            self.meter.set_workload(workload);
        }
        self.meter.follow(draft.cluster());
        is_new
    }

    /// F, as of the last [`Watched::follow`].
    pub fn meter(&self) -> &Meter {
        &self.meter
    }
}
