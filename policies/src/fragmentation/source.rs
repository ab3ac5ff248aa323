//! Where a policy takes the workload from: what was declared, or the jobs that were submitted last.

use std::collections::BTreeMap;

use engine::{JobId, Shape, State, TaskRequest};

use super::Workload;

/// Jobs that stand for the workload where none is declared.
const WINDOW: u64 = 10_000;
/// A window moves on by this part of its length: each move changes F of all nodes.
const MOVES: u64 = 10;

/// The jobs that tell the workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// What was declared ([`State::workload`]); where nothing was, the last 10,000 jobs.
    Declared,
    /// The last jobs, so many.
    Window(u64),
}

/// How the workload is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// From which jobs.
    pub mix: Mix,
    /// Least share of the typical tasks in all, in parts per million.
    pub cover_ppm: u32,
}

impl Default for Expected {
    fn default() -> Self {
        Self { mix: Mix::Declared, cover_ppm: super::COVER_PPM }
    }
}

/// From where to where the jobs stand that tell the workload; `None`: it was declared.
pub(crate) type Stretch = Option<(u64, u64)>;

impl Expected {
    /// The jobs that tell the workload now. While this is equal, so is the workload, unless another was declared.
    ///
    /// The window ends at a multiple of a tenth of its length, or at the last job while there are fewer. It follows from
    /// the number of jobs alone, so nothing has to be remembered.
    pub(crate) fn stretch(&self, state: &State) -> Stretch {
        let window = match self.mix {
            Mix::Declared if !state.workload().is_empty() => return None,
            Mix::Declared => WINDOW,
            Mix::Window(jobs) => jobs.max(1),
        };
        let jobs = state.jobs().len() as u64;
        let step = window.div_ceil(MOVES);
        let end = if jobs < step { jobs } else { jobs / step * step };
        Some((end.saturating_sub(window), end))
    }

    /// The workload now.
    pub fn workload(&self, state: &State) -> Workload {
        let Some((from, to)) = self.stretch(state) else {
            return Workload::of(state.workload(), self.cover_ppm);
        };
        let mut jobs: Vec<u64> = vec![0; state.classes()];
        for job in from..to {
            jobs[state.job(JobId::new(job as usize)).spec.class.index()] += 1;
        }
        let mut tasks = BTreeMap::new();
        for (class, count) in jobs.into_iter().enumerate().filter(|(_, count)| *count > 0) {
            count_tasks(&state.class(engine::ClassId::new(class)).shape, count, &mut tasks);
        }
        let tasks: Vec<(TaskRequest, u64)> = tasks.into_iter().collect();
        Workload::of(&tasks, self.cover_ppm)
    }
}

/// Adds the tasks of `jobs` gangs: each group counts as many as the gang needs at least.
fn count_tasks(shape: &Shape, jobs: u64, tasks: &mut BTreeMap<TaskRequest, u64>) {
    for group in &shape.groups {
        *tasks.entry(group.request).or_default() += jobs * u64::from(group.tasks_min);
    }
}
