//! Groups and their users.

use std::collections::{BTreeMap, BTreeSet};

use super::rounded;
use crate::info::zipf_exponent;
use crate::synthetic::model::Tenants;
use crate::trace::Trace;

/// Groups that keep their own weight.
const LISTED: usize = 24;

/// The groups of a trace: the first parts of its tenant paths.
pub(super) struct Groups {
    /// Column of each tenant.
    columns: Vec<usize>,
    /// Jobs of each group, the largest first.
    counts: Vec<u64>,
    users: u32,
    users_exponent: f64,
}

impl Groups {
    pub(super) fn of(trace: &Trace) -> Self {
        let group = |tenant: usize| trace.tenants.get(tenant).map_or("", |path| path.split('/').next().unwrap_or(path));
        let (mut by_group, mut by_user) = (BTreeMap::<&str, u64>::new(), BTreeMap::<&str, BTreeMap<u32, u64>>::new());
        for job in &trace.jobs {
            let name = group(job.tenant as usize);
            *by_group.entry(name).or_default() += 1;
            *by_user.entry(name).or_default().entry(job.tenant).or_default() += 1;
        }
        let mut order: Vec<(&str, u64)> = by_group.into_iter().collect();
        order.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
        let listed = order.len().min(LISTED);
        let place: BTreeMap<&str, usize> =
            order.iter().enumerate().map(|(at, (name, _))| (*name, at.min(listed))).collect();
        let columns = (0..trace.tenants.len()).map(|tenant| place.get(group(tenant)).copied().unwrap_or(0)).collect();
        let (users, users_exponent) = users(trace, by_user.values());
        Self { columns, counts: order.into_iter().map(|(_, count)| count).collect(), users, users_exponent }
    }

    /// Columns of a row of weights: the listed groups, and all others where there are more.
    pub(super) fn columns(&self) -> usize {
        self.counts.len().min(LISTED) + usize::from(self.counts.len() > LISTED)
    }

    pub(super) fn column(&self, tenant: u32) -> usize {
        self.columns.get(tenant as usize).copied().unwrap_or(0)
    }

    pub(super) fn tenants(&self) -> Tenants {
        Tenants {
            groups: self.counts.len().clamp(1, 100_000) as u32,
            weights: self.counts.iter().take(LISTED).map(|count| *count as f64).collect(),
            exponent: zipf_exponent(&self.counts).map_or(1.0, rounded).clamp(0.0, 20.0),
            users: self.users,
            users_exponent: self.users_exponent,
        }
    }
}

/// Users of a group that has any: the median over jobs' groups, and the exponent of the largest group.
fn users<'a>(trace: &Trace, groups: impl Iterator<Item = &'a BTreeMap<u32, u64>>) -> (u32, f64) {
    let paths: BTreeSet<u32> = trace.jobs.iter().map(|job| job.tenant).collect();
    let has_users =
        paths.iter().any(|tenant| trace.tenants.get(*tenant as usize).is_some_and(|path| path.contains('/')));
    if !has_users {
        return (0, 1.0);
    }
    let mut groups: Vec<Vec<u64>> = groups.map(|users| users.values().copied().collect()).collect();
    for users in &mut groups {
        users.sort_unstable_by(|a, b| b.cmp(a));
    }
    groups.sort_by_key(|users| std::cmp::Reverse(users.iter().sum::<u64>()));
    // Half of the jobs are in groups that stand before this one.
    let half = trace.jobs.len() as u64 / 2;
    let mut sum = 0;
    let median = groups.iter().find(|users| {
        sum += users.iter().sum::<u64>();
        sum >= half
    });
    let exponent = groups.first().and_then(|users| zipf_exponent(users)).map_or(1.0, rounded).clamp(0.0, 20.0);
    (median.map_or(1, |users| users.len().clamp(1, 100_000) as u32), exponent)
}
