//! The live world: real jobs on real GPUs behind the very loop that the simulator uses.
//!
//! ```text
//!   API, launcher, timers ──▶ LiveWorld::next ──▶ journal, synced ──▶ Core::step ──▶ LiveWorld::perform ──▶ Launcher
//! ```
//!
//! The clock, the network and the disk live here and nowhere else.

pub mod job_file;
pub mod launcher;
pub mod runs;
pub mod shim;
