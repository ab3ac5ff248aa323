//! Placed jobs by tenant, those that go first at the head, as a cache that follows the change log of the engine.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use engine::{Amounts, Draft, JobId, TenantId, Time};

/// Order among the placed jobs of one tenant: the lowest priority first, in it the one placed last (Kueue, Preemption,
/// "Candidates"; KAI, preempt).
pub(crate) type Place = (i32, Reverse<Time>, Reverse<JobId>);

/// What is known about a placed job.
#[derive(Clone, Copy, Debug)]
struct Entry {
    tenant: TenantId,
    place: Place,
    preemptible: bool,
    held: Amounts,
}

/// Placed jobs.
#[derive(Debug, Default)]
pub(crate) struct Placed {
    seen: u64,
    entries: Vec<Option<Entry>>,
    /// Those that may be preempted.
    by_tenant: Vec<BTreeSet<Place>>,
    /// What they hold, and how many hold that: few kinds, as jobs are of few sizes.
    kinds: Vec<BTreeMap<Amounts, u32>>,
    /// What the others hold.
    fixed: Vec<Amounts>,
}

impl Placed {
    /// Catches up with the engine.
    pub(crate) fn sync(&mut self, draft: &Draft<'_>) {
        let changes = draft.state().changes_since(self.seen);
        if changes.anew {
            *self = Self::default();
        }
        for job in changes.jobs {
            self.refile(draft, job);
        }
        self.seen = changes.end;
        self.make_room(draft.state().tenants().len());
    }

    fn make_room(&mut self, tenants: usize) {
        self.by_tenant.resize_with(tenants, BTreeSet::new);
        self.kinds.resize_with(tenants, BTreeMap::new);
        self.fixed.resize(tenants, Amounts::ZERO);
    }

    fn refile(&mut self, draft: &Draft<'_>, id: JobId) {
        self.make_room(draft.state().tenants().len());
        if self.entries.len() <= id.index() {
            self.entries.resize(id.index() + 1, None);
        }
        if let Some(entry) = self.entries[id.index()].take() {
            if entry.preemptible {
                self.by_tenant[entry.tenant.index()].remove(&entry.place);
                let kinds = &mut self.kinds[entry.tenant.index()];
                match kinds.get_mut(&entry.held) {
                    Some(count) if *count > 1 => *count -= 1,
                    _ => drop(kinds.remove(&entry.held)),
                }
            } else {
                self.fixed[entry.tenant.index()] -= entry.held;
            }
        }
        let job = draft.state().job(id);
        if !job.is_placed() {
            return;
        }
        let (tenant, preemptible) = (job.spec.tenant, job.spec.preemptible);
        let place = (job.spec.priority, Reverse(job.placed), Reverse(id));
        let held = Amounts::held(&job.placement);
        if preemptible {
            self.by_tenant[tenant.index()].insert(place);
            *self.kinds[tenant.index()].entry(held).or_insert(0) += 1;
        } else {
            self.fixed[tenant.index()] += held;
        }
        self.entries[id.index()] = Some(Entry { tenant, place, preemptible, held });
    }

    /// Jobs of `tenant` that may be preempted, those that go first at the head.
    pub(crate) fn of(&self, tenant: TenantId) -> impl Iterator<Item = Place> + '_ {
        self.by_tenant[tenant.index()].iter().copied()
    }

    /// What these jobs hold, each amount once.
    pub(crate) fn kinds(&self, tenant: TenantId) -> impl Iterator<Item = Amounts> + '_ {
        self.kinds[tenant.index()].keys().copied()
    }

    /// What the jobs of `tenant` hold that may not be preempted.
    pub(crate) fn fixed(&self, tenant: TenantId) -> Amounts {
        self.fixed[tenant.index()]
    }
}
