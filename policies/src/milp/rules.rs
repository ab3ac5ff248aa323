//! What the policy `milp` may do.

use super::repack::Repack;
use super::solver::Limits;
use crate::place::Placer;

/// The knobs of the policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Where tasks go while nothing is stranded: the greedy plan.
    pub greedy: Placer,
    /// Which tasks are to be expected.
    pub expected: crate::fragmentation::Expected,
    /// Jobs that are looked at together.
    pub batch: usize,
    /// When the solver of a batch stops.
    pub limits: Limits,
    /// Moves of running jobs, if any are allowed.
    pub repack: Option<Repack>,
    /// Runs change places without a waiting job when starts have stranded so many thousandths of a GPU since the last time.
    pub strand_milli: u64,
    /// Nodes that one re-packing looks at.
    pub nodes_max: usize,
}
