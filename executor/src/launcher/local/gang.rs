//! A gang as one thing: started when all of its tasks run, failed with the first that fails, ended when none lives.

use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use engine::{RunId, Span};

use super::Settings;
use super::spec;
use super::task::{Shims, Standing, TaskWatch};
use crate::launcher::{End, Gang, Observation, Seen};
use crate::runs::record::Ended;
use crate::runs::{Runs, TaskId, name};

/// Pause between two looks at processes that are being killed.
const CLEARING_PAUSE: Duration = Duration::from_millis(50);

/// Pause between two kills of a gang that does not end.
const KILL_PAUSE: Duration = Duration::from_secs(5);

/// A gang that is watched.
pub(super) struct GangWatch {
    run: RunId,
    tasks: Vec<TaskWatch>,
    grace: Duration,
    progress: Progress,
    /// When the rest of a gang that has failed is killed.
    kill_at: Option<Instant>,
}

/// What was reported of a gang.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Progress {
    Launching,
    Started,
    Ended,
}

impl GangWatch {
    /// Takes up a gang: whatever its records say, it is watched, started or cleared away.
    pub(super) fn take(gang: &Gang, runs: &Runs, shims: &Shims, settings: &Settings) -> Self {
        let run = gang.run;
        let shared = spec::make_shared(gang, runs).map_err(|error| error.to_string());
        let watch = |task| {
            let spec = shared.clone().and_then(|()| spec::of_task(gang, task, runs, settings));
            TaskWatch::new(runs, TaskId { run, task: task.index }, spec::mode(gang), spec)
        };
        let tasks = gang.tasks.iter().map(watch).collect();
        let grace = gang.job.grace.map_or(settings.grace, |grace| Duration::from_micros(grace.0.0));
        let mut watch = Self { run, tasks, grace, progress: Progress::Launching, kill_at: None };
        watch.examine(shims);
        watch
    }

    /// Makes sure that each task has a shim or an end.
    pub(super) fn examine(&mut self, shims: &Shims) {
        for task in &mut self.tasks {
            task.look_for_end();
        }
        // When one has failed while the server was away, those that never started find the wish before they do.
        if self.failed() {
            self.wish(name::STOP);
        }
        for task in &mut self.tasks {
            task.examine(shims);
        }
    }

    /// Looks at what the shims wrote and reports it.
    pub(super) fn look(&mut self, now: Instant, observations: &Sender<Observation>) {
        let run = self.run;
        let report = |ago, what| {
            // The world may be gone at the end of the server.
            let _ = observations.send(Observation { run, ago, what });
        };
        let mut saved = Vec::new();
        for (task, watch) in (0..).zip(&mut self.tasks) {
            saved.extend(watch.look().into_iter().map(|(number, line)| (task, number, line)));
        }
        if self.progress == Progress::Launching && self.tasks.iter().all(|task| task.running) {
            self.progress = Progress::Started;
            report(Span(0), Seen::Started);
        }
        for (task, number, line) in saved {
            report(line.at.ago(), Seen::Saved { checkpoint: line.checkpoint, task, number });
        }
        self.stop_the_rest(now);
        if let Some(last) = self.end() {
            self.progress = Progress::Ended;
            report(last.at.ago(), Seen::Ended(last.end));
        }
    }

    /// When one has failed the others cannot go on: they are asked to save and stop, then killed.
    fn stop_the_rest(&mut self, now: Instant) {
        if !self.failed() || self.tasks.iter().all(|task| task.standing() == Standing::Over) {
            return;
        }
        match self.kill_at {
            None => {
                self.kill_at = Some(now + self.grace);
                self.wish(name::STOP);
            }
            Some(at) if at <= now => {
                self.kill_at = Some(now + KILL_PAUSE);
                self.wish(name::KILL);
            }
            Some(_) => {}
        }
    }

    fn failed(&self) -> bool {
        self.tasks.iter().filter_map(|task| task.ended.as_ref()).any(|ended| ended.end != End::Exited(0))
    }

    /// How the gang ended, and when: as its first failure did, when its last task did.
    fn end(&self) -> Option<Ended> {
        let ended = self.tasks.iter().map(|task| task.ended.as_ref()).collect::<Option<Vec<_>>>()?;
        let last = ended.iter().max_by_key(|ended| ended.at.wall_us)?;
        let failures = ended.iter().filter(|ended| ended.end != End::Exited(0));
        let first = failures.min_by_key(|ended| ended.at.wall_us);
        let end = first.map_or(End::Exited(0), |first| first.end.clone());
        Some(Ended { end, at: last.at.clone() })
    }

    /// Leaves a wish with all tasks that live.
    pub(super) fn wish(&mut self, wish: &str) {
        for task in &mut self.tasks {
            task.wish(wish);
        }
    }

    pub(super) fn progress(&self) -> Progress {
        self.progress
    }

    /// When it is to be looked at, beside the sweeps.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        let clearing = self.tasks.iter().any(|task| task.standing() == Standing::Clearing);
        if clearing { Some(now + CLEARING_PAUSE) } else { self.kill_at }
    }

    /// Gives up the processes of its shims, which end by themselves.
    pub(super) fn into_shims(self) -> impl Iterator<Item = std::process::Child> {
        self.tasks.into_iter().filter_map(TaskWatch::into_shim)
    }
}
