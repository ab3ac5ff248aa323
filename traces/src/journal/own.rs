//! What each run took by itself: its launch, its stop, its saves. These are measurements of programs and machines; what the
//! scheduler decided is not among them.

use std::collections::BTreeMap;

use engine::{JobId, RunId, Span, Time};

use super::{RecordedRun, Recording, StopOrder};

/// The own times of all runs of a journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnTimes {
    runs: BTreeMap<(JobId, u32), Took>,
    jobs: BTreeMap<JobId, Habits>,
}

/// A kind of own times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnTime {
    /// How long launches took.
    Launches,
    /// How runs stopped, and how long kills took.
    Stops,
    /// Where jobs saved.
    Saves,
    /// When the end of work was known.
    Notices,
}

/// How a run stopped that was told to save and stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// From that order until it was over; `None` where it went on until it was killed.
    pub took: Option<Span>,
    /// From that order until its last save, which holds the work until then; `None` where it saved nothing any more.
    pub saved_after: Option<Span>,
    /// It had made no progress by then, and began to before it was over.
    pub starts_yet: bool,
}

/// A save of a program while it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SavePoint {
    /// The work that is safe then.
    pub work: Span,
    /// From the instant at which that work was done until the save was known.
    pub known_after: Span,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Took {
    launch: Option<Span>,
    stop: Option<Stop>,
    kill: Option<Span>,
}

/// What a job does whenever it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Habits {
    stop: Option<Stop>,
    saves: Option<Vec<SavePoint>>,
    notice: Option<Span>,
}

impl OwnTimes {
    /// From the order to launch a run until its progress.
    pub fn launch(&self, run: RunId) -> Option<Span> {
        self.runs.get(&(run.job, run.attempt))?.launch
    }

    /// How a run stops; one that was never told to as another run of its job does.
    pub fn stop(&self, run: RunId) -> Option<Stop> {
        let own = self.runs.get(&(run.job, run.attempt)).and_then(|took| took.stop);
        let of_job = || self.jobs.get(&run.job)?.stop.map(|stop| Stop { starts_yet: false, ..stop });
        own.or_else(of_job)
    }

    /// From the order to kill a run until it was over.
    pub fn kill(&self, run: RunId) -> Option<Span> {
        self.runs.get(&(run.job, run.attempt))?.kill
    }

    /// From the end of the work of a job until that was known.
    pub fn notice(&self, job: JobId) -> Option<Span> {
        self.jobs.get(&job)?.notice
    }

    /// The saves of a job while it goes on, by work; `None` of a job that made no progress.
    pub fn saves(&self, job: JobId) -> Option<&[SavePoint]> {
        self.jobs.get(&job)?.saves.as_deref()
    }

    /// Forgets times of a kind: somebody has set by hand what holds for all runs.
    pub fn forget(&mut self, kind: OwnTime) {
        for took in self.runs.values_mut() {
            match kind {
                OwnTime::Launches => took.launch = None,
                OwnTime::Stops => (took.stop, took.kill) = (None, None),
                OwnTime::Saves | OwnTime::Notices => {}
            }
        }
        for habits in self.jobs.values_mut() {
            match kind {
                OwnTime::Launches => {}
                OwnTime::Stops => habits.stop = None,
                OwnTime::Saves => habits.saves = None,
                OwnTime::Notices => habits.notice = None,
            }
        }
    }
}

impl Recording {
    /// What each run took by itself.
    pub fn own_times(&self) -> OwnTimes {
        let mut own = OwnTimes::default();
        for run in &self.runs {
            let took = Took { launch: run.launch(), stop: run.stop(), kill: run.kill() };
            own.runs.insert((run.job, run.attempt), took);
            if run.started.is_none() {
                continue;
            }
            let habits = own.jobs.entry(run.job).or_default();
            habits.stop = run.stop().or(habits.stop);
            habits.notice = run.notice().or(habits.notice);
            habits.saves.get_or_insert_default().extend(run.saves_while_it_went_on());
        }
        for saves in own.jobs.values_mut().filter_map(|habits| habits.saves.as_mut()) {
            // What was done twice was saved twice.
            saves.sort_unstable();
            saves.dedup_by_key(|save| save.work);
        }
        own
    }
}

impl RecordedRun {
    /// From the order to launch it until its progress.
    pub(super) fn launch(&self) -> Option<Span> {
        Some(self.started?.since(self.launched))
    }

    /// From the end of its work until that was known.
    pub(super) fn notice(&self) -> Option<Span> {
        Some(self.ended?.since(self.instant_of(self.completed?)?))
    }

    /// From the order to kill it until it was over.
    fn kill(&self) -> Option<Span> {
        Some(self.ended?.since(self.killed?))
    }

    /// How it stopped when it was told to save and stop.
    pub(super) fn stop(&self) -> Option<Stop> {
        let (told, StopOrder::Drain) = self.stopped? else { return None };
        let ended = self.ended.filter(|_| self.completed.is_none())?;
        let took = self.killed.is_none().then(|| ended.since(told));
        let saved = self.instant_of(self.saved).filter(|_| self.saved > self.from);
        let saved_after = saved.filter(|at| *at >= told).map(|at| at.since(told));
        Some(Stop { took, saved_after, starts_yet: self.started.is_some_and(|at| at > told) })
    }

    /// When this work of its was done.
    fn instant_of(&self, work: Span) -> Option<Time> {
        Some(self.started? + self.rate.time_for(work - self.from))
    }

    fn saves_while_it_went_on(&self) -> impl Iterator<Item = SavePoint> + '_ {
        let told = self.stopped.map_or(Time::NEVER, |(at, _)| at);
        self.saves.iter().filter_map(move |(known, work)| {
            let done = self.instant_of(*work).filter(|done| *done < told && *work > self.from)?;
            Some(SavePoint { work: *work, known_after: known.since(done) })
        })
    }
}
