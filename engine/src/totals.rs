//! Sums that the engine keeps up to date.

use serde::{Deserialize, Serialize};

use crate::solves::Solves;

/// Totals that would be slow to count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Jobs in the phase Ready.
    pub ready: u64,
    /// Jobs that have not ended.
    pub open: u64,
    /// Jobs that are placed and whose launch is ordered, draining ones included.
    pub launched: u64,
    /// Thousandths of a GPU that those hold.
    pub held_milli: u64,
    /// Starts, preemptions and rejections so far.
    pub decisions: u64,
    /// Facts taken in so far.
    pub events: u64,
    /// Work that was lost in preemptions, failures and node losses: thousandths of a GPU x microseconds.
    pub lost_milli_micros: u128,
    /// What runs that were told to stop held while they saved, and made no progress: the same unit.
    pub saving_milli_micros: u128,
    /// What became of the programs that the policy had solved.
    pub solves: Solves,
}
