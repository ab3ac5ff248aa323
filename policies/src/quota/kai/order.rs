//! The order of queues (KAI, plugin `proportion`, queue order).

use std::cmp::Reverse;

use super::Ask;
use super::queues::{Queues, dominant};
use crate::quota::contest::Contest;
use crate::quota::topology::{NOWHERE, Topology};
use crate::quota::wide::{UNLIMITED, Wide, ZERO, any, exceeds, minus, plus};

/// How a queue stands among its siblings; the least goes first:
/// over its fair share; with its job over its deserved quota; the priority; with its job using what it has no share in; the
/// dominant share with its job, and without; the share that it may allocate: the smaller queue goes first.
pub(super) type Standing = (bool, bool, Reverse<i32>, bool, u64, u64, Wide);

/// Jobs in the order of the queues.
pub(super) type Order = Contest<Ask, Standing>;

/// Queues to take from: those that would go last go first.
pub(super) type Victims<V> = Contest<V, Reverse<Standing>>;

/// The standing of a queue that puts up a job which needs `need`.
pub(super) fn standing(queues: &Queues, topology: &Topology, node: u32, need: Wide) -> Standing {
    let queue = queues.get(node);
    let with = plus(queue.allocated, need);
    let allocatable = queue.allocatable();
    let zero_share = (0..3).any(|at| allocatable[at] == 0 && with[at] > 0);
    let total = match topology.parents[node as usize] {
        NOWHERE => UNLIMITED,
        parent => queues.get(parent).fair,
    };
    (
        any(exceeds(queue.allocated, queue.fair)),
        !queues.deserves(node, need),
        Reverse(queue.priority),
        zero_share,
        dominant(with, allocatable, total),
        dominant(queue.allocated, allocatable, total),
        allocatable,
    )
}

/// The standing of a queue that a run is taken from which holds `held`.
pub(super) fn standing_of_victim(queues: &Queues, topology: &Topology, node: u32, held: Wide) -> Reverse<Standing> {
    Reverse(standing(queues, topology, node, minus(ZERO, held)))
}
