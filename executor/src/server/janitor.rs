//! Removes the folders of ended runs by rule, on a thread of its own.
//!
//! Only the engine says which runs have ended, and it is asked each time. Before anything is removed a line of the audit log is
//! synced, and with it all that is before it in the journal: a run whose end a crash could still take back would be taken for
//! one that never began, and would be started again.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, SystemTime};

use engine::{Core, JobId, RunId};
use tokio::runtime::Runtime;

use crate::handle::{Down, Handle};
use crate::note::Audit;
use crate::runs::Runs;
use crate::runs::retention::{Keep, surplus};
use crate::world::Wish;

/// Longest time between two rounds.
const PAUSE_MAX: Duration = Duration::from_mins(1);
/// Shortest time between two rounds.
const PAUSE_MIN: Duration = Duration::from_millis(200);
/// Most runs that are removed in a round.
const REMOVALS_MAX: usize = 1000;
/// Runs that are named in the audit log.
const NAMED_MAX: usize = 20;

/// Who removes folders.
pub(super) struct Janitor {
    pub(super) runs: Runs,
    pub(super) keep: Keep,
    pub(super) handle: Handle,
}

impl Janitor {
    /// Goes on until the server ends: then the other end of `ends` is gone.
    pub(super) fn run(self, runtime: &Runtime, ends: &Receiver<()>) {
        // A folder that cannot be removed now is tried again by the next server.
        let _ = self.runs.finish_removals();
        if !self.keep.is_limited() {
            return;
        }
        let pause = self.keep.time.map_or(PAUSE_MAX, |time| (time / 10).clamp(PAUSE_MIN, PAUSE_MAX));
        while ends.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            if runtime.block_on(self.round()).is_err() {
                return;
            }
        }
    }

    async fn round(&self) -> Result<(), Down> {
        let Ok(folders) = self.runs.folders() else { return Ok(()) };
        let asked = folders.clone();
        let ended = self.handle.look(move |core, _| asked.into_iter().filter(|run| has_ended(core, *run)).collect());
        let ended: Vec<RunId> = ended.await?;
        // A folder that cannot be read is left.
        let past = ended.iter().filter_map(|run| self.runs.past(*run, self.keep).ok()).collect();
        let mut going = surplus(past, self.keep, SystemTime::now());
        going.truncate(REMOVALS_MAX);
        if going.is_empty() {
            return Ok(());
        }
        self.handle.ask(Wish::Refusal, audit(&going)).await?;
        for run in &going {
            // What is left of it is removed at the next start.
            let _ = self.runs.remove(*run);
        }
        let jobs: Vec<JobId> = going.iter().map(|run| run.job).collect();
        let over = |core: &Core, job: &JobId| core.state().job(*job).outcome().is_some();
        let done: Vec<JobId> =
            self.handle.look(move |core, _| jobs.into_iter().filter(|job| over(core, job)).collect()).await?;
        for job in done {
            self.runs.remove_empty_checkpoints(job);
        }
        Ok(())
    }
}

/// Whether no task of the run is or will be alive. Runs that this journal does not know are nobody's to remove.
fn has_ended(core: &Core, run: RunId) -> bool {
    let Some(job) = core.state().jobs().get(run.job.index()) else { return false };
    job.outcome().is_some() || run.attempt < job.attempt || (run.attempt == job.attempt && !job.is_live())
}

fn audit(going: &[RunId]) -> Audit {
    let mut names: Vec<String> =
        going.iter().take(NAMED_MAX).map(|run| format!("{}-{}", run.job.0, run.attempt)).collect();
    if going.len() > NAMED_MAX {
        names.push("...".to_owned());
    }
    Audit {
        who: "server".to_owned(),
        from: "server".to_owned(),
        verb: "run.remove".to_owned(),
        subject: format!("{} runs", going.len()),
        detail: names.join(", "),
        ..Audit::default()
    }
}
