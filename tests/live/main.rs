//! A server as its users run it: the command, real programs, restarts, and what its state folder tells afterwards.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails loudly, and says what it measured"
)]

mod fidelity;
mod nodes;
mod refusals;
mod rotations;
mod server;
#[path = "../cli/support.rs"]
#[allow(dead_code, reason = "the tests of the command use the rest")]
mod support;
