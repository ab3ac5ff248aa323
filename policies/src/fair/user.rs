//! The users of a selection: how far each is, and its runs in the order of their turns.

use engine::{JobId, Span, TenantId};

use super::tickets;

/// A user in a selection.
#[derive(Debug, Default)]
pub(crate) struct User {
    pub(crate) group: TenantId,
    /// In which pool of GPUs; who has jobs for several stands in each.
    pub(crate) pool: usize,
    /// What its turns are charged by: tickets, or its share of the pool. 0: it gets what others leave.
    pub(crate) tickets: u64,
    /// Its pass with what it is given in this selection.
    pub(crate) pass: u64,
    /// Its runs, those with the least run time first.
    pub(crate) runs: Vec<Run>,
    /// Runs before this one have had their turn.
    pub(crate) kept: usize,
    /// Runs from this one on give way, if they may be stopped.
    pub(crate) sure: usize,
    /// What a quantum costs of the runs whose turn is expected and has not come.
    pub(crate) rest: u64,
}

/// A run in a selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Run {
    /// How far its job has come.
    pub(crate) key: u64,
    pub(crate) job: JobId,
    /// What a quantum of it costs.
    pub(crate) charge: u64,
    pub(crate) gpu_milli: u64,
    pub(crate) ripe: Ripe,
}

/// Whether a run may be stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ripe {
    /// It has had its quantum.
    Now,
    /// It will have had it soon.
    Soon,
    /// Not in the next round either.
    No,
}

/// The order of turns: those without tickets last, then by pass, then by user.
pub(crate) type Turn = (bool, u64, TenantId, usize);

impl User {
    /// Its turn, if it has the place `at` among the users.
    pub(crate) fn turn(&self, at: usize) -> Turn {
        (self.tickets == 0, self.pass, self.group, at)
    }

    /// What so many thousandths of a GPU cost it for `span`.
    pub(crate) fn charge(&self, gpu_milli: u64, span: Span) -> u64 {
        tickets::charge(gpu_milli, span, if self.tickets == 0 { 1000 } else { self.tickets })
    }

    /// Its next run, if that is before the waiting job that is first.
    pub(crate) fn next_run(&self, waits: Option<u64>) -> Option<Run> {
        self.runs.get(self.kept).copied().filter(|run| waits.is_none_or(|key| run.key <= key))
    }

    /// The turn of the next run has come, and it goes on.
    pub(crate) fn keep(&mut self, run: &Run) {
        if self.kept < self.sure {
            self.rest -= run.charge;
        }
        self.skip();
        self.pass = self.pass.saturating_add(run.charge);
    }

    /// The turn of the next run has come, and its GPUs are gone.
    pub(crate) fn skip(&mut self) {
        self.kept += 1;
        self.sure = self.sure.max(self.kept);
    }

    /// Runs whose turn is expected, the last first, each with when it would come.
    pub(crate) fn last_turn(&self, until: usize, turn: Option<u64>) -> Option<(u64, usize)> {
        let run = self.runs[self.kept..self.sure].get(until.checked_sub(self.kept + 1)?)?;
        let end = turn.unwrap_or(self.pass + self.rest);
        Some((end.saturating_sub(run.charge), until - 1))
    }

    /// A run whose turn was expected is stopped all the same.
    pub(crate) fn lose(&mut self, job: JobId) {
        let expected = &self.runs[self.kept..self.sure];
        if let Some(at) = expected.iter().rposition(|run| run.job == job) {
            self.rest -= self.runs.remove(self.kept + at).charge;
            self.sure -= 1;
        }
    }
}
