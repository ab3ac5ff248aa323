//! Shares: how much of the cluster somebody holds for its weight.

use std::cmp::Ordering;

use engine::Amounts;

use super::hierarchy::{Empty, Recursion};

/// What is counted as the share of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// GPUs held (max-min fairness).
    Gpus,
    /// The largest of the shares of GPUs, CPU and memory (DRF; Ghodsi et al., NSDI 2011, section 4).
    Dominant,
    /// The dominant share, carried up the tree (H-DRF; Bhattacharya et al., 2013, section 4).
    Hierarchical(Recursion, Empty),
}

/// A share for a weight: 0 for nothing, 1 for the whole cluster at weight 1. It has a total order.
///
/// Quotients of exact integers: IEEE division rounds equal ratios to equal numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Share(f64);

impl Share {
    /// Of a number that is at least 0.
    pub(crate) fn new(share: f64) -> Self {
        Self(share)
    }

    /// The number.
    pub(crate) fn get(self) -> f64 {
        self.0
    }
}

impl PartialEq for Share {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Share {}

impl PartialOrd for Share {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Share {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Measure {
    /// D = max over resources of held / capacity / weight. Resources without a limit do not count. On a cluster that is
    /// all down, who holds anything has more than everything.
    pub(crate) fn of(self, held: Amounts, up: Amounts, weight_milli: u32) -> Share {
        let counted = if self == Self::Gpus { 1 } else { 3 };
        let ratio = |(held, up): (u64, u64)| match (held, up) {
            (0, _) | (_, u64::MAX) => 0.0,
            (_, 0) => f64::INFINITY,
            // Thousandths of weight: the share at weight 1 is a thousand times this, for all alike.
            _ => held as f64 / (up as f64 * f64::from(weight_milli)),
        };
        let ratios = held.values().into_iter().zip(up.values()).take(counted).map(ratio);
        Share(ratios.fold(0.0, f64::max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: Amounts = Amounts { gpu_milli: 8000, cpu_milli: 90_000, memory_mib: u64::MAX };

    #[test]
    fn the_dominant_resource_counts_and_one_without_a_limit_does_not() {
        let held = Amounts { gpu_milli: 2000, cpu_milli: 30_000, memory_mib: 1 << 40 };
        assert_eq!(Measure::Dominant.of(held, UP, 1), Share(1.0 / 3.0));
        assert_eq!(Measure::Gpus.of(held, UP, 1), Share(0.25));
        assert_eq!(Measure::Dominant.of(held, UP, 2), Share(30_000.0 / 180_000.0));
    }

    #[test]
    fn equal_ratios_are_equal_and_nothing_is_nothing() {
        let third = |milli, of| Measure::Gpus.of(Amounts::gpus_only(milli), Amounts { gpu_milli: of, ..UP }, 7);
        assert_eq!(third(1000, 3000), third(333_000, 999_000));
        assert_eq!(Measure::Dominant.of(Amounts::ZERO, Amounts::ZERO, 1000), Share(0.0));
        assert!(Measure::Gpus.of(Amounts::gpus_only(1), Amounts::ZERO, 1) > Share(1e300));
    }
}
