//! How many jobs have not ended, and how many may.

use std::collections::BTreeMap;

use engine::Core;

use crate::book::Book;
use crate::world::Done;

/// Most jobs that have not ended. 0: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BacklogMax {
    /// Of all tenants together.
    pub all: u32,
    /// Of a tenant and those below it. Without those below, a tenant could make itself new ones.
    pub tenant: u32,
}

/// Jobs that have not ended, of each tenant with those below it.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    all: u32,
    tenants: BTreeMap<String, u32>,
}

impl Backlog {
    /// Counts the jobs of a core that was restored.
    pub(super) fn of(core: &Core, book: &Book) -> Self {
        let mut backlog = Self::default();
        let open = core.state().jobs().iter().filter(|job| job.outcome().is_none());
        for job in open {
            backlog.add(book.tenant_path(job.spec.tenant));
        }
        backlog
    }

    /// A job more.
    pub(super) fn add(&mut self, tenant: &str) {
        self.all += 1;
        for path in with_above(tenant) {
            *self.tenants.entry(path.to_owned()).or_default() += 1;
        }
    }

    /// A job less.
    pub(super) fn remove(&mut self, tenant: &str) {
        self.all = self.all.saturating_sub(1);
        for path in with_above(tenant) {
            let left = self.tenants.get_mut(path).map(|count| {
                *count = count.saturating_sub(1);
                *count
            });
            if left == Some(0) {
                self.tenants.remove(path);
            }
        }
    }

    /// Why there is no room for one more job of a tenant, if there is none.
    pub(super) fn full(&self, tenant: &str, max: BacklogMax) -> Option<Done> {
        let full = |count: u32, max: u32| max > 0 && count >= max;
        if full(self.all, max.all) {
            return Some(Done::QueueFull { tenant: None, jobs_max: max.all });
        }
        let count = |path: &str| self.tenants.get(path).copied().unwrap_or_default();
        let path = with_above(tenant).find(|path| full(count(path), max.tenant))?;
        Some(Done::QueueFull { tenant: Some(path.to_owned()), jobs_max: max.tenant })
    }
}

/// `a/b/c`, `a/b`, `a`.
fn with_above(tenant: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(tenant), |path| path.rsplit_once('/').map(|(above, _)| above))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_full_with_all_below_it() {
        let mut backlog = Backlog::default();
        let max = BacklogMax { all: 4, tenant: 2 };
        let full = |tenant: &str| Some(Done::QueueFull { tenant: Some(tenant.to_owned()), jobs_max: 2 });
        backlog.add("a/x");
        assert_eq!(backlog.full("a/y", max), None);
        backlog.add("a/y");
        assert_eq!(backlog.full("a/z", max), full("a"));
        assert_eq!(backlog.full("ab", max), None);
        backlog.add("b");
        backlog.add("c");
        assert_eq!(backlog.full("d", max), Some(Done::QueueFull { tenant: None, jobs_max: 4 }));
        backlog.remove("a/x");
        assert_eq!((backlog.full("a/z", max), backlog.full("d", BacklogMax::default())), (None, None));
        for tenant in ["a/y", "b", "c"] {
            backlog.remove(tenant);
        }
        assert!(backlog.tenants.is_empty() && backlog.all == 0);
    }
}
