//! The tree of tenants and what each has used lately.

use serde::{Deserialize, Serialize};

use crate::decay;
use crate::ids::TenantId;
use crate::terms::{Amounts, Terms};
use crate::time::{Span, Time};

/// A node of the tenant tree: organisation, team or user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tenant {
    /// Name among its siblings.
    pub name: String,
    /// The node above.
    pub parent: Option<TenantId>,
    /// What it is entitled to.
    pub terms: Terms,
    /// Distance from the top: 0 for a top-level tenant.
    pub depth: u32,
    /// Thousandths of a GPU held now, by this node and all below it.
    pub held_milli: u64,
    /// Held by its jobs that are placed, claims included and draining runs not: what a quota counts. An open draft counts
    /// its own starts and preemptions.
    pub placed: Amounts,
    /// Decayed usage at `updated`: thousandths of a GPU x microseconds.
    usage: u128,
    updated: Time,
}

/// All tenants.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tenants {
    table: Vec<Tenant>,
    /// `None`: usage does not decay.
    half_life: Option<Span>,
}

impl Tenants {
    pub(crate) fn new(half_life: Option<Span>) -> Self {
        Self { table: Vec::new(), half_life }
    }

    /// Usage decays by another half-life from its last change on.
    pub(crate) fn set_half_life(&mut self, half_life: Option<Span>) {
        self.half_life = half_life;
    }

    pub(crate) fn declare(&mut self, name: String, parent: Option<TenantId>, weight_milli: u32, now: Time) {
        let depth = parent.map_or(0, |parent| self.table[parent.index()].depth + 1);
        let terms = Terms { weight_milli, ..Terms::default() };
        let placed = Amounts::ZERO;
        self.table.push(Tenant { name, parent, terms, depth, held_milli: 0, placed, usage: 0, updated: now });
    }

    /// Number of tenants.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// One tenant.
    pub fn get(&self, tenant: TenantId) -> &Tenant {
        &self.table[tenant.index()]
    }

    /// The tenant and the nodes above it, from itself to the top.
    pub fn ancestry(&self, tenant: TenantId) -> impl Iterator<Item = TenantId> + '_ {
        std::iter::successors(Some(tenant), |tenant| self.get(*tenant).parent)
    }

    /// The top-level tenant above `tenant`, or itself.
    pub fn top(&self, tenant: TenantId) -> TenantId {
        self.ancestry(tenant).last().unwrap_or(tenant)
    }

    /// Full path such as `org/team/user`.
    pub fn path(&self, tenant: TenantId) -> String {
        let mut names: Vec<&str> = self.ancestry(tenant).map(|tenant| self.get(tenant).name.as_str()).collect();
        names.reverse();
        names.join("/")
    }

    /// Decayed usage at `now`: thousandths of a GPU x microseconds.
    pub fn usage(&self, tenant: TenantId, now: Time) -> u128 {
        let entry = self.get(tenant);
        decay::advance(entry.usage, entry.held_milli, now.since(entry.updated), self.half_life)
    }

    pub(crate) fn set_terms(&mut self, tenant: TenantId, terms: Terms) {
        self.table[tenant.index()].terms = terms;
    }

    /// A job of `tenant` is placed.
    pub(crate) fn add_placed(&mut self, tenant: TenantId, amounts: Amounts) {
        self.each_above(tenant, |entry| entry.placed += amounts);
    }

    /// It no longer is.
    pub(crate) fn take_placed(&mut self, tenant: TenantId, amounts: Amounts) {
        self.each_above(tenant, |entry| entry.placed -= amounts);
    }

    fn each_above(&mut self, tenant: TenantId, change: impl Fn(&mut Tenant)) {
        let mut at = Some(tenant);
        while let Some(tenant) = at {
            let entry = &mut self.table[tenant.index()];
            change(entry);
            at = entry.parent;
        }
    }

    /// From `now` on `tenant` and all nodes above it hold `milli` thousandths of a GPU more.
    pub(crate) fn hold(&mut self, tenant: TenantId, milli: u64, now: Time) {
        self.settle(tenant, now, |entry| entry.held_milli += milli);
    }

    /// From `now` on they hold `milli` less.
    pub(crate) fn release(&mut self, tenant: TenantId, milli: u64, now: Time) {
        self.settle(tenant, now, |entry| entry.held_milli -= milli);
    }

    fn settle(&mut self, tenant: TenantId, now: Time, change: impl Fn(&mut Tenant)) {
        let half_life = self.half_life;
        self.each_above(tenant, |entry| {
            entry.usage = decay::advance(entry.usage, entry.held_milli, now.since(entry.updated), half_life);
            entry.updated = now;
            change(entry);
        });
    }
}
