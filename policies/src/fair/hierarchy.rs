//! H-DRF: dominant shares carried up the tree of tenants (Bhattacharya et al., 2013).
//!
//! A parent's consumption is the sum of its children's, each first scaled down to the least dominant share among those
//! that are not blocked. Blocked children (nothing waits, or what waits does not fit) count as they are. Without the two
//! rules a child that nobody competes with makes its parent look rich, and its siblings starve.

use engine::{Amounts, Draft, TenantId};

use super::groups::Groups;
use super::share::Share;

/// How consumption is carried up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recursion {
    /// With both rules.
    Rescaled,
    /// Plain sums: what goes wrong without the rules.
    Naive,
}

/// Children that hold nothing and wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Empty {
    /// They count: the least share is 0, and their parent goes first (the definition).
    Counted,
    /// They do not count for the least share (Volcano's `hdrf`).
    Skipped,
}

/// Shares of GPUs, CPU and memory.
type Consumption = [f64; 3];

/// The consumption of one part of a node: a child, or the jobs of the node itself.
#[derive(Clone, Copy, Debug)]
struct Part {
    consumption: Consumption,
    weight: f64,
    is_open: bool,
}

/// Shares of all tenants and of the jobs of each tenant itself, for one moment of a round.
#[derive(Debug, Default)]
pub(crate) struct Hierarchy {
    consumption: Vec<Consumption>,
    own: Vec<Consumption>,
    parts: Vec<Part>,
}

fn normalised(held: Amounts, up: Amounts) -> Consumption {
    let (held, up) = (held.values(), up.values());
    std::array::from_fn(|at| match (held[at], up[at]) {
        (0, _) | (_, u64::MAX) => 0.0,
        (_, 0) => f64::INFINITY,
        (held, up) => held as f64 / up as f64,
    })
}

fn dominant(consumption: Consumption) -> f64 {
    consumption.into_iter().fold(0.0, f64::max)
}

impl Part {
    /// Dominant share for the weight.
    fn share(&self) -> f64 {
        dominant(self.consumption) / self.weight
    }
}

impl Hierarchy {
    /// Computes all shares, from the leaves up: a parent has a lower id than its children.
    pub(crate) fn compute(&mut self, draft: &Draft<'_>, groups: &Groups, rules: (Recursion, Empty)) {
        let up = draft.cluster().up();
        self.consumption.clear();
        self.consumption.resize(groups.len(), [0.0; 3]);
        self.own.clear();
        self.own.resize(groups.len(), [0.0; 3]);
        for index in (0..groups.len()).rev() {
            let tenant = TenantId::new(index);
            let own = normalised(groups.own(draft, tenant), up);
            self.own[index] = own;
            self.parts.clear();
            self.parts.push(Part { consumption: own, weight: 1.0, is_open: !groups.lanes(tenant).is_empty() });
            for child in &groups.children[index] {
                let weight = f64::from(draft.state().tenants().get(*child).terms.weight_milli) / 1000.0;
                let consumption = self.consumption[child.index()];
                self.parts.push(Part { consumption, weight, is_open: groups.is_open(*child) });
            }
            self.consumption[index] = if self.parts.len() == 1 { own } else { sum(&self.parts, rules) };
        }
    }

    /// The share of a tenant with all below it.
    pub(crate) fn share(&self, draft: &Draft<'_>, tenant: TenantId) -> Share {
        let weight = f64::from(draft.state().tenants().get(tenant).terms.weight_milli) / 1000.0;
        Share::new(dominant(self.consumption[tenant.index()]) / weight)
    }

    /// The share of the jobs of a tenant itself.
    pub(crate) fn own_share(&self, tenant: TenantId) -> Share {
        Share::new(dominant(self.own[tenant.index()]))
    }
}

/// The consumption of a node of several parts.
fn sum(parts: &[Part], (recursion, empty): (Recursion, Empty)) -> Consumption {
    let counts = |part: &&Part| part.is_open && (empty == Empty::Counted || part.share() > 0.0);
    let least = parts.iter().filter(counts).map(Part::share).min_by(f64::total_cmp);
    let mut sum = [0.0; 3];
    for part in parts {
        let share = part.share();
        let scale = match least {
            Some(least) if recursion == Recursion::Rescaled && part.is_open && share > 0.0 => least / share,
            _ => 1.0,
        };
        for (sum, amount) in sum.iter_mut().zip(part.consumption) {
            *sum += amount * scale;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(consumption: Consumption, is_open: bool) -> Part {
        Part { consumption, weight: 1.0, is_open }
    }

    fn close(found: Consumption, expected: Consumption) -> bool {
        found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-12)
    }

    const RULES: (Recursion, Empty) = (Recursion::Rescaled, Empty::Counted);

    #[test]
    fn open_children_are_scaled_to_the_least_and_blocked_ones_are_not() {
        let parts = [part([0.5, 0.1, 0.0], true), part([0.0, 0.25, 0.0], true), part([0.0, 0.0, 0.75], false)];
        assert!(close(sum(&parts, RULES), [0.25, 0.3, 0.75]));
        assert!(close(sum(&parts, (Recursion::Naive, Empty::Counted)), [0.5, 0.35, 0.75]));
    }

    #[test]
    fn an_empty_child_counts_unless_it_is_skipped() {
        let parts = [part([0.5, 0.0, 0.0], true), part([0.0; 3], true)];
        assert!(close(sum(&parts, RULES), [0.0; 3]));
        assert!(close(sum(&parts, (Recursion::Rescaled, Empty::Skipped)), [0.5, 0.0, 0.0]));
    }

    #[test]
    fn weights_are_in_the_scale() {
        let heavy = Part { weight: 2.0, ..part([0.8, 0.0, 0.0], true) };
        assert!(close(sum(&[heavy, part([0.2, 0.0, 0.0], true)], RULES), [0.8 * 0.5 + 0.2, 0.0, 0.0]));
    }
}
