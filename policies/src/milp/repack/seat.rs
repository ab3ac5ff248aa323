//! The GPUs of a node that a task takes so that least is fragmented after it.

use engine::TaskRequest;

use crate::fragmentation::{GpuChoice, NodeRoom, Workload};

/// Where one task sits, and F of the node with it, in thousandths of a GPU x weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seat {
    pub(super) choice: GpuChoice,
    pub(super) fragmentation: u64,
}

/// The seat of least fragmentation; the first GPU of equals. `None` when the task does not fit.
pub(super) fn best(workload: &Workload, room: &NodeRoom, request: &TaskRequest) -> Option<Seat> {
    if !room.fits(request) {
        return None;
    }
    let seats = room.choices(request).filter_map(|choice| {
        let mut with = room.clone();
        with.take(request, choice)?;
        Some(Seat { choice, fragmentation: workload.fragmentation(&with) })
    });
    seats.min_by_key(|seat| seat.fragmentation)
}
