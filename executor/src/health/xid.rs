//! What the error numbers of the driver mean. Source: NVIDIA's catalogue of Xid errors (docs.nvidia.com/deploy/xid-errors); the
//! errors of applications are those that NVIDIA's device plugin for Kubernetes does not count against a GPU.

use super::Effect;

/// What is done about an error, and what it is in words where it is a known one.
pub(super) fn meaning(xid: u64) -> (Effect, Option<&'static str>) {
    match xid {
        13 => (Effect::Note, Some("graphics engine exception, mostly of the application")),
        31 => (Effect::Note, Some("memory page fault of the application")),
        43 => (Effect::Note, Some("reset of a channel of the application")),
        45 => (Effect::Note, Some("clean-up after an application")),
        68 => (Effect::Note, Some("video processor exception of the application")),
        109 => (Effect::Note, Some("context switch timeout of the application")),
        63 => (Effect::Note, Some("a row of memory was remapped")),
        92 => (Effect::Note, Some("many memory errors that could be corrected")),
        94 => (Effect::Note, Some("a memory error that only its application felt")),
        48 => (Effect::DrainAndRequeue, Some("double bit memory error")),
        62 => (Effect::Drain, Some("internal microcontroller halt")),
        64 => (Effect::Drain, Some("a row of memory could not be remapped")),
        74 => (Effect::Drain, Some("NVLink error")),
        79 => (Effect::DrainAndRequeue, Some("the GPU has fallen off the bus")),
        95 => (Effect::DrainAndRequeue, Some("a memory error that could not be contained")),
        119 | 120 => (Effect::Drain, Some("the system processor of the GPU does not answer")),
        // What nobody knows is rather taken for a fault of the GPU than given to the next job.
        _ => (Effect::Drain, None),
    }
}
