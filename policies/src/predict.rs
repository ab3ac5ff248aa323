//! Run times predicted from jobs that have ended: no peeking.
//!
//! A prediction is made once, when a job is first ready, and noted in the engine, so that it neither changes while the job
//! waits nor depends on how long a policy has been in charge. What it is made from is a [`History`], which can be
//! recomputed from the state at any time.

mod history;
mod rolling;
mod similar;

use engine::{Draft, JobId, Phase, Span};

pub use self::history::Features;
pub(crate) use self::history::{History, Key};
pub use self::rolling::{Model, Pool, Rolling};

/// How a run time is predicted.
pub(crate) trait Predictor: Send {
    /// The run time of `job`, from the history alone.
    fn predict(&self, history: &History, draft: &Draft<'_>, job: JobId) -> Span;
}

/// A history that follows the engine, and the predictions made from it.
#[derive(Debug)]
pub(crate) struct Journal<P> {
    predictor: P,
    history: History,
    seen: u64,
    /// Jobs that wait for their prediction; reused memory.
    fresh: Vec<JobId>,
}

impl<P: Predictor> Journal<P> {
    pub(crate) fn new(predictor: P) -> Self {
        Self { predictor, history: History::default(), seen: 0, fresh: Vec::new() }
    }

    /// What was predicted when the job was first ready.
    pub(crate) fn predicted(draft: &Draft<'_>, job: JobId) -> Span {
        Span(draft.state().memo(job)[0].saturating_sub(1))
    }

    /// Takes in the jobs that have ended, then predicts those that are new.
    pub(crate) fn follow(&mut self, draft: &mut Draft<'_>) {
        self.fresh.clear();
        let changes = draft.state().changes_since(self.seen);
        if changes.anew {
            self.history = History::default();
        }
        for job in changes.jobs {
            self.look(draft, job);
        }
        self.seen = changes.end;
        for at in 0..self.fresh.len() {
            let job = self.fresh[at];
            let predicted = self.predictor.predict(&self.history, draft, job);
            draft.set_memo(job, [predicted.0.saturating_add(1), 0, 0, 0]);
        }
    }

    fn look(&mut self, draft: &Draft<'_>, job: JobId) {
        match draft.state().job(job).phase {
            Phase::Done(_) => self.history.add(draft, job),
            Phase::Ready if draft.state().memo(job)[0] == 0 => self.fresh.push(job),
            _ => {}
        }
    }
}
