//! Fair Tree: users ranked depth first, the best served account last (Cox and Morrison;
//! <https://slurm.schedmd.com/fair_tree.html>).

use engine::decay::ONE;
use engine::{TenantId, Tenants, Time};

/// The fair-share factor of every tenant, as a fixed-point number with [`engine::decay::BITS`] fraction bits.
///
/// Level fair share LF = S / U among siblings: S the shares of one over those of all, U its usage over that of all; without
/// usage infinity. The tree is walked depth first, the highest LF first. Users, tenants without anybody below them, are
/// ranked as they are met, and F = rank / users, the first being 1. Ties: sibling users of one LF have one rank; a user has
/// the rank of the best user of an account of its LF; accounts of one LF are walked as one. Jobs that are charged to an
/// account itself rank with its best user.
pub fn fair_tree(tenants: &Tenants, now: Time) -> Vec<u64> {
    let mut walk = Walk::new(tenants, now);
    let top = std::mem::take(&mut walk.top);
    walk.visit(&top, false);
    for at in (0..tenants.len()).rev() {
        if let Some(parent) = tenants.get(TenantId::new(at)).parent {
            walk.factors[parent.index()] = walk.factors[parent.index()].max(walk.factors[at]);
        }
    }
    walk.factors
}

struct Walk {
    children: Vec<Vec<TenantId>>,
    top: Vec<TenantId>,
    level: Vec<f64>,
    factors: Vec<u64>,
    users: u64,
    /// The rank of the last user.
    rank: u64,
    /// What the rank of the next user is if it is tied with nobody.
    next: u64,
}

impl Walk {
    fn new(tenants: &Tenants, now: Time) -> Self {
        let (mut children, mut top) = (vec![Vec::new(); tenants.len()], Vec::new());
        for at in 0..tenants.len() {
            let id = TenantId::new(at);
            tenants.get(id).parent.map_or(&mut top, |parent| &mut children[parent.index()]).push(id);
        }
        let mut level = vec![0.0; tenants.len()];
        for siblings in children.iter().chain([&top]) {
            level_shares(tenants, now, siblings, &mut level);
        }
        let users = children.iter().filter(|below| below.is_empty()).count() as u64;
        Self { children, top, level, factors: vec![0; tenants.len()], users, rank: users, next: users }
    }

    fn is_user(&self, tenant: TenantId) -> bool {
        self.children[tenant.index()].is_empty()
    }

    fn level(&self, tenant: TenantId) -> f64 {
        self.level[tenant.index()]
    }

    /// Ranks the users among and below `siblings`; `tied`: the first of them is level with the last user.
    /// As deep as the tree of tenants.
    fn visit(&mut self, siblings: &[TenantId], mut tied: bool) {
        let mut sorted = siblings.to_vec();
        sorted.sort_by(|a, b| {
            let users_first = self.is_user(*b).cmp(&self.is_user(*a));
            self.level(*b).total_cmp(&self.level(*a)).then(users_first).then(a.cmp(b))
        });
        let mut at = 0;
        while at < sorted.len() {
            let level = self.level(sorted[at]);
            let same = sorted[at..].iter().take_while(|other| self.level(**other).total_cmp(&level).is_eq()).count();
            let group = &sorted[at..at + same];
            let users = group.iter().take_while(|tenant| self.is_user(**tenant)).count();
            for user in &group[..users] {
                self.give_rank(*user, tied);
                tied = true;
            }
            let below: Vec<TenantId> =
                group[users..].iter().flat_map(|account| self.children[account.index()].iter().copied()).collect();
            if !below.is_empty() {
                self.visit(&below, tied);
            }
            tied = false;
            at += same;
        }
    }

    fn give_rank(&mut self, user: TenantId, tied: bool) {
        if !tied {
            self.rank = self.next;
        }
        self.next -= 1;
        self.factors[user.index()] = (u128::from(self.rank) * u128::from(ONE) / u128::from(self.users)) as u64;
    }
}

/// LF of each of `siblings`.
fn level_shares(tenants: &Tenants, now: Time, siblings: &[TenantId], level: &mut [f64]) {
    let weight = |id: &TenantId| f64::from(tenants.get(*id).terms.weight_milli);
    let usage = |id: &TenantId| tenants.usage(*id, now) as f64;
    let (weights, usages): (f64, f64) = (siblings.iter().map(weight).sum(), siblings.iter().map(usage).sum());
    for id in siblings {
        let used = if usages > 0.0 { usage(id) / usages } else { 0.0 };
        level[id.index()] = (weight(id) / weights) / used;
    }
}
