//! What a tenant or queue is entitled to: weight, quota, and how much it may borrow and lend.

use std::ops::{AddAssign, SubAssign};

use serde::{Deserialize, Serialize};

use crate::placement::Slice;

/// Amounts of the three things that quotas count. As a limit, `u64::MAX` means that there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Amounts {
    /// Thousandths of a GPU.
    pub gpu_milli: u64,
    /// Thousandths of a CPU core.
    pub cpu_milli: u64,
    /// Main memory in MiB.
    pub memory_mib: u64,
}

impl Amounts {
    /// Nothing.
    pub const ZERO: Self = Self { gpu_milli: 0, cpu_milli: 0, memory_mib: 0 };
    /// As a limit: none.
    pub const UNLIMITED: Self = Self { gpu_milli: u64::MAX, cpu_milli: u64::MAX, memory_mib: u64::MAX };

    /// What these slices hold.
    pub fn held(slices: &[Slice]) -> Self {
        let mut sum = Self::ZERO;
        for slice in slices {
            sum.gpu_milli += slice.gpu_milli();
            sum.cpu_milli += u64::from(slice.cpu_milli);
            sum.memory_mib += u64::from(slice.memory_mib);
        }
        sum
    }

    /// So many thousandths of a GPU, and as much of the rest as one likes.
    pub fn gpus_only(gpu_milli: u64) -> Self {
        Self { gpu_milli, ..Self::UNLIMITED }
    }

    /// Resource by resource.
    #[must_use]
    pub fn map2(self, other: Self, f: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            gpu_milli: f(self.gpu_milli, other.gpu_milli),
            cpu_milli: f(self.cpu_milli, other.cpu_milli),
            memory_mib: f(self.memory_mib, other.memory_mib),
        }
    }

    /// The sum; no limit stays no limit.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.map2(other, u64::saturating_add)
    }

    /// What is left of `self` after `other`, at least 0; no limit stays no limit.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.map2(other, |from, take| if from == u64::MAX { from } else { from.saturating_sub(take) })
    }

    /// The smaller of each.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        self.map2(other, u64::min)
    }

    /// Whether each is at most that of `limit`.
    pub fn within(self, limit: Self) -> bool {
        self.values().iter().zip(limit.values()).all(|(value, limit)| *value <= limit)
    }

    /// GPU, CPU, memory.
    pub fn values(self) -> [u64; 3] {
        [self.gpu_milli, self.cpu_milli, self.memory_mib]
    }
}

impl AddAssign for Amounts {
    fn add_assign(&mut self, other: Self) {
        *self = self.map2(other, |a, b| a + b);
    }
}

impl SubAssign for Amounts {
    /// What was never added cannot be taken away.
    fn sub_assign(&mut self, other: Self) {
        *self = self.map2(other, |a, b| a - b);
    }
}

/// One of the three things that quotas count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Resource {
    /// Thousandths of a GPU.
    Gpu,
    /// Thousandths of a CPU core.
    Cpu,
    /// MiB of main memory.
    Memory,
}

impl Resource {
    /// An amount in whole GPUs, cores or GiB, without the unit.
    pub fn number(self, amount: u64) -> f64 {
        let unit = if self == Self::Memory { 1024.0 } else { 1000.0 };
        amount as f64 / unit
    }

    /// The same with the unit.
    pub fn amount(self, amount: u64) -> String {
        let unit = match self {
            Self::Gpu => "GPUs",
            Self::Cpu => "cores",
            Self::Memory => "GiB",
        };
        format!("{} {unit}", self.number(amount))
    }
}

/// What a tenant is entitled to. Policies that know quotas read them here; they may change with time
/// ([`crate::Event::TermsChanged`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Weight among its siblings, in thousandths, at least 1: Slurm's shares, Kueue's `fairSharing.weight`, KAI's
    /// `overQuotaWeight`.
    pub weight_milli: u32,
    /// What it is sure of: Kueue's nominal quota, KAI's deserved quota. `None`: nobody has said.
    pub quota: Option<Amounts>,
    /// How much more than its quota it may use of what others leave. `None`: as much as there is.
    pub borrow: Option<Amounts>,
    /// How much of its unused quota others may use. `None`: all of it.
    pub lend: Option<Amounts>,
    /// The most that it may use, whatever others leave. `None`: no such limit.
    pub limit: Option<Amounts>,
    /// Higher goes first among siblings: KAI's queue priority, Slurm's partition tier.
    pub priority: i32,
}

impl Default for Terms {
    fn default() -> Self {
        Self { weight_milli: 1000, quota: None, borrow: None, lend: None, limit: None, priority: 0 }
    }
}
