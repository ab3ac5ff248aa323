//! Who holds what now, until when, and who of them may be stopped: where all plays of one decision begin.

use std::collections::BTreeMap;

use engine::{Cluster, Draft, JobId, NodeId, Placement, Span, Time};

/// A run that holds GPUs now.
#[derive(Clone, Debug)]
pub(super) struct Hold {
    pub(super) job: JobId,
    pub(super) slices: Placement,
    /// When it is expected to end; `NEVER` when nobody knows.
    pub(super) end: Time,
    /// From when on it may be stopped for a promise; `NEVER`: not at all.
    pub(super) yields: Time,
    /// What stopping it now is expected to cost.
    pub(super) bill: u128,
}

/// What changes at an instant; indices of starts and holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    /// A job that was started in the play ends.
    Ends(u32),
    /// A run that holds GPUs now ends.
    Leaves(u32),
    /// It may be stopped from now on.
    Yields(u32),
    /// A job may stop others from now on.
    Insists,
}

/// Who holds what now, as all plays of one decision begin.
#[derive(Clone, Debug)]
pub(super) struct Present {
    pub(super) holds: Vec<Hold>,
    /// With everything that runs.
    pub(super) full: Cluster,
    /// Without the runs that may be stopped now.
    pub(super) bare: Cluster,
    /// What is known of the future, in order.
    pub(super) coming: Vec<(Time, Change)>,
    /// Runs that may be stopped, now or later, by node.
    pub(super) yielding: BTreeMap<NodeId, Vec<u32>>,
    pub(super) now: Time,
}

impl Present {
    /// The runs of `holds` on the cluster as the draft has it.
    pub(super) fn new(draft: &Draft<'_>, holds: Vec<Hold>) -> Self {
        let full = draft.cluster().clone();
        let mut present = Self {
            bare: full.clone(),
            full,
            holds: Vec::with_capacity(holds.len()),
            coming: Vec::with_capacity(holds.len()),
            yielding: BTreeMap::new(),
            now: draft.now(),
        };
        for hold in holds {
            present.enter(hold);
        }
        present.coming.sort_unstable();
        present
    }

    fn enter(&mut self, hold: Hold) {
        let at = self.holds.len() as u32;
        self.coming.extend(self.changes_of(&hold, at));
        if hold.yields != Time::NEVER {
            for slice in &hold.slices {
                let there = self.yielding.entry(slice.node).or_default();
                if there.last() != Some(&at) {
                    there.push(at);
                }
            }
            if hold.yields <= self.now {
                for slice in &hold.slices {
                    self.bare.vacate(slice);
                }
            }
        }
        self.holds.push(hold);
    }

    /// What is known of the future of one run.
    fn changes_of(&self, hold: &Hold, at: u32) -> impl Iterator<Item = (Time, Change)> + use<> {
        // A run that outlives its estimate may end at any moment, but not now.
        let leaves = hold.end.known().map(|end| (end.max(self.now + Span(1)), Change::Leaves(at)));
        let yields = hold.yields.known().filter(|yields| *yields > self.now);
        leaves.into_iter().chain(yields.map(|yields| (yields, Change::Yields(at))))
    }

    /// One more run, which the draft has just started.
    pub(super) fn push(&mut self, hold: Hold) {
        for slice in &hold.slices {
            self.full.occupy(slice);
            self.bare.occupy(slice);
        }
        let known = self.coming.len();
        self.enter(hold);
        let new = self.coming.split_off(known);
        for change in new {
            let at = self.coming.partition_point(|other| *other < change);
            self.coming.insert(at, change);
        }
    }

    /// Takes the last one back.
    pub(super) fn pop(&mut self) {
        let Some(hold) = self.holds.pop() else { return };
        let at = self.holds.len() as u32;
        for change in self.changes_of(&hold, at) {
            self.coming.retain(|other| *other != change);
        }
        let in_bare = hold.yields > self.now;
        for slice in &hold.slices {
            self.full.vacate(slice);
            if in_bare {
                self.bare.vacate(slice);
            }
            if let Some(there) = self.yielding.get_mut(&slice.node).filter(|there| there.last() == Some(&at)) {
                there.pop();
            }
        }
    }

    /// When the first run that is protected for a while no longer is.
    pub(super) fn exempt_until(&self) -> Time {
        let yields = self.holds.iter().map(|hold| hold.yields).filter(|yields| *yields > self.now);
        yields.min().unwrap_or(Time::NEVER)
    }
}
