//! The simulator from outside: theory, naive schedulers and scripts against whole replays.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails loudly")]

mod bench;
mod closed_forms;
mod conservation;
mod conservative_property;
mod determinism;
mod easy_property;
mod fragmentation;
mod migration;
mod movers;
mod naive;
mod preemption;
#[path = "../chaos/restless.rs"]
mod restless;
mod rounds;
mod script;
mod script_language;
mod srpt;
mod variability;
