//! The thread that owns all that is remembered of local runs.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Instant;

use engine::RunId;

use super::Settings;
use super::gang::{GangWatch, Progress};
use super::task::{Shims, leave_wish};
use crate::launcher::{Gang, Observation};
use crate::runs::{Runs, TaskId, name};

/// What the keeper is told.
pub(super) enum Order {
    /// Start a gang, or take it up again.
    Take(Gang),
    /// Ask a run to save and stop.
    Stop(RunId),
    /// Kill a run.
    Kill(RunId),
    /// A shim says that there is something to see.
    Look(TaskId),
    /// The server ends.
    Quit,
}

/// What the thread owns.
pub(super) struct Keeper {
    runs: Runs,
    shims: Shims,
    settings: Settings,
    observations: Sender<Observation>,
    gangs: BTreeMap<RunId, GangWatch>,
    /// Shims that are about to end.
    leaving: Vec<Child>,
    sweep_at: Instant,
    /// Runs that are to be looked at before that.
    soon: BTreeSet<(Instant, RunId)>,
}

impl Keeper {
    pub(super) fn new(
        runs: Runs,
        command: Vec<OsString>,
        observations: Sender<Observation>,
        settings: Settings,
    ) -> Self {
        let shims = Shims { command, log: runs.state().join(name::SHIM_LOG), patience: settings.patience };
        let sweep_at = Instant::now() + settings.sweep;
        Self {
            runs,
            shims,
            settings,
            observations,
            gangs: BTreeMap::new(),
            leaving: Vec::new(),
            sweep_at,
            soon: BTreeSet::new(),
        }
    }

    /// Follows orders until it is told to quit.
    pub(super) fn run(mut self, inbox: &Receiver<Order>) {
        loop {
            let wait = self.due().saturating_duration_since(Instant::now());
            match inbox.recv_timeout(wait) {
                Ok(Order::Quit) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(order) => self.follow(order),
                Err(RecvTimeoutError::Timeout) => {}
            }
            // Also when orders come without a pause.
            self.wake();
        }
    }

    fn due(&self) -> Instant {
        self.soon.first().map_or(self.sweep_at, |(at, _)| self.sweep_at.min(*at))
    }

    fn wake(&mut self) {
        let now = Instant::now();
        while let Some((_, run)) = self.soon.first().copied().filter(|(at, _)| *at <= now) {
            self.soon.pop_first();
            self.examine(run);
        }
        if self.sweep_at <= now {
            self.sweep();
        }
    }

    fn follow(&mut self, order: Order) {
        match order {
            Order::Take(gang) => {
                let run = gang.run;
                // An order may be given twice.
                let (runs, shims, settings) = (&self.runs, &self.shims, &self.settings);
                self.gangs.entry(run).or_insert_with(|| GangWatch::take(&gang, runs, shims, settings));
                self.look(run);
            }
            Order::Stop(run) => self.wish(run, name::STOP),
            Order::Kill(run) => self.wish(run, name::KILL),
            Order::Look(task) => self.look(task.run),
            Order::Quit => {}
        }
    }

    /// A run that was not taken up may be alive all the same: its folders say.
    fn wish(&mut self, run: RunId, wish: &str) {
        if let Some(gang) = self.gangs.get_mut(&run) {
            gang.wish(wish);
            return;
        }
        for task in (0..).map(|task| self.runs.task(TaskId { run, task })).take_while(|folder| folder.is_dir()) {
            leave_wish(&task, wish);
        }
    }

    fn look(&mut self, run: RunId) {
        let Some(gang) = self.gangs.get_mut(&run) else { return };
        let now = Instant::now();
        gang.look(now, &self.observations);
        self.soon.extend(gang.due(now).map(|at| (at, run)));
        if gang.progress() == Progress::Ended
            && let Some(gang) = self.gangs.remove(&run)
        {
            self.leaving.extend(gang.into_shims());
        }
    }

    /// Looks at everything, in case a hint was lost or a shim was killed.
    fn sweep(&mut self) {
        self.leaving.retain_mut(|shim| matches!(shim.try_wait(), Ok(None)));
        let runs: Vec<RunId> = self.gangs.keys().copied().collect();
        for run in runs {
            self.examine(run);
        }
        self.sweep_at = Instant::now() + self.settings.sweep;
    }

    fn examine(&mut self, run: RunId) {
        if let Some(gang) = self.gangs.get_mut(&run) {
            gang.examine(&self.shims);
        }
        self.look(run);
    }
}
