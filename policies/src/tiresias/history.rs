//! What finished jobs teach: the distribution of service.
//!
//! A function of the state alone, so that a policy that starts in the middle learns the same: the first N finished jobs,
//! by time and id, where N grows in steps of a sixteenth. So the index of all waiting jobs is computed anew now and then
//! only.

use std::collections::BTreeSet;

use engine::{Draft, JobId, Outcome, Time};

use super::gittins::Gittins;
use super::service::Measure;

/// More samples than so many are thinned out evenly.
const SAMPLES_MAX: usize = 512;

/// Finished jobs, and the index that they give.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    seen: u64,
    finished: BTreeSet<(Time, JobId)>,
    /// How many of them the index is made from, and the last of these.
    learned: usize,
    last: Option<(Time, JobId)>,
    stale: bool,
    index: Gittins,
}

impl History {
    /// Catches up with the engine. Whether the index has changed.
    pub(crate) fn sync(&mut self, draft: &Draft<'_>, measure: Measure) -> bool {
        let changes = draft.state().changes_since(self.seen);
        if changes.anew {
            *self = Self { stale: true, ..Self::default() };
        }
        for job in changes.jobs {
            self.add(draft, job);
        }
        self.seen = changes.end;
        let due = steps_up_to(self.finished.len());
        if due == self.learned && !self.stale {
            return false;
        }
        self.learn(draft, measure, due);
        true
    }

    fn add(&mut self, draft: &Draft<'_>, id: JobId) {
        let job = draft.state().job(id);
        if job.outcome() == Some(Outcome::Finished) && self.finished.insert((job.ended, id)) {
            self.stale |= self.last.is_some_and(|last| (job.ended, id) < last);
        }
    }

    fn learn(&mut self, draft: &Draft<'_>, measure: Measure, count: usize) {
        let mut samples = Vec::with_capacity(count);
        self.last = None;
        for key in self.finished.iter().take(count) {
            samples.push(measure.in_ended_runs(draft.state().job(key.1)));
            self.last = Some(*key);
        }
        samples.sort_unstable();
        if samples.len() > SAMPLES_MAX {
            samples = (0..SAMPLES_MAX).map(|at| samples[(2 * at + 1) * samples.len() / (2 * SAMPLES_MAX)]).collect();
        }
        (self.learned, self.stale) = (count, false);
        self.index = Gittins::new(samples);
    }

    /// The index.
    pub(crate) fn index(&self) -> &Gittins {
        &self.index
    }
}

/// The largest step that is at most `count`: all numbers up to 16, then each a sixteenth more than the one before.
fn steps_up_to(count: usize) -> usize {
    let mut step = count.min(16);
    while step >= 16 && step + step / 16 <= count {
        step += step / 16;
    }
    step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distribution_is_learned_in_growing_steps() {
        assert_eq!([0, 1, 16, 17, 31, 32, 33, 34].map(steps_up_to), [0, 1, 16, 17, 31, 32, 32, 34]);
        assert!((1..5000).all(|count| steps_up_to(count) * 17 >= count * 15));
    }
}
