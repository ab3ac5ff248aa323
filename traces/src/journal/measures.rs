//! What launches, stops and saves took while a journal was written.

use engine::{Span, Time};

use super::{RecordedRun, Recording, StopOrder};

/// A length of time that was measured over several runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overhead {
    /// Runs.
    pub runs: u64,
    /// Median (nearest rank); `None` of no run.
    pub p50: Option<Span>,
    /// 90th percentile.
    pub p90: Option<Span>,
}

impl Overhead {
    fn of(mut spans: Vec<Span>) -> Self {
        spans.sort_unstable();
        let rank = |percent: usize| spans.get((spans.len() * percent).div_ceil(100).max(1) - 1).copied();
        Self { runs: spans.len() as u64, p50: rank(50), p90: rank(90) }
    }
}

/// What was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measures {
    /// From the order to launch until the run made progress: first runs of jobs.
    pub launch: Overhead,
    /// The same of later runs.
    pub relaunch: Overhead,
    /// From the order to drain until the run was over.
    pub drain: Overhead,
    /// From the order to drain until the last save after it.
    pub drain_save: Overhead,
    /// From the order to kill until the run was over.
    pub kill: Overhead,
    /// From the end of the work until it was known.
    pub notice: Overhead,
    /// Whether runs that were drained mostly kept what they had done; `None` where none had done anything.
    pub stops_save: Option<bool>,
    /// Work between saves while a run goes on: the median.
    pub save_interval: Option<Span>,
}

impl Recording {
    /// What launches, stops and saves took.
    pub fn measures(&self) -> Measures {
        let launches = |first: bool| {
            let runs = self.runs.iter().filter(move |run| (run.attempt == 1) == first);
            Overhead::of(runs.filter_map(RecordedRun::launch).collect())
        };
        let stops = |order: StopOrder| Overhead::of(self.stops(order).map(|(_, at, end)| end.since(at)).collect());
        let kept = self.stops(StopOrder::Drain).filter_map(|(run, at, _)| kept(run, at));
        let (some, all) = kept.fold((0u64, 0u64), |(some, all), kept| (some + u64::from(kept), all + 1));
        Measures {
            launch: launches(true),
            relaunch: launches(false),
            drain: stops(StopOrder::Drain),
            drain_save: Overhead::of(self.runs.iter().filter_map(|run| run.stop()?.saved_after).collect()),
            kill: stops(StopOrder::Kill),
            notice: Overhead::of(self.runs.iter().filter_map(RecordedRun::notice).collect()),
            stops_save: (all > 0).then_some(2 * some >= all),
            save_interval: Overhead::of(self.saves.clone()).p50,
        }
    }

    /// Runs that such an order ended, with the instants of order and end.
    fn stops(&self, order: StopOrder) -> impl Iterator<Item = (&RecordedRun, Time, Time)> {
        self.runs.iter().filter_map(move |run| match (run.stopped, run.ended) {
            (Some((at, given)), Some(end)) if given == order => Some((run, at, end)),
            _ => None,
        })
    }
}

/// Whether a run that was told to stop kept at least half of what it had done; `None` where it had done nothing.
fn kept(run: &RecordedRun, at: Time) -> Option<bool> {
    let done = run.done(at) - run.from;
    (done > Span::ZERO).then(|| (run.saved - run.from).0.saturating_mul(2) >= done.0)
}
