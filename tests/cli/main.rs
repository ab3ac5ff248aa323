//! The command as its users meet it: whole outputs, exit codes, files.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panic, as tests do")]

mod access;
mod bad_input;
mod client;
mod compare;
mod contract;
mod custom_policy;
mod help;
mod journals;
mod live;
mod loop_closed;
mod reproduce;
mod saturate;
#[path = "../../executor/tests/api/yard.rs"]
#[allow(dead_code, clippy::panic, reason = "the tests of the API use the rest, and fail by panic")]
mod server;
mod simulate;
mod support;
mod tour;
mod traces;
