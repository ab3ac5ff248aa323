//! Which cells each virtual cluster is sure of: its quota, turned into cells.

use std::collections::BTreeMap;

use engine::{TenantId, Tenants};

use super::cells::Forest;

/// A virtual cluster: the topmost tenant with a quota above a job, or the one of all others.
pub(crate) type Vc = u32;
/// Jobs of tenants that have no quota share what the quotas leave.
pub(crate) const REST: Vc = u32::MAX;

/// Chain and level of a cell.
pub(crate) type Kind = (u32, u32);

/// What virtual clusters are sure of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contracts {
    /// GPUs of each quota.
    quotas: BTreeMap<Vc, u64>,
    /// Cells of each virtual cluster, as (chain, level). A slot is a place in its list.
    pub(crate) slots: BTreeMap<Vc, Vec<Kind>>,
}

/// The virtual cluster of the jobs of a tenant.
pub(crate) fn vc_of(tenants: &Tenants, tenant: TenantId) -> Vc {
    let with_quota = tenants.ancestry(tenant).filter(|above| tenants.get(*above).terms.quota.is_some());
    with_quota.last().map_or(REST, |above| above.0)
}

impl Contracts {
    /// Follows the terms of tenants; whether anything changed.
    pub(crate) fn sync(&mut self, tenants: &Tenants, forest: &Forest) -> bool {
        let all = (0..tenants.len()).map(TenantId::new);
        let quota = |tenant: &TenantId| tenants.get(*tenant).terms.quota.map(|quota| quota.gpu_milli / 1000);
        let heads = all.filter(|tenant| vc_of(tenants, *tenant) == tenant.0);
        let quotas: BTreeMap<Vc, u64> = heads.filter_map(|tenant| Some((tenant.0, quota(&tenant)?))).collect();
        if quotas == self.quotas && !self.slots.is_empty() {
            return false;
        }
        self.slots = divide(forest, &quotas);
        self.quotas = quotas;
        true
    }
}

/// Deals cells out chain by chain, the largest first, one to each virtual cluster in turn as long as its quota holds one more.
/// What is dealt out comes off the cluster by buddy allocation, so that all contracts together can be met.
fn divide(forest: &Forest, quotas: &BTreeMap<Vc, u64>) -> BTreeMap<Vc, Vec<Kind>> {
    let mut left = quotas.clone();
    let mut slots: BTreeMap<Vc, Vec<Kind>> = quotas.keys().chain([&REST]).map(|vc| (*vc, Vec::new())).collect();
    for (at, chain) in forest.chains.iter().enumerate() {
        let mut free = vec![0u64; chain.gpus.len()];
        free[chain.top() as usize] = chain.tops.len() as u64;
        for level in (0..chain.gpus.len()).rev() {
            let size = u64::from(chain.gpus[level]);
            let mut dealt = true;
            while dealt {
                dealt = false;
                for (vc, left) in left.iter_mut().filter(|(_, left)| **left >= size) {
                    if free[level] == 0 {
                        break;
                    }
                    free[level] -= 1;
                    *left -= size;
                    dealt = true;
                    slots.entry(*vc).or_default().push((at as u32, level as u32));
                }
            }
            // As many are split as the quotas still need.
            let wanted: u64 = left.values().copied().fold(0, u64::saturating_add);
            if level > 0 {
                let split = free[level].min(wanted.div_ceil(size));
                free[level] -= split;
                free[level - 1] += split * u64::from(chain.parts(level as u32));
            }
        }
        let rest = slots.entry(REST).or_default();
        for (level, count) in free.iter().enumerate().rev() {
            rest.extend((0..*count).map(|_| (at as u32, level as u32)));
        }
    }
    slots
}
