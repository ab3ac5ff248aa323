//! What protects runs from being stopped too soon, too often, or at too high a price.

use engine::{Draft, Eviction, JobId, Reason, Span, Time, Triggers};

use super::price::{Choice, Price};

/// Rules that every preempting policy shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guards {
    /// Which victim goes first.
    pub choice: Choice,
    /// What stopping a run is expected to cost.
    pub price: Price,
    /// For so long after its start a run is no victim (Slurm's `PreemptExemptTime`, KAI's `preemptMinRuntime`).
    pub min_runtime: Span,
    /// A job that was stopped so often is no victim any more; 0: no limit.
    pub preemptions_max: u32,
    /// The most that all evictions in a window may be expected to cost: thousandths of a GPU x microseconds.
    pub budget: Option<u128>,
    /// Length of the window of the budget.
    pub window: Span,
    /// Evictions in any hour, at most (Armada's preemption rate limit).
    pub rate: Option<u32>,
}

impl Default for Guards {
    /// No guard but a bound on preemptions that no sane schedule reaches.
    fn default() -> Self {
        Self {
            choice: Choice::Order,
            price: Price::default(),
            min_runtime: Span::ZERO,
            preemptions_max: 1000,
            budget: None,
            window: Span::hours(24),
            rate: None,
        }
    }
}

/// A guard stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// Which, as the reason of the job that waits.
    pub(crate) reason: Reason,
    /// Until when, if nothing else happens; `NEVER` when time alone changes nothing.
    pub(crate) until: Time,
}

impl Guards {
    /// Whether the passing of time, or a safe point, may change who can be stopped.
    pub(crate) fn watch_time(&self) -> bool {
        self.min_runtime > Span::ZERO || self.budget.is_some() || self.rate.is_some()
    }

    /// When a policy with these guards wants to be asked, beside its other triggers.
    pub(crate) fn triggers(&self) -> Triggers {
        let woke = if self.watch_time() { Triggers::WOKE } else { Triggers::NONE };
        // A safe point makes victims cheaper.
        let progress = if self.budget.is_some() { Triggers::PROGRESS } else { Triggers::NONE };
        woke.and(progress)
    }

    /// Until when a placed job may not be stopped; `NEVER` for as long as it runs.
    pub(crate) fn exempt(&self, draft: &Draft<'_>, id: JobId) -> Option<Time> {
        let job = draft.state().job(id);
        if self.preemptions_max > 0 && job.preemptions >= self.preemptions_max {
            return Some(Time::NEVER);
        }
        // A claim that was never launched loses nothing.
        let until = job.running_since.known().or(job.launched.known())? + self.min_runtime;
        (until > draft.now()).then_some(until)
    }
}

/// Evictions in the window before now, as a cache of [`engine::State::evictions`].
#[derive(Clone, Copy, Debug, Default)]
struct Recent {
    /// The first eviction in the window, and the first that was not seen yet.
    from: usize,
    to: usize,
    cost: u128,
}

impl Recent {
    fn advance(&mut self, evictions: &[Eviction], now: Time, window: Span) {
        self.cost += evictions[self.to..].iter().map(|eviction| eviction.bill.predicted).sum::<u128>();
        self.to = evictions.len();
        while let Some(old) = evictions.get(self.from).filter(|eviction| eviction.at + window <= now) {
            self.cost -= old.bill.predicted;
            self.from += 1;
        }
    }

    /// When enough of them have left the window: `room` says whether this cost and count leave enough.
    fn clears(&self, evictions: &[Eviction], window: Span, room: impl Fn(u128, usize) -> bool) -> Time {
        let mut cost = self.cost;
        for (at, eviction) in evictions.iter().enumerate().skip(self.from) {
            cost -= eviction.bill.predicted;
            if room(cost, evictions.len() - at - 1) {
                return eviction.at + window;
            }
        }
        Time::NEVER
    }
}

/// The hour that the rate counts in.
const HOUR: Span = Span::hours(1);

/// Keeps the budget and the rate.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    in_window: Recent,
    in_hour: Recent,
    /// Cost and number of the evictions that the open draft has planned.
    planned: (u128, usize),
}

impl Ledger {
    /// At the start of a decision.
    pub(crate) fn open(&mut self, guards: &Guards, draft: &Draft<'_>) {
        let (evictions, now) = (draft.state().evictions(), draft.now());
        if guards.budget.is_some() {
            self.in_window.advance(evictions, now, guards.window);
        }
        if guards.rate.is_some() {
            self.in_hour.advance(evictions, now, HOUR);
        }
        self.planned = (0, 0);
    }

    /// Whether the evictions of these victims, by their bills, are within budget and rate; then they count.
    pub(crate) fn admit(&mut self, guards: &Guards, draft: &Draft<'_>, bills: &[u128]) -> Result<(), Held> {
        let (cost, count) = (self.planned.0 + bills.iter().sum::<u128>(), self.planned.1 + bills.len());
        let evictions = draft.state().evictions();
        if let Some(rate) = guards.rate {
            let room = |_, recent: usize| recent + count <= rate as usize;
            if !room(0, evictions.len() - self.in_hour.from) {
                let until = self.in_hour.clears(evictions, HOUR, room);
                return Err(Held { reason: Reason::OverPreemptionRate { until }, until });
            }
        }
        if let Some(budget) = guards.budget {
            let room = |recent: u128, _| recent + cost <= budget;
            if !room(self.in_window.cost, 0) {
                let until = self.in_window.clears(evictions, guards.window, room);
                return Err(Held { reason: Reason::OverPreemptionBudget { until }, until });
            }
        }
        self.planned = (cost, count);
        Ok(())
    }
}
