//! Between whom a policy is fair: the tree of tenants, its top, or all tenants side by side. And which of them still have
//! waiting jobs in a round.

use engine::{Amounts, Draft, TenantId};

/// Between whom a policy is fair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Between the children of each node of the tree, from the top down. Jobs of an inner node count as one more child
    /// of weight 1.
    Tree,
    /// Between top-level tenants.
    Top,
    /// Between all tenants that jobs name, side by side.
    Tenant,
}

/// The tree of groups, and the lanes of each that are still in the round.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    /// Groups without one above, and those below each.
    pub(crate) roots: Vec<TenantId>,
    pub(crate) children: Vec<Vec<TenantId>>,
    /// Tenants below each tenant, whatever the level.
    below: Vec<Vec<TenantId>>,
    /// Lanes of each group, and how many are in it and below it.
    lanes: Vec<Vec<u32>>,
    open: Vec<u32>,
}

impl Level {
    /// The group that a tenant belongs to.
    pub(crate) fn group(self, draft: &Draft<'_>, tenant: TenantId) -> TenantId {
        if self == Self::Top { draft.state().tenants().top(tenant) } else { tenant }
    }

    /// The group without one above that a group belongs to.
    pub(crate) fn root(self, draft: &Draft<'_>, group: TenantId) -> TenantId {
        if self == Self::Tree { draft.state().tenants().top(group) } else { group }
    }
}

impl Groups {
    /// Catches up with new tenants and takes all lanes out of the round.
    pub(crate) fn clear(&mut self, draft: &Draft<'_>, level: Level) {
        let tenants = draft.state().tenants();
        for index in self.below.len()..tenants.len() {
            let tenant = TenantId::new(index);
            let parent = tenants.get(tenant).parent;
            self.below.push(Vec::new());
            self.children.push(Vec::new());
            if let Some(parent) = parent {
                self.below[parent.index()].push(tenant);
            }
            match (level, parent) {
                (Level::Tree, Some(parent)) => self.children[parent.index()].push(tenant),
                (Level::Top, Some(_)) => {}
                _ => self.roots.push(tenant),
            }
        }
        self.lanes.resize(tenants.len(), Vec::new());
        self.lanes.iter_mut().for_each(Vec::clear);
        self.open.clear();
        self.open.resize(tenants.len(), 0);
    }

    /// Number of tenants.
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// A lane of `group` enters the round.
    pub(crate) fn enter(&mut self, draft: &Draft<'_>, level: Level, group: TenantId, lane: u32) {
        self.lanes[group.index()].push(lane);
        self.count(draft, level, group, |open| *open += 1);
    }

    /// Lanes of `group` for which `keep` is false leave the round.
    pub(crate) fn retain(&mut self, draft: &Draft<'_>, level: Level, group: TenantId, keep: impl FnMut(&u32) -> bool) {
        let before = self.lanes[group.index()].len();
        self.lanes[group.index()].retain(keep);
        let gone = (before - self.lanes[group.index()].len()) as u32;
        if gone > 0 {
            self.count(draft, level, group, |open| *open -= gone);
        }
    }

    fn count(&mut self, draft: &Draft<'_>, level: Level, group: TenantId, change: impl Fn(&mut u32)) {
        let depth = if level == Level::Tree { usize::MAX } else { 1 };
        for tenant in draft.state().tenants().ancestry(group).take(depth) {
            change(&mut self.open[tenant.index()]);
        }
    }

    /// The lanes of `group` itself that are in the round.
    pub(crate) fn lanes(&self, group: TenantId) -> &[u32] {
        &self.lanes[group.index()]
    }

    /// Whether `group` or a group below it has a lane in the round.
    pub(crate) fn is_open(&self, group: TenantId) -> bool {
        self.open[group.index()] > 0
    }

    /// What the jobs of `tenant` itself hold, without those below it.
    pub(crate) fn own(&self, draft: &Draft<'_>, tenant: TenantId) -> Amounts {
        let tenants = draft.state().tenants();
        let mut own = tenants.get(tenant).placed;
        for child in &self.below[tenant.index()] {
            own -= tenants.get(*child).placed;
        }
        own
    }

    /// What a group holds: a tenant side by side with those below it counts only its own.
    pub(crate) fn held(&self, draft: &Draft<'_>, level: Level, group: TenantId) -> Amounts {
        match level {
            Level::Tenant => self.own(draft, group),
            _ => draft.state().tenants().get(group).placed,
        }
    }

    /// Decayed usage of the jobs of a group at `now`: thousandths of a GPU x microseconds.
    pub(crate) fn usage(&self, draft: &Draft<'_>, level: Level, group: TenantId) -> u128 {
        let tenants = draft.state().tenants();
        let of = |tenant| tenants.usage(tenant, draft.now());
        let below: u128 = match level {
            Level::Tenant => self.below[group.index()].iter().map(|child| of(*child)).sum(),
            _ => 0,
        };
        of(group).saturating_sub(below)
    }

    /// Groups that have lanes of their own in the round.
    pub(crate) fn with_lanes(&self) -> impl Iterator<Item = TenantId> + '_ {
        self.lanes.iter().enumerate().filter(|(_, lanes)| !lanes.is_empty()).map(|(at, _)| TenantId::new(at))
    }
}
