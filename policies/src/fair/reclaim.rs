//! Preemption towards fair shares, between groups at the top.
//!
//! A waiting job of a group with share D may stop runs of groups that keep, after that, at least the share D' > D which
//! its own group will have. So the sorted vector of shares grows lexicographically with every such exchange: fewer groups
//! than before have D or less. A plain start lets it grow too. It cannot grow for ever while no job arrives or ends, and so
//! no two jobs evict each other in a cycle.

use engine::{Amounts, Draft, JobId, TenantId};

use super::filling::Plan;
use super::groups::{Groups, Level};
use super::share::{Measure, Share};
use super::victims::InOrder;
use crate::evict::{Clearing, Seeker};
use crate::running::{Running, Sorting, Standing};

/// Runs of one group that a search looks at without finding one that the group can give.
const LOOKS_MAX: u32 = 64;

/// Placed jobs by group at the top, those that saved last first.
struct ByRoot(Level);

impl Sorting for ByRoot {
    fn standing(&self, draft: &Draft<'_>, id: JobId) -> Option<Standing> {
        let job = draft.state().job(id);
        let safe = job.saved_at.known().unwrap_or(job.placed);
        let root = self.0.root(draft, self.0.group(draft, job.spec.tenant));
        let place = i64::try_from(safe.0).map_or(i64::MIN, |safe| -safe);
        job.spec.preemptible.then_some((u64::from(root.0), place))
    }
}

/// A group that has more than its share.
struct Donor<I> {
    group: TenantId,
    held: Amounts,
    share: Share,
    runs: I,
}

/// The search for runs to stop.
#[derive(Debug, Default)]
pub(crate) struct Reclaim {
    running: Running,
    clearing: Clearing,
}

impl Reclaim {
    /// Catches up with the engine.
    pub(crate) fn sync(&mut self, draft: &Draft<'_>, level: Level) {
        self.running.sync(draft, &ByRoot(level));
    }

    /// Grows with every change of the runs.
    pub(crate) fn version(&self) -> u64 {
        self.running.version()
    }

    /// Stops runs of the groups with the largest shares until `job` of `group` has room, and takes its gang into the open
    /// placement. `false`, and nothing changed, where that would go too far.
    pub(crate) fn make_room(
        &mut self,
        plan: &Plan,
        groups: &Groups,
        draft: &mut Draft<'_>,
        group: TenantId,
        job: JobId,
    ) -> bool {
        let Plan { measure, level, placer, .. } = *plan;
        let up = draft.cluster().up();
        let weights: Vec<u32> = groups.roots.iter().map(|root| weight(draft, *root)).collect();
        let weight_of = |root: TenantId| groups.roots.binary_search(&root).map_or(1000, |at| weights[at]);
        let share = |held: Amounts, of: TenantId| measure.of(held, up, weight_of(of));
        let own = level.root(draft, group);
        let mine = groups.held(draft, level, own);
        let floor = share(mine.plus(draft.state().class_of(job).least), own);
        if floor <= share(mine, own) {
            return false;
        }
        let mut donors: Vec<_> = Vec::new();
        let mut gives = draft.cluster().free_gpu_milli() as f64;
        for (root, runs) in self.running.groups() {
            let group = TenantId(root as u32);
            let held = groups.held(draft, level, group);
            let share = share(held, group);
            if share > floor && group != own {
                let spare = (share.get() - floor.get()) * up.gpu_milli as f64 * f64::from(weight_of(group));
                gives += if measure == Measure::Gpus { spare } else { held.gpu_milli as f64 };
                donors.push(Donor { group, held, share, runs });
            }
        }
        // One thousandth of a GPU for what rounding may hide.
        if gives + 1.0 < draft.state().class_of(job).gpu_milli_min as f64 {
            return false;
        }
        let next = |draft: &Draft<'_>| {
            loop {
                let richest = donors.iter().enumerate().max_by_key(|(_, donor)| (donor.share, donor.group));
                let (at, _) = richest?;
                let donor = &mut donors[at];
                let gift = donor.runs.by_ref().take(LOOKS_MAX as usize).find_map(|(_, run)| {
                    let left = donor.held.minus(Amounts::held(&draft.state().job(run).placement));
                    let share = share(left, donor.group);
                    (share >= floor).then_some((run, left, share))
                });
                match gift {
                    Some((run, left, share)) => {
                        (donor.held, donor.share) = (left, share);
                        return Some(run);
                    }
                    None => drop(donors.swap_remove(at)),
                }
            }
        };
        let Ok(made) = self.clearing.make_room(draft, Seeker::anywhere(placer, job), &mut InOrder(next));
        made
    }
}

fn weight(draft: &Draft<'_>, tenant: TenantId) -> u32 {
    draft.state().tenants().get(tenant).terms.weight_milli
}
