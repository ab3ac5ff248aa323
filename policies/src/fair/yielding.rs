//! Runs that give way in a round: all whose turn is not expected to come are stopped in the draft at once, so that whoever
//! comes first is placed as on an empty cluster; who need not have gone is taken back.
//!
//! Looking for victims job by job costs a walk over the runs for each, and a gang that is to get whole nodes walks far.
//! This costs one look at each run, however many jobs start.

use engine::{Bill, Draft, JobId};
use smallvec::SmallVec;

use super::slices;
use super::victims::price;

/// The runs that give way, and where they were.
#[derive(Debug, Default)]
pub(crate) struct Yielding {
    jobs: Vec<JobId>,
    on_node: Vec<Node>,
}

/// One node in the round.
#[derive(Clone, Debug, Default)]
struct Node {
    gave_way: SmallVec<[JobId; 4]>,
    /// Who started here last.
    taker: Option<JobId>,
}

impl Yielding {
    /// A new round.
    pub(crate) fn clear(&mut self, draft: &Draft<'_>) {
        self.jobs.clear();
        self.on_node.resize(draft.cluster().len(), Node::default());
        for node in &mut self.on_node {
            node.gave_way.clear();
            node.taker = None;
        }
    }

    /// A run gives way, if it may be stopped.
    pub(crate) fn stop(&mut self, draft: &mut Draft<'_>, job: JobId) {
        if draft.preempt_for(job, Bill { by: None, predicted: price(draft, job) }).is_err() {
            return;
        }
        self.jobs.push(job);
        for slice in &draft.state().job(job).placement {
            self.on_node[slice.node.index()].gave_way.push(job);
        }
    }

    /// The open placement is for `job`: those whose GPUs it takes are stopped for it.
    pub(crate) fn note_taker(&mut self, draft: &mut Draft<'_>, job: JobId) {
        for at in 0..draft.open().len() {
            let slice = draft.open()[at];
            let node = &mut self.on_node[slice.node.index()];
            node.taker = Some(job);
            for other in &node.gave_way {
                if draft.state().job(*other).placement.iter().any(|held| held.overlaps(&slice)) {
                    draft.preempted_for(*other, job);
                }
            }
        }
    }

    /// Takes back who need not go, those first that gave way first; the others are stopped for good.
    pub(crate) fn settle(&mut self, draft: &mut Draft<'_>) {
        for job in &self.jobs {
            if draft.is_placed(*job) || draft.reprieve(*job) {
                continue;
            }
            // What it held beside its GPUs may be what was taken.
            let placement = &draft.state().job(*job).placement;
            let taker = placement.iter().find_map(|slice| self.on_node[slice.node.index()].taker);
            if let Some(taker) = taker {
                draft.preempted_for(*job, taker);
            }
            slices::note_stop(draft, *job);
        }
    }
}
