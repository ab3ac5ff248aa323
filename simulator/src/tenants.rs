//! What tenants are entitled to, from a TOML file and from capacity schedules, and how that changes with time.

mod file;

use std::collections::BTreeMap;
use std::path::Path;

use engine::{Amounts, Terms, Time};
use traces::TraceError;
use traces::capacity::{CapacitySchedule, Unit, load_capacity};

/// Terms by tenant path; weight 1 and nothing else where nothing is said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TenantTerms {
    /// From the beginning.
    start: BTreeMap<String, Terms>,
    /// Later ones, by path and time.
    changes: BTreeMap<String, BTreeMap<Time, TermsChange>>,
    /// Quotas from schedules; their times are those of their own clocks.
    schedules: Vec<CapacitySchedule>,
}

/// Terms that change; the others stay.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TermsChange {
    /// The weight in thousandths.
    pub weight_milli: Option<u32>,
    /// The priority.
    pub priority: Option<i32>,
    /// The quota; inside, `None` lifts it.
    pub quota: Option<Option<Amounts>>,
    /// The borrowing limit.
    pub borrow: Option<Option<Amounts>>,
    /// The lending limit.
    pub lend: Option<Option<Amounts>>,
    /// The limit.
    pub limit: Option<Option<Amounts>>,
}

impl TermsChange {
    fn applied(self, terms: Terms) -> Terms {
        Terms {
            weight_milli: self.weight_milli.unwrap_or(terms.weight_milli),
            priority: self.priority.unwrap_or(terms.priority),
            quota: self.quota.unwrap_or(terms.quota),
            borrow: self.borrow.unwrap_or(terms.borrow),
            lend: self.lend.unwrap_or(terms.lend),
            limit: self.limit.unwrap_or(terms.limit),
        }
    }

    /// These, and what `later` says on top.
    fn with(self, later: Self) -> Self {
        Self {
            weight_milli: later.weight_milli.or(self.weight_milli),
            priority: later.priority.or(self.priority),
            quota: later.quota.or(self.quota),
            borrow: later.borrow.or(self.borrow),
            lend: later.lend.or(self.lend),
            limit: later.limit.or(self.limit),
        }
    }
}

impl TenantTerms {
    /// Reads a file of `[[tenant]]` tables.
    pub fn load(path: &Path) -> Result<Self, TraceError> {
        file::load(path)
    }

    /// Reads both files, where they are given.
    pub fn of(tenants: Option<&Path>, quotas: Option<&Path>) -> Result<Self, TraceError> {
        let mut terms = tenants.map_or_else(|| Ok(Self::default()), Self::load)?;
        if let Some(quotas) = quotas {
            terms.add_quotas(load_capacity(&quotas.to_string_lossy())?)?;
        }
        Ok(terms)
    }

    /// Adds quotas of GPUs over time: a series for each tenant path. They go before the quotas of the file.
    pub fn add_quotas(&mut self, schedule: CapacitySchedule) -> Result<(), TraceError> {
        if schedule.unit != Unit::Gpus {
            let error = TraceError::new(&schedule.source, "the schedule counts nodes, and quotas are of GPUs");
            return Err(
                error.with_hint("give a schedule with GPUs: time_s, name and gpus, or a column for each tenant")
            );
        }
        self.schedules.push(schedule);
        Ok(())
    }

    /// Sets the terms of a path from the beginning.
    pub fn set(&mut self, path: impl Into<String>, terms: Terms) {
        self.start.insert(path.into(), terms);
    }

    /// Sets them from a time on.
    pub fn set_at(&mut self, path: impl Into<String>, at: Time, terms: Terms) {
        let all = TermsChange {
            weight_milli: Some(terms.weight_milli),
            priority: Some(terms.priority),
            quota: Some(terms.quota),
            borrow: Some(terms.borrow),
            lend: Some(terms.lend),
            limit: Some(terms.limit),
        };
        self.changes.entry(path.into()).or_default().insert(at, all);
    }

    /// The paths that have terms, in order.
    pub fn paths(&self) -> Vec<&str> {
        let quotas = self.schedules.iter().flat_map(|schedule| &schedule.series).map(|series| series.name.as_str());
        let own = self.start.keys().chain(self.changes.keys()).map(String::as_str);
        let mut paths: Vec<&str> = own.chain(quotas).collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    }

    /// The terms of a path over time, beginning with time zero, for a trace whose clock showed `origin` then.
    pub(crate) fn over_time(&self, path: &str, origin: Option<&str>) -> Vec<(Time, Terms)> {
        let mut changes: BTreeMap<Time, TermsChange> = self.changes.get(path).cloned().unwrap_or_default();
        for schedule in &self.schedules {
            for (at, gpus) in schedule.aligned(path, origin) {
                let quota = Some(Some(Amounts::gpus_only(u64::from(gpus) * 1000)));
                let entry = changes.entry(at).or_default();
                *entry = entry.with(TermsChange { quota, ..TermsChange::default() });
            }
        }
        let mut terms = self.start.get(path).copied().unwrap_or_default();
        if let Some(first) = changes.remove(&Time::ZERO) {
            terms = first.applied(terms);
        }
        let mut over_time = vec![(Time::ZERO, terms)];
        for (at, change) in changes {
            terms = change.applied(terms);
            over_time.push((at, terms));
        }
        over_time
    }

    /// The weight of a path in thousandths, from the beginning.
    pub(crate) fn weight_milli(&self, path: &str) -> u32 {
        self.start.get(path).map_or(1000, |terms| terms.weight_milli)
    }
}

#[cfg(test)]
mod tests;
