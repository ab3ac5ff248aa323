//! The knobs that every preempting policy shares: how victims are priced, and what protects them.

use engine::Span;

use super::{Knob, Knobs};
use crate::evict::{Choice, Guards, OnStop, Price};
use crate::spec::PolicyError;

/// Whether runs save before they stop.
pub(crate) const SAVES: Knob = Knob::new(
    "saves",
    "false",
    "true, false",
    "whether a run that is told to stop is expected to save first; else what is not safe counts as lost",
);

/// Expected time before a stopped run makes progress again.
pub(super) const RESTART: Knob =
    Knob::new("restart", "0", "seconds", "expected time before a run that was stopped makes progress again");

/// Expected time until GPUs are free.
pub(super) const DRAIN: Knob =
    Knob::new("drain", "0", "seconds", "expected time from the order to stop until the GPUs are free");

/// How long a run is safe.
pub(super) const MIN_RUNTIME: Knob =
    Knob::new("min-runtime", "0", "seconds", "for so long after its start a run is not stopped");

/// How often a job may be stopped.
pub(super) const MAX_PREEMPTIONS: Knob = Knob::new(
    "max-preemptions",
    "1000",
    "a count, 0 for no limit",
    "a job that was stopped so often is not stopped again",
);

/// The shared knobs.
pub(crate) const GUARDS: [Knob; 10] = [
    Knob::new(
        "victims",
        "order",
        "order, cost",
        "who goes first of those that may be stopped: the last in the policy's order, or the cheapest",
    ),
    RESTART,
    DRAIN,
    SAVES,
    Knob::new(
        "risk-max",
        "none",
        "none, seconds",
        "the most that time since a safe point protects a run; with it no job gains by hiding its checkpoints",
    ),
    MIN_RUNTIME,
    MAX_PREEMPTIONS,
    Knob::new("budget", "none", "none, GPU-hours", "the most that the evictions of a window may be expected to cost"),
    Knob::new("window", "24", "hours, more than 0", "length of the window of the budget"),
    Knob::new("rate", "none", "none, a count", "evictions in any hour, at most"),
];

/// The policy's own knobs and the shared ones; `M` is `N` + 10.
pub(crate) const fn guarded<const N: usize, const M: usize>(own: [Knob; N]) -> [Knob; M] {
    let mut all = [GUARDS[0]; M];
    let mut at = 0;
    while at < M {
        all[at] = if at < N { own[at] } else { GUARDS[at - N] };
        at += 1;
    }
    all
}

impl Knobs<'_> {
    /// The guards on preemption.
    pub(crate) fn guards(&self) -> Result<Guards, PolicyError> {
        let window = self.hours("window")?;
        if window == Span::ZERO {
            return Err(self.bad_value("window"));
        }
        let budget = self.unless_none("budget", |knobs| knobs.hours("budget"))?;
        let rate = self.unless_none("rate", |knobs| knobs.count32("rate"))?;
        Ok(Guards {
            choice: self.one_of("victims", &[("order", Choice::Order), ("cost", Choice::Cost)])?,
            price: Price {
                risk_max: self.unless_none("risk-max", |knobs| knobs.seconds("risk-max"))?,
                ..self.price()?
            },
            min_runtime: self.seconds("min-runtime")?,
            preemptions_max: self.count32("max-preemptions")?,
            budget: budget.map(|hours| u128::from(hours.0) * 1000),
            window,
            rate,
        })
    }

    /// What stopping a run is expected to cost.
    pub(super) fn price(&self) -> Result<Price, PolicyError> {
        let (restart, drain) = (self.seconds("restart")?, self.seconds("drain")?);
        Ok(Price { restart, drain, on_stop: self.on_stop()?, risk_max: None })
    }

    /// What becomes of the work of a run that is told to stop.
    fn on_stop(&self) -> Result<OnStop, PolicyError> {
        Ok(if self.flag("saves")? { OnStop::Saves } else { OnStop::Loses })
    }

    /// A whole number of at most 2^32.
    pub(super) fn count32(&self, name: &str) -> Result<u32, PolicyError> {
        u32::try_from(self.count(name)?).map_err(|_| self.bad_value(name))
    }

    fn unless_none<T>(
        &self,
        name: &str,
        value: impl Fn(&Self) -> Result<T, PolicyError>,
    ) -> Result<Option<T>, PolicyError> {
        if self.text(name) == "none" { Ok(None) } else { value(self).map(Some) }
    }
}
