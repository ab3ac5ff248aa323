//! The live world: real jobs on real GPUs behind the very loop that the simulator uses.
//!
//! ```text
//!   API, launcher, timers ──▶ LiveWorld::next ──▶ journal, synced ──▶ Core::step ──▶ LiveWorld::perform ──▶ Launcher
//! ```
//!
//! The clock, the network and the disk live here and nowhere else.

pub mod access;
pub mod api;
pub mod book;
pub mod calendar;
pub mod clock;
pub mod config;
mod diary;
pub mod gpus;
pub mod handle;
pub mod health;
pub mod inbox;
pub mod job_file;
pub mod launcher;
pub mod ledger;
pub mod machine;
pub mod metrics;
pub mod note;
pub mod rehearsal;
pub mod runs;
pub mod server;
pub mod shim;
pub mod signals;
pub mod store;
pub mod submission;
pub mod timers;
pub mod view;
pub mod world;
